package scheduler

import (
	"cmp"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"nightjar/compiler"
	"nightjar/schema"
)

// RuleCost is what a rule costs, measured by this process over the arrivals before
// now, the latest of which count most.
type RuleCost struct {
	RuleID, Name string
	Key          string // that its matches are stored under
	// CPU is what an event costs, whether it matches or not: its share of the
	// matching, and the windows of the rule.
	// CPUKnown is false before enough of them went by.
	CPU      time.Duration
	CPUKnown bool
	// Matches are events that matched a query of the rule since the process began,
	// Signals those that it opened within a day.
	Matches, Signals uint64
	// Groups is how many signal groups are held in memory.
	Groups int
	// Alone says that the rule is evaluated by itself, because it is dear or has too
	// much to do; Behind is how many arrivals it has yet to be evaluated over, and
	// Through the last that it was.
	Alone, Dear     bool
	Behind, Through uint64
	// Failing is why its last evaluation failed, which is retried, Unsupported why it is
	// not evaluated at all; empty: neither is so.
	Failing, Unsupported string
}

// WhyAlone says why the rule is evaluated by itself; empty: it is not.
func (c *RuleCost) WhyAlone() string {
	switch {
	case c.Dear:
		return "matching an event costs it too much"
	case c.Alone:
		return "it has very many signals to publish, and is catching up"
	}
	return ""
}

// cost is what was measured of a rule.
type cost struct {
	events, nanoseconds float64 // fading
	seen, matches       uint64
	groups              int
	signals             [24]uint64 // by hour, modulo a day
	hour                int64      // of the latest
}

// fadeAfter is of how many arrivals costs are remembered in full.
const fadeAfter = 50_000

// leastMeasured is after how many arrivals it is known what a rule costs.
const leastMeasured = 2_000

func (c *cost) add(events int, nanoseconds int64) {
	if c.events += float64(events); c.events > fadeAfter {
		c.events, c.nanoseconds = c.events/2, c.nanoseconds/2
	}
	c.nanoseconds += float64(nanoseconds)
	c.seen += uint64(events)
}

// perEvent is what an event costs; 0: it is not known.
func (c *cost) perEvent() time.Duration {
	if c.seen < leastMeasured {
		return 0
	}
	return time.Duration(c.nanoseconds / c.events)
}

// opened counts signals that were opened at a moment.
func (c *cost) opened(n uint64, now time.Time) {
	c.forgetOld(now)
	c.signals[c.hour%24] += n
}

// forgetOld forgets the hours of a day ago.
func (c *cost) forgetOld(now time.Time) {
	hour := now.Unix() / 3600
	for c.hour = max(c.hour, hour-24); c.hour < hour; {
		c.hour++
		c.signals[c.hour%24] = 0
	}
}

func (c *cost) today(now time.Time) (n uint64) {
	c.forgetOld(now)
	for _, of := range c.signals {
		n += of
	}
	return n
}

// costs are what was measured of every rule.
type costs struct {
	metrics metrics
	now     func() time.Time

	mu     sync.Mutex
	byRule map[string]*cost
}

func newCosts(m metrics, now func() time.Time) *costs {
	return &costs{metrics: m, now: now, byRule: map[string]*cost{}}
}

// of is the rule's. The lock is held.
func (all *costs) of(ruleID string) *cost {
	c := all.byRule[ruleID]
	if c == nil {
		c = &cost{}
		all.byRule[ruleID] = c
	}
	return c
}

// forget lets go of a rule that is deleted.
func (all *costs) forget(ruleID string) {
	all.mu.Lock()
	defer all.mu.Unlock()
	delete(all.byRule, ruleID)
}

// perEvent is what an event costs a rule; 0: it is not known.
func (all *costs) perEvent(ruleID string) time.Duration {
	all.mu.Lock()
	defer all.mu.Unlock()
	return all.of(ruleID).perEvent()
}

// measured is what a rule costs, without where it stands.
func (all *costs) measured(rule *schema.Rule) RuleCost {
	all.mu.Lock()
	defer all.mu.Unlock()
	c := all.of(rule.ID)
	return RuleCost{
		RuleID: rule.ID, Name: rule.Name, CPU: c.perEvent(), CPUKnown: c.seen >= leastMeasured,
		Matches: c.matches, Signals: c.today(all.now()), Groups: c.groups,
	}
}

// threadTime is the CPU time of the thread, in nanoseconds, so that what a busy
// machine takes away does not count.
func threadTime() int64 {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) != nil {
		return 0
	}
	return t.Nano()
}

// matchMeasured is match, and says what that took. The goroutine stays on its thread,
// whose time is measured.
func (ev *evaluator) matchMeasured(c *compiled, events []schema.Event) []labelMatch {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	began := ev.deps.CPU()
	labelMatches := ev.match(c, events)
	ev.matched = time.Duration(ev.deps.CPU() - began)
	ev.costs.measureMatching(c)
	return labelMatches
}

// measureMatching takes in what matching has cost since the last time.
func (all *costs) measureMatching(c *compiled) {
	all.mu.Lock()
	defer all.mu.Unlock()
	var of []int64
	var plans []int
	events := c.set.Spent(func(plan int, ns int64) { plans, of = append(plans, plan), append(of, ns) })
	for i, plan := range plans {
		all.of(c.plans[plan].Rule.ID).add(events, of[i])
		all.metrics.ruleMatching.WithLabelValues(c.plans[plan].Rule.ID).Add(float64(of[i]) / 1e9)
	}
}

// setApart has rules evaluated by themselves that are dear, and others no more. It
// returns those of the step that go on together.
func (f *inForce) setApart(group []dueRule) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, t := range group {
		each := f.costs.perEvent(t.plan.Rule.ID)
		if t.ruleRun.dear || each <= f.deps.Budget.Match {
			continue
		}
		t.ruleRun.dear, t.ruleRun.slow = true, true
		t.ruleRun.pace = max(1, uint64(f.deps.Budget.Slice)/uint64(max(1, each.Microseconds())))
		f.deps.Log.Warn("a rule is dear and is evaluated by itself from now on; it may fall behind, and nothing else does",
			"rule", t.plan.Rule.ID, "name", t.plan.Rule.Name, "each event", each, "at most", f.deps.Budget.Match)
	}
}

// Costs are what rules cost, those that are evaluated by themselves first, then the
// dearest.
func (s *Status) Costs() []RuleCost {
	s.inForce.mu.Lock()
	defer s.inForce.mu.Unlock()
	stored := s.deps.Arrivals.Stored()
	var out []RuleCost
	for _, w := range s.inForce.runs {
		if w.until > 0 {
			continue
		}
		target := w.target(stored)
		if w.plan.OfSignals {
			target = w.target(s.publishing.given())
		}
		c := s.costs.measured(&w.plan.Rule)
		c.Alone, c.Dear, c.Through, c.Behind = w.slow, w.dear, w.through, max(target, w.through)-w.through
		c.Key, c.Unsupported = w.plan.Key, w.plan.Unsupported
		if w.failures > 0 {
			c.Failing = cmp.Or(w.problem, "its last evaluation failed")
		}
		out = append(out, c)
	}
	slices.SortStableFunc(out, func(a, b RuleCost) int {
		switch {
		case a.Alone != b.Alone && a.Alone:
			return -1
		case a.Alone != b.Alone:
			return 1
		}
		return int(b.CPU - a.CPU)
	})
	return out
}

// countMatches notes how many matches and groups rules have.
func (all *costs) countMatches(labelMatches []labelMatch, cached *cache) {
	matches := map[*compiler.BoundPlan]uint64{}
	for _, t := range labelMatches {
		matches[t.plan]++
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	for plan, n := range matches {
		c := all.of(plan.Rule.ID)
		c.matches += n
		if p := cached.plans[plan.Key]; p != nil {
			c.groups = len(p.groups)
		}
	}
}

// countOpened notes that signals were opened.
func (all *costs) countOpened(changes []planChange) {
	opened := map[string]uint64{}
	for i := range changes {
		if changes[i].IsNew {
			opened[changes[i].RuleID]++
		}
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	for id, n := range opened {
		all.of(id).opened(n, all.now())
	}
}

// addWindows notes what the windows of rules took, in nanoseconds.
func (all *costs) addWindows(took map[string]int64) {
	all.mu.Lock()
	defer all.mu.Unlock()
	for id, ns := range took {
		all.of(id).nanoseconds += float64(ns)
		all.metrics.ruleSeconds.WithLabelValues(id).Add(float64(ns) / 1e9)
	}
}
