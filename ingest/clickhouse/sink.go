package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"strings"
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
	unmarked  atomic.Int64 // events inserted since the last mark
}

// New is a Sink over this connection, into the connection's database. Run Load
// once beside it, or its catalogue stays empty-handed.
func New(conn driver.Conn) *Sink {
	names := schema.Events.ColumnNames()
	return &Sink{conn: conn, sql: fmt.Sprintf("INSERT INTO %s (`%s`)", schema.Events.Name, strings.Join(names, "`, `"))}
}

// settings of every insert. The block arrives whole and stays whole: the server
// squashes it with nothing and cuts it nowhere, so one token covers it.
func settings(token string) clickhouse.Settings {
	return clickhouse.Settings{
		"insert_deduplicate":          1,
		"insert_deduplication_token":  token,
		"async_insert":                0,
		"min_insert_block_size_rows":  0,
		"min_insert_block_size_bytes": 0,
		"max_insert_block_size":       1 << 30,
	}
}

// Insert implements ingest.Sink. When it returns, and before anybody can read
// one of the events, the catalogue has the forms of their attributes.
func (s *Sink) Insert(ctx context.Context, token string, events []schema.Event) error {
	if len(events) == 0 {
		return nil
	}
	if err := s.catalogueEvents(ctx, events); err != nil {
		return err
	}
	if err := s.insert(ctx, token, events); err != nil {
		return err
	}
	if s.unmarked.Add(int64(len(events))) >= markEvery && s.catalogue.IsComplete() {
		s.unmarked.Store(0)
		_ = s.mark(ctx, events[len(events)-1].Seq) // the next one will do, or the next start
	}
	return nil
}

// insert stores the events as one block, if their attributes fit into one, and
// else as two, each under a token of its own. The same events are always cut in
// the same place.
func (s *Sink) insert(ctx context.Context, token string, events []schema.Event) error {
	attributes, err := nativeAttributes(events)
	if errors.Is(err, errTooManyPaths) {
		half := len(events) / 2
		if err := s.insert(ctx, token+" 1/2", events[:half]); err != nil {
			return err
		}
		return s.insert(ctx, token+" 2/2", events[half:])
	}
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(settings(token)))
	batch, err := s.conn.PrepareBatch(ctx, s.sql, driver.WithReleaseConnection())
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
		if err := batch.Column(i).Append(values(c.Name, events)); err != nil {
			return fmt.Errorf("write column %s: %w: %w", c.Name, ingest.ErrRejected, err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("insert %d events: %w", len(events), classify(err))
	}
	return nil
}

// values are a column of the events.
func values(name string, events []schema.Event) any {
	switch name {
	case "seq":
		return gather(events, func(e *schema.Event) uint64 { return e.Seq })
	case "timestamp":
		return gather(events, func(e *schema.Event) int64 { return int64(e.At) })
	case "seen":
		return gather(events, func(e *schema.Event) int64 { return int64(e.Seen) })
	case "tags":
		return gather(events, func(e *schema.Event) []string { return e.Tags })
	case "raw":
		return gather(events, func(e *schema.Event) string { return e.JSON })
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

// LastSeq implements ingest.Sink.
func (s *Sink) LastSeq(ctx context.Context) (uint64, error) {
	var last uint64
	if err := s.conn.QueryRow(ctx, "SELECT max(seq) FROM "+schema.Events.Name).Scan(&last); err != nil {
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

func classify(err error) error {
	var exception *clickhouse.Exception
	if errors.As(err, &exception) && refusals[exception.Code] {
		return fmt.Errorf("%w: %w", ingest.ErrRejected, err)
	}
	return err
}
