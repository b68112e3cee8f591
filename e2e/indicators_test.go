package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const iocPath = "/api/v2/security/siem/ioc-explorer"

// TestIndicatorsThatWereSeenAreExplored has a table of addresses, and one event
// from one of them, sent to the intake in its first form.
func TestIndicatorsThatWereSeenAreExplored(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	ok := func(status int, answer []byte, err error) string {
		t.Helper()
		if err != nil || status >= 300 {
			t.Fatalf("%d %s %v", status, answer, err)
		}
		return string(answer)
	}
	list := filepath.Join(t.TempDir(), "ioc.csv")
	if err := os.WriteFile(list, []byte("ip,threat\n203.0.113.66,botnet\n203.0.113.67,botnet\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, stderr, code := p.run("tables", "import", "bad_ips", list); code != exitOK {
		t.Fatalf("import: %s%s", out, stderr)
	}
	ok(p.request(http.MethodPost, "/api/v2/security_monitoring/rules", []byte(`{"name":"ioc","message":"m","isEnabled":true,"type":"log_detection",
		"queries":[{"name":"a","query":"source:fw","aggregation":"count","groupByFields":["@network.client.ip"]}],
		"referenceTables":[{"tableName":"bad_ips","columnName":"ip","logFieldPath":"@network.client.ip","ruleQueryName":"a","checkPresence":true}],
		"cases":[{"status":"high","condition":"a > 0"}],"options":{"evaluationWindow":60,"keepAlive":300,"maxSignalDuration":3600}}`)))
	ok(p.request(http.MethodPost, "/v1/input", []byte(`[{"ddsource":"fw","hostname":"gw","message":"m","network":{"client":{"ip":"203.0.113.66"}}},{"ddsource":"fw","message":"m","network":{"client":{"ip":"198.51.100.1"}}}]`)))
	p.caughtUp()
	got := ok(p.request(http.MethodGet, iocPath, nil))
	if !strings.Contains(got, `"indicator":"203.0.113.66","indicator_type":"ip","score":80`) || !strings.Contains(got, `"count":1`) || !strings.Contains(got, `"malicious_sources":[{"name":"bad_ips"}]`) {
		t.Errorf("list: %s", got)
	}
	if got := ok(p.request(http.MethodPost, iocPath+"/triage", []byte(`{"data":{"type":"ioc_triage_state","attributes":{"indicator":"203.0.113.66","triage_state":"reviewed"}}}`))); !strings.Contains(got, `"triage_state":"reviewed"`) {
		t.Errorf("triage: %s", got)
	}
	if got := ok(p.request(http.MethodGet, iocPath+"?triage_state=not_reviewed", nil)); !strings.Contains(got, `"count":0`) {
		t.Errorf("not reviewed: %s", got)
	}
	got = ok(p.request(http.MethodGet, iocPath+"/indicator?indicator=203.0.113.66&include_triage_history=true", nil))
	for _, want := range []string{`"hosts":["gw"]`, `"log_sources":["fw"]`, `"signal_severity":[{"severity":"high","count":1}]`, `"triage_history":[{"triage_state":"reviewed"`} {
		if !strings.Contains(got, want) {
			t.Errorf("want %s in %s", want, got)
		}
	}
	if status, answer, _ := p.request(http.MethodGet, iocPath+"/indicator?indicator=198.51.100.1", nil); status != http.StatusNotFound {
		t.Errorf("one that is in no table: %d %s", status, answer)
	}
	// The first forms of the search, and of the check of a key.
	got = ok(p.request(http.MethodPost, "/api/v1/logs-queries/list", []byte(`{"query":"source:fw","time":{"from":"now-1h","to":"now"},"limit":1,"sort":"asc"}`)))
	if strings.Count(got, `"id"`) != 1 || !strings.Contains(got, `"status":"done"`) || strings.Contains(got, `"nextLogId":null`) {
		t.Errorf("logs: %s", got)
	}
	answer, err := http.Get(p.base + "/api/v1/validate")
	if err != nil || answer.StatusCode != http.StatusForbidden {
		t.Errorf("validate without a key: %v %v", answer, err)
	}
}
