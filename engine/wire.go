package engine

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/pprof"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/fx"

	"nightjar/agent/control"
	"nightjar/agent/responses"
	apistore "nightjar/api/clickhouse"
	"nightjar/api/limits"
	"nightjar/api/server"
	"nightjar/backup"
	"nightjar/configuration"
	"nightjar/ingest"
	"nightjar/ingest/elastic"
	"nightjar/ingest/geoip"
	"nightjar/ingest/syslog"
	"nightjar/scheduler"
	"nightjar/scheduler/backtest"
	rulestore "nightjar/scheduler/clickhouse"
	"nightjar/scheduler/reference"
	"nightjar/scheduler/ruletest"
	"nightjar/schema"
)

// graph is the whole engine. Constructors make; hooks run and stop, in the
// order in which things need each other.
func graph(ctx context.Context, config Config) fx.Option {
	return fx.Options(
		fx.Supply(config),
		fx.Provide(
			func() context.Context { return ctx },
			newLogger, newRegistry, newEngine, newDatabase, newSink, newGeoIP, newPipelines, newIntake, newSyslog, newTables, newScheduler, newReach, newOutbound, newMarker, newThreatLists, newReparses, newNotifications, newBacktester, newJobs, newDefaults, newConfiguration, newSwap, newEntrance, newFleet, newKeeper, newBackups, newResponses, newEnrolled, newServer,
		),
		fx.Invoke(func(*keeping, *backup.Source, *server.Server) {}, runEasing, watchDrift),
	)
}

func newTables(lc fx.Lifecycle, d *database, registry *prometheus.Registry) *reference.Tables {
	tables := reference.New(rulestore.New(d.conn).References(), func() schema.Millis { return schema.MillisOf(now()) })
	registry.MustRegister(tables)
	lc.Append(fx.StartHook(tables.Open))
	return tables
}

// scheduling is the scheduler, and its parts that others ask and change.
type scheduling struct {
	fx.Out
	Scheduler    *scheduler.Scheduler
	Rules        *scheduler.RuleStore
	Suppressions *scheduler.SuppressionStore
	Triage       *scheduler.Triage
	Explainer    *scheduler.Explainer
	Status       *scheduler.Status
}

func newScheduler(lc fx.Lifecycle, e *engine, d *database, store sink, intake *ingest.Intake, receiver *syslog.Receiver, tables *reference.Tables, registry *prometheus.Registry) (scheduling, error) {
	stored := rulestore.New(d.conn)
	deps := stored.Deps()
	deps.Signals = publishing{deps.Signals, d.states}
	deps.Scanner = stored.Scanner()
	deps.Arrivals, deps.Log, deps.Metrics = intake, e.log, registry
	deps.Gaps = gaps{intake}
	deps.Recent, deps.Catalogue, deps.Tables = store.recent, store.Catalogue(), tables
	deps.Lateness, deps.Pace = e.config.Lateness, e.config.Pace
	deps.Now, deps.Delays = now, e.config.Silence
	deps.TurnedAway = func() uint64 { return intake.TurnedAway() + receiver.Lost() }
	s, err := scheduler.New(deps)
	if err != nil {
		return scheduling{}, err
	}
	lc.Append(fx.StartHook(s.Load))
	e.run(lc, "scheduler", s.Run)
	return scheduling{Scheduler: s, Rules: s.RuleStore, Suppressions: s.SuppressionStore, Triage: s.Triage, Explainer: s.Explainer, Status: s.Status}, nil
}

// newBacktester runs rules over what is stored.
func newBacktester(e *engine, d *database, store sink, intake *ingest.Intake, tables *reference.Tables, suppressions *scheduler.SuppressionStore) *backtest.Runner {
	stored := rulestore.New(d.people)
	deps := stored.Deps()
	planner := &backtest.Planner{Suppressions: suppressions.Suppressions, Tables: tables}
	return backtest.New(backtest.Deps{
		Plan: planner.Plan, Scanner: stored.Scanner(), Events: deps.Events, Signals: deps.Signals,
		Arrivals: intake, Catalogue: store.Catalogue(), Log: e.log, Now: now, Delays: e.config.Silence,
	})
}

func newJobs(lc fx.Lifecycle, e *engine, d *database, b *backtest.Runner, triage *scheduler.Triage) *backtest.Jobs {
	stored := rulestore.New(d.conn)
	jobs := backtest.NewJobs(backtest.JobsDeps{Runner: b, Adopt: triage.Adopt, Objects: stored.Deps().Objects, Results: stored.Results(), Log: e.log})
	lc.Append(fx.StartHook(jobs.Load))
	e.run(lc, "historical jobs", jobs.Run)
	return jobs
}

// served is what the API shows and changes.
type served struct {
	fx.In
	Database      *database
	Sink          sink
	Intake        *ingest.Intake
	Syslog        *syslog.Receiver
	Rules         *scheduler.RuleStore
	Suppressions  *scheduler.SuppressionStore
	Triage        *scheduler.Triage
	Explainer     *scheduler.Explainer
	Evaluation    *scheduler.Status
	Backtests     *backtest.Runner
	Jobs          *backtest.Jobs
	Configuration *configuration.Stores
	Fleet         *control.Registry
	Defaults      *control.Defaults
	Tables        *reference.Tables
	Keeper        *keeping
	GeoIP         *geoip.Databases
	Reach         reached
	ThreatLists   threatLists
	Reparses      reparses
	Notifications notifications
	Pipelines     *pipelineRegistry
	Entrance      *entrance
	Responses     *responses.Book
	Enrolled      enrolled
	Metrics       *prometheus.Registry
}

// reporter says how all of it is.
func (s served) reporter(e *engine) reporter {
	return reporter{
		database: s.Database, intake: s.Intake, syslog: s.Syslog, rules: s.Rules, evaluation: s.Evaluation, keeper: s.Keeper,
		geoip: s.GeoIP, settings: s.Configuration, found: s.Reach, audit: s.Entrance.audit, engine: e,
	}
}

func newServer(lc fx.Lifecycle, e *engine, s served) (*server.Server, error) {
	reporter := s.reporter(e)
	s.Metrics.MustRegister(idleCollector{reporter})
	elasticDoor, err := elastic.New(ingest.NewHandler(s.Intake), e.config.ElasticVersion)
	if err != nil {
		return nil, err
	}
	doors, services := newDoors(s.Intake)
	maps.Copy(doors, e.ownRoutes())
	secure, err := e.serverTLS()
	if err != nil {
		return nil, err
	}
	logs := apistore.NewLogs(s.Database.people, apistore.LogsConfig{Catalogue: s.Sink.Catalogue()})
	e.server, err = server.New(server.Deps{
		TLS: secure, HTTP: e.config.HTTP, GRPC: e.config.GRPC, AllowedHosts: e.config.AllowedHosts,
		Guard: s.Entrance.guard, Access: s.Entrance.services, Open: s.Entrance.signIn, Version: e.config.Version,
		Rules: s.Rules, Triage: s.Triage, EvaluationLog: s.Evaluation, Explainer: s.Explainer, Suppressions: s.Suppressions, CheckRule: s.Rules.Check,
		Signals: apistore.NewSignals(s.Database.lookup).By(s.Database.states), JobSignals: apistore.NewJobSignals(s.Database.lookup), Agents: apistore.NewAgents(s.Database.people), Fleet: s.Fleet, AgentDefaults: s.Defaults,
		Logs: logs, SQL: s.Database.sql, Retention: s.Keeper, Hidden: apistore.NewSignals(s.Database.lookup), SignalsKept: s.Keeper.signalsKept,
		Responses: s.Responses, Enrolled: s.Enrolled,
		Facets: apistore.NewFacets(logs, s.Database.lookup).By(s.Database.states), Places: places(s.GeoIP), Counts: apistore.NewSignals(s.Database.lookup).By(s.Database.states),
		RuleTests: ruletest.Options{Locator: locator(s.GeoIP), Pipelines: s.Pipelines},
		Intake:    logDoor{ingest.NewHandler(s.Intake)}, Memory: logMemory{s.Intake.Memory()},
		Backtests: s.Backtests, Jobs: s.Jobs, Previews: backtest.NewPreviewer(s.Rules, s.Backtests, rulestore.New(s.Database.people).Oldest),
		Reach: s.Reach, ThreatLists: s.ThreatLists, Reparses: s.Reparses, Notifications: s.Notifications, Secrets: e.secrets(),
		Configuration: s.Configuration, Tables: s.Tables, UploadDir: filepath.Join(e.config.DataDir, "uploads"),
		ReadEvent: func(json []byte) (schema.Event, error) { return readEvent(json, locator(s.GeoIP), s.Pipelines) },
		Pipelines: s.Pipelines,
		Status:    reporter, Ready: reporter.ready, Queries: limits.QueryConfig{Running: e.config.MaxQueries},
		Raw: doors, Fallback: elasticDoor, Services: services, MaxMessage: int(e.config.MaxRequest),
		Now: now, Log: e.log, Metrics: s.Metrics, OpenMetrics: e.config.OpenMetrics,
	})
	if err != nil {
		return nil, err
	}
	e.run(lc, "API", e.server.Run)
	return e.server, nil
}

// ownRoutes are the requests that stand for no method, and bring no events.
func (e *engine) ownRoutes() map[string]http.Handler {
	return map[string]http.Handler{
		"GET /debug/pprof/profile": http.HandlerFunc(pprof.Profile),
		"GET /debug/pprof/heap":    pprof.Handler("heap"),
		"POST " + BackupPath:       e.backupHandler(),
	}
}

// readEvent reads one event as the intake does.
func readEvent(json []byte, l ingest.Locator, p ingest.Pipelines) (schema.Event, error) {
	events, err := (&ingest.Decoder{Now: now(), Locator: l, Pipelines: p}).JSON(json)
	switch {
	case err != nil:
		return schema.Event{}, err
	case len(events) != 1:
		return schema.Event{}, fmt.Errorf("want one event, got %d", len(events))
	}
	return events[0], nil
}
