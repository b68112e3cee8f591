package clickhouse

import (
	"context"
	"fmt"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	server "nightjar/clickhouse"
	"nightjar/compiler"
	"nightjar/compiler/search"
	"nightjar/scheduler"
	"nightjar/schema"
)

type events struct{ conn driver.Conn }

// Find runs a match statement over an interval of arrivals.
func (e events) Find(ctx context.Context, st *compiler.MatchStatement, in scheduler.Interval, late time.Duration) ([]scheduler.Found, error) {
	params := server.Params{}
	for name, value := range st.Params.Map() {
		params[name] = value
	}
	params.Uint("from", in.From).Uint("to", in.To).Int("late", late.Milliseconds())
	rows, err := e.conn.Query(params.Context(ctx, ch.WithSettings(search.StatementSettings)), st.SQL)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []scheduler.Found
	for rows.Next() {
		f := scheduler.Found{}
		if err := scanEvent(rows, &f.Event, &f.Filters); err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, rows.Err()
}

// scanEvent reads the columns that MatchStatement and Fetch select, and parses
// the attributes.
func scanEvent(rows driver.Rows, e *schema.Event, more ...any) error {
	var at, seen int64
	var raw string
	into := append([]any{&e.Seq, &at, &seen, &e.Source, &e.Service, &e.Host, &e.Status, &e.Message, &e.Tags, &raw}, more...)
	if err := rows.Scan(into...); err != nil {
		return err
	}
	e.At, e.Seen = schema.Millis(at), schema.Millis(seen)
	if raw == "" {
		return nil
	}
	attributes, err := schema.ParseAttributes(raw)
	if err != nil {
		return fmt.Errorf("event %d: %w", e.Seq, err)
	}
	e.Attributes = attributes
	return nil
}

// Fetch reads events by time and sequence.
func (e events) Fetch(ctx context.Context, refs []compiler.Match) ([]schema.Event, error) {
	var out []schema.Event
	for len(refs) > 0 {
		n := min(len(refs), maxSpans)
		some, err := e.fetch(ctx, refs[:n])
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
		refs = refs[n:]
	}
	return out, nil
}

func (e events) fetch(ctx context.Context, refs []compiler.Match) ([]schema.Event, error) {
	from, to := refs[0].At, refs[0].At
	seqs := make([]uint64, len(refs))
	for i, r := range refs {
		from, to, seqs[i] = min(from, r.At), max(to, r.At), r.Seq
	}
	params := server.Params{}.Int("from", int64(from)).Int("to", int64(to)).Uints("seqs", seqs)
	rows, err := e.conn.Query(params.Context(ctx), `
		SELECT seq, toUnixTimestamp64Milli(timestamp), toUnixTimestamp64Milli(seen), source, service, host, status, message, tags, raw
		FROM events
		PREWHERE seq IN {seqs:Array(UInt64)}
		WHERE timestamp BETWEEN fromUnixTimestamp64Milli({from:Int64}) AND fromUnixTimestamp64Milli({to:Int64})`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []schema.Event
	for rows.Next() {
		var event schema.Event
		if err := scanEvent(rows, &event); err != nil {
			return nil, err
		}
		out = append(out, event)
	}
	return out, rows.Err()
}
