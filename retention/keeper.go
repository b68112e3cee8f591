package retention

import (
	"context"
	"fmt"
	"log/slog"
	"sort"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"

	"nightjar/clickhouse"
	"nightjar/schema"
)

// Deps are what a Keeper works with.
type Deps struct {
	Conn   driver.Conn
	Policy Policy
	// LookBack is how old a match can be that a rule still asks for.
	LookBack time.Duration
	// Record is the file that remembers what was dropped.
	Record string
	// Beside is what the disk quota covers outside the database, in bytes; nil: 0.
	Beside func() int64
	// Evaluated is the arrival up to which every rule has seen the events; nil:
	// all.
	Evaluated func() uint64
	// Every is the time between two rounds; 0: a minute.
	Every   time.Duration
	Now     func() time.Time
	Log     *slog.Logger
	Metrics prometheus.Registerer // nil: nowhere
}

// Keeper enforces a Policy. Run is its only writer; Report may be called at any
// time.
type Keeper struct {
	deps    Deps
	metrics metrics

	mu     sync.Mutex
	report Report
	stored int64 // bytes of the database that the quota covers, at the last round
}

// New reads the record. It starts nothing.
func New(deps Deps) (*Keeper, error) {
	if deps.Every == 0 {
		deps.Every = time.Minute
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Log == nil {
		deps.Log = slog.Default()
	}
	k := &Keeper{deps: deps}
	k.report = k.load()
	k.report.Quota = deps.Policy.DiskQuota
	k.metrics = newMetrics(k)
	if deps.Metrics != nil {
		for _, c := range k.metrics.all {
			if err := deps.Metrics.Register(c); err != nil {
				return nil, fmt.Errorf("register retention metrics: %w", err)
			}
		}
	}
	return k, nil
}

// Run enforces the policy until the context ends. A round that fails is tried
// again at the next.
func (k *Keeper) Run(ctx context.Context) error {
	failing := false
	for {
		_, err := k.Enforce(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			k.metrics.errors.Inc()
			if !failing {
				k.deps.Log.Error("what is old could not be dropped; it is tried again every "+k.deps.Every.String(), "error", err)
			}
			failing = true
		default:
			failing = false
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(k.deps.Every):
		}
	}
}

// Enforce is one round. It returns what it dropped, also when it fails half way.
func (k *Keeper) Enforce(ctx context.Context) ([]Drop, error) {
	parts, err := k.partitions(ctx)
	if err != nil {
		return nil, err
	}
	var drops []Drop
	drop := func(p partition, reason string) error {
		d, err := k.drop(ctx, p, reason)
		if err == nil {
			drops = append(drops, d)
		}
		return err
	}
	now := k.deps.Now()
	var events []partition
	for _, p := range parts {
		keep := k.keep(p.table)
		switch {
		case keep > 0 && !p.end.IsZero() && !p.end.Add(keep).After(now):
			if err := drop(p, "age"); err != nil {
				return drops, err
			}
		case p.table == schema.Events.Name:
			events = append(events, p)
		}
	}
	for _, old := range []func(context.Context, time.Time) ([]Drop, error){k.dropSignals, k.dropNotifications} {
		gone, err := old(ctx, now)
		drops = append(drops, gone...)
		if err != nil {
			return drops, err
		}
	}
	if err := k.enforceQuota(parts, drops, events, drop); err != nil {
		return drops, err
	}
	return drops, nil
}

// keep is how long partitions of the table are kept; 0: for ever, or not by
// partition.
func (k *Keeper) keep(table string) time.Duration {
	switch table {
	case schema.Events.Name:
		return k.deps.Policy.Events
	case schema.Matches.Name:
		if k.deps.Policy.Matches == 0 {
			return 0
		}
		return max(k.deps.Policy.Matches, k.deps.LookBack)
	}
	return 0
}

// enforceQuota drops the oldest days of events while too much is stored. The
// newest day stays whatever it takes.
func (k *Keeper) enforceQuota(parts []partition, dropped []Drop, events []partition, drop func(partition, string) error) error {
	stored := int64(0)
	for _, p := range parts {
		stored += p.bytes
	}
	for _, d := range dropped {
		stored -= d.Bytes
	}
	beside := k.beside()
	used := stored + beside
	quota := k.deps.Policy.DiskQuota
	sort.Slice(events, func(i, j int) bool { return events[i].id < events[j].id })
	for quota > 0 && used > quota && len(events) > 1 {
		if err := drop(events[0], "quota"); err != nil {
			return err
		}
		used -= events[0].bytes
		events = events[1:]
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	over := quota > 0 && used > quota
	if over && !k.report.OverQuota {
		k.deps.Log.Error("the disk quota is used up by what may not be dropped: the newest day of events, signals, rules and the intake's log",
			"used", used, "quota", quota)
	}
	k.stored = used - beside
	k.report.OverQuota, k.report.OldestDay = over, ""
	if len(events) > 0 {
		k.report.OldestDay = events[0].id
	}
	return nil
}

func (k *Keeper) beside() int64 {
	if k.deps.Beside == nil {
		return 0
	}
	return k.deps.Beside()
}

// partition is what the tables are dropped by.
type partition struct {
	table, id   string
	rows, bytes int64
	parts       uint64
	end         time.Time // nothing in it is younger; zero: it has no age
}

func (k *Keeper) partitions(ctx context.Context) ([]partition, error) {
	var names []string
	for _, t := range schema.Tables {
		names = append(names, t.Name)
	}
	rows, err := k.deps.Conn.Query(clickhouse.Params{}.Strings("tables", names).Context(ctx), `
		SELECT table, partition_id, toInt64(sum(rows)), toInt64(sum(bytes_on_disk)), count()
		FROM system.parts WHERE database = currentDatabase() AND active AND table IN {tables:Array(String)}
		GROUP BY table, partition_id ORDER BY table, partition_id`)
	if err != nil {
		return nil, fmt.Errorf("list partitions: %w", err)
	}
	defer rows.Close()
	var out []partition
	for rows.Next() {
		var p partition
		if err := rows.Scan(&p.table, &p.id, &p.rows, &p.bytes, &p.parts); err != nil {
			return nil, fmt.Errorf("list partitions: %w", err)
		}
		p.end = endOf(p.id)
		out = append(out, p)
	}
	return out, rows.Err()
}

// endOf is the end of the day or month that a partition's id names.
func endOf(id string) time.Time {
	if t, err := time.Parse("20060102", id); err == nil {
		return t.AddDate(0, 0, 1)
	}
	if t, err := time.Parse("200601", id); err == nil {
		return t.AddDate(0, 1, 0)
	}
	return time.Time{}
}

func (k *Keeper) drop(ctx context.Context, p partition, reason string) (Drop, error) {
	d := Drop{Table: p.table, What: p.id, Rows: p.rows, Bytes: p.bytes, Reason: reason, At: k.deps.Now().UTC()}
	if p.table == schema.Events.Name && k.deps.Evaluated != nil {
		n, err := k.unevaluated(ctx, p.id)
		if err != nil {
			return Drop{}, err
		}
		d.Unevaluated = n
	}
	// The id came from the server, and is digits: endOf has read it.
	if err := k.deps.Conn.Exec(ctx, "ALTER TABLE "+p.table+" DROP PARTITION ID '"+p.id+"'"); err != nil {
		return Drop{}, fmt.Errorf("drop %s %s: %w", p.table, p.id, err)
	}
	k.say(d)
	return d, nil
}

// unevaluated counts the events of a day that not every rule has seen.
func (k *Keeper) unevaluated(ctx context.Context, id string) (int64, error) {
	params := clickhouse.Params{}.String("id", id).Uint("through", k.deps.Evaluated())
	var n uint64
	row := k.deps.Conn.QueryRow(params.Context(ctx), "SELECT count() FROM events WHERE _partition_id = {id:String} AND seq > {through:UInt64}")
	if err := row.Scan(&n); err != nil {
		return 0, fmt.Errorf("count unevaluated events of %s: %w", id, err)
	}
	return int64(n), nil
}

// dropSignals deletes signals whose present version ended long ago, with all
// versions: an earlier one would come to light again where a later one is gone.
func (k *Keeper) dropSignals(ctx context.Context, now time.Time) ([]Drop, error) {
	if k.deps.Policy.Signals == 0 {
		return nil, nil
	}
	cutoff := schema.MillisOf(now.Add(-k.deps.Policy.SignalsFor(k.deps.LookBack)))
	ctx = clickhouse.Params{}.Int("cutoff", int64(cutoff)).Context(ctx)
	const old = `SELECT id FROM signals GROUP BY id HAVING argMax(last_seen, version) < fromUnixTimestamp64Milli({cutoff:Int64})`
	var ids, rows uint64
	if err := k.deps.Conn.QueryRow(ctx, "SELECT uniqExact(id), count() FROM signals WHERE id IN ("+old+")").Scan(&ids, &rows); err != nil {
		return nil, fmt.Errorf("look for old signals: %w", err)
	}
	if ids == 0 {
		return nil, nil
	}
	if err := k.deleteStates(ctx, old); err != nil {
		return nil, fmt.Errorf("delete the states of old signals: %w", err)
	}
	if err := k.deps.Conn.Exec(ctx, "DELETE FROM signals WHERE id IN ("+old+")"); err != nil {
		return nil, fmt.Errorf("delete old signals: %w", err)
	}
	d := Drop{Table: schema.Signals.Name, What: "last seen before " + cutoff.String(), Rows: int64(rows), Reason: "age", At: now.UTC()}
	k.say(d)
	return []Drop{d}, nil
}

// deleteStates deletes, of signals with these ids, what lists are counted by, where it has
// been made.
func (k *Keeper) deleteStates(ctx context.Context, ids string) error {
	params := clickhouse.Params{}.String("table", schema.SignalStates.Name)
	var made uint64
	row := k.deps.Conn.QueryRow(params.Context(ctx), "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = {table:String}")
	if err := row.Scan(&made); err != nil || made == 0 {
		return err
	}
	return k.deps.Conn.Exec(ctx, "DELETE FROM "+schema.SignalStates.Name+" WHERE id IN ("+ids+")")
}

// dropNotifications deletes what was told of signals that are gone, once it is as old as
// those. While a signal is there, its news are: they say what of it was told already.
func (k *Keeper) dropNotifications(ctx context.Context, now time.Time) ([]Drop, error) {
	if k.deps.Policy.Signals == 0 {
		return nil, nil
	}
	cutoff := schema.MillisOf(now.Add(-k.deps.Policy.SignalsFor(k.deps.LookBack)))
	ctx = clickhouse.Params{}.Int("cutoff", int64(cutoff)).Context(ctx)
	const old = `target != '' AND created < fromUnixTimestamp64Milli({cutoff:Int64}) AND signal NOT IN (SELECT id FROM signals)`
	var rows uint64
	if err := k.deps.Conn.QueryRow(ctx, "SELECT count() FROM notifications WHERE "+old).Scan(&rows); err != nil {
		return nil, fmt.Errorf("look for old notifications: %w", err)
	}
	if rows == 0 {
		return nil, nil
	}
	if err := k.deps.Conn.Exec(ctx, "DELETE FROM notifications WHERE "+old); err != nil {
		return nil, fmt.Errorf("delete old notifications: %w", err)
	}
	d := Drop{Table: schema.Notifications.Name, What: "of before " + cutoff.String(), Rows: int64(rows), Reason: "age", At: now.UTC()}
	k.say(d)
	return []Drop{d}, nil
}
