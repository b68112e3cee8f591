package compiler

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"nightjar/compiler/searchtest"
	"nightjar/schema"
)

// TestValuesThatTheQueryNamesComeFirst has events with more values than count:
// numbers downwards, so that the order of the array is not that of the texts.
func TestValuesThatTheQueryNamesComeFirst(t *testing.T) {
	list := func(from, to int) string {
		var b strings.Builder
		for n := from; n >= to; n-- {
			fmt.Fprintf(&b, `"v%d",`, n)
		}
		return "[" + strings.TrimSuffix(b.String(), ",") + "]"
	}
	many, some := list(12_000, 1), list(150, 1)
	for _, c := range []struct {
		about, attributes, query string
		by                       []string
		left                     int
		want, without            []string // groups, their values joined with a slash
	}{
		{"as many as count", `{"a":` + list(10_000, 1) + `}`, "@a:v1", []string{"@a"}, 0, []string{"v1", "v10000"}, nil},
		{"too many", `{"a":` + many + `}`, "*", []string{"@a"}, 2000, []string{"v12000", "v2001"}, []string{"v2000", "v1"}},
		{"one is named", `{"a":` + many + `}`, "@a:v7", []string{"@a"}, 2000, []string{"v7", "v12000", "v2002"}, []string{"v2001", "v6"}},
		{"in other ways", `{"a":` + many + `}`, "(@a:v7 OR @a:(v1* AND v?9)) @a:[v1000 TO v1001]", []string{"@a"}, 2000, []string{"v7", "v12", "v1999", "v19", "v1000"}, []string{"v8"}},
		{"what is not wanted is not named", `{"a":` + many + `}`, "-@a:v7 OR *", []string{"@a"}, 2000, []string{"v2001"}, []string{"v7"}},
		{"of another field", `{"a":` + many + `,"b":"v7"}`, "@b:v7", []string{"@a"}, 2000, []string{"v2001"}, []string{"v7"}},
		{"the same value twice", `{"a":[` + strings.Repeat(`"v7",`, 20_000) + `"v8"]}`, "*", []string{"@a"}, 0, []string{"v7", "v8"}, nil},
		{"two fields", `{"a":` + some + `,"b":` + some + `}`, "@a:v2 @b:v1", []string{"@a", "@b"}, 12_500,
			[]string{"v2/v1", "v2/v150", "v2/v3", "v150/v1", "v3/v1", "v150/v150"}, []string{"v3/v3"}},
	} {
		compiled, _, err := Compile(schema.Rule{
			Name: "r", Type: "log_detection", Queries: []schema.RuleQuery{{Name: "a", Query: c.query, GroupByFields: c.by}}, Cases: []schema.RuleCase{{Status: "low", Condition: "a > 0"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		plan := compiled.Bind()
		a, err := schema.ParseAttributes(c.attributes)
		if err != nil {
			t.Fatal(err)
		}
		e := schema.Event{Seq: 1, At: 1, Attributes: a}
		var groups []string
		var out LeftOut
		for _, m := range plan.MatchesCounting(&e, &out) {
			groups = append(groups, strings.Join(m.Group, "/"))
		}
		if out.Tuples != c.left || (c.left > 0) != (out.Events == 1 && len(groups) == MaxTuples) || (c.left > 0) != strings.Contains(out.String(), e.ID()) {
			t.Errorf("%s: %d groups, left out %+v, want %d", c.about, len(groups), out, c.left)
		}
		has := map[string]bool{}
		for _, g := range groups {
			if has[g] {
				t.Errorf("%s: group %s comes twice", c.about, g)
			}
			has[g] = true
		}
		if slices.ContainsFunc(c.want, func(g string) bool { return !has[g] }) || slices.ContainsFunc(c.without, func(g string) bool { return has[g] }) {
			t.Errorf("%s: groups begin with %v; want %v, and not %v", c.about, groups[:min(5, len(groups))], c.want, c.without)
		}
	}
}

// TestTuplesAreCappedLikeGroups counts distinct values, and stops at the number
// that an int can hold.
func TestTuplesAreCappedLikeGroups(t *testing.T) {
	values := make([]string, 1<<16)
	for i := range values {
		values[i] = fmt.Sprint(i)
	}
	l := Label{Distinct: make([]schema.Field, 5)}
	tuples, left := l.tuples(func(schema.Field) []string { return slices.Clone(values) })
	if len(tuples) != MaxTuples || left < 1<<62 {
		t.Errorf("%d tuples, %d left out", len(tuples), left)
	}
	var out LeftOut
	out.Add("a", left)
	out.Add("b", left)
	if out.Events != 2 || out.Tuples < 1<<62 || out.First != "a" {
		t.Errorf("%+v", out)
	}
}

// TestCappedScansHaveTheSameGroups reads such events from the store, where rows
// are values and not events, and compares with memory.
func TestCappedScansHaveTheSameGroups(t *testing.T) {
	var events []schema.Event
	for i := range 40 {
		list := make([]string, 11_000)
		for j := range list {
			list[j] = fmt.Sprintf(`"w%d"`, (j*7919+i)%11_000)
		}
		if i%2 == 1 {
			list[0] = "3.5" // the list is of several kinds then
		}
		text := strings.Join(list, ",")
		a, err := schema.ParseAttributes(`{"a":[` + text + `],"usr":{"id":[` + text + `]}}`)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, schema.Event{At: schema.Millis(1_700_000_000_000 + i), Seen: 1_700_000_000_000, Attributes: a})
	}
	w := searchtest.NewWorld(t, events)
	for _, field := range []string{"@a", "@usr.id"} {
		compiled, _, err := Compile(schema.Rule{
			Name: "r", Type: "log_detection", Queries: []schema.RuleQuery{{Name: "a", Query: field + ":(w1 OR w10999 OR *)", GroupByFields: []string{field}}}, Cases: []schema.RuleCase{{Status: "low", Condition: "a > 0"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		plan := compiled.Bind()
		st, err := ScanSQL(plan, w.Sink.Catalogue().Shapes)
		if err != nil {
			t.Fatal(err)
		}
		if n := compareScan(t, w, st); n == 0 || n%MaxTuples != 0 {
			t.Errorf("%s: %d matches", field, n)
		}
	}
}
