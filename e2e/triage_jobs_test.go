package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

type triageJob struct {
	ID, State, By, Problem string
	Found, Changed, Left   int
	Undone                 int
	LeftAtUndo             int `json:"left_at_undo"`
	ChangedSince           int `json:"changed_since"`
	Undoable               bool
}

type signalHistory struct {
	Entries []struct {
		Kind, By, Text string
		At             int64
		Triage         *struct {
			Before, After struct {
				State    string
				Reason   string `json:"archive_reason"`
				Assignee string
			}
			Job string `json:"job_id"`
		}
	}
	Versions []struct{ Version, Events int }
}

func (h signalHistory) triage() string {
	var out []string
	for _, e := range h.Entries {
		if e.Triage != nil {
			out = append(out, fmt.Sprintf("%s by %s: %s", e.Triage.After.State, e.By, e.Text))
		}
	}
	return strings.Join(out, "\n")
}

// TestATriageJobIsDoneOnceThroughAKillAndUndone changes 300 signals, has the engine killed
// meanwhile, changes one of them by hand after that, and undoes the job.
func TestATriageJobIsDoneOnceThroughAKillAndUndone(t *testing.T) {
	t.Parallel()
	const signals = 300
	p := startEngine(t, longAgo...)
	p.call(http.MethodPost, "/api/v2/security_monitoring/rules", []byte(`{"name":"each","message":"m","isEnabled":true,"tags":[],"options":{"evaluationWindow":300,"keepAlive":300,"maxSignalDuration":3600},
		"queries":[{"query":"source:x","aggregation":"count","groupByFields":["@usr.id"]}],"cases":[{"status":"low","condition":"a > 0"}]}`), &struct{ ID string }{})
	var events []string
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixMilli()
	for i := range signals {
		events = append(events, fmt.Sprintf(`{"ddsource":"x","timestamp":%d,"message":"m","usr":{"id":"u%d"}}`, at+int64(i), i))
	}
	p.call(http.MethodPost, "/api/v2/logs", []byte("["+strings.Join(events, ",")+"]"), nil)
	p.caughtUp()

	request := `{"filter":{"query":"rule_name:each"},"change":{"state":"archived","archive_reason":"false_positive","assignee":{"uuid":"u-1","handle":"kessler"}},"request_id":"one"}`
	const jobs = "/api/nightjar/v1/signals/triage/jobs"
	var first, again triageJob
	p.call(http.MethodPost, jobs, []byte(request), &first)
	p.kill()
	p.start()
	p.call(http.MethodPost, jobs, []byte(request), &again)
	if first.ID == "" || again.ID != first.ID {
		t.Fatalf("the same request made %+v and %+v", first, again)
	}
	get := func() (j triageJob) {
		p.call(http.MethodGet, jobs+"/"+first.ID, nil, &j)
		return j
	}
	p.await("the job", func() bool { return get().State == "done" })
	if j := get(); j.Found != signals || j.Changed != signals || j.Left != 0 || !j.Undoable {
		t.Errorf("done: %+v", j)
	}
	ids := func(query string) (out []struct{ ID string }) {
		var page struct{ Data []struct{ ID string } }
		body, _ := json.Marshal(map[string]any{"filter": map[string]string{"query": query}, "page": map[string]int{"limit": 1000}})
		p.call(http.MethodPost, "/api/v2/security_monitoring/signals/search", body, &page)
		return page.Data
	}
	found := ids("rule_name:each state:archived")
	if len(found) != signals {
		t.Fatalf("%d signals are archived", len(found))
	}
	history := func(id string) (h signalHistory) {
		p.call(http.MethodGet, "/api/nightjar/v1/signals/"+id+"/history", nil, &h)
		return h
	}
	const archived = "archived by first key: state archived, reason false_positive, assigned to kessler"
	for _, s := range found {
		if h := history(s.ID); h.triage() != archived {
			t.Fatalf("history of %s:\n%s", s.ID, h.triage())
		}
	}

	touched := found[0].ID
	p.call(http.MethodPatch, "/api/v2/security_monitoring/signals/"+touched+"/state", []byte(`{"data":{"type":"signal_metadata","attributes":{"state":"archived","archive_reason":"true_positive_malicious"}}}`), nil)
	p.call(http.MethodPost, jobs+"/"+first.ID+"/undo", nil, &triageJob{})
	p.call(http.MethodPost, jobs+"/"+first.ID+"/undo", nil, &triageJob{}) // twice is once
	p.await("the undoing", func() bool { return get().State == "undone" })
	if j := get(); j.Undone != signals-1 || j.LeftAtUndo != 1 || j.Undoable {
		t.Errorf("undone: %+v", j)
	}
	open := ids("rule_name:each state:open")
	if len(open) != signals-1 {
		t.Errorf("%d signals are open again", len(open))
	}
	if h := history(found[1].ID); h.triage() != archived+"\nopen by first key: state open, assigned to nobody" {
		t.Errorf("history after the undoing:\n%s", h.triage())
	}
	if h := history(touched); len(h.Versions) == 0 || !strings.HasSuffix(h.triage(), "state archived, reason true_positive_malicious") {
		t.Errorf("of the one that was touched:\n%s", h.triage())
	}
	// Of two that were done and undone, and read before somebody changed one, the other is changed.
	p.call(http.MethodPatch, "/api/v2/security_monitoring/signals/"+open[0].ID+"/state", []byte(`{"data":{"type":"signal_metadata","attributes":{"state":"under_review"}}}`), nil)
	var careful triageJob
	p.call(http.MethodPost, jobs, fmt.Appendf(nil, `{"ids":["%s","%s"],"versions":[2,2],"change":{"state":"archived","archive_reason":"false_positive"}}`, open[0].ID, open[1].ID), &careful)
	p.await("the careful job", func() bool {
		p.call(http.MethodGet, jobs+"/"+careful.ID, nil, &careful)
		return careful.State == "done"
	})
	if careful.Changed != 1 || careful.Left != 1 || careful.ChangedSince != 1 {
		t.Errorf("of one that was changed since, and one that was not: %+v", careful)
	}
	if h := history(open[0].ID); !strings.HasSuffix(h.triage(), "state under_review") {
		t.Errorf("what somebody changed since:\n%s", h.triage())
	}
	for _, bad := range []string{`{"ids":["x","y"],"versions":[1],"change":{"state":"open"}}`, `{"filter":{"query":"*"},"versions":[1],"change":{"state":"open"}}`, `{}`, `{"filter":{"query":"*"}}`, `{"filter":{"query":"*"},"ids":["x"],"change":{"state":"open"}}`, `{"filter":{"query":"*"},"change":{"state":"gone"}}`} {
		if status, answer, err := p.request(http.MethodPost, jobs, []byte(bad)); err != nil || status != http.StatusBadRequest || !json.Valid(answer) {
			t.Errorf("%s: %d %s %v", bad, status, answer, err)
		}
	}
}
