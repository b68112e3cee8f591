package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestASignalOfEveryMethodIsExplainedByWhatItsEventsSay makes a signal of each method that
// TestASignalIsExplainedInNumbers has none of. What is wanted is worked out here, from the
// same events.
func TestASignalOfEveryMethodIsExplainedByWhatItsEventsSay(t *testing.T) {
	t.Parallel()
	p := startEngine(t, append([]string{"--silence-delay", "1s"}, longAgo...)...)
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	var events []string
	add := func(at time.Duration, source, more string) {
		events = append(events, fmt.Sprintf(`{"ddsource":%q,"host":"web-1","timestamp":%d,"message":"m","usr":{"id":"eve"}%s}`, source, start.Add(at).UnixMilli(), more))
	}
	makeExplainedRules(p)
	const expression = `connect.addr.port in [4444, 4445] && (process.file.name == "bash" || process.comm == "sh") && process.ancestors.file.name == "init" && process.argv in ["-i"] && process.tty_name == ""`
	var agentRule struct{ Data struct{ ID string } }
	setExpression := func(method, at, expression string) {
		body := fmt.Appendf(nil, `{"data":{"id":%q,"type":"agent_rule","attributes":{"name":"shell","expression":%q}}}`, agentRule.Data.ID, expression)
		p.call(method, "/api/v2/remote_config/products/cws/agent_rules"+at, body, &agentRule)
	}
	setExpression(http.MethodPost, "", expression)
	// Of a new value: two countries that are known, and one that is not.
	add(0, "vpn", `,"country":"France"`)
	add(time.Hour, "vpn", `,"country":"France"`)
	add(2*time.Hour, "vpn", `,"country":"Brazil"`)
	// Of absence: a start that is not followed by an end within five minutes.
	add(3*time.Hour, "job", `,"is":"start"`)
	add(3*time.Hour+10*time.Minute, "job", `,"is":"other"`)
	// Of correlation: a login, and ten minutes after it a change.
	add(4*time.Hour, "login", "")
	add(4*time.Hour+10*time.Minute, "change", "")
	// Of the alerts of others.
	add(5*time.Hour, "vendor", `,"level":"severe"`)
	// Of an agent.
	add(6*time.Hour, "runtime-security-agent", `,"evt":{"name":"connect"},"connect":{"addr":{"ip":"198.51.100.7","port":4444}},"agent":{"rule_id":"shell","rule_version":"1","policy_name":"web"},
		"process":{"pid":30,"comm":"bash","args":"-i","user":"www-data","created_at":1772323200000000123,"file":{"path":"/bin/bash"},
		"ancestors":{"pid":[1],"comm":["init"],"args":[""],"user":["root"],"created_at":[1772236800000000000],"file":{"path":["/sbin/init"]}}}`)
	// Of an anomaly: four an hour for six days, and then fifty.
	for hour := range 6 * 24 {
		for i := range 4 {
			add(time.Duration(hour)*time.Hour+time.Duration(i)*10*time.Minute, "reads", "")
		}
	}
	for i := range 50 {
		add(6*24*time.Hour+time.Duration(i)*time.Minute, "reads", "")
	}
	p.call(http.MethodPost, "/api/v2/logs", []byte("["+strings.Join(events, ",")+"]"), nil)
	p.caughtUp()
	p.await("the absence to be judged", func() bool { return len(p.signals("rule_name:unfinished")) > 0 })

	for rule, want := range map[string]string{
		"country": "Never seen before for @usr.id eve: Brazil at 2026-03-01 02:00:00 UTC.",
		"both":    "2 events of entered, changed for @usr.id eve within 15m, so that entered > 0 && changed > 0 held at 2026-03-01 04:10:00 UTC.",
		"vendor":  "1 alert for host web-1, graded bad (critical) at 2026-03-01 05:00:00 UTC.",
		"shell":   "1 event of seen for host web-1 within 5m, so that seen > 0 held at 2026-03-01 06:00:00 UTC.",
	} {
		if got := p.explainOne(rule); got.Summary.Sentence != want || len(got.Missing) > 0 {
			t.Errorf("%s:\n got %s, missing %v\nwant %s", rule, got.Summary.Sentence, got.Missing, want)
		}
	}
	t.Run("new value", func(t *testing.T) {
		if got := p.explainOne("country"); fmt.Sprint(got.Standing.Notes) != "[Brazil is new]" || !got.Standing.Cases[0].Holds || !got.Queries[0].Matches {
			t.Errorf("%+v", got)
		}
	})
	t.Run("absence", func(t *testing.T) {
		got := p.explainOne("unfinished")
		if steps := fmt.Sprint(got.Standing.Steps); steps != "[{1 begun > 0 2026-03-01T03:00:00.000Z 300000 0 [{1 1 0}]}]" || !got.Standing.Cases[0].Holds {
			t.Errorf("steps %s, cases %+v", steps, got.Standing.Cases)
		}
	})
	t.Run("an agent's rule", func(t *testing.T) {
		// What matched stays what it was, whatever somebody makes of the rule later.
		setExpression(http.MethodPatch, "/"+agentRule.Data.ID, `connect.addr.port == 1`)
		got := p.explainOne("shell").AgentRules
		if len(got) != 1 || got[0].Rule != "shell" || got[0].Version != "1" || got[0].Policy != "web" || got[0].Expression != expression {
			t.Fatalf("%+v", got)
		}
		want := `[{connect.addr.port in [4444, 4445] [{connect.addr.port [4444]}]} {(process.file.name == "bash" || process.comm == "sh") [{process.file.name [bash]} {process.comm [bash]}]} ` +
			`{process.ancestors.file.name == "init" [{process.ancestors.file.name [init]}]} {process.argv in ["-i"] [{process.argv [-i]}]} {process.tty_name == "" []}]`
		if clauses := fmt.Sprint(got[0].Clauses); clauses != want {
			t.Errorf("got  %s\nwant %s", clauses, want)
		}
	})
	t.Run("signal correlation", func(t *testing.T) {
		got := p.explainOne("both")
		var course []string
		for _, point := range got.Course.Points {
			course = append(course, fmt.Sprint((point.At-start.UnixMilli())/60_000, point.Values, point.Case))
		}
		// The login leaves the window of 15 minutes after those, the change 15 minutes after itself.
		if want := "[220 [0 0] -1 240 [1 0] -1 250 [1 1] 0 255 [0 1] -1 265 [0 0] -1]"; fmt.Sprint(course) != want {
			t.Errorf("course: got %v, want %s", course, want)
		}
		if c := got.Standing.Cases; len(c) != 1 || c[0].Written != "entered > 0 && changed > 0" || len(c[0].Comparisons) != 2 || c[0].Comparisons[0].Value != 1 || c[0].Comparisons[1].Value != 1 {
			t.Errorf("cases: %+v", c)
		}
	})
	t.Run("third party", func(t *testing.T) {
		got := p.explainOne("vendor")
		if c := got.Standing.Cases; len(c) != 2 || c[0].Name != "bad" || !c[0].Holds || c[1].Holds || len(got.Course.Points) > 0 {
			t.Errorf("cases: %+v, course %+v", c, got.Course)
		}
	})
	t.Run("workload", func(t *testing.T) {
		got := p.explainOne("shell")
		if len(got.Processes) != 1 || len(got.Processes[0].Children) != 1 {
			t.Fatalf("processes: %+v", got.Processes)
		}
		init, bash := got.Processes[0], got.Processes[0].Children[0]
		if init.PID != 1 || init.Started != 1772236800000 || len(init.Deeds) != 0 || bash.Started != 1772323200000 || fmt.Sprint(bash.Deeds) != "[{connect 198.51.100.7:4444 shell}]" {
			t.Errorf("processes: %+v", got.Processes)
		}
	})
	t.Run("anomaly", func(t *testing.T) { checkBand(t, p.explainOne("reads"), start) })
}

// checkBand compares what is drawn of the anomaly with the events: four an hour, then fifty.
func checkBand(t *testing.T, got explained, start time.Time) {
	if want := "Unusually many events of read for @usr.id eve, by what was learned of the past"; !strings.HasPrefix(got.Summary.Sentence, want) {
		t.Errorf("got %s, want %s…", got.Summary.Sentence, want)
	}
	points := got.Band.Points
	const before = 96
	if len(points) != before+1 {
		t.Fatalf("%d points, want the 96 hours before the burst and its own", len(points))
	}
	for i, point := range points {
		at := start.Add(time.Duration(6*24-before+i) * time.Hour).Format("2006-01-02T15:04:05.000Z")
		value := map[bool]float64{true: 4, false: 50}[i < before]
		if point.At != at || point.Value != value || point.Lower > 4 || point.Upper < 4 || point.Upper > 20 || point.Median != 4 {
			t.Errorf("point %d: %+v, want %v at %s, within a band around 4", i, point, value, at)
		}
	}
	c := got.Standing.Cases
	if len(c) != 1 || !c[0].Holds || len(c[0].Comparisons) != 1 || c[0].Comparisons[0].Value <= 0.999 || c[0].Comparisons[0].Number != 0.999 || !c[0].Comparisons[0].Holds {
		t.Errorf("cases: %+v", c)
	}
	if len(got.Course.Points) != 0 || len(got.Missing) != 0 {
		t.Errorf("course %+v, missing %v", got.Course, got.Missing)
	}
}

// makeExplainedRules makes a rule of each method.
func makeExplainedRules(p *process) {
	create := func(rule map[string]any) string {
		p.t.Helper()
		rule["message"], rule["isEnabled"], rule["tags"] = "m", true, []string{}
		options := map[string]any{"keepAlive": 3600, "maxSignalDuration": 86400}
		for k, v := range rule["options"].(map[string]any) {
			options[k] = v
		}
		rule["options"] = options
		body, err := json.Marshal(rule)
		if err != nil {
			p.t.Fatal(err)
		}
		var made struct{ ID string }
		p.call(http.MethodPost, "/api/v2/security_monitoring/rules", body, &made)
		return made.ID
	}
	type list = []any
	type object = map[string]any
	query := func(name, text, group string) object {
		return object{"name": name, "query": text, "groupByFields": list{group}}
	}
	cases := func(condition string) list { return list{object{"status": "high", "condition": condition}} }
	window := func(seconds int) object { return object{"evaluationWindow": seconds} }
	create(object{"name": "country", "type": "log_detection", "cases": cases(""), "queries": list{object{"name": "country", "query": "source:vpn", "aggregation": "new_value", "metrics": list{"@country"}, "groupByFields": list{"@usr.id"}}},
		"options": object{"detectionMethod": "new_value", "evaluationWindow": 0, "newValueOptions": object{"forgetAfter": 28, "learningDuration": 0, "learningMethod": "duration", "learningThreshold": 0}}})
	create(object{"name": "unfinished", "type": "log_detection", "cases": cases("begun > 0 then not ended > 0"), "options": window(300),
		"queries": list{query("begun", "source:job @is:start", "@usr.id"), query("ended", "source:job @is:end", "@usr.id")}})
	entered := create(object{"name": "entered", "type": "log_detection", "cases": cases("a > 0"), "queries": list{query("a", "source:login", "@usr.id")}, "options": window(300)})
	changed := create(object{"name": "changed", "type": "log_detection", "cases": cases("a > 0"), "queries": list{query("a", "source:change", "@usr.id")}, "options": window(300)})
	create(object{"name": "both", "type": "signal_correlation", "cases": cases("entered > 0 && changed > 0"), "options": window(900), "queries": list{
		object{"name": "entered", "ruleId": entered, "aggregation": "event_count", "correlatedByFields": list{"@usr.id"}},
		object{"name": "changed", "ruleId": changed, "aggregation": "event_count", "correlatedByFields": list{"@usr.id"}}}})
	create(object{"name": "vendor", "type": "log_detection", "cases": list{}, "thirdPartyCases": list{
		object{"name": "bad", "query": "@level:severe", "status": "critical"}, object{"name": "little", "query": "@level:minor", "status": "low"}},
		"options": object{"detectionMethod": "third_party", "thirdPartyRuleOptions": object{"defaultStatus": "info", "rootQueries": list{object{"query": "source:vendor", "groupByFields": list{"host"}}}}}})
	create(object{"name": "shell", "type": "workload_security", "cases": cases("seen > 0"), "queries": list{query("seen", "source:runtime-security-agent @agent.rule_id:shell", "host")}, "options": window(300)})
	create(object{"name": "reads", "type": "log_detection", "cases": cases("read > 0.999"), "queries": list{query("read", "source:reads", "@usr.id")},
		"options": object{"detectionMethod": "anomaly_detection", "evaluationWindow": 0, "anomalyDetectionOptions": object{"bucketDuration": 3600, "learningDuration": 48, "detectionTolerance": 1}}})
}
