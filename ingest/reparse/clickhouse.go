package reparse

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/compiler/search"
	"nightjar/schema"
)

// staging is the table in which a day is made anew.
const staging = "events_reparse"

// perBlock is how many events are read again and inserted at a time.
const perBlock = 20_000

// Sink inserts events. *clickhouse.Sink of package ingest implements it.
type Sink interface {
	InsertInto(ctx context.Context, table, token string, events []schema.Event) error
	Catalogue() *schema.Catalogue
}

// Intake holds still what goes into the table of events. *ingest.Intake implements it.
type Intake interface {
	Hold(ctx context.Context, do func(context.Context) error) error
}

// Events is a Rewriter of the table of events.
//
// A day of arrival is a partition. It is made anew in a table beside, of the events that
// are read again and of the others as they are, and replaces the old one in one
// step, while nothing is inserted.
type Events struct {
	Conn   driver.Conn
	Sink   Sink
	Intake Intake
	// Swap is held while a rebuilt day replaces the stored one; nil: nothing else
	// replaces days.
	Swap *sync.Mutex
	// Read reads an event again.
	Read func(*schema.Event) (schema.Event, error)
	Log  *slog.Logger
}

// settings let a statement run as long as it takes, at what people's queries have.
func settings() ch.Settings { return ch.Settings{"max_execution_time": 0, "max_threads": 1} }

// where is the query and its range as a condition, made for the forms that are stored.
func (e *Events) where(q *search.Query, from, to schema.Millis) (string, ch.Parameters, error) {
	shapes, _ := e.Sink.Catalogue().Snapshot()
	p := search.Params{Shapes: shapes}
	condition, err := q.SQL(&p)
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("(%s) AND timestamp >= fromUnixTimestamp64Milli(%d, 'UTC') AND timestamp < fromUnixTimestamp64Milli(%d, 'UTC')",
		condition, from, to), p.Map(), nil
}

// Days implements Rewriter.
func (e *Events) Days(ctx context.Context, q *search.Query, from, to schema.Millis) (days []string, err error) {
	condition, params, err := e.where(q, from, to)
	if err != nil {
		return nil, err
	}
	ctx = ch.Context(ctx, ch.WithParameters(params), ch.WithSettings(settings()))
	err = e.Conn.QueryRow(ctx, "SELECT arraySort(groupUniqArray(formatDateTime(seen, '%Y%m%d'))) FROM "+schema.Events.Name+" WHERE "+condition).Scan(&days)
	return days, err
}

// errMoved says that a day is no more what was copied: the day is begun anew.
var errMoved = errors.New("the day changed while it was read")

// Rewrite implements Rewriter.
func (e *Events) Rewrite(ctx context.Context, day string, q *search.Query, from, to schema.Millis) (counts Counts, err error) {
	for range 3 {
		if counts, err = e.rewrite(ctx, day, q, from, to); !errors.Is(err, errMoved) {
			break
		}
	}
	if dropErr := e.exec(context.WithoutCancel(ctx), "DROP TABLE IF EXISTS "+staging+" SYNC"); err == nil && dropErr != nil {
		e.Log.Warn("cannot drop the table in which a day was made anew", "error", dropErr) // the next day does
	}
	return counts, err
}

func (e *Events) rewrite(ctx context.Context, day string, q *search.Query, from, to schema.Millis) (Counts, error) {
	for _, sql := range []string{"DROP TABLE IF EXISTS " + staging + " SYNC", "CREATE TABLE " + staging + " AS " + schema.Events.Name} {
		if err := e.exec(ctx, sql); err != nil {
			return Counts{}, err
		}
	}
	counts, err := e.reread(ctx, day, q, from, to)
	if err != nil {
		return counts, err
	}
	// Most of the rest while events come in, and what came meanwhile while none does.
	if err := e.copyRest(ctx, day); err != nil {
		return counts, err
	}
	if e.Swap != nil {
		e.Swap.Lock()
		defer e.Swap.Unlock()
	}
	return counts, e.Intake.Hold(ctx, func(ctx context.Context) error {
		if err := e.copyRest(ctx, day); err != nil {
			return err
		}
		var old, made uint64
		sql := fmt.Sprintf("SELECT (SELECT count() FROM %s WHERE %s), (SELECT count() FROM %s)", schema.Events.Name, ofDay(day), staging)
		if err := e.Conn.QueryRow(ctx, sql).Scan(&old, &made); err != nil {
			return err
		}
		if old != made { // retention took it
			return fmt.Errorf("%w: it has %d events, and %d are in its place", errMoved, old, made)
		}
		if made == 0 {
			return nil // and an empty day replaces none
		}
		return e.exec(ctx, fmt.Sprintf("ALTER TABLE %s REPLACE PARTITION ID '%s' FROM %s", schema.Events.Name, day, staging))
	})
}

func ofDay(day string) string { return "_partition_id = '" + day + "'" }

func (e *Events) exec(ctx context.Context, sql string) error {
	if err := e.Conn.Exec(ch.Context(ctx, ch.WithSettings(settings())), sql); err != nil {
		return fmt.Errorf("%.60s…: %w", sql, err)
	}
	return nil
}

// copyRest adds the events of a day that are not there yet, as they are.
func (e *Events) copyRest(ctx context.Context, day string) error {
	there, err := e.pieces(ctx, schema.Events.Name, ofDay(day))
	if err != nil {
		return err
	}
	made, err := e.pieces(ctx, staging, "1")
	if err != nil {
		return err
	}
	for _, piece := range slices.Sorted(maps.Keys(there)) {
		if there[piece] == made[piece] {
			continue
		}
		within := fmt.Sprintf("seq >= %d AND seq < %d", piece*perPiece, (piece+1)*perPiece)
		if err := e.exec(ctx, fmt.Sprintf("INSERT INTO %[1]s SELECT * FROM %[2]s WHERE %[3]s AND %[4]s AND seq NOT IN (SELECT seq FROM %[1]s WHERE %[4]s) SETTINGS insert_deduplicate = 0, max_insert_threads = 1",
			staging, schema.Events.Name, ofDay(day), within)); err != nil {
			return err
		}
	}
	return nil
}

// perPiece is of how many arrival numbers the server remembers at a time which are there.
const perPiece = 2_000_000

// pieces are how many events a table has, by piece of arrival numbers.
func (e *Events) pieces(ctx context.Context, table, where string) (map[uint64]uint64, error) {
	out := map[uint64]uint64{}
	rows, err := e.Conn.Query(ch.Context(ctx, ch.WithSettings(settings())),
		fmt.Sprintf("SELECT intDiv(seq, %d) AS piece, count() FROM %s WHERE %s GROUP BY piece", perPiece, table, where))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var piece, n uint64
		if err := rows.Scan(&piece, &n); err != nil {
			return nil, err
		}
		out[piece] = n
	}
	return out, rows.Err()
}

// reread puts the events of the query into the table, read again.
func (e *Events) reread(ctx context.Context, day string, q *search.Query, from, to schema.Millis) (counts Counts, err error) {
	condition, params, err := e.where(q, from, to)
	if err != nil {
		return counts, err
	}
	rows, err := e.Conn.Query(ch.Context(ctx, ch.WithParameters(params), ch.WithSettings(settings())),
		fmt.Sprintf(`SELECT seq, toUnixTimestamp64Milli(timestamp), toUnixTimestamp64Milli(seen), source, service, host, status, message,
			CAST(tags, 'Array(String)'), raw, original FROM %s WHERE %s AND %s`, schema.Events.Name, ofDay(day), condition))
	if err != nil {
		return counts, err
	}
	defer rows.Close()
	block := make([]schema.Event, 0, perBlock)
	flush := func() error {
		if len(block) == 0 {
			return nil
		}
		err := e.Sink.InsertInto(ctx, staging, fmt.Sprint("reparse ", day, " ", counts.Read), block)
		block = block[:0]
		return err
	}
	for rows.Next() {
		old, err := scan(rows)
		if err != nil {
			return counts, err
		}
		block = append(block, e.again(&old, &counts))
		if len(block) == perBlock {
			if err := flush(); err != nil {
				return counts, err
			}
		}
	}
	if err := rows.Err(); err != nil {
		return counts, err
	}
	return counts, flush()
}

func scan(rows driver.Rows) (e schema.Event, err error) {
	var at, seen int64
	var raw string
	if err := rows.Scan(&e.Seq, &at, &seen, &e.Source, &e.Service, &e.Host, &e.Status, &e.Message, &e.Tags, &raw, &e.Original); err != nil {
		return e, err
	}
	e.At, e.Seen = schema.Millis(at), schema.Millis(seen)
	e.Attributes, err = schema.ParseAttributes(raw)
	return e, err
}

// again is the event, read again; as it was, where it can't be.
func (e *Events) again(old *schema.Event, counts *Counts) schema.Event {
	counts.Read++
	made, err := e.Read(old)
	if err != nil {
		if counts.Failed++; counts.Failed == 1 {
			e.Log.Warn("a stored event can't be read again, and stays as it was", "event", old.ID(), "error", err)
		}
		return *old
	}
	if made.JSON != old.JSON || made.At != old.At || made.Source != old.Source || made.Service != old.Service || made.Host != old.Host ||
		made.Status != old.Status || made.Message != old.Message || made.Original != old.Original || !slices.Equal(made.Tags, old.Tags) {
		counts.Changed++
	}
	return made
}
