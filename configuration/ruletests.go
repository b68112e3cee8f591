package configuration

import (
	"nightjar/objects"
	"nightjar/schema"
)

// RuleTests are the tests of a rule, as `nightjar test` reads them.
type RuleTests struct {
	RuleID string `json:"rule_id"`
	Text   string `json:"text"` // YAML; empty: there are none any more
}

// RuleTestsKind is a kind, of which there is one object for each rule at most.
var RuleTestsKind = objects.Kind[RuleTests]{
	Name: "rule tests", NewID: schema.NewID, NoLog: true,
	Check: func(t *RuleTests) error { return checkTests("rule_id", t.RuleID, t.Text, "nightjar test") },
}
