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
	return hintsOf(asked.Query, func(a search.Asked) (events.LogHint, bool) {
		if h, ok := l.fieldHint(a); ok {
			return h, true
		}
		if !l.hasValues(a) {
			return events.LogHint{}, false
		}
		return l.valueHint(ctx, a)
	})
}

// FieldHints implements api.Logs: of the fields that the query names, those that no event has.
func (l *Logs) FieldHints(q *search.Query) []events.LogHint { return hintsOf(q, l.fieldHint) }

func hintsOf(q *search.Query, hint func(search.Asked) (events.LogHint, bool)) (out []events.LogHint) {
	seen := map[schema.Field]bool{} // a field that is unknown is told once
	for _, a := range q.Asked() {
		if len(out) == maxHints {
			break
		}
		if h, ok := hint(a); ok && !seen[a.Field] {
			seen[a.Field] = !h.Asked.Exact
			out = append(out, h)
		}
	}
	return out
}

// fieldHint is about a field that no event has.
func (l *Logs) fieldHint(a search.Asked) (events.LogHint, bool) {
	known := l.config.Catalogue
	has := func(path string) bool { return known.Shapes(path) != 0 }
	name := a.Field.String()
	a = search.Asked{Field: a.Field}
	switch a.Field.Kind {
	case schema.FieldAttribute:
		if known.IsComplete() && !has(a.Field.Name) {
			return told(events.LogHint{Code: "unknown_field", Title: "No event has " + name, Asked: a}, near(a.Field.Name, known.Paths()), "@", func(path string) search.Asked {
				return search.Asked{Field: schema.Field{Kind: schema.FieldAttribute, Name: path}}
			}), true
		}
	case schema.FieldTag:
		if meant := schema.Closest(a.Field.Name, reserved, 2); meant != "" {
			return events.LogHint{
				Code: "tag_or_field", Title: name + ": is a tag", Detail: "did you mean " + meant + "?",
				Asked: a, Meant: &search.Asked{Field: schema.Field{Kind: schema.FieldReserved, Name: meant}},
			}, true
		}
		if known.IsComplete() && has(a.Field.Name) && !known.Overflowed() {
			return events.LogHint{
				Code: "tag_or_attribute", Title: name + ": is a tag, as there is no @ before it",
				Detail: "events have an attribute of that name: @" + name,
				Asked:  a, Meant: &search.Asked{Field: schema.Field{Kind: schema.FieldAttribute, Name: a.Field.Name}},
			}, true
		}
	}
	return events.LogHint{}, false
}

// hasValues reports whether it can be said of a field which values it has.
func (l *Logs) hasValues(a search.Asked) bool {
	switch a.Field.Kind {
	case schema.FieldAttribute:
		return a.Exact && l.config.Catalogue.IsComplete()
	case schema.FieldReserved:
		return a.Exact && slices.Contains(reserved, a.Field.Name)
	}
	return false
}

// guess is a candidate that was probably meant; empty: none is near.
type guess struct {
	text string
	sure bool // it is a slip of the keyboard, and not a part of a longer name
}

// near is the candidate that was probably meant.
func near(name string, candidates []string) guess {
	slices.Sort(candidates)
	if c := schema.Closest(name, candidates, 3); c != "" {
		return guess{c, true}
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	for _, c := range candidates {
		if c == last || strings.HasSuffix(c, "."+last) {
			return guess{c, true}
		}
	}
	return guess{text: schema.Containing(name, candidates)}
}

// told is a hint that is told what was meant: mark stands before its text.
func told(h events.LogHint, g guess, mark string, meant func(string) search.Asked) events.LogHint {
	switch {
	case g.text == "":
		return h
	case g.sure:
		h.Detail = "did you mean " + mark + g.text + "?"
	default:
		h.Detail = "there is " + mark + g.text
	}
	m := meant(g.text)
	h.Meant = &m
	return h
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
		return events.LogHint{Code: "unknown_field", Title: "No event has " + name, Asked: search.Asked{Field: a.Field}}, true
	}
	of := func(value string) search.Asked { return search.Asked{Field: a.Field, Value: value, Exact: true} }
	h := events.LogHint{Code: "unknown_value", Title: fmt.Sprintf("No event has %s:%s", name, a.Value), Asked: a}
	for _, v := range values {
		if strings.EqualFold(v, a.Value) {
			meant := of(v)
			h.Detail, h.Meant = fmt.Sprintf("there is %s:%s; letter case counts, but not in ICASE(%s, %s)", name, v, name, a.Value), &meant
			return h, true
		}
	}
	if h = told(h, near(a.Value, values), name+":", of); h.Detail == "" && len(values) <= maxListed {
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
