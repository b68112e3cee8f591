package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"nightjar/api/services/events"
	"nightjar/compiler/search"
	"nightjar/schema"
)

// Bounds of what is looked at to say what a search may have meant.
const (
	maxHints      = 5
	maxListed     = 12 // values that are few enough to be told
	maxHintValues = 500
	hintTime      = 2 * time.Second
)

// reserved are the reserved fields whose values are names.
var reserved = []string{"source", "service", "host", "status"}

// Hints implements api.Logs: of the fields, sources and values that the query names,
// those that no event has, and what is near them.
func (l *Logs) Hints(ctx context.Context, asked events.LogSearch) []events.LogHint {
	ctx, cancel := context.WithTimeout(ctx, hintTime)
	defer cancel()
	var out []events.LogHint
	for _, a := range asked.Query.Asked() {
		if len(out) == maxHints {
			break
		}
		if h, ok := l.hint(ctx, a); ok {
			out = append(out, h)
		}
	}
	return out
}

func (l *Logs) hint(ctx context.Context, a search.Asked) (events.LogHint, bool) {
	known := l.config.Catalogue
	has := func(path string) bool { return known.Shapes(path) != 0 }
	name := a.Field.String()
	switch a.Field.Kind {
	case schema.FieldAttribute:
		if !known.IsComplete() {
			return events.LogHint{}, false
		}
		if !has(a.Field.Name) {
			return events.LogHint{Code: "unknown_field", Title: "No event has " + name, Detail: near("@", a.Field.Name, known.Paths())}, true
		}
		if a.Exact {
			return l.valueHint(ctx, a)
		}
	case schema.FieldTag:
		if meant := schema.Closest(a.Field.Name, reserved, 2); meant != "" {
			return events.LogHint{Code: "tag_or_field", Title: name + ": is a tag", Detail: "did you mean " + meant + "?"}, true
		}
		if known.IsComplete() && has(a.Field.Name) && !known.Overflowed() {
			return events.LogHint{
				Code: "tag_or_attribute", Title: name + ": is a tag, as there is no @ before it",
				Detail: "events have an attribute of that name: @" + name,
			}, true
		}
	case schema.FieldReserved:
		if a.Exact && slices.Contains(reserved, a.Field.Name) {
			return l.valueHint(ctx, a)
		}
	}
	return events.LogHint{}, false
}

// near names the candidate that was probably meant.
func near(mark, name string, candidates []string) string {
	slices.Sort(candidates)
	if c := schema.Closest(name, candidates, 3); c != "" {
		return "did you mean " + mark + c + "?"
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	for _, c := range candidates {
		if c == last || strings.HasSuffix(c, "."+last) {
			return "did you mean " + mark + c + "?"
		}
	}
	if c := schema.Containing(name, candidates); c != "" {
		return "there is " + mark + c
	}
	return ""
}

// valueHint says that no event has the value, and which of the most frequent ones is
// near it.
func (l *Logs) valueHint(ctx context.Context, a search.Asked) (events.LogHint, bool) {
	values, err := l.values(ctx, a.Field)
	has := func(text string) bool { return slices.Contains(values, text) }
	if err != nil || slices.ContainsFunc(a.Texts(), has) || len(values) == maxHintValues {
		return events.LogHint{}, false // a hint that can't be had is no reason to fail
	}
	name := a.Field.String()
	if len(values) == 0 {
		return events.LogHint{Code: "unknown_field", Title: "No event has " + name}, true
	}
	h := events.LogHint{Code: "unknown_value", Title: fmt.Sprintf("No event has %s:%s", name, a.Value)}
	for _, v := range values {
		if strings.EqualFold(v, a.Value) {
			h.Detail = fmt.Sprintf("there is %s:%s; letter case counts, but not in ICASE(%s, %s)", name, v, name, a.Value)
			return h, true
		}
	}
	if h.Detail = near(name+":", a.Value, values); h.Detail == "" && len(values) <= maxListed {
		slices.Sort(values)
		h.Detail = "its values are " + strings.Join(values, ", ")
	}
	return h, true
}

// values are the field's most frequent values. What takes too long is an error: those
// of a part of the events don't say what no event has.
func (l *Logs) values(ctx context.Context, f schema.Field) ([]string, error) {
	shapes, _ := l.config.Catalogue.Snapshot()
	p := search.Params{Shapes: shapes}
	sql := "SELECT v FROM (SELECT arrayJoin(" + search.ValuesSQL(f, &p) + ") AS v FROM events) GROUP BY v ORDER BY count() DESC LIMIT " + fmt.Sprint(maxHintValues)
	ctx = ch.Context(ctx, ch.WithParameters(p.Map()), ch.WithSettings(ch.Settings{
		"max_execution_time": hintTime.Seconds(), "timeout_overflow_mode": "throw", "max_rows_to_group_by": 100_000, "group_by_overflow_mode": "any", "readonly": 2, "max_threads": 1,
	}))
	rows, err := l.conn.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}
