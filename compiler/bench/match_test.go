package bench

import (
	"fmt"
	"maps"
	"testing"

	"nightjar/compiler"
	"nightjar/schema"
)

// plansOf makes rules that ask like the questions do, each with an exception of
// its own, so that no two labels are the same.
func plansOf(t testing.TB, n int) []*compiler.BoundPlan {
	t.Helper()
	plans := make([]*compiler.BoundPlan, n)
	for i := range plans {
		query := fmt.Sprintf("(%s) -@usr.name:(service-%d OR backup-%d*)", questions[i%len(questions)].query, i, i)
		compiled, _, err := compiler.Compile(schema.Rule{
			ID: fmt.Sprint("rule-", i), Name: "bench", IsEnabled: true,
			Queries: []schema.RuleQuery{{Query: query, GroupByFields: []string{"@usr.name"}}},
			Cases:   []schema.RuleCase{{Status: "low", Condition: "a > 5"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		plan := compiled.Bind()
		plans[i] = plan
	}
	return plans
}

// TestMatchStatementsGrow says what a match statement of many rules costs: to
// plan, over an interval without events, and to run over 10,000 events.
func TestMatchStatementsGrow(t *testing.T) {
	w := newWorld(t, *flagEvents)
	for _, n := range []int{1, 10, 100, 200} {
		st, err := compiler.MatchSQL(plansOf(t, n), w.sink.Catalogue().Shapes)
		if err != nil {
			t.Fatal(err)
		}
		params := func(from, to int) map[string]string {
			p := maps.Clone(st.Params.Map())
			p["from"], p["to"], p["late"] = fmt.Sprint(from), fmt.Sprint(to), "86400000"
			return p
		}
		var plan, run series
		var found uint64
		for range *flagRepeats {
			c, _ := w.run(t, st.SQL, params(0, 0))
			plan.add(c)
			c, found = w.run(t, st.SQL, params(*flagEvents-10_000, *flagEvents))
			run.add(c)
		}
		t.Logf("%3d labels, %6d bytes of SQL, %4d parameters: to plan %.1f ms CPU (%.1f wall), over 10,000 events %.1f (%.1f); %d match",
			n, len(st.SQL), len(params(0, 0)), median(plan.cpu), median(plan.wall), median(run.cpu), median(run.wall), found)
	}
}
