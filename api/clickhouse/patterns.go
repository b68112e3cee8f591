package clickhouse

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/api/services/facets"
	"nightjar/schema"
)

// Patterns implements facets.Store.
func (f *Facets) Patterns(ctx context.Context, q facets.PatternsQuestion) (facets.Patterns, error) {
	count := func(ctx context.Context, s facets.Selection) (out facets.Patterns, err error) {
		out.Partial, err = f.run(ctx, s, func(c *counting) (string, error) { return c.patternsSQL(q.Limit), nil }, func(rows driver.Rows) error {
			out = facets.Patterns{} // of a statement that is run again
			return scanPatterns(rows, &out)
		})
		return out, err
	}
	out, from, err := newest[facets.Patterns]{logs: f.logs, count: count}.within(ctx, q.Selection, q.Within)
	if err != nil {
		return facets.Patterns{}, fmt.Errorf("group by the shape of messages: %w", searchError(ctx, err))
	}
	out.From, out.Partial = exactFrom(from, out.Partial), out.Partial || from != nil
	return out, nil
}

func scanPatterns(rows driver.Rows, out *facets.Patterns) error {
	for rows.Next() {
		var p facets.PatternCount
		var first, last int64
		if err := rows.Scan(&p.Shape, &p.Cut, &p.Count, &first, &p.First.Seq, &p.First.Message, &last, &p.Last.Seq, &p.Last.Message, &out.Total, &out.Distinct); err != nil {
			return fmt.Errorf("scan pattern: %w", err)
		}
		p.First.At, p.Last.At = schema.Millis(first), schema.Millis(last)
		out.Patterns = append(out.Patterns, p)
	}
	return rows.Err()
}

// shapes are replaced in messages, one after the other: what they find, and the byte of
// facets.PatternNames that stands for it. The first keeps what no message may have by itself.
var shapes = []struct{ find, put string }{
	{`[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]`, "\\x06"},
	{`"[^"]*"`, "\\x01"},
	{`(^|[\s=:,(\[{])'[^']*'`, "\\\\1\\x01"}, // not an apostrophe
	{`\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b`, "\\x02"},
	{`\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b`, "\\x03"},
	{`\b(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}\b|\b[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){0,6}::(?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){0,6}\b)?`, "\\x03"},
	{`\b(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}\b`, "\\x04"},
	{`\b\d+\b`, "\\x05"},
	{`\b(?:0x[0-9a-fA-F]+|[0-9a-fA-F]{8,})\b`, "\\x04"},
	{`\d+`, "\\x05"},
}

// shapeSQL is the shape of a text.
func shapeSQL(text string) string {
	for _, s := range shapes {
		text = "replaceRegexpAll(" + text + ", '" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s.find) + "', '" + s.put + "')"
	}
	return text
}

// patternsSQL has a row for each of the most frequent shapes, with how many events and shapes
// there are in all. A group holds a shape and two beginnings of messages.
func (c *counting) patternsSQL(limit int) string {
	return fmt.Sprintf(`SELECT shape, cut, n, toUnixTimestamp64Milli(tupleElement(a, 1)), tupleElement(a, 2), first, toUnixTimestamp64Milli(tupleElement(b, 1)), tupleElement(b, 2), last, sum(n) OVER (), count() OVER () FROM (
			SELECT %s AS shape, CAST(lengthUTF8(message) > %[2]d, 'Bool') AS cut, count() AS n, min((timestamp, seq)) AS a, max((timestamp, seq)) AS b, argMin(head, (timestamp, seq)) AS first, argMax(head, (timestamp, seq)) AS last
			FROM (SELECT message, timestamp, seq, substringUTF8(message, 1, %[2]d) AS head FROM %[3]s WHERE %[4]s) GROUP BY shape, cut)
		ORDER BY n DESC, shape, cut LIMIT %[5]d`, shapeSQL("head"), facets.PatternLength, c.table, c.where, limit)
}
