package scheduler

import (
	"context"
	"fmt"
	"runtime"
	"sort"
	"time"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// labelMatch is an event that matches a label of a plan.
type labelMatch struct {
	plan  *compiler.BoundPlan
	label int
	event *schema.Event
}

// evaluate brings the signals of the plans up to date with the events that
// arrived in the interval. Every step can be repeated without a trace, so an
// evaluation that was cut short is simply done again.
func (ev *evaluator) evaluate(ctx context.Context, plans []*compiler.BoundPlan, in Interval) error {
	started := time.Now()
	ev.matched = 0
	if err := ev.learnPast(ctx, plans); err != nil {
		return err
	}
	labelMatches, err := ev.find(ctx, ev.plans.of(plans), in)
	if err == nil {
		err = ev.tables.load(ctx, labelMatches)
	}
	if err == nil {
		err = ev.absorb(ctx, labelMatches)
	}
	if err != nil {
		for _, p := range plans {
			ev.cache.drop(p.Key) // it may be ahead of what was published
		}
		return err
	}
	ev.metrics.evaluations.Inc()
	ev.metrics.seconds.Observe(time.Since(started).Seconds())
	return nil
}

// find asks which events of the interval match which labels: in memory where
// the events are still there, else in the store.
func (ev *evaluator) find(ctx context.Context, c *compiled, in Interval) ([]labelMatch, error) {
	if ev.deps.Recent != nil {
		if events, ok := ev.deps.Recent.Between(in); ok {
			return ev.matchMeasured(c, events), nil
		}
	}
	statements, err := c.inSQL(ev.deps.Catalogue)
	if err != nil {
		return nil, err
	}
	var out []labelMatch
	for _, st := range statements {
		found, err := ev.deps.Events.Find(ctx, st, in, ev.deps.Lateness)
		if err != nil {
			return nil, fmt.Errorf("find matching events: %w", err)
		}
		for i := range found {
			for _, h := range found[i].Filters {
				for _, ref := range st.LabelsOf[h] {
					if plan := st.Plans[ref.Plan]; found[i].Event.Seq > plan.After {
						out = append(out, labelMatch{plan, ref.Label, &found[i].Event})
					}
				}
			}
		}
	}
	return out, nil
}

func (ev *evaluator) match(c *compiled, events []schema.Event) []labelMatch {
	var out []labelMatch
	late := schema.Millis(ev.deps.Lateness.Milliseconds())
	for i := range events {
		e := &events[i]
		if e.Seen-e.At > late {
			continue
		}
		c.set.Match(e, func(hit int32) {
			for _, ref := range c.set.LabelsOf[hit] {
				if plan := c.plans[ref.Plan]; e.Seq > plan.After {
					out = append(out, labelMatch{plan, ref.Label, e})
				}
			}
		})
	}
	return out
}

// absorb notes the matches, and brings every signal group that they touch up to
// date.
func (ev *evaluator) absorb(ctx context.Context, labelMatches []labelMatch) error {
	if len(labelMatches) == 0 {
		return nil
	}
	plans := plansOfMatches(labelMatches)
	if err := ev.warm(ctx, plans); err != nil {
		return err
	}
	d := newDirty()
	atOnce := ev.asides.setAside(labelMatches)
	for _, t := range atOnce {
		ev.note(&d, t)
	}
	for _, t := range labelMatches {
		if u := ev.baselines[t.plan.Key]; u != nil {
			u.CountedThrough(t.event.Seq)
		}
	}
	for _, t := range labelMatches {
		ev.attention.saw(time.Duration(t.event.Seen-t.event.At) * time.Millisecond)
		ev.metrics.ruleMatches.WithLabelValues(t.plan.Rule.ID).Inc()
	}
	ev.metrics.matches.Add(float64(len(labelMatches)))
	ev.costs.countMatches(labelMatches, ev.cache)
	return ev.settleDirty(ctx, &d, plans)
}

// settleDirty brings every signal group that was touched up to date.
func (ev *evaluator) settleDirty(ctx context.Context, d *dirty, plans map[*compiler.BoundPlan]bool) error {
	if err := ev.spread(ctx, d); err != nil {
		return err
	}
	for plan := range plans {
		touch := func(group []string, since schema.Millis) { d.touch(plan, group, since) }
		if k := ev.seen[plan.Key]; k != nil {
			k.LookAgain(touch)
		}
		if u := ev.baselines[plan.Key]; u != nil {
			u.Rejudge(touch)
		}
	}
	states := ev.postpone(d.list())
	ev.updated = len(states)
	if err := ev.update(ctx, states); err != nil {
		return err
	}
	for plan := range plans {
		if ev.postponed[plan] > 0 {
			continue
		}
		if k := ev.seen[plan.Key]; k != nil {
			k.Evaluated()
		}
		if u := ev.baselines[plan.Key]; u != nil {
			u.Evaluated()
		}
	}
	ev.tidy(d)
	return nil
}

func plansOfMatches(labelMatches []labelMatch) map[*compiler.BoundPlan]bool {
	set := map[*compiler.BoundPlan]bool{}
	for _, t := range labelMatches {
		set[t.plan] = true
	}
	return set
}

// note expands an event that matches a label into its matches. They are in
// memory at once, and in the store before the place is saved.
func (ev *evaluator) note(d *dirty, t labelMatch) {
	cached := ev.cache.of(t.plan, false)
	matches, left := t.plan.Expand(t.label, t.event)
	ev.evaluationLog.capped(t, left)
	if t.event.At < cached.newest-reopenAfter {
		ev.evaluationLog.reopened(t)
	}
	if k := ev.seen[t.plan.Key]; k != nil {
		k.Arrived(t.event.Seen)
	}
	if u := ev.baselines[t.plan.Key]; u != nil {
		u.Arrived(t.event.Seen)
	}
	ev.noteMatches(d, t.plan, t.label, matches)
}

// tidy keeps memory bounded after an evaluation.
func (ev *evaluator) tidy(d *dirty) {
	trimmed := map[*compiler.BoundPlan]bool{}
	for _, u := range d.states {
		if !trimmed[u.Plan] {
			trimmed[u.Plan] = true
			ev.cache.trim(ev.cache.of(u.Plan, false))
		}
	}
	for _, key := range ev.cache.bound(ev.deps.MaxCached) {
		ev.deps.Log.Warn("a rule has more live matches than fit into memory; it is evaluated from the store, which is slower", "rule", key)
		ev.metrics.uncached.Inc()
	}
	ev.metrics.cached.Set(float64(ev.cache.matches))
}

// warm reads the near past of plans that were evaluated before this process,
// or whose cache was thrown away.
func (ev *evaluator) warm(ctx context.Context, plans map[*compiler.BoundPlan]bool) error {
	cold := map[string]*compiler.BoundPlan{}
	for plan := range plans {
		if ev.cache.plans[plan.Key] == nil {
			cold[plan.Key] = plan
		}
	}
	back := map[string]time.Duration{}
	for key, plan := range cold {
		fresh := ev.runs.isFresh(key)
		late := time.Duration(0)
		if plan.Waits() {
			late = ev.deps.Delays.Of(plan)
		}
		ev.cache.of(plan, fresh).late = schema.Millis(late.Milliseconds())
		if plan.Novelty != nil {
			if _, err := ev.seenValues(ctx, plan, fresh); err != nil {
				return err
			}
		}
		if plan.Anomaly != nil {
			if _, err := ev.baselineOf(ctx, plan, fresh, ev.runs.throughOf(key)); err != nil {
				return err
			}
		}
		if fresh {
			delete(cold, key)
			continue
		}
		back[key] = plan.Lookback() + time.Duration(slack)*time.Millisecond + late
	}
	if len(cold) == 0 {
		return nil
	}
	if err := ev.unstored.flush(ctx); err != nil {
		return err
	}
	matches, froms, err := ev.deps.Windows.Recent(ctx, back, ev.deps.MaxCached)
	if err != nil {
		return fmt.Errorf("load recent matches: %w", err)
	}
	ended := map[string]schema.Millis{}
	for key, plan := range cold {
		p := ev.cache.of(plan, false)
		p.from, p.ended = detect.Always, detect.Always
		if from, ok := froms[key]; ok {
			p.from = from
			p.ended = max(from, detect.Always/2) - schema.Millis(plan.KeepAlive.Milliseconds())
		}
		ended[key] = p.ended
	}
	signals, err := ev.deps.Signals.Recent(ctx, ended)
	if err != nil {
		return fmt.Errorf("load recent signals: %w", err)
	}
	for run := range runs(matches) {
		m := &run[0]
		plan := cold[m.RuleKey]
		if m.Label >= len(plan.Labels) {
			continue
		}
		ev.cache.add(ev.cache.of(plan, false), m.Key, detect.StateGroup(plan, &m.Match), plan.Labels[m.Label].Global, matchesIn(run)...)
	}
	for _, sig := range signals {
		ev.cache.of(cold[sig.RuleKey], false).published(detect.StateKeyOfRule(sig.RuleKey, sig.Group), sig)
	}
	return nil
}

// dirty collects the signal groups that new matches touch, each with the
// earliest event time touched.
type dirty struct {
	states  map[uint64]*detect.GroupState
	globals map[*compiler.BoundPlan]schema.Millis
}

func newDirty() dirty {
	return dirty{states: map[uint64]*detect.GroupState{}, globals: map[*compiler.BoundPlan]schema.Millis{}}
}

func (d *dirty) touch(plan *compiler.BoundPlan, values []string, at schema.Millis) *detect.GroupState {
	key := detect.StateKey(plan, values)
	u := d.states[key]
	if u == nil {
		u = &detect.GroupState{Plan: plan, Key: key, Group: values, Since: at}
		d.states[key] = u
	}
	u.Since = min(u.Since, at)
	return u
}

// spread touches the groups that a new match without group values may change:
// those with an evaluation point at its time or later. Until the next point it
// changes nothing but what was told of a silence before it arrived.
func (ev *evaluator) spread(ctx context.Context, d *dirty) error {
	for plan, from := range d.globals {
		points := from
		if v := ev.silenceRuns.of(plan); v != nil && from <= v.horizon.Through {
			points -= detect.WindowOf(plan)
			plan.ExpectedGroups(v.horizon.Through, func(group []string, since schema.Millis) bool {
				if since = max(since, plan.Began); since >= points && since <= v.horizon.Through {
					d.touch(plan, group, from)
				}
				return true
			})
		}
		if p := ev.cache.of(plan, false); points >= p.from {
			for _, g := range p.groups {
				for _, m := range detect.Since(g.matches, points) {
					d.touch(plan, detect.StateGroup(plan, &m), from)
				}
			}
			continue
		}
		if err := ev.unstored.flush(ctx); err != nil {
			return err
		}
		groups, err := ev.deps.Windows.Groups(ctx, plan.Key, points, schema.MaxMillis)
		if err != nil {
			return fmt.Errorf("list groups of rule %s: %w", plan.Rule.ID, err)
		}
		for _, g := range groups {
			if len(g) > 0 {
				d.touch(plan, detect.SignalGroup(plan, g), from)
			}
		}
	}
	return nil
}

// list is in a fixed order, so that the same arrivals make the same requests.
func (d *dirty) list() []*detect.GroupState {
	out := make([]*detect.GroupState, 0, len(d.states))
	for _, u := range d.states {
		out = append(out, u)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Key < out[j].Key })
	return out
}

// update reads what the states need of the past, advances them, and publishes
// what changed.
func (ev *evaluator) update(ctx context.Context, states []*detect.GroupState) error {
	if err := ev.recall(ctx, states); err != nil {
		return err
	}
	changes := ev.advanceMeasured(states)
	for _, u := range states {
		if err := u.Baseline.Err(); err != nil {
			delete(ev.baselines, u.Plan.Key) // read it again
			return err
		}
	}
	return ev.publish(ctx, changes, ev.events)
}

// advanceMeasured advances the states, and notes what that took.
func (ev *evaluator) advanceMeasured(states []*detect.GroupState) (changes []planChange) {
	runtime.LockOSThread() // its time is measured
	defer runtime.UnlockOSThread()
	took := map[string]int64{}
	began := ev.deps.CPU()
	for _, u := range states {
		u.Seen, u.Baseline = ev.seen[u.Plan.Key], ev.baselines[u.Plan.Key]
		if v := ev.silenceRuns.of(u.Plan); v != nil {
			u.Horizon = v.horizon
			if since, ok := u.Plan.ExpectedSince(u.Group, v.horizon.Through); ok {
				u.Expected = max(since, u.Plan.Began, detect.SinceEver)
			}
		}
		for _, c := range u.Advance(u.Chained, u.Matches, u.Globals) {
			changes = append(changes, planChange{c, u.Plan})
		}
		now := ev.deps.CPU()
		took[u.Plan.Rule.ID] += now - began
		began = now
	}
	ev.costs.addWindows(took)
	return changes
}

// recall gives every group state its published signals, and its matches from where it
// has to be looked at again: from memory where that reaches back far enough,
// from the store otherwise.
func (ev *evaluator) recall(ctx context.Context, states []*detect.GroupState) error {
	var unread []*detect.GroupState
	for _, u := range states {
		p := ev.cache.of(u.Plan, false)
		if u.Since-u.KeepAlive() < p.ended {
			unread = append(unread, u)
		} else if g := p.groups[u.Key]; g != nil && detect.GroupKey(g.group) == detect.GroupKey(u.Group) {
			u.Published = g.signals
		}
	}
	if err := ev.readSignals(ctx, unread); err != nil {
		return err
	}
	for _, u := range states {
		u.Baseline = ev.baselines[u.Plan.Key]
		u.Chained = u.Chains()
		u.From = u.Reach(u.Chained)
	}
	if err := ev.recallMatches(ctx, states); err != nil {
		return err
	}
	return ev.recallFurther(ctx, states)
}

// recallMatches gives every group state its matches from where it says.
func (ev *evaluator) recallMatches(ctx context.Context, states []*detect.GroupState) error {
	var unread []*detect.GroupState
	for _, u := range states {
		p := ev.cache.of(u.Plan, false)
		if u.From < p.from {
			unread = append(unread, u)
			continue
		}
		if g := p.groups[u.Key]; g != nil {
			u.Matches = u.Own(detect.Since(g.matches, u.From))
		}
		u.Globals = detect.Since(p.globals, u.From)
	}
	return ev.readMatches(ctx, unread)
}

func (ev *evaluator) readSignals(ctx context.Context, states []*detect.GroupState) error {
	if len(states) == 0 {
		return nil
	}
	published, err := ev.deps.Signals.Load(ctx, signalSpans(states))
	if err != nil {
		return fmt.Errorf("load signals: %w", err)
	}
	for _, u := range states {
		u.Published = make([]schema.Signal, 0, len(published[u.Key]))
		for _, sig := range published[u.Key] {
			if sig.RuleKey == u.Plan.Key && detect.GroupKey(sig.Group) == detect.GroupKey(u.Group) {
				u.Published = append(u.Published, sig)
			}
		}
	}
	return nil
}

func (ev *evaluator) readMatches(ctx context.Context, states []*detect.GroupState) error {
	if len(states) == 0 {
		return nil
	}
	if err := ev.unstored.flush(ctx); err != nil {
		return err
	}
	loaded, err := ev.deps.Windows.Load(ctx, matchSpans(states))
	if err != nil {
		return fmt.Errorf("load matches: %w", err)
	}
	for _, u := range states {
		u.Matches = stored(u, loaded[u.Key], false)
		u.Globals = stored(u, loaded[detect.GlobalKey(u.Plan)], true)
	}
	return nil
}

func signalSpans(states []*detect.GroupState) []Span {
	spans := make([]Span, len(states))
	for i, u := range states {
		spans[i] = Span{u.Key, u.Since - u.KeepAlive()}
	}
	return spans
}

// matchSpans asks for every group state's matches, and once for each rule's globals.
func matchSpans(states []*detect.GroupState) []Span {
	var spans []Span
	globals := map[uint64]int{}
	for _, u := range states {
		spans = append(spans, Span{u.Key, u.From})
		if !hasGlobals(u.Plan) {
			continue
		}
		key := detect.GlobalKey(u.Plan)
		if n, ok := globals[key]; ok {
			spans[n].From = min(spans[n].From, u.From)
			continue
		}
		globals[key] = len(spans)
		spans = append(spans, Span{key, u.From})
	}
	return spans
}

func hasGlobals(plan *compiler.BoundPlan) bool {
	for i := range plan.Labels {
		if plan.Labels[i].Global {
			return true
		}
	}
	return false
}

// stored keeps of what was loaded under a key what is really the unit's.
func stored(u *detect.GroupState, loaded []StoredMatch, global bool) []compiler.Match {
	own := detect.GroupKey(u.Group)
	out := make([]compiler.Match, 0, len(loaded))
	for _, m := range loaded {
		if m.RuleKey != u.Plan.Key || m.Label >= len(u.Plan.Labels) || u.Plan.Labels[m.Label].Global != global {
			continue
		}
		if global || detect.GroupKey(detect.StateGroup(u.Plan, &m.Match)) == own {
			out = append(out, m.Match)
		}
	}
	return out
}
