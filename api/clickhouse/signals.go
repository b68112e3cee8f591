package clickhouse

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/api"
	"nightjar/api/services/signals"
	"nightjar/clickhouse"
	"nightjar/compiler/search"
	"nightjar/schema"
)

// Signals reads a table of signals.
type Signals struct {
	conn  driver.Conn
	table string
	// states find signals where they tell which; nil: never.
	states *States
	known  knownSettings
}

// NewSignals reads what the rules found, over conn.
func NewSignals(conn driver.Conn) *Signals {
	return &Signals{conn: conn, table: schema.Signals.Name}
}

// By has signals found by their states, where these tell which; it returns s.
func (s *Signals) By(states *States) *Signals {
	s.states = states
	return s
}

// NewJobSignals reads what historical jobs found, over conn.
func NewJobSignals(conn driver.Conn) *Signals {
	return &Signals{conn: conn, table: schema.HistoricalSignals.Name}
}

// query runs a statement.
func (s *Signals) query(ctx context.Context, sql string, params map[string]string) (driver.Rows, error) {
	return s.conn.Query(progressing(ctx, ch.WithParameters(params), ch.WithSettings(s.known.statement(ctx, s.conn))), sql)
}

const signalColumns = "key, id, version, timestamp, message, status, service, host, tags, raw"

// SearchSignals implements api.Signals.
//
// The table holds every version of a signal, in an order of its own. FINAL would
// merge all of it for one page; instead the first rows that match are taken,
// whichever version they are, and those kept that are their signal's newest. No
// match is lost: the newest version of a match is itself a row that matches, at
// its place in the order. Too many rows of old versions, and FINAL it is. Where
// states tell which signals match, these are asked instead (ofStates).
func (s *Signals) SearchSignals(ctx context.Context, asked signals.Search) (signals.Page, error) {
	f, err := s.filter(asked)
	if err != nil {
		return signals.Page{}, err
	}
	var found []row
	if f.byStates() {
		found, err = s.ofStates(ctx, f, asked)
	} else {
		found, err = s.ofVersions(ctx, f, asked.Limit+1) // one more tells whether another page follows
	}
	if err != nil {
		return signals.Page{}, fmt.Errorf("search signals: %w", err)
	}
	page := signals.Page{}
	if page.Signals, err = s.shown(ctx, f, asked, found[:min(len(found), asked.Limit)]); err != nil {
		return signals.Page{}, fmt.Errorf("search signals: %w", err)
	}
	if len(found) > asked.Limit {
		last := found[asked.Limit-1]
		page.Next = signals.Cursor{By: asked.By, Value: last.value, At: last.at, ID: last.id}
	}
	return page, nil
}

// shown are the signals that were found as they are shown.
func (s *Signals) shown(ctx context.Context, f *filter, asked signals.Search, found []row) (out []signals.Signal, err error) {
	if asked.Brief && f.byStates() { // that was read with them
		for _, r := range found {
			out = append(out, r.signal)
		}
		return out, nil
	}
	whole, err := s.whole(ctx, found)
	for _, r := range found {
		w, ok := whole[r.name]
		if !ok {
			continue
		}
		if asked.Brief {
			w.signal.Attributes = briefOf(w.signal.Attributes)
		}
		out = append(out, w.signal)
	}
	return out, err
}

// briefOf is the part of a signal's document that lists show.
func briefOf(document string) string {
	var all map[string]json.RawMessage
	if json.Unmarshal([]byte(document), &all) != nil {
		return "{}"
	}
	maps.DeleteFunc(all, func(key string, _ json.RawMessage) bool { return !slices.Contains(schema.BriefKeys, key) })
	out, _ := json.Marshal(all) // it was read as JSON
	return string(out)
}

// ofVersions finds the first signals among all versions.
func (s *Signals) ofVersions(ctx context.Context, f *filter, wanted int) (found []row, err error) {
	for _, rows := range []int{2*wanted + 20, 20*wanted + 200, 0} {
		var places []place
		more := false
		if rows == 0 {
			places, err = s.final(ctx, f, "", wanted)
		} else {
			places, more, err = s.newest(ctx, f, rows)
		}
		if err != nil {
			return nil, err
		}
		if len(places) < wanted && more {
			continue
		}
		for _, p := range places {
			found = append(found, row{place: p})
		}
		return found, nil
	}
	return found, nil
}

// newest looks at so many rows and keeps, in order, those that are the newest
// version of their signal. more tells whether there are rows beyond.
func (s *Signals) newest(ctx context.Context, f *filter, rows int) (kept []place, more bool, err error) {
	places, err := s.places(ctx, f.sql("", "", rows), f.params)
	if err != nil || len(places) == 0 {
		return nil, false, err
	}
	more = len(places) == rows
	versions, err := s.versions(ctx, places)
	if err != nil {
		return nil, false, err
	}
	for _, p := range places {
		if v, ok := versions[p.name]; ok && v == p.version {
			kept = append(kept, p)
			delete(versions, p.name) // a row that was stored twice counts once
		}
	}
	if len(versions) == 0 {
		return kept, more, nil
	}
	// The newest version of these was not among the rows: it does not match, or
	// belongs elsewhere, or was written a moment ago.
	late, err := s.final(ctx, f, "AND key IN ("+keysOf(versions)+")", maxLate)
	if err != nil {
		return nil, false, err
	}
	last := places[len(places)-1]
	for _, p := range late {
		if _, missed := versions[p.name]; missed && (!more || !f.before(last, p)) {
			kept = append(kept, p)
		}
	}
	f.sort(kept)
	return kept, more, nil
}

// maxLate bounds the rows that may have been written a moment ago.
const maxLate = 10_000

// final is the exact answer, which reads all rows that the condition leaves.
func (s *Signals) final(ctx context.Context, f *filter, condition string, rows int) ([]place, error) {
	return s.places(ctx, f.sql("FINAL", condition, rows), f.params)
}

// places are where the rows of a narrow query stand.
func (s *Signals) places(ctx context.Context, sql string, params map[string]string) ([]place, error) {
	rows, err := s.query(ctx, sql, params)
	if err != nil {
		return nil, connError(ctx, err)
	}
	defer rows.Close()
	var out []place
	for rows.Next() {
		var p place
		var at time.Time
		if err := rows.Scan(&p.key, &p.id, &p.version, &at, &p.value); err != nil {
			return nil, fmt.Errorf("scan signal: %w", err)
		}
		p.at = schema.MillisOf(at)
		out = append(out, p)
	}
	return out, connError(ctx, rows.Err())
}

// versions are the numbers of the newest versions of the signals at these places.
func (s *Signals) versions(ctx context.Context, places []place) (map[name]uint64, error) {
	rows, err := s.query(ctx, `SELECT key, id, max(version) FROM `+s.table+`
		WHERE key IN {keys:Array(UInt64)} AND id IN {ids:Array(String)} GROUP BY key, id`, named(places))
	if err != nil {
		return nil, connError(ctx, err)
	}
	defer rows.Close()
	out := make(map[name]uint64, len(places))
	for rows.Next() {
		var n name
		var version uint64
		if err := rows.Scan(&n.key, &n.id, &version); err != nil {
			return nil, fmt.Errorf("scan signal: %w", err)
		}
		out[n] = version
	}
	return out, connError(ctx, rows.Err())
}

// named are the parameters that name the signals at these places.
func named[T interface{ named() name }](places []T) map[string]string {
	keys, ids := make([]uint64, len(places)), make([]string, len(places))
	for i, p := range places {
		keys[i], ids[i] = p.named().key, p.named().id
	}
	return clickhouse.Params{}.Uints("keys", keys).Strings("ids", ids)
}

// whole reads the newest versions of the signals at these places. Their documents
// are wide, and lie among others of the table's granules: only what is shown is
// read.
func (s *Signals) whole(ctx context.Context, places []row) (map[name]row, error) {
	if len(places) == 0 {
		return nil, nil
	}
	rows, err := s.read(ctx, `SELECT `+signalColumns+` FROM `+s.table+`
		WHERE key IN {keys:Array(UInt64)} AND id IN {ids:Array(String)}
		ORDER BY version DESC LIMIT 1 BY key, id`, named(places))
	if err != nil {
		return nil, err
	}
	out := make(map[name]row, len(rows))
	for _, r := range rows {
		out[r.name] = r
	}
	return out, nil
}

// Signal implements api.Signals.
func (s *Signals) Signal(ctx context.Context, id string) (signals.Signal, error) {
	var p search.Params
	sql := "SELECT " + signalColumns + " FROM " + s.table + " WHERE id = " + p.String(id) + " ORDER BY version DESC LIMIT 1"
	found, err := s.read(ctx, sql, p.Map())
	if err != nil {
		return signals.Signal{}, fmt.Errorf("read signal: %w", err)
	}
	if len(found) == 0 {
		return signals.Signal{}, &schema.NotFoundError{Kind: "signal", ID: id}
	}
	return found[0].signal, nil
}

// maxMatching bounds how many signals one event is told to be part of.
const maxMatching = 1000

// MatchingSignals implements api.Signals. An event is part of the signals of the
// groups that it matched for, whose span and evaluation window it lies in. One
// that matched a query without group-by fields counts for all groups of its rule.
func (s *Signals) MatchingSignals(ctx context.Context, at schema.Millis, seq uint64) ([]signals.Signal, error) {
	params := clickhouse.Params{}.Int("at", int64(at)).Uint("seq", seq).Uint("limit", maxMatching)
	found, err := s.read(ctx, `WITH matched AS (
			SELECT DISTINCT rule_key, key, empty(group) AS everyone FROM matches
			WHERE at = fromUnixTimestamp64Milli({at:Int64}) AND seq = {seq:UInt64})
		SELECT `+signalColumns+` FROM (
			SELECT * FROM `+s.table+`
			WHERE key IN (SELECT key FROM matched) OR rule_key IN (SELECT rule_key FROM matched WHERE everyone)
			ORDER BY version DESC LIMIT 1 BY key, id)
		WHERE `+standing+` AND last_seen >= fromUnixTimestamp64Milli({at:Int64})
			AND first_seen - toIntervalMillisecond(JSONExtractInt(raw, 'nightjar', 'window')) < fromUnixTimestamp64Milli({at:Int64} + (JSONExtractInt(raw, 'nightjar', 'window') = 0))
			AND rule_key IN (SELECT rule_key FROM matched)
		ORDER BY first_seen, id LIMIT {limit:UInt64}`, params)
	if err != nil {
		return nil, fmt.Errorf("read signals of an event: %w", err)
	}
	var out []signals.Signal
	for _, r := range found {
		out = append(out, r.signal)
	}
	return out, nil
}

// MatchingRules implements api.Signals.
func (s *Signals) MatchingRules(ctx context.Context, at schema.Millis, seq uint64) (out []string, err error) {
	params := clickhouse.Params{}.Int("at", int64(at)).Uint("seq", seq)
	rows, err := s.conn.Query(progressing(ctx, ch.WithParameters(ch.Parameters(params))), "SELECT DISTINCT rule_key FROM matches WHERE at = fromUnixTimestamp64Milli({at:Int64}) AND seq = {seq:UInt64}")
	if err != nil {
		return nil, fmt.Errorf("read the rules of an event: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return nil, fmt.Errorf("read the rules of an event: %w", err)
		}
		out = append(out, key)
	}
	return out, rows.Err()
}

// standing are the signals that the engine neither withdrew nor withheld.
var standing = "reason NOT IN ('" + strings.Join(schema.EngineReasons, "', '") + "')"

// sortedBy are what signals are sorted by before their time, as numbers.
var sortedBy = map[signals.Order]string{
	signals.ByTime:     "toInt64(0)",
	signals.BySeverity: "toInt64(indexOf(['info', 'low', 'medium', 'high', 'critical'], status))",
	signals.ByLastSeen: "toUnixTimestamp64Milli(last_seen)",
	signals.ByEvents:   "toInt64(events)",
}

// valueSQL is what signals of a table are sorted by before their time, as a number.
func valueSQL(table string, by signals.Order) string {
	if table == schema.SignalStates.Name && by == signals.BySeverity {
		return "toInt64(severity_rank)"
	}
	return sortedBy[by]
}

// filter is a search as ClickHouse reads it.
type filter struct {
	table     string
	where     string
	params    map[string]string
	by        signals.Order
	ascending bool
}

func (f *filter) byStates() bool { return f.table == schema.SignalStates.Name }

func (s *Signals) filter(asked signals.Search) (*filter, error) {
	query, err := search.ParseForSignals(asked.Query)
	if err != nil {
		return nil, queryError(err)
	}
	p, table := search.Params{Shapes: schema.WithoutRest}, s.table
	if s.states.holds(query) {
		p.Columns, table = statesColumn, schema.SignalStates.Name
	}
	predicate, err := query.SQL(&p)
	if err != nil {
		return nil, queryError(err)
	}
	where := []string{"(" + predicate + ")"}
	if !search.AsksForState(query.Root) {
		where = append(where, standing)
	}
	if asked.RuleKey != "" {
		where = append(where, "rule_key = "+p.String(asked.RuleKey))
	}
	if asked.From != nil {
		where = append(where, "timestamp >= "+moment(&p, *asked.From))
	}
	if asked.To != nil {
		where = append(where, "timestamp < "+moment(&p, *asked.To))
	}
	if asked.After.ID != "" {
		where = append(where, afterSQL(&p, asked, valueSQL(table, asked.By)))
	}
	return &filter{table: table, where: strings.Join(where, " AND "), params: p.Map(), by: asked.By, ascending: asked.Ascending}, nil
}

// afterSQL holds for what comes after a cursor.
func afterSQL(p *search.Params, asked signals.Search, value string) string {
	columns, values := "timestamp, id", moment(p, asked.After.At)+", "+p.String(asked.After.ID)
	if asked.By != signals.ByTime {
		columns, values = value+", "+columns, p.Int(asked.After.Value)+", "+values
	}
	return fmt.Sprintf("(%s) %s (%s)", columns, map[bool]string{true: ">", false: "<"}[asked.Ascending], values)
}

// sql reads where the first rows stand.
func (f *filter) sql(final, condition string, rows int) string {
	direction := map[bool]string{true: "ASC", false: "DESC"}[f.ascending]
	order := fmt.Sprintf("timestamp %s, id %[1]s, version DESC", direction)
	if f.by != signals.ByTime {
		order = "value " + direction + ", " + order
	}
	return fmt.Sprintf("SELECT key, id, version, timestamp, %s AS value FROM %s %s WHERE %s %s ORDER BY %s LIMIT %d",
		sortedBy[f.by], f.table, final, f.where, condition, order, rows)
}

// before tells whether a comes before b on a page.
func (f *filter) before(a, b place) bool { return f.compare(a, b) < 0 }

func (f *filter) compare(a, b place) int {
	order := cmp.Or(cmp.Compare(b.value, a.value), cmp.Compare(b.at, a.at), cmp.Compare(b.id, a.id))
	if f.ascending {
		return -order
	}
	return order
}

func (f *filter) sort(places []place) { slices.SortStableFunc(places, f.compare) }

func (f *filter) sortRows(rows []row) {
	slices.SortStableFunc(rows, func(a, b row) int { return f.compare(a.place, b.place) })
}

func moment(p *search.Params, m schema.Millis) string {
	return "fromUnixTimestamp64Milli(" + p.Int(int64(m)) + ", 'UTC')"
}

// queryError places what is wrong with a search.
func queryError(err error) error {
	return &schema.InvalidError{Details: []schema.Detail{{Target: "filter.query", Message: err.Error()}}}
}

// name is what the versions of one signal have in common.
type name struct {
	key uint64
	id  string
}

// place is the position of one version of a signal in the order.
type place struct {
	name
	version uint64
	at      schema.Millis
	value   int64 // what it is sorted by before its time
}

func (p place) named() name { return p.name }

// row is one version of a signal.
type row struct {
	place
	signal signals.Signal
}

func keysOf(rows map[name]uint64) string {
	var keys []string
	for n := range rows {
		keys = append(keys, strconv.FormatUint(n.key, 10))
	}
	return strings.Join(keys, ", ")
}

func (s *Signals) read(ctx context.Context, sql string, params map[string]string) ([]row, error) {
	rows, err := s.query(ctx, sql, params)
	if err != nil {
		return nil, connError(ctx, err)
	}
	defer rows.Close()
	var out []row
	for rows.Next() {
		var r row
		var at time.Time
		found := &r.signal
		if err := rows.Scan(&r.key, &r.id, &r.version, &at, &found.Message, &found.Status, &found.Service, &found.Host, &found.Tags, &found.Attributes); err != nil {
			return nil, fmt.Errorf("scan signal: %w", err)
		}
		r.at = schema.MillisOf(at)
		found.ID, found.At = r.id, r.at
		out = append(out, r)
	}
	return out, connError(ctx, rows.Err())
}

// connError marks what is not the database's answer but its silence.
func connError(ctx context.Context, err error) error {
	var said *ch.Exception
	switch {
	case err == nil || errors.As(err, &said):
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	case errors.Is(err, os.ErrDeadlineExceeded): // the driver gives the deadline to its socket, which may be first
		return fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
	}
	return fmt.Errorf("%w: %w", api.ErrUnavailable, err)
}
