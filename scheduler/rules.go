package scheduler

import (
	"nightjar/compiler"
	"nightjar/objects"
	"nightjar/schema"
)

const kindRule = "rule"

// ruleHistory is when which version of a rule was in force. A nil one is of a rule
// that never was.
type ruleHistory struct {
	from     uint64 // arrivals after this are seen by the present stretch
	versions []ruleVersion
}

// runs reports whether the rule is enabled, and not deleted.
func (h *ruleHistory) runs() bool {
	return h != nil && len(h.versions) > 0 && h.versions[len(h.versions)-1].runs
}

// ruleVersion is a version of a rule, and the arrivals that it is in force for:
// those after `after`, up to the next version's.
type ruleVersion struct {
	version     int64
	after       uint64
	runs        bool
	key         string // of the rule run
	unsupported string
}

// storedRule is a rule in the store: the document, and the arrival after which
// this stretch of it sees events.
type storedRule struct {
	Rule schema.Rule `json:"rule"`
	From uint64      `json:"from"`
	// After is the last arrival before this version.
	After uint64 `json:"after"`

	// plan is of a version that is being written, which was compiled when it was
	// checked; nil of one that was read.
	plan *compiler.Plan
}

// compiled is the plan of the version.
func (s *storedRule) compiled() (*compiler.Plan, error) {
	if s.plan != nil {
		return s.plan, nil
	}
	return compiler.CompileStored(s.Rule)
}

// goOnFrom puts every rule run where the process before this one left it, and
// returns their plans.
func (f *inForce) goOnFrom(checkpoints map[string]Checkpoint, asides []Entry) []*compiler.BoundPlan {
	f.mu.Lock()
	defer f.mu.Unlock()
	var plans []*compiler.BoundPlan
	for _, w := range f.runs {
		c := checkpoints[w.plan.Key]
		w.through, w.judged = max(w.through, c.Through), c.Judged
		plans = append(plans, w.plan)
	}
	f.goOnAside(asides)
	return plans
}

// enforceRule puts a stored version into force.
func (f *inForce) enforceRule(v objects.Versioned[storedRule]) {
	f.mu.Lock()
	f.apply(v.Body, v.UpdatedAt, v.Deleted)
	live := f.loaded
	f.mu.Unlock()
	if !live {
		return
	}
	if !v.Deleted {
		objects.LogIdle(f.deps.Log, compiler.IdleOfRule(&v.Body.Rule))
	}
	f.requests.notify()
}

// apply makes a version of a rule the present one: it closes the rule run of the
// version before, where that detected something else, and opens a new one. The
// store's versions, applied in order, give the same rule runs at every start. The
// lock is held.
func (f *inForce) apply(stored storedRule, written schema.Millis, deleted bool) {
	rule := stored.Rule
	h := f.history[rule.ID]
	if h == nil {
		h = &ruleHistory{}
		f.history[rule.ID] = h
	}
	runs := rule.IsEnabled && !deleted
	if deleted {
		f.costs.forget(rule.ID)
	}
	goesOn := runs && h.runs() && h.from == stored.From
	h.from = stored.From
	v := ruleVersion{version: rule.Version, after: stored.After, runs: runs}
	for _, w := range f.runs {
		if w.plan.Rule.ID != rule.ID || w.until > 0 {
			continue
		}
		if goesOn {
			w.plan = f.replan(&stored, w)
			v.key, v.unsupported = w.plan.Key, w.plan.Unsupported
		} else {
			w.close(stored.From)
			if !runs {
				f.asides.drop(w.plan.Key)
			}
		}
	}
	if runs && !goesOn {
		w := f.open(&stored)
		w.plan.Began = written
		v.key, v.unsupported = w.plan.Key, w.plan.Unsupported
	}
	h.versions = append(h.versions, v)
}

// replan gives an open rule run the rule's new name, message and the like.
func (f *inForce) replan(stored *storedRule, w *ruleRun) *compiler.BoundPlan {
	compiled, err := stored.compiled()
	if err != nil {
		f.deps.Log.Error("stored rule no longer compiles; its former plan goes on", "rule", stored.Rule.ID, "error", err)
		return w.plan
	}
	plan := compiled.Bind()
	plan.Key, plan.After, plan.Began, plan.Tables = w.plan.Key, w.plan.After, w.plan.Began, f.deps.Tables
	f.suppress(plan)
	f.plans.forget()
	return plan
}

func (f *inForce) open(stored *storedRule) *ruleRun {
	compiled, err := stored.compiled()
	if err != nil {
		f.deps.Log.Error("stored rule does not compile; it is not evaluated", "rule", stored.Rule.ID, "error", err)
		compiled = &compiler.Plan{Rule: stored.Rule, Unsupported: err.Error()}
	}
	plan := compiled.Bind()
	f.suppress(plan)
	plan.Tables = f.deps.Tables
	w := newRuleRun(plan, stored.From)
	w.fresh = f.loaded
	f.runs = append(f.runs, w)
	f.plans.forget()
	return w
}
