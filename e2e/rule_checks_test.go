package e2e

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestARequestCompilesItsRuleOnce asks for everything that is asked with a rule document,
// and has the engine count how often it compiled one.
func TestARequestCompilesItsRuleOnce(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	const rules, own = "/api/v2/security_monitoring/rules", "/api/nightjar/v1/rules"
	document := func(name string) string {
		return `{"name":"` + name + `","message":"m","isEnabled":true,"type":"log_detection","queries":[{"name":"a","query":"source:sshd","groupByFields":["@user"]}],
			"cases":[{"status":"low","condition":"a > 0"}],"options":{"evaluationWindow":300,"keepAlive":300,"maxSignalDuration":600}}`
	}
	var made struct{ ID string }
	p.call(http.MethodPost, rules, []byte(document("there")), &made)
	stored := rules + "/" + made.ID
	bulk := `{"data":{"id":"x","type":"bulk_export_rules","attributes":{"ruleIds":["` + made.ID + `"]}}}`
	resource := `{"data":{"id":"x","type":"convert_resource","attributes":{"resource_json":` + document("resource") + `}}}`
	payloads := `[{"expectedResult":true,"index":0,"payload":{"ddsource":"sshd"}}]`
	for _, c := range []struct {
		method, path, body string
		want               float64
	}{
		{http.MethodPost, rules, document("new"), 1},
		{http.MethodPost, own, document("new too"), 1},
		{http.MethodPost, own + "?dry_run=true", document("tried"), 1},
		{http.MethodPost, rules + "/validation", document("valid"), 1},
		{http.MethodPost, rules + "/convert", document("converted"), 1},
		{http.MethodPost, rules + "/test", `{"rule":` + document("tested") + `,"ruleQueryPayloads":` + payloads + `}`, 1},
		{http.MethodPost, stored + "/test", `{"ruleQueryPayloads":` + payloads + `}`, 1},
		{http.MethodPost, "/api/v2/security_monitoring/terraform/rules/convert", resource, 1},
		{http.MethodPost, "/api/nightjar/v1/backtests", `{"rule":` + document("past") + `,"from":"now-1h","to":"now"}`, 1},
		{http.MethodPut, stored, `{"name":"renamed"}`, 1},
		{http.MethodPut, stored, `{"isEnabled":false}`, 1},
		{http.MethodPut, stored, `{"isEnabled":true}`, 1},
		{http.MethodPut, own + "/" + made.ID, `{"queries":[{"name":"a","query":"source:other","groupByFields":["@user"]}]}`, 1},
		{http.MethodGet, stored, "", 0},
		{http.MethodGet, own, "", 0},
		{http.MethodPost, rules + "/bulk_export", bulk, 0},
		{http.MethodGet, stored + "/convert", "", 0},
	} {
		before := p.compilations()
		status, answer, err := p.request(c.method, c.path, []byte(c.body))
		if err != nil || status >= 300 {
			t.Errorf("%s %s: %d %s %v", c.method, c.path, status, answer, err)
		}
		if got := p.compilations() - before; got != c.want {
			t.Errorf("%s %s compiles %v rules, want %v", c.method, c.path, got, c.want)
		}
	}
	// A job's rule is compiled by the request, and by the run, which may be after a restart.
	before := p.compilations()
	p.jobEnds(p.createJob(strings.TrimSuffix(strings.TrimPrefix(document("job"), "{"), "}")))
	if got := p.compilations() - before; got != 2 {
		t.Errorf("a job compiles its rule %v times, want 2", got)
	}
	// What looks at all rules again and again does so with the plans in force.
	before = p.compilations()
	time.Sleep(11 * time.Second)
	if got := p.compilations() - before; got != 0 {
		t.Errorf("%v rules are compiled while nobody asks", got)
	}
}

// compilations is how many rules the engine has compiled.
func (p *process) compilations() float64 {
	p.t.Helper()
	_, text, err := p.request(http.MethodGet, "/metrics", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^nightjar_rule_compilations_total (\S+)$`).FindSubmatch(text)
	if m == nil {
		p.t.Fatal("nothing tells how many rules were compiled")
	}
	n, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		p.t.Fatal(fmt.Errorf("compilations: %w", err))
	}
	return n
}
