package api

import (
	"context"
	"errors"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"

	pb "nightjar/api/v1"
)

// services are all services of the API.
type services struct {
	rules             *rules
	signals           *signals
	logs              *logs
	backtests         *backtests
	searches          *searches
	sqls              *sqls
	statuses          *statuses
	coverages         *coverages
	agents            *agents
	explains          *explains
	anomalies         *anomalies
	notifications     *notifications
	reparses          *reparses
	threatIntel       *threatIntel
	suppressions      *suppressions
	referenceTables   *referenceTables
	terraforms        *terraforms
	securityFilters   *securityFilters
	criticalAssets    *criticalAssets
	notificationRules *notificationRules
	agentRules        *agentRules
	agentPolicies     *agentPolicies
	indicators        *indicators
	pipelines         *pipelines
}

// newServices makes the services. What they ask of the database is behind the gates.
func newServices(deps Deps, gates gates) *services {
	s := &services{}
	s.ofRules(deps, gates)
	s.ofSignals(deps, gates)
	s.ofSearch(deps, gates)
	s.ofConfiguration(deps)
	s.ofOperations(deps, gates)
	return s
}

func (s *services) ofRules(deps Deps, gates gates) {
	s.rules = &rules{store: deps.Rules, check: deps.CheckRule, reach: deps.Reach, event: deps.ReadEvent}
	s.explains = &explains{rules: deps.Explainer, now: deps.Now}
	s.anomalies = &anomalies{rules: deps.Explainer, now: deps.Now}
	s.suppressions = &suppressions{
		store: deps.Suppressions, rules: deps.Rules, check: deps.CheckRule, previews: limitPreviews(deps.Previews, gates.backtests), now: deps.Now,
	}
	s.terraforms = &terraforms{rules: s.rules, suppressions: deps.Suppressions, configuration: deps.Configuration}
	s.securityFilters = &securityFilters{store: deps.Configuration.SecurityFilters}
	s.criticalAssets = &criticalAssets{store: deps.Configuration.CriticalAssets, rules: deps.Rules}
	s.backtests = &backtests{
		runner: limitBacktests(deps.Backtests, gates.backtests), jobs: deps.Jobs, rules: deps.Rules, now: deps.Now,
		results: &signals{store: limitSignals(deps.JobSignals, gates.signals), now: deps.Now},
	}
}

func (s *services) ofSignals(deps Deps, gates gates) {
	store := limitSignals(deps.Signals, gates.signals)
	s.signals = &signals{store: store, triage: deps.Triage, now: deps.Now}
	s.indicators = &indicators{rules: deps.Rules, signals: store, tables: deps.Tables, triage: deps.Configuration.Indicators, now: deps.Now}
}

func (s *services) ofSearch(deps Deps, gates gates) {
	store := limitLogs(deps.Logs, gates.searches)
	s.searches = &searches{store: store, now: deps.Now}
	s.sqls = &sqls{db: limitSQL(deps.SQL, gates.searches), now: deps.Now}
	s.logs = &logs{intake: deps.Intake}
	s.pipelines = &pipelines{registry: deps.Pipelines, logs: store, now: deps.Now}
}

func (s *services) ofConfiguration(deps Deps) {
	c := deps.Configuration
	s.referenceTables = &referenceTables{store: deps.Tables, uploads: newUploads(deps.UploadDir, deps.Now)}
	s.notificationRules = newNotificationRules(c)
	s.notifications = &notifications{told: deps.Notifications, targets: c.NotificationTargets, mutes: c.Mutes, now: deps.Now}
	s.agentRules = &agentRules{store: c.AgentRules, policies: c.AgentPolicies}
	s.agentPolicies = &agentPolicies{store: c.AgentPolicies, rules: c.AgentRules}
}

func (s *services) ofOperations(deps Deps, gates gates) {
	s.statuses = &statuses{engine: deps.Status, version: deps.Version, gates: gates, pipelines: s.pipelines}
	s.coverages = &coverages{ledger: deps.Ledger, rules: deps.Rules, agents: deps.Agents}
	s.agents = &agents{store: deps.Agents, now: deps.Now}
	s.reparses = &reparses{jobs: deps.Reparses, now: deps.Now}
	s.threatIntel = &threatIntel{store: deps.Configuration.ThreatLists, lists: deps.ThreatLists}
}

// registerREST serves them over HTTP.
func (s *services) registerREST(ctx context.Context, mux *runtime.ServeMux) error {
	return errors.Join(
		pb.RegisterRuleServiceHandlerServer(ctx, mux, s.rules),
		pb.RegisterSignalServiceHandlerServer(ctx, mux, s.signals),
		pb.RegisterLogServiceHandlerServer(ctx, mux, s.logs),
		pb.RegisterBacktestServiceHandlerServer(ctx, mux, s.backtests),
		pb.RegisterSearchServiceHandlerServer(ctx, mux, s.searches),
		pb.RegisterSQLServiceHandlerServer(ctx, mux, s.sqls),
		pb.RegisterStatusServiceHandlerServer(ctx, mux, s.statuses),
		pb.RegisterCoverageServiceHandlerServer(ctx, mux, s.coverages),
		pb.RegisterAgentServiceHandlerServer(ctx, mux, s.agents),
		pb.RegisterExplainServiceHandlerServer(ctx, mux, s.explains),
		pb.RegisterAnomalyServiceHandlerServer(ctx, mux, s.anomalies),
		pb.RegisterNotificationServiceHandlerServer(ctx, mux, s.notifications),
		pb.RegisterReparseServiceHandlerServer(ctx, mux, s.reparses),
		pb.RegisterThreatIntelServiceHandlerServer(ctx, mux, s.threatIntel),
		pb.RegisterSuppressionServiceHandlerServer(ctx, mux, s.suppressions),
		pb.RegisterReferenceTableServiceHandlerServer(ctx, mux, s.referenceTables),
		pb.RegisterTerraformServiceHandlerServer(ctx, mux, s.terraforms),
		pb.RegisterSecurityFilterServiceHandlerServer(ctx, mux, s.securityFilters),
		pb.RegisterCriticalAssetServiceHandlerServer(ctx, mux, s.criticalAssets),
		pb.RegisterNotificationRuleServiceHandlerServer(ctx, mux, s.notificationRules),
		pb.RegisterAgentRuleServiceHandlerServer(ctx, mux, s.agentRules),
		pb.RegisterAgentPolicyServiceHandlerServer(ctx, mux, s.agentPolicies),
		pb.RegisterIndicatorServiceHandlerServer(ctx, mux, s.indicators),
		pb.RegisterPipelineServiceHandlerServer(ctx, mux, s.pipelines),
	)
}

// registerGRPC serves them over gRPC: those that bring events within the bounds of
// events.
func (s *services) registerGRPC(server, events grpc.ServiceRegistrar) {
	pb.RegisterLogServiceServer(events, s.logs)
	pb.RegisterRuleServiceServer(server, s.rules)
	pb.RegisterSignalServiceServer(server, s.signals)
	pb.RegisterBacktestServiceServer(server, s.backtests)
	pb.RegisterSearchServiceServer(server, s.searches)
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
	pb.RegisterIndicatorServiceServer(server, s.indicators)
	pb.RegisterPipelineServiceServer(server, s.pipelines)
}
