package scheduler

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"nightjar/compiler"
	"nightjar/schema"
)

// Budget says how much work, in units of about a microsecond (compiler.Plan.Cost),
// an event may be for a rule before it is set aside, so that no event stops the
// evaluation of the others.
type Budget struct {
	// Event is up to how much work an event is evaluated in the step that finds it, and how much
	// all events of a step may be that are more than a fiftieth of it each. What is
	// more is set aside, and is evaluated between the others, a slice at a time, as
	// an event that arrived late is. 0 means 50,000: five hundred groups.
	Event int
	// Slice is about how much of that is done before other rules go on; 0
	// means 50,000.
	Slice int
	// Most is up to how much work is done unasked: an event that is more stays
	// aside until FinishAside asks for it. 0 means 50 million, about a minute.
	Most int
	// Match is what matching an event may cost a rule that is evaluated with others;
	// 0 means 100 microseconds, a tenth of a core at a thousand events a second.
	Match time.Duration
}

func (b Budget) orDefaults() Budget {
	if b.Event == 0 {
		b.Event = 50_000
	}
	if b.Slice == 0 {
		b.Slice = 50_000
	}
	if b.Most == 0 {
		b.Most = 50_000_000
	}
	if b.Match == 0 {
		b.Match = 100 * time.Microsecond
	}
	return b
}

// aside is an event that was set aside for a rule.
type aside struct {
	plan *compiler.BoundPlan
	at   schema.Millis
	seq  uint64
	// since is when it was set aside, work how much it is, and done how much of that is
	// done.
	since      schema.Millis
	work, done int
	// waits says that it is more than is done unasked, asked that it was asked for.
	waits    bool
	asked    bool
	failures int
	retryAt  time.Time

	// Of the goroutine that evaluates: what is to be noted, how far it is, and how
	// far it is counted.
	event         *schema.Event
	gone          string // why it can't be evaluated
	parts         []asidePart
	next, counted int
}

// asidePart are matches of one label.
type asidePart struct {
	label   int
	matches []compiler.Match
}

// Aside is an event that was set aside for a rule, for those who ask.
type Aside struct {
	RuleID, Event string
	Seq           uint64
	// Since is when it was set aside.
	Since schema.Millis
	// Work is how much it is, and Done how much of that is done, in units of about a
	// microsecond.
	Work, Done int
	// Waits says that it is only evaluated when FinishAside asks for it.
	Waits bool
}

// asides are the events that are set aside, in that order. Who knows the lock of the
// scheduler takes it first.
type asides struct {
	budget        Budget
	log           *slog.Logger
	metrics       metrics
	evaluationLog *evaluationLog

	mu   sync.Mutex
	list []*aside

	// Of the goroutine that evaluates: when events of a rule were logged last, by its
	// id; when a slice of what was set aside was done last, by rule key; and how many
	// slices were.
	told   map[string]schema.Millis
	served map[string]uint64
	slices uint64
}

func newAsides(budget Budget, log *slog.Logger, m metrics, to *evaluationLog) *asides {
	return &asides{budget: budget, log: log, metrics: m, evaluationLog: to, told: map[string]schema.Millis{}, served: map[string]uint64{}}
}

// Asides are the events that are set aside now, the earliest first.
func (s *Status) Asides() []Aside { return s.asides.all() }

func (as *asides) all() []Aside {
	as.mu.Lock()
	defer as.mu.Unlock()
	out := make([]Aside, len(as.list))
	for i, a := range as.list {
		out[i] = Aside{a.plan.Rule.ID, schema.EventID(a.at, a.seq), a.seq, a.since, a.work, a.done, a.waits}
	}
	return out
}

// FinishAside has the events evaluated that wait aside for a rule: all, or one by
// its id. It returns how many it found.
func (s *Status) FinishAside(ruleID, event string) (n int, err error) {
	if _, err := s.rules.stored.Get(context.Background(), ruleID); err != nil {
		return 0, err
	}
	if n = s.asides.ask(ruleID, event); n > 0 {
		s.requests.notify()
	}
	return n, nil
}

// ask has events evaluated that wait to be asked for.
func (as *asides) ask(ruleID, event string) (n int) {
	as.mu.Lock()
	defer as.mu.Unlock()
	for _, a := range as.list {
		if a.plan.Rule.ID == ruleID && a.waits && (event == "" || event == schema.EventID(a.at, a.seq)) {
			a.waits, a.asked = false, true
			n++
		}
	}
	return n
}

// setAside takes out of the matches those of events that are too much work for
// their rule.
func (as *asides) setAside(labelMatches []labelMatch) []labelMatch {
	type ruleEvent struct {
		plan *compiler.BoundPlan
		seq  uint64
	}
	var work map[ruleEvent]int
	for _, t := range labelMatches {
		if cost := t.plan.Cost(t.label, t.event); cost > as.budget.Event/(wideShare*maxLabelsOfRule) {
			if work == nil {
				work = map[ruleEvent]int{}
			}
			work[ruleEvent{t.plan, t.event.Seq}] += cost
		}
	}
	if work == nil {
		return labelMatches
	}
	var rest []labelMatch
	left := as.budget.Event
	decided := map[ruleEvent]bool{} // whether it is evaluated in the step that finds it
	for _, t := range labelMatches {
		key := ruleEvent{t.plan, t.event.Seq}
		cost := work[key]
		atOnce, known := decided[key]
		if wide := cost > as.budget.Event/wideShare; !known {
			if atOnce = !wide || cost <= left; !atOnce {
				as.put(t, cost)
			} else if wide {
				left -= cost
			}
			decided[key] = atOnce
		}
		if atOnce {
			rest = append(rest, t)
		}
	}
	return rest
}

const (
	// wideShare is the part of the budget of an event, one in so many, from which on
	// it counts as wide: those of a step share the budget.
	wideShare = 50
	// maxLabelsOfRule is about how many queries a rule has at most.
	maxLabelsOfRule = 10
)

func (as *asides) put(t labelMatch, work int) {
	a := &aside{
		plan: t.plan, at: t.event.At, seq: t.event.Seq, since: schema.MillisOf(time.Now()), work: work, waits: work > as.budget.Most,
	}
	as.mu.Lock()
	known := slices.ContainsFunc(as.list, a.same)
	if !known {
		as.list = append(as.list, a)
		as.evaluationLog.aside(a)
	}
	as.mu.Unlock()
	if !known {
		as.metrics.asides.WithLabelValues(a.plan.Rule.ID).Inc()
		as.tell(a)
	}
}

// entry is one of the evaluation log, about the event.
func (a *aside) entry(state string) Entry {
	e := Entry{
		RuleID: a.plan.Rule.ID, RuleKey: a.plan.Key, RuleVersion: a.plan.Rule.Version, State: state,
		In: Interval{a.seq - 1, a.seq}, Earliest: a.at, Latest: a.at, Events: 1,
	}
	if state == CoverageAside {
		e.At = a.since
	}
	return e
}

// reason says what it is that is set aside, and what becomes of it.
func (a *aside) reason() string {
	text := fmt.Sprintf("event %s is in so many groups, or has so many values, that all else would wait for it; ", schema.EventID(a.at, a.seq))
	if a.waits {
		return text + "it is evaluated when that is asked for: nightjar coverage " + a.plan.Rule.ID + " --finish"
	}
	return text + "it is evaluated in the background"
}

func (a *aside) same(b *aside) bool { return a.seq == b.seq && a.plan.Key == b.plan.Key }

// tellEvery is how often a rule's events that are set aside are logged: there may
// be many, and the evaluation log has them all.
const tellEvery = schema.Millis(10_000)

func (as *asides) tell(a *aside) {
	id := a.plan.Rule.ID
	if last, ok := as.told[id]; ok && a.since-last < tellEvery {
		return
	}
	as.told[id] = a.since
	as.log.Warn("an event is too much work for a rule and is set aside for it; all else goes on",
		"rule", id, "name", a.plan.Rule.Name, "event", schema.EventID(a.at, a.seq), "arrival", a.seq, "work", a.work,
		"then", map[bool]string{false: "it is evaluated in the background", true: "it waits until it is asked for: nightjar coverage " + id + " --finish"}[a.waits])
}

// resume does a slice of what was set aside. It reports whether there was any.
func (s *Scheduler) resume(ctx context.Context, now time.Time) bool {
	d, plans := newDirty(), map[*compiler.BoundPlan]bool{}
	taken := map[*aside]int{} // how many matches of each are in this slice
	for left := s.deps.Budget.Slice; left > 0; {
		a := s.inForce.nextAside(now, taken)
		if a == nil {
			break
		}
		n, work, err := s.evaluator.beginSlice(ctx, a, left, &d)
		if err != nil {
			s.failAside(ctx, a, now, err)
			return ctx.Err() == nil
		}
		taken[a], plans[a.plan] = n, true
		left -= max(work, 1)
	}
	if len(taken) == 0 {
		return false
	}
	err := s.evaluator.settleDirty(ctx, &d, plans)
	if err == nil {
		err = s.evaluator.unstored.flushMany(ctx)
	}
	for a, n := range taken {
		switch {
		case err != nil:
			s.failAside(ctx, a, now, err)
		case a.parts != nil:
			if s.asides.advance(a, n); a.next >= a.total() {
				s.asides.end(a, a.gone)
			}
		}
	}
	return ctx.Err() == nil
}

// advance takes it that the next n matches of each label were evaluated.
func (as *asides) advance(a *aside, n int) {
	as.mu.Lock()
	defer as.mu.Unlock()
	a.next += n
	a.done = a.work * a.next / max(a.total(), 1)
}

func (s *Scheduler) failAside(ctx context.Context, a *aside, now time.Time, err error) {
	s.evaluator.cache.drop(a.plan.Key) // it may be ahead of what was published
	if ctx.Err() != nil {
		return
	}
	s.asides.failed(a, now)
	s.metrics.failures.Inc()
	s.deps.Log.Error("event that was set aside not evaluated; it will be retried",
		"rule", a.plan.Rule.ID, "event", schema.EventID(a.at, a.seq), "attempt", a.failures, "error", err)
}

// failed has the event evaluated again, later.
func (as *asides) failed(a *aside, now time.Time) {
	as.mu.Lock()
	defer as.mu.Unlock()
	a.failures++
	a.retryAt = now.Add(retryAfter(a.failures))
}

// nextAside is the event to go on with, of those not taken yet, with the present plan
// of its rule.
func (f *inForce) nextAside(now time.Time, taken map[*aside]int) *aside {
	f.mu.Lock()
	defer f.mu.Unlock()
	next := f.asides.next(now, taken, func(a *aside) bool { return !f.resting[a.plan.Key] && f.passed(a) })
	if next == nil {
		return nil
	}
	for _, w := range f.runs {
		if w.plan.Key == next.plan.Key {
			f.asides.replan(next, w.plan) // its name may be another now
		}
	}
	return next
}

// next is the first event, of those not taken yet that can be evaluated, of the rule
// that has waited longest for a slice: of each rule one event is done after the other.
func (as *asides) next(now time.Time, taken map[*aside]int, can func(*aside) bool) *aside {
	as.mu.Lock()
	defer as.mu.Unlock()
	var next *aside
	seen := map[string]bool{}
	for _, a := range as.list {
		key := a.plan.Key
		if _, already := taken[a]; a.waits || already || now.Before(a.retryAt) || seen[key] || !can(a) {
			continue
		}
		seen[key] = true
		if next == nil || as.served[key] < as.served[next.plan.Key] {
			next = a
		}
	}
	if next != nil {
		as.slices++
		as.served[next.plan.Key] = as.slices
	}
	return next
}

func (as *asides) replan(a *aside, plan *compiler.BoundPlan) {
	as.mu.Lock()
	defer as.mu.Unlock()
	a.plan = plan
}

// passed reports whether the rule is evaluated up to the event and beyond: until
// then it may come again, as when an evaluation fails. The lock is held.
func (f *inForce) passed(a *aside) bool {
	return slices.ContainsFunc(f.runs, func(w *ruleRun) bool { return w.plan.Key == a.plan.Key && w.through >= a.seq })
}

// beginSlice takes in the next matches of what was set aside, about so much work.
func (ev *evaluator) beginSlice(ctx context.Context, a *aside, budget int, d *dirty) (n, work int, err error) {
	if err := ev.unfold(ctx, a); err != nil || a.parts == nil {
		return 0, 0, err
	}
	n, work = a.take(budget)
	if n == 0 {
		return 0, 0, nil
	}
	if err := ev.warm(ctx, map[*compiler.BoundPlan]bool{a.plan: true}); err != nil {
		return 0, 0, err
	}
	ev.countAside(a, n)
	for _, p := range a.parts {
		if matches := p.between(a.next, a.next+n); len(matches) > 0 {
			ev.noteMatches(d, a.plan, p.label, slices.Clone(matches))
		}
	}
	return n, work, nil
}

// unfold reads the event and makes its matches, unless it is so much that it
// waits.
func (ev *evaluator) unfold(ctx context.Context, a *aside) error {
	if a.parts != nil {
		return nil
	}
	if a.event == nil {
		found, err := ev.events(ctx, []compiler.Match{{At: a.at, Seq: a.seq}})
		if err != nil {
			return err
		}
		if a.event = found[a.seq]; a.event == nil {
			a.parts, a.gone = []asidePart{}, "the event is no longer stored; it was not evaluated"
			return nil
		}
	}
	if err := ev.tables.load(ctx, []labelMatch{{plan: a.plan, event: a.event}}); err != nil {
		return err
	}
	if ev.asides.weigh(a); a.waits {
		a.event = nil
		return nil
	}
	a.parts = []asidePart{}
	for i := range a.plan.Labels {
		if !a.plan.Labels[i].Match(a.event) {
			continue
		}
		matches, left := a.plan.Expand(i, a.event)
		ev.evaluationLog.capped(labelMatch{plan: a.plan, label: i, event: a.event}, left)
		a.parts = append(a.parts, asidePart{i, matches})
	}
	return nil
}

// weigh finds how much work the event is, and whether that waits to be asked for.
func (as *asides) weigh(a *aside) {
	as.mu.Lock()
	defer as.mu.Unlock()
	a.work = a.workOf()
	a.waits = a.work > as.budget.Most && !a.asked
}

func (a *aside) workOf() int {
	work := 0
	for i := range a.plan.Labels {
		if a.plan.Labels[i].Match(a.event) {
			work += a.plan.Cost(i, a.event)
		}
	}
	return work
}

// total is how many matches the label has that has most. A slice takes those of all
// labels that have the same numbers: they are of the same groups, mostly, which are
// then brought up to date once.
func (a *aside) total() (n int) {
	for _, p := range a.parts {
		n = max(n, len(p.matches))
	}
	return n
}

// take is how many matches of each label are next, for about so much work.
func (a *aside) take(budget int) (n, work int) {
	total := a.total()
	each := max(1, a.work/max(1, total))
	n = min(total-a.next, max(1, budget/each))
	return n, n * each
}

func (p *asidePart) between(from, to int) []compiler.Match {
	return p.matches[min(from, len(p.matches)):min(to, len(p.matches))]
}

// countAside takes matches into the series that rules look for anomalies in, which
// have gone on past the event. A slice that failed is not counted twice.
func (ev *evaluator) countAside(a *aside, n int) {
	u := ev.baselines[a.plan.Key]
	if u == nil {
		return
	}
	u.CountedThrough(a.seq)
	for _, p := range a.parts {
		for _, m := range p.between(max(a.next, a.counted), a.next+n) {
			u.Count(&m)
		}
	}
	a.counted = max(a.counted, a.next+n)
}

// end ends what was set aside: it was evaluated or, for a reason, was not.
func (as *asides) end(a *aside, reason string) {
	as.mu.Lock()
	defer as.mu.Unlock()
	as.list = slices.DeleteFunc(as.list, func(b *aside) bool { return a == b })
	as.metrics.asides.WithLabelValues(a.plan.Rule.ID).Dec()
	as.evaluationLog.finished(a, reason)
}

// drop ends what is set aside for a rule that is evaluated no more.
func (as *asides) drop(key string) {
	as.mu.Lock()
	defer as.mu.Unlock()
	as.list = slices.DeleteFunc(as.list, func(a *aside) bool {
		if a.plan.Key != key {
			return false
		}
		as.metrics.asides.WithLabelValues(a.plan.Rule.ID).Dec()
		as.evaluationLog.finished(a, "the rule was disabled or deleted before the event was evaluated")
		return true
	})
}

// recount are the arrivals that are set aside for a rule key. Of those, what was
// counted of series is counted anew.
func (as *asides) recount(key string) (seqs []uint64) {
	as.mu.Lock()
	defer as.mu.Unlock()
	for _, a := range as.list {
		if a.plan.Key == key {
			a.counted, a.next = 0, 0
			seqs = append(seqs, a.seq)
		}
	}
	return seqs
}

// resumes reports whether events of a rule key are evaluated in the background, or are
// missing for now: what lets go of the past waits for them.
func (f *inForce) resumes(key string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, w := range f.runs {
		if w.plan.Key == key {
			if _, waits := f.fillings.gapBefore(w); waits {
				return true
			}
		}
	}
	return f.asides.goOn(key)
}

// goOn reports whether events of a rule key are evaluated in the background.
func (as *asides) goOn(key string) bool {
	as.mu.Lock()
	defer as.mu.Unlock()
	return slices.ContainsFunc(as.list, func(a *aside) bool { return a.plan.Key == key && !a.waits })
}

// judgeable is the last arrival up to which everything was evaluated for a rule run:
// silence is not judged while an event that would break it is being evaluated in
// the background. One that waits to be asked for holds nothing back.
func (f *inForce) judgeable(w *ruleRun) uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	through := w.through
	if g, waits := f.fillings.gapBefore(w); waits {
		through = min(through, g.In.From)
	}
	return f.asides.judgeable(w.plan.Key, through)
}

// judgeable is the last arrival, up to through, before which no event of a rule key is
// evaluated in the background.
func (as *asides) judgeable(key string, through uint64) uint64 {
	as.mu.Lock()
	defer as.mu.Unlock()
	for _, a := range as.list {
		if a.plan.Key == key && !a.waits {
			through = min(through, a.seq-1)
		}
	}
	return through
}

// anyGoesOn reports whether any event is evaluated in the background, of whatever rule.
func (as *asides) anyGoesOn() bool {
	as.mu.Lock()
	defer as.mu.Unlock()
	return slices.ContainsFunc(as.list, func(a *aside) bool { return !a.waits })
}

// oldest is since when the first of those has been set aside, or since, if that is
// earlier.
func (as *asides) oldest(since time.Time) time.Time {
	as.mu.Lock()
	defer as.mu.Unlock()
	for _, a := range as.list {
		if began := a.since.Time(); !a.waits && began.Before(since) {
			since = began
		}
	}
	return since
}

// untilRetry is how long until one that failed is due, at most so long.
func (as *asides) untilRetry(wait time.Duration) time.Duration {
	as.mu.Lock()
	defer as.mu.Unlock()
	for _, a := range as.list {
		if !a.waits {
			wait = min(wait, max(0, time.Until(a.retryAt)))
		}
	}
	return wait
}

// has reports whether events are set aside for a rule key.
func (as *asides) has(key string) bool {
	as.mu.Lock()
	defer as.mu.Unlock()
	return slices.ContainsFunc(as.list, func(a *aside) bool { return a.plan.Key == key })
}

// restore takes an event back in that was set aside before this process began.
func (as *asides) restore(a *aside) {
	as.mu.Lock()
	defer as.mu.Unlock()
	as.list = append(as.list, a)
	as.metrics.asides.WithLabelValues(a.plan.Rule.ID).Inc()
}

// goOnAside goes on with what was set aside before this process began. The lock is
// held.
func (f *inForce) goOnAside(entries []Entry) {
	for _, e := range entries {
		for _, w := range f.runs {
			if w.plan.Key != e.RuleKey || e.In.To > w.through { // it comes again
				continue
			}
			f.asides.restore(&aside{plan: w.plan, at: e.Earliest, seq: e.In.To, since: e.At})
			if !f.history[w.plan.Rule.ID].runs() {
				f.asides.drop(e.RuleKey)
			}
		}
	}
}
