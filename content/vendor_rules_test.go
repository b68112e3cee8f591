package content

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/compiler"
	"nightjar/compiler/search"
	"nightjar/ingest"
	"nightjar/ingest/ingesttest"
	"nightjar/ingest/pipeline"
	"nightjar/scheduler/detect"
	"nightjar/scheduler/ruletest"
	"nightjar/schema"
	"nightjar/testenv"
)

// TestTheVendorsCloudTrailRulesFindRealAttacks sends real attacks as CloudTrail recorded
// them, with and without their source, and asks the vendor's rules. One of these looks
// for what a group did not do in the week before: of events that come once, it learns. So
// they come a second time, later than it remembers. Rules that stay silent say why: run
// with -v.
func TestTheVendorsCloudTrailRulesFindRealAttacks(t *testing.T) {
	text, err := os.ReadFile(testenv.Shared(t, "data/cloudtrail/stratus_detonations.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	body := string(text)
	again := later(t, body, 30*24*time.Hour)
	plans := vendorRules(t, "ootb_aws*")
	if len(plans) != 45 {
		t.Errorf("%d of the rules are evaluated, want 45", len(plans))
	}
	for _, c := range []struct {
		query, body    string
		rules, signals int
	}{
		{"", body, 6, 7},
		{"?ddsource=cloudtrail", body, 6, 7},
		{"", body + again, 7, 16},
	} {
		events := sent(t, c.query, c.body)
		for i := range events {
			if problem := misread(&events[i], "aws-cloudtrail", "cloudtrail"); problem != "" {
				t.Fatalf("event %d: %s: %s", i, problem, events[i].JSON)
			}
		}
		t.Logf("%d events to /api/v2/logs%s", len(events), c.query)
		rules, signals := 0, 0
		for _, plan := range plans {
			found := signalsOf(plan, events)
			if len(found) == 0 {
				t.Logf("%s: silent\n\t%s", plan.Rule.Name, silence(plan, events))
				continue
			}
			t.Logf("%s: %d signals", plan.Rule.Name, len(found))
			rules++
			signals += len(found)
		}
		if rules < c.rules || signals < c.signals {
			t.Errorf("%d events to /api/v2/logs%s: %d rules make %d signals; want at least %d and %d", len(events), c.query, rules, signals, c.rules, c.signals)
		}
	}
}

// later are the records with another eventTime, and nothing else changed.
func later(t *testing.T, records string, by time.Duration) string {
	t.Helper()
	return regexp.MustCompile(`"eventTime":"([^"]*)"`).ReplaceAllStringFunc(records, func(member string) string {
		at, err := time.Parse(`"eventTime":"`+time.RFC3339+`"`, member)
		if err != nil {
			t.Fatal(err)
		}
		return at.Add(by).Format(`"eventTime":"` + time.RFC3339 + `"`)
	})
}

// vendorRules are the plans of the vendor's rules with such names that are evaluated.
func vendorRules(t *testing.T, names string) []*compiler.BoundPlan {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(testenv.Shared(t, "conformance/rules"), names+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return plansOf(t, files)
}

// plansOf are the plans of the rules in files that are evaluated over events.
func plansOf(t *testing.T, files []string) []*compiler.BoundPlan {
	t.Helper()
	var out []*compiler.BoundPlan
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var rule schema.Rule
		if err := schema.Read(text, &rule); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		compiled, _, err := compiler.Compile(rule)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		plan := compiled.Bind()
		if plan.Unsupported == "" && !plan.OfSignals {
			out = append(out, plan)
		}
	}
	return out
}

// sent are the events of a body that is sent to the intake, with the bundled pipelines.
func sent(t testing.TB, query, body string) []schema.Event {
	t.Helper()
	set := bundled(t)
	in := ingesttest.Start(t, t.TempDir(), func(d *ingest.Deps) { d.Pipelines = set })
	answer := ingesttest.Send(ingest.NewHandler(in.Intake), "POST", "/api/v2/logs"+query, body, "Content-Type", "application/json")
	if answer.Code != 202 {
		t.Fatalf("the intake answers %d %s", answer.Code, answer.Body)
	}
	events := in.Events()
	for i := range events {
		events[i].Seen = events[i].At // they arrived when they happened
	}
	return events
}

// misread says what is wrong with how an event was read; empty: nothing.
func misread(e *schema.Event, pipeline, source string) string {
	var said struct {
		Nightjar struct {
			Pipelines []string
			Errors    []string `json:"pipeline_errors"`
		}
	}
	if err := json.Unmarshal([]byte(e.JSON), &said); err != nil {
		return err.Error()
	}
	switch {
	case len(said.Nightjar.Errors) > 0:
		return strings.Join(said.Nightjar.Errors, "; ")
	case source != "" && e.Source != source:
		return "its source is " + e.Source
	case !slices.ContainsFunc(said.Nightjar.Pipelines, func(p string) bool { return strings.HasPrefix(p, pipeline+"@") }):
		return fmt.Sprintf("pipelines %q read it", said.Nightjar.Pipelines)
	}
	return ""
}

func signalsOf(plan *compiler.BoundPlan, events []schema.Event) []schema.Signal {
	var matches []compiler.Match
	first, last := schema.MaxMillis, schema.MinMillis
	for i := range events {
		matches = append(matches, plan.Matches(&events[i])...)
		first, last = min(first, events[i].At), max(last, events[i].At)
	}
	return detect.Replay(plan, matches, detect.Over(first, last))
}

// silence says why a rule makes no signal of the events: of each of its queries, which
// part of it no event meets.
func silence(plan *compiler.BoundPlan, events []schema.Event) string {
	var out []string
	for i := range plan.Labels {
		out = append(out, fmt.Sprintf("%s: %s", plan.Labels[i].Name, missing(plan, i, events)))
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), "\n\t")
}

func missing(plan *compiler.BoundPlan, label int, events []schema.Event) string {
	met := map[string]int{}
	var clauses []string
	whole, found := 0, 0
	why := ""
	for i := range events {
		x := plan.Explain(&events[i])[label]
		for _, c := range parts(x.Clauses) {
			if _, seen := met[c.Text]; !seen {
				clauses = append(clauses, c.Text)
				met[c.Text] = 0
			}
			if c.Matches {
				met[c.Text]++
			}
		}
		if allMatch(x.Clauses) {
			whole++
			why = x.Why
		}
		found += len(x.Found)
	}
	if found > 0 {
		return fmt.Sprintf("%d events match, and no case holds", found)
	}
	if whole > 0 {
		return fmt.Sprintf("%d events match the query, and none counts: %s", whole, why)
	}
	for _, c := range clauses {
		if met[c] == 0 {
			return "no event has " + c
		}
	}
	return "no event has all of it at once"
}

// parts are the clauses that have to hold together.
func parts(clauses []search.Clause) []search.Clause {
	var out []search.Clause
	for _, c := range clauses {
		if len(c.Clauses) > 0 && strings.Contains(c.Text, " AND ") && !strings.HasPrefix(c.Text, "(") {
			out = append(out, parts(c.Clauses)...)
			continue
		}
		out = append(out, c)
	}
	return out
}

func allMatch(clauses []search.Clause) bool {
	return !slices.ContainsFunc(clauses, func(c search.Clause) bool { return !c.Matches })
}

// bundled are the pipelines that ship, without their bound, which a busy machine reaches.
func bundled(t testing.TB) *pipeline.Set {
	t.Helper()
	set, err := shipped()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestEventsOfRuleTestsAreAtTheTimesOfTheTests has a record as it was pasted, whose own
// time is another.
func TestEventsOfRuleTestsAreAtTheTimesOfTheTests(t *testing.T) {
	rule, err := filepath.Abs("rules/audit-trail-stopped.json")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x_test.yaml")
	text := `rule: ` + rule + `
tests:
  - name: a record of another year
    events:
      - at: +10m
        event: {eventVersion: "1.08", eventSource: cloudtrail.amazonaws.com, eventName: StopLogging, awsRegion: us-east-1, eventTime: "2024-01-01T00:00:00Z", recipientAccountId: "111122223333"}
    until: +1h10m
    signals: [{group: "111122223333", first_seen: +1h10m}]
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	report := ruletest.Run(path, ruletest.Options{Pipelines: bundled(t)})
	if report.Failed() {
		t.Errorf("%s %+v", report.Error, report.Tests)
	}
}
