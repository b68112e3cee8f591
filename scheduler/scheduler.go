package scheduler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"nightjar/compiler"
	"nightjar/objects"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// Events reads stored events.
type Events interface {
	// Find runs the statement over the interval. Events that were older than
	// late when they arrived are left out.
	Find(ctx context.Context, st *compiler.MatchStatement, in Interval, late time.Duration) ([]Found, error)
	// Fetch reads events by time and sequence; those that are gone are left out.
	Fetch(ctx context.Context, refs []compiler.Match) ([]schema.Event, error)
}

// Windows keeps the matches that windows are made of.
type Windows interface {
	// Append stores matches; storing one twice changes nothing.
	Append(ctx context.Context, matches []StoredMatch) error
	// Load reads the matches of each span, sorted by time, without duplicates.
	Load(ctx context.Context, spans []Span) (map[uint64][]StoredMatch, error)
	// Groups lists the full groups of a rule with a match in [from, to).
	Groups(ctx context.Context, ruleKey string, from, to schema.Millis) ([][]string, error)
	// Recent reads, for each rule key, the matches within so long before its
	// newest, and from which moment those are; at most limit in all. A key
	// without matches has no moment.
	Recent(ctx context.Context, back map[string]time.Duration, limit int) ([]StoredMatch, map[string]schema.Millis, error)
}

// Signals keeps what was published.
type Signals interface {
	// Load reads the signals of each key that ended at or after the span's
	// beginning.
	Load(ctx context.Context, spans []Span) (map[uint64][]schema.Signal, error)
	// Recent reads, for each rule key, the signals that ended at or after a
	// moment.
	Recent(ctx context.Context, ended map[string]schema.Millis) ([]schema.Signal, error)
	// ByID reads signals by id; absent ones are left out.
	ByID(ctx context.Context, ids []string) (map[string]schema.Signal, error)
	// Whole reads signals by id, as they were published; absent ones are left out.
	Whole(ctx context.Context, ids []string) (map[string]Published, error)
	// Newest is the highest Published of all.
	Newest(ctx context.Context) (uint64, error)
	// Versions reads all versions of those signals of the rules of which one was
	// published after a place and up to another.
	Versions(ctx context.Context, rules []string, after, through uint64) ([]Published, error)
	// Standing reads the present version of the rules' signals that were first
	// seen at or after a moment, with the place of its first version.
	Standing(ctx context.Context, rules []string, from schema.Millis) ([]FirstPublished, error)
	// Publish stores new versions; the same version twice changes nothing.
	Publish(ctx context.Context, signals []Published) error
}

// Arrivals tells how far events have come.
type Arrivals interface {
	// Acknowledged is the last sequence that a sender was promised.
	Acknowledged() uint64
	// Stored is the last sequence up to which every event is in the store.
	Stored() uint64
	// StoredChanged is closed when Stored has moved on.
	StoredChanged() <-chan struct{}
}

// Deps are what a Scheduler needs.
type Deps struct {
	Events        Events
	Windows       Windows
	Signals       Signals
	Journal       Journal
	EvaluationLog EvaluationLog
	Objects       objects.Table
	// Knowledge is what rules have seen before.
	Knowledge Knowledge
	// Scanner reads the past that rules learn from at once; nil: they do not.
	Scanner Scanner
	// Models are what rules have learned of series.
	Models   Models
	Arrivals Arrivals
	// Gaps are arrivals that are not stored in their turn; nil: there are none.
	Gaps Gaps
	// Tables are the reference tables; nil: there are none.
	Tables Tables
	// Recent holds the events stored last; nil: all are read from the store.
	Recent *Recent
	// Catalogue knows the shapes of stored attributes; nil: any may be.
	Catalogue *schema.Catalogue
	Log       *slog.Logger
	Metrics   prometheus.Registerer
	// Now is the clock that silence is judged by; nil: time.Now.
	Now func() time.Time
	// TurnedAway counts the senders that were told to come back later; nil: none
	// ever is.
	TurnedAway func() uint64
	// Delays say how far behind the clock silence is judged.
	Delays SilenceDelays
	// Lateness is how far an event may arrive behind its own time and still be
	// evaluated.
	Lateness time.Duration
	// Pace is the least time between two evaluations; 0 means half a second.
	Pace time.Duration
	// MaxCached bounds the matches held in memory, about 200 bytes each; 0
	// means five million.
	MaxCached int
	// Budget is how much work an event may be before it is set aside.
	Budget Budget
	// CPU is the clock that matching and windows are measured by, in nanoseconds; nil:
	// the CPU time of the thread.
	CPU func() int64
}

// Scheduler evaluates all rules over all arrivals. Its exported parts are what others
// ask and change; they are made with it, and are of use once Load has returned.
type Scheduler struct {
	RuleStore        *RuleStore
	SuppressionStore *SuppressionStore
	Triage           *Triage
	Explainer        *Explainer
	Status           *Status

	deps       *Deps
	metrics    metrics
	publishing *publishing

	inForce *inForce

	attention *attention
	requests  *requests
	asides    *asides
	fillings  *fillings
	tables    *referenceTables

	// Of the goroutine that evaluates.
	evaluator    *evaluator
	silenceRuns  *silenceRuns
	silenceWatch *silenceWatch
	judgedAt     time.Time // when silence was judged last
	checkpoints  *checkpoints
}

// New makes a Scheduler; nothing happens until Load and Run.
func New(deps Deps) (*Scheduler, error) {
	if deps.Pace == 0 {
		deps.Pace = 500 * time.Millisecond
	}
	if deps.MaxCached == 0 {
		deps.MaxCached = maxCached
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.TurnedAway == nil {
		deps.TurnedAway = func() uint64 { return 0 }
	}
	if deps.CPU == nil {
		deps.CPU = threadTime
	}
	deps.Budget = deps.Budget.orDefaults()
	if deps.Lateness <= 0 {
		return nil, errors.New("scheduler: the lateness allowance must be positive")
	}
	s := assemble(&deps)
	s.Status.watchProgress(deps.Metrics)
	return s, nil
}

// assemble makes the parts, each with what it stands on.
func assemble(deps *Deps) *Scheduler {
	metrics, log := newMetrics(deps.Metrics), &evaluationLog{}
	plans, costs := newPlanSets(deps), newCosts(metrics, deps.Now)
	s := &Scheduler{
		deps:        deps,
		metrics:     metrics,
		publishing:  &publishing{},
		attention:   &attention{deps: deps},
		requests:    newRequests(deps.Log),
		tables:      &referenceTables{tables: deps.Tables, log: deps.Log},
		asides:      newAsides(deps.Budget, deps.Log, metrics, log),
		fillings:    newFillings(deps.Gaps, deps.Log, log),
		silenceRuns: newSilenceRuns(deps.Journal, deps.Now),
	}
	s.inForce = &inForce{
		deps: deps, metrics: metrics, plans: plans, requests: s.requests, asides: s.asides, fillings: s.fillings,
		costs: costs, publishing: s.publishing, evaluationLog: log,
		suppressions: suppressions{}, history: map[string]*ruleHistory{}, resting: map[string]bool{},
	}
	s.evaluator = &evaluator{
		deps: deps, metrics: metrics, runs: s.inForce, plans: plans, tables: s.tables, asides: s.asides, silenceRuns: s.silenceRuns,
		attention: s.attention, publishing: s.publishing, costs: costs, evaluationLog: log,
		cache: newCache(), seen: map[string]*detect.SeenValues{}, baselines: map[string]*detect.Baseline{}, learned: map[string]bool{},
		unstored: unstored{windows: deps.Windows},
	}
	s.silenceWatch = &silenceWatch{
		deps: deps, metrics: metrics, inForce: s.inForce, evaluator: s.evaluator, silenceRuns: s.silenceRuns,
		attention: s.attention, tables: s.tables, evaluationLog: log,
	}
	s.checkpoints = &checkpoints{
		deps: deps, metrics: metrics, inForce: s.inForce, evaluator: s.evaluator, silenceRuns: s.silenceRuns, fillings: s.fillings,
		evaluationLog: log, ended: map[string]Checkpoint{},
	}
	s.RuleStore = newRuleStore(deps, s.inForce, s.tables)
	s.SuppressionStore = newSuppressionStore(deps, s.inForce)
	s.Triage = &Triage{deps: deps, inForce: s.inForce, requests: s.requests, publishing: s.publishing, cache: s.evaluator.cache}
	s.Explainer = &Explainer{
		deps: deps, rules: s.RuleStore, inForce: s.inForce, tables: s.tables, requests: s.requests,
		evaluator: s.evaluator, silenceRuns: s.silenceRuns,
	}
	s.Status = &Status{
		deps: deps, rules: s.RuleStore, inForce: s.inForce, asides: s.asides, costs: costs, publishing: s.publishing, requests: s.requests,
	}
	return s
}

// Load reads the rules and how far each was evaluated. It must return before
// anything else is asked of the Scheduler or of its parts.
func (s *Scheduler) Load(ctx context.Context) error {
	checkpoints, err := s.deps.Journal.Load(ctx)
	if err != nil {
		return fmt.Errorf("load progress: %w", err)
	}
	s.silenceRuns.checkpoints = checkpoints
	published, err := s.deps.Signals.Newest(ctx)
	if err != nil {
		return fmt.Errorf("find the newest signal: %w", err)
	}
	s.publishing.begin(published)
	if err := s.SuppressionStore.stored.Load(ctx); err != nil {
		return err
	}
	if err := s.RuleStore.stored.Load(ctx); err != nil {
		return err
	}
	asides, err := s.deps.EvaluationLog.Aside(ctx)
	if err != nil {
		return fmt.Errorf("load what was set aside: %w", err)
	}
	plans := s.inForce.goOnFrom(checkpoints, asides)
	behind := s.inForce.behindSince(ctx)
	for _, plan := range plans {
		s.tables.prepare(ctx, plan)
	}
	s.inForce.mu.Lock()
	defer s.inForce.mu.Unlock()
	s.inForce.behind, s.inForce.loaded = behind, true
	return nil
}

// Run evaluates until the context ends. It returns nil then.
func (s *Scheduler) Run(ctx context.Context) error {
	ticker := time.NewTicker(s.deps.Pace)
	defer ticker.Stop()
	looking := make(chan struct{})
	go func() {
		defer close(looking)
		s.attention.stayAwake(ctx)
	}()
	defer func() { <-looking }()
	for {
		arrived := s.deps.Arrivals.StoredChanged()
		for s.pass(ctx) {
			s.requests.carryOutWaiting()
			_ = s.checkpoints.save(ctx, false) // it has been logged; the next one says the same
		}
		_ = s.checkpoints.save(ctx, false)
		if !s.wait(ctx, ticker.C, arrived) {
			return s.checkpoints.save(context.WithoutCancel(ctx), true)
		}
	}
}

// pass does the next piece of work: of arrivals and, when there are none or it is
// time, of silence. It reports whether there was any.
func (s *Scheduler) pass(ctx context.Context) bool {
	s.requests.takePosted()
	did := s.step(ctx)
	if did && time.Since(s.judgedAt) < judgeEvery {
		return true
	}
	s.judgedAt = time.Now()
	return s.silenceWatch.judge(ctx) || did
}

// wait ends at most once a tick, and only when there is something new; false
// says that it is the end. What is asked for is done meanwhile.
func (s *Scheduler) wait(ctx context.Context, tick <-chan time.Time, arrived <-chan struct{}) bool {
	due := s.inForce.untilRetry()
	if len(s.silenceRuns.byKey) > 0 {
		due = min(due, judgeEvery)
	}
	if len(s.evaluator.unstored.matches) > 0 {
		due = min(due, saveEvery) // others read the matches from the store
	}
	again := time.After(due)
	for ticked, news := false, false; !ticked || !news; {
		select {
		case <-ctx.Done():
			return false
		case <-tick:
			ticked = true
		case <-arrived:
			news, arrived = true, nil
		case <-s.requests.changed:
			news = true
		case <-again:
			news = true
		case ask := <-s.requests.asks:
			s.requests.answer(ask)
		}
	}
	return true
}

// judgeEvery is how often silence is judged.
const judgeEvery = time.Second

// step evaluates the next arrivals, and then a slice of what was set aside. It
// reports whether there was anything to do.
func (s *Scheduler) step(ctx context.Context) bool {
	did := s.fill(ctx, time.Now())
	did = s.goOn(ctx) || did
	did = s.goSlow(ctx, time.Now()) || did
	return s.resume(ctx, time.Now()) || did
}

// goOn evaluates the rule runs that are furthest behind, together, over the next
// arrivals. It reports whether there was anything to do.
func (s *Scheduler) goOn(ctx context.Context) bool {
	now := time.Now()
	s.checkpoints.letGoOfEnded()
	group, in := s.inForce.next(now, s.deps.Arrivals.Stored())
	if ctx.Err() != nil {
		return false
	}
	if len(group) == 0 {
		return s.correlateNext(ctx, now)
	}
	postponed, err := s.evaluator.share(ctx, group, in)
	if err != nil {
		if ctx.Err() != nil {
			return false
		}
		s.isolate(ctx, group, in, err)
		return true
	}
	rest := s.inForce.slowDown(group, in, postponed)
	s.inForce.advance(rest, in.To)
	s.inForce.setApart(rest)
	return true
}

// dueRule is a rule run that is due, with the plan that it had when chosen: a
// change of the rule's name meanwhile is for the next step.
type dueRule struct {
	*ruleRun
	plan *compiler.BoundPlan
}

func plansOf(group []dueRule) []*compiler.BoundPlan {
	plans := make([]*compiler.BoundPlan, len(group))
	for i, t := range group {
		plans[i] = t.plan
	}
	return plans
}

// maxArrivals bounds how many events one evaluation reads.
const maxArrivals = 100_000

// takeEnded takes out the rule runs that have nothing more to read.
func (f *inForce) takeEnded() (ended []*ruleRun) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.runs = slices.DeleteFunc(f.runs, func(w *ruleRun) bool {
		if !w.finished() || f.asides.has(w.plan.Key) {
			return false
		}
		_, waits := f.fillings.gapBefore(w)
		if !waits {
			ended = append(ended, w)
		}
		return !waits
	})
	return ended
}

// next chooses the rule runs to evaluate now and the arrivals to evaluate them
// over. Watches at the same place go together; the interval ends where another
// rule run stands, so that they meet and go on together. New ones, which have not seen
// anything, join at once: many rules may be made between two turns.
func (f *inForce) next(now time.Time, stored uint64) ([]dueRule, Interval) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var group []dueRule
	for _, w := range f.runs {
		if f.resting[w.plan.Key] || !w.runnable() || w.slow || w.plan.OfSignals || now.Before(w.retryAt) || w.through >= f.reach(w, stored) {
			continue
		}
		switch {
		case len(group) == 0 || w.through < group[0].through:
			group = []dueRule{{w, w.plan}}
		case w.through == group[0].through:
			group = append(group, dueRule{w, w.plan})
		}
	}
	if len(group) == 0 {
		return nil, Interval{}
	}
	in := Interval{group[0].through, min(stored, group[0].through+maxArrivals)}
	for _, w := range f.runs {
		if w.through > in.From && w.runnable() && !w.slow && !w.plan.OfSignals && !w.isNew() {
			in.To = min(in.To, w.through)
		}
	}
	for _, w := range group {
		in.To = min(in.To, f.reach(w.ruleRun, stored))
	}
	for _, w := range f.runs {
		if w.through > in.From && w.through < in.To && w.isNew() && w.runnable() && !w.slow && !w.plan.OfSignals && !f.resting[w.plan.Key] && f.reach(w, stored) >= in.To {
			group = append(group, dueRule{w, w.plan})
		}
	}
	return group, in
}

func (f *inForce) advance(group []dueRule, to uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, t := range group {
		w := t.ruleRun
		if w.failures > 0 {
			f.evaluationLog.recovered(t, to)
		}
		w.through, w.failures, w.retryAt, w.problem = to, 0, time.Time{}, ""
	}
}

// isolate evaluates every rule run of a failed group by itself, so that one rule's
// failure stops only that rule; it is retried later, ever more slowly.
func (s *Scheduler) isolate(ctx context.Context, group []dueRule, in Interval, err error) {
	for _, t := range group {
		if len(group) > 1 {
			err = s.evaluator.evaluate(ctx, []*compiler.BoundPlan{t.plan}, in)
		}
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			s.inForce.advance([]dueRule{t}, in.To)
			continue
		}
		s.inForce.fail(t, in, err)
	}
}

func (f *inForce) fail(w dueRule, in Interval, err error) {
	f.mu.Lock()
	in.From = max(in.From, w.through) // a new rule run may stand in the middle
	if w.failures == 0 {
		w.failedFrom = in.From
		f.evaluationLog.failed(w, in, err)
	}
	w.failures++
	w.problem = err.Error()
	w.retryAt = time.Now().Add(retryAfter(w.failures))
	f.mu.Unlock()
	f.metrics.failures.Inc()
	f.deps.Log.Error("rule not evaluated; it will be retried",
		"rule", w.plan.Rule.ID, "after", in.From, "through", in.To, "attempt", w.failures, "error", err)
}

// retryAfter is how long to wait after so many failures in a row.
func retryAfter(failures int) time.Duration {
	return min(time.Minute, 250*time.Millisecond<<min(failures, 8))
}

// throughOf is how far the rule of this key was evaluated.
func (f *inForce) throughOf(key string) uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, w := range f.runs {
		if w.plan.Key == key {
			return w.through
		}
	}
	return 0
}

// isFresh reports whether the rule of this key began in this process, so that the
// store holds nothing of it from before.
func (f *inForce) isFresh(key string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, w := range f.runs {
		if w.plan.Key == key {
			fresh := w.fresh
			w.fresh = false // its cache may be dropped, but never anew be complete
			return fresh
		}
	}
	return false
}

// untilRetry is how long until a failed rule run is due.
func (f *inForce) untilRetry() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	wait := time.Hour
	for _, w := range f.runs {
		if !w.retryAt.IsZero() {
			wait = min(wait, max(0, time.Until(w.retryAt)))
		}
	}
	return f.asides.untilRetry(wait)
}
