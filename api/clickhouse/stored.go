package clickhouse

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"nightjar/compiler/search"
	"nightjar/schema"
)

// lookTime bounds a look for one event, which may have to look at all.
const lookTime = 2 * time.Second

// StoredSources are the sources that some event has. The table is ordered by them, so that
// each is found by the one before it; where they are many, all events are read instead.
func (l *Logs) StoredSources(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, l.config.Time)
	defer cancel()
	var out []string
	where := ""
	var p search.Params
	for range maxSourcesSteppedOver {
		var next string
		err := l.conn.QueryRow(ch.Context(ctx, ch.WithParameters(p.Map())), "SELECT toString(source) AS s FROM "+schema.Events.Name+where+" ORDER BY source LIMIT 1").Scan(&next)
		if errors.Is(err, sql.ErrNoRows) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list the sources of events: %w", err)
		}
		out = append(out, next)
		p = search.Params{}
		where = " WHERE source > " + p.String(next)
	}
	err := l.conn.QueryRow(ctx, "SELECT groupUniqArray(source) FROM "+schema.Events.Name).Scan(&out)
	if err != nil {
		return nil, fmt.Errorf("list the sources of events: %w", err)
	}
	return out, nil
}

// maxSourcesSteppedOver are as many as are found one by one: a step takes some milliseconds.
const maxSourcesSteppedOver = 100

// HasEvent reports whether the query matches some event. One that takes too long to
// find is an error.
func (l *Logs) HasEvent(ctx context.Context, q *search.Query) (has bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	err = l.compiled(func(p *search.Params) error {
		has = false
		where, err := q.SQL(p)
		if err != nil {
			return err
		}
		settings := l.known.statement(ctx, l.conn)
		settings["max_execution_time"], settings["timeout_overflow_mode"], settings["max_threads"] = lookTime.Seconds(), "throw", 1
		asked := ch.Context(ctx, ch.WithParameters(p.Map()), ch.WithSettings(settings))
		var one uint8
		err = l.conn.QueryRow(asked, "SELECT 1 FROM "+schema.Events.Name+" WHERE "+where+" LIMIT 1").Scan(&one)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		has = err == nil
		return err
	})
	return has, err
}

// Newest are some of the newest events of a source that happened in [from, to), with when
// they arrived and their attributes, and nothing else. The table is ordered by source and
// time, and is read from the end of the range until there are enough.
func (l *Logs) Newest(ctx context.Context, source string, from, to schema.Millis, limit int) ([]schema.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, l.config.Time)
	defer cancel()
	rows, err := l.conn.Query(ch.Context(ctx, ch.WithParameters(ch.Parameters{"source": source})),
		fmt.Sprintf(`SELECT toUnixTimestamp64Milli(seen), raw FROM %s WHERE source = {source:String}
			AND timestamp >= fromUnixTimestamp64Milli(%d, 'UTC') AND timestamp < fromUnixTimestamp64Milli(%d, 'UTC')
			ORDER BY source DESC, timestamp DESC LIMIT %d SETTINGS max_threads = 1`, schema.Events.Name, from, to, limit))
	if err != nil {
		return nil, fmt.Errorf("read the newest events of source %s: %w", source, err)
	}
	defer rows.Close()
	var out []schema.Event
	for rows.Next() {
		var seen int64
		var raw string
		if err := rows.Scan(&seen, &raw); err != nil {
			return nil, err
		}
		e := schema.Event{Source: source, Seen: schema.Millis(seen)}
		if e.Attributes, err = schema.ParseAttributes(raw); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, rows.Err()
}
