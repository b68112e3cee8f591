package search_test

import (
	"fmt"
	"slices"
	"testing"

	"nightjar/compiler/search"
	"nightjar/compiler/searchtest"
	"nightjar/schema"
)

func TestConformanceInSQL(t *testing.T) {
	var cases []searchCase
	var events []schema.Event
	for _, c := range searchCases(t) {
		if c.Expect == "matches" || c.Expect == "no_match" {
			cases = append(cases, c)
			events = append(events, c.event(t))
		}
	}
	w := searchtest.NewWorld(t, events)
	for i, c := range cases {
		q, err := search.Parse(c.Query)
		if err != nil {
			t.Errorf("%q: %v", c.Query, err)
			continue
		}
		w.Agree(t, q)
		got := "no_match"
		if slices.Contains(w.Recall(q), uint64(i+1)) { // what SQL found, too
			got = "matches"
		}
		if got != c.Expect && c.Tier != "optional" {
			t.Errorf("%q on %s: got %s, want %s", c.Query, c.Event, got, c.Expect)
		}
	}
	t.Logf("%d queries, each on %d events, through both readers", len(cases), len(events))
}

// TestManyTermsAreReadAlike asks both readers for lists so long that they are looked
// for in other ways than a few are.
func TestManyTermsAreReadAlike(t *testing.T) {
	g := searchtest.NewGenerator(171)
	w := searchtest.NewWorld(t, g.Events(400))
	for _, form := range []func(p search.Pattern, f schema.Field) search.Node{
		func(p search.Pattern, _ schema.Field) search.Node { return search.Words{Pattern: p} },
		func(p search.Pattern, _ schema.Field) search.Node { return search.Words{Pattern: p, Everywhere: true} },
		func(p search.Pattern, f schema.Field) search.Node {
			return search.Like{Field: f, Pattern: "*" + p + "*"}
		},
		func(p search.Pattern, f schema.Field) search.Node { return search.Like{Field: f, Pattern: p + "?*"} },
		func(p search.Pattern, f schema.Field) search.Node { return search.Equals{Field: f, Value: string(p)} },
	} {
		for range 4 {
			list, f := search.Disjunction{}, g.Field()
			for i := range 90 {
				p := search.LiteralPattern(g.Text())
				if i%3 == 0 {
					p = search.Pattern(fmt.Sprintf("no%dthing", i))
				}
				list.Nodes = append(list.Nodes, form(p, f))
			}
			w.Agree(t, &search.Query{Root: list})
			w.Agree(t, &search.Query{Root: search.Negation{Node: list}})
		}
	}
}
