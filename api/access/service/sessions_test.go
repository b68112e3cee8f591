package service

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	pb "nightjar/api/v1"

	"nightjar/api/access"
	"nightjar/api/access/signin"
	"nightjar/objects"
	"nightjar/objects/objectstest"
	"nightjar/schema"
)

// TestWhoSeesAndEndsWhichSessions: their own, or everybody's, who manages keys.
func TestWhoSeesAndEndsWhichSessions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.json")
	text := `{"h1":{"id":"S1","name":"ann","role":"analyst","provider":"https://idp","begun":1,"expires":9000000000000},
		"h2":{"id":"S2","name":"ann","role":"analyst","provider":"https://idp","begun":2,"expires":9000000000000},
		"h3":{"id":"S3","name":"ann","role":"analyst","provider":"https://other","begun":3,"expires":9000000000000},
		"h4":{"id":"S4","name":"bob","role":"reader","provider":"https://idp","begun":4,"expires":9000000000000},
		"h5":{"id":"S5","name":"ann","role":"analyst","provider":"https://idp","begun":5,"expires":6}}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	users := signin.NewUsers(objects.New(signin.Kind(func(string) bool { return true }), &objectstest.Table{}, time.Now), func() schema.Millis { return 0 })
	open, err := signin.OpenSessions(path, users, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	s := &sessions{sessions: open}
	seen := func(c access.Caller) (ids []string) {
		out, err := s.ListSessions(access.With(t.Context(), c), &pb.ListSessionsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range out.GetSessions() {
			id := v.GetId()
			if v.GetCurrent() {
				id += "!"
			}
			ids = append(ids, id)
		}
		return ids
	}
	ann := access.Caller{ID: "S1", Name: "ann", Role: access.Analyst, Kind: access.WithSession}
	admin := access.Caller{ID: "k", Name: "S1", Role: access.Admin, Kind: access.WithKey}
	for _, x := range []struct {
		who  access.Caller
		want []string
	}{
		{ann, []string{"S2", "S1!"}}, {admin, []string{"S4", "S3", "S2", "S1"}},
		{access.Caller{ID: "S1", Name: "ann", Role: access.Analyst, Kind: access.WithKey}, nil}, // a key whose id is as a session's
	} {
		if got := seen(x.who); !slices.Equal(got, x.want) {
			t.Errorf("%+v sees %v, want %v", x.who, got, x.want)
		}
	}
	end := func(c access.Caller, id string) error {
		_, err := s.EndSession(access.With(context.WithoutCancel(t.Context()), c), &pb.EndSessionRequest{SessionId: id})
		return err
	}
	for _, id := range []string{"S3", "S4", "bob", ""} {
		if err := end(ann, id); !errors.As(err, new(*schema.NotFoundError)) {
			t.Errorf("ann ends %q: %v", id, err)
		}
	}
	if err := errors.Join(end(ann, "S2"), end(admin, "S4")); err != nil || fmt.Sprint(seen(admin)) != "[S3 S1]" {
		t.Errorf("%v, and left are %v", err, seen(admin))
	}
}
