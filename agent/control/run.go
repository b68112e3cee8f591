package control

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"nightjar/agent/orders"
	"nightjar/schema"
)

const (
	// lookEvery is how often the registry looks whether something is due.
	lookEvery = 250 * time.Millisecond
	// afterFailure is how long the registry waits when something could not be stored.
	afterFailure = 5 * time.Second
	// patientLooks is how many looks further changes are waited for at most, while they
	// come one after the other.
	patientLooks = 8
	// silentAfter is how long an agent that neither asks nor waits for orders is waited
	// for: agents ask again at once, and after a failure within half a minute.
	silentAfter schema.Millis = 90_000
)

// seen is what of the configuration was looked at.
type seen struct {
	done, last [2]uint64
	looks      int // since it is not the one that was done
}

// Run follows what is configured, and how the agents are, until ctx ends.
func (r *Registry) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := errors.Join(r.look(ctx), r.step(ctx), r.watch(ctx)); err != nil && ctx.Err() == nil {
			r.deps.Log.Warn("cannot go on with the policies of agents; it is tried again", "error", err)
			pause(ctx, afterFailure)
		}
		r.listen(ctx)
	}
}

// watch has the rules made that watch agents, when there are agents.
func (r *Registry) watch(ctx context.Context) error {
	r.mu.Lock()
	agents := len(r.members)
	r.mu.Unlock()
	if agents == 0 || r.deps.Watch == nil || r.current().Watched {
		return nil
	}
	if err := r.deps.Watch(ctx); err != nil {
		return fmt.Errorf("make the rules that watch agents: %w", err)
	}
	return r.change(ctx, func(b *Rollout) error { b.Watched = true; return nil })
}

// look takes over what is configured when that has changed, and no further change came
// meanwhile.
func (r *Registry) look(ctx context.Context) error {
	now := [2]uint64{r.deps.Stores.AgentRules.Revision(), r.deps.Stores.AgentPolicies.Revision()}
	if now == r.seen.done {
		return nil
	}
	r.seen.looks++
	if now != r.seen.last && r.seen.looks < patientLooks {
		r.seen.last = now
		return nil
	}
	if err := r.adopt(ctx); err != nil {
		return err
	}
	r.seen = seen{done: now, last: now}
	return nil
}

// adopt takes over what is configured, or says why not.
func (r *Registry) adopt(ctx context.Context) error {
	s, err := takeSnapshot(ctx, r.deps.Defaults, r.deps.Stores)
	if err != nil {
		return err
	}
	was := r.current()
	var problems []string
	if s.Hash == was.configured() {
		if len(was.Errors) == 0 {
			return nil
		}
	} else {
		problems = r.problemsOf(s)
	}
	if len(problems) > 0 && !slices.Equal(problems, was.Errors) {
		r.deps.Log.Error("the policies and rules of agents do not check; agents keep what they have", "errors", problems)
		r.tellRefused(problems)
	}
	err = r.change(ctx, func(b *Rollout) error {
		if b.Errors = problems; len(problems) == 0 && s.Hash != b.configured() {
			b.begin(s, schema.MillisOf(r.deps.Now()))
		}
		return nil
	})
	if err == nil {
		r.Wake()
	}
	return err
}

// problemsOf is what is wrong with what is configured, for any agent that there is, and
// for a host to which everything applies.
func (r *Registry) problemsOf(s *Snapshot) []string {
	all, err := s.policiesOf(s.Policies)
	if err != nil {
		return []string{err.Error()}
	}
	if problems := check(all); len(problems) > 0 {
		return problems
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.members {
		if e := r.effective(s, m.Tags); len(e.problems) > 0 {
			return e.problems
		}
	}
	return nil
}

// current is the rollout as it is stored.
func (r *Registry) current() Rollout {
	v, err := r.rollout.Get(context.Background(), rolloutID)
	if err != nil {
		panic(err) // it is built in
	}
	return v.Body
}

// change stores the rollout as edit makes it.
func (r *Registry) change(ctx context.Context, edit func(*Rollout) error) error {
	_, err := r.rollout.Update(ctx, rolloutID, 0, edit)
	return err
}

// step goes on with the rollout.
func (r *Registry) step(ctx context.Context) error {
	now, b := schema.MillisOf(r.deps.Now()), r.current()
	if b.Target == nil {
		return nil
	}
	fleet := r.fleet()
	if !b.step(now, fleet) {
		return nil
	}
	stopped := ""
	err := r.change(ctx, func(b *Rollout) error {
		was := b.Stopped
		b.step(now, fleet)
		if b.Stopped != was {
			stopped = b.Stopped
		}
		return nil
	})
	if err == nil && stopped != "" {
		r.deps.Log.Error("the rollout of the agents' policies stopped", "reason", stopped)
		r.tellStopped(stopped)
	}
	r.Wake()
	return err
}

// fleet are all agents in the order in which stages take them in: that of a hash of their
// ids, so that it stays the same.
func (r *Registry) fleet() []standing {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]standing, 0, len(r.members))
	for _, id := range r.ordered() {
		m := r.members[id]
		s := standing{id: id, host: m.Host, tags: m.Tags, state: m.State, silent: m.silent, watchman: func(uint64) string { return "" }}
		if m.last != nil {
			s.inForce, s.watchman = m.last.InForce, (&meter{slices.Clone(m.meter.samples)}).worse
			if f := m.last.Refused; f != nil {
				s.refused, s.errors = f.Version, f.Errors
			}
		}
		out = append(out, s)
	}
	return out
}

func (r *Registry) ordered() []string {
	if r.order == nil {
		for id := range r.members {
			r.order = append(r.order, id)
		}
		slices.SortFunc(r.order, func(a, b string) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b)) })
	}
	return r.order
}

func rank(id string) uint64 {
	sum := sha256.Sum256([]byte(id))
	return binary.BigEndian.Uint64(sum[:])
}

// snapshotFor is what an agent is to follow; nil: nothing was ever configured. The
// caller holds mu.
func (r *Registry) snapshotFor(id string, m *member) *Snapshot {
	b := r.current()
	if b.Target == nil || m.last != nil && m.last.InForce == b.Target.Version {
		if b.Target != nil {
			return b.Target
		}
		return b.Base
	}
	if b.Stopped == "" && r.isIn(id, m, b.stages()[:b.Stage+1]) {
		return b.Target
	}
	return b.Base
}

// isIn reports whether one of the stages takes the agent in.
func (r *Registry) isIn(id string, m *member, stages []Stage) bool {
	at := slices.Index(r.ordered(), id)
	return slices.ContainsFunc(stages, func(s Stage) bool {
		if s.Percent > 0 {
			return at < (len(r.members)*s.Percent+99)/100
		}
		return hasAll(m.Tags, s.Tags)
	})
}

// catchUp renumbers the policies where an agent has newer ones than were ever given: the
// server was restored from a backup.
func (r *Registry) catchUp(ctx context.Context, in *orders.Sync) error {
	has := in.InForce
	if in.Refused != nil {
		has = max(has, in.Refused.Version)
	}
	b := r.current()
	if has <= b.newest() || b.Base == nil {
		return nil
	}
	if has > b.newest()+manyVersions || !r.mayCatchUp(in.Agent) {
		return invalid("in_force", fmt.Sprintf("it is %d, and the newest policies are %d: that is no version of this server", has, b.newest()))
	}
	r.deps.Log.Warn("an agent has newer policies than this server gave: they are numbered anew", "agent", in.Agent, "has", has, "newest", b.newest())
	err := r.change(ctx, func(b *Rollout) error {
		if has > b.newest() {
			b.above(has)
		}
		return nil
	})
	if err == nil {
		r.caughtUp(in.Agent)
		r.Wake()
	}
	return err
}

// mayCatchUp reports whether an agent may still have the policies numbered anew: one that
// claims newer ones over and over would keep all others busy.
func (r *Registry) mayCatchUp(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.members[id]
	return m != nil && !m.caught
}

func (r *Registry) caughtUp(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.members[id]; m != nil {
		m.caught = true
	}
}

// manyVersions is how many versions no backup is old.
const manyVersions = 1_000_000

// listen notes which agents fell silent.
func (r *Registry) listen(ctx context.Context) {
	now := schema.MillisOf(r.deps.Now())
	fell := map[string]Agent{}
	since := map[string]schema.Millis{}
	r.mu.Lock()
	for id, m := range r.members {
		if m.State == Reporting && m.polls == 0 && now-m.contact > silentAfter {
			m.State, m.silent = Silent, now
			fell[id], since[id] = m.Agent, m.contact
		}
	}
	r.mu.Unlock()
	for id, a := range fell {
		r.deps.Log.Warn("an agent fell silent", "agent", id, "host", a.Host, "last_contact", since[id].String())
		r.tellSilent(id, a, since[id])
		r.keep(ctx, id, a, since[id])
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
