package content

import (
	"path/filepath"
	"strings"
	"testing"

	"nightjar/scheduler/ruletest"
)

// TestBundledRulesPassTheirTests runs the tests beside the rules, and wants some
// for every rule.
func TestBundledRulesPassTheirTests(t *testing.T) {
	rules, err := filepath.Glob("rules/*.json")
	if err != nil || len(rules) < 6 {
		t.Fatalf("found %d rules, %v", len(rules), err)
	}
	for _, rule := range rules {
		path := strings.TrimSuffix(rule, ".json") + "_test.yaml"
		report := ruletest.Run(path, ruletest.Options{})
		if report.Error != "" {
			t.Errorf("%s:%s", path, report.Error)
		}
		for _, w := range report.Warnings {
			t.Errorf("%s: warning: %s", path, w)
		}
		for _, test := range report.Tests {
			if !test.Passed {
				t.Errorf("%s:%d: %s\n%s", path, test.Line, test.Name, strings.Join(test.Problems, "\n"))
			}
		}
		if report.Error == "" && len(report.Tests) < 2 {
			t.Errorf("%s: %d tests; want one that gives a signal and one that gives none", path, len(report.Tests))
		}
	}
}
