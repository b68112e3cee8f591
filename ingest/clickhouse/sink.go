package clickhouse

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/ingest"
	"nightjar/schema"
)

// Sink inserts events, and keeps the catalogue of their attributes. It
// implements ingest.Sink.
type Sink struct {
	conn      driver.Conn
	sql       string
	catalogue schema.Catalogue
	fresh     freshPaths
	keeping   sync.Mutex   // of what is new to the catalogue, until it is stored
	unmarked  atomic.Int64 // events inserted since the last mark

	loading sync.Mutex
	loaded  bool
	through uint64 // when it was loaded: the forms of events up to here are kept
}

// New is a Sink over this connection, into the connection's database. Run Load
// once beside it, or its catalogue stays empty-handed.
func New(conn driver.Conn) *Sink {
	return &Sink{
		conn: conn, sql: insertSQL(schema.Events.Name),
		fresh: freshPaths{ofBlock: freshOfBlock, ofSource: freshOfSource},
	}
}

// settings of every insert. The block arrives whole and stays whole: the server
// squashes it with nothing and cuts it nowhere, so one token covers it.
func settings(token string) clickhouse.Settings {
	return clickhouse.Settings{
		"insert_deduplicate":          1,
		"insert_deduplication_token":  token,
		"log_comment":                 queryPrefix(token),
		"async_insert":                0,
		"min_insert_block_size_rows":  0,
		"min_insert_block_size_bytes": 0,
		"max_insert_block_size":       1 << 30,
		// A part that was just written is merged soon, and has its indexes from then on:
		// made twice, they would be half of what an insert costs the server. Until then
		// searches read it, some ten thousand events.
		"materialize_skip_indexes_on_insert": 0,
	}
}

// Insert implements ingest.Sink. When it returns, and before anybody can read
// one of the events, the catalogue has the forms of their attributes.
func (s *Sink) Insert(ctx context.Context, token string, events []schema.Event) error {
	if len(events) == 0 {
		return nil
	}
	rest, err := s.catalogueEvents(ctx, events)
	if err != nil {
		return err
	}
	if err := s.insert(ctx, s.sql, token, events, rest); err != nil {
		return err
	}
	if s.unmarked.Add(int64(len(events))) >= markEvery && s.catalogue.IsComplete() {
		s.unmarked.Store(0)
		_ = s.mark(ctx, events[len(events)-1].Seq) // the next one will do, or the next start
	}
	return nil
}

// InsertInto inserts events into a table like that of events, from which they will come
// into it: the catalogue has their forms before they can.
func (s *Sink) InsertInto(ctx context.Context, table, token string, events []schema.Event) error {
	rest, err := s.catalogueEvents(ctx, events)
	if err != nil {
		return err
	}
	return s.insert(ctx, insertSQL(table), token, events, rest)
}

func insertSQL(table string) string {
	return fmt.Sprintf("INSERT INTO %s (`%s`)", table, strings.Join(schema.Events.ColumnNames(), "`, `"))
}

// insert stores the events as one block, if their attributes fit into one, and
// else as two, in their order, each under a token of its own.
func (s *Sink) insert(ctx context.Context, sql, token string, events []schema.Event, rest map[string]bool) error {
	attributes, err := nativeAttributes(events, rest)
	if errors.Is(err, errTooManyPaths) {
		half := len(events) / 2
		if err := s.insert(ctx, sql, token+" 1/2", events[:half], rest); err != nil {
			return err
		}
		return s.insert(ctx, sql, token+" 2/2", events[half:], rest)
	}
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(settings(token)))
	batch, err := s.conn.PrepareBatch(ctx, sql, driver.WithReleaseConnection())
	if err != nil {
		return fmt.Errorf("prepare insert of %d events: %w", len(events), classify(err))
	}
	defer batch.Close()
	for i, c := range schema.Events.Columns {
		if c.Name == "attributes" {
			if err := fill(batch.Columns()[i], attributes, len(events)); err != nil {
				return err
			}
			continue
		}
		if err := batch.Column(i).Append(values(c.Name, events, rest)); err != nil {
			return fmt.Errorf("write column %s: %w: %w", c.Name, ingest.ErrRejected, err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("insert %d events: %w", len(events), classify(err))
	}
	return nil
}

// values are a column of the events. The leaves of some paths go to the rest.
func values(name string, events []schema.Event, rest map[string]bool) any {
	switch name {
	case "seq":
		return gather(events, func(e *schema.Event) uint64 { return e.Seq })
	case "timestamp":
		return gather(events, func(e *schema.Event) int64 { return int64(e.At) })
	case "seen":
		return gather(events, func(e *schema.Event) int64 { return int64(e.Seen) })
	case "tags":
		return gather(events, func(e *schema.Event) []string { return e.Tags })
	case "rest":
		return gather(events, func(e *schema.Event) []string { return restOf(e, rest) })
	case "raw":
		return gather(events, func(e *schema.Event) string { return e.JSON })
	case "original":
		return gather(events, func(e *schema.Event) string { return e.Original })
	}
	return gather(events, func(e *schema.Event) string { return e.Reserved(name) })
}

func gather[T any](events []schema.Event, of func(*schema.Event) T) []T {
	out := make([]T, len(events))
	for i := range events {
		out[i] = of(&events[i])
	}
	return out
}

// LastSeq implements ingest.Sink. Which event is the last, the index on arrivals knows, so
// that next to nothing is read; for max(seq) the server would read the number of each.
func (s *Sink) LastSeq(ctx context.Context) (uint64, error) {
	var last uint64
	err := s.conn.QueryRow(ctx, "SELECT seq FROM "+schema.Events.Name+" ORDER BY seq DESC LIMIT 1").Scan(&last)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("read the highest arrival number: %w", err)
	}
	return last, nil
}

// refusals are the server's error codes that say: these data, never. Any other
// error may pass, and blaming the data for it would put them aside.
var refusals = map[int32]bool{
	6: true, 26: true, 27: true, 33: true, 38: true, 41: true, 72: true, // CANNOT_PARSE_…
	53:  true, // TYPE_MISMATCH
	69:  true, // ARGUMENT_OUT_OF_BOUND
	70:  true, // CANNOT_CONVERT_TYPE
	117: true, // INCORRECT_DATA
	128: true, // TOO_LARGE_ARRAY_SIZE
	131: true, // TOO_LARGE_STRING_SIZE
	306: true, // TOO_DEEP_RECURSION
	321: true, // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
}

// excesses are the codes that say: not so much at a time.
var excesses = map[int32]bool{
	49:  true, // LOGICAL_ERROR
	159: true, // TIMEOUT_EXCEEDED
	241: true, // MEMORY_LIMIT_EXCEEDED
}

func classify(err error) error {
	var exception *clickhouse.Exception
	switch {
	case !errors.As(err, &exception):
		return err
	case refusals[exception.Code]:
		return fmt.Errorf("%w: %w", ingest.ErrRejected, err)
	case excesses[exception.Code] || strings.Contains(exception.Message, "Too many open files"):
		return fmt.Errorf("%w: %w", ingest.ErrTooMuch, err)
	}
	return err
}

// queryPrefix begins the comments of a token's inserts and of those of its pieces, so
// that they can be ended. (A name of the query would be in use: the driver begins an
// insert twice.)
func queryPrefix(token string) string { return "nightjar-" + token + " " }

// Settle implements ingest.Sink: it ends inserts under the token that may still be
// under way, which is sure once the server knows none, and then looks.
func (s *Sink) Settle(ctx context.Context, token string, first, last uint64) (through uint64, err error) {
	p := clickhouse.Context(ctx, clickhouse.WithParameters(clickhouse.Parameters{"id": queryPrefix(token)}))
	if err := s.conn.Exec(p, "KILL QUERY WHERE startsWith(Settings['log_comment'], {id:String}) AND user = currentUser() SYNC"); err != nil {
		return 0, fmt.Errorf("end an insert: %w", err)
	}
	sql := fmt.Sprintf("SELECT max(seq) FROM %s WHERE seq BETWEEN %d AND %d", schema.Events.Name, first, last)
	if err := s.conn.QueryRow(ctx, sql).Scan(&through); err != nil {
		return 0, fmt.Errorf("look whether a block is stored: %w", err)
	}
	return max(through, first-1), nil
}

// Present implements ingest.Sink.
func (s *Sink) Present(ctx context.Context, first, last uint64) (map[uint64]bool, error) {
	rows, err := s.conn.Query(ctx, fmt.Sprintf("SELECT seq FROM %s WHERE seq BETWEEN %d AND %d", schema.Events.Name, first, last))
	if err != nil {
		return nil, fmt.Errorf("look which events are stored: %w", err)
	}
	defer rows.Close()
	out := map[uint64]bool{}
	for rows.Next() {
		var seq uint64
		if err := rows.Scan(&seq); err != nil {
			return nil, fmt.Errorf("look which events are stored: %w", err)
		}
		out[seq] = true
	}
	return out, rows.Err()
}
