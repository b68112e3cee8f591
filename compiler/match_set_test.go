package compiler

import (
	"fmt"
	"slices"
	"testing"

	"nightjar/compiler/search"
	"nightjar/compiler/searchtest"
	"nightjar/schema"
)

// TestAMatchSetFindsWhatEveryLabelFinds compares the index with asking every
// label, over generated queries, equalities and choices among them.
func TestAMatchSetFindsWhatEveryLabelFinds(t *testing.T) {
	g := searchtest.NewGenerator(5)
	events := g.Events(600)
	matched := 0
	for round := range 20 {
		var plans []*BoundPlan
		for range 60 {
			plans = append(plans, (&Plan{Labels: []Label{generatedLabel(g), generatedLabel(g)}}).Bind())
		}
		set := NewMatchSet(plans)
		for i := range events {
			var got, want []string
			set.Match(&events[i], func(hit int32) {
				for _, ref := range set.LabelsOf[hit] {
					got = append(got, fmt.Sprint(ref))
				}
			})
			for p, plan := range plans {
				for l := range plan.Labels {
					if plan.Labels[l].Match(&events[i]) {
						want = append(want, fmt.Sprint(LabelRef{p, l}))
					}
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("round %d, event %s:\ngot  %v\nwant %v", round, events[i].JSON, got, want)
			}
			matched += len(want)
		}
	}
	if matched < 1000 {
		t.Errorf("only %d matches: the generated labels test too little", matched)
	}
}

// generatedLabel is a conjunction that often demands a value, so that the index is used.
func generatedLabel(g searchtest.Generator) Label {
	l := Label{Filter: search.Filter{{Query: g.Query(), Negated: g.IntN(4) == 0}}}
	for range g.IntN(3) {
		e := search.Equals{Field: g.Field(), Value: g.Text()}
		var n search.Node = e
		if g.IntN(2) == 0 {
			n = search.Disjunction{Nodes: []search.Node{e, search.Equals{Field: e.Field, Value: g.Number()}}}
		}
		l.Filter = append(l.Filter, search.Part{Query: &search.Query{Root: n}})
	}
	return l
}

func BenchmarkMatchSet(b *testing.B) {
	for _, rules := range []int{100, 1000} {
		b.Run(fmt.Sprint(rules), func(b *testing.B) {
			var plans []*BoundPlan
			for i := range rules {
				q, err := search.Parse(fmt.Sprintf("service:app-%d @evt.outcome:failure @http.ua:*curl%d*", i%100, i/100))
				if err != nil {
					b.Fatal(err)
				}
				plans = append(plans, (&Plan{Labels: []Label{{Filter: search.Filter{{Query: q}}}}}).Bind())
			}
			a, err := schema.ParseAttributes(`{"evt":{"outcome":"failure","name":"login"},"usr":{"id":"u1"},"network":{"client":{"ip":"10.0.0.1"}},"http":{"ua":"Mozilla/5.0 (X11; Linux x86_64)"}}`)
			if err != nil {
				b.Fatal(err)
			}
			e := schema.Event{Source: "auth", Service: "app-7", Attributes: a}
			set := NewMatchSet(plans)
			b.ReportAllocs()
			for b.Loop() {
				set.Match(&e, func(int32) {})
			}
		})
	}
}
