package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	server "nightjar/clickhouse"
	"nightjar/scheduler"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

type signals struct {
	conn  driver.Conn
	table schema.Table
}

const signalColumns = `id, version, key, rule_key, rule_id, rule_version, case, group,
	first_seen, last_seen, events, state, reason, suppression, opened, place, values, per_query, silence, environment, event_tags, samples, triage`

// ends is Signal.Ends in SQL.
var ends = fmt.Sprintf(`greatest(toUnixTimestamp64Milli(last_seen), multiIf(
	silence = '' OR JSONHas(silence, 'absence'), 0,
	JSONHas(silence, 'until'), JSONExtractInt(silence, 'until'),
	JSONExtractInt(silence, 'since') + %d))`, schema.MaxSilence)

// Load reads the present version of each key's signals that ended at or after
// the span's beginning.
func (s signals) Load(ctx context.Context, spans []scheduler.Span) (map[uint64][]schema.Signal, error) {
	out := map[uint64][]schema.Signal{}
	err := inChunks(spans, func(spans []scheduler.Span) error {
		keys, froms := spansOf(spans)
		params := server.Params{}.Uints("keys", keys).Ints("froms", froms)
		return s.read(params.Context(ctx), `SELECT `+signalColumns+` FROM signals FINAL
			WHERE key IN {keys:Array(UInt64)}
			  AND `+ends+` >= transform(key, {keys:Array(UInt64)}, {froms:Array(Int64)}, toInt64(0))`,
			func(key uint64, sig schema.Signal) { out[key] = append(out[key], sig) })
	})
	return out, err
}

// Recent reads the present version of each rule's signals that ended at or after
// a moment.
func (s signals) Recent(ctx context.Context, ended map[string]schema.Millis) ([]schema.Signal, error) {
	var out []schema.Signal
	keys, moments := momentsOf(ended)
	params := server.Params{}.Strings("rules", keys).Ints("froms", moments)
	err := s.read(params.Context(ctx), `SELECT `+signalColumns+` FROM signals FINAL
		WHERE rule_key IN {rules:Array(String)}
		  AND `+ends+` >= transform(rule_key, {rules:Array(String)}, {froms:Array(Int64)}, toInt64(0))`,
		func(_ uint64, sig schema.Signal) { out = append(out, sig) })
	return out, err
}

// ByID reads the present version of signals by id.
func (s signals) ByID(ctx context.Context, ids []string) (map[string]schema.Signal, error) {
	out := map[string]schema.Signal{}
	for part := range slices.Chunk(ids, maxSpans) {
		params := server.Params{}.Strings("ids", part)
		err := s.read(params.Context(ctx), `SELECT `+signalColumns+` FROM signals FINAL WHERE id IN {ids:Array(String)}`,
			func(_ uint64, sig schema.Signal) { out[sig.ID] = sig })
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Whole reads the present version of signals, as they were published.
func (s signals) Whole(ctx context.Context, ids []string) (map[string]scheduler.Published, error) {
	out := map[string]scheduler.Published{}
	params := server.Params{}.Strings("ids", ids)
	err := s.whole(params.Context(ctx), `SELECT `+publishedColumns+`, place FROM `+s.table.Name+`
		WHERE id IN {ids:Array(String)} ORDER BY version DESC LIMIT 1 BY id`,
		func(p scheduler.Published, _ uint64) { out[p.ID] = p })
	return out, err
}

const publishedColumns = signalColumns + ", source, service, host, status, message, tags, raw"

// Newest is the highest place that a version was given.
func (s signals) Newest(ctx context.Context) (uint64, error) {
	var newest uint64
	err := s.conn.QueryRow(ctx, "SELECT max(place) FROM signals").Scan(&newest)
	return newest, err
}

// Versions reads all versions of the rules' signals of which one was published
// in (after, through].
func (s signals) Versions(ctx context.Context, rules []string, after, through uint64) ([]scheduler.Published, error) {
	params := server.Params{}.Strings("rules", rules).Uint("after", after).Uint("through", through)
	var out []scheduler.Published
	err := s.whole(params.Context(ctx), `SELECT `+publishedColumns+`, place FROM signals
		WHERE id IN (
			SELECT id FROM signals
			WHERE rule_id IN {rules:Array(String)} AND place > {after:UInt64} AND place <= {through:UInt64})
		ORDER BY id, version LIMIT 1 BY id, version`,
		func(p scheduler.Published, _ uint64) { out = append(out, p) })
	return out, err
}

// ChangedAfter reads the newest version, of those up to a place, of signals of which one
// was published in (after, through], in the order of places; and the place up to which
// all are there, where there are more than the limit.
func (s signals) ChangedAfter(ctx context.Context, after, through uint64, limit int) ([]scheduler.Published, uint64, error) {
	params := server.Params{}.Uint("after", after).Uint("through", through).Uint("limit", uint64(limit))
	var out []scheduler.Published
	next := through
	err := s.whole(params.Context(ctx), `SELECT `+publishedColumns+`, place FROM (
			SELECT * FROM signals WHERE place > {after:UInt64} AND place <= {through:UInt64} ORDER BY place LIMIT {limit:UInt64})
		ORDER BY place DESC LIMIT 1 BY id`,
		func(p scheduler.Published, place uint64) {
			p.Place = place
			out = append(out, p)
		})
	if err == nil && len(out) > 0 {
		var rows, last uint64
		err = s.conn.QueryRow(params.Context(ctx), `SELECT count(), max(place) FROM (
			SELECT place FROM signals WHERE place > {after:UInt64} AND place <= {through:UInt64} ORDER BY place LIMIT {limit:UInt64})`).Scan(&rows, &last)
		if rows >= uint64(limit) {
			next = last
		}
	}
	slices.Reverse(out)
	return out, next, err
}

// Standing reads the present version of the rules' signals that were first seen
// at or after a moment.
func (s signals) Standing(ctx context.Context, rules []string, from schema.Millis) ([]scheduler.FirstPublished, error) {
	params := server.Params{}.Strings("rules", rules).Int("from", int64(max(from, schema.MinMillis)))
	var out []scheduler.FirstPublished
	err := s.whole(params.Context(ctx), `
		SELECT `+publishedColumns+`, first FROM signals FINAL
		INNER JOIN (
			SELECT id, min(place) AS first FROM signals
			WHERE rule_id IN {rules:Array(String)} GROUP BY id) AS firsts USING id
		WHERE rule_id IN {rules:Array(String)} AND first_seen >= fromUnixTimestamp64Milli({from:Int64})
		  AND reason NOT IN ('merged', 'retracted', 'suppressed')`,
		func(p scheduler.Published, first uint64) {
			out = append(out, scheduler.FirstPublished{Published: p, First: first})
		})
	return out, err
}

func (s signals) whole(ctx context.Context, sql string, use func(p scheduler.Published, place uint64)) error {
	rows, err := s.conn.Query(ctx, sql)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var p scheduler.Published
		var raw string
		var place uint64
		if _, err := scanSignal(rows, &p.Signal, &p.Source, &p.Service, &p.Host, &p.Status, &p.Message, &p.Tags, &raw, &place); err != nil {
			return err
		}
		if p.Attributes, err = schema.ParseAttributes(raw); err != nil {
			return fmt.Errorf("signal %s: %w", p.ID, err)
		}
		use(p, place)
	}
	return rows.Err()
}

func (s signals) read(ctx context.Context, sql string, use func(uint64, schema.Signal)) error {
	rows, err := s.conn.Query(ctx, sql)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var sig schema.Signal
		key, err := scanSignal(rows, &sig)
		if err != nil {
			return err
		}
		use(key, sig)
	}
	return rows.Err()
}

// scanSignal reads signalColumns, and what the query selects after them.
func scanSignal(rows driver.Rows, sig *schema.Signal, more ...any) (key uint64, err error) {
	var ruleVersion uint32
	var caseAt int16
	var first, last time.Time
	var triage, silence, environment, state, reason string
	into := []any{&sig.ID, &sig.Version, &key, &sig.RuleKey, &sig.RuleID, &ruleVersion, &caseAt, &sig.Group,
		&first, &last, &sig.Events, &state, &reason, &sig.Suppression, &sig.Opened, &sig.Place, &sig.Values, &sig.PerQuery,
		&silence, &environment, &sig.EventTags, &sig.Samples, &triage}
	if err := rows.Scan(append(into, more...)...); err != nil {
		return 0, err
	}
	sig.SetStanding(state, reason)
	sig.RuleVersion, sig.Case = int64(ruleVersion), int(caseAt)
	sig.FirstSeen, sig.LastSeen = schema.MillisOf(first), schema.MillisOf(last)
	if sig.Triage, err = schema.ParseTriage(triage); err != nil {
		return 0, fmt.Errorf("signal %s: %w", sig.ID, err)
	}
	if sig.Silence, err = schema.ParseSilence(silence); err != nil {
		return 0, fmt.Errorf("signal %s: %w", sig.ID, err)
	}
	sig.Lowered = environment == lesser || environment == "" && schema.IsLesserEnvironment(sig.EventTags)
	return key, nil
}

// Values of the column environment.
const (
	lesser = "lesser"
	other  = "other"
)

func environmentOf(sig *schema.Signal) string {
	if sig.Lowered {
		return lesser
	}
	return other
}

// Publish stores new versions of signals.
func (s signals) Publish(ctx context.Context, list []scheduler.Published) error {
	return insert(ctx, s.conn, s.table, len(list), signalRows(list))
}

// signalRows are the rows of signals.
func signalRows(list []scheduler.Published) func(i int) []any {
	return func(i int) []any {
		p := &list[i]
		state, reason := p.Standing()
		return []any{
			p.ID, p.Version, detect.StateKeyOfRule(p.RuleKey, p.Group), p.RuleKey, p.RuleID, uint32(p.RuleVersion),
			int16(p.Case), notNil(p.Group), p.FirstSeen.Time(), p.LastSeen.Time(), p.Events, state, reason,
			p.Suppression, p.Opened, p.Place, notNil(p.Values), p.PerQuery,
			p.Silence.Text(), environmentOf(&p.Signal), notNil(p.EventTags), p.Samples,
			p.FirstSeen.Time(), p.Source, p.Service, p.Host, p.Status, p.Message, notNil(p.Tags),
			p.Attributes.Projection(), p.Attributes.JSON, p.Triage.Text(),
			p.Triage.Assignee.Label(), p.Triage.StateBy, p.Triage.StateAt.Time(), p.Triage.Comment,
		}
	}
}
