package agent

import (
	"nightjar/agent/evidence"
)

// takeEvidence makes who takes the actions hash, coredump and log. Call stop when no rule
// is evaluated any more.
func (a *Agent) takeEvidence() (stop func(), err error) {
	c := evidence.In(a.config.StateDir)
	c.MayStop = func(pid int) bool {
		_, protected := a.responder.Protected.Live(pid)
		return !protected && a.responder.Switch.Disarmed() == ""
	}
	actor, err := evidence.NewActor(c)
	if err != nil {
		return nil, err
	}
	for _, kind := range evidence.Kinds {
		a.responder.Register(kind, actor)
	}
	return func() { _ = actor.Close() }, nil
}
