package clickhouse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/api"
	"nightjar/api/services/events"
	"nightjar/compiler/search"
	"nightjar/schema"
)

// Logs reads the table of events.
type Logs struct {
	conn   driver.Conn
	config LogsConfig

	known knownSettings
}

// LogsConfig says what one call may take. A zero field has its default.
type LogsConfig struct {
	Time   time.Duration
	Memory int64 // bytes, of one statement
	// Catalogue knows the forms of what is stored; without it, every form is
	// looked for.
	Catalogue *schema.Catalogue
}

// NewLogs reads over conn.
func NewLogs(conn driver.Conn, config LogsConfig) *Logs {
	config.Time = cmp.Or(config.Time, 30*time.Second)
	config.Memory = cmp.Or(config.Memory, 2<<30)
	if config.Catalogue == nil {
		config.Catalogue = &schema.Catalogue{} // knows nothing
	}
	return &Logs{conn: conn, config: config}
}

// compiled runs a statement that is made for the forms that are stored. When a
// new one was stored meanwhile, it may have been overlooked, so it is run again,
// and if that keeps happening, for any form.
func (l *Logs) compiled(run func(p *search.Params) error) error {
	for range 2 {
		shapes, version := l.config.Catalogue.Snapshot()
		if err := run(&search.Params{Shapes: shapes}); err != nil || l.config.Catalogue.Version() == version {
			return err
		}
	}
	return run(&search.Params{})
}

const logColumns = "seq, toUnixTimestamp64Milli(timestamp), toUnixTimestamp64Milli(seen), source, service, host, status, message, CAST(tags, 'Array(String)'), raw"

// SearchLogs implements api.Logs.
//
// The table is ordered by source and time, so a page in the order of time has
// to look at every row of its range. It therefore looks at a narrow range first,
// at the end where the page begins, and goes on with wider ones until the page is
// full: a search that matches often is answered from a few granules, and one that
// matches hardly ever costs a handful of statements more than it must. What that takes does
// not depend on how long the range is.
func (l *Logs) SearchLogs(ctx context.Context, asked events.LogSearch) (events.LogPage, error) {
	w, err := l.newWalk(ctx, asked)
	if err != nil {
		return events.LogPage{}, err
	}
	defer w.cancel()
	for !w.done() {
		if asked.Within > 0 && w.moved && time.Since(w.began) >= asked.Within {
			return w.page(cutOff), nil
		}
		if err := w.step(); err != nil {
			if ctx.Err() == nil && ranOut(err) && w.moved {
				return w.page(cutOff), nil
			}
			return events.LogPage{}, fmt.Errorf("search events: %w", searchError(ctx, err))
		}
	}
	return w.page(complete), nil
}

// walk goes through the range of a search, from the end where its order begins.
type walk struct {
	logs   *Logs
	ctx    context.Context
	cancel context.CancelFunc
	asked  events.LogSearch

	began     time.Time
	low, high schema.Millis // what is not searched yet: [low, high)
	first     schema.Millis // what it was before the first step: [first, last)
	last      schema.Millis
	width     schema.Millis // of the next step
	jumped    bool          // to the nearest event
	moved     bool          // a step was made
	found     []schema.Event
}

// firstWidth is the width of the first step.
const firstWidth = schema.Millis(60_000)

// widened is the width of the step after one of the width that found so many and lacks
// others. Where it found some, the next is as wide as promises the rest, and a bit wider,
// for few say little of how many there are; else it is much wider where the last was quick,
// for there was little to look at, and not so much where it was not.
func widened(width schema.Millis, took time.Duration, found, lacking int) schema.Millis {
	factor := 3.0
	switch {
	case took < 50*time.Millisecond:
		factor = 64
	case took < 250*time.Millisecond:
		factor = 8
	}
	if n := float64(found); found > 0 {
		factor = min(max(factor, 8), float64(lacking)/n*(1+2/math.Sqrt(n)))
	}
	return min(max(firstWidth, schema.Millis(float64(width)*factor)), schema.MaxMillis-schema.MinMillis)
}

func (l *Logs) newWalk(ctx context.Context, asked events.LogSearch) (*walk, error) {
	if _, err := asked.Query.SQL(&search.Params{}); err != nil {
		return nil, queryError(err)
	}
	w := &walk{logs: l, asked: asked, low: asked.From, high: asked.To, width: firstWidth}
	if c := asked.After; c != nil && asked.Ascending {
		w.low = max(w.low, c.At)
	} else if c != nil {
		w.high = min(w.high, c.At+1)
	}
	w.began, w.first, w.last = time.Now(), w.low, w.high
	w.ctx, w.cancel = context.WithTimeout(ctx, l.config.Time+grace)
	return w, nil
}

// grace is how long a server may take to notice that the time is over.
const grace = 2 * time.Second

func (w *walk) done() bool { return w.low >= w.high || len(w.found) >= w.asked.Limit }

// step searches the next part of the range.
func (w *walk) step() error {
	from, to := w.next(w.width)
	n, start := len(w.found), time.Now()
	if err := w.read(from, to); err != nil {
		return err
	}
	w.moved = true
	w.width = widened(to-from, time.Since(start), len(w.found)-n, w.asked.Limit-len(w.found))
	w.leave(from, to)
	api.ReadingOf(w.ctx).Done(1 - float64(w.high-w.low)/float64(max(w.last-w.first, 1)))
	if len(w.found) > n || w.jumped || w.done() {
		return nil
	}
	return w.jump()
}

// next is the next stretch of what is not searched, at most so wide.
func (w *walk) next(width schema.Millis) (from, to schema.Millis) {
	if w.asked.Ascending {
		return w.low, min(w.high, w.low+width)
	}
	return max(w.low, w.high-width), w.high
}

// leave has a stretch behind it that next gave.
func (w *walk) leave(from, to schema.Millis) {
	if w.asked.Ascending {
		w.low = to
	} else {
		w.high = from
	}
}

// jump goes over the time in which there is no event at all. Where the range begins before
// (or, of the newest first, after) all events, the index on time knows the nearest. Within
// them the server would read the time of each, so the nearest is looked for in wider and
// wider stretches, and in the half of the one that has it, until that is narrow.
func (w *walk) jump() error {
	w.jumped, w.width = true, firstWidth
	nearest, found, err := w.logs.first(w.ctx, &search.Params{}, "", w.asked.Ascending)
	switch {
	case err != nil:
		return err
	case !found || w.asked.Ascending && nearest >= w.high || !w.asked.Ascending && nearest < w.low:
		w.low = w.high
		return nil
	case nearest >= w.low && nearest < w.high:
		w.stand(nearest)
		return nil
	}
	return w.overGap()
}

// overGap goes to the nearest event, which lies between others.
func (w *walk) overGap() error {
	for width := widestRead; !w.done(); width *= 8 {
		from, to := w.next(width)
		has, err := w.hasEvent(from, to)
		if err != nil {
			return err
		}
		if has {
			return w.narrow(from, to)
		}
		w.leave(from, to)
	}
	return nil
}

// widestRead is how wide a stretch may be whose times are read, all of them.
const widestRead = 30 * firstWidth

// narrow goes to the nearest event of a stretch that next gave and that has one.
func (w *walk) narrow(from, to schema.Millis) error {
	for to-from > widestRead {
		near, far := w.next((to - from) / 2)
		has, err := w.hasEvent(near, far)
		if err != nil {
			return err
		}
		if has {
			from, to = near, far
			continue
		}
		w.leave(near, far)
		if w.asked.Ascending {
			from = w.low
		} else {
			to = w.high
		}
	}
	var p search.Params
	nearest, found, err := w.logs.first(w.ctx, &p, " WHERE "+between(&p, from, to), w.asked.Ascending)
	if err == nil && found {
		w.stand(nearest)
	}
	return err
}

// hasEvent reports whether some event happened in [from, to).
func (w *walk) hasEvent(from, to schema.Millis) (has bool, err error) {
	var p search.Params
	rows, err := w.logs.query(w.ctx, &p, beforeReading, "SELECT 1 FROM events WHERE "+between(&p, from, to)+" LIMIT 1")
	if err != nil {
		return false, err
	}
	defer rows.Close()
	for rows.Next() {
		has = true
	}
	return has, rows.Err()
}

// first is when the first event in the order of time happened, or the last, of those that
// the condition selects. Of all events the index on time knows it, and next to nothing is read.
func (l *Logs) first(ctx context.Context, p *search.Params, where string, ascending bool) (at schema.Millis, found bool, err error) {
	order := " DESC"
	if ascending {
		order = ""
	}
	rows, err := l.query(ctx, p, whileReading, "SELECT toUnixTimestamp64Milli(timestamp) FROM events"+where+" ORDER BY timestamp"+order+" LIMIT 1")
	if err != nil {
		return 0, false, err
	}
	defer rows.Close()
	var millis int64
	for rows.Next() {
		if err := rows.Scan(&millis); err != nil {
			return 0, false, fmt.Errorf("scan time: %w", err)
		}
		found = true
	}
	return schema.Millis(millis), found, rows.Err()
}

// stand goes to an event.
func (w *walk) stand(at schema.Millis) {
	if w.asked.Ascending {
		w.low = at
	} else {
		w.high = at + 1 // the range ends before its end
	}
}

// read adds what matches in a part of the range.
func (w *walk) read(from, to schema.Millis) error {
	var part []schema.Event
	err := w.logs.compiled(func(p *search.Params) error {
		sql, err := pageSQL(p, w.asked, from, to, w.asked.Limit-len(w.found))
		if err != nil {
			return err
		}
		rows, err := w.logs.query(w.ctx, p, beforeReading, sql)
		if err != nil {
			return err
		}
		defer rows.Close()
		part, err = scanEvents(rows)
		return err
	})
	w.found = append(w.found, part...)
	return err
}

func scanEvents(rows driver.Rows) (events []schema.Event, err error) {
	for rows.Next() {
		var e schema.Event
		var at, seen int64
		if err := rows.Scan(&e.Seq, &at, &seen, &e.Source, &e.Service, &e.Host, &e.Status, &e.Message, &e.Tags, &e.JSON, &e.Original); err != nil {
			return nil, fmt.Errorf("scan event: %w", err)
		}
		e.At, e.Seen = schema.Millis(at), schema.Millis(seen)
		events = append(events, e)
	}
	return events, rows.Err()
}

// Log implements api.Logs.
func (l *Logs) Log(ctx context.Context, at schema.Millis, seq uint64) (schema.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, l.config.Time+grace)
	defer cancel()
	p := &search.Params{}
	sql := fmt.Sprintf("SELECT %s, original FROM events WHERE timestamp = %s AND seq = toUInt64(%s) LIMIT 1", logColumns, moment(p, at), p.String(fmt.Sprint(seq)))
	rows, err := l.query(ctx, p, beforeReading, sql)
	if err != nil {
		return schema.Event{}, fmt.Errorf("read an event: %w", err)
	}
	defer rows.Close()
	events, err := scanEvents(rows)
	if err == nil && len(events) == 0 {
		err = &schema.NotFoundError{Kind: "event", ID: schema.EventID(at, seq)}
	}
	if err != nil {
		return schema.Event{}, err
	}
	return events[0], nil
}

func pageSQL(p *search.Params, asked events.LogSearch, from, to schema.Millis, limit int) (string, error) {
	predicate, err := asked.Query.SQL(p)
	if err != nil {
		return "", queryError(err)
	}
	order, after := "timestamp DESC, seq DESC", "<"
	if asked.Ascending {
		order, after = "timestamp, seq", ">"
	}
	where := between(p, from, to) + " AND " + predicate
	if c := asked.After; c != nil {
		where += fmt.Sprintf(" AND (timestamp, seq) %s (%s, toUInt64(%s))", after, moment(p, c.At), p.String(fmt.Sprint(c.Seq)))
	}
	original := "''"
	if asked.Raw {
		original = "original"
	}
	return fmt.Sprintf("SELECT %s, %s FROM events WHERE %s ORDER BY %s LIMIT %d", logColumns, original, where, order, limit), nil
}

// between tells whether an event happened in [from, to).
func between(p *search.Params, from, to schema.Millis) string {
	return "timestamp >= " + moment(p, from) + " AND timestamp < " + moment(p, to)
}

// indexUse is when skipping indexes are asked.
type indexUse bool

const (
	whileReading  indexUse = false
	beforeReading indexUse = true
)

// query runs a statement in what is left of the time.
func (l *Logs) query(ctx context.Context, p *search.Params, use indexUse, sql string) (driver.Rows, error) {
	settings, err := l.settings(ctx)
	if err != nil {
		return nil, err
	}
	if use == whileReading {
		delete(settings, indexesWhileReading)
	}
	return l.conn.Query(progressing(ctx, ch.WithParameters(p.Map()), ch.WithSettings(settings)), sql)
}

// settings are those of a statement that may take what is left of the time.
func (l *Logs) settings(ctx context.Context) (ch.Settings, error) {
	left := l.config.Time
	if deadline, ok := ctx.Deadline(); ok {
		left = time.Until(deadline) - grace
	}
	if left <= 0 {
		return nil, context.DeadlineExceeded
	}
	settings := l.known.statement(ctx, l.conn)
	settings["max_execution_time"] = math.Ceil(left.Seconds())
	settings["timeout_overflow_mode"] = "throw"
	settings["max_memory_usage"] = l.config.Memory
	return settings, nil
}

// How a page ended.
const (
	complete = false
	cutOff   = true // the time ran out
)

// page is what was found. One that was cut off goes on where the walk stands.
func (w *walk) page(cut bool) events.LogPage {
	out := events.LogPage{Events: w.found, Cut: cut, From: w.high, To: w.last}
	if w.asked.Ascending {
		out.From, out.To = w.first, w.low
	}
	switch n := len(w.found); {
	case cut && w.asked.Ascending:
		out.Next = &events.LogCursor{At: w.low - 1, Seq: math.MaxUint64}
	case cut:
		out.Next = &events.LogCursor{At: w.high}
	case n > 0:
		out.Next = &events.LogCursor{At: w.found[n-1].At, Seq: w.found[n-1].Seq}
	}
	return out
}

// ranOut tells whether the time was over.
func ranOut(err error) bool {
	var said *ch.Exception
	if errors.As(err, &said) {
		return said.Code == timeoutExceeded || said.Code == tooSlow
	}
	return errors.Is(err, context.DeadlineExceeded)
}

// Codes of the server.
const (
	timeoutExceeded = 159
	tooSlow         = 160
	memoryExceeded  = 241
	tooManyQueries  = 202
)

// searchError says which limit a search met.
func searchError(ctx context.Context, err error) error {
	var said *ch.Exception
	switch {
	case ctx.Err() == nil && ranOut(err):
		return &api.RefusedError{Message: "the search took longer than it may; narrow it, by time first"}
	case !errors.As(err, &said):
		return connError(ctx, err)
	case said.Code == memoryExceeded:
		return &api.RefusedError{Message: "the search needs more memory than it may use; narrow it, by time first"}
	case said.Code == tooManyQueries:
		return &api.RefusedError{Message: "too many queries are running; try again"}
	}
	return err
}

// ExplainLogs implements api.Logs: the statement over all of the range.
func (l *Logs) ExplainLogs(ctx context.Context, asked events.LogSearch) (events.LogExplanation, error) {
	shapes, _ := l.config.Catalogue.Snapshot()
	p := search.Params{Shapes: shapes}
	sql, err := pageSQL(&p, asked, asked.From, asked.To, asked.Limit)
	if err != nil {
		return events.LogExplanation{}, err
	}
	plan, err := l.plan(ctx, &p, sql)
	if err != nil {
		return events.LogExplanation{}, fmt.Errorf("explain asked: %w", searchError(ctx, err))
	}
	indexes, err := indexUses(plan)
	return events.LogExplanation{SQL: sql, Params: p.Map(), Indexes: indexes}, err
}

// plan is the server's, as JSON.
func (l *Logs) plan(ctx context.Context, p *search.Params, sql string) (string, error) {
	rows, err := l.query(ctx, p, beforeReading, "EXPLAIN json = 1, indexes = 1 "+sql)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return "", fmt.Errorf("scan plan: %w", err)
		}
		plan.WriteString(line)
	}
	return plan.String(), rows.Err()
}
