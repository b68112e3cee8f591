package ruletest

import (
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
		report := RunText([]byte(c.text), rule, Options{Ships: ships})
		said := report.Error
		for _, r := range report.Tests {
			said += strings.Join(r.Problems, "\n")
		}
		if (said == "") != (c.want == "") || !strings.Contains(said, c.want) {
			t.Errorf("%s: %s", c.text, said)
		}
	}
	many := "tests:\n  - {name: t, events: [{at: +0s, count: 60, every: 1s, event: {source: x}}], signals: [{severity: low}]}\n  - {name: u, events: [{at: +0s, count: 60, every: 1s, event: {source: x}}], signals: [{severity: low}]}\n"
	report := RunText([]byte(many), rule, Options{Events: 100})
	if len(report.Tests) != 2 || !strings.Contains(strings.Join(report.Tests[1].Problems, ""), "too many events") {
		t.Errorf("%+v", report)
	}
}
