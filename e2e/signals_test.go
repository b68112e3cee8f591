package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

const signalsAPI = "/api/v2/security_monitoring/signals"

// failures sends failed logins from one address, so many seconds after a moment,
// and waits until they are evaluated. It returns the ids of the events.
func (p *process) failures(begin time.Time, seconds ...int) {
	p.t.Helper()
	var lines []map[string]any
	for _, s := range seconds {
		lines = append(lines, map[string]any{
			"ddsource": "sshd", "hostname": "web-1", "timestamp": begin.Add(time.Duration(s) * time.Second).UnixMilli(),
			"message": "Failed password", "network": map[string]any{"client": map[string]any{"ip": "203.0.113.66"}},
			"usr": map[string]any{"id": "root"},
		})
	}
	body, err := json.Marshal(lines)
	if err != nil {
		p.t.Fatal(err)
	}
	p.call(http.MethodPost, "/api/v2/logs", body, nil)
	p.caughtUp()
}

// found are the ids of the signals that a query finds.
func (p *process) found(query string) string {
	p.t.Helper()
	var page struct{ Data []struct{ ID string } }
	p.call(http.MethodGet, signalsAPI+"?filter[query]="+url.QueryEscape(query), nil, &page)
	var ids []string
	for _, d := range page.Data {
		ids = append(ids, d.ID)
	}
	return strings.Join(ids, " ")
}

var momentInJSON = regexp.MustCompile(`"20[^"]*Z"`)

// TestTriageIsKept archives a signal, and finds it archived in every way there is
// to ask, after late events have changed it, a crash, and an orderly stop.
func TestTriageIsKept(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	p.call(http.MethodPost, "/api/v2/security_monitoring/rules", []byte(`{"name":"brute","message":"m","isEnabled":true,"type":"log_detection",
		"queries":[{"name":"a","query":"source:sshd","aggregation":"count","groupByFields":["@network.client.ip"]}],
		"cases":[{"status":"high","condition":"a > 1"}],"options":{"evaluationWindow":60,"keepAlive":300,"maxSignalDuration":3600}}`), nil)
	begin := time.Now().Add(-10 * time.Minute).Truncate(time.Second)
	p.failures(begin, 0, 1)
	id := p.found("*")
	if id == "" || strings.Contains(id, " ") {
		t.Fatalf("signals %q, want one", id)
	}
	p.call(http.MethodPatch, signalsAPI+"/"+id+"/state", []byte(`{"data":{"attributes":{"state":"archived","archive_reason":"false_positive","archive_comment":"a drill"}}}`), nil)
	p.call(http.MethodPatch, signalsAPI+"/"+id+"/assignee", []byte(`{"data":{"attributes":{"assignee":{"uuid":"u-1","name":"Ann"}}}}`), nil)
	p.call(http.MethodPatch, signalsAPI+"/"+id+"/incidents", []byte(`{"data":{"attributes":{"incident_ids":[7]}}}`), nil)

	kept := func(when string, events int) {
		t.Helper()
		for query, want := range map[string]string{
			"@nightjar.state:archived @nightjar.reason:false_positive": id,
			"@workflow.triage.state:archived":                          id,
			"@workflow.triage.assignee.name:Ann":                       id,
			"@workflow.triage.incidentIds:7":                           id,
			"@nightjar.state:open":                                     "",
			fmt.Sprintf("@nightjar.events:%d", events):                 id,
		} {
			if got := p.found(query); got != want {
				t.Errorf("%s: %s finds %q, want %q", when, query, got, want)
			}
		}
		var got struct {
			Data struct {
				Attributes struct {
					Custom struct {
						Workflow struct{ Triage json.RawMessage }
					}
				}
			}
		}
		p.call(http.MethodGet, signalsAPI+"/"+id, nil, &got)
		want := `{"archiveComment":"a drill","archiveReason":"false_positive","assignee":{"handle":"","id":0,"name":"Ann","uuid":"u-1"},"creator":{"handle":"","name":""},"incidentIds":[7],"state":"archived","stateUpdateTimestamp":"…","updater":{"handle":"first key","name":"first key"},"version":3}`
		triage := momentInJSON.ReplaceAllString(string(got.Data.Attributes.Custom.Workflow.Triage), `"…"`)
		if triage != want {
			t.Errorf("%s: triage %s\nwant %s", when, triage, want)
		}
	}
	kept("at once", 2)
	p.failures(begin, 30, -5) // one extends it, one is late and before it began
	kept("after later events", 4)
	p.kill()
	p.start()
	p.failures(begin, 40)
	kept("after a crash", 5)
	p.terminate()
	p.start()
	kept("after a stop", 5)
}

// TestAnEventIsPartOfItsSignals asks for the signals of an event by its id, and
// for the events of a signal by the search that the signal suggests.
func TestAnEventIsPartOfItsSignals(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	p.call(http.MethodPost, "/api/v2/security_monitoring/rules", []byte(`{"name":"brute","message":"m","isEnabled":true,"type":"log_detection",
		"queries":[{"name":"a","query":"source:sshd","aggregation":"count","groupByFields":["@network.client.ip"]}],
		"cases":[{"status":"high","condition":"a > 1"}],"options":{"evaluationWindow":60,"keepAlive":300,"maxSignalDuration":3600}}`), nil)
	begin := time.Now().Add(-10 * time.Minute).Truncate(time.Second)
	p.failures(begin, -90, 0, 10, 500) // the first and the last are too far away
	id := p.found("*")
	var logs struct {
		Data []struct{ ID string }
	}
	p.call(http.MethodGet, "/api/v2/logs/events?sort=timestamp&filter[from]=now-1h", nil, &logs)
	if len(logs.Data) != 4 {
		t.Fatalf("%d events, want 4", len(logs.Data))
	}
	partOf := func(i int) (ids string) {
		var matching struct{ Data []struct{ ID string } }
		p.call(http.MethodGet, "/api/v2/security_monitoring/events/"+logs.Data[i].ID+"/matching_signals?track=logs", nil, &matching)
		for _, d := range matching.Data {
			ids += d.ID
		}
		return ids
	}
	// What matched is stored some seconds after it was evaluated.
	p.await("told which signals an event is part of", func() bool { return partOf(1) != "" })
	for i, want := range []string{"", id, id, ""} {
		if got := partOf(i); got != want {
			t.Errorf("event %d is part of %q, want %q", i, got, want)
		}
	}
	var actions struct {
		Data []struct{ Attributes struct{ URL string } }
	}
	p.call(http.MethodGet, signalsAPI+"/"+id+"/investigation_queries", nil, &actions)
	p.call(http.MethodGet, strings.TrimPrefix(actions.Data[0].Attributes.URL, p.base), nil, &logs)
	if len(logs.Data) != 2 {
		t.Errorf("the suggested search finds %d events, want the 2 of the signal", len(logs.Data))
	}
	var entities struct {
		Data struct {
			Attributes struct {
				Identities []map[string]string
			}
		}
	}
	p.call(http.MethodGet, signalsAPI+"/"+id+"/entities", nil, &entities)
	if list := entities.Data.Attributes.Identities; len(list) != 1 || list[0]["principal_id"] != "root" {
		t.Errorf("identities %v, want root", list)
	}
}

// TestSignalsAreFoundByTheNamesThatPeopleTry has a signal of two sources, hosts
// and services, and one that a suppression by source withholds.
func TestSignalsAreFoundByTheNamesThatPeopleTry(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	rule := `{"name":"Login storm {{@usr.id}}","message":"look at it","isEnabled":true,"type":"log_detection","tags":["team:blue"],
		"queries":[{"name":"a","query":"source:(sshd OR pam)","aggregation":"count","groupByFields":["@usr.id"]}],
		"cases":[{"status":"high","customStatus":"critical","condition":"a > 1"}],"options":{"evaluationWindow":60,"keepAlive":300,"maxSignalDuration":3600}}`
	var made struct{ ID string }
	p.call(http.MethodPost, "/api/v2/security_monitoring/rules", []byte(rule), &made)
	// What a rule's queries name is a source of the rule (28).
	p.call(http.MethodPost, suppressionsPath, []byte(`{"data":{"type":"suppressions","attributes":{"name":"s","enabled":true,"rule_query":"source:pam","suppression_query":"source:lab"}}}`), nil)
	var rules struct{ Data []struct{ ID string } }
	p.call(http.MethodGet, "/api/v2/security_monitoring/rules?query=source:pam", nil, &rules)
	if len(rules.Data) != 1 {
		t.Errorf("a rule is not found by the source that its query names")
	}
	at := time.Now().Add(-time.Minute).UnixMilli()
	var lines []string
	for i, e := range [][4]string{{"sshd", "web-1", "login", "root"}, {"pam", "web-2", "desk", "root"}, {"sshd", "web-9", "", "eve"}, {"pam", "web-9", "", "eve"}} {
		tags := ""
		if e[3] == "eve" {
			tags = "source:lab"
		}
		lines = append(lines, fmt.Sprintf(`{"ddsource":"%s","hostname":"%s","service":"%s","usr":{"id":"%s"},"timestamp":%d,"message":"m","ddtags":"%s"}`, e[0], e[1], e[2], e[3], at+int64(i), tags))
	}
	p.call(http.MethodPost, "/api/v2/logs", []byte("["+strings.Join(lines, ",")+"]"), nil)
	p.caughtUp()
	id := p.found("@usr.id:root")
	if id == "" || strings.Contains(id, " ") {
		t.Fatalf("signals %q, want one", id)
	}
	hidden := p.found("state:suppressed")
	if hidden == "" || hidden == id {
		t.Errorf("the withheld signal is not found: %q", hidden)
	}
	for query, want := range map[string]string{
		"source:sshd": id, "source:pam": id, "source:nightjar": "", "-source:sshd": "", "host:web-2": id, "host:(web-1 OR nobody)": id,
		"service:desk": id, "service:lo*": id, "-host:*": "", "@source:pam": id, "@hostname:web-1": id, "@service:login": id,
		"storm": id, "Login storm root": id, `"login storm"`: id, "stor": "", "look": id, "severity:critical status:critical": id,
		"rule_id:" + made.ID: id, "state:open": id, "state:archived": "", "team:blue": id,
	} {
		if got := p.found(query); got != want {
			t.Errorf("%s finds %q, want %q", query, got, want)
		}
	}
	var got struct {
		Data struct {
			Attributes struct {
				Service []string
				Tags    []string
			}
		}
	}
	p.call(http.MethodGet, signalsAPI+"/"+id, nil, &got)
	if s := got.Data.Attributes.Service; fmt.Sprint(s) != "[desk login]" {
		t.Errorf("services %q", s)
	}
	p.call(http.MethodGet, signalsAPI+"/"+hidden, nil, &got)
	if s := got.Data.Attributes.Service; len(s) != 0 {
		t.Errorf("services %q of events without one", s)
	}
	p.call(http.MethodPost, "/api/nightjar/v1/signals/triage", []byte(`{"filter":{"query":"host:web-1"},"change":{"state":"archived","archive_reason":"false_positive","archive_comment":"a drill"}}`), nil)
	for query, want := range map[string]string{"state:archived": id, "archive_reason:false_positive": id, `archived_by:"first key"`: id, "archived_at:*": id, "state:open": ""} {
		if got := p.found(query); got != want {
			t.Errorf("%s finds %q, want %q", query, got, want)
		}
	}
	const columns = "SELECT count() FROM signals FINAL WHERE state = 'archived' AND reason = 'false_positive' AND triaged_by = 'first key' AND triaged_at > now() - 600 AND triage_comment = 'a drill'"
	if n := p.count(columns); n != 1 {
		t.Errorf("%d rows say so in SQL", n)
	}
	if n := p.count("SELECT count() FROM signals FINAL WHERE state = 'suppressed'"); n != 1 {
		t.Errorf("%d signals are suppressed in SQL", n)
	}
}
