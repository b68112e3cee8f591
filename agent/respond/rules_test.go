package respond

import (
	"fmt"
	"testing"

	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/policy"
	"nightjar/secl/ruleset"
)

// rulesOf are the rules of a policy in a mode.
func rulesOf(t *testing.T, mode policy.Mode, rules string) *ruleset.Set {
	t.Helper()
	p, problems := policy.Read("test.policy", []byte("version: 1.0.0\nrules:\n"+rules))
	for _, problem := range problems {
		t.Fatal(problem)
	}
	p.Mode = mode
	world := event.World{}
	set, err := policy.Load([]*policy.Policy{p}, policy.Options{Model: event.Model(), World: world})
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range set.Errors() {
		t.Fatal(problem)
	}
	return ruleset.New(set, world)
}

func rule(id, expression, actions string) string {
	return fmt.Sprintf("- id: %s\n  expression: '%s'\n  actions: [%s]\n", id, expression, actions)
}

const kill = "{kill: {signal: SIGKILL}}"

// match calls found for each rule that an event matches.
func match(rules *ruleset.Set, e *event.Event, found func(*ruleset.Rule, *secl.Context)) {
	c := &secl.Context{Event: e, Now: e.Timestamp}
	if b := rules.For(e.Type); b != nil {
		b.Evaluate(c, func(r *ruleset.Rule, _ bool) { found(r, c) })
	}
}
