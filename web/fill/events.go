package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	ingest "nightjar/ingest/clickhouse"
	"nightjar/schema"
)

// Events are made once and copied to other times: the server then reads the JSON of a
// million of them, and not that of a hundred million. Half a day is written as one part, much
// as merges leave it in the end; written as inserts come, the merges took most of the time.
// A part of a hundred million events takes some two gigabytes while it is written.
const (
	eventsOnce  = 1_000_000
	template    = "fill_events" // is the table that they are copied from
	partsAtOnce = 2
)

// part is a stretch of time within half a day of UTC, and how many events it has.
type part struct {
	from, to    int64 // milliseconds since 1970
	before, num int   // events before it, and in it
}

// parts are those that end with now.
func (of amounts) parts(now time.Time) (out []part) {
	const day, length = 86_400_000, 43_200_000
	end := now.UnixMilli()
	start := end - int64(of.days)*day
	done := 0
	for from := start; from < end; {
		to := min((from/length+1)*length, end)
		through := int(float64(of.events) * float64(to-start) / float64(end-start))
		out = append(out, part{from: from, to: to, before: done, num: through - done})
		from, done = to, through
	}
	return out
}

func fillEvents(ctx context.Context, conn driver.Conn, of amounts) error {
	if of.events == 0 {
		return nil
	}
	once, now := min(of.events, eventsOnce), time.Now()
	run := func(statements ...string) error {
		for _, sql := range statements {
			if err := conn.Exec(ctx, sql); err != nil {
				return err
			}
		}
		return nil
	}
	last := part{from: now.UnixMilli() - catalogued, to: now.UnixMilli(), before: of.events - min(once, catalogued), num: min(once, catalogued)}
	if err := run("DROP TABLE IF EXISTS "+template, "CREATE TABLE "+template+" AS events ENGINE = Memory", templateSQL(once), last.sql(once)); err != nil {
		return err
	}
	if err := ingest.New(conn).Load(ctx); err != nil {
		return err
	}
	of.events = last.before
	if err := run("ALTER TABLE events MODIFY SETTING min_level_for_wide_part = 0"); err != nil {
		return err
	}
	if err := inPairs(of.parts(now), func(p part) error { return run(p.sql(once)) }); err != nil {
		return err
	}
	return run("ALTER TABLE events MODIFY SETTING min_level_for_wide_part = "+schema.Events.AllSettings()["min_level_for_wide_part"], "DROP TABLE "+template)
}

// catalogued are the last events, which are stored first: the forms of all attributes are
// known by them, so that an engine that starts does not read everything.
const catalogued = 1000

// inPairs does something for each part, two of them at once.
func inPairs(all []part, do func(part) error) error {
	var (
		wg    sync.WaitGroup
		next  = make(chan part)
		first error
		once  sync.Once
	)
	for range partsAtOnce {
		wg.Go(func() {
			for p := range next {
				if err := do(p); err != nil {
					once.Do(func() { first = err })
				}
			}
		})
	}
	for _, p := range all {
		next <- p
	}
	close(next)
	wg.Wait()
	return first
}

// templateSQL makes so many events: of 8 sources, the first of which sends most, 20 services,
// 400 hosts, 20,000 people and 65,000 addresses. One in fifty is an error.
func templateSQL(n int) string {
	return fmt.Sprintf(`INSERT INTO %s (seq, source, service, host, status, message, tags, attributes, raw)
		WITH cityHash64(number) AS h, intDiv(h, 1000) AS a, intDiv(h, 1000000) AS b,
			concat('10.0.', toString(b %% 256), '.', toString(intDiv(b, 256) %% 256)) AS ip,
			['GET', 'GET', 'GET', 'POST', 'PUT'][h %% 5 + 1] AS method, multiIf(h %% 50 = 0, 'error', h %% 25 = 1, 'warn', 'info') AS level,
			concat('{"duration":', toString(h %% 1000), ',"evt":{"name":"', ['login', 'read', 'read', 'write', 'list'][a %% 5 + 1], '","outcome":"', if(level = 'error', 'failure', 'success'),
				'"},"http":{"method":"', method, '","status_code":', if(level = 'error', '500', '200'), '},"network":{"client":{"ip":"', ip, '"}},"usr":{"id":"u', toString(a %% 20000), '"}}') AS json
		SELECT number, concat('source', toString(least(h %% 8, a %% 8))), concat('service', toString(a %% 20)), concat('host', toString(b %% 400)), level,
			concat('request ', toString(h %% 100000), if(number = 7, ' needle', ' ok'), ' from ', ip, ' took a while'),
			['env:prod', concat('team:', toString(a %% 5))], json, json
		FROM numbers(%d) SETTINGS max_threads = 2`, template, n)
}

// sql copies events into the part, in one block. The copies of an event are far from each other.
func (p part) sql(once int) string {
	var columns []string
	for _, name := range schema.Events.ColumnNames() {
		switch name {
		case "seq":
			name = fmt.Sprintf("toUInt64(%d + i + 1)", p.before)
		case "timestamp", "seen":
			name = fmt.Sprintf("fromUnixTimestamp64Milli(toInt64(%d + intDiv(i * %d, %d)), 'UTC')", p.from, p.to-p.from, max(1, p.num))
		}
		columns = append(columns, name)
	}
	return fmt.Sprintf(`INSERT INTO events (%s) SELECT %s FROM (SELECT *, seq + %d * copy AS i FROM %s ARRAY JOIN range(%d) AS copy) WHERE i < %d
		SETTINGS max_threads = 1, max_insert_threads = 1, min_insert_block_size_rows = %[6]d, min_insert_block_size_bytes = 0, max_insert_block_size = %[6]d, optimize_on_insert = 1`,
		strings.Join(schema.Events.ColumnNames(), ", "), strings.Join(columns, ", "), once, template, (p.num+once-1)/once, max(1, p.num))
}
