package compiler

import (
	"reflect"
	"testing"

	"nightjar/schema"
)

// manyRule is a rule that asks for a table, groups, distinct values and a message.
func manyRule() schema.Rule {
	return schema.Rule{
		ID: "r", Name: "many", Message: "{{@usr.id}}", Type: schema.RuleLogDetection, Tags: []string{"team:a"},
		Queries: []schema.RuleQuery{
			{Name: "a", Query: "source:sshd @a:(x OR y*)", GroupByFields: []string{"@usr.id"}},
			{Name: "b", Query: "@b:>5", GroupByFields: []string{"@usr.id"}, Aggregation: "cardinality", DistinctFields: []string{"@ip"}},
		},
		Filters:         []schema.RuleFilter{{Action: "suppress", Query: "host:test*"}},
		ReferenceTables: []schema.ReferenceTable{{TableName: "t", ColumnName: "c", LogFieldPath: "@ip", CheckPresence: true, RuleQueryName: "b"}},
		Cases:           []schema.RuleCase{{Name: "one", Status: "high", Condition: "a > 2 && b > 1"}, {Name: "two", Status: "low", Condition: "a > 2"}},
	}
}

// TestAPlanIsNotChangedByWhatRunsIt binds one plan to two runs with other keys, tables
// and suppressions: neither sees what the other has, and the plan stays what compiling
// the rule again gives.
func TestAPlanIsNotChangedByWhatRunsIt(t *testing.T) {
	plan, again := compiledRule(t), compiledRule(t)
	if !reflect.DeepEqual(plan, again) {
		t.Fatal("equal rules give different plans")
	}
	excludes, err := CompileSuppression(schema.Suppression{
		ID: "s", Name: "s", Enabled: true, RuleQuery: "*", DataExclusionQuery: "@usr.id:u",
	})
	if err != nil {
		t.Fatal(err)
	}
	one, other := plan.Bind(), plan.Bind()
	one.Key, one.After, one.Tables = "k", 7, listed{}
	one.Suppress([]InForce{Always(excludes)})
	attributes, err := schema.ParseAttributes(`{"a":"x","b":6,"ip":"bad","usr":{"id":"u"}}`)
	if err != nil {
		t.Fatal(err)
	}
	e := schema.Event{Seq: 1, At: 1, Source: "sshd", Attributes: attributes}
	if got := one.Matches(&e); len(got) > 0 {
		t.Errorf("an excluded event matches: %v", got)
	}
	if got := other.Matches(&e); len(got) != 1 || other.Key != plan.Rule.DetectionKey() || other.After != 0 {
		t.Errorf("the other run, without tables and suppressions: %v", got)
	}
	one.Explain(&e)
	if _, err := MatchSQL([]*BoundPlan{one, other}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := ScanSQL(one, nil); err != nil {
		t.Fatal(err)
	}
	NewMatchSet([]*BoundPlan{one, other}).Match(&e, func(int32) {})
	if !reflect.DeepEqual(plan, again) {
		t.Error("running it changed the plan")
	}
}

func compiledRule(t *testing.T) *Plan {
	t.Helper()
	plan, _, err := Compile(manyRule())
	if err != nil {
		t.Fatal(err)
	}
	return plan
}
