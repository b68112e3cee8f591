package operations

import (
	"context"
	"errors"
	"testing"
	"time"

	"nightjar/api"
	"nightjar/api/access"
	pb "nightjar/api/v1"
	"nightjar/configuration"
	"nightjar/configuration/outbound"
	"nightjar/objects"
	"nightjar/objects/objectstest"
	"nightjar/schema"
)

// noLists is what keeps no list.
type noLists struct{ ThreatLists }

func (noLists) Refresh(string)                     {}
func (noLists) States() map[string]ThreatListState { return nil }

// TestWhoNamesASecretInAList may have it sent there (as notification targets).
func TestWhoNamesASecretInAList(t *testing.T) {
	name, place, err := outbound.ParsePlace("feed=https://feeds.example/")
	if err != nil {
		t.Fatal(err)
	}
	s := &ThreatIntelService{
		Store: objects.New(configuration.ThreatLists, &objectstest.Table{}, time.Now), Lists: noLists{},
		Secrets: outbound.Secrets{Dir: t.TempDir(), Places: map[string][]outbound.Place{name: {place}}},
	}
	as := func(role access.Role) context.Context {
		return access.With(t.Context(), access.Caller{ID: "k", Name: "k", Role: role, Kind: access.WithKey})
	}
	list := func(name, url, secret string) *pb.ThreatList {
		return &pb.ThreatList{Name: name, Url: url, Headers: map[string]string{"Authorization": "secret:" + secret}}
	}
	create := func(role access.Role, in *pb.ThreatList) (*pb.ThreatList, error) {
		return s.CreateThreatList(as(role), &pb.CreateThreatListRequest{List: in})
	}
	isDenied := func(err error) bool {
		var refused *api.Error
		return errors.As(err, &refused) && refused.Code == api.CodePermissionDenied
	}
	if _, err := create(access.Engineer, list("said", "https://feeds.example/a", "feed")); err != nil {
		t.Errorf("where the operator lets it go: %v", err)
	}
	for _, role := range []access.Role{access.Engineer, access.Admin} {
		if _, err := create(role, list("elsewhere", "https://mallory.example/a", "feed")); !errors.As(err, new(*schema.InvalidError)) {
			t.Errorf("%s, elsewhere: %v", role, err)
		}
	}
	if _, err := create(access.Engineer, list("unsaid", "https://feeds.example/a", "other")); !isDenied(err) {
		t.Errorf("a secret of which nothing is said: %v", err)
	}
	made, err := create(access.Admin, list("unsaid", "https://feeds.example/a", "other"))
	if err != nil {
		t.Fatal(err)
	}
	change := func(in *pb.ThreatList) error {
		_, err := s.UpdateThreatList(as(access.Engineer), &pb.UpdateThreatListRequest{ListId: made.GetId(), List: in})
		return err
	}
	often := list("unsaid", "https://feeds.example/a", "other")
	often.Refresh = "5m"
	if err := change(often); err != nil {
		t.Errorf("a change that keeps the address: %v", err)
	}
	if err := change(list("unsaid", "https://mallory.example/a", "other")); !isDenied(err) {
		t.Errorf("a change of the address: %v", err)
	}
}
