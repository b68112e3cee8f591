package scheduler

import (
	"context"
	"time"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
)

// stepShare is how many times the budget of an event a rule may need of a step that
// it shares with others. A rule that needs more is evaluated by itself until it has
// caught up, over few arrivals at a time, and the others go on between.
const stepShare = 6

// groupWork is what bringing a signal group up to date is of a budget.
const groupWork = 100

// postpone takes out the signal groups of rules that have too many of them for a
// shared step, and notes the rules. What they matched is noted already, which
// changes nothing when it is noted again.
func (ev *evaluator) postpone(states []*detect.GroupState) []*detect.GroupState {
	if ev.postponed == nil {
		return states
	}
	count := map[*compiler.BoundPlan]int{}
	for _, u := range states {
		count[u.Plan]++
	}
	rest := states[:0]
	for _, u := range states {
		if n := count[u.Plan]; n*groupWork > stepShare*ev.deps.Budget.Event {
			ev.postponed[u.Plan] = n
		} else {
			rest = append(rest, u)
		}
	}
	return rest
}

// share evaluates rules together, and tells of those that were postponed with how
// many signal groups.
func (ev *evaluator) share(ctx context.Context, group []dueRule, in Interval) (postponed map[*compiler.BoundPlan]int, err error) {
	ev.postponed = map[*compiler.BoundPlan]int{}
	defer func() { ev.postponed = nil }()
	err = ev.evaluate(ctx, plansOf(group), in)
	return ev.postponed, err
}

// slowDown leaves the postponed rules to goSlow, and returns the others.
func (f *inForce) slowDown(group []dueRule, in Interval, postponed map[*compiler.BoundPlan]int) (rest []dueRule) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, t := range group {
		n := postponed[t.plan]
		if n == 0 {
			rest = append(rest, t)
			continue
		}
		t.ruleRun.slow = true
		t.ruleRun.pace = max(1, (in.To-in.From)*uint64(f.deps.Budget.Slice)/uint64(n*groupWork))
		f.deps.Log.Warn("a rule is too much work to be evaluated with the others and is evaluated by itself until it has caught up; all else goes on",
			"rule", t.plan.Rule.ID, "name", t.plan.Rule.Name, "after", in.From, "through", in.To, "groups", n)
	}
	return rest
}

// goSlow evaluates a rule that is evaluated by itself over the next few arrivals.
// It reports whether there was one.
func (s *Scheduler) goSlow(ctx context.Context, now time.Time) bool {
	t, in := s.inForce.nextSlow(now, s.deps.Arrivals.Stored())
	if t.ruleRun == nil || ctx.Err() != nil {
		return false
	}
	if err := s.evaluator.evaluate(ctx, []*compiler.BoundPlan{t.plan}, in); err != nil {
		if ctx.Err() != nil {
			return false
		}
		s.inForce.fail(t, in, err)
		return true
	}
	s.inForce.advance([]dueRule{t}, in.To)
	s.inForce.keepPace(t.ruleRun, in, s.evaluator.work())
	return true
}

// work is how much the last evaluation was, of a budget.
func (ev *evaluator) work() int { return max(ev.updated*groupWork, int(ev.matched.Microseconds())) }

// nextSlow is the rule that is furthest behind of those that are evaluated by
// themselves, and the arrivals to evaluate it over.
func (f *inForce) nextSlow(now time.Time, stored uint64) (dueRule, Interval) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var next *ruleRun
	for _, w := range f.runs {
		if f.resting[w.plan.Key] || !w.slow || !w.runnable() || now.Before(w.retryAt) {
			continue
		}
		if w.dear && f.costs.perEvent(w.plan.Rule.ID) <= f.deps.Budget.Match/2 {
			w.dear = false
		}
		switch {
		case w.through >= w.target(stored):
			w.slow = w.dear
		case w.through >= f.reach(w, stored): // it goes on when that is let go of
		case next == nil || w.through < next.through:
			next = w
		}
	}
	if next == nil {
		return dueRule{}, Interval{}
	}
	return dueRule{next, next.plan}, Interval{next.through, min(f.reach(next, stored), next.through+next.pace, next.through+maxArrivals)}
}

// keepPace makes the next interval longer or shorter, by how much work this one
// was of a slice. A rule that has caught up goes on with the others.
func (f *inForce) keepPace(w *ruleRun, in Interval, work int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, slice := in.To-in.From, f.deps.Budget.Slice
	switch {
	case work > slice:
		w.pace = max(1, n*uint64(slice)/uint64(work))
	case 2*work <= slice:
		w.pace = 2 * n
	default:
		w.pace = n
	}
	if w.through >= w.target(f.deps.Arrivals.Stored()) {
		w.slow = w.dear
	}
}
