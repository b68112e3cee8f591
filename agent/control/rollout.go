package control

import (
	"fmt"
	"slices"
	"time"

	"nightjar/objects"
	"nightjar/schema"
)

// MaxStages is how many stages a rollout has at most.
const MaxStages = 10

// DefaultSoak is how long agents of a stage are watched that says nothing of it.
const DefaultSoak = 10 * time.Minute

// Stage is which agents get a change together.
type Stage struct {
	// Percent of the enrolled agents, rounded up; 0: those that have all of Tags.
	Percent int      `json:"percent,omitempty"`
	Tags    []string `json:"tags,omitempty"`
	// Soak is how long they are watched before the next stage begins, from when all that
	// report have the change in force. 0: DefaultSoak.
	Soak time.Duration `json:"soak,omitempty"`
}

func (s Stage) soak() schema.Millis {
	if s.Soak == 0 {
		return schema.Millis(DefaultSoak.Milliseconds())
	}
	return schema.Millis(s.Soak.Milliseconds())
}

// Rollout is which policies agents are to follow, and how far that is: one object, every
// version of which is kept.
type Rollout struct {
	Stages []Stage `json:"stages"`
	// Base is what all agents follow, or followed before Target; nil: nothing was ever
	// configured.
	Base *Snapshot `json:"base"`
	// Target is what is being rolled out; nil: nothing.
	Target *Snapshot `json:"target,omitempty"`
	// Stage is how many stages are complete.
	Stage int `json:"stage"`
	// Stopped says why it goes no further; empty: it does.
	Stopped string `json:"stopped,omitempty"`
	// Settled is since when all agents of the stage have Target in force; 0: not all do.
	Settled schema.Millis `json:"settled,omitempty"`
	// Excused are agents whose refusal or silence a person has seen and gone on in spite of.
	Excused []string `json:"excused,omitempty"`
	// Rejected is the hash of what was rolled back, and is still configured.
	Rejected string `json:"rejected,omitempty"`
	// Errors are of what is configured and was refused.
	Errors []string `json:"errors,omitempty"`
	// Watched says that the rules that watch agents were made. Whoever deletes one means
	// it.
	Watched bool `json:"watched,omitempty"`
}

const rolloutID = "policies"

var rolloutKind = objects.Kind[Rollout]{
	Name: "agent rollout", NewID: schema.NewID, NoLog: true,
	BuiltIn: []objects.Versioned[Rollout]{{ID: rolloutID, Body: Rollout{Stages: []Stage{}}}},
}

// checkStages says what is wrong with stages, as *schema.InvalidError.
func checkStages(stages []Stage) error {
	var bad schema.InvalidError
	if len(stages) > MaxStages {
		bad.Add("stages", fmt.Sprintf("want at most %d, got %d", MaxStages, len(stages)))
	}
	before := 0
	for i, s := range stages {
		at := fmt.Sprintf("stages[%d]", i)
		switch {
		case (s.Percent == 0) == (len(s.Tags) == 0):
			bad.Add(at, "want either a percentage of the agents or tags of hosts")
		case s.Percent < 0 || s.Percent > 100:
			bad.Add(at+".percent", fmt.Sprintf("want 1 to 100, got %d", s.Percent))
		case s.Percent > 0 && s.Percent < before:
			bad.Add(at+".percent", fmt.Sprintf("want at least the %d of a stage before it, got %d: each has the agents of those before", before, s.Percent))
		}
		before = max(before, s.Percent)
		if s.Soak < 0 || s.Soak > 30*24*time.Hour {
			bad.Add(at+".soak", "want a time of up to 30 days, such as 30m")
		}
	}
	return bad.Err()
}

// stages are those that there are, the last of which takes in all agents.
func (b *Rollout) stages() []Stage {
	all := slices.Clone(b.Stages)
	if n := len(all); n == 0 || all[n-1].Percent != 100 {
		all = append(all, Stage{Percent: 100})
	}
	return all
}

// newest is the highest version that an agent may have been given.
func (b *Rollout) newest() uint64 {
	var v uint64
	for _, s := range []*Snapshot{b.Base, b.Target} {
		if s != nil {
			v = max(v, s.Version)
		}
	}
	return v
}

// configured is the hash of what was taken over of what is configured.
func (b *Rollout) configured() string {
	switch {
	case b.Rejected != "":
		return b.Rejected
	case b.Target != nil:
		return b.Target.Hash
	case b.Base != nil:
		return b.Base.Hash
	}
	return ""
}

// begin rolls out what is configured now. Agents that have an unfinished change before it
// and are in no stage of this one yet go back to Base, under a version of its own.
func (b *Rollout) begin(s *Snapshot, at schema.Millis) {
	next := b.newest() + 1
	b.Errors, b.Rejected = nil, ""
	b.Stage, b.Stopped, b.Settled, b.Excused = 0, "", 0, nil
	if b.Target != nil {
		b.Base = b.Base.numbered(next)
		next++
	}
	s.At = at
	b.Target = s.numbered(next)
	switch {
	case b.Base == nil: // there is nothing that it could be worse than
		b.Base, b.Target = b.Target, nil
	case b.Base.Hash == s.Hash: // it was undone
		b.Base, b.Target = b.Target, nil
	}
}

// stop lets no further agent have Target.
func (b *Rollout) stop(why string) {
	b.Stopped = why
	b.Base = b.Base.numbered(b.newest() + 1)
}

// resume goes on with it.
func (b *Rollout) resume(excused []string) error {
	if b.Target == nil || b.Stopped == "" {
		return invalid("state", "no rollout has stopped")
	}
	b.Stopped, b.Settled, b.Excused = "", 0, excused
	b.Target = b.Target.numbered(b.newest() + 1)
	return nil
}

// rollBack gives all agents Base.
func (b *Rollout) rollBack() error {
	if b.Target == nil {
		return invalid("state", "nothing is being rolled out: change the policies or rules instead")
	}
	b.Rejected, b.Base = b.Target.Hash, b.Base.numbered(b.newest()+1)
	b.Target, b.Stage, b.Stopped, b.Settled, b.Excused = nil, 0, "", 0, nil
	return nil
}

// above renumbers what agents are to follow, so that it is newer than a version that one
// of them has: the server was restored from a backup.
func (b *Rollout) above(version uint64) {
	b.Base = b.Base.numbered(version + 1)
	b.Target = b.Target.numbered(version + 2)
}

// standing is how an agent is to the rollout. The fleet is in the order in which stages
// take agents in.
type standing struct {
	id       string
	host     string
	tags     []string
	state    State
	inForce  uint64
	refused  uint64        // the version that it does not follow
	errors   []string      // of that
	silent   schema.Millis // since when it is; 0: it is not
	watchman func(version uint64) (worse string)
}

// members are the agents of the first stages, as many as these are.
func members(fleet []standing, stages []Stage) []standing {
	taken := map[string]bool{}
	for _, s := range stages {
		if s.Percent > 0 {
			for _, a := range fleet[:(len(fleet)*s.Percent+99)/100] {
				taken[a.id] = true
			}
			continue
		}
		for _, a := range fleet {
			taken[a.id] = taken[a.id] || hasAll(a.tags, s.Tags)
		}
	}
	return slices.DeleteFunc(slices.Clone(fleet), func(a standing) bool { return !taken[a.id] })
}

// step goes on as far as it can at this moment, and reports whether that changed anything.
func (b *Rollout) step(now schema.Millis, fleet []standing) (changed bool) {
	for b.Target != nil && b.Stopped == "" {
		stages := b.stages()
		in := members(fleet, stages[:b.Stage+1])
		if why := b.trouble(in); why != "" {
			b.stop(why)
			return true
		}
		settled := !slices.ContainsFunc(in, b.lacks)
		switch {
		case !settled && b.Settled == 0:
			return changed
		case !settled:
			b.Settled = 0
			return true
		case b.Settled == 0:
			b.Settled, changed = now, true
		}
		if len(in) > 0 && now-b.Settled < stages[b.Stage].soak() {
			return changed
		}
		b.Stage, b.Settled, changed = b.Stage+1, 0, true
		if b.Stage == len(stages) {
			b.Base, b.Target, b.Stage, b.Excused = b.Target, nil, 0, nil
		}
	}
	return changed
}

// lacks reports whether an agent that is heard of does not follow Target yet.
func (b *Rollout) lacks(a standing) bool {
	return a.state == Reporting && a.inForce != b.Target.Version && !slices.Contains(b.Excused, a.id)
}

// trouble is what is worse with an agent of the stage since it follows Target.
func (b *Rollout) trouble(in []standing) string {
	for _, a := range in {
		excused := slices.Contains(b.Excused, a.id)
		switch {
		case a.refused == b.Target.Version && !excused:
			return fmt.Sprintf("agent %s on %s refused the policies: %s", a.id, a.host, firstOf(a.errors))
		case a.inForce != b.Target.Version:
		case a.state == Silent && a.silent > b.Target.At && !excused:
			return fmt.Sprintf("agent %s on %s fell silent", a.id, a.host)
		default:
			if worse := a.watchman(b.Target.Version); worse != "" {
				return fmt.Sprintf("agent %s on %s %s", a.id, a.host, worse)
			}
		}
	}
	return ""
}

func firstOf(list []string) string {
	if len(list) == 0 {
		return "it does not say why"
	}
	return list[0]
}
