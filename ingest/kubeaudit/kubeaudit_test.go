package kubeaudit

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"nightjar/ingest"
	"nightjar/ingest/ingesttest"
)

func event(id, stage, at string) string {
	return fmt.Sprintf(`{"level":"Metadata","auditID":%q,"stage":%q,"requestURI":"/api/v1/pods","verb":"list","user":{"username":"u1"},"sourceIPs":["192.0.2.1"],"objectRef":{"resource":"pods"},"responseStatus":{"code":200},"requestReceivedTimestamp":"2026-05-01T11:59:58.5Z","stageTimestamp":%q}`, id, stage, at)
}

func list(events ...string) string {
	return `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[` + strings.Join(events, ",") + `]}`
}

const at = "2026-05-01T11:59:59.123000Z"

// TestAnEventIsTakenOnceInEachOfItsStages sends events again, in batches cut anew.
func TestAnEventIsTakenOnceInEachOfItsStages(t *testing.T) {
	in := ingesttest.Start(t, t.TempDir())
	door := NewDoor(ingest.NewHandler(in.Intake))
	for _, body := range []string{
		list(event("a", "RequestReceived", at), event("a", "ResponseComplete", at)),
		list(event("a", "RequestReceived", at), event("a", "ResponseComplete", at)),
		list(event("a", "ResponseComplete", at), event("b", "ResponseComplete", at)),
		strings.Replace(event("b", "ResponseComplete", at), "{", `{"kind":"Event",`, 1),
		list(),
	} {
		if got := ingesttest.Send(door, "POST", "/k8s/audit?timeout=30s", body, "Content-Type", "application/json"); got.Code != 200 || got.Body.Len() > 0 {
			t.Errorf("%d %s", got.Code, got.Body)
		}
	}
	events := in.Events()
	if len(events) != 3 {
		t.Fatalf("%d events, want 3", len(events))
	}
	e := events[0]
	if e.Source != "kubernetes.audit" || e.Service != "kube-apiserver" || e.Host != "" || e.Status != "info" || e.At.Time() != ingesttest.Now.Add(-time.Second+123*time.Millisecond) {
		t.Errorf("%+v", e)
	}
	// What the pipeline makes of it stands behind the record, which is as it came.
	if want := strings.TrimSuffix(event("a", "RequestReceived", at), "}"); !strings.HasPrefix(e.JSON, want+`,"`) || !e.Has("evt.name") {
		t.Errorf("\n got %s\nwant %s…", e.JSON, want)
	}
}

// TestAnEventWithoutItsStagesTimeHappenedWhenTheRequestCame, and one whose time can't
// be read is taken all the same.
func TestAnEventWithoutItsStagesTimeHappenedWhenTheRequestCame(t *testing.T) {
	in := ingesttest.Start(t, t.TempDir())
	door := NewDoor(ingest.NewHandler(in.Intake))
	ingesttest.Send(door, "POST", "/k8s/audit", list(event("a", "Panic", ""), `{"stage":"Panic","stageTimestamp":"soon"}`))
	events := in.Events()
	if len(events) != 2 || events[0].At.Time() != ingesttest.Now.Add(-1500*time.Millisecond) || events[1].At.Time() != ingesttest.Now {
		t.Errorf("%+v", events)
	}
}

func TestRefusalsAreThoseOfAnAPIServer(t *testing.T) {
	in := ingesttest.Start(t, t.TempDir(), func(d *ingest.Deps) { d.Config.MaxBacklog = 1 })
	door := NewDoor(ingest.NewHandler(in.Intake))
	for _, c := range []struct {
		body, says string
		status     int
	}{
		{list(event("a", "Panic", at)), "quota of disk", 429},
		{`{"kind":"PodList","items":[]}`, "want an EventList of audit.k8s.io", 400},
		{list("7"), "event 0 at", 400},
		{"{\n\"kind\": }", "(line 2, column 9)", 400},
	} {
		got := ingesttest.Send(door, "POST", "/k8s/audit", c.body)
		var status struct{ Kind, Status, Message string }
		if err := json.Unmarshal(got.Body.Bytes(), &status); err != nil || got.Code != c.status || status.Kind != "Status" || !strings.Contains(status.Message, c.says) {
			t.Errorf("%.40s: %d %s, want %d with %s", c.body, got.Code, got.Body, c.status, c.says)
		}
		if c.status == 429 && got.Header().Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
}

func FuzzEventList(f *testing.F) {
	f.Add([]byte(list(event("a", "Panic", at))))
	f.Add([]byte(event("a", "Panic", at)))
	f.Fuzz(func(t *testing.T, body []byte) {
		b, err := decode(&ingest.Decoder{Now: ingesttest.Now}, body)
		var list struct {
			Kind  string
			Items []json.RawMessage
		}
		if err == nil && json.Unmarshal(body, &list) == nil && list.Kind == "EventList" && len(b.Events) != len(list.Items) {
			t.Fatalf("%d events of %d items", len(b.Events), len(list.Items))
		}
	})
}
