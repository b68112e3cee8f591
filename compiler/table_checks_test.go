package compiler

import (
	"slices"
	"strings"
	"testing"

	"nightjar/schema"
)

// listed is a table t with a column c; from 100 on it has a value more.
type listed struct{}

func (listed) Has(table, column, value string, at schema.Millis) bool {
	return table == "t" && column == "c" && (value == "bad" || value == "7" || value == "later" && at >= 100)
}

func tableRule(checks ...schema.ReferenceTable) schema.Rule {
	return schema.Rule{
		Name:            "r",
		Queries:         []schema.RuleQuery{{Query: "*"}, {Name: "second", Query: "*"}},
		Cases:           []schema.RuleCase{{Status: "info", Condition: "a > 0"}},
		ReferenceTables: checks,
	}
}

func TestReferenceTablesKeepOrRemoveEvents(t *testing.T) {
	in := schema.ReferenceTable{TableName: "t", ColumnName: "c", LogFieldPath: "@f", RuleQueryName: "a", CheckPresence: true}
	notIn := in
	notIn.CheckPresence = false
	both := []schema.ReferenceTable{in, {TableName: "t", ColumnName: "c", LogFieldPath: "user", CheckPresence: false}}
	for _, c := range []struct {
		attributes string
		seen       schema.Millis
		checks     []schema.ReferenceTable
		want       []int // the labels that match
	}{
		{`{"f":"bad"}`, 0, []schema.ReferenceTable{in}, []int{0, 1}},
		{`{"f":"Bad"}`, 0, []schema.ReferenceTable{in}, []int{1}},
		{`{"f":7}`, 0, []schema.ReferenceTable{in}, []int{0, 1}},
		{`{"f":["good","bad"]}`, 0, []schema.ReferenceTable{in}, []int{0, 1}},
		{`{"f":["good","bad"]}`, 0, []schema.ReferenceTable{notIn}, []int{1}},
		{`{"f":"good"}`, 0, []schema.ReferenceTable{notIn}, []int{0, 1}},
		{`{}`, 0, []schema.ReferenceTable{in}, []int{1}},
		{`{}`, 0, []schema.ReferenceTable{notIn}, []int{0, 1}},
		{`{"f":"later"}`, 99, []schema.ReferenceTable{in}, []int{1}},
		{`{"f":"later"}`, 100, []schema.ReferenceTable{in}, []int{0, 1}},
		{`{"f":"bad"}`, 0, both, []int{0, 1}},
		{`{"f":"good"}`, 0, []schema.ReferenceTable{in, notIn}, []int{1}},
	} {
		compiled, _, err := Compile(tableRule(c.checks...))
		if err != nil {
			t.Fatal(err)
		}
		plan := compiled.Bind()
		plan.Tables = listed{}
		attributes, err := schema.ParseAttributes(c.attributes)
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for _, m := range plan.Matches(&schema.Event{Seen: c.seen, Attributes: attributes}) {
			got = append(got, m.Label)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s at %d matches labels %v, want %v", c.attributes, c.seen, got, c.want)
		}
	}
}

func TestACheckWithoutAQueryIsForAll(t *testing.T) {
	compiled, _, err := Compile(tableRule(schema.ReferenceTable{TableName: "t", ColumnName: "c", LogFieldPath: "user"}))
	if err != nil {
		t.Fatal(err)
	}
	plan := compiled.Bind()
	event := schema.Event{Tags: []string{"user:bad"}}
	plan.Tables = listed{}
	if got := plan.Matches(&event); len(got) > 0 {
		t.Errorf("the event passes: %v", got)
	}
	if got := plan.TableColumns(); len(got) != 1 || got[0].String() != "t.c" {
		t.Errorf("columns %v", got)
	}
	plan.Tables = nil
	if got := plan.Matches(&event); len(got) != 2 {
		t.Errorf("without tables nothing is in one: %v", got)
	}
}

func TestMistakesOfReferenceTablesHaveTheirPlace(t *testing.T) {
	_, _, err := Compile(tableRule(schema.ReferenceTable{RuleQueryName: "third"}))
	for _, want := range []string{"tableName", "columnName", "logFieldPath", "ruleQueryName", `"third"`, `["a" "second"]`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell of %s", err, want)
		}
	}
}
