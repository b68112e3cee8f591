package search

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"nightjar/schema"
)

// Part is a search that an event must match or, where Negated, must not match.
type Part struct {
	Query   *Query
	Negated bool
}

// Filter is several searches, all of whose parts must hold for an event: the query
// of a rule and the filters of that rule, for example. The empty filter holds for
// every event.
type Filter []Part

// Match reports whether the event passes every part.
func (f Filter) Match(e *schema.Event) bool {
	for _, part := range f {
		if part.Query.Match(e) == part.Negated {
			return false
		}
	}
	return true
}

// SQL is the filter as an expression, see Query.SQL.
func (f Filter) SQL(p *Params) (string, error) {
	parts := make([]string, len(f))
	for i, part := range f {
		sql, err := part.Query.SQL(p)
		if err != nil {
			return "", err
		}
		if part.Negated {
			sql = "NOT (" + sql + ")"
		}
		parts[i] = "(" + sql + ")"
	}
	return "(" + strings.Join(parts, " AND ") + ")", nil
}

// Key is equal for filters that ask the same.
func (f Filter) Key() string {
	var b strings.Builder
	for _, part := range f {
		fmt.Fprintf(&b, "%t %t %s\n", part.Negated, part.Query.Insensitive, part.Query)
	}
	return b.String()
}

// Sources are the sources to which some part confines the events; nil: none does.
func (f Filter) Sources() []string {
	for _, part := range f {
		if named := sourcesOf(part.Query.Root); named != nil && !part.Negated {
			return named
		}
	}
	return nil
}

// MayBeOf reports whether the filter may hold for an event of this source: false only
// where conditions on the source alone exclude it.
func (f Filter) MayBeOf(source string) bool {
	e := &schema.Event{Source: source}
	for _, part := range f {
		holds, fails := possible(part.Query.Root, isSource)(e)
		if part.Negated && !fails || !part.Negated && !holds {
			return false
		}
	}
	return true
}

// Estimate is about how long an event takes that is held against all of the filter
// and matches none of its alternatives.
func (f Filter) Estimate() time.Duration {
	total := time.Duration(0)
	for _, part := range f {
		total += part.Query.Estimate()
	}
	return total
}

// Names makes the test whether a value of the field is one that the filter asks for.
// What negated terms name is not.
func (f Filter) Names(field schema.Field) func(value string) bool {
	var tests []func(string) bool
	for _, part := range f {
		if !part.Negated {
			tests = append(tests, namesOf(part.Query.Root, field)...)
		}
	}
	return func(value string) bool {
		return slices.ContainsFunc(tests, func(test func(string) bool) bool { return test(value) })
	}
}
