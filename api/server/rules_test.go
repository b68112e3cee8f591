package server

import (
	"fmt"
	"strings"
	"testing"

	"nightjar/api/ruledoc"
	"nightjar/schema"
)

// PUT replaces what it names, lists whole, and nothing else.
func TestUpdateReplacesWhatItNames(t *testing.T) {
	s := newWorld().start(t)
	path := "/api/v2/security_monitoring/rules/" + createRule(t, s, plainRule)["id"].(string)
	for _, c := range []struct {
		body   string
		status int
		want   []string
	}{
		{`{"name":"new","version":1}`, 200, []string{`"name":"new"`, `"version":2`, `"tags":["source:sshd"]`, `"isEnabled":true`, `"keepAlive":3600`, `"updatedAt":`}},
		{`{"tags":[],"isEnabled":false}`, 200, []string{`"tags":[]`, `"isEnabled":false`, `"name":"new"`}},
		{`{"cases":[{"status":"low"}],"options":{"keepAlive":60,"maxSignalDuration":60}}`, 200, []string{`"cases":[{"name":"","status":"low","notifications":[]}]`, `"options":{"detectionMethod":"threshold","keepAlive":60,"maxSignalDuration":60}`}},
		{`{"schedulingOptions":{"rrule":"FREQ=DAILY"}}`, 200, []string{`"schedulingOptions":{"rrule":"FREQ=DAILY"}`}},
		{`{"schedulingOptions":null,"name":null}`, 200, []string{`"name":"new"`, `"filters":[],"options"`}},
		{`{}`, 200, []string{`"name":"new"`, `"version":7`}},
		{`{"id":"zzz-zzz-zzz","createdAt":1,"type":"signal_correlation","isDefault":true}`, 200, []string{`"type":"log_detection"`, `"isDefault":false`, `"createdAt":1772366400000`}},
		{`{"name":"newer","version":3}`, 409, []string{"rule ", " is at version 8, not 3", `"target":"version"`}},
		{`{"queries":[{"query":""}]}`, 400, []string{`"errors":["Invalid rule configuration","Query filter cannot be empty"]`, `"target":"queries[0].query"`}},
		{``, 400, []string{"rule: missing"}},
	} {
		status, answer := call(t, s, "PUT", path, c.body)
		if status != c.status {
			t.Errorf("%s: %d %s", c.body, status, answer)
		}
		for _, want := range c.want {
			if !strings.Contains(answer, want) {
				t.Errorf("%s: no %s in %s", c.body, want, answer)
			}
		}
	}
}

func TestRulesAreListedInPages(t *testing.T) {
	w := newWorld()
	for i := range 25 {
		r := schema.Rule{
			ID: fmt.Sprintf("aaa-aaa-a%02d", i), Name: fmt.Sprintf("rule %02d", 24-i), Version: 1,
			Tags: []string{fmt.Sprintf("source:s%d", i%2)}, IsEnabled: i%5 == 0,
			Cases: []schema.RuleCase{{Status: schema.Severity([]string{"low", "critical", "info"}[i%3])}},
		}
		ruledoc.Complete(&r)
		w.rules[r.ID] = r
	}
	s := w.start(t)
	for _, c := range []struct {
		query          string
		rows, filtered int
		first          string
	}{
		{"", 10, 25, "rule 24"},
		{"page[size]=100", 25, 25, "rule 24"},
		{"page[size]=1000", 25, 25, "rule 24"},
		{"page[size]=0", 1, 25, "rule 24"},
		{"page%5Bsize%5D=10&page%5Bnumber%5D=2", 5, 25, "rule 04"},
		{"page[number]=9223372036854775807", 0, 25, ""},
		{"sort=name", 10, 25, "rule 00"},
		{"sort=-highest_severity", 10, 25, "rule 23"},
		{"query=source:s1", 10, 12, "rule 23"},
		{"query=type:log_detection+enabled:true", 5, 5, "rule 24"},
		{"query=RULE+name:*12", 1, 1, "rule 12"},
		{"query=id:aaa-aaa-a03+OR+id:aaa-aaa-a04", 2, 2, "rule 21"},
		{"query=-severity:(low+OR+info)", 8, 8, "rule 23"},
		{"query=nothing+here", 0, 0, ""},
		{"unknown=1", 10, 25, "rule 24"},
	} {
		status, answer := call(t, s, "GET", "/api/v2/security_monitoring/rules?"+c.query, "")
		m := object(t, answer)
		if status != 200 {
			t.Errorf("%s: %d %s", c.query, status, answer)
			continue
		}
		data := m["data"].([]any)
		page := m["meta"].(map[string]any)["page"].(map[string]any)
		if len(data) != c.rows || page["total_filtered_count"] != float64(c.filtered) || page["total_count"] != 25.0 {
			t.Errorf("%s: %d rows, %v", c.query, len(data), page)
		}
		if c.first != "" && data[0].(map[string]any)["name"] != c.first {
			t.Errorf("%s: first is %v", c.query, data[0])
		}
	}
	for _, query := range []string{"query=rule:[A-Invalid", "query=(", "sort=size", "page[number]=-1"} {
		if status, answer := call(t, s, "GET", "/api/v2/security_monitoring/rules?"+query, ""); status != 400 {
			t.Errorf("%s: %d %s", query, status, answer)
		}
	}
}

func TestValidationAnswersNothingOrWhatIsWrong(t *testing.T) {
	s := newWorld().start(t)
	if status, answer := call(t, s, "POST", "/api/v2/security_monitoring/rules/validation", plainRule); status != 204 || answer != "" {
		t.Errorf("got %d %s", status, answer)
	}
	if status, _ := call(t, s, "POST", "/api/v2/security_monitoring/rules/validation", `{"queries":[{}]}`); status != 400 {
		t.Errorf("got %d", status)
	}
	if status, answer := call(t, s, "GET", "/api/v2/security_monitoring/rules", ""); status != 200 || !strings.Contains(answer, `"data":[]`) {
		t.Errorf("validation stored something: %s", answer)
	}
}
