package server

import (
	"context"
	"errors"
	"slices"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"

	"nightjar/api"
	"nightjar/api/access"
	"nightjar/api/access/service"
	"nightjar/api/limits"
	"nightjar/api/services/agents"
	"nightjar/api/services/authoring"
	"nightjar/api/services/backtests"
	"nightjar/api/services/events"
	"nightjar/api/services/facets"
	"nightjar/api/services/notifications"
	"nightjar/api/services/operations"
	"nightjar/api/services/pipelines"
	"nightjar/api/services/rehearsals"
	"nightjar/api/services/responses"
	"nightjar/api/services/rules"
	"nightjar/api/services/signals"
	"nightjar/api/services/tables"
	"nightjar/api/services/views"
	pb "nightjar/api/v1"
)

// services are all services of the API.
type services struct {
	rules             *rules.RuleService
	authoring         *authoring.RuleAuthoringService
	signals           *signals.SignalService
	logs              *events.LogService
	backtests         *backtests.BacktestService
	searches          *events.SearchService
	sqls              *events.SQLService
	statuses          *operations.StatusService
	coverages         *operations.CoverageService
	agents            *operations.AgentService
	explains          *rules.ExplainService
	anomalies         *rules.AnomalyService
	notifications     *notifications.NotificationService
	reparses          *operations.ReparseService
	threatIntel       *operations.ThreatIntelService
	suppressions      *rules.SuppressionService
	referenceTables   *tables.TableService
	terraforms        *rules.TerraformService
	securityFilters   *rules.SecurityFilterService
	criticalAssets    *rules.CriticalAssetService
	notificationRules *notifications.NotificationRuleService
	agentRules        *agents.AgentRuleService
	agentPolicies     *agents.AgentPolicyService
	agentControl      *agents.ControlService
	rehearsals        *rehearsals.RehearsalService
	indicators        *signals.IndicatorService
	pipelines         *pipelines.PipelineService
	responses         *responses.ResponseService
	facets            *facets.FacetService
	running           *api.Running
	triageJobs        *signals.TriageJobService
	views             *views.ViewService
	demo              *views.DemoService
	access            service.Services
}

// newServices makes the services. What they ask of the database is behind the gates.
func newServices(deps Deps, gates limits.Queries) *services {
	s := &services{access: deps.Access}
	s.ofRules(deps, gates)
	s.ofSignals(deps, gates)
	s.ofSearch(deps, gates)
	s.ofConfiguration(deps, gates)
	s.ofOperations(deps, gates)
	return s
}

func (s *services) ofRules(deps Deps, gates limits.Queries) {
	s.rules = &rules.RuleService{Store: deps.Rules, Check: deps.CheckRule, Reach: deps.Reach, Event: deps.ReadEvent}
	s.authoring = &authoring.RuleAuthoringService{
		Rules: deps.Rules, Check: deps.CheckRule, Reach: deps.Reach, Tests: deps.Configuration.RuleTests, Run: deps.RuleTests, Gate: gates.Backtests,
		Costs: deps.Status.RuleCosts, Counts: deps.Counts, Now: deps.Now,
	}
	s.explains = &rules.ExplainService{Rules: deps.Explainer, Now: deps.Now}
	s.anomalies = &rules.AnomalyService{Rules: deps.Explainer, Now: deps.Now}
	s.suppressions = &rules.SuppressionService{
		Store: deps.Suppressions, Rules: deps.Rules, Check: deps.CheckRule, Previews: rules.LimitPreviews(deps.Previews, gates.Backtests), Now: deps.Now,
		Hidden: rules.LimitHidden(deps.Hidden, gates.Signals), Kept: deps.SignalsKept,
	}
	s.terraforms = &rules.TerraformService{Rules: s.rules, Suppressions: deps.Suppressions, Configuration: deps.Configuration}
	s.securityFilters = &rules.SecurityFilterService{Store: deps.Configuration.SecurityFilters}
	s.criticalAssets = &rules.CriticalAssetService{Store: deps.Configuration.CriticalAssets, Rules: deps.Rules}
	s.backtests = &backtests.BacktestService{
		Runner: backtests.Limit(deps.Backtests, gates.Backtests), Jobs: deps.Jobs, Rules: deps.Rules, Now: deps.Now,
		Results: &signals.SignalService{Store: signals.Limit(deps.JobSignals, gates.Signals), Now: deps.Now},
	}
}

func (s *services) ofSignals(deps Deps, gates limits.Queries) {
	store := signals.Limit(deps.Signals, gates.Signals)
	s.signals = &signals.SignalService{Store: store, Triage: deps.Triage, Explainer: deps.Explainer, Told: deps.Notifications, InForce: deps.Status, Now: deps.Now}
	s.signals.AgentRules = &signals.AgentRules{Rules: deps.Configuration.AgentRules, Policies: deps.Configuration.AgentPolicies}
	s.triageJobs = &signals.TriageJobService{Jobs: deps.Configuration.TriageJobs, Signals: s.signals}
	s.indicators = &signals.IndicatorService{Rules: deps.Rules, Signals: store, Tables: deps.Tables, Triage: deps.Configuration.Indicators, Now: deps.Now}
}

func (s *services) ofSearch(deps Deps, gates limits.Queries) {
	store := events.Limit(deps.Logs, gates.Searches)
	s.searches = &events.SearchService{Store: store, Now: deps.Now}
	s.running = &api.Running{}
	s.facets = &facets.FacetService{
		Running: s.running, Caller: func(ctx context.Context) string { return access.Of(ctx).ID },
		Store: facets.Limit(deps.Facets, facets.Gates{Signals: gates.Signals, Events: gates.Searches}), Events: s.searches, Rules: deps.Rules, Now: deps.Now,
		Tables: deps.Tables, Listed: listedIn(deps), Places: deps.Places,
	}
	s.sqls = &events.SQLService{DB: events.LimitSQL(deps.SQL, gates.Searches), Now: deps.Now}
	s.rehearsals = &rehearsals.RehearsalService{
		DB: events.LimitSQL(deps.SQL, gates.Searches), Policies: deps.Configuration.AgentPolicies, Rules: deps.Configuration.AgentRules, Defaults: deps.AgentDefaults, Now: deps.Now,
	}
	s.logs = &events.LogService{Intake: deps.Intake}
	s.views = &views.ViewService{Store: deps.Configuration.SavedViews}
	s.demo = &views.DemoService{Store: deps.Configuration.Demos, Rules: s.rules, Jobs: s.triageJobs, Intake: deps.Intake, Now: deps.Now}
	s.pipelines = &pipelines.PipelineService{Registry: deps.Pipelines, Logs: store, Samples: deps.Configuration.PipelineSamples, Now: deps.Now, Gate: gates.Searches}
}

func (s *services) ofConfiguration(deps Deps, gates limits.Queries) {
	c := deps.Configuration
	s.referenceTables = &tables.TableService{Store: deps.Tables, Uploads: tables.NewUploads(deps.UploadDir, deps.Now), Rules: deps.Rules, Lookups: lookupsOf(deps), Gate: gates.Searches}
	s.notificationRules = notifications.NewNotificationRules(c)
	s.notifications = &notifications.NotificationService{Told: deps.Notifications, Targets: c.NotificationTargets, Secrets: deps.Secrets, Mutes: c.Mutes, Now: deps.Now}
	s.agentRules = &agents.AgentRuleService{Store: c.AgentRules, Policies: c.AgentPolicies, Mistakes: deps.AgentDefaults.Mistakes}
	s.agentPolicies = &agents.AgentPolicyService{Store: c.AgentPolicies, Rules: c.AgentRules, Defaults: deps.AgentDefaults}
	s.agentControl = &agents.ControlService{Fleet: deps.Fleet, Keys: deps.Guard.Keys}
}

func (s *services) ofOperations(deps Deps, gates limits.Queries) {
	s.statuses = &operations.StatusService{Engine: deps.Status, Retention: deps.Retention, Version: deps.Version, Gates: gates, Pipelines: s.pipelines, Now: deps.Now}
	s.coverages = &operations.CoverageService{EvaluationLog: deps.EvaluationLog, Rules: deps.Rules, Agents: deps.Agents}
	s.agents = &operations.AgentService{Store: deps.Agents, Fleet: deps.Fleet, Now: deps.Now}
	if deps.Responses != nil {
		s.agents.DisarmedAlone = func(agent string) *pb.AgentArming { return responses.AloneOf(deps.Responses, agent) }
	}
	s.responses = &responses.ResponseService{
		Book: deps.Responses, Agents: deps.Enrolled, Now: deps.Now,
		Signals: signals.Documents{Store: signals.Limit(deps.Signals, gates.Signals)}, Events: events.Limit(deps.Logs, gates.Searches),
	}
	s.reparses = &operations.ReparseService{Jobs: deps.Reparses, Now: deps.Now}
	s.threatIntel = &operations.ThreatIntelService{Store: deps.Configuration.ThreatLists, Lists: deps.ThreatLists, Secrets: deps.Secrets}
}

// lookupsOf are the pipelines that ask reference tables.
func lookupsOf(deps Deps) func(context.Context) []tables.Lookup {
	return func(ctx context.Context) (out []tables.Lookup) {
		if deps.Pipelines == nil {
			return nil
		}
		for _, e := range deps.Pipelines.List(ctx) {
			if e.Pipeline == nil {
				continue
			}
			for _, table := range e.Pipeline.TablesAsked() {
				out = append(out, tables.Lookup{ID: e.ID, Name: e.Pipeline.Name, Table: table, Enabled: e.Enabled()})
			}
		}
		return out
	}
}

// registerREST serves over HTTP what the connection reaches.
func registerREST(ctx context.Context, mux *runtime.ServeMux, conn grpc.ClientConnInterface) error {
	return errors.Join(
		pb.RegisterRuleServiceHandlerClient(ctx, mux, pb.NewRuleServiceClient(conn)),
		pb.RegisterRuleAuthoringServiceHandlerClient(ctx, mux, pb.NewRuleAuthoringServiceClient(conn)),
		pb.RegisterSignalServiceHandlerClient(ctx, mux, pb.NewSignalServiceClient(conn)),
		pb.RegisterLogServiceHandlerClient(ctx, mux, pb.NewLogServiceClient(conn)),
		pb.RegisterBacktestServiceHandlerClient(ctx, mux, pb.NewBacktestServiceClient(conn)),
		pb.RegisterSearchServiceHandlerClient(ctx, mux, pb.NewSearchServiceClient(conn)),
		pb.RegisterTriageJobServiceHandlerClient(ctx, mux, pb.NewTriageJobServiceClient(conn)),
		pb.RegisterViewServiceHandlerClient(ctx, mux, pb.NewViewServiceClient(conn)),
		pb.RegisterDemoServiceHandlerClient(ctx, mux, pb.NewDemoServiceClient(conn)),
		pb.RegisterRehearsalServiceHandlerClient(ctx, mux, pb.NewRehearsalServiceClient(conn)),
		pb.RegisterFacetServiceHandlerClient(ctx, mux, pb.NewFacetServiceClient(conn)),
		pb.RegisterSQLServiceHandlerClient(ctx, mux, pb.NewSQLServiceClient(conn)),
		pb.RegisterStatusServiceHandlerClient(ctx, mux, pb.NewStatusServiceClient(conn)),
		pb.RegisterCoverageServiceHandlerClient(ctx, mux, pb.NewCoverageServiceClient(conn)),
		pb.RegisterAgentServiceHandlerClient(ctx, mux, pb.NewAgentServiceClient(conn)),
		pb.RegisterExplainServiceHandlerClient(ctx, mux, pb.NewExplainServiceClient(conn)),
		pb.RegisterAnomalyServiceHandlerClient(ctx, mux, pb.NewAnomalyServiceClient(conn)),
		pb.RegisterNotificationServiceHandlerClient(ctx, mux, pb.NewNotificationServiceClient(conn)),
		pb.RegisterReparseServiceHandlerClient(ctx, mux, pb.NewReparseServiceClient(conn)),
		pb.RegisterThreatIntelServiceHandlerClient(ctx, mux, pb.NewThreatIntelServiceClient(conn)),
		pb.RegisterSuppressionServiceHandlerClient(ctx, mux, pb.NewSuppressionServiceClient(conn)),
		pb.RegisterReferenceTableServiceHandlerClient(ctx, mux, pb.NewReferenceTableServiceClient(conn)),
		pb.RegisterTerraformServiceHandlerClient(ctx, mux, pb.NewTerraformServiceClient(conn)),
		pb.RegisterSecurityFilterServiceHandlerClient(ctx, mux, pb.NewSecurityFilterServiceClient(conn)),
		pb.RegisterCriticalAssetServiceHandlerClient(ctx, mux, pb.NewCriticalAssetServiceClient(conn)),
		pb.RegisterNotificationRuleServiceHandlerClient(ctx, mux, pb.NewNotificationRuleServiceClient(conn)),
		pb.RegisterAgentRuleServiceHandlerClient(ctx, mux, pb.NewAgentRuleServiceClient(conn)),
		pb.RegisterAgentPolicyServiceHandlerClient(ctx, mux, pb.NewAgentPolicyServiceClient(conn)),
		pb.RegisterAgentControlServiceHandlerClient(ctx, mux, pb.NewAgentControlServiceClient(conn)),
		pb.RegisterIndicatorServiceHandlerClient(ctx, mux, pb.NewIndicatorServiceClient(conn)),
		pb.RegisterPipelineServiceHandlerClient(ctx, mux, pb.NewPipelineServiceClient(conn)),
		pb.RegisterResponseServiceHandlerClient(ctx, mux, pb.NewResponseServiceClient(conn)),
		pb.RegisterCallerServiceHandlerClient(ctx, mux, pb.NewCallerServiceClient(conn)),
		pb.RegisterKeyServiceHandlerClient(ctx, mux, pb.NewKeyServiceClient(conn)),
		pb.RegisterUserServiceHandlerClient(ctx, mux, pb.NewUserServiceClient(conn)),
		pb.RegisterSessionServiceHandlerClient(ctx, mux, pb.NewSessionServiceClient(conn)),
		pb.RegisterAuditServiceHandlerClient(ctx, mux, pb.NewAuditServiceClient(conn)),
		pb.RegisterDeletionServiceHandlerClient(ctx, mux, pb.NewDeletionServiceClient(conn)),
	)
}

// registerGRPC serves them over gRPC: those that bring events within the bounds of
// events.
func (s *services) registerGRPC(server, events grpc.ServiceRegistrar) {
	pb.RegisterLogServiceServer(events, s.logs)
	pb.RegisterRuleServiceServer(server, s.rules)
	pb.RegisterRuleAuthoringServiceServer(server, s.authoring)
	pb.RegisterSignalServiceServer(server, s.signals)
	pb.RegisterBacktestServiceServer(server, s.backtests)
	pb.RegisterSearchServiceServer(server, s.searches)
	pb.RegisterTriageJobServiceServer(server, s.triageJobs)
	pb.RegisterViewServiceServer(server, s.views)
	pb.RegisterDemoServiceServer(server, s.demo)
	pb.RegisterRehearsalServiceServer(server, s.rehearsals)
	pb.RegisterFacetServiceServer(server, s.facets)
	pb.RegisterSQLServiceServer(server, s.sqls)
	pb.RegisterStatusServiceServer(server, s.statuses)
	pb.RegisterCoverageServiceServer(server, s.coverages)
	pb.RegisterAgentServiceServer(server, s.agents)
	pb.RegisterExplainServiceServer(server, s.explains)
	pb.RegisterAnomalyServiceServer(server, s.anomalies)
	pb.RegisterNotificationServiceServer(server, s.notifications)
	pb.RegisterReparseServiceServer(server, s.reparses)
	pb.RegisterThreatIntelServiceServer(server, s.threatIntel)
	pb.RegisterSuppressionServiceServer(server, s.suppressions)
	pb.RegisterReferenceTableServiceServer(server, s.referenceTables)
	pb.RegisterTerraformServiceServer(server, s.terraforms)
	pb.RegisterSecurityFilterServiceServer(server, s.securityFilters)
	pb.RegisterCriticalAssetServiceServer(server, s.criticalAssets)
	pb.RegisterNotificationRuleServiceServer(server, s.notificationRules)
	pb.RegisterAgentRuleServiceServer(server, s.agentRules)
	pb.RegisterAgentPolicyServiceServer(server, s.agentPolicies)
	pb.RegisterAgentControlServiceServer(server, s.agentControl)
	pb.RegisterIndicatorServiceServer(server, s.indicators)
	pb.RegisterPipelineServiceServer(server, s.pipelines)
	pb.RegisterResponseServiceServer(server, s.responses)
	pb.RegisterCallerServiceServer(server, s.access.Callers)
	pb.RegisterKeyServiceServer(server, s.access.Keys)
	pb.RegisterUserServiceServer(server, s.access.Users)
	pb.RegisterSessionServiceServer(server, s.access.Sessions)
	pb.RegisterAuditServiceServer(server, s.access.Audit)
	pb.RegisterDeletionServiceServer(server, s.access.Deletions)
}

// listedIn are the names of the threat lists that have a value; nil where none are read.
func listedIn(deps Deps) func(value string) []string {
	if deps.ThreatLists == nil {
		return nil
	}
	return func(value string) (names []string) {
		for _, found := range deps.ThreatLists.Find(value) {
			if !slices.Contains(names, found.List) {
				names = append(names, found.List)
			}
		}
		return names
	}
}
