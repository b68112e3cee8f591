package scheduler

import (
	"strconv"
	"time"

	"nightjar/compiler"
	"nightjar/schema"
)

// ruleRun is one stretch of arrivals over which one plan is evaluated: from the
// rule's being created, enabled or changed in what it detects, to its being
// disabled, deleted or changed again.
type ruleRun struct {
	plan *compiler.BoundPlan
	// from and until bound the arrivals: from < seq <= until; until 0 is open.
	from, until uint64
	// through is how far it is evaluated.
	through uint64
	// fresh: nothing of it was evaluated yet, in this process or another.
	fresh bool

	failures   int
	failedFrom uint64 // the place at the first of them
	retryAt    time.Time
	problem    string // why it failed last, or why it can't run

	// slow says that it is evaluated by itself, over pace arrivals at a time.
	slow bool
	pace uint64
	// dear says that it stays so also when it has caught up, until an event costs it
	// half of what it may.
	dear bool

	// Of rule runs that wait for what does not happen: up to when that was judged, how
	// many groups have something to wait for, and why the horizon does not move,
	// where it does not.
	judged        schema.Millis
	waits         int
	held          string
	judgeFailures int
	judgeAt       time.Time
}

// newRuleRun gives the plan a key of its own, so that what an earlier stretch of
// the rule saw is never mixed with this one.
func newRuleRun(plan *compiler.BoundPlan, from uint64) *ruleRun {
	plan.Key += "/" + strconv.FormatUint(from, 10)
	plan.After = from
	return &ruleRun{plan: plan, from: from, through: from, problem: plan.Unsupported}
}

// target is how far the rule run can be evaluated, when everything up to stored
// is in the store.
func (w *ruleRun) target(stored uint64) uint64 {
	if w.until > 0 {
		return min(stored, w.until)
	}
	return stored
}

// close ends the rule run after an arrival. Until then it goes on.
func (w *ruleRun) close(after uint64) {
	w.until = max(after, w.from)
	if !w.runnable() || w.until == 0 {
		w.until, w.through = max(w.until, 1), max(w.until, 1) // nothing is left to read
	}
}

// finished reports whether a closed rule run has nothing more to read.
func (w *ruleRun) finished() bool { return w.until > 0 && w.through >= w.until }

// isNew reports whether nothing was evaluated yet: of a step that begins before it,
// what arrived up to its beginning is left out (Plan.After).
func (w *ruleRun) isNew() bool { return w.through == w.from && w.failures == 0 }

// runnable reports whether the engine can evaluate the plan at all.
func (w *ruleRun) runnable() bool { return w.plan.Unsupported == "" }

// Interval is a stretch of arrivals: From < seq <= To.
type Interval struct{ From, To uint64 }

// Found is an event that matched at least one label of a statement.
type Found struct {
	Event   schema.Event
	Filters []int32 // indexes into MatchStatement.LabelsOf
}

// StoredMatch is a match with the keys that it is stored under.
type StoredMatch struct {
	Key     uint64
	RuleKey string
	compiler.Match
}

// Span asks for the stored matches of one key from an event time on.
type Span struct {
	Key  uint64
	From schema.Millis
}
