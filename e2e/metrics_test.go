package e2e

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// /metrics tells of the intake, how far evaluation is behind, what it does not
// cover, and what each rule costs.
func TestMetricsTellOfIntakeLagCoverageAndRules(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	rule := func(method string) string {
		return `{"name":"n","message":"m","isEnabled":true,"type":"log_detection","queries":[{"query":"source:seed","groupByFields":["@user"]}],
			"cases":[{"status":"low","condition":"a > 0"}],"options":{"detectionMethod":"` + method + `","evaluationWindow":300,"keepAlive":300,"maxSignalDuration":600}}`
	}
	var made struct{ ID string }
	p.call(http.MethodPost, "/api/v2/security_monitoring/rules", []byte(rule("hardcoded")), nil)
	p.call(http.MethodPost, "/api/v2/security_monitoring/rules", []byte(rule("threshold")), &made)
	p.call(http.MethodPost, "/api/v2/logs", []byte(`[{"ddsource":"seed","user":"a"},{"ddsource":"seed","user":"b"}]`), nil)
	p.caughtUp()
	var text []byte
	p.await("the matches of the rule counted", func() bool {
		var err error
		_, text, err = p.request(http.MethodGet, "/metrics", nil)
		return err == nil && strings.Contains(string(text), `nightjar_rule_matches_total{rule="`+made.ID+`"} 2`)
	})
	value := func(name string) float64 {
		t.Helper()
		m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindSubmatch(text)
		if m == nil {
			t.Errorf("no %s", name)
			return -1
		}
		v, err := strconv.ParseFloat(string(m[1]), 64)
		if err != nil {
			t.Error(err)
		}
		return v
	}
	for name, want := range map[string]float64{
		"nightjar_scheduler_lag_events":                       0,
		`nightjar_scheduler_rules{state="running"}`:           1,
		`nightjar_scheduler_rules{state="unsupported"}`:       1,
		`nightjar_scheduler_rules{state="failing"}`:           0,
		`nightjar_rule_matches_total{rule="` + made.ID + `"}`: 2,
	} {
		if got := value(name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if value(`nightjar_rule_seconds_total{rule="`+made.ID+`"}`) <= 0 {
		t.Error("the rule cost nothing")
	}
	if !regexp.MustCompile(`(?m)^nightjar_ingest_\w*events\w*_total.* 2$`).Match(text) {
		t.Error("nothing tells of the two events")
	}
}
