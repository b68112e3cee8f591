package clickhouse

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/clickhouse"
	"nightjar/compiler/search"
	"nightjar/schema"
)

// States keeps schema.SignalStates. Until Prepare has returned, and wherever a search asks
// for more than it has, signals themselves are asked; both give the same
// (TestStatesAnswerAsSignalsDo). A nil *States is never ready.
type States struct {
	conn  driver.Conn
	ready atomic.Bool
	held  chan struct{} // has room for one: who fills the table, or deletes signals
	why   atomic.Pointer[string]

	doubted chan struct{} // has room for one: Doubt was called since Keep looked
	doubts  atomic.Uint64
}

// NewStates keeps the table over conn, whose user may create tables.
func NewStates(conn driver.Conn) *States {
	return &States{conn: conn, held: make(chan struct{}, 1), doubted: make(chan struct{}, 1)}
}

// Doubt says that an insert into signals has failed, perhaps after their rows were stored
// and before the table was fed. Signals themselves are asked until Keep has compared them:
// who inserts them finds them stored, and does not insert them again.
func (s *States) Doubt() {
	s.doubts.Add(1)
	s.ready.Store(false)
	s.why.Store(new("the server failed while signals were stored, and what they are counted by is compared with them"))
	select {
	case s.doubted <- struct{}{}:
	default:
	}
}

// Hold waits until the table is not being filled, and keeps it from that until release is
// called: signals that are deleted while it is filled would stay in it.
func (s *States) Hold(ctx context.Context) (release func(), err error) {
	select {
	case s.held <- struct{}{}:
		return func() { <-s.held }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// NotReady is why the table is not asked; empty: it is.
func (s *States) NotReady() string {
	switch why := s.why.Load(); {
	case s.ready.Load():
		return ""
	case why != nil:
		return *why
	}
	return "what they are counted by is being made"
}

// Keep prepares the table, also after each Doubt, until the context ends. After a failure
// it does so again and again, at first after pause and each time after twice as long, at
// most a minute. told is told what came of it each time; nil: the table is ready.
func (s *States) Keep(ctx context.Context, pause time.Duration, told func(error)) {
	for wait := pause; ; {
		err := s.Prepare(ctx)
		if ctx.Err() != nil {
			return
		}
		told(err)
		again := s.doubted
		var later <-chan time.Time
		if err == nil {
			wait = pause
		} else {
			s.why.Store(new(err.Error()))
			again, later = nil, time.After(wait)
			wait = min(2*wait, time.Minute)
		}
		select {
		case <-again:
		case <-later:
		case <-ctx.Done():
			return
		}
	}
}

const statesFeed = "signal_states_feed"

// Prepare makes the table and what feeds it, and fills it where it is not what signals say:
// at first, after a restore, and where its definition has changed. A million signals take
// some ten seconds, and nothing waits for that.
func (s *States) Prepare(ctx context.Context) error {
	release, err := s.Hold(ctx)
	if err != nil {
		return err
	}
	defer release()
	doubts := s.doubts.Load()
	if err := s.mend(ctx); err != nil {
		return fmt.Errorf("make %s what signals say: %w", schema.SignalStates.Name, err)
	}
	if s.ready.Store(true); s.doubts.Load() != doubts {
		s.ready.Store(false) // Keep is about to compare them again
	}
	return nil
}

// mend does what is needed. Where only rows are lacking, the table stays: whoever reads it
// goes on.
func (s *States) mend(ctx context.Context) error {
	defined, err := s.isDefined(ctx)
	if err != nil {
		return err
	}
	if defined {
		if same, err := s.isSame(ctx); err != nil || same {
			return err
		}
		if err := s.fill(ctx); err != nil {
			return err
		}
		if same, err := s.isSame(ctx); err != nil || same {
			return err
		}
	}
	if err := s.makeAnew(ctx); err != nil {
		return err
	}
	return s.fill(ctx)
}

// isDefined reports whether the table and what feeds it are there, as they are defined now.
func (s *States) isDefined(ctx context.Context) (bool, error) {
	var fed uint64
	row := s.conn.QueryRow(ctx, "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = '"+statesFeed+"' AND comment = '"+statesDefinition()+"'")
	err := row.Scan(&fed)
	return fed > 0, err
}

// looks is how often the tables are compared before one is said to be wrong: what is stored
// between the readings of the one and the other is in one of them.
const looks = 3

// isSame reports whether the table has the newest version of each signal, and no other.
func (s *States) isSame(ctx context.Context) (same bool, err error) {
	sum := func(table string) string {
		return "(SELECT (count(), sum(cityHash64(key, id, version))) FROM " + table + " FINAL)"
	}
	for look := 0; look < looks && !same && err == nil; look++ {
		err = s.conn.QueryRow(ctx, "SELECT "+sum(schema.Signals.Name)+" = "+sum(schema.SignalStates.Name)).Scan(&same)
	}
	return same, err
}

// makeAnew makes the table and what feeds it: what is inserted from now on is fed, and what
// began to be before has ended.
func (s *States) makeAnew(ctx context.Context) error {
	name := schema.SignalStates.Name
	for _, sql := range []string{
		"DROP TABLE IF EXISTS " + statesFeed,
		"DROP TABLE IF EXISTS " + name,
		schema.SignalStates.CreateSQL(),
		"CREATE MATERIALIZED VIEW " + statesFeed + " TO " + name + " AS " + statesSQL() + " COMMENT '" + statesDefinition() + "'",
	} {
		if err := s.conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return s.awaitInserts(ctx)
}

// fill has the table have all that signals have; what it had before it has once.
func (s *States) fill(ctx context.Context) error {
	name := schema.SignalStates.Name
	var rows uint64
	if err := s.conn.QueryRow(ctx, "SELECT count() FROM "+schema.Signals.Name).Scan(&rows); err != nil || rows == 0 {
		return err
	}
	one := ch.Context(ctx, ch.WithSettings(ch.Settings{"max_threads": 1})) // detection has the others
	into := "INSERT INTO " + name + " (" + strings.Join(schema.SignalStates.ColumnNames(), ", ") + ") " + statesSQL()
	pieces := 1 + rows/piece
	for i := range pieces { // a statement's time has bounds
		width := math.MaxUint64 / pieces
		where := fmt.Sprintf(" WHERE key >= %d", i*width)
		if i+1 < pieces {
			where += fmt.Sprintf(" AND key < %d", (i+1)*width)
		}
		if err := s.conn.Exec(one, into+where); err != nil {
			return err
		}
	}
	return s.conn.Exec(one, "OPTIMIZE TABLE "+name+" FINAL")
}

// awaitInserts waits for the inserts that run: those that began before the view was there
// do not feed it.
func (s *States) awaitInserts(ctx context.Context) error {
	var running []string
	row := s.conn.QueryRow(ctx, "SELECT groupArray(query_id) FROM system.processes WHERE query_kind = 'Insert' AND current_database = currentDatabase()")
	for {
		if err := row.Scan(&running); err != nil || len(running) == 0 {
			return err
		}
		select {
		case <-time.After(betweenLooks):
		case <-ctx.Done():
			return ctx.Err()
		}
		params := clickhouse.Params{}.Strings("running", running)
		row = s.conn.QueryRow(params.Context(ctx), "SELECT groupArray(query_id) FROM system.processes WHERE query_id IN {running:Array(String)}")
	}
}

const betweenLooks = 50 * time.Millisecond

// piece is about how many rows one statement fills the table with.
const piece = 200_000

// statesDefinition differs where the table, or what feeds it, does.
func statesDefinition() string {
	sum := sha256.Sum256([]byte(schema.SignalStates.CreateSQL() + statesSQL()))
	return hex.EncodeToString(sum[:16])
}

// statesSQL selects the table's rows from signals. The texts of an attribute, and the
// values of a field, are those that a search of signals finds.
func statesSQL() string {
	columns := slices.Clone(schema.StateColumns)
	add := func(sql, name string) { columns = append(columns, sql+" AS "+name) }
	add(placeSQL(schema.Severities, "status"), "severity_rank")
	add(placeSQL(schema.SignalStages, "state"), "stage")
	add(briefSQL(), "brief")
	for _, f := range schema.StateLists {
		p := search.Params{}
		add("toJSONString("+inlined(listedSQL(f, &p), &p)+")", schema.StateListColumn(f))
	}
	for _, a := range schema.StateAttributes {
		p := search.Params{Shapes: schema.WithoutRest}
		sql := inlined(search.ValuesSQL(schema.Field{Kind: schema.FieldAttribute, Name: a.Path}, &p), &p)
		if a.Document {
			sql = "attributes.`" + a.Path + "`.:String"
		}
		add(sql, a.Column())
	}
	return "SELECT " + strings.Join(columns, ", ") + " FROM " + schema.Signals.Name
}

// placeSQL is the place of a column's text among names, from 1.
func placeSQL[T ~string](names []T, column string) string {
	var list []string
	for _, n := range names {
		list = append(list, "'"+string(n)+"'")
	}
	return "toUInt8(indexOf([" + strings.Join(list, ", ") + "], " + column + "))"
}

// briefSQL is the part of a signal's document that lists show.
func briefSQL() string {
	var parts []string
	for _, key := range schema.BriefKeys {
		parts = append(parts, fmt.Sprintf(`if(JSONHas(raw, '%s'), concat('"%[1]s":', JSONExtractRaw(raw, '%[1]s')), '')`, key))
	}
	return "concat('{', arrayStringConcat(arrayFilter(x -> x != '', [" + strings.Join(parts, ", ") + "]), ','), '}')"
}

// inlined is SQL with the values of its parameters in it: a view has none. They are names
// of our own, which nothing in needs to be quoted.
func inlined(sql string, p *search.Params) string {
	for name, value := range p.Map() {
		sql = strings.ReplaceAll(sql, "{"+name+":Identifier}", "`"+value+"`")
		sql = strings.ReplaceAll(sql, "{"+name+":String}", "'"+value+"'")
		sql = strings.ReplaceAll(sql, "{"+name+":Int64}", value)
	}
	return sql
}

// statesColumn is the column with the texts of an attribute.
func statesColumn(path string) search.TextColumn {
	a, ok := schema.StateAttributeOf(path)
	switch {
	case !ok:
		return search.TextColumn{}
	case a.Document:
		return search.TextColumn{One: a.Column()}
	}
	return search.TextColumn{Several: a.Column()}
}

// holds reports whether the table is ready and has what a query asks for.
func (s *States) holds(query *search.Query) bool {
	return s != nil && s.ready.Load() && query != nil && heldByStates(query.Root)
}

// hasField reports whether the table has all values of a field.
func hasField(f schema.Field) bool {
	return f.Kind != schema.FieldAttribute || statesColumn(f.Name) != search.TextColumn{}
}

// heldByStates reports whether the table tells whether the node holds. It knows texts, and
// not what is below a path.
func heldByStates(n search.Node) bool {
	switch n := n.(type) {
	case search.MatchAll:
		return true
	case search.Conjunction:
		return allHeld(n.Nodes)
	case search.Disjunction:
		return allHeld(n.Nodes)
	case search.Negation:
		return heldByStates(n.Node)
	case search.Words:
		return !n.Everywhere && (n.In == "" || hasField(schema.Field{Kind: schema.FieldAttribute, Name: n.In}))
	case search.Exists, search.Range:
		f, _ := search.FieldOf(n)
		return f.Kind != schema.FieldAttribute
	case search.Equals, search.Like, search.Network:
		f, _ := search.FieldOf(n)
		return !f.AnyCase && hasField(f)
	}
	return false
}

func allHeld(nodes []search.Node) bool {
	return !slices.ContainsFunc(nodes, func(n search.Node) bool { return !heldByStates(n) })
}
