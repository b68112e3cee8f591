package compiler_test

import (
	"testing"

	"nightjar/compiler"
	"nightjar/schema"
)

func TestAPlanMayMatchASourceUnlessItsConditionsOnTheSourceExcludeIt(t *testing.T) {
	for query, want := range map[string]bool{
		"*":                                 true,
		"source:agent":                      true,
		"source:sshd":                       false,
		"-source:sshd":                      true,
		"-source:agent":                     false,
		"source:(sshd OR agent) @a:b":       true,
		"source:(sshd OR nginx) @a:b":       false,
		"@agent.rule_id:(a OR b)":           true,
		"source:ag*":                        true,
		"source:sshd OR @evt.name:exec":     true,
		"-(source:agent @a:b)":              true,
		"-(source:agent OR @a:b)":           false,
		"source:* failed":                   true,
		"source:[a TO b] failed":            true,
		"source:[b TO c] failed":            false,
		"CIDR(@ip, 10.0.0.0/8) source:sshd": false,
	} {
		plan, _, err := compiler.Compile(schema.Rule{
			Name: "r", Message: "m", IsEnabled: true, Type: "log_detection",
			Queries: []schema.RuleQuery{{Query: query}},
			Cases:   []schema.RuleCase{{Status: "low", Condition: "a > 0"}},
		})
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		if got := plan.MayMatch("agent"); got != want {
			t.Errorf("%s: got %v, want %v", query, got, want)
		}
	}
}
