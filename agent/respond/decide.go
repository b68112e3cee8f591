package respond

import (
	"time"

	"nightjar/secl/event"
	"nightjar/secl/policy"
)

// Decide says why a kill may not be, and counts it if it may: the same for an agent and
// for a rehearsal over what happened before. spared says why the process is protected. It
// does nothing to anybody, and reads no clock.
func Decide(ask Ask, spared func() (why string, ok bool), d *Disarmer) *Refusal {
	if why, ok := spared(); ok {
		return &Refusal{Status: Aborted, Why: protectedError(why).Error()}
	}
	return d.Allow(ask)
}

// AskOf is what a kill action of a rule wants because of an event.
func AskOf(rule string, k *policy.KillDef, e *event.Event) Ask {
	return Ask{
		Rule: rule, Executable: executable(e.Process), Container: e.Process.Container, At: time.Unix(0, e.Timestamp),
		NoExecutableDisarmer: k.NoExecutableDisarmer, NoContainerDisarmer: k.NoContainerDisarmer,
	}
}
