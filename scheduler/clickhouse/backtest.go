package clickhouse

import (
	"context"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	server "nightjar/clickhouse"
	"nightjar/compiler"
	"nightjar/compiler/search"
	"nightjar/scheduler"
	"nightjar/scheduler/backtest"
	"nightjar/schema"
)

type scanner struct{ conn driver.Conn }

// Scanner reads stored events for backtests.
func (s *Store) Scanner() scheduler.Scanner { return scanner{s.conn} }

// Oldest is when the first of the stored events arrived, schema.MaxMillis when
// there are none. The partitions know.
func (s *Store) Oldest(ctx context.Context) (schema.Millis, error) {
	var oldest int64
	var stored uint64
	if err := s.conn.QueryRow(ctx, "SELECT toUnixTimestamp64Milli(min(seen)), count() FROM events").Scan(&oldest, &stored); err != nil || stored == 0 {
		return schema.MaxMillis, err
	}
	return schema.Millis(oldest), nil
}

// Scan hands over the rows of a scan. When ctx or use fails, the query ends.
func (s scanner) Scan(ctx context.Context, st *compiler.ScanStatement, in scheduler.TimeSpan, arrived scheduler.Interval, use func(*compiler.Scanned) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // before the rows are closed, which would read the rest of them
	params := server.Params{}
	for name, value := range st.Params.Map() {
		params[name] = value
	}
	params.Int("from", int64(in.From)).Int("to", int64(in.To)).Uint("after", arrived.From).Uint("through", arrived.To)
	rows, err := s.conn.Query(params.Context(ctx, ch.WithSettings(search.StatementSettings)), st.SQL)
	if err != nil {
		return err
	}
	defer func() {
		cancel()
		rows.Close()
	}()
	for rows.Next() {
		var row compiler.Scanned
		if st.Whole {
			err = scanEvent(rows, &row.Event, &row.Filters)
		} else {
			err = rows.Scan(&row.Filters, &row.Values, &row.Tags, &row.Ats, &row.Seqs)
		}
		if err != nil {
			return err
		}
		if err := use(&row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// FirstSince is the first arrival at or after a moment; 0 when there is none.
func (s scanner) FirstSince(ctx context.Context, seen schema.Millis) (uint64, error) {
	params := server.Params{}.Int("seen", int64(max(seen, schema.MinMillis)))
	var seq uint64
	err := s.conn.QueryRow(params.Context(ctx), `SELECT min(seq) FROM events WHERE seen >= fromUnixTimestamp64Milli({seen:Int64})`).Scan(&seq)
	return seq, err
}

// Results keeps what historical jobs found.
func (s *Store) Results() backtest.Results {
	return results{signals{s.conn, schema.HistoricalSignals}}
}

type results struct{ signals }

// Publish stores results, also those that were stored before and dropped: the server would
// take these for a block that it has (TestAJobThatIsRunAgainHasItsResults). It takes the
// token for the block; of insert_deduplicate it asks replicated tables only.
func (r results) Publish(ctx context.Context, list []scheduler.Published) error {
	return insertWith(ctx, r.conn, ch.Settings{"insert_deduplication_token": uuid.NewString()}, r.table, len(list), signalRows(list))
}

// Drop forgets the results of a job.
func (r results) Drop(ctx context.Context, ruleKey string) error {
	ctx = server.Params{}.String("rule", ruleKey).Context(ctx)
	return r.conn.Exec(ctx, "DELETE FROM "+r.table.Name+" WHERE rule_key = {rule:String}")
}
