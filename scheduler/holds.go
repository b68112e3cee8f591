package scheduler

import (
	"slices"

	"nightjar/compiler"
	"nightjar/schema"
)

// hold keeps some rule runs from being evaluated beyond a point while the next
// version of their rule, or of a suppression, is being stored: until that is
// stored, or is not, nobody knows which version is in force from that point on.
// Everything else goes on, and status answers.
type hold struct {
	of func(*compiler.BoundPlan) bool
	at boundary
}

// boundary is where what a rule sees begins or ends: an arrival or, of a rule over
// signals, a revision of those.
type boundary struct{ arrival, revision uint64 }

// of is the number that the plan counts by.
func (p boundary) of(plan *compiler.BoundPlan) uint64 {
	if plan.OfSignals {
		return p.revision
	}
	return p.arrival
}

// ofRule is the number that the rule's plan counts by.
func (p boundary) ofRule(rule *schema.Rule) uint64 {
	if rule.Type == schema.RuleSignalCorrelation {
		return p.revision
	}
	return p.arrival
}

// present is the present boundary. No evaluation that has begun goes beyond it.
func (f *inForce) present() boundary {
	return boundary{arrival: f.deps.Arrivals.Acknowledged(), revision: f.publishing.given()}
}

// holdBack begins a hold at the present point, which letGo ends.
func (f *inForce) holdBack(of func(*compiler.BoundPlan) bool) *hold {
	f.mu.Lock() // so that no evaluation begins meanwhile that goes beyond it
	defer f.mu.Unlock()
	h := &hold{of: of, at: f.present()}
	f.holds = append(f.holds, h)
	return h
}

// letGo ends a hold; nil is none.
func (f *inForce) letGo(h *hold) {
	if h == nil {
		return
	}
	f.mu.Lock()
	f.holds = slices.DeleteFunc(f.holds, func(other *hold) bool { return other == h })
	f.mu.Unlock()
	f.requests.notify()
}

// reach is how far a rule run can be evaluated now, when everything up to stored can
// be seen. The lock is held.
func (f *inForce) reach(w *ruleRun, stored uint64) uint64 {
	target := w.target(stored)
	for _, h := range f.holds {
		if h.of(w.plan) {
			target = min(target, h.at.of(w.plan))
		}
	}
	return target
}
