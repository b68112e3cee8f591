package engine

import (
	"context"
	"fmt"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"go.uber.org/fx"

	"nightjar/api"
	apistore "nightjar/api/clickhouse"
	"nightjar/api/services/events"
	"nightjar/clickhouse"
	"nightjar/migrations"
	"nightjar/scheduler"
	"nightjar/schema"
)

// database is where everything is stored.
type database struct {
	// conn is for evaluation, and for what is configured; the others are pools of
	// their own, so that none waits for the connections of another.
	conn, intake, people, lookup, health driver.Conn

	// states are what lists of signals are found and counted by.
	states        *apistore.States
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
	d.states = apistore.NewStates(d.conn)
	lc.Append(d.prepareStates(e))
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

// prepareStates has the states of signals made beside everything else: until they are
// there, signals themselves are asked.
func (d *database) prepareStates(e *engine) fx.Hook {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	return fx.Hook{
		OnStart: func(context.Context) error {
			go func() {
				defer close(done)
				d.states.Keep(ctx, time.Second, func(err error) {
					if err != nil {
						e.log.Warn("lists of signals are slow where there are many, for now", "reason", err)
						return
					}
					e.log.Info("lists of signals are fast")
				})
			}()
			return nil
		},
		OnStop: func(context.Context) error {
			stop()
			<-done
			return nil
		},
	}
}

// publishing has signals published, and the states doubted where it is not known whether
// they were.
type publishing struct {
	scheduler.Signals
	states *apistore.States
}

// Publish implements scheduler.Signals.
func (p publishing) Publish(ctx context.Context, signals []scheduler.Published) error {
	err := p.Signals.Publish(ctx, signals)
	if err != nil {
		p.states.Doubt()
	}
	return err
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
