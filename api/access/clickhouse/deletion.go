package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/compiler/search"
	"nightjar/schema"
)

// Events deletes events.
//
// They are looked for first, by the search that people use, and deleted by their arrival
// numbers: what a user wrote is never part of the statement that deletes, and what is
// deleted is what was counted. The parts that had them are written anew before Delete
// returns, so that the bytes are in no later backup; the files of the old parts go some
// minutes later.
type Events struct {
	Conn      driver.Conn
	Catalogue *schema.Catalogue
	// Swap is held while a day is written anew; whoever puts another in a day's place
	// holds it too, since else what was deleted would come back.
	Swap *sync.Mutex
}

// found is where the numbers wait of what is to be deleted.
const found = "events_deletion"

// maxTime bounds a statement. It is there to be said: one without a deadline is given up
// when the server has said nothing for some minutes, and it says nothing while it writes a
// day anew.
const maxTime = 24 * time.Hour

// patient is the context of a statement that runs as long as it takes.
func patient(ctx context.Context, params ch.Parameters) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	options := []ch.QueryOption{ch.WithSettings(ch.Settings{"max_threads": 1})}
	if len(params) > 0 {
		options = append(options, ch.WithParameters(params))
	}
	return ch.Context(ctx, options...), cancel
}

// Count is how many stored events the query finds.
func (e Events) Count(ctx context.Context, q *search.Query, from, to schema.Millis) (n uint64, err error) {
	condition, params, err := e.where(q, from, to)
	if err != nil {
		return 0, err
	}
	ctx, cancel := patient(ctx, params)
	defer cancel()
	if err := e.Conn.QueryRow(ctx, "SELECT count() FROM events WHERE "+condition).Scan(&n); err != nil {
		return 0, fmt.Errorf("count the events: %w", err)
	}
	return n, nil
}

// CountSignals is how many signals the query finds. They are not deleted.
func (e Events) CountSignals(ctx context.Context, q *search.Query, from, to schema.Millis) (n uint64, err error) {
	p := search.Params{Shapes: schema.WithoutRest}
	condition, err := q.SQL(&p)
	if err != nil {
		return 0, err
	}
	sql := fmt.Sprintf("SELECT uniqExact(id) FROM signals WHERE (%s) AND timestamp >= fromUnixTimestamp64Milli(%d, 'UTC') AND timestamp < fromUnixTimestamp64Milli(%d, 'UTC')", condition, from, to)
	ctx, cancel := patient(ctx, p.Map())
	defer cancel()
	if err := e.Conn.QueryRow(ctx, sql).Scan(&n); err != nil {
		return 0, fmt.Errorf("count the signals: %w", err)
	}
	return n, nil
}

// Delete deletes the events that the query finds, and says how many. Cut short, it has
// deleted some days of arrival and not others; it can be done again.
func (e Events) Delete(ctx context.Context, q *search.Query, from, to schema.Millis) (n uint64, err error) {
	condition, params, err := e.where(q, from, to)
	if err != nil {
		return 0, err
	}
	for _, sql := range []string{"DROP TABLE IF EXISTS " + found + " SYNC", "CREATE TABLE " + found + " (seq UInt64, day String) ENGINE = MergeTree ORDER BY (day, seq)"} {
		if err := e.exec(ctx, nil, sql); err != nil {
			return 0, err
		}
	}
	defer func() {
		if dropErr := e.exec(context.WithoutCancel(ctx), nil, "DROP TABLE IF EXISTS "+found+" SYNC"); err == nil {
			err = dropErr
		}
	}()
	if err := e.exec(ctx, params, "INSERT INTO "+found+" SELECT seq, _partition_id FROM events WHERE "+condition); err != nil {
		return 0, err
	}
	var days []string
	asked, cancel := patient(ctx, nil)
	defer cancel()
	if err := e.Conn.QueryRow(asked, "SELECT count(), arraySort(groupUniqArray(day)) FROM "+found).Scan(&n, &days); err != nil {
		return 0, fmt.Errorf("count the events: %w", err)
	}
	// First, so that a crash leaves no event that is gone and nobody knows why.
	if err := e.exec(ctx, nil, "INSERT INTO "+schema.DeletedEvents.Name+" SELECT seq FROM "+found); err != nil {
		return 0, err
	}
	for _, day := range days {
		if strings.Trim(day, "0123456789") != "" {
			return 0, errors.New("delete events: a partition has a strange name: " + day)
		}
		sql := fmt.Sprintf("ALTER TABLE events DELETE IN PARTITION ID '%[1]s' WHERE seq IN (SELECT seq FROM %[2]s WHERE day = '%[1]s') SETTINGS mutations_sync = 2", day, found)
		if err := e.rewrite(ctx, sql); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// rewrite writes a day anew. What failed is not tried again by the server, which would do so
// for ever, and let no other deletion of that day pass.
func (e Events) rewrite(ctx context.Context, sql string) error {
	e.Swap.Lock()
	defer e.Swap.Unlock()
	err := e.exec(ctx, nil, sql)
	if err != nil {
		kill := "KILL MUTATION WHERE database = currentDatabase() AND table = 'events' AND position(command, '" + found + "') > 0 SYNC"
		err = errors.Join(err, e.exec(context.WithoutCancel(ctx), nil, kill))
	}
	return err
}

// where is the query and its range as a condition, made for the forms that are stored.
func (e Events) where(q *search.Query, from, to schema.Millis) (string, ch.Parameters, error) {
	shapes, _ := e.Catalogue.Snapshot()
	p := search.Params{Shapes: shapes}
	condition, err := q.SQL(&p)
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("(%s) AND timestamp >= fromUnixTimestamp64Milli(%d, 'UTC') AND timestamp < fromUnixTimestamp64Milli(%d, 'UTC')",
		condition, from, to), p.Map(), nil
}

func (e Events) exec(ctx context.Context, params ch.Parameters, sql string) error {
	ctx, cancel := patient(ctx, params)
	defer cancel()
	if err := e.Conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("delete events: %w", err)
	}
	return nil
}
