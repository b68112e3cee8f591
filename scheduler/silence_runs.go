package scheduler

import (
	"context"
	"fmt"
	"slices"
	"time"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// silenceRun is how a rule run waits for what does not happen: which groups may fall
// silent when, and how far that was judged. It is the evaluating goroutine's.
type silenceRun struct {
	// horizon is up to where silence may have been told, judged up to where it has.
	horizon detect.Horizon
	judged  schema.Millis
	saved   Checkpoint // as it was saved last
	timers  timers
	// armed says that every group with something to wait for has its timer.
	armed bool
	// held is why the horizon did not move when it was looked at last; empty: it did.
	held string
	// listed is when the groups that are expected were read last.
	listed time.Time
}

// silenceRuns are how rule runs wait for what does not happen. They are the evaluating
// goroutine's.
type silenceRuns struct {
	journal Journal
	now     func() time.Time
	// checkpoints are how far rule runs were evaluated when this process began.
	checkpoints map[string]Checkpoint
	byKey       map[string]*silenceRun
}

func newSilenceRuns(journal Journal, now func() time.Time) *silenceRuns {
	return &silenceRuns{journal: journal, now: now, byKey: map[string]*silenceRun{}}
}

// of is how the plan waits; nil where it waits for nothing.
func (all *silenceRuns) of(plan *compiler.BoundPlan) *silenceRun {
	if !plan.Waits() {
		return nil
	}
	v := all.byKey[plan.Key]
	if v == nil {
		v = newSilenceRun(all.checkpoints, plan.Key, schema.MillisOf(all.now()))
		all.byKey[plan.Key] = v
	}
	return v
}

// newSilenceRun goes on from a checkpoint. What was evaluated before anybody knew of
// silence is not judged by it.
func newSilenceRun(checkpoints map[string]Checkpoint, key string, now schema.Millis) *silenceRun {
	c, before := checkpoints[key]
	saved := c
	if before && c.SilenceFrom == 0 {
		c.SilenceFrom, c.Judged, c.Horizon = now, now, now
	}
	// A horizon ahead of the clock was judged by one that was ahead.
	c.SilenceFrom, c.Judged, c.Horizon = max(min(c.SilenceFrom, now), detect.SinceEver), min(c.Judged, now), min(c.Horizon, now)
	return &silenceRun{
		horizon: detect.Horizon{After: c.SilenceFrom, Through: max(c.Horizon, c.SilenceFrom)}, judged: max(c.Judged, c.SilenceFrom),
		saved: saved, armed: !before,
	}
}

func (v *silenceRun) checkpoint(through uint64) Checkpoint {
	return Checkpoint{Through: through, SilenceFrom: v.horizon.After, Judged: v.judged, Horizon: v.horizon.Through}
}

// expect arms the signal group of a match for when it may be missed.
func (v *silenceRun) expect(u *detect.GroupState, m *compiler.Match) {
	if a := u.Plan.Absence; a != nil && !a.MayAsk(m.Label) {
		return
	}
	if due := m.At + detect.WindowOf(u.Plan); due > v.horizon.Through {
		v.timers.arm(u.Key, u.Group, due)
	}
}

// expectLow arms the signal group of a match for the end of its bucket, or for that
// of the first bucket that is not judged yet.
func (v *silenceRun) expectLow(of *detect.Baseline, u *detect.GroupState, m *compiler.Match) {
	if due := of.NextClose(u.Group, max(m.At, v.horizon.Through)); due < detect.Never {
		v.timers.arm(u.Key, u.Group, due)
	}
}

// wakeAtOnce is about how many groups are judged together: those that are due in
// one second are.
const wakeAtOnce = 2_000

// judgedRun is a rule run with its wait for silence, about to be judged.
type judgedRun struct {
	dueRule
	*silenceRun
	woken  []woken
	states []*detect.GroupState
	until  schema.Millis // judged up to here, when all goes well
}

// silenceWatch judges what did not happen. It is the evaluating goroutine's.
type silenceWatch struct {
	deps          *Deps
	metrics       metrics
	inForce       *inForce
	evaluator     *evaluator
	silenceRuns   *silenceRuns
	attention     *attention
	tables        *referenceTables
	evaluationLog *evaluationLog
}

// judge tells of what did not happen, as far as that can be known. It reports
// whether there is more to judge at once.
func (sw *silenceWatch) judge(ctx context.Context) bool {
	now := sw.deps.Now()
	var all []*judgedRun
	more := false
	plans := map[*compiler.BoundPlan]bool{}
	for _, w := range sw.inForce.waiting(now) {
		if v := (&judgedRun{dueRule: w, silenceRun: sw.silenceRuns.of(w.plan)}); sw.reachable(v) {
			all = append(all, v)
			plans[v.plan] = true
		}
	}
	if err := sw.evaluator.warm(ctx, plans); err != nil {
		sw.failJudging(ctx, all, err)
		return false
	}
	all = slices.DeleteFunc(all, func(v *judgedRun) bool {
		err := sw.wake(ctx, v)
		if err != nil {
			sw.failJudging(ctx, []*judgedRun{v}, err)
		}
		more = more || err == nil && v.until < v.horizon.Through
		return err != nil
	})
	if err := sw.judgeAll(ctx, all); err != nil {
		more = sw.judgeEach(ctx, all, err)
	}
	return more && ctx.Err() == nil
}

// judgeEach judges what failed together one by one, so that one rule's failure
// stops only that rule. It reports whether any was judged.
func (sw *silenceWatch) judgeEach(ctx context.Context, all []*judgedRun, err error) (judged bool) {
	for _, v := range all {
		sw.evaluator.cache.drop(v.plan.Key) // it may be ahead of what was published
		if len(all) > 1 {
			v.begin()
			if err = sw.evaluator.warm(ctx, map[*compiler.BoundPlan]bool{v.plan: true}); err == nil {
				err = sw.judgeAll(ctx, []*judgedRun{v})
			}
		}
		if err != nil {
			sw.failJudging(ctx, []*judgedRun{v}, err)
		}
		judged = judged || err == nil
	}
	return judged
}

// begin makes the states those that nothing was recalled for yet.
func (v *judgedRun) begin() {
	for i, u := range v.states {
		v.states[i] = &detect.GroupState{Plan: u.Plan, Key: u.Key, Group: u.Group, Since: u.Since}
	}
}

// waiting are the rule runs that wait for what does not happen.
func (f *inForce) waiting(now time.Time) []dueRule {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []dueRule
	for _, w := range f.runs {
		if !f.resting[w.plan.Key] && w.runnable() && w.plan.Waits() && w.until == 0 && w.failures == 0 && !now.Before(w.judgeAt) {
			out = append(out, dueRule{w, w.plan})
		}
	}
	return out
}

// reachable moves the horizon on, and reports whether there is anything between
// what was judged and it.
func (sw *silenceWatch) reachable(v *judgedRun) bool {
	at, ok, why := sw.attention.horizon(sw.inForce.judgeable(v.ruleRun), sw.deps.Delays.Of(v.plan))
	sw.inForce.mu.Lock()
	v.ruleRun.held = why
	sw.inForce.mu.Unlock()
	switch {
	case !ok:
		v.held = why
	case at < v.horizon.Through: // the clock was ahead, and is put right
		v.horizon.Through, v.judged = max(at, detect.SinceEver), min(v.judged, max(at, detect.SinceEver))
		v.armed = false
	default:
		if v.held != "" && v.judged > detect.SinceEver && at > v.judged {
			sw.evaluationLog.postponed(v.dueRule, v.judged, at, v.held)
		}
		v.horizon.Through, v.held = at, ""
	}
	return v.judged < v.horizon.Through
}

// wake finds the groups that may be missed up to the horizon.
func (sw *silenceWatch) wake(ctx context.Context, v *judgedRun) error {
	if err := sw.armAll(ctx, v); err != nil {
		return err
	}
	if err := sw.armExpected(ctx, v); err != nil {
		return err
	}
	v.woken, v.until = v.timers.take(v.horizon.Through, wakeAtOnce)
	p := sw.evaluator.cache.of(v.plan, false)
	for _, w := range v.woken {
		due, key := w.due, detect.StateKey(v.plan, w.group)
		if u := sw.evaluator.baselines[v.plan.Key]; u != nil && v.plan.Low() {
			due = u.LowDue(w.group, due, v.until, v.horizon)
		} else if g := p.groups[key]; g != nil && v.plan.Expected == nil && slices.Equal(g.group, w.group) && p.from <= v.judged-detect.WindowOf(v.plan) && sameGroup(v.plan, g) {
			due = detect.NextDue(v.plan, g.matches, v.judged)
		}
		switch {
		case due <= v.until:
			v.states = append(v.states, &detect.GroupState{Plan: v.plan, Key: key, Group: w.group, Since: due})
		case due < detect.Never:
			v.timers.arm(key, w.group, due)
		}
	}
	return nil
}

// sameGroup reports whether the cached matches are all of one full group, and no
// others have the same key by chance.
func sameGroup(plan *compiler.BoundPlan, g *groupCache) bool {
	if len(plan.SignalGroup) != plan.Arity {
		return true // nextDue tells full groups apart, and another key's are none of ours
	}
	return !slices.ContainsFunc(g.matches, func(m compiler.Match) bool { return !slices.Equal(m.Group, g.group) })
}

// armAll arms what a process before this one waited for.
func (sw *silenceWatch) armAll(ctx context.Context, v *judgedRun) error {
	if v.armed {
		return nil
	}
	if v.plan.Low() {
		err := sw.armLow(ctx, v)
		v.armed = err == nil
		return err
	}
	if err := sw.evaluator.unstored.flush(ctx); err != nil {
		return err
	}
	groups, err := sw.deps.Windows.Groups(ctx, v.plan.Key, v.judged-detect.WindowOf(v.plan)+1, schema.MaxMillis)
	if err != nil {
		return fmt.Errorf("list groups of rule %s: %w", v.plan.Rule.ID, err)
	}
	for _, g := range groups {
		if len(g) == v.plan.Arity {
			group := detect.SignalGroup(v.plan, g)
			v.timers.arm(detect.StateKey(v.plan, group), group, v.judged+1)
		}
	}
	v.armed = true
	return nil
}

// listEvery is how often the groups that are expected are read.
const listEvery = 30 * time.Second

// armExpected arms the groups that a table lists for when they may be missed
// first. One that is new there is missed no sooner than a window later.
func (sw *silenceWatch) armExpected(ctx context.Context, v *judgedRun) error {
	now := sw.deps.Now()
	if v.plan.Expected == nil || now.Sub(v.listed).Abs() < listEvery {
		return nil
	}
	if err := sw.tables.loadOf(ctx, v.plan, v.horizon.Through); err != nil {
		return err
	}
	v.plan.ExpectedGroups(schema.MillisOf(now), func(group []string, since schema.Millis) bool {
		if due := max(since, v.plan.Began) + detect.WindowOf(v.plan); due > v.judged {
			v.timers.arm(detect.StateKey(v.plan, group), group, due)
		}
		return true
	})
	v.listed = now
	return nil
}

// judgeAll brings the woken groups up to date, publishes what changed, and
// arms them for when they may be missed next.
func (sw *silenceWatch) judgeAll(ctx context.Context, all []*judgedRun) error {
	var states []*detect.GroupState
	for _, v := range all {
		states = append(states, v.states...)
	}
	if err := sw.evaluator.update(ctx, states); err != nil {
		return err
	}
	for _, v := range all {
		for _, u := range v.states {
			var due schema.Millis
			if of := sw.evaluator.baselines[v.plan.Key]; of != nil && v.plan.Low() {
				due = of.NextClose(u.Group, v.until)
			} else {
				due = detect.NextDue(v.plan, u.Matches, v.until)
			}
			if due < detect.Never {
				v.timers.arm(u.Key, u.Group, due)
			}
		}
		v.judged = v.until
	}
	sw.inForce.mu.Lock()
	defer sw.inForce.mu.Unlock()
	for _, v := range all {
		v.ruleRun.judged, v.ruleRun.waits, v.ruleRun.judgeFailures = v.judged, len(v.timers.groups), 0
	}
	return nil
}

// failJudging arms again what was woken in vain.
func (sw *silenceWatch) failJudging(ctx context.Context, all []*judgedRun, err error) {
	for _, v := range all {
		for _, w := range v.woken {
			v.timers.arm(w.key, w.group, w.due)
		}
		sw.evaluator.cache.drop(v.plan.Key)
	}
	if ctx.Err() != nil {
		return
	}
	sw.inForce.mu.Lock()
	defer sw.inForce.mu.Unlock()
	for _, v := range all {
		v.ruleRun.judgeFailures++
		v.ruleRun.judgeAt = sw.deps.Now().Add(retryAfter(v.ruleRun.judgeFailures))
		v.ruleRun.held = err.Error()
		sw.metrics.failures.Inc()
		sw.deps.Log.Error("silence not judged; it will be retried", "rule", v.plan.Rule.ID, "after", v.judged, "attempt", v.ruleRun.judgeFailures, "error", err)
	}
}

// keepHorizons saves how far silence may have been told before it is: after a
// crash, what was told must not look as if it were yet to come.
func (all *silenceRuns) keepHorizons(ctx context.Context, changes []planChange) error {
	unsaved := map[string]Checkpoint{}
	for i := range changes {
		if v := all.of(changes[i].plan); v != nil && v.horizon.Through > v.saved.Horizon {
			c := v.saved
			c.SilenceFrom, c.Horizon = v.horizon.After, v.horizon.Through
			unsaved[changes[i].plan.Key] = c
		}
	}
	if len(unsaved) == 0 {
		return nil
	}
	if err := all.journal.Save(ctx, unsaved); err != nil {
		return fmt.Errorf("save the horizon of silence: %w", err)
	}
	for key, c := range unsaved {
		all.byKey[key].saved = c
	}
	return nil
}

// armLow arms every group that may be judged after a moment.
func (sw *silenceWatch) armLow(ctx context.Context, v *judgedRun) error {
	u, err := sw.evaluator.baselineOf(ctx, v.plan, false, sw.inForce.throughOf(v.plan.Key))
	if err != nil {
		return err
	}
	u.NextCloses(v.judged, func(group []string, due schema.Millis) {
		v.timers.arm(detect.StateKey(v.plan, group), group, due)
	})
	return nil
}
