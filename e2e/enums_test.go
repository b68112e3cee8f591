package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"nightjar/testenv"
)

// everyOption is a rule with every option that has words or numbers of its own.
const everyOption = `{"name":"n","message":"m","isEnabled":true,"type":"log_detection","tags":[],
	"queries":[{"name":"a","query":"*","aggregation":"count","dataSource":"logs","groupByFields":["host"]},{"name":"b","query":"*","groupByFields":["host"]}],
	"thirdPartyCases":[{"name":"t","query":"*","status":"low","customStatus":"high"}],
	"filters":[{"action":"require","query":"*"}],
	"cases":[{"name":"c","status":"low","customStatus":"high","condition":"a > 0","notifications":[],"actions":[{"type":"block_ip","options":{"duration":900,"flaggedIPType":"FLAGGED"}}]}],
	"options":{"detectionMethod":"threshold","evaluationWindow":300,"keepAlive":3600,"maxSignalDuration":86400,
		"newValueOptions":{"forgetAfter":7,"learningDuration":1,"learningMethod":"duration","learningThreshold":0},
		"anomalyDetectionOptions":{"bucketDuration":300,"learningDuration":24,"detectionTolerance":3,"learningPeriodBaseline":0},
		"impossibleTravelOptions":{"baselineUserLocations":true,"baselineUserLocationsDuration":7},
		"hardcodedEvaluatorType":"log4shell",
		"sequenceDetectionOptions":{"steps":[{"name":"x","condition":"a > 0","evaluationWindow":60},{"name":"y","condition":"b > 0","evaluationWindow":60}],
			"stepTransitions":[{"parent":"x","child":"y","evaluationWindow":900}]},
		"thirdPartyRuleOptions":{"defaultStatus":"info","rootQueries":[{"query":"*","groupByFields":[]}]}}}`

// The reference's clients read nothing of a rule that has a word or number which
// they don't know. Whatever a request puts in any place, the answer is a refusal,
// or a rule within the formal contract.
func TestNoRuleIsShownThatClientsCannotRead(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	contract := readContract(t, testenv.SharedOr(t, "conformance/http/openapi.json", "e2e/testdata/contract.json"))
	var rule any
	if err := json.Unmarshal([]byte(everyOption), &rule); err != nil {
		t.Fatal(err)
	}
	tried, kept := 0, 0
	try := func(path string) {
		tried++
		body, err := json.Marshal(rule)
		if err != nil {
			t.Fatal(err)
		}
		status, answer, err := p.request(http.MethodPost, "/api/v2/security_monitoring/rules", body)
		if err != nil || status != http.StatusOK && status != http.StatusBadRequest {
			t.Errorf("%s: %d %s %v", path, status, answer, err)
		}
		if err := contract.check(http.MethodPost, p.base+"/api/v2/security_monitoring/rules", status, answer); err != nil {
			text, _, _ := strings.Cut(err.Error(), "\n")
			t.Errorf("%s: stored, and unreadable: %s\n%s", path, text, body)
		}
		if status == http.StatusOK {
			kept++
		}
	}
	mutate(rule, "rule", try)
	if kept == 0 || kept == tried {
		t.Errorf("%d of %d mutants were kept: that is no test", kept, tried)
	}
	t.Logf("%d of %d mutants were kept", kept, tried)
}

// mutate calls try with v while, one after the other, each text and number below
// it is another, and puts it back.
func mutate(v any, path string, try func(path string)) {
	leaf := func(v any, set func(any), path string) {
		switch v.(type) {
		case string:
			set("strange_word")
			try(path)
		case float64:
			set(777)
			try(path)
		default:
			mutate(v, path, try)
		}
		set(v)
	}
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			leaf(inner, func(x any) { v[key] = x }, path+"."+key)
		}
	case []any:
		for i, inner := range v {
			leaf(inner, func(x any) { v[i] = x }, path+"[]")
		}
	}
}
