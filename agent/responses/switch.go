package responses

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"strings"

	"nightjar/objects"
	"nightjar/schema"
)

// Arming is how the one switch stands that stops all killing and blocking of all agents.
type Arming struct {
	Disarmed bool   `json:"disarmed"`
	By       string `json:"by"`
	Reason   string `json:"reason"`
	// Since is when it was switched last.
	Since schema.Millis `json:"since"`
	// Host is that of the one agent that is disarmed; empty: all are.
	Host string `json:"host,omitempty"`
}

// DisarmedError refuses what would kill or block while a switch says that nothing may.
type DisarmedError struct {
	Arming Arming
	Host   string // of the one agent that is disarmed; empty: all are
}

func (d *DisarmedError) Error() string {
	if d.Host != "" {
		return fmt.Sprintf("the agent of %s is disarmed, by %s since %s (%s): it kills and blocks nothing until `nightjar agents arm %s`", d.Host, d.Arming.By, d.Arming.Since, d.Arming.Reason, d.Host)
	}
	return fmt.Sprintf("all agents are disarmed, by %s since %s (%s): nothing is killed or blocked until `nightjar agents arm`", d.Arming.By, d.Arming.Since, d.Arming.Reason)
}

// theSwitch is the id of the only Arming.
const theSwitch = "agents"

var armings = objects.Kind[Arming]{
	Name: "agent arming", NewID: func() string { return theSwitch },
	BuiltIn: []objects.Versioned[Arming]{{ID: theSwitch}},
	Check:   (*Arming).check,
}

func (a *Arming) check() error {
	var bad schema.InvalidError
	if strings.TrimSpace(a.Reason) == "" || len(a.Reason) > MaxReason {
		bad.Add("reason", fmt.Sprintf("say why, in at most %d bytes", MaxReason))
	}
	return bad.Err()
}

// Alone are the agents that are disarmed by themselves, by their ids.
type Alone struct {
	Agents map[string]Arming `json:"agents,omitempty"`
}

var alones = objects.Kind[Alone]{
	Name: "agents disarmed alone", NewID: func() string { return theSwitch },
	BuiltIn: []objects.Versioned[Alone]{{ID: theSwitch}},
}

// DisarmedAlone is how an agent was disarmed by itself; nil: it was not.
func (b *Book) DisarmedAlone(agent string) *Arming {
	v, _ := b.alone.Get(context.Background(), theSwitch) // built in: it is there
	if a, ok := v.Body.Agents[agent]; ok {
		return &a
	}
	return nil
}

// disarming is what keeps an agent from killing and blocking; nil: nothing here does.
func (b *Book) disarming(agent string) *Arming {
	if a := b.Arming(); a.Disarmed {
		return &a
	}
	return b.DisarmedAlone(agent)
}

// refused says why an agent may not be told to kill or block.
func (b *Book) refused(agent, host string) error {
	if a := b.Arming(); a.Disarmed {
		return &DisarmedError{Arming: a}
	}
	if a := b.DisarmedAlone(agent); a != nil {
		return &DisarmedError{Arming: *a, Host: host}
	}
	return nil
}

// DisarmOne stops all killing and blocking of one agent, isolation too, until ArmOne. What it
// would kill or block and has not answered yet is taken back; it returns how many that were.
func (b *Book) DisarmOne(ctx context.Context, agent string, by Arming) (takenBack int, err error) {
	by.Disarmed = true
	if err := b.turnOne(ctx, agent, by); err != nil {
		return 0, err
	}
	return b.takeBack(ctx, b.live.of(agent), by.By), nil
}

// ArmOne lets one agent kill and block again, as its policies say, unless all are disarmed.
func (b *Book) ArmOne(ctx context.Context, agent string, by Arming) error {
	by.Disarmed = false
	return b.turnOne(ctx, agent, by)
}

// Enrolled disarms an agent whose host has one that is disarmed by itself, and isolates it
// as that: a host that enrols anew is neither armed nor let back by that.
func (b *Book) Enrolled(ctx context.Context, agent, host string) error {
	v, _ := b.alone.Get(ctx, theSwitch) // built in: it is there
	for _, a := range v.Body.Agents {
		if a.Host == host {
			if err := b.writeOne(ctx, agent, a); err != nil {
				return err
			}
			break
		}
	}
	return b.isolateAnew(ctx, agent, host)
}

func (b *Book) turnOne(ctx context.Context, agent string, to Arming) error {
	if err := to.check(); err != nil {
		return err
	}
	to.Since = schema.MillisOf(b.deps.Now())
	return b.writeOne(ctx, agent, to)
}

// writeOne keeps how an agent's switch stands. Armed, what its host's earlier agents were
// left with goes, too.
func (b *Book) writeOne(ctx context.Context, agent string, to Arming) error {
	_, err := b.alone.Update(ctx, theSwitch, 0, func(all *Alone) error {
		if !to.Disarmed {
			maps.DeleteFunc(all.Agents, func(id string, a Arming) bool { return id == agent || a.Host != "" && a.Host == to.Host })
			return nil
		}
		if all.Agents == nil {
			all.Agents = map[string]Arming{}
		}
		all.Agents[agent] = to
		return nil
	})
	if err == nil {
		b.wake()
	}
	return err
}

// takeBack cancels, of these, what would kill or block and was not answered yet.
func (b *Book) takeBack(ctx context.Context, all []Versioned, by string) (n int) {
	for _, v := range all {
		if r := &v.Body; r.State != Waiting || r.Action != Kill && r.Action != Isolate {
			continue
		}
		if _, err := b.Cancel(ctx, v.ID, by); err == nil {
			n++
		}
	}
	return n
}

// Arming is how the switch stands.
func (b *Book) Arming() Arming {
	v, _ := b.arms.Get(context.Background(), theSwitch) // built in: it is there
	return v.Body
}

// Disarm stops all killing and blocking of all agents, isolation too, until Arm. What
// would kill or block and was not answered yet is taken back; it returns how many that were.
func (b *Book) Disarm(ctx context.Context, by, reason string) (a Arming, takenBack int, err error) {
	if a, err = b.turn(ctx, Arming{Disarmed: true, By: by, Reason: reason}); err != nil {
		return a, 0, err
	}
	return a, b.takeBack(ctx, b.live.all(), by), nil
}

// Arm lets agents kill and block again, as their policies say; hosts that were isolated
// when all was disarmed are isolated again.
func (b *Book) Arm(ctx context.Context, by, reason string) (Arming, error) {
	return b.turn(ctx, Arming{By: by, Reason: reason})
}

func (b *Book) turn(ctx context.Context, to Arming) (Arming, error) {
	to.Since = schema.MillisOf(b.deps.Now())
	v, err := b.arms.Update(ctx, theSwitch, 0, func(a *Arming) error { *a = to; return nil })
	if err == nil {
		b.wake()
	}
	return v.Body, err
}

func byAge(a, b Versioned) int {
	return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.ID, b.ID))
}
