package control

import (
	"cmp"
	"context"
	"slices"

	"nightjar/agent/orders"
	"nightjar/schema"
)

// Shown is an enrolled agent as people see it.
type Shown struct {
	Agent
	ID       string
	Enrolled schema.Millis
	Contact  schema.Millis // 0: never
	// Last is what it said last; nil: nothing since the server started.
	Last *orders.Sync
	// Wanted is the version of the policies that it is to follow, and Problems why it is
	// given none.
	Wanted   uint64
	Problems []string
	// CPU is how much of a core it took over the last minutes.
	CPU float64
}

// Agents are all enrolled agents, by host and id.
func (r *Registry) Agents() []Shown {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []Shown
	for _, id := range r.ordered() {
		m := r.members[id]
		s := Shown{Agent: m.Agent, ID: id, Enrolled: m.enrolled, Contact: m.Agent.Contact, Last: m.last, CPU: m.meter.recent().cpu}
		if m.last != nil {
			s.Contact = m.contact
		}
		if snapshot := r.snapshotFor(id, m); snapshot != nil {
			s.Wanted, s.Problems = snapshot.Version, r.effective(snapshot, m.Tags).problems
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Shown) int { return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.ID, b.ID)) })
	return out
}

// ShownRollout is a rollout as people see it.
type ShownRollout struct {
	Rollout
	Stages []ShownStage
	// Waiting are the hosts of the agents of the present stage that do not follow it yet.
	Waiting []string
}

// ShownStage is a stage with how many agents are in it, and how many of them follow what
// is rolled out.
type ShownStage struct {
	Stage
	Agents, InForce int
}

// Rollout is how far the policies are.
func (r *Registry) Rollout() ShownRollout {
	fleet := r.fleet()
	out := ShownRollout{Rollout: r.current()}
	stages := out.stages()
	for i, s := range stages {
		in := members(fleet, stages[:i+1])
		shown := ShownStage{Stage: s, Agents: len(in)}
		for _, a := range in {
			if newest := out.newestWanted(); newest != 0 && a.inForce == newest {
				shown.InForce++
			} else if i == out.Stage && out.Target != nil && a.state == Reporting {
				out.Waiting = append(out.Waiting, a.host)
			}
		}
		out.Stages = append(out.Stages, shown)
	}
	return out
}

// newestWanted is the version that agents are to have in the end.
func (b Rollout) newestWanted() uint64 {
	switch {
	case b.Target != nil:
		return b.Target.Version
	case b.Base != nil:
		return b.Base.Version
	}
	return 0
}

// Plan says in which stages later changes reach agents.
func (r *Registry) Plan(ctx context.Context, stages []Stage) error {
	if err := checkStages(stages); err != nil {
		return err
	}
	return r.changeAndWake(ctx, func(b *Rollout) error {
		if b.Target != nil {
			return &schema.InvalidError{Details: []schema.Detail{{Target: "stages", Message: "a rollout is under way: wait until it is done, or roll it back"}}}
		}
		b.Stages = stages
		return nil
	})
}

// Stop lets no further agent have what is being rolled out.
func (r *Registry) Stop(ctx context.Context, why string) error {
	return r.changeAndWake(ctx, func(b *Rollout) error {
		if b.Target == nil || b.Stopped != "" {
			return invalid("state", "no rollout is going on")
		}
		b.stop(why)
		return nil
	})
}

// Resume goes on with a rollout that stopped. What refused it or fell silent in it until
// now does not stop it again.
func (r *Registry) Resume(ctx context.Context) error {
	var excused []string
	for _, a := range r.fleet() {
		if a.refused != 0 || a.state == Silent {
			excused = append(excused, a.id)
		}
	}
	return r.changeAndWake(ctx, func(b *Rollout) error { return b.resume(excused) })
}

// RollBack gives all agents the policies from before.
func (r *Registry) RollBack(ctx context.Context) error {
	return r.changeAndWake(ctx, (*Rollout).rollBack)
}

func (r *Registry) changeAndWake(ctx context.Context, edit func(*Rollout) error) error {
	err := r.change(ctx, edit)
	if err == nil {
		r.Wake()
	}
	return err
}
