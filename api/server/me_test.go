package server

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"testing"

	"google.golang.org/grpc/metadata"

	pb "nightjar/api/v1"

	"nightjar/api/access"
)

// me is the answer of GET /api/nightjar/v1/me.
type me struct {
	Name, Role, Kind string
	Permissions      []string
}

func askMe(t *testing.T, s *Server, key string) (int, me) {
	t.Helper()
	code, text := call(t, s, "GET", "/api/nightjar/v1/me", "", "DD-API-KEY", key)
	var out me
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return code, out
}

// TestWhoCallsIsToldWhatTheyMay compares with mayWhat, and over gRPC with the same.
func TestWhoCallsIsToldWhatTheyMay(t *testing.T) {
	w := newWorld()
	s := w.start(t)
	conn := dial(t, s)
	for _, p := range everybody(t, w) {
		code, got := askMe(t, s, p.key)
		if want := p.expects(access.Known); want != 0 {
			if code != want || got.Role != "" || len(got.Permissions) > 0 {
				t.Errorf("%s: %d %+v, want %d and nothing", p.name, code, got, want)
			}
			continue
		}
		want := []string{}
		for _, need := range slices.Sorted(maps.Keys(mayWhat)) {
			if slices.Contains(mayWhat[need], p.role) {
				want = append(want, string(need))
			}
		}
		if code != http.StatusOK || got.Name != nameOf(p) || got.Role != string(p.role) || got.Kind != "key" || !slices.Equal(got.Permissions, want) {
			t.Errorf("%s: %d %+v, want the permissions %v", p.name, code, got, want)
		}
		over, err := pb.NewCallerServiceClient(conn).GetCaller(metadata.AppendToOutgoingContext(t.Context(), "dd-api-key", p.key), &pb.GetCallerRequest{})
		if err != nil || over.GetRole() != got.Role || !slices.Equal(over.GetPermissions(), want) {
			t.Errorf("%s over gRPC: %v %v", p.name, over, err)
		}
	}
}

// nameOf is what the person's key is called.
func nameOf(p someone) string {
	if p.key == testKey {
		return "first key"
	}
	return p.name
}

// TestAnAgentsOwnKeyIsToldLess: it fetches its own policies, not all of them.
func TestAnAgentsOwnKeyIsToldLess(t *testing.T) {
	w := newWorld()
	s := w.start(t)
	_, key, err := w.guard().Keys.Create(t.Context(), access.Key{Name: "agent of web-1", Role: access.Agent, Agent: "a-1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, got := askMe(t, s, key); !slices.Equal(got.Permissions, []string{"agents:sync", "events:write", "known"}) {
		t.Errorf("%+v", got)
	}
}
