package server

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
)

const (
	rulesURL  = "/api/v2/security_monitoring/rules"
	ruleNamed = `{"name":"%s","message":"m","isEnabled":true,"type":"log_detection","tags":["source:sshd"],
		"queries":[{"query":"source:sshd","groupByFields":["host"]}],"cases":[{"status":"high","condition":"a > 3"}],
		"options":{"evaluationWindow":300,"keepAlive":3600,"maxSignalDuration":86400}}`
)

func TestBulkDeleteSaysWhatItCouldNot(t *testing.T) {
	s := newWorld().start(t)
	id := createRule(t, s, fmt.Sprintf(ruleNamed, "one"))["id"].(string)
	status, answer := call(t, s, "DELETE", rulesURL+"/bulk_delete", `{"data":{"type":"bulk_delete_rules","attributes":{"ruleIds":["`+id+`","abc-def-ghi"]}}}`)
	got := jsonText(object(t, answer)["data"])
	if status != 200 || got != `{"attributes":{"deletedRules":["`+id+`"],"failedRules":["abc-def-ghi"]},"id":"","type":"bulk_delete_response"}` {
		t.Errorf("%d %s", status, answer)
	}
	if status, _ := call(t, s, "GET", rulesURL+"/"+id, ""); status != 404 {
		t.Errorf("the rule is still there: %d", status)
	}
	if status, _ := call(t, s, "DELETE", rulesURL+"/bulk_delete", `{"data":{"attributes":{}}}`); status != 400 {
		t.Errorf("no ids: %d", status)
	}
}

// What is exported can be applied, and is then exported as the same text.
func TestExportIsTheSameAfterItWasApplied(t *testing.T) {
	s := newWorld().start(t)
	id := createRule(t, s, fmt.Sprintf(ruleNamed, "a rule/with ../ strange name"))["id"].(string)
	first := unzip(t, s, rulesURL+"/bulk_export", id)
	if len(first) != 1 || first[0].name != "a_rule_with_strange_name.json" {
		t.Fatalf("exported %v", first)
	}
	if status, answer := call(t, s, "PUT", rulesURL+"/"+id, first[0].text); status != 200 {
		t.Fatalf("apply: %d %s", status, answer)
	}
	again := createRule(t, s, first[0].text)["id"].(string)
	files := unzip(t, s, rulesURL+"/bulk_export", id, again)
	if len(files) != 2 || files[0].text != first[0].text || files[1].text != first[0].text {
		t.Errorf("exported\n%v\nafter\n%v", files, first)
	}
	if files[1].name != "a_rule_with_strange_name-"+again+".json" {
		t.Errorf("the second of one name is %s", files[1].name)
	}
	if tf := unzip(t, s, rulesURL+"/convert/bulk", id); len(tf) != 1 || !strings.HasPrefix(tf[0].text, `resource "datadog_security_monitoring_rule"`) {
		t.Errorf("converted %v", tf)
	}
}

type packed struct{ name, text string }

func unzip(t *testing.T, s *Server, path string, ids ...string) (files []packed) {
	t.Helper()
	status, answer := call(t, s, "POST", path, `{"data":{"attributes":{"ruleIds":["`+strings.Join(ids, `","`)+`"]}}}`)
	if status != 200 {
		t.Fatalf("%s: %d %s", path, status, answer)
	}
	archive, err := zip.NewReader(bytes.NewReader([]byte(answer)), int64(len(answer)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, packed{f.Name, string(text)})
	}
	return files
}

func TestHistoryTellsWhatEachVersionChanged(t *testing.T) {
	s := newWorld().start(t)
	id := createRule(t, s, fmt.Sprintf(ruleNamed, "one"))["id"].(string)
	call(t, s, "PUT", rulesURL+"/"+id, `{"name":"two","tags":[],"groupSignalsBy":["host"]}`)
	call(t, s, "PUT", rulesURL+"/"+id, `{"groupSignalsBy":[]}`)
	_, answer := call(t, s, "GET", rulesURL+"/"+id+"/version_history", "")
	history := object(t, answer)["data"].(map[string]any)["attributes"].(map[string]any)
	versions := history["data"].(map[string]any)
	if history["count"] != 3. || len(versions) != 3 {
		t.Fatalf("history: %s", answer)
	}
	changes := func(v string) string { return jsonText(versions[v].(map[string]any)["changes"]) }
	if got := changes("1"); got != `[]` {
		t.Errorf("version 1 changed %s", got)
	}
	if got := changes("2"); got != `[{"change":"[\"host\"]","field":"groupSignalsBy","type":"create"},{"change":"two","field":"name","type":"update"},{"change":"[]","field":"tags","type":"update"}]` {
		t.Errorf("version 2 changed %s", got)
	}
	if got := changes("3"); got != `[{"change":"","field":"groupSignalsBy","type":"delete"}]` {
		t.Errorf("version 3 changed %s", got)
	}
	if name := versions["1"].(map[string]any)["rule"].(map[string]any)["name"]; name != "one" {
		t.Errorf("version 1 was named %v", name)
	}
	_, answer = call(t, s, "GET", rulesURL+"/"+id+"/version_history?page[size]=1&page[number]=1", "")
	page := object(t, answer)["data"].(map[string]any)["attributes"].(map[string]any)["data"].(map[string]any)
	if len(page) != 1 || page["2"] == nil {
		t.Errorf("the second page of one is %s", jsonText(page))
	}
	status, answer := call(t, s, "POST", rulesURL+"/"+id+"/restore/1", "")
	if restored := object(t, answer); status != 200 || restored["name"] != "one" || restored["version"] != 4. {
		t.Errorf("restored %s", answer)
	}
	if status, answer := call(t, s, "POST", rulesURL+"/"+id+"/restore/9", ""); status != 404 {
		t.Errorf("a version that never was: %d %s", status, answer)
	}
}

func TestRuleTestsAskQueriesAndFiltersAlone(t *testing.T) {
	s := newWorld().start(t)
	rule := `{"name":"n","message":"m","isEnabled":true,"queries":[{"query":"source:sshd"},{"query":"@usr:root"}],
		"filters":[{"action":"suppress","query":"env:test"}],"cases":[{"status":"high","condition":"a > 100"}],"options":{}}`
	payloads := `[{"index":0,"expectedResult":true,"payload":{"ddsource":"sshd","message":"x"}},
		{"index":0,"expectedResult":true,"payload":{"ddsource":"sshd","message":"x","ddtags":"env:test"}},
		{"index":1,"expectedResult":false,"payload":{"message":"x","usr":"bin"}},
		{"index":1,"expectedResult":true,"payload":{"message":"x","usr":"root"}}]`
	status, answer := call(t, s, "POST", rulesURL+"/test", `{"rule":`+rule+`,"ruleQueryPayloads":`+payloads+`}`)
	if status != 200 || jsonText(object(t, answer)["results"]) != `[true,false,true,true]` {
		t.Errorf("%d %s", status, answer)
	}
	id := createRule(t, s, rule)["id"].(string)
	status, answer = call(t, s, "POST", rulesURL+"/"+id+"/test", `{"ruleQueryPayloads":`+payloads+`}`)
	if status != 200 || jsonText(object(t, answer)["results"]) != `[true,false,true,true]` {
		t.Errorf("stored: %d %s", status, answer)
	}
	if status, answer = call(t, s, "POST", rulesURL+"/"+id+"/test", `{"ruleQueryPayloads":[{"index":2,"payload":{}}]}`); status != 400 {
		t.Errorf("a query that isn't there: %d %s", status, answer)
	}
}

// A word outside of the client's enums makes its whole rule unreadable.
func TestRulesThatOnlyNightjarHasAreReadableWhereItsClientsLook(t *testing.T) {
	s := newWorld().start(t)
	rule := strings.Replace(fmt.Sprintf(ruleNamed, "one"), `"options":{`, `"options":{"detectionMethod":"content_anomaly",`, 1)
	if status, answer := call(t, s, "POST", rulesURL, rule); status != 400 || !strings.Contains(answer, "/api/nightjar/v1/rules") {
		t.Errorf("created where clients look: %d %s", status, answer)
	}
	status, answer := call(t, s, "POST", "/api/nightjar/v1/rules", rule)
	if status != 200 || !strings.Contains(answer, `"detectionMethod":"content_anomaly"`) {
		t.Fatalf("%d %s", status, answer)
	}
	id := object(t, answer)["id"].(string)
	for _, path := range []string{"", "/" + id} {
		if _, answer := call(t, s, "GET", rulesURL+path, ""); strings.Contains(answer, `"content_anomaly"`) || !strings.Contains(answer, id) {
			t.Errorf("GET %s shows %s", path, answer)
		}
	}
	if status, _ := call(t, s, "PUT", rulesURL+"/"+id, `{"name":"two"}`); status != 400 {
		t.Errorf("an update that can't see the method: %d", status)
	}
	learns := strings.Replace(fmt.Sprintf(ruleNamed, "two"), `"options":{`, `"options":{"newValueOptions":{"learningMethod":"threshold","learningThreshold":5},`, 1)
	made := createRule(t, s, learns)
	if n := jsonText(made["options"].(map[string]any)["newValueOptions"]); strings.Contains(n, "Threshold") || made["warnings"] == nil {
		t.Errorf("shown where clients look: %s, %v", n, made["warnings"])
	}
	if _, answer := call(t, s, "GET", "/api/nightjar/v1/rules/"+made["id"].(string), ""); !strings.Contains(answer, `"learningThreshold":5`) {
		t.Errorf("lost: %s", answer)
	}
}
