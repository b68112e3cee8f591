package access

import "strings"

// Endpoint is what a call needs, and what is written down of it in the audit log.
// Refusals are written down whatever the endpoint.
type Endpoint struct {
	Need  Permission
	Noted Noted
}

// Noted is what a call is in the audit log.
type Noted string

// What calls are there.
const (
	Quiet    Noted = ""         // it changes nothing, or is an event that is kept itself
	Change   Noted = "change"   // of what is configured, or of how a signal stands
	SQL      Noted = "sql"      // a statement
	Response Noted = "response" // something is done to a host
	Secrets  Noted = "keys"     // of keys, and of those who may come in
	Deletion Noted = "deletion" // of events
	SignIn   Noted = "sign-in"  // of a person
)

// services say of every service of ours, by what it is called without nightjar.v1 and
// Service, what its methods need. A method that is in no list is refused.
var services = map[string][]group{
	"Rule": {
		{Endpoint{ReadDetection, Quiet}, "GetRule ListRules ValidateRule ExportRules ConvertRule ConvertStoredRule ConvertRules TestRule TestStoredRule GetRuleHistory"},
		{Endpoint{WriteDetection, Change}, "CreateRule UpdateRule DeleteRule DeleteRules RestoreRule"},
	},
	"RuleAuthoring": {
		{Endpoint{ReadDetection, Quiet}, "CheckRule GetRuleTests ListRuleStandings ListBundledRules GetAttackCoverage"},
		{Endpoint{RunHistory, Quiet}, "RunRuleTests"},
		{Endpoint{WriteDetection, Change}, "UpdateRuleTests ApplyBundledRules"},
	},
	"Suppression": {
		{Endpoint{ReadDetection, Quiet}, "ListSuppressions GetSuppression ValidateSuppression GetSuppressionHistory ListSuppressionsOfRule ListSuppressionsOfNewRule ListSuppressionStandings"},
		{Endpoint{RunHistory, Quiet}, "PreviewSuppression"},
		{Endpoint{WriteDetection, Change}, "CreateSuppression UpdateSuppression DeleteSuppression"},
	},
	"SecurityFilter": {
		{Endpoint{ReadDetection, Quiet}, "ListSecurityFilters GetSecurityFilter ListSecurityFilterVersions"},
		{Endpoint{WriteDetection, Change}, "CreateSecurityFilter UpdateSecurityFilter DeleteSecurityFilter"},
	},
	"CriticalAsset": {
		{Endpoint{ReadDetection, Quiet}, "ListCriticalAssets GetCriticalAsset ListCriticalAssetsOfRule"},
		{Endpoint{WriteDetection, Change}, "CreateCriticalAsset UpdateCriticalAsset DeleteCriticalAsset"},
	},
	"ReferenceTable": {
		{Endpoint{ReadDetection, Quiet}, "ListReferenceTables GetReferenceTable GetRows ListRows QueryRows GetReferenceTableUses CheckTableFile"},
		{Endpoint{WriteDetection, Change}, "CreateReferenceTable UpdateReferenceTable DeleteReferenceTable UpsertRows DeleteRows CreateUpload"},
	},
	"Pipeline": {
		{Endpoint{ReadDetection, Quiet}, "ListPipelines GetPipeline GetPipelineOrder ListPipelineStates GetPipelineState CheckPipeline CheckPipelineText TestPipeline TryGrok PreviewPipelines ListPipelineVersions ListDeletedPipelines GetPipelineSamples ListPipelineSamplesVersions"},
		{Endpoint{ReadEvents, Quiet}, "TraceEvent"},
		{Endpoint{WriteDetection, Change}, "CreatePipeline UpdatePipeline DeletePipeline UpdatePipelineOrder SwitchPipeline ClonePipeline RestorePipeline UpdatePipelineSamples"},
	},
	"ThreatIntel": {
		{Endpoint{ReadDetection, Quiet}, "ListThreatLists GetThreatList LookUpIndicator"},
		{Endpoint{WriteDetection, Change}, "CreateThreatList UpdateThreatList DeleteThreatList RefreshThreatList"},
	},
	"Terraform": {{Endpoint{ReadDetection, Quiet}, "ExportTerraform ConvertTerraform ExportTerraformFiles"}},
	"Explain":   {{Endpoint{ReadDetection, Quiet}, "ExplainRule"}},
	"Anomaly":   {{Endpoint{ReadDetection, Quiet}, "GetSeries"}},
	"Coverage": {
		{Endpoint{ReadDetection, Quiet}, "GetCoverage"},
		{Endpoint{OperateEngine, Change}, "FinishAside"},
	},
	"Signal": {
		{Endpoint{ReadSignals, Quiet}, "SearchSignals ListSignals GetSignal GetInvestigationQueries GetSuggestedActions GetSignalEntities GetMatchingSignals GetSignalSummary GetSignalExplanation GetSignalHistory"},
		{Endpoint{TriageSignals, Change}, "UpdateSignalState UpdateSignalAssignee UpdateSignalIncidents UpdateSignal EditSignalState EditSignalAssignee AddSignalToIncident TriageSignals BulkUpdateSignalState BulkUpdateSignalAssignee BulkUpdateSignals"},
	},
	"Indicator": {
		{Endpoint{ReadSignals, Quiet}, "ListIndicators GetIndicator"},
		{Endpoint{TriageSignals, Change}, "TriageIndicator"},
	},
	"Backtest": {
		{Endpoint{RunHistory, Quiet}, "RunBacktest"},
		{Endpoint{RunHistory, Change}, "CreateJob CancelJob DeleteJob"},
		{Endpoint{ReadSignals, Quiet}, "ListJobs GetJob SearchJobSignals ListJobSignals ListSignalsOfJob GetJobSignal"},
		{Endpoint{WriteDetection, Change}, "ConvertJobSignals"},
	},
	"Log":    {{Endpoint{WriteEvents, Quiet}, "SubmitLogs"}},
	"Search": {{Endpoint{ReadEvents, Quiet}, "SearchLogs ListLogs QueryLogs AggregateLogs GetEvent ExplainSearch"}},
	"View": {
		{Endpoint{ReadSignals, Quiet}, "ListViews"},
		{Endpoint{TriageSignals, Change}, "CreateView UpdateView DeleteView"},
	},
	"Demo": {
		{Endpoint{ReadSignals, Quiet}, "GetDemo"},
		{Endpoint{WriteDetection, Change}, "CreateDemo DeleteDemo"},
	},
	"TriageJob": {
		{Endpoint{ReadSignals, Quiet}, "ListTriageJobs GetTriageJob"},
		{Endpoint{TriageSignals, Change}, "CreateTriageJob UndoTriageJob"},
	},
	"Facet": {
		{Endpoint{ReadSignals, Quiet}, "CountSignalFacets CountSignalsOverTime CheckSearch GetSearchProgress"},
		{Endpoint{ReadEvents, Quiet}, "CountEventFacets CountEventsOverTime CountEventPatterns CompleteSearch HintSearch CountClauses CountRuleClauses GetEntity ListSources"},
	},
	"SQL": {{Endpoint{ReadEvents, SQL}, "Query"}},
	"Status": {
		{Endpoint{ReadEngine, Quiet}, "GetStatus ListRuleCosts GetStorage GetRetention"},
		{Endpoint{DeleteEvents, Quiet}, "PreviewRetention"},
		{Endpoint{DeleteEvents, Deletion}, "UpdateRetention"},
		{Endpoint{OperateEngine, Change}, "AcceptLoss"},
		{Endpoint{Known, Quiet}, "ValidateKey"},
	},
	"Reparse": {
		{Endpoint{ReadEngine, Quiet}, "ListReparses GetReparse"},
		{Endpoint{OperateEngine, Change}, "CreateReparse CancelReparse"},
	},
	"Notification": {
		{Endpoint{ReadNotifications, Quiet}, "ListNotificationTargets GetNotificationTarget ListNotifications ListMutes"},
		{Endpoint{WriteNotifications, Quiet}, "PreviewNotification"}, // it shows what a secret signs
		{Endpoint{WriteNotifications, Change}, "CreateNotificationTarget UpdateNotificationTarget DeleteNotificationTarget TestNotificationTarget RetryNotification CreateMute DeleteMute"},
	},
	"NotificationRule": {
		{Endpoint{ReadNotifications, Quiet}, "ListSignalNotificationRules GetSignalNotificationRule ListVulnerabilityNotificationRules GetVulnerabilityNotificationRule PreviewNotificationRule"},
		{Endpoint{WriteNotifications, Change}, "CreateSignalNotificationRule UpdateSignalNotificationRule DeleteSignalNotificationRule CreateVulnerabilityNotificationRule UpdateVulnerabilityNotificationRule DeleteVulnerabilityNotificationRule"},
	},
	"Agent": {{Endpoint{ReadAgents, Quiet}, "ListAgents"}},
	"Response": {
		{Endpoint{ReadSignals, Quiet}, "ListResponseTargets ListResponses GetResponse"},
		{Endpoint{ReadAgents, Quiet}, "GetArming"},
		{Endpoint{CollectProcesses, Response}, "RespondToSignal CreateResponse CancelResponse"}, // and what the action needs
		{Endpoint{SwitchAgents, Response}, "DisarmAgents ArmAgents DisarmAgent ArmAgent"},
	},
	"AgentControl": {
		{Endpoint{EnrollAgents, Secrets}, "EnrollAgent"},
		{Endpoint{SyncAgents, Quiet}, "SyncAgent"},
		{Endpoint{WriteAgents, Secrets}, "RevokeAgent"},
		{Endpoint{ReadAgents, Quiet}, "GetAgentRollout"},
		{Endpoint{WriteAgents, Change}, "UpdateAgentRollout StopAgentRollout ResumeAgentRollout RollBackAgentRollout"},
	},
	"Rehearsal": {{Endpoint{RunHistory, Quiet}, "RehearsePolicies"}},
	"AgentRule": {
		{Endpoint{ReadAgents, Quiet}, "ListAgentRules GetAgentRule CheckAgentExpression ListLegacyAgentRules GetLegacyAgentRule"},
		{Endpoint{WriteAgents, Change}, "CreateAgentRule UpdateAgentRule DeleteAgentRule CreateLegacyAgentRule UpdateLegacyAgentRule DeleteLegacyAgentRule"},
	},
	"AgentPolicy": {
		{Endpoint{ReadAgents, Quiet}, "ListAgentPolicies GetAgentPolicy"},
		{Endpoint{DownloadAgents, Quiet}, "DownloadAgentPolicies DownloadAgentPolicy"},
		{Endpoint{WriteAgents, Change}, "CreateAgentPolicy UpdateAgentPolicy DeleteAgentPolicy"},
	},
	"Caller": {{Endpoint{Known, Quiet}, "GetCaller"}},
	"Key": {
		{Endpoint{ManageKeys, Quiet}, "ListKeys"},
		{Endpoint{ManageKeys, Secrets}, "CreateKey RotateKey RevokeKey"},
	},
	"User": {
		{Endpoint{ManageKeys, Quiet}, "ListUsers"},
		{Endpoint{ManageKeys, Secrets}, "CreateUser SetUserPassword SetUserRole DisableUser EnableUser DeleteUser"},
	},
	"Session": {
		{Endpoint{Known, Quiet}, "ListSessions"}, // the caller's own; of everybody, to who manages keys
		{Endpoint{Known, Secrets}, "EndSession"}, // likewise
	},
	"Audit":    {{Endpoint{ReadAudit, Quiet}, "ListAudit VerifyAudit"}},
	"Deletion": {{Endpoint{DeleteEvents, Quiet}, "PreviewDeletion"}, {Endpoint{DeleteEvents, Deletion}, "DeleteEvents"}},
}

// group are the methods of a service that need the same.
type group struct {
	Endpoint
	methods string // names, with blanks between
}

// foreign are the methods of others' services, by what their names begin with.
var foreign = map[string]Endpoint{
	"/grpc.health.v1.Health/":                                   {Need: Open},
	"/grpc.reflection.v1.ServerReflection/":                     {Need: Known},
	"/grpc.reflection.v1alpha.ServerReflection/":                {Need: Known},
	"/opentelemetry.proto.collector.logs.v1.LogsService/":       {Need: WriteEvents},
	"/opentelemetry.proto.collector.trace.v1.TraceService/":     {Need: WriteEvents},
	"/opentelemetry.proto.collector.metrics.v1.MetricsService/": {Need: WriteEvents},
}

var methods = func() map[string]Endpoint {
	out := map[string]Endpoint{}
	for name, groups := range services {
		for _, g := range groups {
			for m := range strings.FieldsSeq(g.methods) {
				out["/nightjar.v1."+name+"Service/"+m] = g.Endpoint
			}
		}
	}
	return out
}()

// OfMethod is what a method of gRPC needs, by its full name; REST's calls are those of
// the methods that they stand for. ok is false where there is no row: nobody may call it.
func OfMethod(fullName string) (e Endpoint, ok bool) {
	if e, ok = methods[fullName]; ok {
		return e, true
	}
	for begin, e := range foreign {
		if strings.HasPrefix(fullName, begin) {
			return e, true
		}
	}
	return Endpoint{}, false
}

// Methods are the full names of all methods of ours that have a row.
func Methods() map[string]Endpoint { return methods }

// routes are the requests over HTTP that stand for no method and bring no events, by
// method and path.
var routes = map[string]Endpoint{
	"GET /api/nightjar/v1/intake/files": {Need: WriteEvents},
	"GET /debug/pprof/profile":          {Need: ProfileEngine},
	"GET /debug/pprof/heap":             {Need: ProfileEngine},
	"POST /api/nightjar/v1/backup":      {Need: MakeBackup, Noted: Change},
}

// OfRoute is what such a request needs; the zero Endpoint where there is no row: nobody
// may make it.
func OfRoute(pattern string) Endpoint { return routes[pattern] }
