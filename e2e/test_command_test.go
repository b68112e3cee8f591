package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nightjar/scheduler/ruletest"
)

func TestRuleTestsSucceedFailAndAreMisused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	suite := func(name, threshold string) string {
		path := filepath.Join(dir, name+"_test.yaml")
		text := `
rule:
  name: r
  queries: [{name: a, query: "*", aggregation: count}]
  cases: [{name: "", status: low, condition: a > ` + threshold + `}]
  options: {evaluationWindow: 60, keepAlive: 60, maxSignalDuration: 60}
tests:
  - name: one event
    events: [{at: +0s, event: x}]
    signals: [{severity: low}]
`
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, bad, broken := suite("good", "0"), suite("bad", "1"), suite("broken", "(")
	report := filepath.Join(dir, "report.xml")
	for _, c := range []struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		{[]string{good}, exitOK, "ok    " + good + "  1 test\n", ""},
		{[]string{bad}, exitFailure, "signal 1, line 10: there is no such signal", "1 test failed of 1"},
		{[]string{dir}, exitFailure, "FAIL  " + broken, "1 test failed of 2, and 1 file can't be run"},
		{[]string{good, "--run", "no such"}, exitFailure, "", "no test was run"},
		{[]string{good, "--run", "("}, exitUsage, "", "--run: "},
		{[]string{}, exitUsage, "", "requires at least 1 arg"},
		{[]string{filepath.Join(dir, "nowhere")}, exitFailure, "", "no such file"},
		{[]string{good, "--geoip", "/nowhere"}, exitFailure, "", "GeoIP database /nowhere"},
		{[]string{bad, "--junit", report, "--output", "json"}, exitFailure, `"passed": false`, "1 test failed"},
	} {
		stdout, stderr, code := nightjar(t, ".", append([]string{"test"}, c.args...)...)
		if code != c.code || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) {
			t.Errorf("nightjar test %q: exit %d, stdout %q, stderr %q; want %d, %q, %q", c.args, code, stdout, stderr, c.code, c.stdout, c.stderr)
		}
	}
	if text, err := os.ReadFile(report); err != nil || !strings.Contains(string(text), `failures="1"`) {
		t.Errorf("the JUnit report: %v %s", err, text)
	}
	stdout, _, _ := nightjar(t, ".", "test", good, "--output", "json")
	var reports []ruletest.Report
	if err := json.Unmarshal([]byte(stdout), &reports); err != nil || len(reports) != 1 || !reports[0].Tests[0].Passed {
		t.Errorf("as JSON: %v %s", err, stdout)
	}
}
