package server

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"nightjar/api/access"
	"nightjar/api/services/signals"
	"nightjar/schema"
)

// triageable is a world with two signals, and one that was merged into another.
func triageable() *world {
	w := newWorld()
	w.triaged = map[string]schema.Signal{
		"s1": {ID: "s1", FirstSeen: 1000, State: schema.StateOpen},
		"s2": {ID: "s2", FirstSeen: 2000, State: schema.StateOpen},
		"s3": {ID: "s3", FirstSeen: 3000, State: schema.StateArchived, Reason: schema.ReasonMerged},
	}
	return w
}

func TestTriageOfOneSignal(t *testing.T) {
	s := triageable().start(t)
	const base = "/api/v2/security_monitoring/signals/"
	for _, c := range []struct {
		path, body string
		status     int
		has        string
	}{
		{"s1/state", `{"data":{"attributes":{"state":"archived","archive_reason":"false_positive","archive_comment":"a <drill>"}}}`, 200, `"state":"archived","archive_reason":"false_positive","archive_comment":"a <drill>","archive_comment_timestamp":1772366400000`},
		{"s1/assignee", `{"data":{"attributes":{"assignee":{"uuid":"u-1","name":"Ann"}}}}`, 200, `"assignee":{"uuid":"u-1","name":"Ann"},"state":"archived"`},
		{"s1/incidents", `{"data":{"attributes":{"incident_ids":[5,7]}}}`, 200, `"incident_ids":[5,7]`},
		{"s1/state", `{"data":{"attributes":{"state":"open","version":2}}}`, 409, `is at version 3, not 2`},
		{"s1/state", `{"data":{"attributes":{"state":"under_review","version":3}}}`, 200, `"state":"under_review","archive_reason":"none","state_update_timestamp"`},
		{"s1/update", `{"data":{"attributes":{"assignee":{"uuid":""}},"type":"signal_metadata"}}`, 200, `"assignee":{"uuid":"","name":"Unassigned","id":-1},"state":"under_review"`},
		{"s1/update", `{"data":{"attributes":{"state":"archived","assignee":{"uuid":"x"}},"id":{}}}`, 200, `"assignee":{"uuid":"x"},"state":"archived"`},
		{"s1/update", `{"data":{"attributes":{"archive_reason":"other"}}}`, 200, `"archive_reason":"other"`},
		{"s1/incidents", `{"data":{"attributes":{"incident_ids":[]}}}`, 200, `"incident_ids":[]`},
		{"s1/incidents", `{"data":{"attributes":{}}}`, 400, `"target":"data.attributes.incident_ids"`},
		{"s1/state", `{"data":{"attributes":{"state":"closed"}}}`, 400, `want open, under_review or archived, got \"closed\"`},
		{"s1/state", `{"data":{"attributes":{"state":"archived","archive_reason":"boredom"}}}`, 400, `archive_reason: want one of`},
		{"s1/state", `{"data":{"attributes":{"state":"open","archive_reason":"other"}}}`, 400, `only an archived signal has one`},
		{"s1/state", `{}`, 400, `data.attributes: missing`},
		{"s1/state", `{"data":{"attributes":{"state":"open","stat":"x"}}}`, 400, `data.attributes.stat: unknown key`},
		{"s1/assignee", `{"data":{"attributes":{}}}`, 400, `"target":"data.attributes.assignee"`},
		{"nobody/state", `{"data":{"attributes":{"state":"open"}}}`, 404, `"errors":["no signal with id nobody"]`},
		{"nobody/update", `{"data":{"attributes":{"state":"open"}}}`, 404, `"errors":[{"status":"404","title":"Not Found","detail":"no signal with id nobody"}]`},
		{"s3/state", `{"data":{"attributes":{"state":"open"}}}`, 400, `the engine archived signal s3 (merged)`},
		{"s3/assignee", `{"data":{"attributes":{"assignee":{"uuid":"u"}}}}`, 200, `"state":"archived"`},
	} {
		status, answer := call(t, s, "PATCH", base+c.path, c.body)
		if status != c.status || !strings.Contains(answer, c.has) {
			t.Errorf("%s %s: got %d %s, want %d with %s", c.path, c.body, status, answer, c.status, c.has)
		}
	}
}

// TestASignalSaysWhoTriagedIt by the name of their key, whichever way they did.
func TestASignalSaysWhoTriagedIt(t *testing.T) {
	w := triageable()
	s := w.start(t)
	keys := map[access.Role]string{}
	for _, p := range everybody(t, w) {
		keys[p.role] = p.key
	}
	const base = "/api/v2/security_monitoring/signals/"
	status, answer := call(t, s, "PATCH", base+"s2/assignee", `{"data":{"attributes":{"assignee":{"uuid":"u"}}}}`, "DD-API-KEY", keys[access.Analyst])
	if by := w.triaged["s2"].Triage.StateBy; status != 200 || by != "" || !strings.Contains(answer, `"state_update_user":{"handle":"nightjar"`) {
		t.Errorf("nobody changed its state, but %q: %d %s", by, status, answer)
	}
	for role, path := range map[access.Role]string{access.Analyst: "s1/state", access.Responder: "bulk/state"} {
		one := `{"id":"s1","attributes":{"state":"archived","archive_comment":"a drill"}}`
		if path == "bulk/state" {
			one = "[" + one + "]"
		}
		status, answer := call(t, s, "PATCH", base+path, `{"data":`+one+`}`, "DD-API-KEY", keys[role])
		if by := w.triaged["s1"].Triage.StateBy; status != 200 || by != string(role) || strings.Count(answer, `_user":{"handle":"`+string(role)+`"`) != 2 {
			t.Errorf("%s, %s: by %q, %d %s", path, role, by, status, answer)
		}
	}
}

func TestBulkTriageIsAllOrNothing(t *testing.T) {
	w := triageable()
	s := w.start(t)
	const base = "/api/v2/security_monitoring/signals/bulk/"
	status, answer := call(t, s, "PATCH", base+"state", `{"data":[{"id":"s1","type":"signal","attributes":{"state":"archived"}},{"id":"no","attributes":{"state":"archived"}}]}`)
	if status != 404 || !strings.Contains(answer, `"errors":[{"status":"404"`) || w.triaged["s1"].Triage.Version != 0 {
		t.Errorf("got %d %s, s1 at %+v", status, answer, w.triaged["s1"])
	}
	for path, attributes := range map[string]string{"state": `{"state":"archived"}`, "assignee": `{"assignee":"u"}`, "update": `{"state":"open","assignee":{"uuid":""}}`} {
		status, answer := call(t, s, "PATCH", base+path, `{"data":[{"id":"s1","type":"signal","attributes":`+attributes+`},{"id":"s2","attributes":`+attributes+`}]}`)
		result, _ := object(t, answer)["result"].(map[string]any)
		if status != 200 || result["count"] != 2.0 || len(result["events"].([]any)) != 2 || !strings.Contains(answer, `{"id":"s2","event":{"id":"s2","incident_ids":[]`) {
			t.Errorf("%s: got %d %s", path, status, answer)
		}
	}
	many := strings.Repeat(`{"id":"s1","attributes":{"state":"open"}},`, 200)
	for _, body := range []string{`{"data":[]}`, `{"data":[` + strings.TrimSuffix(many, ",") + `]}`, `{"data":[{"attributes":{"state":"open"}}]}`, `{"data":[{"id":"s1"}]}`} {
		if status, answer := call(t, s, "PATCH", base+"state", body); status != 400 {
			t.Errorf("got %d %s", status, answer)
		}
	}
}

// Every recorded change of a signal gets, from us, the recorded answer, but for
// what the reference alone knows: its users, its clock.
func TestRecordedTriage(t *testing.T) {
	w, total := triageable(), 0
	s := w.start(t)
	for _, r := range recordings(t) {
		rest, ours := strings.CutPrefix(r.Path, "/api/v2/security_monitoring/signals/")
		if !ours || r.Method != "PATCH" {
			continue
		}
		total++
		id, _, _ := strings.Cut(rest, "/")
		w.mu.Lock()
		if _, known := w.triaged[id]; !known {
			w.triaged[id] = schema.Signal{ID: id, State: schema.StateOpen, Triage: schema.Triage{Version: 1, Incidents: []int64{2066}}}
		}
		w.mu.Unlock()
		status, answer := call(t, s, r.Method, r.Path, r.Req)
		want, got := object(t, r.Resp), object(t, answer)
		for _, m := range []map[string]any{want, got} {
			a := m["data"].(map[string]any)["attributes"].(map[string]any)
			a["state_update_timestamp"] = fmt.Sprintf("%T", a["state_update_timestamp"])
			a["state_update_user"] = keysIn(a["state_update_user"])
		}
		if status != r.Status || !reflect.DeepEqual(want, got) {
			t.Errorf("%s: got %d %s\nwant %d %s", r.Scenario, status, jsonText(got), r.Status, jsonText(want))
		}
	}
	if total == 0 {
		t.Error("no recording changes a signal")
	}
}

func keysIn(v any) map[string]bool {
	keys := map[string]bool{}
	for k := range v.(map[string]any) {
		keys[k] = true
	}
	return keys
}

func TestInvestigationAsksForTheGroupOfTheSignal(t *testing.T) {
	w := newWorld()
	doc, err := json.Marshal(map[string]any{
		"title": "found", "queries": []map[string]any{
			{"name": "a", "query": "source:sshd OR source:su", "groupByPaths": []string{"@usr.id", "host"}},
			{"name": "b", "query": "*", "groupByPaths": []string{"@user", "hostname"}},
			{"name": "c", "query": "service:x", "groupByPaths": []string{}},
		},
		"samples": []any{
			map[string]any{"content": map[string]any{"custom": map[string]any{"usr": map[string]any{"id": "u1", "name": "Ann"}}}},
			map[string]any{"content": map[string]any{"custom": map[string]any{"usr": map[string]any{"id": "u1"}}}, "eventId": schema.EventID(5, 7)},
			map[string]any{"content": map[string]any{"custom": map[string]any{"usr": map[string]any{"id": "u2"}}}},
		},
		"nightjar": map[string]any{"group_by": []string{"host"}, "group": []string{`a"b\c`}, "first_seen": 60_000, "last_seen": 70_000, "window": 10_000, "severity": "high"},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.signals = []signals.Signal{{ID: "s", At: 60_000, Attributes: string(doc)}}
	s := w.start(t)
	const base = "/api/v2/security_monitoring/signals/s/"
	for _, path := range []string{"investigation_queries", "suggested_actions"} {
		status, answer := call(t, s, "GET", base+path, "")
		var got []string
		for _, item := range object(t, answer)["data"].([]any) {
			a := item.(map[string]any)["attributes"].(map[string]any)
			got = append(got, a["query_filter"].(string)+" "+jsonText(a["template_variables"]))
			if !strings.Contains(a["url"].(string), "filter%5Bfrom%5D=1970-01-01T00%3A00%3A50.000Z&") {
				t.Errorf("url %s", a["url"])
			}
		}
		want := []string{
			`(source:sshd OR source:su) host:"a\"b\\c" {"host":["a\"b\\c"]}`,
			`hostname:"a\"b\\c" {"hostname":["a\"b\\c"]}`,
			`(service:x) null`,
		}
		if status != 200 || !reflect.DeepEqual(got, want) {
			t.Errorf("got %d %q\nwant %q", status, got, want)
		}
	}
	status, answer := call(t, s, "GET", base+"entities?limit=5", "")
	if status != 200 || !strings.Contains(answer, `"identities":[{"principal_id":"u1","display_name":"Ann"},{"principal_id":"u2","display_name":"u2"}]`) {
		t.Errorf("got %d %s", status, answer)
	}
	status, answer = call(t, s, "GET", "/api/v2/security_monitoring/events/"+schema.EventID(5, 7)+"/matching_signals?track=logs", "")
	if status != 200 || !strings.Contains(answer, `{"id":"s","type":"matching_signal","attributes":{"event_tracker_id":"`+schema.EventID(5, 7)+`","severity":"high","title":"found","trigger_time_ms":60000}}`) {
		t.Errorf("got %d %s", status, answer)
	}
	for _, path := range []string{"x/matching_signals?track=logs", schema.EventID(5, 7) + "/matching_signals?track=spans"} {
		if status, answer := call(t, s, "GET", "/api/v2/security_monitoring/events/"+path, ""); status != 400 {
			t.Errorf("got %d %s", status, answer)
		}
	}
}

// A search may select more signals than one bulk request names.
func TestTriageByQueryChangesAnyNumber(t *testing.T) {
	w := triageable()
	for i := range 450 {
		id := fmt.Sprintf("t%03d", i)
		w.triaged[id] = schema.Signal{ID: id, State: schema.StateOpen}
	}
	for id := range w.triaged {
		w.signals = append(w.signals, signals.Signal{ID: id})
	}
	slices.SortFunc(w.signals, func(a, b signals.Signal) int { return strings.Compare(a.ID, b.ID) })
	s := w.start(t)
	status, answer := call(t, s, "POST", "/api/nightjar/v1/signals/triage", `{"filter":{"query":"source:x"},"change":{"state":"archived","archive_reason":"other"}}`)
	if status != 200 || !strings.Contains(answer, `"found":453,"changed":452,"left":1`) || w.search.Query != "source:x" {
		t.Errorf("got %d %s", status, answer)
	}
	for id, sig := range w.triaged {
		if state, _ := sig.Standing(); state != schema.StateArchived || sig.Triage.StateBy == "" && id != "s3" {
			t.Errorf("%s is %+v", id, sig)
		}
	}
	for _, bad := range []string{`{"change":{"state":"open"}}`, `{"filter":{"query":"*"}}`, `{"filter":{"query":"*"},"change":{"state":"closed"}}`} {
		if status, answer := call(t, s, "POST", "/api/nightjar/v1/signals/triage", bad); status != 400 {
			t.Errorf("%s: %d %s", bad, status, answer)
		}
	}
}

func TestTriageInItsFirstForm(t *testing.T) {
	w := triageable()
	s := w.start(t)
	const base = "/api/v1/security_analytics/signals/"
	for _, c := range []struct {
		path, body string
		status     int
	}{
		{"s1/state", `{"state":"archived","archiveReason":"false_positive","archiveComment":"a drill","version":0}`, 200},
		{"s1/assignee", `{"assignee":"u-1"}`, 200},
		{"s1/add_to_incident", `{"incident_id":2066,"add_to_signal_timeline":true}`, 200},
		{"s1/add_to_incident", `{"incident_id":2067}`, 200},
		{"s1/add_to_incident", `{"incident_id":2066}`, 200},
		{"s1/add_to_incident", `{}`, 400},
		{"s1/assignee", `{}`, 400},
		{"s1/state", `{"state":"closed"}`, 400},
		{"no/state", `{"state":"open"}`, 404},
	} {
		if status, answer := call(t, s, "PATCH", base+c.path, c.body); status != c.status || status == 200 && !strings.Contains(answer, `"status":"done"`) {
			t.Errorf("%s %s: %d %s", c.path, c.body, status, answer)
		}
	}
	got := w.triaged["s1"].Triage
	if got.State != "archived" || got.Reason != "false_positive" || got.Comment != "a drill" || got.Assignee.UUID != "u-1" || !slices.Equal(got.Incidents, []int64{2066, 2067}) {
		t.Errorf("s1 is %+v", got)
	}
}
