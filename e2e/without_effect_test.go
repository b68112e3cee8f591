package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestWhatDoesNothingIsToldWithItsReason stores what has no effect yet, and asks
// for it wherever users look.
func TestWhatDoesNothingIsToldWithItsReason(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	post := func(path, body string) string {
		t.Helper()
		status, answer, err := p.request(http.MethodPost, path, []byte(body))
		if err != nil || status >= 300 {
			t.Fatalf("%s: %d %s %v", path, status, answer, err)
		}
		return string(answer)
	}
	rule := `{"name":"idle one","message":"m","isEnabled":true,"type":"log_detection",
		"queries":[{"name":"a","query":"SELECT 1","queryLanguage":"sql","aggregation":"count","groupByFields":[]}],
		"cases":[{"status":"high","condition":"a > 0","notifications":["@slack-soc"]}],"options":{"evaluationWindow":60,"keepAlive":300,"maxSignalDuration":3600}}`
	const configuration = "/api/v2/security_monitoring/configuration/"
	for _, c := range []struct{ path, body, want string }{
		{"/api/v2/security_monitoring/rules", rule, "queries in SQL are not evaluated yet"},
		{"/api/v2/security_monitoring/rules", rule, "cases[0].notifications: there is no target @slack-soc: nobody is told"},
		{configuration + "security_filters", `{"data":{"type":"security_filters","attributes":{"name":"f","query":"*","is_enabled":true,"filtered_data_type":"logs","exclusion_filters":[]}}}`, "security filters are kept"},
		{configuration + "critical_assets", `{"data":{"type":"critical_assets","attributes":{"query":"host:x","rule_query":"*","severity":"high"}}}`, "critical assets are kept"},
		{"/api/v2/security/vulnerabilities/notification_rules", `{"data":{"type":"notification_rules","attributes":{"name":"n","targets":["slack-soc"],"selectors":{"trigger_source":"security_findings"}}}}`, "there are none to tell of"},
	} {
		if answer := post(c.path, c.body); !strings.Contains(answer, `"warnings":[`) || !strings.Contains(answer, c.want) {
			t.Errorf("%s answers %s, want a warning: %s", c.path, answer, c.want)
		}
	}
	for where, read := range map[string]func() string{
		"rules list": func() string { text, _, _ := p.run("rules", "list"); return text },
		"status":     func() string { text, _, _ := p.run("status", "--output", "json"); return text },
		"metrics":    func() string { _, text, _ := p.request(http.MethodGet, "/metrics", nil); return string(text) },
	} {
		p.await("told in "+where, func() bool {
			text := read()
			return strings.Contains(text, "queries in SQL are not evaluated yet") && (where == "rules list" || strings.Contains(text, "critical assets are kept"))
		})
	}
}

// TestALateEventIsOneInAllAnswers sends an event that no rule sees any more.
func TestALateEventIsOneInAllAnswers(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	var made struct{ ID string }
	p.call(http.MethodPost, "/api/v2/security_monitoring/rules", []byte(`{"name":"r","message":"m","isEnabled":true,"type":"log_detection",
		"queries":[{"name":"a","query":"source:old","aggregation":"count","groupByFields":["host"]}],
		"cases":[{"status":"high","condition":"a > 0"}],"options":{"evaluationWindow":60,"keepAlive":300,"maxSignalDuration":3600}}`), &made)
	at := time.Now().Add(-30 * time.Hour).UnixMilli()
	_, answer, err := p.request(http.MethodPost, "/api/v2/logs", []byte(fmt.Sprintf(`[{"ddsource":"old","hostname":"h","message":"m","timestamp":%d}]`, at)))
	if err != nil || !strings.Contains(string(answer), `"late":1`) || !strings.Contains(string(answer), "backtest") {
		t.Errorf("the intake says %s %v", answer, err)
	}
	p.caughtUp()
	var logs struct{ Data []struct{ ID string } }
	p.call(http.MethodGet, "/api/v2/logs/events?filter[from]=now-2d", nil, &logs)
	if len(logs.Data) != 1 {
		t.Fatalf("%d events, want 1", len(logs.Data))
	}
	for _, path := range []string{"coverage", "explain"} {
		_, answer, err := p.request(http.MethodGet, rulesPath+"/"+made.ID+"/"+path+"?event="+logs.Data[0].ID, nil)
		if err != nil || !strings.Contains(string(answer), `"state":"late"`) || !strings.Contains(string(answer), "not evaluated: late: ") {
			t.Errorf("%s says %s %v", path, answer, err)
		}
	}
}
