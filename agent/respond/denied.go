package respond

import (
	"slices"

	"nightjar/secl/event"
	"nightjar/secl/policy"
	"nightjar/secl/ruleset"
)

// Denied is what kept an event from happening.
type Denied struct {
	By    Mechanism
	What  string   // the file, or the network and ports, that is listed
	Rules []string // because of which
}

// report says what a denial means for a rule that kills what it matches, and whether
// nobody is left to kill: a program that was not executed has no process, and who wanted
// to execute it is another one.
func (d *Denied) report(rule *ruleset.Rule, e *event.Event) (out Report, nobody bool) {
	out = Report{
		Type: "deny", Status: Performed, Mechanism: d.By, Already: "nothing: the " + e.Type + " was kept from happening",
		Detail: map[string]any{"denied": d.What},
	}
	switch {
	case slices.Contains(d.Rules, rule.ID):
	case rule.Mode != policy.Blocking:
		out.Status, out.Note = WouldHavePerformed, "it was denied because of another rule"
	default:
		out.Status, out.Note = Aborted, "it was denied because of another rule"
	}
	return out, e.Type == "exec"
}
