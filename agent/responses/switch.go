package responses

import (
	"cmp"
	"context"
	"fmt"
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
}

// DisarmedError refuses what would kill or block while the switch says that nothing may.
type DisarmedError struct{ Arming Arming }

func (d *DisarmedError) Error() string {
	return fmt.Sprintf("all agents are disarmed, by %s since %s (%s): nothing is killed or blocked until `nightjar agents arm`", d.Arming.By, d.Arming.Since, d.Arming.Reason)
}

// theSwitch is the id of the only Arming.
const theSwitch = "agents"

var armings = objects.Kind[Arming]{
	Name: "agent arming", NewID: func() string { return theSwitch },
	BuiltIn: []objects.Versioned[Arming]{{ID: theSwitch}},
	Check: func(a *Arming) error {
		var bad schema.InvalidError
		if strings.TrimSpace(a.Reason) == "" || len(a.Reason) > MaxReason {
			bad.Add("reason", fmt.Sprintf("say why, in at most %d bytes", MaxReason))
		}
		return bad.Err()
	},
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
	for _, v := range b.all() {
		if r := &v.Body; r.State != Waiting || r.Action != Kill && r.Action != Isolate {
			continue
		}
		if _, err := b.Cancel(ctx, v.ID, by); err == nil {
			takenBack++
		}
	}
	return a, takenBack, nil
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
