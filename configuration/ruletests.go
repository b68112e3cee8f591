package configuration

import (
	"fmt"

	"nightjar/objects"
	"nightjar/schema"
)

// RuleTests are the tests of a rule, as `nightjar test` reads them.
type RuleTests struct {
	RuleID string `json:"rule_id"`
	Text   string `json:"text"` // YAML; empty: there are none any more
}

// MaxRuleTests is how large the tests of a rule may be, in bytes.
const MaxRuleTests = 1 << 20

// RuleTestsKind is a kind, of which there is one object for each rule at most.
var RuleTestsKind = objects.Kind[RuleTests]{
	Name: "rule tests", NewID: schema.NewID, NoLog: true,
	Check: func(t *RuleTests) error {
		var bad faults
		bad.required("rule_id", t.RuleID)
		if len(t.Text) > MaxRuleTests {
			bad.Add("text", fmt.Sprintf("at most %d bytes, got %d; keep the rest in a file, for `nightjar test`", MaxRuleTests, len(t.Text)))
		}
		return bad.Err()
	},
}
