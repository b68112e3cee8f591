package compiler

import (
	"fmt"
	"strings"
	"testing"

	"nightjar/compiler/search"
	"nightjar/schema"
)

// BenchmarkManyTerms is what an event costs a rule of so many terms joined by OR,
// and rules=… that many rules of two terms each.
func BenchmarkManyTerms(b *testing.B) {
	a, err := schema.ParseAttributes(`{"http":{"ua":"Mozilla/5.0 (X11; Linux x86_64)"}}`)
	if err != nil {
		b.Fatal(err)
	}
	e := schema.Event{Source: "auth", Service: "app-7", Message: "Failed password for invalid user admin from 203.0.113.7 port 51122 ssh2", Attributes: a}
	for _, form := range []string{"w%d", "*w%d*", "w%d*x", "*:w%d", "@http.ua:*w%d*"} {
		for _, n := range []int{10, 100, 1000, 6000} {
			b.Run(fmt.Sprintf("%s/%d", form, n), func(b *testing.B) { benchmarkSet(b, &e, 1, n, form) })
		}
		b.Run(form+"/rules=5000", func(b *testing.B) { benchmarkSet(b, &e, 5000, 2, form) })
	}
}

func benchmarkSet(b *testing.B, e *schema.Event, rules, terms int, form string) {
	var plans []*BoundPlan
	for r := range rules {
		list := make([]string, terms)
		for i := range list {
			list[i] = fmt.Sprintf(form, r*terms+i)
		}
		q, err := search.Parse(strings.Join(list, " OR "))
		if err != nil {
			b.Fatal(err)
		}
		plans = append(plans, (&Plan{Labels: []Label{{Filter: search.Filter{{Query: q}}}}}).Bind())
	}
	set := NewMatchSet(plans)
	b.ReportAllocs()
	for b.Loop() {
		set.Match(e, func(int32) {})
	}
}

// BenchmarkNewMatchSet is what it costs to prepare a rule of so many words.
func BenchmarkNewMatchSet(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprintf("word%d", i)
		}
		q, err := search.Parse(strings.Join(list, " OR "))
		if err != nil {
			b.Fatal(err)
		}
		plans := []*BoundPlan{(&Plan{Labels: []Label{{Filter: search.Filter{{Query: q}}}}}).Bind()}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				NewMatchSet(plans)
			}
		})
	}
}
