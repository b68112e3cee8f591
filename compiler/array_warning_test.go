package compiler

import (
	"strings"
	"testing"

	"nightjar/compiler/search"
	"nightjar/schema"
)

// TestARuleThatJoinsTwoPathsOfAnArrayIsWarnedOf names ANY where the stored events
// have arrays, and nowhere else.
func TestARuleThatJoinsTwoPathsOfAnArrayIsWarnedOf(t *testing.T) {
	var c schema.Catalogue
	var e schema.Event
	var err error
	if e.Attributes, err = schema.ParseAttributes(`{"auth":[{"p":"x","g":true},{"p":"y","g":false}],"one":{"p":"x","g":true}}`); err != nil {
		t.Fatal(err)
	}
	d := c.Divide([]schema.Event{e}, func(*schema.Event) bool { return true })
	c.Add(d.Missing, false, false)
	c.Complete()
	for query, warned := range map[string]bool{
		`@auth.p:x @auth.g:false`:                             true,
		`source:x (@a:b OR (@auth.p:(x OR y) -@auth.g:true))`: true,
		`ANY(@auth, @p:x @g:false)`:                           false,
		`@auth.p:x OR @auth.g:false`:                          false,
		`@one.p:x @one.g:true`:                                false,
		`@auth.p:x @one.g:true`:                               false,
		`@never.p:x @never.q:y`:                               false,
	} {
		q, err := search.Parse(query)
		if err != nil {
			t.Fatal(err)
		}
		plan := &Plan{Labels: []Label{{Name: "a", Filter: search.Filter{{Query: q}}}}}
		got := strings.Join(plan.Joined(c.Shapes), "\n")
		if strings.Contains(got, "ANY(@auth, @p:… @g:…)") != warned || (got != "") != warned {
			t.Errorf("%s: %q", query, got)
		}
	}
}
