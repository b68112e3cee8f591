package compiler

import (
	"fmt"
	"slices"
	"testing"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"nightjar/schema"
)

// TestMatchStatementsSayWhichLabelsMatch compares statements of few labels and
// of many, which are written in two ways, with the labels' reader in memory.
func TestMatchStatementsSayWhichLabelsMatch(t *testing.T) {
	g := newGenerator(17)
	w := newWorld(t, g.events(600))
	for _, n := range []int{1, 2, fewPredicates, fewPredicates + 1, 60} {
		plan := &Plan{Rule: schema.Rule{ID: "r"}}
		for range n {
			plan.Labels = append(plan.Labels, Label{Parts: []Part{{g.query(), false}, {g.query(), true}}})
		}
		plan.Labels[0].Parts = []Part{{&Query{Root: MatchAll{}}, false}}
		for name, shapes := range map[string]func(string) schema.Shapes{"any form": nil, "known forms": w.sink.Catalogue().Shapes} {
			t.Run(fmt.Sprint(n, " labels, ", name), func(t *testing.T) { w.compareMatches(t, plan, shapes) })
		}
	}
}

func (w *world) compareMatches(t *testing.T, plan *Plan, shapes func(string) schema.Shapes) {
	t.Helper()
	st, err := MatchSQL([]*Plan{plan}, shapes)
	if err != nil {
		t.Fatal(err)
	}
	const from, to = 100, 500
	params := st.Params.Map()
	params["from"], params["to"], params["late"] = fmt.Sprint(from), fmt.Sprint(to), "1000000"
	rows, err := w.conn.Query(ch.Context(t.Context(), ch.WithParameters(params), ch.WithSettings(StatementSettings)), "SELECT seq, hits FROM ("+st.SQL+")")
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
	for i := range w.events {
		e := &w.events[i]
		var want []int32
		for hit, refs := range st.Hits {
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
	w := newWorld(t, newGenerator(18).events(600))
	plan := &Plan{Rule: schema.Rule{ID: "r"}}
	for i := range 12 {
		nodes := make([]Node, 1000)
		for k := range nodes {
			nodes[k] = Equals{Field: schema.ParseField(fmt.Sprint("k", (i+k)%1000)), Value: "v"}
		}
		plan.Labels = append(plan.Labels, Label{Parts: []Part{{&Query{Root: Negation{Node: Conjunction{Nodes: nodes}}}, false}}})
	}
	st, err := MatchSQL([]*Plan{plan}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(st.SQL) < 300_000 {
		t.Errorf("only %d bytes of SQL", len(st.SQL))
	}
	w.compareMatches(t, plan, nil)
}
