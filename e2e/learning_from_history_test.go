package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestRulesLearnFromThePastAtOnce stores events, and then makes rules with an
// instantaneous baseline: they know what was stored, also after a restart, and
// are silent about it.
func TestRulesLearnFromThePastAtOnce(t *testing.T) {
	t.Parallel() // it waits more than it works
	p := startEngine(t, longAgo...)
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	send := func(events ...string) {
		t.Helper()
		p.call(http.MethodPost, "/api/v2/logs", []byte("["+strings.Join(events, ",")+"]"), nil)
	}
	login := func(hour int, country string) string {
		return fmt.Sprintf(`{"ddsource":"app","hostname":"web","timestamp":%d,"message":"m","usr":{"id":"eve"},"country":%q}`,
			start.Add(time.Duration(hour)*time.Hour+20*time.Minute).UnixMilli(), country)
	}
	var past []string
	for h := range 5 * 24 {
		past = append(past, login(h, "FR"), login(h, "FR"))
	}
	send(append(past, login(3*24, "DE"))...)
	p.caughtUp()
	create := func(name, method, query, options string) {
		t.Helper()
		rule := fmt.Sprintf(`{"name":%q,"type":"log_detection","isEnabled":true,"message":"m","tags":[],"queries":[%s],
			"cases":[{"status":"low","condition":%q}],
			"options":{"detectionMethod":%q,"evaluationWindow":0,"keepAlive":%d,"maxSignalDuration":3600,%s}}`,
			name, query, map[bool]string{true: "a > 0.9999"}[method == "anomaly_detection"], method, map[bool]int{true: 3600}[method == "anomaly_detection"], options)
		if !json.Valid([]byte(rule)) {
			t.Fatal(rule)
		}
		p.call(http.MethodPost, "/api/v2/security_monitoring/rules", []byte(rule), nil)
	}
	news := `{"query":"source:app","aggregation":"new_value","metrics":["@country"],"groupByFields":["@usr.id"]}`
	create("with", "new_value", news, `"newValueOptions":{"forgetAfter":7,"learningDuration":1,"instantaneousBaseline":true}`)
	create("without", "new_value", news, `"newValueOptions":{"forgetAfter":7,"learningDuration":1}`)
	count := `{"query":"source:app","aggregation":"count","groupByFields":["host"]}`
	create("many with", "anomaly_detection", count, `"anomalyDetectionOptions":{"bucketDuration":3600,"learningDuration":24,"instantaneousBaseline":true}`)
	create("many without", "anomaly_detection", count, `"anomalyDetectionOptions":{"bucketDuration":3600,"learningDuration":24}`)
	check := func(want ...string) {
		t.Helper()
		p.caughtUp()
		rules := map[string]bool{}
		for _, s := range p.signals("") {
			rules[s.Rule] = true
		}
		var got []string
		for name := range rules {
			got = append(got, name)
		}
		slices.Sort(got)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("signals of %v, want of %v", got, want)
		}
	}
	send(login(5*24, "DE"))
	check()
	p.kill()
	p.start()
	send(login(5*24, "US"))
	check("with")
	var burst []string
	for range 30 {
		burst = append(burst, login(5*24+1, "FR"))
	}
	send(burst...)
	check("many with", "with")
}
