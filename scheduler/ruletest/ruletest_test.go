package ruletest

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"nightjar/compiler"
	"nightjar/schema"
	"nightjar/testenv"
)

var update = flag.Bool("update", false, "write the expected output")

func TestFailuresReadAsADiff(t *testing.T) {
	var got strings.Builder
	for _, r := range Run("testdata/failing_test.yaml", Options{}).Tests {
		fmt.Fprintf(&got, "%d: %s, passed: %t\n", r.Line, r.Name, r.Passed)
		for _, p := range r.Problems {
			got.WriteString(p + "\n")
		}
	}
	const path = "testdata/failing.txt"
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPassingSuitesPass(t *testing.T) {
	paths, err := Find("testdata/passing")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		report := Run(path, Options{})
		if report.Failed() {
			t.Errorf("%s: %s%v", path, report.Error, report.Tests)
		}
	}
}

// header begins a file with a rule that counts all events by user.
const header = `rule:
  name: r
  queries: [{name: a, query: "*", aggregation: count, groupByFields: ["@u"]}]
  cases: [{name: "", status: low, condition: a > 0}]
  options: {evaluationWindow: 0, keepAlive: 0, maxSignalDuration: 0}
`

// TestMistakesHaveTheirPlaces holds what the author of a file is told.
func TestMistakesHaveTheirPlaces(t *testing.T) {
	tests := header + "tests:\n  - name: t\n"
	for _, c := range []struct{ file, want string }{
		{"", "1:1: the file is empty"},
		{"a: [", "line 1: did not find expected node content"},
		{"tests: []", "1:1: which rule?"},
		{header, "1:1: there are no tests"},
		{header + "test: []", `6:1: unknown key "test"; did you mean "tests"?; there are rule, rules, start, defaults, tables, suppressions, tests`},
		{header + "start: +5m\n", "6:8: start: relative to what?"},
		{header + "start: soon\n", `6:8: "soon" is no time`},
		{header + "defaults: [1]\ntests: []", "defaults: want a mapping"},
		{tests + "    signals: []\n---\na: b", "want one document"},
		{tests + "    events: []\n", "7:5: which signals are expected?"},
		{tests + "    events: {}\n    signals: []", "8:13: want a list here, got a mapping"},
		{tests + "    signals: []\n    signals: []\n", `9:5: key "signals" is there twice`},
		{tests + "    signals: []\n  - name: t\n    signals: []\n", `9:5: two tests are named "t"`},
		{tests + "    signals: [{grup: x}]\n", `8:16: unknown key "grup"; did you mean "group"?; there are rule, group, severity`},
		{tests + "    signals: [{events: many}]\n", `8:24: want a whole number here, got "many"`},
		{tests + "    signals: [{rule: other}]\n", `8:15: no rule here is named "other"`},
		{tests + "    signals: []\n    events: [{at: +0s}]\n", "9:14: which event?"},
		{tests + "    signals: []\n    events: [{event: x}]\n", "9:14: when?"},
		{tests + "    signals: []\n    events: [{at: +0s, event: [x]}]\n", "9:14: event: want a message"},
		{tests + "    signals: []\n    events: [{at: +5parsecs, event: x}]\n", `9:19: "5parsecs" is not a duration`},
		{tests + "    signals: []\n    events: [{at: +0s, count: 2, event: x}]\n", "9:14: `count: 10` and `every: 30s` go together"},
		{tests + "    signals: []\n    events: [{at: +0s, count: 0, every: 1s, event: x}]\n", "9:14: count: from 1 to 100000"},
		{tests + "    signals: []\n    events: [{at: +0s, event: {a: 1, a: 2}}]\n", `9:38: key "a" is there twice`},
		{tests + "    signals: []\n    events: [{at: +0s, event: {<<: {a: 1}}}]\n", "9:32: merge keys are not read"},
		{tests + "    signals: []\n    events: [{file: x, at: +0s}]\n", "9:14: events of a file have their own times"},
		{"rule: {file: nowhere.json}\ntests: [{name: t, signals: []}]", "1:7: open"},
		{"rule: {nam: x}\ntests: [{name: t, signals: []}]", `1:8: unknown key "nam"`},
		{strings.Replace(tests, "a > 0", "3 > a", 1) + "    signals: []\n", "4:46: cases[0].condition: "},
		{strings.Replace(tests, "evaluationWindow: 0", "evaluationWindow: 5m", 1) + "    signals: []\n", `5:31: want a whole number here, got "5m"`},
		{header + "rules: [{name: r, queries: [{name: a, query: x, aggregation: count}], cases: [{status: low, condition: a > 0}], options: {evaluationWindow: 0, keepAlive: 0, maxSignalDuration: 0}}]\ntests: [{name: t, signals: []}]", "6:9: two rules are named"},
	} {
		_, _, err := parse(folder{dir: t.TempDir()}, []byte(c.file), nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n\tgot  %v\n\twant %s", c.file, err, c.want)
		}
	}
}

// TestRunsSayWhatTheyCannotRead holds what is found only when a test is run.
func TestRunsSayWhatTheyCannotRead(t *testing.T) {
	listed := strings.Replace(header, "  options:", `  referenceTables: [{tableName: bad, columnName: ip, logFieldPath: "@ip", checkPresence: true}]`+"\n  options:", 1)
	for _, c := range []struct{ file, want string }{
		{header + "tests: [{name: t, signals: [], events: [{at: +0s, event: {timestamp: 1}}]}]", "timestamp: the event's time is that of `at:`"},
		{header + "tests: [{name: t, signals: [], events: [{file: nowhere.ndjson}]}]", "nowhere.ndjson"},
		{header + "tests: [{name: t, signals: [], suppressions: [{name: s, rule_query: '('}]}]", "suppression s: "},
		{header + "tests: [{name: t, signals: [], tables: [{name: x}]}]", "a table needs a name and one of file, csv and rows"},
		{header + "tests: [{name: t, signals: [], tables: [{name: x, rows: [{a: 1}, {b: 1}]}]}]", "this row has the columns [b], the first [a]"},
		{header + "tests: [{name: t, signals: [], tables: [{name: x, csv: \"a\\n1,2\\n\"}]}]", "table x: 2:"},
		{listed + "tests: [{name: t, signals: []}]", "bad"},
	} {
		report := runText(t, c.file, Options{})
		if len(report.Tests) != 1 || report.Tests[0].Passed || !strings.Contains(strings.Join(report.Tests[0].Problems, "\n"), c.want) {
			t.Errorf("%s\n\tgot  %+v\n\twant %s", c.file, report, c.want)
		}
	}
}

// TestWhatIsLeftOutOfAnEventIsAWarning has an event in more groups than count.
func TestWhatIsLeftOutOfAnEventIsAWarning(t *testing.T) {
	values := make([]string, compiler.MaxTuples+3)
	for i := range values {
		values[i] = fmt.Sprint(i)
	}
	report := runText(t, header+"tests: [{name: long, signals: [{group: ['10002']}], events: [{at: +0s, event: {u: ["+strings.Join(values, ",")+"]}}]}]", Options{})
	if len(report.Warnings) != 1 || !strings.HasPrefix(report.Warnings[0], "long: 3 groups and tuples of values were left out") {
		t.Errorf("warnings %q, error %s", report.Warnings, report.Error)
	}
}

func runText(t *testing.T, text string, o Options) Report {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x_test.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Run(path, o)
}

// TestConformanceCasesAreRuleTests writes the cases of the independent evaluator
// as rule tests: the same signals, and none else. A clone has a selection of them.
func TestConformanceCasesAreRuleTests(t *testing.T) {
	t.Run("selection", func(t *testing.T) { casesAreRuleTests(t, "../testdata/conformance", 62, 250) })
	t.Run("shared", func(t *testing.T) { casesAreRuleTests(t, testenv.Shared(t, "conformance"), 185, 700) })
}

func casesAreRuleTests(t *testing.T, root string, atLeast, atLeastSignals int) {
	root, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	dirs, err := filepath.Glob(filepath.Join(root, "[as]*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	ran, signals := 0, 0
	for _, dir := range dirs {
		var rule schema.Rule
		var want []struct {
			Case      int
			Group     []string
			FirstSeen int64 `json:"first_seen"`
			LastSeen  int64 `json:"last_seen"`
			Severity  string
		}
		readJSON(t, filepath.Join(dir, "rule.json"), &rule)
		compiled, _, err := compiler.Compile(rule)
		if err != nil {
			t.Fatal(err)
		}
		plan := compiled.Bind()
		if plan.Unsupported != "" || len(plan.TableColumns()) > 0 {
			continue
		}
		readJSON(t, filepath.Join(dir, "expected.json"), &want)
		var list []map[string]any
		for _, s := range want {
			list = append(list, map[string]any{"case": s.Case, "group": append([]string{}, s.Group...), "first_seen": s.FirstSeen, "last_seen": s.LastSeen, "severity": s.Severity})
		}
		test := map[string]any{"name": "case", "events": []any{map[string]any{"file": filepath.Join(dir, "events.ndjson")}}, "signals": append([]map[string]any{}, list...)}
		if _, err := os.Stat(filepath.Join(dir, "until.txt")); err == nil {
			var until int64
			readJSON(t, filepath.Join(dir, "until.txt"), &until)
			test["until"] = until
		}
		text, err := json.Marshal(map[string]any{"rule": filepath.Join(dir, "rule.json"), "tests": []any{test}})
		if err != nil {
			t.Fatal(err)
		}
		if report := runText(t, string(text), Options{}); report.Failed() {
			t.Errorf("%s: %s%v", filepath.Base(dir), report.Error, report.Tests)
		}
		ran++
		signals += len(want)
	}
	if ran < atLeast || signals < atLeastSignals {
		t.Errorf("ran %d cases with %d signals, want %d with %d", ran, signals, atLeast, atLeastSignals)
	}
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// TestEventsAreWhatWasWritten has scalars that YAML reads in its own way.
func TestEventsAreWhatWasWritten(t *testing.T) {
	s, _, err := parse(folder{dir: t.TempDir()}, []byte(header+`defaults: {source: app, o: {a: 1, l: [1]}, tags: [env:dev]}
tests:
  - name: t
    signals: []
    events:
      - {at: +1m, event: {big: 12345678901234567, hex: 0x1F, f: 1.50, e: 1e3, day: 2026-01-01, "yes": yes, b: True, n: ~, s: "1", o: {b: 2, l: [2]}}}
      - {at: 2026-01-01T00:00:30Z, count: 2, every: 500ms, event: {u: "user-{n}", message: "a{n} \u001b\n"}}
      - {at: 1767225600001, event: "just \"text\""}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	r := run{suite: s, test: &s.Tests[0], start: defaultStart}
	events, err := r.events(s.Tests[0].Events)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range events {
		got = append(got, fmt.Sprintf("%d +%dms %s %v %q %s", e.Seq, e.At-defaultStart, e.Source, e.Tags, e.Message, strings.ReplaceAll(e.JSON, `\u0022`, `"`)))
	}
	want := []string{
		`1 +60000ms app [env:dev] "" {"b":true,"big":12345678901234567,"day":"2026-01-01","e":1000,"f":1.5,"hex":31,"n":null,"o":{"a":1,"b":2,"l":[2]},"s":"1","yes":"yes"}`,
		`2 +30000ms app [env:dev] "a1 \x1b\n" {"o":{"a":1,"l":[1]},"u":"user-1"}`,
		`3 +30500ms app [env:dev] "a2 \x1b\n" {"o":{"a":1,"l":[1]},"u":"user-2"}`,
		`4 +1ms app [env:dev] "just \"text\"" {"o":{"a":1,"l":[1]}}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTimesAreShownAsTheyAreWritten(t *testing.T) {
	for _, text := range []string{"+0s", "+90ms", "+1m30s", "+1m", "-1h", "+1h0m5s", "+2h30m", "+3d", "+1d2h", "-10d3m20.5s", "+10s", "+10m"} {
		m := moment{}
		if err := m.fromYAML(&yaml.Node{Kind: yaml.ScalarNode, Value: text}); err != nil {
			t.Error(err)
		}
		if got := show(*m.in(defaultStart), defaultStart, true); got != text {
			t.Errorf("%s is shown as %s", text, got)
		}
	}
}

func TestOnlyChosenTestsRun(t *testing.T) {
	r := Run("testdata/failing_test.yaml", Options{Only: regexp.MustCompile(`_test.yaml: nothing was`)})
	if len(r.Tests) != 1 || r.Tests[0].Name != "nothing was expected" {
		t.Errorf("ran %+v", r.Tests)
	}
}

func TestTestsAreFoundByTheirNames(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a_test.yaml", "deep/er/b_test.yml", "rule.yaml", "c_test.json"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Find(dir)
	if diff := cmp.Diff([]string{filepath.Join(dir, "a_test.yaml"), filepath.Join(dir, "deep/er/b_test.yml")}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := Find(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("a folder that is not there has tests")
	}
	if err := os.RemoveAll(filepath.Join(dir, "deep")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "a_test.yaml")); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(dir); err == nil || !strings.Contains(err.Error(), "_test.yaml") {
		t.Errorf("a folder without tests: got %v", err)
	}
}

func TestJUnitCountsFailuresAndUnreadableFiles(t *testing.T) {
	var out bytes.Buffer
	reports := []Report{
		Run("testdata/failing_test.yaml", Options{}),
		{Path: "x/y_test.yaml", Error: "1:1: broken \x1b<&\"\nin two lines"},
	}
	if err := WriteJUnit(&out, reports); err != nil {
		t.Fatal(err)
	}
	var got junitSuites
	if err := xml.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%v in\n%s", err, out.String())
	}
	if got.Tests != 4 || got.Failures != 2 || got.Errors != 1 || len(got.Suites) != 2 || !strings.Contains(got.Suites[0].Cases[0].Failure.Text, "+ severity") ||
		got.Suites[1].Cases[0].Error.Message != "1:1: broken �<&\"" {
		t.Errorf("got %+v", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, path := range []string{"testdata/failing_test.yaml"} {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	rules, err := filepath.Glob("../../content/rules/*_test.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range rules {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("a: &a [*a]\nrule: *a"))
	f.Add([]byte("rule: {name: &x [a, b, c]}\ndefaults: {a: &b [*x, *x], c: &d [*b, *b], e: [*d, *d]}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, _, err := parse(folder{dir: t.TempDir()}, text, nil)
		if err != nil {
			return
		}
		for i := range s.Tests {
			for j := range s.Tests[i].Events {
				if c := s.Tests[i].Events[j].Count; c != nil {
					*c = min(*c, 10)
				}
			}
			r := run{suite: s, test: &s.Tests[i], start: defaultStart}
			if _, err := r.run(); err != nil {
				continue
			}
		}
	})
}
