package agent

import (
	"slices"
	"time"

	"nightjar/agent/deny"
	"nightjar/agent/respond"
	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/policy"
	"nightjar/secl/ruleset"
)

// networkFilter takes the actions network_filter. A filter ends with the process, with
// its rule, with the switch, and with the agent.
type networkFilter struct {
	dropper   deny.Dropper
	responder *respond.Responder
}

func newNetworkFilter(r *respond.Responder) *networkFilter {
	n := &networkFilter{responder: r}
	r.Register("network_filter", n)
	r.Switch.Watch(func(disarmed bool) {
		if disarmed {
			_ = n.dropper.Clear()
		}
	})
	return n
}

// Act implements respond.Actor. Loading a program takes a moment: it goes on by itself.
func (n *networkFilter) Act(rule *ruleset.Rule, a *policy.Action, c *secl.Context, done func(respond.Report)) {
	p := c.Event.(*event.Event).Process
	def := a.NetworkFilter
	report := respond.Report{
		Type: "network_filter", Mechanism: deny.ByCGroup, Scope: def.Scope, DetectedAt: time.Now(), CreatedAt: time.Unix(0, p.CreatedAt),
		Already: "what was sent and received before", Detail: map[string]any{"filter": def.Filter},
	}
	if report.Scope == "" {
		report.Scope = "process"
	}
	why, protected := n.responder.Protected.Live(int(p.PID))
	switch off := n.responder.Switch.Disarmed(); {
	case off != "":
		report.Status, report.Error = respond.RuleDismantled, off
	case protected:
		report.Status, report.Error = respond.Aborted, "protected: "+why
	case rule.Mode != policy.Blocking:
		report.Status, report.Already = respond.WouldHavePerformed, ""
	default:
		drop := deny.Drop{Rule: rule.ID, Filter: def.Filter, PID: int(p.PID), Start: p.Key, Group: def.Scope == "cgroup"}
		go n.begin(drop, report, done)
		return
	}
	done(report)
}

func (n *networkFilter) begin(d deny.Drop, report respond.Report, done func(respond.Report)) {
	report.Status = respond.Performed
	if err := n.dropper.Add(d); err != nil {
		report.Status, report.Error, report.Already = respond.Failed, err.Error(), ""
	}
	if n.responder.Switch.Disarmed() != "" { // meanwhile
		_ = n.dropper.Clear()
	}
	done(report)
	_ = n.dropper.Prepare() // for the next one, which else takes longer
}

// keep ends the filters of rules that are not in a set, and is ready for those that are.
func (n *networkFilter) keep(set *policy.Set) error {
	var rules []string
	needed := false
	for _, r := range set.Rules {
		rules = append(rules, r.ID)
		needed = needed || r.Mode == policy.Blocking && slices.ContainsFunc(r.Actions, func(a *policy.Action) bool { return a.NetworkFilter != nil })
	}
	if needed {
		_ = n.dropper.Prepare() // what is wrong is told with the action
	}
	return n.dropper.Keep(rules)
}
