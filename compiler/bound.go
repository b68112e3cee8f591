package compiler

import "nightjar/schema"

// BoundPlan is a plan bound to what it runs with: under which key, on which arrivals,
// with which suppressions and tables. It belongs to who runs the plan; the plan itself
// is shared and never changed.
type BoundPlan struct {
	*Plan
	// Key is what the rule's signals and its state are kept under: Rule.DetectionKey,
	// unless the one who runs it has another.
	Key string
	// After is the last arrival before those that the rule sees; of OfSignals, the
	// last offset in the order in which signals are published.
	After uint64
	// Began is when the rule began to see events.
	Began schema.Millis
	// Suppressions are those that select the rule. Expand leaves out the events
	// that they exclude.
	Suppressions []InForce
	// Tables answer the labels' checks; nil: every table is empty.
	Tables Tables
}

// Bind makes a plan ready to run, under the rule's own key: over all arrivals, without
// suppressions and with empty tables, until its fields say otherwise.
func (p *Plan) Bind() *BoundPlan { return &BoundPlan{Plan: p, Key: p.Rule.DetectionKey()} }
