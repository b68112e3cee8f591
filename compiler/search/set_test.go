package search_test

import (
	"testing"

	"nightjar/compiler/search"
	"nightjar/compiler/searchtest"
	"nightjar/schema"
)

// TestAMatchSetFindsWhatEveryLabelFindsOneByOne has a set of filters that look for
// texts, and compares it with the plain reading: every text held against every pattern.
func TestAMatchSetFindsWhatEveryLabelFindsOneByOne(t *testing.T) {
	g := searchtest.NewGenerator(17)
	events := g.Events(200)
	matched := 0
	for range 3 {
		filters := textFilters(g)
		set := search.NewSet(filters)
		for i := range events {
			got := make([]bool, len(filters))
			set.Match(&events[i], func(filter int32) { got[filter] = true })
			for n, f := range filters {
				want := readPlainly(f, &events[i])
				if want != got[n] || want != f.Match(&events[i]) {
					t.Fatalf("%s\nevent %s %s: %t, together %t", f.Key(), events[i].Message, events[i].JSON, want, got[n])
				}
				if want {
					matched++
				}
			}
		}
	}
	if matched < 500 {
		t.Errorf("only %d matches: the filters test too little", matched)
	}
}

func readPlainly(f search.Filter, e *schema.Event) bool {
	for _, part := range f {
		if search.OneByOne(part.Query.Root, e) == part.Negated {
			return false
		}
	}
	return true
}

// textFilters makes filters of choices of many texts, some beside other terms.
func textFilters(g searchtest.Generator) (filters []search.Filter) {
	for range 60 {
		list := search.Disjunction{Nodes: []search.Node{g.Query().Root, g.Query().Root}}
		for range g.IntN(30) {
			p := search.LiteralPattern(g.Text())
			list.Nodes = append(list.Nodes, []search.Node{
				search.Words{Pattern: p}, search.Words{Pattern: p + "*"}, search.Words{Pattern: p, Everywhere: true}, search.Words{Pattern: p, In: g.Field().Name},
				search.Like{Field: g.Field(), Pattern: "*" + p}, search.Equals{Field: g.Field(), Value: g.Text()},
				search.Folded{Field: g.Field(), Patterns: []search.Pattern{p, p + "*"}},
			}[g.IntN(7)])
		}
		filters = append(filters, search.Filter{{Query: &search.Query{Root: list}, Negated: g.IntN(5) == 0}, {Query: g.Query()}})
		choice := search.Disjunction{Nodes: []search.Node{
			search.Words{Pattern: search.LiteralPattern(g.Text())},
			search.Like{Field: g.Field(), Pattern: "*" + search.LiteralPattern(g.Text()) + "*"},
		}}
		filters = append(filters, search.Filter{{Query: &search.Query{Root: choice}}})
	}
	return filters
}
