package compiler

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"nightjar/compiler/search"
	"nightjar/compiler/searchtest"
	"nightjar/schema"
)

// TestScansFindTheMatchesOfMemory compares what a scan finds in a range of event
// times with the plan's reader in memory: plans that need whole events, and plans
// whose events come by their values.
func TestScansFindTheMatchesOfMemory(t *testing.T) {
	g := searchtest.NewGenerator(23)
	w := searchtest.NewWorld(t, g.Events(600))
	fields := searchtest.Fields(w.Events)
	field := func() []schema.Field { return []schema.Field{fields[g.IntN(len(fields))]} }
	whole, found := 0, 0
	for n := range 40 {
		plan := (&Plan{Rule: schema.Rule{ID: "r"}}).Bind()
		for i := range 1 + n%3 {
			l := Label{Filter: search.Filter{{Query: g.Query(), Negated: n%2 == 0}}, Aggregation: Aggregation(i % 2), Optional: n%5 == 0}
			if n%4 > 0 {
				l.GroupBy = append(field(), field()...)
			}
			if l.Aggregation == AggCardinality {
				l.Distinct = field()
			}
			if n%7 == 6 {
				l.Aggregation, l.Metric = AggSum, field()[0]
			}
			plan.Labels = append(plan.Labels, l)
		}
		for _, shapes := range []func(string) schema.Shapes{nil, w.Sink.Catalogue().Shapes} {
			st, err := ScanSQL(plan, shapes)
			if err != nil {
				t.Fatal(err)
			}
			if st.Whole {
				whole++
			}
			found += compareScan(t, w, st)
		}
	}
	if whole == 0 || whole == 80 || found < 1000 {
		t.Errorf("%d of 80 scans need whole events, %d matches were found: the test is too easy", whole, found)
	}
}

func compareScan(t *testing.T, w *searchtest.World, st *ScanStatement) int {
	t.Helper()
	times := make([]schema.Millis, len(w.Events))
	for i := range w.Events {
		times[i] = w.Events[i].At
	}
	slices.Sort(times)
	from, to := times[len(times)/10], times[len(times)-len(times)/10]
	after, through := uint64(10), uint64(len(w.Events)-20)
	params := st.Params.Map()
	params["from"], params["to"], params["after"], params["through"] = fmt.Sprint(int64(from)), fmt.Sprint(int64(to)), fmt.Sprint(after), fmt.Sprint(through)
	columns := "hits, values, tags, ats, seqs"
	if st.Whole {
		columns = "hits, seq"
	}
	rows, err := w.Conn.Query(ch.Context(t.Context(), ch.WithParameters(params), ch.WithSettings(search.StatementSettings)), "SELECT "+columns+" FROM ("+st.SQL+")")
	if err != nil {
		t.Fatalf("%v\n%s", err, st.SQL)
	}
	defer rows.Close()
	var got []Match
	for rows.Next() {
		var row Scanned
		if st.Whole {
			var seq uint64
			if err := rows.Scan(&row.Filters, &seq); err != nil {
				t.Fatal(err)
			}
			row.Event = w.Events[seq-1]
		} else if err := rows.Scan(&row.Filters, &row.Values, &row.Tags, &row.Ats, &row.Seqs); err != nil {
			t.Fatal(err)
		}
		got = append(got, st.Matches(&row, &LeftOut{})...)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	var want []Match
	for i := range w.Events {
		if e := &w.Events[i]; e.At >= from && e.At <= to && e.Seq <= through && e.Seq > after {
			want = append(want, st.Plan.Matches(e)...)
		}
	}
	if have, wanted := textsOfMatches(got), textsOfMatches(want); !slices.Equal(have, wanted) {
		t.Fatalf("%d matches, want %d\n%v\n%v\n%s", len(have), len(wanted), have, wanted, st.SQL)
	}
	return len(got)
}

func textsOfMatches(matches []Match) []string {
	texts := make([]string, len(matches))
	for i, m := range matches {
		slices.Sort(m.Tags)
		texts[i] = fmt.Sprintf("%d %d %d %q %q %v %q", m.Seq, m.At, m.Label, m.Group, m.Values, m.Number, m.Tags)
	}
	slices.SortFunc(texts, cmp.Compare[string])
	return texts
}
