package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/api/services/events"
	"nightjar/compiler/search"
	"nightjar/schema"
)

// AggregateLogs implements api.Logs.
//
// The groups of each facet are chosen within the groups of those before it: a
// statement a facet, each confined to what the one before it kept. The last of
// them computes the numbers, and one more for each interval the series.
func (l *Logs) AggregateLogs(ctx context.Context, a events.LogAggregation) ([]events.LogBucket, error) {
	ctx, cancel := context.WithTimeout(ctx, l.config.Time+grace)
	defer cancel()
	g := &aggregator{logs: l, ctx: ctx, a: a}
	kept, err := g.groups()
	if err == nil && len(kept) > 0 {
		err = g.series(kept)
	}
	if err != nil {
		return nil, fmt.Errorf("aggregate events: %w", searchError(ctx, err))
	}
	return g.named(kept), nil
}

type aggregator struct {
	logs *Logs
	ctx  context.Context
	a    events.LogAggregation
}

// totalMark is the value of the group of all events. It is no UTF-8, so no event
// has it.
const totalMark = "\xff"

// groups are the groups that are kept, with their numbers, in order.
func (g *aggregator) groups() ([]events.LogBucket, error) {
	kept := []events.LogBucket{{}} // the one group of no facets
	facets := len(g.a.Groups)
	for depth := min(1, facets); depth <= facets; depth++ {
		found, err := g.stage(depth, kept)
		if err != nil || len(found) == 0 {
			return nil, err
		}
		kept = inOrderOf(kept, found)
	}
	return kept, nil
}

// inOrderOf puts the groups in the order of those they are within, and totals
// behind their like. Within one, the server has put them in order.
func inOrderOf(outer, found []events.LogBucket) []events.LogBucket {
	rank := map[string]int{}
	for i, b := range outer {
		rank[pathOf(b.By)] = i
	}
	slices.SortStableFunc(found, func(a, b events.LogBucket) int {
		if n := len(a.By) - 1; n >= 0 {
			if order := rank[pathOf(a.By[:n])] - rank[pathOf(b.By[:n])]; order != 0 {
				return order
			}
			switch aTotal, bTotal := a.By[n] == totalMark, b.By[n] == totalMark; {
			case aTotal && !bTotal:
				return 1
			case bTotal && !aTotal:
				return -1
			}
		}
		return 0
	})
	return found
}

// pathOf is equal for equal lists only.
func pathOf(texts []string) string { return fmt.Sprintf("%q", texts) }

// stage reads the groups of the first facets, within those that are kept. The
// last stage computes.
func (g *aggregator) stage(depth int, kept []events.LogBucket) (found []events.LogBucket, err error) {
	err = g.logs.compiled(func(p *search.Params) error {
		found, err = g.stageOnce(p, depth, kept)
		return err
	})
	return found, err
}

func (g *aggregator) stageOnce(p *search.Params, depth int, kept []events.LogBucket) ([]events.LogBucket, error) {
	last := depth == len(g.a.Groups)
	s := &statement{p: p}
	if err := s.begin(g.a, depth, kept); err != nil {
		return nil, err
	}
	columns := s.names(depth)
	for _, c := range g.a.Computes {
		if last && c.Interval == 0 {
			columns = append(columns, s.compute(c))
		}
	}
	columns = append(columns, "count()")
	grouped := ""
	if depth > 0 {
		grouped = " GROUP BY " + strings.Join(s.names(depth), ", ") + s.order(g.a.Groups[depth-1], depth)
	}
	return g.read(s, "SELECT "+strings.Join(columns, ", ")+s.from()+grouped, depth)
}

// read reads the rows of a stage: the group, its numbers, and how many events
// there are, for no row of none means nothing.
func (g *aggregator) read(s *statement, sql string, depth int) ([]events.LogBucket, error) {
	rows, err := g.logs.query(g.ctx, s.p, beforeReading, sql)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	last := depth == len(g.a.Groups) // the last stage has the numbers
	var out []events.LogBucket
	for rows.Next() {
		b := events.LogBucket{By: make([]string, depth), Values: make([]any, len(g.a.Computes))}
		var events uint64
		var targets []any
		for i := range b.By {
			targets = append(targets, &b.By[i])
		}
		numbers := make([]*float64, len(g.a.Computes))
		for i, c := range g.a.Computes {
			if last && c.Interval == 0 {
				targets = append(targets, &numbers[i])
			}
		}
		if err := rows.Scan(append(targets, &events)...); err != nil {
			return nil, fmt.Errorf("scan group: %w", err)
		}
		for i, n := range numbers {
			if n != nil {
				b.Values[i] = *n
			}
		}
		if events > 0 {
			out = append(out, b)
		}
	}
	return out, rows.Err()
}

// series adds the series to the groups, interval by interval.
func (g *aggregator) series(kept []events.LogBucket) error {
	var intervals []time.Duration
	for _, c := range g.a.Computes {
		if c.Interval != 0 && !slices.Contains(intervals, c.Interval) {
			intervals = append(intervals, c.Interval)
		}
	}
	place := map[string]int{}
	for i, b := range kept {
		place[pathOf(b.By)] = i
	}
	for _, interval := range intervals {
		err := g.logs.compiled(func(p *search.Params) error { return g.points(p, interval, kept, place) })
		if err != nil {
			return err
		}
	}
	return nil
}

// points reads the series of one interval. A part of the time without events
// has no point.
func (g *aggregator) points(p *search.Params, interval time.Duration, kept []events.LogBucket, place map[string]int) error {
	depth := len(g.a.Groups)
	s := &statement{p: p}
	if err := s.begin(g.a, depth, kept); err != nil {
		return err
	}
	width := p.Int(interval.Milliseconds())
	group := append(s.names(depth), "at - positiveModulo(at, "+width+") AS bucket")
	columns := slices.Clone(group)
	var which []int
	for i, c := range g.a.Computes {
		if c.Interval == interval {
			columns, which = append(columns, s.compute(c)), append(which, i)
		}
	}
	names := append(s.names(depth), "bucket")
	sql := "SELECT " + strings.Join(columns, ", ") + s.from() + " GROUP BY " + strings.Join(names, ", ") + " ORDER BY bucket"
	for i := range kept {
		for _, k := range which {
			kept[i].Values[k] = nil // of a statement that is run again
		}
	}
	rows, err := g.logs.query(g.ctx, s.p, beforeReading, sql)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		by, at, numbers, err := scanPoint(rows, depth, len(which))
		if err != nil {
			return err
		}
		i, ok := place[pathOf(by)]
		for k, n := range numbers {
			if ok && n != nil {
				addPoint(&kept[i], which[k], events.LogPoint{At: at, Value: *n})
			}
		}
	}
	return rows.Err()
}

func scanPoint(rows driver.Rows, depth, computes int) (by []string, at schema.Millis, numbers []*float64, err error) {
	by, numbers = make([]string, depth), make([]*float64, computes)
	var targets []any
	for i := range by {
		targets = append(targets, &by[i])
	}
	var millis int64
	targets = append(targets, &millis)
	for i := range numbers {
		targets = append(targets, &numbers[i])
	}
	if err := rows.Scan(targets...); err != nil {
		return nil, 0, nil, fmt.Errorf("scan point: %w", err)
	}
	return by, schema.Millis(millis), numbers, nil
}

func addPoint(b *events.LogBucket, i int, p events.LogPoint) {
	points, _ := b.Values[i].([]events.LogPoint)
	b.Values[i] = append(points, p)
}

// named gives the groups of all events their names.
func (g *aggregator) named(kept []events.LogBucket) []events.LogBucket {
	for _, b := range kept {
		for i, name := range b.By {
			if name == totalMark {
				b.By[i] = *g.a.Groups[i].Total
			}
		}
	}
	return kept
}

// statement is one aggregation under construction: an inner query with a row
// for every event and group, and what is asked of it.
type statement struct {
	p      *search.Params
	inner  []string // columns
	where  string   // of the inner query
	within string   // of the outer one
}

// begin selects the events and their groups by the first facets. The groups of
// those before the last are among kept; with all facets, all are.
func (s *statement) begin(a events.LogAggregation, depth int, kept []events.LogBucket) error {
	predicate, err := a.Query.SQL(s.p)
	if err != nil {
		return queryError(err)
	}
	s.where = between(s.p, a.From, a.To) + " AND " + predicate
	s.inner = []string{"toUnixTimestamp64Milli(timestamp) AS at"}
	for i, g := range a.Groups[:depth] {
		s.inner = append(s.inner, fmt.Sprintf("arrayJoin(%s) AS g%d", s.groupValues(g), i))
	}
	if fixed := len(kept[0].By); fixed > 0 {
		lists := make([]string, fixed)
		for i := range lists {
			values := make([]string, len(kept))
			for k, b := range kept {
				values[k] = b.By[i]
			}
			lists[i] = s.p.Strings(values)
		}
		s.within = fmt.Sprintf(" WHERE (%s) IN (SELECT arrayJoin(arrayZip(%s)))", tuple(s.names(fixed)), strings.Join(lists, ", "))
	}
	return nil
}

// tuple is the columns as arrayZip pairs them: one alone is a tuple too.
func tuple(columns []string) string { return "tuple(" + strings.Join(columns, ", ") + ")" }

func (s *statement) names(depth int) []string {
	out := make([]string, depth)
	for i := range out {
		out[i] = fmt.Sprintf("g%d", i)
	}
	return out
}

// from is the inner query. Everything that the outer one asks for must have been
// asked for by then.
func (s *statement) from() string {
	return " FROM (SELECT " + strings.Join(s.inner, ", ") + " FROM events WHERE " + s.where + ")" + s.within
}

// groupValues are the groups that an event is in.
func (s *statement) groupValues(g events.LogGroup) string {
	sql := search.ValuesSQL(g.Facet, s.p)
	if h := g.Histogram; h != nil {
		low, high, width := s.p.Float(h.Min), s.p.Float(h.Max), s.p.Float(h.Interval)
		sql = fmt.Sprintf("arrayDistinct(arrayMap(x -> toString(%s + %s * least(floor((x - %[1]s) / %[2]s), ceil((%[3]s - %[1]s) / %[2]s) - 1)), arrayFilter(x -> x >= %[1]s AND x <= %[3]s, %[4]s)))",
			low, width, high, search.NumbersSQL(g.Facet, s.p))
	}
	if g.Missing != nil {
		sql = fmt.Sprintf("if(empty(%s), [%s], %[1]s)", sql, s.p.String(*g.Missing))
	}
	if g.Total != nil {
		sql = "arrayPushBack(" + sql + ", unhex('FF'))"
	}
	return sql
}

// compute is a number, NULL where no event has a value.
func (s *statement) compute(c events.LogCompute) string {
	if c.Function == "count" {
		return "CAST(count(), 'Nullable(Float64)')"
	}
	values := search.NumbersSQL(c.Metric, s.p)
	function := c.Function + "OrNullArray"
	switch c.Function {
	case "cardinality":
		values, function = search.ValuesSQL(c.Metric, s.p), "uniqExactArray"
	case "percentile":
		function = fmt.Sprintf("quantileExactInclusiveOrNullArray(%.2f)", c.Level)
	}
	return "CAST(" + function + "(" + s.column(values) + "), 'Nullable(Float64)')"
}

// column is the name of an expression of the inner query.
func (s *statement) column(sql string) string {
	for i, have := range s.inner {
		if name := fmt.Sprintf("m%d", i); have == sql+" AS "+name {
			return name
		}
	}
	name := fmt.Sprintf("m%d", len(s.inner))
	s.inner = append(s.inner, sql+" AS "+name)
	return name
}

// order keeps the first groups of a facet, within each group of those before.
func (s *statement) order(g events.LogGroup, depth int) string {
	name, limit := fmt.Sprintf("g%d", depth-1), g.Limit
	by := name
	if g.Histogram != nil {
		by = "toFloat64OrNull(" + name + ")"
	}
	if g.By != nil {
		by = s.compute(*g.By)
	}
	direction := " ASC NULLS LAST"
	if g.Descending {
		direction = " DESC NULLS LAST"
	}
	sql := " ORDER BY "
	if g.Total != nil {
		sql += "(" + name + " = unhex('FF')) DESC, "
		limit++
	}
	sql += by + direction + ", " + name + fmt.Sprintf(" LIMIT %d", limit)
	if depth > 1 {
		sql += " BY " + strings.Join(s.names(depth-1), ", ")
	}
	return sql
}
