package compiler

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"nightjar/compiler/search"
	"nightjar/compiler/searchtest"
	"nightjar/schema"
)

// TestTheStoreLeavesOutWhatMemoryLeavesOut has an address that queries name behind
// more others than count: every reader and every use of values finds it, and keeps
// the same of the others.
func TestTheStoreLeavesOutWhatMemoryLeavesOut(t *testing.T) {
	const named = "203.0.113.66"
	addresses := make([]string, MaxTuples+5)
	for i := range addresses {
		addresses[i] = fmt.Sprintf("198.18.%d.%d", (len(addresses)-i)/256, i%256) // not in the order of texts
	}
	addresses[len(addresses)-1] = named
	list := `["` + strings.Join(addresses, `","`) + `"]`
	var events []schema.Event
	for i := range 40 { // a scan leaves out the first and the last
		at := schema.Millis(1_700_000_000_000 + 1000*i)
		text := `{"ip":"` + named + `","to":["x"]}`
		if i == 15 {
			text = `{"ip":` + list + `,"to":` + list + `,"n":1}`
		}
		a, err := schema.ParseAttributes(text)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, schema.Event{Seq: uint64(i + 1), At: at, Seen: at, Source: "x", Attributes: a})
	}
	w := searchtest.NewWorld(t, events)
	ip, to := []schema.Field{schema.ParseField("@ip")}, []schema.Field{schema.ParseField("@to")}
	query := func(text string) search.Filter {
		q, err := search.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return search.Filter{{Query: q}}
	}
	for name, l := range map[string]Label{
		"groups":              {Filter: query("@ip:" + named), GroupBy: ip},
		"groups, by wildcard": {Filter: query("source:x @ip:203.0.113.*"), GroupBy: ip},
		"distinct tuples":     {Filter: query("@to:" + named + " OR @ip:" + named), Aggregation: AggCardinality, Distinct: to},
		"pairs":               {Filter: query("@ip:" + named), GroupBy: slices.Concat(ip, to)},
		"new values":          {Filter: query("source:x (@to:" + named + " OR @to:x)"), Aggregation: AggNewValue, Distinct: to},
		"whole events":        {Filter: query("@ip:" + named), GroupBy: ip, Aggregation: AggSum, Metric: schema.ParseField("@n")},
	} {
		t.Run(name, func(t *testing.T) {
			plan := (&Plan{Rule: schema.Rule{ID: "r"}, Labels: []Label{l}}).Bind()
			matches := plan.Matches(&w.Events[15])
			found := slices.ContainsFunc(matches, func(m Match) bool {
				return slices.Contains(m.Group, named) || slices.Contains(m.Values, named)
			})
			if most := MaxTuples; !found || len(matches) > most || len(matches) > 0 && len(matches[0].Values) > most {
				t.Fatalf("the named address is found: %v, in %d matches", found, len(matches))
			}
			st, err := ScanSQL(plan, w.Sink.Catalogue().Shapes)
			if err != nil {
				t.Fatal(err)
			}
			if n := compareScan(t, w, st); n < len(matches) {
				t.Errorf("the store finds %d matches, memory %d of that event alone", n, len(matches))
			}
		})
	}
}
