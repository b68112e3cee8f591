package compiler

import (
	"fmt"
	"slices"
	"testing"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"nightjar/compiler/search"
	"nightjar/compiler/searchtest"
	"nightjar/schema"
)

// TestMatchStatementsSayWhichLabelsMatch compares statements of few labels and
// of many, which are written in two ways, with the labels' reader in memory.
func TestMatchStatementsSayWhichLabelsMatch(t *testing.T) {
	g := searchtest.NewGenerator(17)
	w := searchtest.NewWorld(t, g.Events(600))
	for _, n := range []int{1, 2, fewPredicates, fewPredicates + 1, 60} {
		plan := (&Plan{Rule: schema.Rule{ID: "r"}}).Bind()
		for range n {
			plan.Labels = append(plan.Labels, Label{Filter: search.Filter{{Query: g.Query()}, {Query: g.Query(), Negated: true}}})
		}
		plan.Labels[0].Filter = search.Filter{{Query: &search.Query{Root: search.MatchAll{}}}}
		for name, shapes := range map[string]func(string) schema.Shapes{"any form": nil, "known forms": w.Sink.Catalogue().Shapes} {
			t.Run(fmt.Sprint(n, " labels, ", name), func(t *testing.T) { compareMatches(t, w, plan, shapes) })
		}
	}
}

func compareMatches(t *testing.T, w *searchtest.World, plan *BoundPlan, shapes func(string) schema.Shapes) {
	t.Helper()
	st, err := MatchSQL([]*BoundPlan{plan}, shapes)
	if err != nil {
		t.Fatal(err)
	}
	const from, to = 100, 500
	params := st.Params.Map()
	params["from"], params["to"], params["late"] = fmt.Sprint(from), fmt.Sprint(to), "1000000"
	rows, err := w.Conn.Query(ch.Context(t.Context(), ch.WithParameters(params), ch.WithSettings(search.StatementSettings)), "SELECT seq, hits FROM ("+st.SQL+")")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	got := map[uint64][]int32{}
	for rows.Next() {
		var seq uint64
		var hits []int32
		if err := rows.Scan(&seq, &hits); err != nil {
			t.Fatal(err)
		}
		got[seq] = hits
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for i := range w.Events {
		e := &w.Events[i]
		var want []int32
		for hit, refs := range st.LabelsOf {
			if e.Seq > from && e.Seq <= to && plan.Labels[refs[0].Label].Match(e) {
				want = append(want, int32(hit))
			}
		}
		if !slices.Equal(got[e.Seq], want) {
			t.Fatalf("event %d: SQL has the hits %v, memory %v", e.Seq, got[e.Seq], want)
		}
	}
}

// TestWideMatchStatementsRun holds that the server takes a statement of rules
// that are each as wide as a query can be.
func TestWideMatchStatementsRun(t *testing.T) {
	w := searchtest.NewWorld(t, searchtest.NewGenerator(18).Events(600))
	plan := (&Plan{Rule: schema.Rule{ID: "r"}}).Bind()
	for i := range 12 {
		nodes := make([]search.Node, 1000)
		for k := range nodes {
			nodes[k] = search.Equals{Field: schema.ParseField(fmt.Sprint("k", (i+k)%1000)), Value: "v"}
		}
		plan.Labels = append(plan.Labels, Label{Filter: search.Filter{{Query: &search.Query{Root: search.Negation{Node: search.Conjunction{Nodes: nodes}}}}}})
	}
	st, err := MatchSQL([]*BoundPlan{plan}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(st.SQL) < 300_000 {
		t.Errorf("only %d bytes of SQL", len(st.SQL))
	}
	compareMatches(t, w, plan, nil)
}
