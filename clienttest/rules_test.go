package clienttest

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/DataDog/datadog-api-client-go/v2/api/datadogV2"
)

const rule = `{"name":"%NAME%","message":"m","isEnabled":true,"type":"log_detection","tags":["source:sshd"],"filters":[],
	"queries":[{"name":"a","query":"source:sshd @evt.outcome:failure","groupByFields":["@usr.name"],"distinctFields":[],"aggregation":"count"}],
	"cases":[{"name":"many","status":"high","condition":"a > 5","notifications":["@me"]}],
	"options":{"detectionMethod":"threshold","evaluationWindow":300,"keepAlive":3600,"maxSignalDuration":86400}}`

// One rule of every method and type that the client can write.
var rules = map[string]string{
	"threshold": rule,
	"new value": `{"name":"n","message":"m","isEnabled":true,"type":"log_detection","queries":[{"query":"*","aggregation":"new_value","metrics":["@usr.name"],"groupByFields":["host"]}],
		"cases":[{"status":"low"}],"options":{"detectionMethod":"new_value","keepAlive":300,"maxSignalDuration":600,"newValueOptions":{"forgetAfter":7,"learningDuration":1}}}`,
	"anomaly": `{"name":"n","message":"m","isEnabled":true,"type":"log_detection","queries":[{"query":"*","groupByFields":["host"]}],"cases":[{"status":"low","condition":"a > 0.995"}],
		"options":{"detectionMethod":"anomaly_detection","keepAlive":3600,"maxSignalDuration":86400,"anomalyDetectionOptions":{"bucketDuration":300,"learningDuration":24,"detectionTolerance":3}}}`,
	"impossible travel": `{"name":"n","message":"m","isEnabled":true,"type":"log_detection","queries":[{"query":"*","aggregation":"geo_data","metrics":["@network.client.geoip"],"groupByFields":["@usr.id"]}],
		"cases":[{"status":"low"}],"options":{"detectionMethod":"impossible_travel","keepAlive":3600,"maxSignalDuration":86400,"impossibleTravelOptions":{"baselineUserLocations":false}}}`,
	"third party": `{"name":"n","message":"m","isEnabled":true,"type":"log_detection","queries":[],"cases":[],"thirdPartyCases":[{"name":"high","query":"status:error","status":"high"}],
		"options":{"detectionMethod":"third_party","keepAlive":0,"maxSignalDuration":600,"thirdPartyRuleOptions":{"defaultStatus":"info","rootQueries":[{"query":"source:guardduty","groupByFields":["host"]}]}}}`,
	"sequence": `{"name":"n","message":"m","isEnabled":true,"type":"log_detection","queries":[{"query":"a:1","groupByFields":["host"]},{"query":"b:1","groupByFields":["host"]}],"cases":[{"status":"low","condition":"two > 0"}],
		"options":{"detectionMethod":"sequence_detection","evaluationWindow":0,"keepAlive":300,"maxSignalDuration":600,"sequenceDetectionOptions":{
		"steps":[{"name":"one","condition":"a > 0","evaluationWindow":60},{"name":"two","condition":"b > 0","evaluationWindow":60}],"stepTransitions":[{"parent":"one","child":"two","evaluationWindow":900}]}}}`,
	"workload": `{"name":"n","message":"m","isEnabled":true,"type":"workload_security","queries":[{"query":"@agent.rule_id:x"}],"cases":[{"status":"low","condition":"a > 0"}],
		"options":{"evaluationWindow":0,"keepAlive":0,"maxSignalDuration":0}}`,
}

func TestRulesLiveTheirLife(t *testing.T) {
	e := start(t)
	api := datadogV2.NewSecurityMonitoringApi(e.APIClient)
	for name, text := range rules {
		create := from[datadogV2.SecurityMonitoringRuleCreatePayload](t, text)
		made := ok[datadogV2.SecurityMonitoringRuleResponse](t)(api.CreateSecurityMonitoringRule(e.ctx, create))
		if made.SecurityMonitoringStandardRuleResponse == nil {
			t.Fatalf("%s: %v", name, made)
		}
		id := made.SecurityMonitoringStandardRuleResponse.GetId()
		ok[datadogV2.SecurityMonitoringRuleResponse](t)(api.GetSecurityMonitoringRule(e.ctx, id))
		updated := ok[datadogV2.SecurityMonitoringRuleResponse](t)(api.UpdateSecurityMonitoringRule(e.ctx, id,
			from[datadogV2.SecurityMonitoringRuleUpdatePayload](t, `{"name":"renamed","version":1,"tags":["team:a"]}`)))
		if r := updated.SecurityMonitoringStandardRuleResponse; r.GetName() != "renamed" || r.GetVersion() != 2 {
			t.Errorf("%s: updated %v", name, r)
		}
		fails(t, http.StatusConflict)(api.UpdateSecurityMonitoringRule(e.ctx, id, from[datadogV2.SecurityMonitoringRuleUpdatePayload](t, `{"name":"lost","version":1}`)))
		converted := ok[datadogV2.SecurityMonitoringRuleConvertResponse](t)(api.ConvertExistingSecurityMonitoringRule(e.ctx, id))
		contains(t, converted.GetTerraformContent(), `name = "renamed"`)
	}
	list := ok[datadogV2.SecurityMonitoringListRulesResponse](t)(api.ListSecurityMonitoringRules(e.ctx,
		*datadogV2.NewListSecurityMonitoringRulesOptionalParameters().WithPageSize(100).WithQuery("team:a").WithSort(datadogV2.SECURITYMONITORINGRULESORT_NAME)))
	if len(list.Data) != len(rules) {
		t.Errorf("%d rules are listed, want %d", len(list.Data), len(rules))
	}
}

func TestRulesAreExportedAppliedAndRestored(t *testing.T) {
	e := start(t)
	api := datadogV2.NewSecurityMonitoringApi(e.APIClient)
	made := ok[datadogV2.SecurityMonitoringRuleResponse](t)(api.CreateSecurityMonitoringRule(e.ctx, from[datadogV2.SecurityMonitoringRuleCreatePayload](t, rule)))
	id := made.SecurityMonitoringStandardRuleResponse.GetId()
	export := func() string {
		t.Helper()
		archive, _, err := api.BulkExportSecurityMonitoringRules(e.ctx, from[datadogV2.SecurityMonitoringRuleBulkExportPayload](t,
			`{"data":{"type":"security_monitoring_rules_bulk_export","attributes":{"ruleIds":["`+id+`"]}}}`))
		if err != nil {
			t.Fatal(err)
		}
		content := text(t, archive)
		files, err := zip.NewReader(bytes.NewReader([]byte(content)), int64(len(content)))
		if err != nil || len(files.File) != 1 {
			t.Fatal(files, err)
		}
		f, err := files.File[0].Open()
		if err != nil {
			t.Fatal(err)
		}
		return text(t, io.Reader(f))
	}
	first := export()
	ok[datadogV2.SecurityMonitoringRuleResponse](t)(api.UpdateSecurityMonitoringRule(e.ctx, id, from[datadogV2.SecurityMonitoringRuleUpdatePayload](t, first)))
	if second := export(); second != first {
		t.Errorf("exported\n%s\nafter\n%s", second, first)
	}
	ok[datadogV2.SecurityMonitoringRuleResponse](t)(api.UpdateSecurityMonitoringRule(e.ctx, id, from[datadogV2.SecurityMonitoringRuleUpdatePayload](t, `{"name":"other"}`)))
	history := ok[datadogV2.GetRuleVersionHistoryResponse](t)(api.GetRuleVersionHistory(e.ctx, id))
	if n := history.Data.Attributes.GetCount(); n != 3 {
		t.Errorf("%d versions, want 3", n)
	}
	ok[datadogV2.SecurityMonitoringRuleResponse](t)(api.RestoreSecurityMonitoringRule(e.ctx, id, 1))
	if third := export(); third != first {
		t.Errorf("restored\n%s\nwant\n%s", third, first)
	}
	test := `{"ruleQueryPayloads":[{"index":0,"expectedResult":true,"payload":{"ddsource":"sshd","message":"x","evt":{"outcome":"failure"}}}]}`
	if results := ok[datadogV2.SecurityMonitoringRuleTestResponse](t)(api.TestExistingSecurityMonitoringRule(e.ctx, id, from[datadogV2.SecurityMonitoringRuleTestRequest](t, test))); len(results.Results) != 1 || !results.Results[0] {
		t.Errorf("tested %v", results)
	}
	done(t)(api.ValidateSecurityMonitoringRule(e.ctx, from[datadogV2.SecurityMonitoringRuleValidatePayload](t, rule)))
	deleted := ok[datadogV2.SecurityMonitoringRuleBulkDeleteResponse](t)(api.BulkDeleteSecurityMonitoringRules(e.ctx, from[datadogV2.SecurityMonitoringRuleBulkDeletePayload](t,
		`{"data":{"type":"bulk_delete_rules","attributes":{"ruleIds":["`+id+`","abc-def-ghi"]}}}`)))
	if a := deleted.Data.Attributes; len(a.DeletedRules) != 1 || len(a.FailedRules) != 1 {
		t.Errorf("deleted %v", deleted)
	}
	fails(t, http.StatusNotFound)(api.GetSecurityMonitoringRule(e.ctx, id))
}
