package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightjar/schema"
)

// TestBacktestsOfStoredEventsGiveTheSignalsOfTheOracle stores the events of all
// cases, in any order, and then asks the engine what each case's rule finds in
// them; and once more of a part of the time, which is what a backtest of the
// events of that part finds.
func TestBacktestsOfStoredEventsGiveTheSignalsOfTheOracle(t *testing.T) {
	t.Parallel() // it waits more than it works
	cases := oracleCases(t)
	p := startEngine(t, longAgo...)
	var events []map[string]any
	for _, c := range cases {
		for _, e := range c.events {
			events = append(events, tagged(e, c.name))
		}
	}
	p.sendShuffled(events, nil)
	p.caughtUp()
	ask := func(c oracleCase, from, to schema.Millis) []signalFound {
		t.Helper()
		body, err := json.Marshal(map[string]any{"rule": taggedRule(c), "from": int64(from), "to": int64(to)})
		if err != nil {
			t.Fatal(err)
		}
		var answer struct{ Signals []signalFound }
		p.call(http.MethodPost, "/api/nightjar/v1/backtests", body, &answer)
		return append([]signalFound{}, answer.Signals...)
	}
	for _, c := range cases {
		if diff := cmp.Diff(c.want, signalsOf(ask(c, 0, c.until))); diff != "" {
			t.Errorf("case %s (-want +got):\n%s", c.name, diff)
		}
	}
	for i := 0; i < len(cases); i += 8 { // as jobs, which keep what they find
		c := cases[i]
		queries, _ := c.rule["queries"].([]any)
		if filters, _ := c.rule["filters"].([]any); len(queries) == 0 || len(filters) > 0 {
			continue // of a vendor's alerts, or with what jobs have none of
		}
		if got := p.jobFinds(c); fmt.Sprint(got) != fmt.Sprint(inOrder(c.want)) {
			t.Errorf("case %s as a job:\ngot  %v\nwant %v", c.name, got, c.want)
		}
	}
	for _, c := range cases[:20] {
		var times []int64
		for _, e := range c.events {
			at, err := e["timestamp"].(json.Number).Int64()
			if err != nil {
				t.Fatal(err)
			}
			times = append(times, at)
		}
		slices.Sort(times)
		from, to := times[len(times)/4], times[len(times)*3/4]
		part := ""
		for _, e := range c.events {
			if at, _ := e["timestamp"].(json.Number).Int64(); at >= from && at <= to {
				line, err := json.Marshal(e)
				if err != nil {
					t.Fatal(err)
				}
				part += string(line) + "\n"
			}
		}
		rule, err := json.Marshal(c.rule)
		if err != nil {
			t.Fatal(err)
		}
		want, err := backtest(t, writeFile(t, string(rule)), writeFile(t, part), schema.MaxMillis)
		if err != nil {
			t.Fatal(err)
		}
		if got := ask(c, schema.Millis(from), schema.Millis(to)); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("case %s from %d to %d:\ngot  %v\nwant %v", c.name, from, to, got, want)
		}
	}
}

// jobFinds runs the rule of a case as a job over the events of that case. A job has
// no filters: its queries ask for the case's tag.
func (p *process) jobFinds(c oracleCase) []oracleSignal {
	p.t.Helper()
	definition := maps.Clone(c.rule)
	delete(definition, "isEnabled")
	delete(definition, "filters")
	queries := []any{}
	for _, q := range c.rule["queries"].([]any) {
		of := maps.Clone(q.(map[string]any))
		of["query"] = fmt.Sprintf("oracle:%s (%s)", c.name, of["query"])
		queries = append(queries, of)
	}
	definition["queries"] = queries
	definition["index"], definition["from"], definition["to"] = "main", 1, int64(c.until)
	body, err := json.Marshal(map[string]any{"data": map[string]any{"type": "historicalDetectionsJobCreate", "attributes": map[string]any{"jobDefinition": definition}}})
	if err != nil {
		p.t.Fatal(err)
	}
	var created struct{ Data struct{ ID string } }
	p.call(http.MethodPost, jobsAPI+"/jobs", body, &created)
	if state := p.jobEnds(created.Data.ID); state.JobStatus != "completed" {
		p.t.Fatalf("%+v", state)
	}
	var page struct {
		Data []struct {
			Attributes struct {
				Attributes struct{ Nightjar oracleSignal }
			}
		}
	}
	p.call(http.MethodGet, jobsAPI+"/jobs/"+created.Data.ID+"/histsignals?page[limit]=1000", nil, &page)
	out := []oracleSignal{}
	for _, d := range page.Data {
		out = append(out, d.Attributes.Attributes.Nightjar)
	}
	return inOrder(out)
}

// TestAFileOfEventsHasNoSignalsToCorrelate: a rule over signals would take every event for
// a signal of each of its rules.
func TestAFileOfEventsHasNoSignalsToCorrelate(t *testing.T) {
	t.Parallel()
	rule := writeFile(t, `{"name":"x","type":"signal_correlation","isEnabled":true,"message":"m","tags":[],"filters":[],"queries":[{"name":"a","ruleId":"aaa-bbb-ccc","aggregation":"event_count"},{"name":"b","ruleId":"ddd-eee-fff","aggregation":"event_count"}],"cases":[{"name":"","status":"high","condition":"a > 0 && b > 0","notifications":[]}],"options":{"evaluationWindow":3600,"keepAlive":3600,"maxSignalDuration":3600}}`)
	events := writeFile(t, `{"timestamp":1767605400000,"message":"m"}`)
	_, err := backtest(t, rule, events, schema.MaxMillis)
	if err == nil || !strings.Contains(err.Error(), "signals of other rules") {
		t.Errorf("%v", err)
	}
}
