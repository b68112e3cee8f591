package command

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"nightjar/agent/orders"
)

// Why isolation is not as the orders want it.
var (
	errNoIsolator = errors.New("this agent can't cut the host off: what drops packets is not there")
	errNoWay      = errors.New("not isolated: the agent does not know the addresses of its server, and would cut off its own way there")
)

// keepNetwork isolates the host, or ends that.
func (r *Runner) keepNetwork(wanted *orders.Isolation) {
	isolate := wanted != nil
	var why error
	if off := r.deps.Switch.Disarmed(); isolate && off != "" {
		isolate, why = false, errors.New(off)
	}
	var allow []netip.AddrPort
	if isolate {
		if own := r.deps.Engine(); len(own) > 0 {
			allow = slices.Concat(wanted.Allow, own)
		} else {
			isolate, why = false, errNoWay
		}
	}
	switch {
	case r.deps.Isolator != nil:
		if err := r.deps.Isolator.Set(isolate, allow); err != nil {
			isolate, why = false, fmt.Errorf("isolate the host: %w", err)
		}
	case isolate:
		isolate, why = false, errNoIsolator
	}
	r.mu.Lock()
	changed := isolate != r.isolated
	r.isolated, r.network = isolate, why
	r.mu.Unlock()
	if changed {
		r.changed()
	}
}

// Isolated reports whether the host is cut off.
func (r *Runner) Isolated() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.isolated
}

// answerNetwork tells how the host stands.
func (r *Runner) answerNetwork(n *orders.Network) orders.Result {
	r.mu.Lock()
	isolated, why := r.isolated, r.network
	r.mu.Unlock()
	res := orders.Result{Status: performed, Report: reportOf(map[string]any{"isolated": isolated})}
	switch {
	case isolated == n.Isolated && (why == nil || !n.Isolated):
	case why != nil && r.deps.Switch.Disarmed() != "":
		res.Status, res.Error = aborted, why.Error()
	case why != nil:
		res.Status, res.Error = failed, why.Error()
	default:
		res.Status, res.Error = aborted, "later orders say otherwise"
	}
	return res
}
