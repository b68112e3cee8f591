package clienttest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/DataDog/datadog-api-client-go/v2/api/datadogV2"
)

func TestSuppressionsLiveTheirLife(t *testing.T) {
	e := start(t)
	api := datadogV2.NewSecurityMonitoringApi(e.APIClient)
	create := from[datadogV2.SecurityMonitoringSuppressionCreateRequest](t, `{"data":{"type":"suppressions","attributes":{"name":"s","enabled":true,
		"rule_query":"source:sshd","suppression_query":"env:test","expiration_date":1900000000000,"tags":["b","a"]}}}`)
	done(t)(api.ValidateSecurityMonitoringSuppression(e.ctx, create))
	id := *ok[datadogV2.SecurityMonitoringSuppressionResponse](t)(api.CreateSecurityMonitoringSuppression(e.ctx, create)).Data.Id
	ok[datadogV2.SecurityMonitoringSuppressionResponse](t)(api.GetSecurityMonitoringSuppression(e.ctx, id))
	updated := ok[datadogV2.SecurityMonitoringSuppressionResponse](t)(api.UpdateSecurityMonitoringSuppression(e.ctx, id,
		from[datadogV2.SecurityMonitoringSuppressionUpdateRequest](t, `{"data":{"type":"suppressions","attributes":{"expiration_date":null,"version":1}}}`)))
	if a := updated.Data.Attributes; a.ExpirationDate != nil || a.GetVersion() != 2 || strings.Join(a.Tags, "") != "ab" {
		t.Errorf("updated %v", updated)
	}
	fails(t, http.StatusConflict)(api.UpdateSecurityMonitoringSuppression(e.ctx, id,
		from[datadogV2.SecurityMonitoringSuppressionUpdateRequest](t, `{"data":{"type":"suppressions","attributes":{"name":"x","version":1}}}`)))
	if list := ok[datadogV2.SecurityMonitoringPaginatedSuppressionsResponse](t)(api.ListSecurityMonitoringSuppressions(e.ctx)); len(list.Data) != 1 {
		t.Errorf("listed %v", list)
	}
	made := ok[datadogV2.SecurityMonitoringRuleResponse](t)(api.CreateSecurityMonitoringRule(e.ctx, from[datadogV2.SecurityMonitoringRuleCreatePayload](t, rule)))
	if of := ok[datadogV2.SecurityMonitoringSuppressionsResponse](t)(api.GetSuppressionsAffectingRule(e.ctx, made.SecurityMonitoringStandardRuleResponse.GetId())); len(of.Data) != 1 {
		t.Errorf("affecting the rule: %v", of)
	}
	if of := ok[datadogV2.SecurityMonitoringSuppressionsResponse](t)(api.GetSuppressionsAffectingFutureRule(e.ctx, from[datadogV2.SecurityMonitoringRuleCreatePayload](t, rule))); len(of.Data) != 1 {
		t.Errorf("affecting a new rule: %v", of)
	}
	if n := ok[datadogV2.GetSuppressionVersionHistoryResponse](t)(api.GetSuppressionVersionHistory(e.ctx, id)).Data.Attributes.GetCount(); n != 2 {
		t.Errorf("%d versions, want 2", n)
	}
	done(t)(api.DeleteSecurityMonitoringSuppression(e.ctx, id))
	fails(t, http.StatusNotFound)(api.GetSecurityMonitoringSuppression(e.ctx, id))
}

func TestFiltersAndAssetsLiveTheirLife(t *testing.T) {
	e := start(t)
	api := datadogV2.NewSecurityMonitoringApi(e.APIClient)
	filter := *ok[datadogV2.SecurityFilterResponse](t)(api.CreateSecurityFilter(e.ctx, from[datadogV2.SecurityFilterCreateRequest](t,
		`{"data":{"type":"security_filters","attributes":{"name":"f","query":"service:a","is_enabled":true,"filtered_data_type":"logs","exclusion_filters":[{"name":"x","query":"source:y"}]}}}`))).Data.Id
	if list := ok[datadogV2.SecurityFiltersResponse](t)(api.ListSecurityFilters(e.ctx)); len(list.Data) != 2 {
		t.Errorf("filters: %v", list)
	}
	ok[datadogV2.SecurityFilterResponse](t)(api.UpdateSecurityFilter(e.ctx, filter, from[datadogV2.SecurityFilterUpdateRequest](t,
		`{"data":{"type":"security_filters","attributes":{"name":"g","version":1}}}`)))
	if f := ok[datadogV2.SecurityFilterResponse](t)(api.GetSecurityFilter(e.ctx, filter)); f.Data.Attributes.GetName() != "g" || len(f.Data.Attributes.ExclusionFilters) != 1 {
		t.Errorf("filter: %v", f)
	}
	done(t)(api.DeleteSecurityFilter(e.ctx, filter))
	ok[datadogV2.SecurityFilterVersionsResponse](t)(api.ListSecurityFilterVersions(e.ctx))

	asset := *ok[datadogV2.SecurityMonitoringCriticalAssetResponse](t)(api.CreateSecurityMonitoringCriticalAsset(e.ctx, from[datadogV2.SecurityMonitoringCriticalAssetCreateRequest](t,
		`{"data":{"type":"critical_assets","attributes":{"query":"host:a","rule_query":"*","severity":"increase","tags":["a:b"]}}}`))).Data.Id
	ok[datadogV2.SecurityMonitoringCriticalAssetResponse](t)(api.UpdateSecurityMonitoringCriticalAsset(e.ctx, asset, from[datadogV2.SecurityMonitoringCriticalAssetUpdateRequest](t,
		`{"data":{"type":"critical_assets","attributes":{"severity":"no-op"}}}`)))
	ok[datadogV2.SecurityMonitoringCriticalAssetResponse](t)(api.GetSecurityMonitoringCriticalAsset(e.ctx, asset))
	ok[datadogV2.SecurityMonitoringCriticalAssetsResponse](t)(api.ListSecurityMonitoringCriticalAssets(e.ctx))
	ok[datadogV2.SecurityMonitoringCriticalAssetsResponse](t)(api.GetCriticalAssetsAffectingRule(e.ctx, "abc-def-ghi"))
	done(t)(api.DeleteSecurityMonitoringCriticalAsset(e.ctx, asset))
}

func TestNotificationRulesLiveTheirLife(t *testing.T) {
	e := start(t)
	api := datadogV2.NewSecurityMonitoringApi(e.APIClient)
	create := from[datadogV2.CreateNotificationRuleParameters](t, `{"data":{"type":"notification_rules","attributes":{"name":"n","targets":["@me"],
		"selectors":{"trigger_source":"security_signals","severities":["critical"],"rule_types":["log_detection"],"query":"env:prod"},"time_aggregation":60}}}`)
	ok[datadogV2.NotificationRulePreviewResponse](t)(api.SendSecurityMonitoringNotificationPreview(e.ctx, create))
	id := ok[datadogV2.NotificationRuleResponse](t)(api.CreateSignalNotificationRule(e.ctx, create)).Data.Id
	patch := from[datadogV2.PatchNotificationRuleParameters](t, `{"data":{"id":"`+id+`","type":"notification_rules","attributes":{"name":"m","version":1}}}`)
	ok[datadogV2.NotificationRuleResponse](t)(api.PatchSignalNotificationRule(e.ctx, id, patch))
	fails(t, http.StatusUnprocessableEntity)(api.PatchSignalNotificationRule(e.ctx, id, patch))
	ok[datadogV2.NotificationRuleResponse](t)(api.GetSignalNotificationRule(e.ctx, id))
	ok[datadogV2.NotificationRulesListResponse](t)(api.GetSignalNotificationRules(e.ctx))
	done(t)(api.DeleteSignalNotificationRule(e.ctx, id))
	id = ok[datadogV2.NotificationRuleResponse](t)(api.CreateVulnerabilityNotificationRule(e.ctx, create)).Data.Id
	ok[datadogV2.NotificationRulesListResponse](t)(api.GetVulnerabilityNotificationRules(e.ctx))
	done(t)(api.DeleteVulnerabilityNotificationRule(e.ctx, id))
}

func TestAgentRulesAndPoliciesLiveTheirLife(t *testing.T) {
	e := start(t)
	api := datadogV2.NewCSMThreatsApi(e.APIClient)
	policy := *ok[datadogV2.CloudWorkloadSecurityAgentPolicyResponse](t)(api.CreateCSMThreatsAgentPolicy(e.ctx, from[datadogV2.CloudWorkloadSecurityAgentPolicyCreateRequest](t,
		`{"data":{"type":"policy","attributes":{"name":"p","enabled":true,"hostTagsLists":[["env:a"],["env:b","team:c"]]}}}`))).Data.Id
	create := func(extra string) datadogV2.CloudWorkloadSecurityAgentRuleCreateRequest {
		return from[datadogV2.CloudWorkloadSecurityAgentRuleCreateRequest](t, `{"data":{"type":"agent_rule","attributes":{"name":"r","enabled":true,
			"expression":"exec.file.name == \"sh\"","description":"d"`+extra+`}}}`)
	}
	rule := *ok[datadogV2.CloudWorkloadSecurityAgentRuleResponse](t)(api.CreateCSMThreatsAgentRule(e.ctx,
		create(`,"policy_id":"`+policy+`","product_tags":["a:b"],"actions":[{"set":{"name":"x","value":"y","scope":"process"}},{"hash":{}},{"kill":{"signal":"SIGKILL"}}]`))).Data.Id
	ok[datadogV2.CloudWorkloadSecurityAgentRuleResponse](t)(api.UpdateCSMThreatsAgentRule(e.ctx, rule, from[datadogV2.CloudWorkloadSecurityAgentRuleUpdateRequest](t,
		`{"data":{"id":"`+rule+`","type":"agent_rule","attributes":{"description":"e","policy_id":"`+policy+`"}}}`)))
	ok[datadogV2.CloudWorkloadSecurityAgentRuleResponse](t)(api.GetCSMThreatsAgentRule(e.ctx, rule))
	ok[datadogV2.CloudWorkloadSecurityAgentRulesListResponse](t)(api.ListCSMThreatsAgentRules(e.ctx))
	if p := ok[datadogV2.CloudWorkloadSecurityAgentPolicyResponse](t)(api.GetCSMThreatsAgentPolicy(e.ctx, policy)); p.Data.Attributes.GetMonitoringRulesCount() != 1 {
		t.Errorf("policy: %v", p)
	}
	ok[datadogV2.CloudWorkloadSecurityAgentPolicyResponse](t)(api.UpdateCSMThreatsAgentPolicy(e.ctx, policy, from[datadogV2.CloudWorkloadSecurityAgentPolicyUpdateRequest](t,
		`{"data":{"id":"`+policy+`","type":"policy","attributes":{"description":"q"}}}`)))
	ok[datadogV2.CloudWorkloadSecurityAgentPoliciesListResponse](t)(api.ListCSMThreatsAgentPolicies(e.ctx))
	archive, _, err := api.DownloadCSMThreatsPolicy(e.ctx)
	if err != nil {
		t.Fatal(err)
	}
	contains(t, text(t, archive), "custom.policy")
	file, _, err := api.DownloadCloudWorkloadPolicyFile(e.ctx)
	if err != nil {
		t.Fatal(err)
	}
	contains(t, text(t, file), `exec.file.name == "sh"`)
	done(t)(api.DeleteCSMThreatsAgentRule(e.ctx, rule))
	done(t)(api.DeleteCSMThreatsAgentPolicy(e.ctx, policy))

	legacy := *ok[datadogV2.CloudWorkloadSecurityAgentRuleResponse](t)(api.CreateCloudWorkloadSecurityAgentRule(e.ctx, create(""))).Data.Id
	ok[datadogV2.CloudWorkloadSecurityAgentRuleResponse](t)(api.GetCloudWorkloadSecurityAgentRule(e.ctx, legacy))
	ok[datadogV2.CloudWorkloadSecurityAgentRuleResponse](t)(api.UpdateCloudWorkloadSecurityAgentRule(e.ctx, legacy, from[datadogV2.CloudWorkloadSecurityAgentRuleUpdateRequest](t,
		`{"data":{"id":"`+legacy+`","type":"agent_rule","attributes":{"description":"e","expression":"exec.file.name == \"bash\""}}}`)))
	ok[datadogV2.CloudWorkloadSecurityAgentRulesListResponse](t)(api.ListCloudWorkloadSecurityAgentRules(e.ctx))
	done(t)(api.DeleteCloudWorkloadSecurityAgentRule(e.ctx, legacy))
	fails(t, http.StatusBadRequest)(api.CreateCloudWorkloadSecurityAgentRule(e.ctx, from[datadogV2.CloudWorkloadSecurityAgentRuleCreateRequest](t,
		`{"data":{"type":"agent_rule","attributes":{"name":"r","expression":"exec.file.name"}}}`)))
}
