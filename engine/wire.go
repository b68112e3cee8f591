package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/pprof"
	"os"
	"path/filepath"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/cenkalti/backoff/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.uber.org/dig"
	"go.uber.org/fx"

	"nightjar/api"
	apistore "nightjar/api/clickhouse"
	"nightjar/api/limits"
	"nightjar/api/rest"
	"nightjar/api/server"
	"nightjar/api/services/events"
	"nightjar/api/services/operations"
	"nightjar/backup"
	"nightjar/clickhouse"
	"nightjar/compiler"
	"nightjar/configuration"
	"nightjar/ingest"
	intakestore "nightjar/ingest/clickhouse"
	"nightjar/ingest/elastic"
	"nightjar/ingest/geoip"
	"nightjar/ingest/profile"
	"nightjar/ingest/syslog"
	"nightjar/migrations"
	"nightjar/retention"
	"nightjar/scheduler"
	rulestore "nightjar/scheduler/clickhouse"
	"nightjar/scheduler/reference"
	"nightjar/schema"
)

// graph is the whole engine. Constructors make; hooks run and stop, in the
// order in which things need each other.
func graph(ctx context.Context, config Config) fx.Option {
	return fx.Options(
		fx.Supply(config),
		fx.Provide(
			func() context.Context { return ctx },
			newLogger, newRegistry, newEngine, newDatabase, newSink, newGeoIP, newPipelines, newIntake, newSyslog, newTables, newScheduler, newReach, newOutbound, newMarker, newThreatLists, newReparses, newNotifications, newBacktester, newJobs, newConfiguration, newKeeper, newBackups, newServer,
		),
		fx.Invoke(func(*retention.Keeper, *backup.Source, *server.Server) {}, runEasing, watchDrift),
	)
}

// engine is what `nightjar up` itself needs to know of the running parts.
type engine struct {
	config  Config
	key     string
	keyPath string
	log     *slog.Logger
	server  *server.Server
	syslog  *syslog.Receiver
	backups *backup.Source
	failed  chan error // a part ended by itself
}

func newLogger(config Config) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(config.LogLevel)); err != nil {
		return nil, fmt.Errorf("log-level: want debug, info, warn or error, got %q", config.LogLevel)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})), nil
}

func newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// newEngine takes the data folder: nothing else may be read or written in it
// before that.
func newEngine(lc fx.Lifecycle, config Config, log *slog.Logger) (*engine, error) {
	release, err := clickhouse.LockDataDir(config.DataDir)
	if err != nil {
		return nil, err
	}
	lc.Append(fx.StopHook(release))
	if err := claimFolder(config.DataDir, config.Version); err != nil {
		return nil, err
	}
	if err := checkClock(); err != nil {
		return nil, err
	}
	key, path, err := serverKey(config)
	if err != nil {
		return nil, err
	}
	return &engine{config: config, key: key, keyPath: path, log: log, failed: make(chan error, 8)}, nil
}

// run runs a part until the engine stops; a part that ends before that ends the
// engine.
func (e *engine) run(lc fx.Lifecycle, name string, part func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	lc.Append(fx.Hook{
		OnStart: func(context.Context) error {
			go func() {
				defer close(done)
				if err := part(ctx); err != nil {
					e.failed <- fmt.Errorf("%s: %w", name, err)
				}
			}()
			return nil
		},
		OnStop: func(stopping context.Context) error {
			cancel()
			select {
			case <-done:
				return nil
			case <-stopping.Done():
				return fmt.Errorf("%s did not stop in time", name)
			}
		},
	})
}

// database is where everything is stored.
type database struct {
	// conn is for evaluation, and for what is configured; the others are pools of
	// their own, so that none waits for the connections of another.
	conn, intake, people, lookup, health driver.Conn

	name, version string
	// sql runs ad hoc SQL, as a read-only user.
	sql      events.SQL
	embedded *clickhouse.Embedded // nil when the server is the user's
}

// DatabaseName is what the embedded server's database is called.
const DatabaseName = "nightjar"

// analystTables are the tables that ad hoc SQL may read.
var analystTables = []string{schema.Events.Name, schema.Signals.Name}

func newDatabase(ctx context.Context, lc fx.Lifecycle, e *engine) (*database, error) {
	d := &database{}
	admin, err := d.server(ctx, lc, e)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := migrations.CreateDatabase(ctx, admin); err != nil {
		return nil, err
	}
	d.name = admin.Auth.Database
	if err := d.open(ctx, lc, e, admin); err != nil {
		return nil, err
	}
	ran, err := migrations.Apply(ctx, d.conn, schema.Tables)
	if err != nil {
		return nil, err
	}
	if len(ran) > 0 {
		e.log.Info("tables made or completed", "statements", len(ran))
	}
	analyst, err := d.openAnalyst(ctx, e, admin)
	if err != nil {
		// Detection does not need it. Whoever asks for SQL is told why.
		e.log.Warn("no ad hoc SQL", "reason", err)
		d.sql = noSQL{err}
		return d, nil
	}
	lc.Append(fx.StopHook(analyst.Close))
	d.sql = apistore.NewSQL(analyst)
	return d, nil
}

// open opens the pools, and tells the server whose work comes first.
func (d *database) open(ctx context.Context, lc fx.Lifecycle, e *engine, admin *ch.Options) (err error) {
	people := admin
	if d.embedded != nil {
		people = d.embedded.Options(clickhouse.Person)
		people.Auth.Database = admin.Auth.Database
	}
	for _, p := range []struct {
		pool *driver.Conn
		use  clickhouse.Use
		as   *ch.Options
	}{{&d.conn, clickhouse.Evaluation, admin}, {&d.intake, clickhouse.Intake, admin}, {&d.health, clickhouse.Health, admin}, {&d.people, clickhouse.Asking, people}, {&d.lookup, clickhouse.Lookup, people}} {
		if *p.pool, err = clickhouse.Open(ctx, p.use.For(p.as)); err != nil {
			return err
		}
		lc.Append(fx.StopHook((*p.pool).Close))
	}
	v, err := d.conn.ServerVersion()
	if err != nil {
		return fmt.Errorf("ask the server for its version: %w", err)
	}
	d.version = v.Version.String()
	if err := clickhouse.CreateWorkloads(ctx, d.conn); err != nil {
		e.log.Warn("people's queries are bounded in number and threads, and otherwise scheduled like detection", "reason", err)
	}
	return nil
}

// noSQL answers for an engine that has no read-only user to run SQL as.
type noSQL struct{ reason error }

// QuerySQL implements api.SQL.
func (n noSQL) QuerySQL(context.Context, string, map[string]any, int) (events.SQLResult, error) {
	return events.SQLResult{}, &api.RefusedError{Message: "ad hoc SQL is switched off: " + n.reason.Error()}
}

// server is the admin's way to the server: the user's, or an embedded one
// started here.
func (d *database) server(ctx context.Context, lc fx.Lifecycle, e *engine) (*ch.Options, error) {
	if e.config.ClickHouse != "" {
		return clickhouse.ParseDSN(e.config.ClickHouse)
	}
	reads := make([]string, len(analystTables))
	for i, t := range analystTables {
		reads[i] = DatabaseName + "." + t
	}
	embedded, err := clickhouse.StartEmbedded(ctx, clickhouse.EmbeddedConfig{
		DataDir: e.config.DataDir, Logger: e.log, AnalystTables: reads, PersonTables: []string{DatabaseName + ".*", "system.settings"},
	})
	if err != nil {
		return nil, err
	}
	d.embedded = embedded
	lc.Append(fx.StopHook(embedded.Close))
	options := embedded.Options(clickhouse.Admin)
	options.Auth.Database = DatabaseName
	return options, nil
}

func (d *database) openAnalyst(ctx context.Context, e *engine, admin *ch.Options) (driver.Conn, error) {
	var options *ch.Options
	var err error
	switch {
	case d.embedded != nil:
		options = d.embedded.Options(clickhouse.Analyst)
		options.Auth.Database = DatabaseName
	case e.config.Analyst != "":
		options, err = clickhouse.ParseDSN(e.config.Analyst)
	default:
		options, err = clickhouse.CreateAnalyst(ctx, d.conn, admin, analystTables)
	}
	if err != nil {
		return nil, err
	}
	return clickhouse.Open(ctx, clickhouse.AdHoc.For(options))
}

// sink is where the intake stores events; what is stored is at hand for the
// scheduler, which need not read it back.
type sink struct {
	*intakestore.Sink
	recent  *scheduler.Recent
	profile *profile.Profile
}

// recentBytes is how much of what was stored last is kept in memory.
const recentBytes = 96 << 20

func newSink(lc fx.Lifecycle, e *engine, d *database, registry *prometheus.Registry) sink {
	s := sink{intakestore.New(d.intake), scheduler.NewRecent(recentBytes), &profile.Profile{}}
	registry.MustRegister(s.Sink)
	e.run(lc, "catalogue of attributes", func(ctx context.Context) error {
		s.loadCatalogue(ctx, e.log)
		return nil
	})
	return s
}

// loadCatalogue tries until it is loaded. Searches and rules do without it
// meanwhile, and are slower.
func (s sink) loadCatalogue(ctx context.Context, log *slog.Logger) {
	load := func() (struct{}, error) { return struct{}{}, s.Load(ctx) }
	told := func(err error, _ time.Duration) {
		log.Warn("cannot load the catalogue of attributes; searches are slower without", "error", err)
	}
	_, _ = backoff.Retry(ctx, load, // fails with ctx only
		backoff.WithBackOff(backoff.NewConstantBackOff(10*time.Second)), backoff.WithMaxElapsedTime(0), backoff.WithNotify(told))
}

// Insert implements ingest.Sink.
func (s sink) Insert(ctx context.Context, token string, events []schema.Event) error {
	if err := s.Sink.Insert(ctx, token, events); err != nil {
		return err
	}
	s.recent.Add(events)
	s.profile.Add(events)
	return nil
}

func newIntake(lc fx.Lifecycle, e *engine, store sink, geo *geoip.Databases, pipelines *pipelineRegistry, mark *marker, registry *prometheus.Registry) (*ingest.Intake, error) {
	intake, err := ingest.New(ingest.Deps{
		Dir: filepath.Join(e.config.DataDir, "intake"), Sink: store,
		Log: e.log, Metrics: registry, Lateness: e.config.Lateness, Locator: locator(geo), Pipelines: pipelines, Marker: mark, Now: now,
		Config: ingest.Config{MaxBacklog: e.config.IntakeQuota, MaxReading: e.config.IntakeMemory, MaxBody: e.config.MaxRequest},
	})
	if err != nil {
		return nil, err
	}
	e.run(lc, "intake", intake.Run) // and frees its folder in the end
	return intake, nil
}

func newTables(lc fx.Lifecycle, d *database, registry *prometheus.Registry) *reference.Tables {
	tables := reference.New(rulestore.New(d.conn).References(), func() schema.Millis { return schema.MillisOf(now()) })
	registry.MustRegister(tables)
	lc.Append(fx.StartHook(tables.Open))
	return tables
}

func newScheduler(lc fx.Lifecycle, e *engine, d *database, store sink, intake *ingest.Intake, receiver *syslog.Receiver, tables *reference.Tables, registry *prometheus.Registry) (*scheduler.Scheduler, error) {
	stored := rulestore.New(d.conn)
	deps := stored.Deps()
	deps.Scanner = stored.Scanner()
	deps.Arrivals, deps.Log, deps.Metrics = intake, e.log, registry
	deps.Gaps = gaps{intake}
	deps.Recent, deps.Catalogue, deps.Tables = store.recent, store.Catalogue(), tables
	deps.Lateness, deps.Pace = e.config.Lateness, e.config.Pace
	deps.Now, deps.Delays = now, e.config.Silence
	deps.TurnedAway = func() uint64 { return intake.TurnedAway() + receiver.Lost() }
	s, err := scheduler.New(deps)
	if err != nil {
		return nil, err
	}
	lc.Append(fx.StartHook(s.Load))
	e.run(lc, "scheduler", s.Run)
	return s, nil
}

// newBacktester runs rules over what is stored.
func newBacktester(e *engine, d *database, store sink, intake *ingest.Intake, s *scheduler.Scheduler) *scheduler.Backtester {
	stored := rulestore.New(d.people)
	deps := stored.Deps()
	return scheduler.NewBacktester(scheduler.BacktestDeps{
		Plan: s.HistoryPlan, Scanner: stored.Scanner(), Events: deps.Events, Signals: deps.Signals,
		Arrivals: intake, Catalogue: store.Catalogue(), Log: e.log, Now: now, Delays: e.config.Silence,
	})
}

func newJobs(lc fx.Lifecycle, e *engine, d *database, b *scheduler.Backtester, s *scheduler.Scheduler) *scheduler.Jobs {
	stored := rulestore.New(d.conn)
	jobs := scheduler.NewJobs(scheduler.JobsDeps{Backtester: b, Adopt: s.Adopt, Objects: stored.Deps().Objects, Results: stored.Results(), Log: e.log})
	lc.Append(fx.StartHook(jobs.Load))
	e.run(lc, "historical jobs", jobs.Run)
	return jobs
}

func newServer(lc fx.Lifecycle, e *engine, d *database, store sink, intake *ingest.Intake, receiver *syslog.Receiver, s *scheduler.Scheduler, b *scheduler.Backtester, j *scheduler.Jobs, c *configuration.Stores, tables *reference.Tables, k *retention.Keeper, geo *geoip.Databases, found reached, lists threatLists, again reparses, told notifications, pipelines *pipelineRegistry, registry *prometheus.Registry) (*server.Server, error) {
	reporter := reporter{d, intake, receiver, s, k, geo, c, found}
	registry.MustRegister(idleCollector{reporter})
	elasticDoor, err := elastic.New(ingest.NewHandler(intake), e.config.ElasticVersion)
	if err != nil {
		return nil, err
	}
	doors, services := newDoors(intake)
	maps.Copy(doors, map[string]http.Handler{
		"GET /debug/pprof/profile": http.HandlerFunc(pprof.Profile),
		"GET /debug/pprof/heap":    pprof.Handler("heap"),
		"POST " + BackupPath:       e.backupHandler(),
	})
	secure, err := e.serverTLS()
	if err != nil {
		return nil, err
	}
	e.server, err = server.New(server.Deps{
		TLS: secure, HTTP: e.config.HTTP, GRPC: e.config.GRPC, Key: e.key, AllowedHosts: e.config.AllowedHosts, Version: e.config.Version,
		Rules: s, Triage: s, Signals: apistore.NewSignals(d.lookup),
		Intake: logDoor{ingest.NewHandler(intake)}, Memory: logMemory{intake.Memory()}, Backtests: b, Jobs: j, JobSignals: apistore.NewJobSignals(d.lookup),
		Logs: apistore.NewLogs(d.people, apistore.LogsConfig{Catalogue: store.Catalogue()}), SQL: d.sql, Status: reporter, Ledger: s, Agents: apistore.NewAgents(d.people), Explainer: s,
		CheckRule: func(r schema.Rule) ([]string, error) {
			compiled, warnings, err := compiler.Compile(r)
			if err != nil {
				return nil, err
			}
			plan := compiled.Bind()
			warnings = append(warnings, plan.Joined(store.Catalogue().Shapes)...)
			return append(warnings, tables.Missing(plan.TableColumns())...), scheduler.CheckTables(tables, &r)
		},
		Reach: found, ThreatLists: lists, Reparses: again, Notifications: told,
		Suppressions: s, Previews: scheduler.NewPreviewer(s, b, rulestore.New(d.people).Oldest), Configuration: c, Tables: tables, UploadDir: filepath.Join(e.config.DataDir, "uploads"),
		ReadEvent: func(json []byte) (schema.Event, error) { return readEvent(json, locator(geo), pipelines) },
		Pipelines: pipelines,
		Ready:     reporter.ready, Queries: limits.QueryConfig{Running: e.config.MaxQueries},
		Raw: doors, Fallback: elasticDoor, Services: services, MaxMessage: int(e.config.MaxRequest),
		Now: now, Log: e.log, Metrics: registry, OpenMetrics: e.config.OpenMetrics,
	})
	if err != nil {
		return nil, err
	}
	e.run(lc, "API", e.server.Run)
	return e.server, nil
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

// reporter answers status and readiness from the parts that know.
type reporter struct {
	database  *database
	intake    *ingest.Intake
	syslog    *syslog.Receiver
	scheduler *scheduler.Scheduler
	keeper    *retention.Keeper
	geoip     *geoip.Databases // nil: none
	settings  *configuration.Stores
	found     reached
}

// Why the engine is not ready, in words for anybody.
var (
	errDatabaseSilent = errors.New("the database does not answer")
	errAllFail        = errors.New("every rule fails; nightjar status and the log say why")
)

// ready is nil when events can be taken, rules are evaluated, or searches answered.
func (r reporter) ready(ctx context.Context, what rest.Readiness) error {
	if what == rest.ReadyForEvents {
		return r.intake.Ready()
	}
	if err := r.database.health.Ping(ctx); err != nil {
		return errDatabaseSilent
	}
	if p := r.scheduler.Progress(); what == rest.ReadyForEvaluation && p.Rules > 0 && p.Failing == p.Rules {
		return errAllFail
	}
	return nil
}

// gaps tells the scheduler what the intake could not store in its turn.
type gaps struct{ *ingest.Intake }

// Gaps implements scheduler.Gaps.
func (g gaps) Gaps() []scheduler.Gap {
	var out []scheduler.Gap
	for _, x := range g.Intake.Gaps() {
		if x.Accepted && x.State == ingest.GapLost {
			continue
		}
		out = append(out, scheduler.Gap{
			In: scheduler.Interval{From: max(x.First, 1) - 1, To: x.Last}, Events: x.Events, Seen: x.Seen, Since: x.Since,
			Filled: x.State == ingest.GapStored, Lost: x.State == ingest.GapLost, Reason: x.Reason, Accepted: x.Accepted,
		})
	}
	return out
}

// Evaluated implements scheduler.Gaps.
func (g gaps) Evaluated(x scheduler.Gap) error { return g.Intake.Evaluated(x.In.From + 1) }

// AcceptLoss implements api.Reporter.
func (r reporter) AcceptLoss(comment string) (n int, events uint64, err error) {
	for _, g := range r.intake.Gaps() {
		if !g.Accepted {
			n++
			events += g.Events
		}
	}
	return n, events, r.intake.AcceptLoss(comment)
}

// healthTime is how long a server may take to answer, for the status.
const healthTime = time.Second

// RuleCosts implements api.Reporter.
func (r reporter) RuleCosts() []scheduler.RuleCost { return r.scheduler.Costs() }

// Status implements api.Reporter.
func (r reporter) Status(ctx context.Context) (operations.Status, error) {
	received := r.intake.Acknowledged()
	progress := r.scheduler.Progress()
	st := operations.Status{
		EventsReceived: received, EventsEvaluatedThrough: progress.Through,
		CaughtUp: progress.CaughtUp && progress.Through >= received,
		Lag:      progress.Lag, ClickHouseEmbedded: r.database.embedded != nil,
	}
	st.Aside = r.scheduler.Asides()
	for _, g := range r.intake.Gaps() {
		st.Gaps = append(st.Gaps, operations.ArrivalGap{
			First: g.First, Last: g.Last, Events: g.Events, Arrived: g.Seen, Since: g.Since,
			State: g.State, Reason: g.Reason, Attempts: g.Attempts, Accepted: g.Accepted,
		})
	}
	st.Lost = r.intake.Lost()
	st.Rules.Enabled = progress.Rules + progress.Unsupported
	st.Rules.Unsupported, st.Rules.Failing = progress.Unsupported, progress.Failing
	st.Storage, st.GeoIP = r.storage(), describeGeoIP(r.geoip)
	for _, c := range r.intake.ClockSkews() {
		st.Clocks = append(st.Clocks, operations.ClockSkew(c))
	}
	for _, t := range r.intake.UnreadableTimes() {
		st.UnreadableTimes = append(st.UnreadableTimes, operations.UnreadableTimes(t))
	}
	for _, d := range r.syslog.Report() {
		st.Syslog = append(st.Syslog, operations.SyslogDoor(d))
	}
	rules, err := r.scheduler.Rules(ctx)
	if err != nil {
		return operations.Status{}, err
	}
	st.Rules.Total = len(rules)
	st.WithoutEffect = r.idles(ctx)
	asking, cancel := context.WithTimeout(ctx, healthTime)
	defer cancel()
	st.ClickHouseUp, st.ClickHouseVersion = r.database.health.Ping(asking) == nil, r.database.version
	return st, nil
}

func (r reporter) storage() operations.Storage {
	report := r.keeper.Report()
	events := report.Totals[schema.Events.Name]
	return operations.Storage{
		Used: uint64(report.Used), Quota: uint64(report.Quota), OverQuota: report.OverQuota, OldestDay: report.OldestDay,
		Dropped: uint64(events.Rows), DroppedUnevaluated: uint64(events.Unevaluated),
	}
}

// announce tells where the engine listens, and where the key is.
func (e *engine) announce() {
	fmt.Fprintf(os.Stderr, "\nnightjar %s is up\n  REST  %s\n  gRPC  %s\n", e.config.Version, e.url(), e.server.GRPCAddr())
	for _, d := range e.syslog.Report() {
		fmt.Fprintf(os.Stderr, "  syslog over %s  %s\n", strings.ToUpper(d.Protocol), d.Address)
	}
	if e.keyPath != "" {
		fmt.Fprintf(os.Stderr, "  key   in %s\n", e.keyPath)
	}
	fmt.Fprintln(os.Stderr)
}

// rootCause leaves out what fx says of constructors and their places.
func rootCause(err error) error {
	cause := dig.RootCause(err)
	if cause == nil {
		return errors.New("unknown")
	}
	return cause
}
