package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"nightjar/agent/probe"
	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/policy"
	"nightjar/secl/ruleset"
)

// PoliciesError are policies that do not check: none of them comes into force.
type PoliciesError struct {
	Problems []*policy.DefinitionError
}

func (p *PoliciesError) Error() string {
	var lines []string
	for _, one := range p.Problems {
		lines = append(lines, one.Error())
	}
	return "the policies do not check: " + strings.Join(lines, "; ")
}

// load checks policies and makes their rules ready.
func (a *Agent) load(policies []*policy.Policy) (*policy.Set, *ruleset.Set, error) {
	world := event.World{ByPID: func(pid int64) *event.Process { return a.cache.Get(uint32(pid)) }}
	set, err := policy.Load(policies, policy.Options{
		Model: event.Model(), World: world, AgentVersion: a.config.Version, Host: thisHost(),
		Support: &policy.Support{Events: event.Supported, Actions: event.SupportedActions},
	})
	if err != nil {
		return nil, nil, err
	}
	return set, ruleset.New(set, world), nil
}

// options are what the kernel is asked for by rules, and for recordings.
func (a *Agent) options(set *policy.Set, rules *ruleset.Set, functions []string) probe.Options {
	return probe.Options{
		Events: append(rules.Events(), a.config.Events...), RingBytes: a.config.RingBytes, Urgent: acting(set), Functions: functions,
	}
}

// Replace brings other policies into force, in the place of those that are, while the
// agent runs: it waits until it does, and for no longer than the context. Every event is
// evaluated once, by the rules of before or by these: they are compiled beside, the kernel
// is told to let through what either needs, the rules are exchanged between two events,
// and the kernel is told to keep back what these do not need. Variables that are still
// declared as they were keep their values, and rules their intervals.
//
// Its error is a *PoliciesError where the policies do not check; problems are those of
// reading them. After an error nothing has changed.
func (a *Agent) Replace(ctx context.Context, policies []*policy.Policy, problems []*policy.DefinitionError) error {
	a.replacing.Lock()
	defer a.replacing.Unlock()
	set, rules, err := a.load(policies)
	if err != nil {
		return err
	}
	if wrong := slices.DeleteFunc(append(slices.Clone(problems), set.Errors()...), func(p *policy.DefinitionError) bool { return p.Warning }); len(wrong) > 0 {
		return &PoliciesError{Problems: wrong}
	}
	c := &change{set: set, rules: rules, policies: policies, filters: newFilters(rules, a.config.Events)}
	if err := a.exchange(ctx, c); err != nil {
		return fmt.Errorf("replace the policies: %w", err)
	}
	a.tellInForce()
	return nil
}

// change is what comes into force, and what was before.
type change struct {
	set      *policy.Set
	rules    *ruleset.Set
	policies []*policy.Policy
	filters  filters
	before   filters
}

// exchange brings a change into force, in the kernel and in the agent. Where the kernel
// can't be told, it is told again what held before.
func (a *Agent) exchange(ctx context.Context, c *change) error {
	// From here on also events of functions that only the new rules name can be read.
	err := a.between(ctx, func() {
		c.before = a.filters
		a.decoder.Functions = beside(a.decoder.Functions, functionsOf(c.set))
	})
	if err != nil {
		return err
	}
	if err = a.probe.Widen(a.options(c.set, c.rules, a.decoder.Functions)); err == nil {
		if err = c.filters.widen(a.probe, &c.before); err == nil {
			swapped := error(nil)
			err = a.between(ctx, func() { swapped = a.swap(c) })
			err = errors.Join(err, swapped)
		}
	}
	if err != nil {
		return errors.Join(err, c.before.narrow(a.probe, &c.filters), a.narrow(ctx))
	}
	if err := errors.Join(c.filters.narrow(a.probe, &c.before), a.narrow(ctx)); err != nil {
		// More than is needed leaves the kernel, which costs and is not wrong.
		a.set.Problems = append(a.set.Problems, &policy.DefinitionError{Kind: "filters", Err: err, Warning: true})
	}
	return nil
}

// narrow ends what the rules in force do not ask for.
func (a *Agent) narrow(ctx context.Context) error {
	var o probe.Options
	if err := a.between(ctx, func() {
		a.decoder.Functions = only(a.decoder.Functions, functionsOf(a.set))
		o = a.options(a.set, a.rules, a.decoder.Functions)
	}); err != nil {
		return err
	}
	return a.probe.Narrow(o)
}

// swap exchanges the rules between two events.
func (a *Agent) swap(c *change) error {
	if err := a.enforce(c.rules, c.set); err != nil {
		return errors.Join(err, a.enforce(a.rules, a.set))
	}
	if err := a.probe.ForgetFolders(); err != nil {
		return errors.Join(err, a.enforce(a.rules, a.set))
	}
	c.rules.Resume(a.rules)
	a.set, a.rules, a.filters, a.config.Policies = c.set, c.rules, c.filters, c.policies
	for _, r := range a.account.rules {
		r.about = nil
	}
	return nil
}

// between has something done between two events, by who reads the ring.
func (a *Agent) between(ctx context.Context, do func()) error {
	done := make(chan struct{})
	select {
	case a.asks <- func() { defer close(done); do() }:
	case <-ctx.Done():
		return ctx.Err()
	}
	<-done
	return nil
}

// beside are functions with others behind them: each keeps its place.
func beside(have, want []string) []string {
	out := slices.Clone(have)
	for _, name := range want {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// only are the functions that are wanted, each in its place; the place of another is empty
// for good, since events of it may be on their way.
func only(have, want []string) []string {
	out := slices.Clone(have)
	for i, name := range out {
		if !slices.Contains(want, name) {
			out[i] = ""
		}
	}
	return out
}

// tellInForce tells the sink, where it wants to know, which policies are in force, and
// through which hooks events are seen.
func (a *Agent) tellInForce() {
	if sink, ok := a.config.Sink.(interface {
		InForce(policies []*policy.Policy, hooks []probe.Hook)
	}); ok {
		sink.InForce(a.config.Policies, a.probe.Hooks())
	}
}

// PolicyNames are the names of the policies that it begins with.
func (a *Agent) PolicyNames() []string {
	var out []string
	for _, p := range a.config.Policies {
		out = append(out, p.Name)
	}
	return out
}

// functionsOf are the functions of the kernel that rules name. Of patterns nobody
// could tell which they mean: such a rule never matches.
func functionsOf(set *policy.Set) []string {
	var out []string
	name := event.Model().Field("ondemand.name")
	for _, r := range set.Rules {
		for _, v := range secl.Values(r.Expr, name) {
			if v.Kind == secl.KindScalar && v.Value.Text != "" && !slices.Contains(out, v.Value.Text) {
				out = append(out, v.Value.Text)
			}
		}
	}
	return out
}
