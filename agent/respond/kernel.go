package respond

import (
	"nightjar/secl/event"
	"nightjar/secl/ruleset"
)

// Kernel is what the kernel has done about an event, before anybody else saw it.
type Kernel struct {
	Rule   string // because of which
	Signal string // that was sent; empty: none was
}

// killed reports whether the kernel has sent a signal.
func (k *Kernel) killed(signal string) bool { return k != nil && k.Signal == signal }

// kernelState is what the kernel was told to do by itself.
type kernelState struct{}

// reduces reports whether the kernel would decide about the event by itself.
func (k *kernelState) reduces(*ruleset.Rule, *event.Event) bool { return false }

// renew tells the kernel how much a rule may still kill.
func (r *Responder) renew(string) {}
