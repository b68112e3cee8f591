package clickhouse

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/api/services/facets"
	"nightjar/schema"
)

// Histogram implements facets.Store.
func (f *Facets) Histogram(ctx context.Context, q facets.HistogramQuestion) (facets.Histogram, error) {
	count := func(ctx context.Context, s facets.Selection) (out facets.Histogram, err error) {
		q.Selection = s
		sql, scan := histogramBy(q)
		out.Partial, err = f.runBy(ctx, s, q.Groups, sql, func(rows driver.Rows) (err error) {
			out.Series, err = scan(rows, q)
			return err
		})
		return out, err
	}
	out, from, err := newest[facets.Histogram]{logs: f.logs, count: count, join: joined}.within(ctx, q.Selection, q.Within)
	if err != nil {
		return facets.Histogram{}, fmt.Errorf("count over time: %w", searchError(ctx, err))
	}
	slices.SortFunc(out.Series, greaterFirst)
	out.From, out.Partial = exactFrom(from, out.Partial), out.Partial || from != nil
	return out, nil
}

// greaterFirst is the order of series.
func greaterFirst(a, b facets.Series) int {
	return cmp.Or(cmp.Compare(b.Total, a.Total), slices.Compare(a.By, b.By))
}

// histogramBy is how a histogram is counted. Where stretches are of one width, each group is a
// row with a number for each: that takes little more than to read the times. There are few
// stretches, for a group takes memory for all of them.
func histogramBy(q facets.HistogramQuestion) (sql func(*counting) (string, error), scan func(driver.Rows, facets.HistogramQuestion) ([]facets.Series, error)) {
	if q.Of == facets.Events && len(q.Bounds) <= maxSpread && widthOf(q.Bounds) > 0 {
		return func(c *counting) (string, error) { return c.spreadSQL(q), nil }, scanSpread
	}
	return func(c *counting) (string, error) { return c.pointsSQL(q), nil }, scanPoints
}

// maxSpread bounds the stretches of a row.
const maxSpread = 200

// widthOf is how wide all stretches are; 0: they differ.
func widthOf(bounds []schema.Millis) schema.Millis {
	width := bounds[1] - bounds[0]
	for i := range bounds[1:] {
		if bounds[i+1]-bounds[i] != width {
			return 0
		}
	}
	return width
}

// grouped are the columns of the groups, and their names.
func (c *counting) grouped(fields []facets.Field) (columns, names []string) {
	for i, f := range fields {
		sql, form := c.values(f.Field) // one each
		if form != oneText {           // which is grouped by its number, where it has one
			sql = "toString(" + sql + ")"
		}
		name := fmt.Sprintf("g%d", i)
		columns, names = append(columns, sql+" AS "+name), append(names, name)
	}
	return columns, names
}

// spreadSQL has a row for each group.
func (c *counting) spreadSQL(q facets.HistogramQuestion) string {
	columns, names := c.grouped(q.Groups)
	columns = append(columns, fmt.Sprintf("countResample(%d, %d, %d)(toUnixTimestamp64Milli(timestamp))", q.Bounds[0], q.Bounds[len(q.Bounds)-1], widthOf(q.Bounds)))
	by := ""
	if len(names) > 0 {
		by = " GROUP BY " + strings.Join(names, ", ")
	}
	return fmt.Sprintf("SELECT %s FROM %s%s WHERE %s%s LIMIT %d", strings.Join(columns, ", "), c.table, c.final, c.where, by, maxPointsRead)
}

func scanSpread(rows driver.Rows, q facets.HistogramQuestion) (out []facets.Series, err error) {
	for rows.Next() {
		s := facets.Series{By: make([]string, len(q.Groups))}
		var targets []any
		for i := range s.By {
			targets = append(targets, &s.By[i])
		}
		if err := rows.Scan(append(targets, &s.Counts)...); err != nil {
			return nil, fmt.Errorf("scan histogram: %w", err)
		}
		for _, n := range s.Counts {
			s.Total += n
		}
		if s.Total > 0 {
			out = append(out, s)
		}
	}
	return out, rows.Err()
}

// maxPointsRead bounds the rows of a histogram: fields to group by have few values.
const maxPointsRead = 200_000

// pointsSQL has a row for each group and stretch.
func (c *counting) pointsSQL(q facets.HistogramQuestion) string {
	starts := make([]int64, len(q.Bounds))
	for i, at := range q.Bounds {
		starts[i] = int64(at)
	}
	if c.byStates() {
		return c.stateHistogramSQL(q, starts)
	}
	columns, names := c.grouped(q.Groups)
	columns = append([]string{"roundDown(toUnixTimestamp64Milli(timestamp), " + c.p.Ints(starts) + ") AS at"}, columns...)
	return fmt.Sprintf("SELECT %s, count() FROM %s%s WHERE %s GROUP BY %s LIMIT %d",
		strings.Join(columns, ", "), c.table, c.final, c.where, strings.Join(append(names, "at"), ", "), maxPointsRead)
}

func scanPoints(rows driver.Rows, q facets.HistogramQuestion) ([]facets.Series, error) {
	groups := map[string]*facets.Series{}
	for rows.Next() {
		var at int64
		var n uint64
		by := make([]string, len(q.Groups))
		targets := []any{&at}
		for i := range by {
			targets = append(targets, &by[i])
		}
		if err := rows.Scan(append(targets, &n)...); err != nil {
			return nil, fmt.Errorf("scan histogram: %w", err)
		}
		series := groups[pathOf(by)]
		if series == nil {
			series = &facets.Series{By: by, Counts: make([]uint64, len(q.Bounds)-1)}
			groups[pathOf(by)] = series
		}
		if i, ok := slices.BinarySearch(q.Bounds, schema.Millis(at)); ok && i < len(series.Counts) {
			series.Counts[i] += n
			series.Total += n
		}
	}
	var out []facets.Series
	for _, s := range groups {
		out = append(out, *s)
	}
	return out, rows.Err()
}
