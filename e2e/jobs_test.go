package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
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
	p.await("done with job "+id, func() bool {
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
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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

// TestToolsForJobsAndTriage goes through the life of a job and of a signal with
// the commands that people use.
func TestToolsForJobsAndTriage(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	begin := time.Now().Add(-30 * time.Minute).Truncate(time.Second)
	p.failures(begin, 0, 10, 20)
	rule := writeFile(t, "{"+failuresRule+`,"isEnabled":true}`)

	run := func(code int, args ...string) string {
		t.Helper()
		out, errs, got := p.run(args...)
		if got != code {
			t.Fatalf("nightjar %s: exit %d, want %d: %s%s", strings.Join(args, " "), got, code, out, errs)
		}
		return out
	}
	span := []string{"--from", "now-1h", "--to", "now"}
	backtest := run(0, append([]string{"backtest", "--rule", rule, "--output", "json"}, span...)...)
	var signals []signalFound
	if err := json.Unmarshal([]byte(backtest), &signals); err != nil || len(signals) != 2 || signals[0].Case != 1 || signals[1].Events != 3 || signals[1].Severity != "high" {
		t.Errorf("backtest: %s (%v)", backtest, err)
	}
	run(2, "backtest", "--rule", rule, "--from", "now-1h")
	run(2, append([]string{"backtest", "--rule", rule, "--events", rule}, span...)...)

	if out := run(0, append([]string{"jobs", "create", "--rule", rule, "--wait", "--signal-output"}, span...)...); !strings.Contains(out, "completed  100 %  2 ") {
		t.Errorf("jobs create: %s", out)
	}
	var jobs []struct{ ID string }
	if err := json.Unmarshal([]byte(run(0, "jobs", "list", "--query", "jobStatus:completed", "--output", "json")), &jobs); err != nil || len(jobs) != 1 {
		t.Fatalf("jobs list: %+v (%v)", jobs, err)
	}
	id := jobs[0].ID
	if out := run(0, "jobs", "results", id, "--query", "-status:low"); strings.Count(out, "203.0.113.66") != 1 {
		t.Errorf("jobs results: %s", out)
	}
	run(1, "jobs", "cancel", id)
	run(1, append([]string{"jobs", "create", "--from-rule", "abc-def-ghi"}, span...)...)
	run(2, "jobs", "create", "--from", "now-1h")

	high := p.found("status:high") // by --signal-output
	if out := run(0, "signals", "triage", high, "--state", "archived", "--reason", "false_positive", "--incidents", "4,5", "--output", "json"); !strings.Contains(out, `"state": "archived"`) || !strings.Contains(out, "5") {
		t.Errorf("signals triage: %s", out)
	}
	if out := run(0, "signals", "list", "--query", "-@nightjar.state:archived status:*"); strings.Contains(out, high) || !strings.Contains(out, "203.0.113.66") {
		t.Errorf("signals list: %s", out)
	}
	out, errs, code := runAfter(p, "-@nightjar.state:archived status:*", "signals", "list")
	if code != 0 || strings.Contains(out, high) || !strings.Contains(out, "203.0.113.66") {
		t.Errorf("signals list --: exit %d, %s%s", code, out, errs)
	}
	run(2, "signals", "triage", high)
	run(1, "signals", "triage", high, "--state", "closed")
	run(1, "signals", "triage", high, "--state", "open", "--if-version", "0")
	run(0, "jobs", "delete", id)
}

// runAfter is run with an argument behind `--`.
func runAfter(p *process, last string, args ...string) (stdout, stderr string, code int) {
	return outcome(p.t, exec.Command(p.path, append(args, "--server", p.base, "--data-dir", p.dir, "--", last)...))
}
