package ruletest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"nightjar/schema"
)

// A text that somebody sends reads nothing of the disk, by whatever way it names a file.
func TestATextOfTestsReadsNothingOfTheDisk(t *testing.T) {
	rule := schema.Rule{
		Name: "r", IsEnabled: true, Queries: []schema.RuleQuery{{Name: "a", Query: "source:x", Aggregation: "count"}},
		Cases: []schema.RuleCase{{Status: "low", Condition: "a > 0"}},
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"r.json": `{"name":"other"}`, "t.csv": "ip\n1.1.1.1\n", "e.json": `{"source":"x"}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	test := "tests:\n  - {name: t, events: [{at: +0s, event: {source: x}}], signals: [{severity: low}]}\n"
	for _, c := range []struct{ text, want string }{
		{test, ""},
		{"rule: r.json\n" + test, ""}, // the rule is given
		{"rules: [r.json]\n" + test, "can name no other file"},
		{"rules: [{file: " + dir + "/r.json}]\n" + test, "can name no other file"},
		{"rules: [../" + filepath.Base(dir) + "/r.json]\n" + test, "can name no other file"},
		{"tables: [{name: t, file: t.csv}]\n" + test, "can name no other file"},
		{"tests:\n  - {name: t, events: [{file: e.json}], signals: []}\n", "can name no other file"},
		{"rules: [ships.json]\n" + test, ""},
	} {
		ships := fstest.MapFS{"ships.json": {Data: []byte(`{"name":"ships","queries":[{"query":"source:y"}],"cases":[{"status":"low"}]}`)}}
		report := textReport(t, c.text, rule, Options{Ships: ships})
		said := report.Error
		for _, r := range report.Tests {
			said += strings.Join(r.Problems, "\n")
		}
		if (said == "") != (c.want == "") || !strings.Contains(said, c.want) {
			t.Errorf("%s: %s", c.text, said)
		}
	}
	many := "tests:\n  - {name: t, events: [{at: +0s, count: 60, every: 1s, event: {source: x}}], signals: [{severity: low}]}\n  - {name: u, events: [{at: +0s, count: 60, every: 1s, event: {source: x}}], signals: [{severity: low}]}\n"
	for _, c := range []struct {
		most Bounds
		want [2]bool // that a test is refused
	}{
		{Bounds{Events: 100}, [2]bool{false, true}},
		{Bounds{Bytes: 4000}, [2]bool{false, true}}, // an event has between 40 and 60 bytes
		{Bounds{Events: 120, Bytes: 120 * 60}, [2]bool{false, false}},
		{Bounds{}, [2]bool{false, false}},
	} {
		report := textReport(t, many, rule, Options{Most: c.most})
		for i := range report.Tests {
			if refused := strings.Contains(strings.Join(report.Tests[i].Problems, ""), "too many events"); refused != c.want[i] {
				t.Errorf("%+v, test %d: %.300q", c.most, i, report.Tests[i].Problems)
			}
		}
		if len(report.Tests) != 2 {
			t.Errorf("%+v: %d tests", c.most, len(report.Tests))
		}
	}
}

func textReport(t *testing.T, text string, rule schema.Rule, o Options) Report {
	t.Helper()
	report, err := RunText(t.Context(), []byte(text), rule, o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// TestATextOfTestsEndsWithItsCaller: nobody reads what it would come to.
func TestATextOfTestsEndsWithItsCaller(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	rule := schema.Rule{
		Name: "r", Queries: []schema.RuleQuery{{Name: "a", Query: "*", Aggregation: "count"}}, Cases: []schema.RuleCase{{Status: "low", Condition: "a > 0"}},
	}
	text := "tests:\n  - {name: t, events: [{at: +0s, event: {source: x}}], signals: []}\n"
	if report, err := RunText(ctx, []byte(text), rule, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%+v, %v", report, err)
	}
}
