package clickhouse

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/api/services/facets"
	"nightjar/compiler/search"
	"nightjar/schema"
)

// Facets counts signals and events for the pages that list them.
type Facets struct {
	logs   *Logs
	signal driver.Conn
	states *States
}

// NewFacets counts events as logs reads them, and signals over conn.
func NewFacets(logs *Logs, conn driver.Conn) *Facets { return &Facets{logs: logs, signal: conn} }

// By has signals counted by their states, where these tell; it returns f.
func (f *Facets) By(states *States) *Facets {
	f.states = states
	return f
}

// noValue stands for having no value. It is no UTF-8, so nothing has it.
const noValue = "unhex('FF')"

// Facets implements facets.Store. The table is read once: the server counts each field's
// lists of values, which are few, and takes them apart after that.
func (f *Facets) Facets(ctx context.Context, q facets.Question) (facets.Counts, error) {
	count := func(ctx context.Context, s facets.Selection) (out facets.Counts, err error) {
		out.Partial, err = f.runBy(ctx, s, q.Fields, func(c *counting) (string, error) { return c.facetsSQL(q) }, func(rows driver.Rows) error {
			out = facets.Counts{Fields: make([]facets.FieldCounts, len(q.Fields))} // of a statement that is run again
			return scanFacets(rows, &out, q.Limit)
		})
		return out, err
	}
	out, from, err := newest[facets.Counts]{logs: f.logs, count: count}.within(ctx, q.Selection, q.Within)
	if err != nil {
		return facets.Counts{}, fmt.Errorf("count by fields: %w", searchError(ctx, err))
	}
	out.From, out.Partial = exactFrom(from, out.Partial), out.Partial || from != nil
	return out, nil
}

func scanFacets(rows driver.Rows, out *facets.Counts, limit int) error {
	for rows.Next() {
		var field uint8
		var value string
		var n, distinct uint64
		var first, last int64
		if err := rows.Scan(&field, &value, &n, &distinct, &first, &last); err != nil {
			return fmt.Errorf("scan facet: %w", err)
		}
		switch {
		case int(field) == len(out.Fields):
			out.Total, out.First, out.Last = n, schema.Millis(first), schema.Millis(last)
		case value == "\xff":
			out.Fields[field].Lacking = n
		default:
			at := &out.Fields[field]
			at.Distinct, at.Values = distinct, append(at.Values, facets.ValueCount{Value: value, Count: n})
		}
	}
	for i := range out.Fields { // one row more than needed where nothing lacks the field
		values := out.Fields[i].Values
		slices.SortFunc(values, func(a, b facets.ValueCount) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value))
		})
		out.Fields[i].Values = values[:min(len(values), limit)]
	}
	return rows.Err()
}

// Span implements facets.Store.
func (f *Facets) Span(ctx context.Context, of facets.Selection) (from, to schema.Millis, err error) {
	_, err = f.run(ctx, of, func(c *counting) (string, error) { return c.spanSQL(of), nil }, func(rows driver.Rows) error {
		for rows.Next() {
			var first, last int64
			var n uint64
			if err := rows.Scan(&first, &last, &n); err != nil {
				return fmt.Errorf("scan span: %w", err)
			}
			if n > 0 {
				from, to = schema.Millis(first), schema.Millis(last)+1
			}
		}
		return rows.Err()
	})
	if err != nil {
		return 0, 0, fmt.Errorf("find the first and the last: %w", searchError(ctx, err))
	}
	return from, to, nil
}

// spanSQL has the first and the last moment, and whether there is one. Those of all events
// are found by the index on time, which a search for the first of an order asks.
func (c *counting) spanSQL(of facets.Selection) string {
	from := " FROM " + c.table + c.final + " WHERE " + c.where
	if _, all := of.Query.Root.(search.MatchAll); all && of.Of == facets.Events {
		at := func(order string) string {
			return "(SELECT toUnixTimestamp64Milli(timestamp) AS at" + from + " ORDER BY timestamp" + order + " LIMIT 1)"
		}
		return "SELECT min(at), max(at), count() FROM (SELECT at FROM " + at("") + " UNION ALL SELECT at FROM " + at(" DESC") + ")"
	}
	return "SELECT toUnixTimestamp64Milli(min(timestamp)), toUnixTimestamp64Milli(max(timestamp)), count()" + from
}

// TagKeys implements facets.Store.
func (f *Facets) TagKeys(ctx context.Context, q facets.Question) ([]facets.ValueCount, error) {
	count := func(ctx context.Context, s facets.Selection) (out []facets.ValueCount, err error) {
		_, err = f.run(ctx, s, func(c *counting) (string, error) { return c.tagKeysSQL(q), nil }, func(rows driver.Rows) (err error) {
			out, err = scanTagKeys(rows)
			return err
		})
		return out, err
	}
	out, _, err := newest[[]facets.ValueCount]{logs: f.logs, count: count}.within(ctx, q.Selection, q.Within)
	if err != nil {
		return nil, fmt.Errorf("find tags: %w", searchError(ctx, err))
	}
	return out, nil
}

func (c *counting) tagKeysSQL(q facets.Question) string {
	return fmt.Sprintf(`SELECT k, sum(c) AS n FROM (
			SELECT arrayJoin(arrayDistinct(arrayMap(t -> substringIndex(t, ':', 1), arrayFilter(t -> position(t, ':') > 1, list)))) AS k, c FROM (
				SELECT CAST(tags, 'Array(String)') AS list, count() AS c FROM %s%s WHERE %s GROUP BY list))
		WHERE positionCaseInsensitiveUTF8(k, %s) > 0 GROUP BY k ORDER BY n DESC, k LIMIT %d`,
		c.table, c.final, c.where, c.p.String(q.Containing), q.Limit)
}

func scanTagKeys(rows driver.Rows) (out []facets.ValueCount, err error) {
	for rows.Next() {
		var v facets.ValueCount
		if err := rows.Scan(&v.Value, &v.Count); err != nil {
			return nil, fmt.Errorf("scan tag: %w", err)
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// Paths implements facets.Store.
func (f *Facets) Paths() []string { return f.logs.config.Catalogue.Paths() }

// counting is a statement over a selection, under construction.
type counting struct {
	p     *search.Params
	of    facets.Of
	table string
	// final has the newest version of a signal count. Of a stretch of time only those are
	// merged that have a version in it.
	final string
	where string
}

// newCounting begins a statement that reads the table.
func newCounting(p *search.Params, s facets.Selection, table string) (*counting, error) {
	c := &counting{p: p, of: s.Of, table: table}
	if s.Of == facets.Signals {
		c.final = " FINAL"
	}
	if table == schema.SignalStates.Name {
		p.Columns = statesColumn
	}
	predicate, err := s.Query.SQL(p)
	if err != nil {
		return nil, queryError(err)
	}
	where := []string{"(" + predicate + ")"}
	if s.Of == facets.Signals && !s.Withdrawn {
		where = append(where, standing)
	}
	var span []string
	if s.From != nil {
		span = append(span, "timestamp >= "+moment(p, *s.From))
	}
	if s.To != nil {
		span = append(span, "timestamp < "+moment(p, *s.To))
	}
	c.where = strings.Join(append(where, span...), " AND ")
	if table == schema.Signals.Name && len(span) > 0 {
		c.final += " PREWHERE key IN (SELECT key FROM " + c.table + " WHERE " + strings.Join(span, " AND ") + ")"
	}
	return c, nil
}

// signalColumnOf are the columns of a signal that hold the one value of a field.
var signalColumnOf = map[schema.Field]string{
	search.SignalField("status"):     "status",
	search.SignalField("severity"):   "status",
	search.SignalField("state"):      "state",
	search.SignalField("reason"):     "reason",
	search.SignalField("rule_id"):    "rule_id",
	search.SignalField("assignee"):   "assignee",
	search.SignalField("triaged_by"): "triaged_by",
}

// valueForm is how a column has a field's values.
type valueForm uint8

const (
	oneText  valueForm = iota // empty where there is none
	nullable                  // a text or a number, NULL where there is none
	listText                  // a list of texts, as JSON
	several                   // a list of texts
)

// list is the texts of a column of the form, as a list.
func (f valueForm) list(column string) string {
	switch f {
	case oneText:
		return fmt.Sprintf("if(%s = '', [], [toString(%[1]s)])", column)
	case listText:
		return "JSONExtract(" + column + ", 'Array(String)')"
	case nullable:
		return fmt.Sprintf("if(isNull(%s), [], [CAST(assumeNotNull(%[1]s), 'String')])", column)
	}
	return column
}

// values are a field's, as a column.
func (c *counting) values(f schema.Field) (sql string, form valueForm) {
	if c.of == facets.Signals {
		if column := signalColumnOf[f]; column != "" {
			return column, oneText
		}
		if c.p.Columns != nil && f.Kind == schema.FieldAttribute {
			if column := c.p.Columns(f.Name).Several; column != "" {
				return column, several
			}
		}
		if column := schema.StateListColumn(f); column != "" && c.byStates() {
			return column, listText
		}
		if f.Kind == schema.FieldReserved && slices.Contains(schema.OriginKeys, f.Name) {
			return listedSQL(f, c.p), several
		}
	}
	if f.Kind == schema.FieldReserved && f.Name != "tags" {
		return f.Name, oneText
	}
	if column := search.OneValueSQL(f, c.p); column != "" {
		return column, nullable
	}
	return search.ValuesSQL(f, c.p), several
}

// listedSQL is the list of a signal's values of a field: where its events come from is in
// its tags, too.
func listedSQL(f schema.Field, p *search.Params) string {
	if f.Kind != schema.FieldReserved {
		return search.ValuesSQL(f, p)
	}
	tagged := search.ValuesSQL(schema.Field{Kind: schema.FieldTag, Name: f.Name}, p)
	return "arrayDistinct(arrayConcat(" + tagged + ", " + search.ValuesSQL(f, p) + "))"
}

// facetsSQL has a row for each field and value: the field's number (that of all is one
// more), the value, how many have it, and how many values there are. Of states, lists that
// are many are counted apart (apartSQL).
func (c *counting) facetsSQL(q facets.Question) (string, error) {
	var columns, sets, number, lists, apart []string
	for i, f := range q.Fields {
		name := fmt.Sprintf("f%d", i)
		sql, form := c.values(f.Field)
		if form == several && c.byStates() {
			apart = append(apart, c.apartSQL(q, i, sql))
			continue
		}
		columns, sets = append(columns, sql+" AS "+name), append(sets, "("+name+")")
		number = append(number, fmt.Sprintf("grouping(%s) = 0, %d", name, i))
		lists = append(lists, fmt.Sprintf("grouping(%s) = 0, %s", name, form.list(name)))
	}
	first, last := "toInt64(0)", "toInt64(0)"
	if q.Span {
		first, last = "toUnixTimestamp64Milli(min(timestamp))", "toUnixTimestamp64Milli(max(timestamp))"
		columns = append(columns, "timestamp")
	}
	if len(sets) == 0 {
		all := fmt.Sprintf("SELECT toUInt8(%d) AS i, '' AS v, count() AS n, toUInt64(1) AS d, %s AS a, %s AS b FROM %s%s WHERE %s",
			len(q.Fields), first, last, c.table, c.final, c.where)
		return strings.Join(append([]string{all}, apart...), " UNION ALL "), nil
	}
	counted := fmt.Sprintf("SELECT toUInt8(multiIf(%s, %d)) AS i, multiIf(%s, CAST([], 'Array(String)')) AS list, count() AS c, %s AS a, %s AS b FROM (SELECT %s FROM %s%s WHERE %s) GROUP BY GROUPING SETS (%s, ())",
		strings.Join(number, ", "), len(q.Fields), strings.Join(lists, ", "), first, last, strings.Join(columns, ", "), c.table, c.final, c.where, strings.Join(sets, ", "))
	all := fmt.Sprintf(`SELECT i, v, n, d, a, b FROM (
			SELECT i, v, sum(c) AS n, countIf(v != %[1]s) OVER (PARTITION BY i) AS d, min(a) AS a, max(b) AS b FROM (
				SELECT i, arrayJoin(if(empty(list), [%[1]s], list)) AS v, c, a, b FROM (%[2]s))%[4]s
			GROUP BY i, v)
		ORDER BY i, v = %[1]s DESC, n DESC, v LIMIT %[3]d BY i`, noValue, counted, q.Limit+1, c.fits(q))
	return strings.Join(append([]string{all}, apart...), " UNION ALL "), nil
}

// fits has only those values counted that have in them what is asked for.
func (c *counting) fits(q facets.Question) string {
	if q.Containing == "" {
		return ""
	}
	return " WHERE v = " + noValue + " OR positionCaseInsensitiveUTF8(v, " + c.p.String(q.Containing) + ") > 0"
}

// table is where a selection is counted by fields.
func (f *Facets) table(s facets.Selection, by []facets.Field) string {
	switch {
	case s.Of == facets.Events:
		return schema.Events.Name
	case f.states.holds(s.Query) && !slices.ContainsFunc(by, func(f facets.Field) bool { return !hasField(f.Field) }):
		return schema.SignalStates.Name
	}
	return schema.Signals.Name
}

// run is runBy without fields.
func (f *Facets) run(ctx context.Context, s facets.Selection, sql func(*counting) (string, error), read func(driver.Rows) error) (partial bool, err error) {
	return f.runBy(ctx, s, nil, sql, read)
}

// runBy makes a statement over a selection, by fields, and reads its rows. Of events it stops where the
// time is over, with what was counted by then: partial says so.
func (f *Facets) runBy(ctx context.Context, s facets.Selection, by []facets.Field, sql func(*counting) (string, error), read func(driver.Rows) error) (partial bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, f.logs.config.Time+grace)
	defer cancel()
	once := func(p *search.Params) error {
		c, err := newCounting(p, s, f.table(s, by))
		if err != nil {
			return err
		}
		text, err := sql(c)
		if err != nil {
			return err
		}
		partial, err = f.ask(ctx, c, text, read)
		return err
	}
	if s.Of == facets.Signals {
		return partial, once(&search.Params{Shapes: schema.WithoutRest})
	}
	err = f.logs.compiled(once)
	return partial, err
}

func (f *Facets) ask(ctx context.Context, c *counting, sql string, read func(driver.Rows) error) (partial bool, err error) {
	settings, err := f.logs.settings(ctx)
	if err != nil {
		return false, err
	}
	conn := f.signal
	if c.of == facets.Events {
		conn = f.logs.conn
		settings["timeout_overflow_mode"] = "break"
	}
	began, most := time.Now(), f.logs.config.Time
	settings["max_execution_time"] = most.Seconds()
	rows, err := conn.Query(progressing(ctx, ch.WithParameters(c.p.Map()), ch.WithSettings(settings)), sql)
	if err == nil {
		defer rows.Close()
		err = read(rows)
	}
	if c.of == facets.Events && ctx.Err() == nil && ranOut(err) {
		return true, nil // the server breaks off where it looks at the clock, and elsewhere says so
	}
	return time.Since(began) >= most, connError(ctx, err)
}
