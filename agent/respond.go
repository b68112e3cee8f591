package agent

import (
	"slices"
	"time"

	"nightjar/agent/bpf"
	"nightjar/agent/respond"
	"nightjar/secl/policy"
	"nightjar/secl/ruleset"
)

// prepareResponder makes who takes the actions of rules. A switch that can't be read
// counts as disarmed; its error is told.
func (a *Agent) prepareResponder() error {
	off, err := respond.OpenSwitch(a.config.StateDir)
	protected := respond.NewProtected(a.config.Protect)
	a.responder = respond.New(respond.Config{Switch: off, Protected: protected, Limits: a.config.Disarmer})
	a.network = newNetworkFilter(a.responder)
	if err != nil {
		a.set.Problems = append(a.set.Problems, &policy.DefinitionError{Where: policy.Place{File: a.config.StateDir}, Kind: "switch", Err: err, Warning: true})
	}
	return nil
}

// Responder takes the actions of rules: who can take further kinds registers with it.
func (a *Agent) Responder() *respond.Responder { return a.responder }

// enforce tells the kernel what it may do by itself for a set of rules, instead of what
// it was told for the set before.
func (a *Agent) enforce(rules *ruleset.Set, set *policy.Set) error {
	a.priority.want(slices.ContainsFunc(set.Rules, kills))
	a.deny(set)
	if err := a.network.keep(set); err != nil {
		return err
	}
	a.responder.Killer.Know(a.probe)
	return a.responder.Install(rules, a.probe.Kills())
}

// seen is what the kernel says of a record beside the event.
func (a *Agent) seen(r bpf.Record) respond.Seen {
	at, report := time.Unix(0, a.event.Timestamp), r.Kill()
	if report == nil {
		return respond.Seen{Time: at}
	}
	return a.responder.Seen(at, time.Unix(0, a.decoder.Clock(report.Time)), report)
}

// killedOtherwise tells what the kernel has killed because of a rule that does not match
// the event: the program is a file of the rule, by another name. No kill goes untold.
func (a *Agent) killedOtherwise(seen respond.Seen) {
	rule := a.responder.Owner(seen)
	if rule == nil {
		return
	}
	a.account.rule(rule.ID).Matches++
	taken := a.responder.Other(rule, &a.event, seen)
	if a.config.Sink != nil {
		a.tell(rule, taken)
	}
}

// exited tells the responder that a process is gone.
func (a *Agent) exited(r bpf.Record) {
	if r.Kind() == bpf.Exit {
		a.responder.Exited(int64(r.Who.Pid), r.Who.Start, time.Unix(0, a.event.Timestamp))
	}
}

// acting are the types of events on which rules act: who reads the ring is woken for
// them. Kills of rules that only monitor can wait; a file and a process of which something
// is wanted may be gone.
func acting(set *policy.Set) []string {
	var out []string
	for _, r := range set.Rules {
		for _, action := range r.Actions {
			blocks := r.Mode == policy.Blocking && (action.Kill != nil || action.NetworkFilter != nil)
			if blocks || action.Hash != nil || action.CoreDump != nil {
				out = append(out, r.Event())
			}
		}
	}
	return out
}

// kills reports whether a rule kills what it matches.
func kills(r *policy.Rule) bool {
	return r.Mode == policy.Blocking && slices.ContainsFunc(r.Actions, func(a *policy.Action) bool { return a.Kill != nil })
}
