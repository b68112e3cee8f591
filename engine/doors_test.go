package engine

import (
	"maps"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"google.golang.org/grpc"

	"nightjar/api"
	"nightjar/api/access"
	"nightjar/ingest"
	"nightjar/ingest/elastic"
	"nightjar/ingest/hec"
	"nightjar/ingest/ingesttest"
)

// silent is a body whose sender has stalled.
type silent struct{}

func (silent) Read([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }

// TestWhoStallsMaySendAgainAtEveryDoor: a body that did not come is not refused for
// ever by any protocol; many senders give up on what begins with 4.
func TestWhoStallsMaySendAgainAtEveryDoor(t *testing.T) {
	in := ingesttest.Start(t, t.TempDir())
	doors, _ := newDoors(in.Intake)
	bulk, err := elastic.New(ingest.NewHandler(in.Intake), "")
	if err != nil {
		t.Fatal(err)
	}
	doors["/_bulk"] = bulk
	for _, c := range []struct {
		path, kind string
		status     int
	}{
		{"/api/v2/logs", "application/json", 408},
		{"/ingest", "application/json", 503},
		{"/_bulk", "application/x-ndjson", 503},
		{hec.Path, "application/json", 503},
		{"/v1/logs", "application/json", 503},
		{"/loki/api/v1/push", "application/json", 503},
		{"/upload", "application/vnd.fdo.journal", 503},
		{"/k8s/audit", "application/json", 408}, // which sends again whatever the answer
	} {
		r := httptest.NewRequest("POST", c.path, silent{})
		r.Header.Set("Content-Type", c.kind)
		w := httptest.NewRecorder()
		doors[c.path].ServeHTTP(w, r)
		if w.Code != c.status || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "send it again") {
			t.Errorf("%s: %d %v %s, want %d", c.path, w.Code, w.Header(), w.Body, c.status)
		}
	}
}

// TestEveryDoorHasARow of the table that says who may do what: what is no protocol of an
// intake is in the table of routes, and every service of others' protocols is there.
func TestEveryDoorHasARow(t *testing.T) {
	in := ingesttest.Start(t, t.TempDir())
	doors, services := newDoors(in.Intake)
	maps.Copy(doors, (&engine{}).ownRoutes())
	for pattern, h := range doors {
		if _, isDoor := h.(api.Door); !isDoor && access.OfRoute(pattern).Need == "" {
			t.Errorf("%s has no row: nobody may call it", pattern)
		}
	}
	server := grpc.NewServer()
	for _, register := range services {
		register(server)
	}
	for name, service := range server.GetServiceInfo() {
		for _, m := range service.Methods {
			if e, ok := access.OfMethod("/" + name + "/" + m.Name); !ok || e.Need != access.WriteEvents {
				t.Errorf("/%s/%s: %+v", name, m.Name, e)
			}
		}
	}
}
