package control

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"nightjar/agent/orders"
	"nightjar/schema"
)

// validity is how long orders may be accepted after they were issued. It is long, so that
// a host whose clock is wrong by a time zone accepts them.
const validity = 24 * time.Hour

// issued are the orders that an agent was given last.
type issued struct {
	of       [sha256.Size]byte // what they say, without their numbers and times
	sequence uint64
	at       time.Time // they were issued
	offered  time.Time // last
}

// fresh reports whether they can be given again: there is time left to accept them.
func (i *issued) fresh(now time.Time) bool { return now.Before(i.at.Add(validity / 2)) }

// refusedAgain is after how long orders that an agent refused are offered again: what was
// wrong with it, such as its clock, may be right by then.
const refusedAgain = time.Minute

// RevokedError refuses an agent that there is no more.
type RevokedError struct{ Agent string }

func (r *RevokedError) Error() string {
	return fmt.Sprintf("agent %.60q is not enrolled here, or was revoked; enrol it again", r.Agent)
}

// Sync takes in how an agent is, and returns its orders as soon as they are others than
// those it has: at once, or within the time that it waits. ok is false where there were
// none. The caller has made sure that the agent is who it says.
func (r *Registry) Sync(ctx context.Context, in *orders.Sync) (s orders.Signed, ok bool, err error) {
	if in.WaitSeconds < 0 || in.WaitSeconds > orders.MaxWait {
		return s, false, invalid("wait_seconds", fmt.Sprintf("want 0 to %d, got %d", orders.MaxWait, in.WaitSeconds))
	}
	if in.Sequence > maxNumber || in.InForce > maxNumber {
		return s, false, invalid("sequence", "no server gave orders of such a number")
	}
	if err := checkAbout(in.Host, in.Tags); err != nil {
		return s, false, err
	}
	if err := r.heard(ctx, in); err != nil {
		return s, false, err
	}
	defer r.answered(in.Agent)
	if err := r.catchUp(ctx, in); err != nil {
		return s, false, err
	}
	if len(in.Results) > 0 && r.deps.Responses != nil {
		if err := r.deps.Responses.Answer(ctx, in.Agent, in.Results); err != nil {
			return s, false, fmt.Errorf("take results of agent %s: %w", in.Agent, err)
		}
	}
	enough := time.NewTimer(min(time.Duration(in.WaitSeconds)*time.Second, longestWait))
	defer enough.Stop()
	for {
		changed, s, ok, err := r.offer(in)
		if ok || err != nil || in.Leaving {
			return s, ok, err
		}
		select {
		case <-changed:
		case <-enough.C:
			return s, false, nil
		case <-ctx.Done():
			return s, false, ctx.Err()
		}
	}
}

// longestWait is how long an agent is let wait: with the next sync its counts come, by
// which a rollout stops.
const longestWait = 10 * time.Second

// maxNumber bounds what an agent may claim, so that numbers above it can still be given.
const maxNumber = 1 << 62

// offer are the orders of an agent, if it does not have them; changed is closed when they
// may be others.
func (r *Registry) offer(in *orders.Sync) (changed <-chan struct{}, s orders.Signed, ok bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.members[in.Agent]
	if m == nil {
		return nil, s, false, &RevokedError{in.Agent}
	}
	want, of := r.wanted(in.Agent, m)
	if want == nil {
		return r.changed, s, false, nil
	}
	now := r.deps.Now()
	if last := m.issued; last != nil && last.of == of && last.sequence >= in.Sequence {
		if last.sequence == in.Sequence || in.OrdersRefused != "" && now.Before(last.offered.Add(refusedAgain)) {
			return r.changed, s, false, nil // it has them, or does not want them
		}
		if last.fresh(now) { // the answer was lost, or did not suit: the same again
			last.offered = now
			s, err = r.sign(want, last)
			return r.changed, s, err == nil, err
		}
	}
	next := &issued{of: of, sequence: in.Sequence + 1, at: now, offered: now}
	if m.issued != nil {
		next.sequence = max(next.sequence, m.issued.sequence+1)
	}
	if s, err = r.sign(want, next); err != nil {
		return nil, s, false, err
	}
	m.issued = next
	return r.changed, s, true, nil
}

// sign signs orders under the numbers and times with which they are issued.
func (r *Registry) sign(o *orders.Orders, as *issued) (orders.Signed, error) {
	o.Sequence, o.Issued, o.Expires = as.sequence, as.at.UTC(), as.at.Add(validity).UTC()
	return orders.Sign(r.deps.Key, o)
}

// wanted are an agent's orders without their numbers and times, and what tells them from
// others; nil: it keeps what it has.
func (r *Registry) wanted(id string, m *member) (o *orders.Orders, of [sha256.Size]byte) {
	snapshot := r.snapshotFor(id, m)
	if snapshot == nil {
		return nil, of
	}
	// Where they do not check, the agent refuses them whole, and follows the rest.
	set := r.effective(snapshot, m.Tags)
	var response Response
	if r.deps.Responses != nil {
		response = r.deps.Responses.For(id)
		response.Commands = response.Commands[:min(len(response.Commands), maxCommands)]
	}
	text, err := json.Marshal(response)
	if err != nil {
		panic(err) // texts and numbers always have a JSON
	}
	of = sha256.Sum256(fmt.Appendf(text, "\x00%s\x00%d", set.key, snapshot.Version))
	return &orders.Orders{
		Agent: id, Policies: orders.Policies{Version: snapshot.Version, Set: set.policies},
		Disarmed: response.Disarmed, DisarmedWhy: response.Why, Isolation: response.Isolation, Commands: response.Commands,
	}, of
}

// maxCommands is how many commands orders have; the others follow as these are answered.
const maxCommands = 100

// effective are the policies of hosts to which the same ones apply.
type effective struct {
	key      string
	policies []orders.Policy
	problems []string // because of which agents refuse them
}

// effective are those of hosts with these tags, under a snapshot.
func (r *Registry) effective(s *Snapshot, tags []string) effective {
	applied := s.appliedTo(tags)
	key := s.Hash
	for _, p := range applied {
		key += " " + p.ID
	}
	if e, made := r.sets[key]; made {
		return e
	}
	e := effective{key: key}
	var err error
	if e.policies, err = s.policiesOf(applied); err != nil {
		e.problems = []string{err.Error()}
	} else {
		e.problems = check(e.policies)
	}
	if len(r.sets) >= maxSets {
		clear(r.sets)
	}
	r.sets[key] = e
	return e
}

// maxSets bounds how many are remembered.
const maxSets = 100

// heard notes that an agent synced, and how it is.
func (r *Registry) heard(ctx context.Context, in *orders.Sync) error {
	now := schema.MillisOf(r.deps.Now())
	r.mu.Lock()
	m := r.members[in.Agent]
	if m == nil {
		r.mu.Unlock()
		return &RevokedError{in.Agent}
	}
	before, known := m.Agent, m.last
	m.contact, m.last, m.silent = now, remembered(in), 0
	m.polls++
	m.meter.add(sampleOf(now, in))
	doubled, news := m.doubles.see(in.Instance, now)
	m.Host, m.Version, m.Kernel, m.Instance, m.Tags, m.State = in.Host, in.AgentVersion, in.Kernel, in.Instance, in.Tags, Reporting
	if in.Leaving {
		m.State = Stopped
	}
	last, after := m.last, m.Agent
	r.mu.Unlock()
	if last.Refused != nil && (known == nil || known.Refused == nil || known.Refused.Version != last.Refused.Version) && (!doubled || news) {
		r.deps.Log.Warn("an agent refused its policies", "agent", in.Agent, "host", in.Host, "version", last.Refused.Version, "errors", last.Refused.Errors)
		r.tellAgentRefused(last)
	}
	switch {
	case news:
		r.deps.Log.Warn("two agents run with one identity: a state folder was copied", "agent", in.Agent, "hosts", []string{before.Host, in.Host})
		r.tellDoubled(in, before)
	case !doubled:
		r.tellChange(in, before, after)
		r.keep(ctx, in.Agent, after, now)
	}
	return nil
}

// remembered is what is kept of a sync until the next: all but results, and of errors as
// much as people read.
func remembered(in *orders.Sync) *orders.Sync {
	out := *in
	out.Results = nil
	if in.Refused != nil {
		out.Refused = &orders.Refusal{Version: in.Refused.Version, Errors: some(in.Refused.Errors)}
	}
	out.OrdersRefused = shortened(in.OrdersRefused)
	return &out
}

// Bounds of what an agent says of itself, in bytes of one text and in tags.
const (
	maxName = 1000
	maxTags = 1000
)

// checkAbout says what is wrong with how an agent describes its host.
func checkAbout(host string, tags []string) error {
	switch {
	case host == "":
		return invalid("host", "it is required")
	case len(host) > maxName:
		return invalid("host", fmt.Sprintf("want at most %d bytes, got %d", maxName, len(host)))
	case len(tags) > maxTags:
		return invalid("tags", fmt.Sprintf("want at most %d, got %d", maxTags, len(tags)))
	}
	for i, tag := range tags {
		if len(tag) > maxName {
			return invalid(fmt.Sprintf("tags[%d]", i), fmt.Sprintf("want at most %d bytes, got %d", maxName, len(tag)))
		}
	}
	return nil
}

// keep stores how an agent is, where that is news. It is tried again with the next sync:
// an agent gets its orders also while nothing can be stored.
func (r *Registry) keep(ctx context.Context, id string, a Agent, at schema.Millis) {
	v, err := r.agents.Get(ctx, id)
	was := v.Body
	if err == nil && (was.State != a.State || was.Instance != a.Instance || !slices.Equal(was.Tags, a.Tags)) {
		_, err = r.agents.Update(ctx, id, 0, func(body *Agent) error {
			a.KeyID, a.Token, a.Contact = body.KeyID, body.Token, at
			*body = a
			return nil
		})
	}
	if err != nil {
		r.deps.Log.Warn("cannot store how an agent is", "agent", id, "error", err)
	}
}

// answered notes that a sync has ended.
func (r *Registry) answered(id string) {
	now := schema.MillisOf(r.deps.Now())
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.members[id]; m != nil {
		m.polls--
		m.contact = now
	}
}
