package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

const jobsAPI = "/api/v2/siem-historical-detections"

const failuresRule = `"name":"brute","message":"m","type":"log_detection","tags":["team:red"],
	"queries":[{"name":"a","query":"source:sshd","aggregation":"count","groupByFields":["@network.client.ip"]}],
	"cases":[{"name":"many","status":"high","condition":"a > 2"},{"name":"some","status":"low","condition":"a > 1"}],
	"options":{"evaluationWindow":60,"keepAlive":60,"maxSignalDuration":3600}`

// createJob creates a job over the hour before now.
func (p *process) createJob(definition string) string {
	p.t.Helper()
	to := time.Now().UnixMilli()
	body := fmt.Sprintf(`{"data":{"type":"historicalDetectionsJobCreate","attributes":{"jobDefinition":{%s,"index":"main","from":%d,"to":%d}}}}`,
		definition, to-3_600_000, to)
	var created struct{ Data struct{ ID string } }
	p.call(http.MethodPost, jobsAPI+"/jobs", []byte(body), &created)
	return created.Data.ID
}

type jobState struct {
	JobStatus    string
	ProgressRate float64
	Signals      int
	Problem      string
}

func (p *process) job(id string) jobState {
	p.t.Helper()
	var job struct{ Data struct{ Attributes jobState } }
	p.call(http.MethodGet, jobsAPI+"/jobs/"+id, nil, &job)
	return job.Data.Attributes
}

func (p *process) jobEnds(id string) jobState {
	p.t.Helper()
	p.await("done with job "+id, 30*time.Second, func() bool {
		state := p.job(id).JobStatus
		return state != "pending" && state != "running"
	})
	return p.job(id)
}

// results are what jobs found: case and group, by the path that lists them.
func (p *process) results(path string) (found, ids []string) {
	p.t.Helper()
	var page struct {
		Data []struct {
			ID         string
			Attributes struct {
				Attributes struct {
					Nightjar struct {
						Case   int
						Group  []string
						Events int
					}
				}
			}
		}
	}
	p.call(http.MethodGet, jobsAPI+path, nil, &page)
	for _, d := range page.Data {
		n := d.Attributes.Attributes.Nightjar
		found, ids = append(found, fmt.Sprintf("case %d %s %d events", n.Case, strings.Join(n.Group, ","), n.Events)), append(ids, d.ID)
	}
	return found, ids
}

// TestAHistoricalJobFindsWhatARuleWouldHaveFound runs a job over events that were
// there before any rule was, and looks at its results in every way there is.
func TestAHistoricalJobFindsWhatARuleWouldHaveFound(t *testing.T) {
	p := startEngine(t)
	begin := time.Now().Add(-30 * time.Minute).Truncate(time.Second)
	p.failures(begin, 0, 10, 20, 600, 610, 5000) // the last is in the future of the job's time
	id := p.createJob(failuresRule)
	if state := p.jobEnds(id); state.JobStatus != "completed" || state.ProgressRate != 1 || state.Signals != 3 {
		t.Fatalf("%+v, want 3 signals", state)
	}
	want := []string{"case 0 203.0.113.66 3 events", "case 1 203.0.113.66 2 events", "case 1 203.0.113.66 2 events"}
	for _, path := range []string{"/jobs/" + id + "/histsignals", "/histsignals", "/histsignals?filter[query]=" + url.QueryEscape("@usr.id:root team:red")} {
		found, _ := p.results(path)
		slices.Sort(found)
		if !slices.Equal(found, want) {
			t.Errorf("%s: got %q, want %q", path, found, want)
		}
	}
	if live := p.found("*"); live != "" {
		t.Errorf("the job's results are among the live signals: %s", live)
	}
	_, ids := p.results("/jobs/" + id + "/histsignals?filter[query]=" + url.QueryEscape("@nightjar.case:0"))
	if len(ids) != 1 {
		t.Fatalf("results %q, want one", ids)
	}
	var one struct {
		Data struct {
			Attributes struct {
				Custom struct{ Samples []json.RawMessage }
			}
		}
	}
	p.call(http.MethodGet, jobsAPI+"/histsignals/"+ids[0], nil, &one)
	if n := len(one.Data.Attributes.Custom.Samples); n != 3 {
		t.Errorf("%d samples, want 3", n)
	}
	convert := fmt.Sprintf(`{"data":{"type":"historicalDetectionsJobResultSignalConversion","attributes":{"jobResultIds":[%q],"notifications":[],"signalMessage":"look","signalSeverity":"critical"}}}`, ids[0])
	for range 2 { // a second time changes nothing
		p.call(http.MethodPost, jobsAPI+"/jobs/signal_convert", []byte(convert), nil)
	}
	if got := p.found("status:critical look"); got != ids[0] {
		t.Errorf("converted: got %q, want %q", got, ids[0])
	}
	p.call(http.MethodPatch, signalsAPI+"/"+ids[0]+"/state", []byte(`{"data":{"attributes":{"state":"archived"}}}`), nil)
	if got := p.found("@nightjar.state:archived"); got != ids[0] {
		t.Errorf("triage of a converted result: got %q, want %q", got, ids[0])
	}
	if status, text, _ := p.request(http.MethodPatch, jobsAPI+"/jobs/"+id+"/cancel", nil); status != 409 {
		t.Errorf("cancelled after its end: %d %s", status, text)
	}
	p.call(http.MethodDelete, jobsAPI+"/jobs/"+id, nil, nil)
	if found, _ := p.results("/histsignals"); len(found) != 0 {
		t.Errorf("results of a deleted job: %q", found)
	}
	if status, text, _ := p.request(http.MethodGet, jobsAPI+"/jobs/"+id, nil); status != 404 {
		t.Errorf("a deleted job: %d %s", status, text)
	}
}

// TestJobsGoOnAfterACrash kills the engine with jobs in every state.
func TestJobsGoOnAfterACrash(t *testing.T) {
	p := startEngine(t)
	p.failures(time.Now().Add(-30*time.Minute), 0, 10, 20)
	done := p.createJob(failuresRule)
	p.jobEnds(done)
	cancelled := p.createJob(failuresRule)
	status, text, err := p.request(http.MethodPatch, jobsAPI+"/jobs/"+cancelled+"/cancel", nil)
	if err != nil || (status != 204 && status != 409) {
		t.Fatalf("%d %s %v", status, text, err)
	}
	want := map[int]string{204: "cancelled", 409: "completed"}[status]
	waiting := []string{p.createJob(failuresRule), p.createJob(failuresRule)}
	p.kill()
	p.start()
	for _, id := range append(waiting, done) {
		if state := p.jobEnds(id); state.JobStatus != "completed" || state.Signals != 2 {
			t.Errorf("job %s: %+v, want 2 signals", id, state)
		}
		if found, _ := p.results("/jobs/" + id + "/histsignals"); len(found) != 2 {
			t.Errorf("job %s: results %q, want 2", id, found)
		}
	}
	if state := p.job(cancelled); state.JobStatus != want {
		t.Errorf("%+v, want %s", state, want)
	}
}

// TestMistakesOfJobsAreToldOnCreation sends what can't be run.
func TestMistakesOfJobsAreToldOnCreation(t *testing.T) {
	p := startEngine(t)
	job := func(definition string) string {
		return `{"data":{"attributes":{"jobDefinition":{"index":"main","from":1,"to":2,` + definition + `}}}}`
	}
	for _, c := range []struct {
		body, says string
	}{
		{job(strings.Replace(failuresRule, "a > 2", "b > 2", 1)), `unknown label \"b\"`},
		{job(strings.Replace(failuresRule, "source:sshd", "(source:sshd", 1)), `queries[0].query`},
		{strings.Replace(job(failuresRule), `"from":1`, `"from":3`, 1), `want a time before to`},
		{strings.Replace(job(failuresRule), `"main"`, `"other"`, 1), `Index must exist`},
		{`{"data":{"attributes":{}}}`, `want jobDefinition or fromRule`},
	} {
		if status, text, err := p.request(http.MethodPost, jobsAPI+"/jobs", []byte(c.body)); err != nil || status != 400 || !strings.Contains(string(text), c.says) {
			t.Errorf("got %d %s %v, want 400 with %s", status, text, err, c.says)
		}
	}
}
