package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
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

// TestTriageIsKept archives a signal, and finds it archived in every way there is
// to ask, after late events have changed it, a crash, and an orderly stop.
func TestTriageIsKept(t *testing.T) {
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
		want := `{"archiveComment":"a drill","archiveReason":"false_positive","assignee":{"handle":"","id":0,"name":"Ann","uuid":"u-1"},"incidentIds":[7],"state":"archived","version":3}`
		if triage := string(got.Data.Attributes.Custom.Workflow.Triage); triage != want {
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
	p.await("told which signals an event is part of", 20*time.Second, func() bool { return partOf(1) != "" })
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
