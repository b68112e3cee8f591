package clickhouse

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	server "nightjar/clickhouse"
	"nightjar/objects"
	"nightjar/scheduler"
	"nightjar/schema"
)

// Store keeps events' matches, signals, objects and progress. Its views
// implement the scheduler's interfaces.
type Store struct{ conn driver.Conn }

// New makes a Store over a connection to the database that holds the tables.
func New(conn driver.Conn) *Store { return &Store{conn} }

// Deps are the scheduler's dependencies that the store fulfils.
func (s *Store) Deps() scheduler.Deps {
	return scheduler.Deps{
		Events: events{s.conn}, Windows: windows{s.conn}, Signals: signals{s.conn, schema.Signals},
		Journal: journal{s.conn}, EvaluationLog: evaluationLog{s.conn}, Objects: objectTable{s.conn},
		Knowledge: knowledge{s.conn}, Models: models{s.conn},
	}
}

// Signals reads what is told of signals.
func (s *Store) Signals() interface {
	ChangedAfter(ctx context.Context, after, through uint64, limit int) ([]scheduler.Published, uint64, error)
	Whole(ctx context.Context, ids []string) (map[string]scheduler.Published, error)
} {
	return signals{s.conn, schema.Signals}
}

// insert sends rows as one block. The same block twice is there once.
func insert(ctx context.Context, conn driver.Conn, table schema.Table, rows int, row func(i int) []any) error {
	return insertWith(ctx, conn, nil, table, rows, row)
}

// insertWith is insert with settings of its own.
func insertWith(ctx context.Context, conn driver.Conn, own ch.Settings, table schema.Table, rows int, row func(i int) []any) error {
	// Late matches may be of many months, which are partitions.
	settings := ch.Settings{
		"max_partitions_per_insert_block": 0,
		// Where an insert is sent again, what it feeds is fed, too.
		"deduplicate_blocks_in_dependent_materialized_views": 1,
	}
	maps.Copy(settings, own)
	for name, value := range schema.ProjectionSettings {
		settings[name] = value
	}
	batch, err := conn.PrepareBatch(ch.Context(ctx, ch.WithSettings(settings)), insertSQL(table))
	if err != nil {
		return fmt.Errorf("insert into %s: %w", table.Name, storeError(err))
	}
	defer batch.Close()
	for i := range rows {
		if err := batch.Append(row(i)...); err != nil {
			return fmt.Errorf("insert into %s: row %d: %w", table.Name, i, err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("insert into %s: %w", table.Name, storeError(err))
	}
	return nil
}

func insertSQL(table schema.Table) string {
	return "INSERT INTO " + table.Name + " (`" + strings.Join(table.ColumnNames(), "`, `") + "`)"
}

// spansOf splits spans into the two arrays that a query takes.
func spansOf(spans []scheduler.Span) (keys []uint64, froms []int64) {
	for _, s := range spans {
		keys = append(keys, s.Key)
		froms = append(froms, int64(max(s.From, schema.MinMillis)))
	}
	return keys, froms
}

// momentsOf splits moments by rule key into the two arrays that a query takes.
func momentsOf(by map[string]schema.Millis) (keys []string, moments []int64) {
	for key, m := range by {
		keys = append(keys, key)
		moments = append(moments, int64(max(m, schema.MinMillis)))
	}
	return keys, moments
}

// maxSpans bounds how many keys one query asks for.
const maxSpans = 5000

// inChunks calls ask with at most maxSpans spans at a time.
func inChunks(spans []scheduler.Span, ask func([]scheduler.Span) error) error {
	for len(spans) > 0 {
		n := min(len(spans), maxSpans)
		if err := ask(spans[:n]); err != nil {
			return err
		}
		spans = spans[n:]
	}
	return nil
}

type journal struct{ conn driver.Conn }

// Load reads how far each watch was evaluated. Each number only ever grows, so
// the newest of a watch is the largest.
func (j journal) Load(ctx context.Context) (map[string]scheduler.Checkpoint, error) {
	rows, err := j.conn.Query(ctx, `
		SELECT rule_key, max(through), max(silence_from), max(silence_judged), max(silence_horizon)
		FROM progress GROUP BY rule_key`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]scheduler.Checkpoint{}
	for rows.Next() {
		var key string
		var c scheduler.Checkpoint
		var from, judged, horizon time.Time
		if err := rows.Scan(&key, &c.Through, &from, &judged, &horizon); err != nil {
			return nil, err
		}
		c.SilenceFrom, c.Judged, c.Horizon = schema.MillisOf(from), schema.MillisOf(judged), schema.MillisOf(horizon)
		out[key] = c
	}
	return out, rows.Err()
}

// Save appends how far each watch was evaluated.
func (j journal) Save(ctx context.Context, checkpoints map[string]scheduler.Checkpoint) error {
	now := time.Now().UTC()
	keys := slices.Collect(maps.Keys(checkpoints))
	return insert(ctx, j.conn, schema.Progress, len(keys), func(i int) []any {
		c := checkpoints[keys[i]]
		return []any{keys[i], c.Through, c.SilenceFrom.Time(), c.Judged.Time(), c.Horizon.Time(), now}
	})
}

type objectTable struct{ conn driver.Conn }

// All reads every version of every object of a kind.
func (o objectTable) All(ctx context.Context, kind string) ([]objects.Object, error) {
	return o.read(ctx, kind, "kind = {kind:String}", server.Params{}.String("kind", kind))
}

// Versions reads every version of one object.
func (o objectTable) Versions(ctx context.Context, kind, id string) ([]objects.Object, error) {
	return o.read(ctx, kind, "kind = {kind:String} AND id = {id:String}", server.Params{}.String("kind", kind).String("id", id))
}

func (o objectTable) read(ctx context.Context, kind, where string, params server.Params) ([]objects.Object, error) {
	rows, err := o.conn.Query(params.Context(ctx),
		"SELECT id, version, written, deleted, body FROM objects WHERE "+where+" ORDER BY id, version LIMIT 1 BY id, version")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []objects.Object
	for rows.Next() {
		var version uint32
		var written time.Time
		obj := objects.Object{Kind: kind}
		if err := rows.Scan(&obj.ID, &version, &written, &obj.Deleted, &obj.Body); err != nil {
			return nil, err
		}
		obj.Version, obj.Written = int64(version), schema.MillisOf(written)
		out = append(out, obj)
	}
	return out, rows.Err()
}

// Append stores one version of an object.
func (o objectTable) Append(ctx context.Context, obj objects.Object) error {
	return insert(ctx, o.conn, schema.Objects, 1, func(int) []any {
		return []any{obj.Kind, obj.ID, uint32(obj.Version), obj.Written.Time(), obj.Deleted, obj.Body}
	})
}

// Erase removes every version of objects.
func (o objectTable) Erase(ctx context.Context, kind string, ids []string) error {
	params := server.Params{}.String("kind", kind).Strings("ids", ids)
	return o.conn.Exec(params.Context(ctx), "DELETE FROM objects WHERE kind = {kind:String} AND id IN {ids:Array(String)}")
}

type evaluationLog struct{ conn driver.Conn }

// Note appends entries.
func (l evaluationLog) Note(ctx context.Context, entries []scheduler.Entry) error {
	return insert(ctx, l.conn, schema.Coverage, len(entries), func(i int) []any {
		e := &entries[i]
		return []any{
			e.RuleID, e.RuleKey, uint32(e.RuleVersion), e.State, e.In.From, e.In.To,
			max(e.Earliest, 0).Time(), max(e.Latest, 0).Time(), e.Events, e.Reason, e.At.Time(),
		}
	})
}

// maxEntries bounds an answer; the newest are kept.
const maxEntries = 10_000

// Entries reads a rule's entries.
func (l evaluationLog) Entries(ctx context.Context, ruleID string) ([]scheduler.Entry, error) {
	params := server.Params{}.String("rule", ruleID).Uint("limit", maxEntries)
	return l.read(params.Context(ctx), `
		SELECT rule_id, rule_key, rule_version, state, after, through, earliest, latest, events, reason, at FROM (
			SELECT DISTINCT * FROM coverage WHERE rule_id = {rule:String} ORDER BY at DESC LIMIT {limit:UInt64})
		ORDER BY at, after`)
}

// Aside reads the entries of events that were set aside and not finished.
func (l evaluationLog) Aside(ctx context.Context) ([]scheduler.Entry, error) {
	return l.read(ctx, `
		SELECT rule_id, rule_key, rule_version, state, after, through, earliest, latest, events, reason, at FROM coverage
		WHERE state = 'aside' AND (rule_key, after) NOT IN (SELECT rule_key, after FROM coverage WHERE state = 'finished')
		ORDER BY at, after LIMIT 1 BY rule_key, after`)
}

func (l evaluationLog) read(ctx context.Context, sql string) ([]scheduler.Entry, error) {
	rows, err := l.conn.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []scheduler.Entry
	for rows.Next() {
		var e scheduler.Entry
		var version uint32
		var earliest, latest, at time.Time
		err := rows.Scan(&e.RuleID, &e.RuleKey, &version, &e.State, &e.In.From, &e.In.To, &earliest, &latest, &e.Events, &e.Reason, &at)
		if err != nil {
			return nil, err
		}
		e.RuleVersion, e.At = int64(version), schema.MillisOf(at)
		e.Earliest, e.Latest = schema.MillisOf(earliest), schema.MillisOf(latest)
		out = append(out, e)
	}
	return out, rows.Err()
}
