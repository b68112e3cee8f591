package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"
)

// TestSignalsAreCorrelatedAcrossRestarts runs a rule over the signals of two
// others through the binary: a failed login and then a change, by one user.
func TestSignalsAreCorrelatedAcrossRestarts(t *testing.T) {
	t.Parallel()
	p := startEngine(t, longAgo...)
	create := func(rule map[string]any) string {
		rule["message"], rule["tags"], rule["isEnabled"] = "m", []string{}, true
		rule["options"] = map[string]any{"evaluationWindow": 900, "keepAlive": 3600, "maxSignalDuration": 86400}
		body, err := json.Marshal(rule)
		if err != nil {
			t.Fatal(err)
		}
		var made struct{ ID string }
		p.call(http.MethodPost, "/api/v2/security_monitoring/rules", body, &made)
		return made.ID
	}
	of := func(query string) map[string]any {
		return map[string]any{
			"name": query, "type": "log_detection",
			"queries": []any{map[string]any{"query": query, "aggregation": "count", "groupByFields": []string{"@usr.id"}}},
			"cases":   []any{map[string]any{"status": "low", "condition": "a > 0"}},
		}
	}
	failed, changed := create(of("@evt.name:login")), create(of("@evt.name:change"))
	create(map[string]any{
		"name": "both", "type": "signal_correlation",
		"queries": []any{
			map[string]any{"name": "login", "ruleId": failed, "aggregation": "event_count", "correlatedByFields": []string{"@usr.id"}},
			map[string]any{"name": "change", "ruleId": changed, "aggregation": "event_count", "correlatedByFields": []string{"@usr.id"}},
		},
		"cases": []any{map[string]any{"status": "high", "name": "then", "condition": "login > 0 then change > 0"}},
	})
	send := func(name, user string, minute int) {
		at := time.Date(2026, 3, 1, 12, minute, 0, 0, time.UTC).UnixMilli()
		body := fmt.Sprintf(`[{"timestamp":%d,"message":"m","evt":{"name":%q},"usr":{"id":%q}}]`, at, name, user)
		p.call(http.MethodPost, "/api/v2/logs", []byte(body), nil)
	}
	send("login", "eve", 0)
	send("login", "bob", 0)
	p.caughtUp()
	p.kill()
	p.start()
	send("change", "eve", 5)
	send("change", "bob", 20) // too late
	send("change", "amy", 5)
	p.caughtUp()
	var got []string
	for _, s := range p.signals("") {
		if s.Rule == "both" {
			got = append(got, fmt.Sprint(s.Group, s.Severity, s.FirstSeen))
		}
	}
	want := fmt.Sprint([]string{fmt.Sprint([]string{"eve"}, "high", time.Date(2026, 3, 1, 12, 5, 0, 0, time.UTC).UnixMilli())})
	if fmt.Sprint(got) != want {
		t.Errorf("signals of the rule over signals: %v, want %v", got, want)
	}
}
