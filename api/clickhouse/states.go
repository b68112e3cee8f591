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
}

// NewStates keeps the table over conn, whose user may create tables.
func NewStates(conn driver.Conn) *States { return &States{conn: conn} }

const statesFeed = "signal_states_feed"

// Prepare makes the table and what feeds it, and fills it where it is not what signals say:
// at first, after a restore, and where its definition has changed. A million signals take
// some ten seconds, and nothing waits for that.
func (s *States) Prepare(ctx context.Context) error {
	current, err := s.isCurrent(ctx)
	if err != nil {
		return fmt.Errorf("look at %s: %w", schema.SignalStates.Name, err)
	}
	if !current {
		if err := s.fill(ctx); err != nil {
			return fmt.Errorf("fill %s: %w", schema.SignalStates.Name, err)
		}
	}
	s.ready.Store(true)
	return nil
}

// isCurrent reports whether the table has the newest version of each signal, and no other.
func (s *States) isCurrent(ctx context.Context) (bool, error) {
	var fed uint64
	row := s.conn.QueryRow(ctx, "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = '"+statesFeed+"' AND comment = '"+statesDefinition()+"'")
	if err := row.Scan(&fed); err != nil || fed == 0 {
		return false, err
	}
	sums := [2][2]uint64{}
	for i, table := range []string{schema.Signals.Name, schema.SignalStates.Name} {
		row := s.conn.QueryRow(ctx, "SELECT count(), sum(cityHash64(key, id, version)) FROM "+table+" FINAL")
		if err := row.Scan(&sums[i][0], &sums[i][1]); err != nil {
			return false, err
		}
	}
	return sums[0] == sums[1], nil
}

// fill makes everything anew. What is inserted while it is filled is fed, and what began to
// be before that has ended when signals are read.
func (s *States) fill(ctx context.Context) error {
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
	if err := s.awaitInserts(ctx); err != nil {
		return err
	}
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

// statesSQL selects the table's rows from signals. The texts of an attribute are those that
// a search of signals finds.
func statesSQL() string {
	columns := slices.Clone(schema.StateColumns)
	for _, a := range schema.StateAttributes {
		p := search.Params{Shapes: schema.WithoutRest}
		sql := search.ValuesSQL(schema.Field{Kind: schema.FieldAttribute, Name: a.Path}, &p)
		for name, value := range p.Map() { // a view has no parameters; our own paths are safe names
			sql = strings.ReplaceAll(sql, "{"+name+":Identifier}", "`"+value+"`")
		}
		if a.Document {
			sql = "attributes.`" + a.Path + "`.:String"
		}
		columns = append(columns, sql+" AS "+a.Column())
	}
	return "SELECT " + strings.Join(columns, ", ") + " FROM " + schema.Signals.Name
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
