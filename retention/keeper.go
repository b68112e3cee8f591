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
	// InForce is the policy that holds in place of Policy; nil: Policy does.
	InForce func() Policy
	// Responses are what people had done to hosts; nil: none are let go of.
	Responses Ended
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
	// HoldStates keeps schema.SignalStates from being filled until release is called; nil:
	// nothing fills it.
	HoldStates func(context.Context) (release func(), err error)
}

// Ended are responses that ended. Package agent/responses has them.
type Ended interface {
	// Old counts those that ended before a moment, and that nothing needs any more; LetGo
	// forgets them.
	Old(before schema.Millis) int
	LetGo(ctx context.Context, before schema.Millis) (int, error)
}

// Keeper enforces a Policy. Run is its only writer; Report may be called at any
// time.
type Keeper struct {
	deps    Deps
	metrics metrics
	hurry   chan struct{} // another policy may hold

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
	k := &Keeper{deps: deps, hurry: make(chan struct{}, 1)}
	k.report = k.load()
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
		case <-k.hurry:
		case <-time.After(k.deps.Every):
		}
	}
}

// Hurry has the next round begin at once, since another policy may hold.
func (k *Keeper) Hurry() {
	select {
	case k.hurry <- struct{}{}:
	default: // it will anyway
	}
}

// policy is the one that holds.
func (k *Keeper) policy() Policy {
	if k.deps.InForce == nil {
		return k.deps.Policy
	}
	return k.deps.InForce()
}

// Enforce is one round. It returns what it dropped, also when it fails half way.
func (k *Keeper) Enforce(ctx context.Context) ([]Drop, error) {
	parts, err := k.partitions(ctx)
	if err != nil {
		return nil, err
	}
	policy, now := k.policy(), k.deps.Now()
	var drops []Drop
	let := func(p partition, reason string) error {
		d, err := k.drop(ctx, p, reason)
		if err == nil {
			drops = append(drops, d)
		}
		return err
	}
	plan := k.plan(parts, policy, now)
	for _, p := range plan.old {
		if err := let(p, "age"); err != nil {
			return drops, err
		}
	}
	for _, p := range plan.over {
		if err := let(p, "quota"); err != nil {
			return drops, err
		}
	}
	k.note(plan)
	for _, old := range k.byRow() { // last: it may wait, and fail, while the disk fills
		gone, err := old.drop(ctx, policy, now)
		drops = append(drops, gone...)
		if err != nil {
			return drops, err
		}
	}
	return drops, nil
}

// plan is what partitions a round drops.
type plan struct {
	old, over []partition // for their age, and for the quota, in that order
	// What is left of the database, what lies beside it, and the quota (0: none).
	left, beside, quota int64
	oldest              string // day of events that is left; empty: none
}

// isOver reports whether the quota is used up by what may not be dropped.
func (p plan) isOver() bool { return p.quota > 0 && p.left+p.beside > p.quota }

// plan chooses what is old, and the oldest days of events while too much is stored. The
// newest day stays whatever it takes.
func (k *Keeper) plan(parts []partition, policy Policy, now time.Time) plan {
	out := plan{beside: k.beside(), quota: policy.DiskQuota}
	var events []partition
	for _, p := range parts {
		keep := k.keep(policy, p.table)
		switch {
		case keep > 0 && !p.end.IsZero() && !p.end.Add(keep).After(now):
			out.old = append(out.old, p)
			continue
		case p.table == schema.Events.Name:
			events = append(events, p)
		}
		out.left += p.bytes
	}
	sort.Slice(events, func(i, j int) bool { return events[i].id < events[j].id })
	for out.isOver() && len(events) > 1 {
		out.over = append(out.over, events[0])
		out.left -= events[0].bytes
		events = events[1:]
	}
	if len(events) > 0 {
		out.oldest = events[0].id
	}
	return out
}

// keep is how long partitions of the table are kept; 0: for ever, or not by
// partition.
func (k *Keeper) keep(policy Policy, table string) time.Duration {
	switch table {
	case schema.Events.Name:
		return policy.Events
	case schema.Matches.Name:
		if policy.Matches == 0 {
			return 0
		}
		return max(policy.Matches, k.deps.LookBack)
	}
	return 0
}

// note remembers how full the disk is after a round, and says where it is too full.
func (k *Keeper) note(p plan) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if p.isOver() && !k.report.OverQuota {
		k.deps.Log.Error("the disk quota is used up by what may not be dropped: the newest day of events, signals, rules and the intake's log",
			"used", p.left+p.beside, "quota", p.quota)
	}
	k.stored = p.left
	k.report.OverQuota, k.report.OldestDay = p.isOver(), p.oldest
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

// dropping is what there is to say of a partition that is dropped.
func (k *Keeper) dropping(ctx context.Context, p partition, reason string) (Drop, error) {
	d := Drop{Table: p.table, What: p.id, Rows: p.rows, Bytes: p.bytes, Reason: reason, At: k.deps.Now().UTC()}
	var err error
	if p.table == schema.Events.Name && k.deps.Evaluated != nil {
		d.Unevaluated, err = k.unevaluated(ctx, p.id)
	}
	return d, err
}

func (k *Keeper) drop(ctx context.Context, p partition, reason string) (Drop, error) {
	d, err := k.dropping(ctx, p, reason)
	if err != nil {
		return Drop{}, err
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
