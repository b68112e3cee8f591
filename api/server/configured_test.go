package server

import (
	"archive/zip"
	"bytes"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	pb "nightjar/api/v1"
)

const configurationURL = "/api/v2/security_monitoring/configuration"

func attributesOf(t *testing.T, answer string) map[string]any {
	t.Helper()
	data, _ := object(t, answer)["data"].(map[string]any)
	attributes, _ := data["attributes"].(map[string]any)
	if attributes == nil {
		t.Fatalf("no attributes in %s", answer)
	}
	return attributes
}

func idOf(t *testing.T, answer string) string {
	t.Helper()
	id, _ := object(t, answer)["data"].(map[string]any)["id"].(string)
	if id == "" {
		t.Fatalf("no id in %s", answer)
	}
	return id
}

// PATCH replaces the attributes that the body has, lists whole, and no others.
func TestPatchReplacesWhatTheBodyHas(t *testing.T) {
	s := newWorld().start(t)
	_, answer := call(t, s, "POST", configurationURL+"/critical_assets", `{"data":{"type":"critical_assets","attributes":{
		"query":"host:a","rule_query":"*","severity":"high","tags":["a:b"],"description":"d"}}}`)
	path := configurationURL + "/critical_assets/" + idOf(t, answer)
	for _, c := range []struct {
		attributes string
		status     int
		want       string
	}{
		{`{"severity":"low","version":1}`, 200, `"severity":"low","enabled":true,"tags":["a:b"],"description":"d","version":2`},
		{`{"enabled":false,"tags":[]}`, 200, `"enabled":false,"tags":[],"description":"d","version":3`},
		{`{"description":null,"enabled":null}`, 200, `"enabled":false,"tags":[],"version":4`},
		{`{"severity":"high","version":3}`, 409, `conflict(critical asset `},
		{`{"severity":"huge"}`, 400, `input_validation_error(Field 'data.attributes.severity' is invalid: want one of info`},
		{`{"query":"(","rule_query":"x:("}`, 400, `"target":"data.attributes.rule_query"`},
		{`{}`, 200, `"version":5`},
	} {
		status, answer := call(t, s, "PATCH", path, `{"data":{"type":"critical_assets","attributes":`+c.attributes+`}}`)
		if status != c.status || !strings.Contains(answer, c.want) {
			t.Errorf("%s: %d %s, want %d %s", c.attributes, status, answer, c.status, c.want)
		}
	}
	if status, answer := call(t, s, "PATCH", path, ""); status != 400 || !strings.Contains(answer, "data.attributes") {
		t.Errorf("an empty body: %d %s", status, answer)
	}
}

// Over gRPC a mask names what is replaced.
func TestMasksReplaceWhatTheyName(t *testing.T) {
	s := newWorld().start(t)
	client, ctx := pb.NewCriticalAssetServiceClient(dial(t, s)), withKey(t.Context())
	made, err := client.CreateCriticalAsset(ctx, &pb.CreateCriticalAssetRequest{Data: &pb.CriticalAsset{Attributes: &pb.CriticalAssetAttributes{
		Query: "*", RuleQuery: "*", Severity: "high", Tags: []string{"a"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	changed, err := client.UpdateCriticalAsset(ctx, &pb.UpdateCriticalAssetRequest{
		CriticalAssetId: made.Data.Id, Data: &pb.CriticalAsset{Attributes: &pb.CriticalAssetAttributes{Severity: "low"}},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"tags", "severity"}},
	})
	if err != nil || changed.Data.Attributes.Severity != "low" || len(changed.Data.Attributes.Tags) != 0 || changed.Data.Attributes.Query != "*" {
		t.Errorf("got %v, %v", changed, err)
	}
}

func TestCriticalAssetsOfARuleAreThoseThatSelectIt(t *testing.T) {
	s := newWorld().start(t)
	id := createRule(t, s, plainRule)["id"].(string)
	for _, query := range []string{"source:sshd", "source:other", "id:" + id, "-type:log_detection"} {
		call(t, s, "POST", configurationURL+"/critical_assets", `{"data":{"attributes":{"query":"*","rule_query":"`+query+`","severity":"high"}}}`)
	}
	for rule, want := range map[string]int{id: 2, "abc-def-ghi": 0} {
		status, answer := call(t, s, "GET", configurationURL+"/critical_assets/rules/"+rule, "")
		if data := object(t, answer)["data"].([]any); status != 200 || len(data) != want {
			t.Errorf("%s: %d %s, want %d", rule, status, answer, want)
		}
	}
}

func TestSecurityFiltersBeginWithTheBuiltInOne(t *testing.T) {
	s := newWorld().start(t)
	path := configurationURL + "/security_filters"
	_, answer := call(t, s, "POST", path, `{"data":{"attributes":{"name":"n","query":"service:a","is_enabled":false,"filtered_data_type":"logs","exclusion_filters":[]}}}`)
	mine := idOf(t, answer)
	_, answer = call(t, s, "GET", path, "")
	list := object(t, answer)["data"].([]any)
	builtin := list[0].(map[string]any)
	if len(list) != 2 || builtin["attributes"].(map[string]any)["is_builtin"] != true || object(t, answer)["meta"] != nil {
		t.Fatalf("list: %s", answer)
	}
	path += "/"
	if status, answer := call(t, s, "DELETE", path+builtin["id"].(string), ""); status != 400 {
		t.Errorf("deleted the built-in one: %d %s", status, answer)
	}
	call(t, s, "PATCH", path+builtin["id"].(string), `{"data":{"attributes":{"is_enabled":false}}}`)
	if _, answer := call(t, s, "GET", path[:len(path)-1], ""); !strings.Contains(answer, `"warning":"All the security filters are disabled`) {
		t.Errorf("nothing is looked at, and nobody is told: %s", answer)
	}
	if status, _ := call(t, s, "DELETE", path+mine, ""); status != 204 {
		t.Errorf("delete: %d", status)
	}
	_, answer = call(t, s, "GET", path+"versions", "")
	var counts []int
	for _, v := range object(t, answer)["data"].([]any) {
		counts = append(counts, len(v.(map[string]any)["attributes"].(map[string]any)["filters"].([]any)))
	}
	if got := jsonText(counts); got != "[1,2,2,1]" {
		t.Errorf("filters by version, newest first: %s", got)
	}
}

func TestNotificationRulesAreChangedByVersion(t *testing.T) {
	s := newWorld().start(t)
	const path = "/api/v2/security/vulnerabilities/notification_rules"
	const rule = `"name":"n","targets":["@me"],"selectors":{"trigger_source":"security_findings","rule_types":["misconfiguration"]}`
	status, answer := call(t, s, "POST", path, `{"data":{"attributes":{`+rule+`}}}`)
	if status != 201 || attributesOf(t, answer)["enabled"] != true {
		t.Fatalf("%d %s", status, answer)
	}
	id := idOf(t, answer)
	for body, want := range map[string]int{`{"name":"m"}`: 400, `{"name":"m","version":4}`: 422, `{"name":"m","version":1}`: 200} {
		if status, answer := call(t, s, "PATCH", path+"/"+id, `{"data":{"attributes":`+body+`}}`); status != want {
			t.Errorf("%s: %d %s, want %d", body, status, answer, want)
		}
	}
	if status, _ := call(t, s, "GET", "/api/v2/security/signals/notification_rules/"+id, ""); status != 404 {
		t.Errorf("it is among those for signals: %d", status)
	}
	const preview = configurationURL + "/notification_rules/send_notification_preview"
	if _, answer := call(t, s, "POST", preview, `{"data":{"attributes":{`+rule+`}}}`); !strings.Contains(answer, `"preview_results":[{"rule_type":"misconfiguration","notification_status":"DEFAULT"}]`) {
		t.Errorf("preview: %s", answer)
	}
	if status, _ := call(t, s, "POST", preview, `{"data":{"attributes":{"name":"n"}}}`); status != 400 {
		t.Errorf("preview of nothing: %d", status)
	}
}

func TestAgentRulesBelongToPolicies(t *testing.T) {
	s := newWorld().start(t)
	const rules, policies = "/api/v2/remote_config/products/cws/agent_rules", "/api/v2/remote_config/products/cws/policy"
	_, answer := call(t, s, "POST", policies, `{"data":{"type":"policy","attributes":{"name":"p","hostTags":["env:a","env:b"]}}}`)
	policy := idOf(t, answer)
	if got := jsonText(attributesOf(t, answer)["hostTagsLists"]); got != `[["env:a","env:b"]]` {
		t.Errorf("host tags: %s", got)
	}
	if status, answer := call(t, s, "POST", policies, `{"data":{"attributes":{"name":"p","hostTags":["a"],"hostTagsLists":[["b"]]}}}`); status != 400 || !strings.Contains(answer, "cannot have both") {
		t.Errorf("both forms: %d %s", status, answer)
	}
	_, answer = call(t, s, "POST", rules, `{"data":{"attributes":{"name":"r","expression":"open.flags > 0","policy_id":"`+policy+`",
		"actions":[{"kill":{"signal":"SIGKILL"}}]}}}`)
	rule := idOf(t, answer)
	if a := attributesOf(t, answer); a["category"] != "File Activity" || jsonText(a["monitoring"]) != `["`+policy+`"]` {
		t.Errorf("rule: %s", answer)
	}
	call(t, s, "POST", rules, `{"data":{"attributes":{"name":"elsewhere","expression":"exec.pid > 0"}}}`)
	if _, answer := call(t, s, "GET", rules+"?policy_id="+policy, ""); len(object(t, answer)["data"].([]any)) != 1 {
		t.Errorf("rules of the policy: %s", answer)
	}
	call(t, s, "PATCH", rules+"/"+rule, `{"data":{"attributes":{"blocking":["`+policy+`"],"monitoring":[]}}}`)
	if _, answer := call(t, s, "GET", policies+"/"+policy, ""); attributesOf(t, answer)["blockingRulesCount"] != 1. || attributesOf(t, answer)["ruleCount"] != 1. {
		t.Errorf("policy: %s", answer)
	}
	for body, want := range map[string]string{
		`{"name":"x","expression":"exec.file.name"}`:                                 "rule `x` error: rule syntax error: bool expected",
		`{"name":"x","expression":"a == 1","policy_id":"abc-def-ghi"}`:               "no agent policy with id abc-def-ghi",
		`{"name":"x","expression":"a == 1","actions":{"kill":1}}`:                    "Field 'actions' is invalid",
		`{"name":"x","expression":"a == 1","actions":[{"hash":{"field":7}}]}`:        "Field 'actions' is invalid",
		`{"name":"x","expression":"a == 1","actions":[{"filter":"exec.file.name"}]}`: "Field 'actions[0].filter' is invalid",
	} {
		status, answer := call(t, s, "POST", rules, `{"data":{"attributes":`+body+`}}`)
		if entries, _ := object(t, answer)["errors"].([]any); status != 400 || len(entries) != 1 || !strings.Contains(entries[0].(string), want) {
			t.Errorf("%s: %d %s, want %s", body, status, answer, want)
		}
	}
}

func TestPoliciesAreDownloaded(t *testing.T) {
	s := newWorld().start(t)
	call(t, s, "POST", "/api/v2/security_monitoring/cloud_workload_security/agent_rules", `{"data":{"attributes":{"name":"mine","expression":"exec.pid > 0","enabled":true}}}`)
	_, answer := call(t, s, "GET", "/api/v2/remote_config/products/cws/policy/download", "")
	files, err := zip.NewReader(bytes.NewReader([]byte(answer)), int64(len(answer)))
	if err != nil || len(files.File) != 2 || files.File[0].Name != "default.policy" || files.File[1].Name != "custom.policy" {
		t.Errorf("zip: %v, %v", files, err)
	}
	req, err := http.NewRequest(http.MethodGet, "http://"+s.HTTPAddr().String()+"/api/v2/security/cloud_workload/policy/download", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("DD-API-KEY", testKey)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(resp.Body); err != nil || resp.Header.Get("Content-Type") != "application/yaml" || !strings.Contains(text.String(), "id: mine") {
		t.Errorf("%s: %s (%v)", resp.Header.Get("Content-Type"), text.String(), err)
	}
}
