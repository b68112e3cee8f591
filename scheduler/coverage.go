package scheduler

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"nightjar/compiler"
	"nightjar/schema"
)

// EvaluationLog keeps what was not evaluated as a matter of course.
type EvaluationLog interface {
	// Note appends entries; the same one twice counts once.
	Note(ctx context.Context, entries []Entry) error
	// Entries are those of a rule, in the order in which they were noted.
	Entries(ctx context.Context, ruleID string) ([]Entry, error)
	// Aside are the entries of events that were set aside and not finished, of all
	// rules, in the order in which they were noted.
	Aside(ctx context.Context) ([]Entry, error)
}

// Entry is a line of the evaluation log.
type Entry struct {
	RuleID, RuleKey  string
	RuleVersion      int64
	State            string // a Coverage state: failed, recovered, reopened, capped, postponed, aside, finished, missing, filled or lost
	In               Interval
	Earliest, Latest schema.Millis // event times, of reopened, capped and postponed
	Events           uint64
	Reason           string
	At               schema.Millis

	left compiler.LeftOut // of capped, while it is collected
}

// States of coverage.
const (
	CoverageEvaluated   = "evaluated"
	CoveragePending     = "pending"
	CoverageFailed      = "failed"
	CoverageRecovered   = "recovered" // an entry's: the failed arrivals were caught up
	CoverageLate        = "late"      // of one event: it arrived too late for any rule
	CoverageReopened    = "reopened"  // an entry's: late events changed what was evaluated
	CoverageCapped      = "capped"    // an entry's: a limit was hit
	CoverageAside       = "aside"     // an event was too much work, and is evaluated in the background or by hand
	CoverageMissing     = "missing"   // the intake could not store the events yet
	CoverageFilled      = "filled"    // an entry's: they were stored, and evaluated
	CoverageLost        = "lost"      // acknowledged events that are gone
	CoverageFinished    = "finished"  // an entry's: the event that was set aside was evaluated
	CoveragePostponed   = "postponed" // an entry's: silence was judged late
	CoverageUnsupported = "unsupported"
	CoverageDisabled    = "disabled"
)

// ofAllRules is the rule id of entries that are about all rules.
const ofAllRules = ""

// Stretch says what became of a stretch of arrivals under a version of a rule.
type Stretch struct {
	Version int64
	In      Interval
	State   string
	Reason  string
}

// Coverage is the answer for a rule: every arrival is in one stretch of the
// version that was in force, and entries tell what happened on the way.
type Coverage struct {
	Stretches []Stretch
	Entries   []Entry
	// Silence is how far the rule has judged what did not happen; nil: it does not.
	Silence *SilenceCoverage
}

// SilenceCoverage is how far a rule has judged what did not happen.
type SilenceCoverage struct {
	// Judged: silence up to this event time has been told.
	Judged schema.Millis
	// Delay is how far behind the clock that is when all is well.
	Delay time.Duration
	// Waiting is how many groups have something to wait for.
	Waiting int
	// Held is why it does not move on; empty: it does.
	Held string
}

// Coverage answers for a rule and the arrivals of an interval; an interval that
// ends at 0 ends now. A version other than 0 leaves the other versions out.
func (s *Status) Coverage(ctx context.Context, id string, version int64, in Interval) (Coverage, error) {
	entries, err := s.deps.EvaluationLog.Entries(ctx, id)
	if err != nil {
		return Coverage{}, fmt.Errorf("read the evaluation log of rule %s: %w", id, err)
	}
	ofAll, err := s.deps.EvaluationLog.Entries(ctx, ofAllRules)
	if err != nil {
		return Coverage{}, fmt.Errorf("read the evaluation log: %w", err)
	}
	entries = append(entries, ofAll...)
	slices.SortStableFunc(entries, func(a, b Entry) int { return cmp.Compare(a.At, b.At) })
	s.inForce.mu.Lock()
	defer s.inForce.mu.Unlock()
	state := s.inForce.history[id]
	if state == nil {
		return Coverage{}, &schema.NotFoundError{Kind: kindRule, ID: id}
	}
	end := s.deps.Arrivals.Acknowledged()
	if in.To == 0 || in.To > end {
		in.To = end
	}
	var out Coverage
	for i, v := range state.versions {
		until := end
		if i+1 < len(state.versions) {
			until = state.versions[i+1].after
		}
		if version != 0 && version != v.version {
			continue
		}
		for _, st := range s.inForce.stretches(v, Interval{v.after, until}) {
			st.In.From, st.In.To = max(st.In.From, in.From), min(st.In.To, in.To)
			if st.In.From < st.In.To {
				out.Stretches = append(out.Stretches, st)
			}
		}
	}
	out.Silence = s.inForce.silenceCoverage(id)
	for _, e := range entries {
		if e.In.From < in.To && e.In.To > in.From && (version == 0 || version == e.RuleVersion || e.RuleID == ofAllRules) {
			out.Entries = append(out.Entries, e)
		}
	}
	return out, nil
}

// TooLate says that a stored event arrived too late for any rule to be asked about it;
// "" when it did not, or is gone.
func (s *Status) TooLate(ctx context.Context, at schema.Millis, seq uint64) (string, error) {
	events, err := s.deps.Events.Fetch(ctx, []compiler.Match{{At: at, Seq: seq}})
	if err != nil {
		return "", fmt.Errorf("fetch the event: %w", err)
	}
	if len(events) == 0 {
		return "", nil
	}
	return tooLate(&events[0], s.deps.Lateness), nil
}

// silenceCoverage is that of the rule as it runs now. The lock is held.
func (f *inForce) silenceCoverage(id string) *SilenceCoverage {
	for _, w := range f.runs {
		if w.plan.Rule.ID == id && w.until == 0 && w.runnable() && w.plan.Waits() {
			return &SilenceCoverage{Judged: w.judged, Delay: f.deps.Delays.Of(w.plan), Waiting: w.waits, Held: w.held}
		}
	}
	return nil
}

// stretches splits a version's arrivals by what became of them.
func (f *inForce) stretches(v ruleVersion, in Interval) []Stretch {
	switch {
	case !v.runs:
		return []Stretch{{v.version, in, CoverageDisabled, ""}}
	case v.unsupported != "":
		return []Stretch{{v.version, in, CoverageUnsupported, v.unsupported}}
	}
	through, state, reason := in.To, CoverageEvaluated, ""
	for _, w := range f.runs {
		if w.plan.Key == v.key && w.plan.OfSignals {
			if w.failures > 0 || w.through < w.target(f.publishing.given()) { // its places are not arrivals
				return []Stretch{{v.version, in, map[bool]string{true: CoverageFailed, false: CoveragePending}[w.failures > 0], w.problem}}
			}
			continue
		}
		if w.plan.Key == v.key {
			through, state, reason = w.through, CoveragePending, ""
			if w.failures > 0 {
				state, reason = CoverageFailed, w.problem
			}
		}
	}
	through = min(max(through, in.From), in.To)
	out := aroundGaps(f.asides.around(v, Interval{in.From, through}), f.fillings.gaps())
	return append(out, Stretch{v.version, Interval{through, in.To}, state, reason})
}

// around splits what is evaluated by the events that are set aside.
func (as *asides) around(v ruleVersion, in Interval) []Stretch {
	var out []Stretch
	var inside []*aside
	as.mu.Lock()
	defer as.mu.Unlock()
	for _, a := range as.list {
		if a.plan.Key == v.key && a.seq > in.From && a.seq <= in.To {
			inside = append(inside, a)
		}
	}
	slices.SortFunc(inside, func(a, b *aside) int { return cmp.Compare(a.seq, b.seq) })
	for _, a := range inside {
		out = append(out, Stretch{v.version, Interval{in.From, a.seq - 1}, CoverageEvaluated, ""},
			Stretch{v.version, Interval{a.seq - 1, a.seq}, CoverageAside, a.reason()})
		in.From = a.seq
	}
	return append(out, Stretch{v.version, in, CoverageEvaluated, ""})
}

// evaluationLog collects entries until they are stored, together with the place.
type evaluationLog struct {
	mu      sync.Mutex
	entries []Entry
}

// reopenAfter is how far behind the newest event that a rule has seen an event
// must be to count as having reopened it. Less is how events come.
const reopenAfter = schema.Millis(60 * 1000)

// about is the entry of this state and plan that is being collected.
func (l *evaluationLog) about(t labelMatch, state string) *Entry {
	for i := range l.entries {
		if e := &l.entries[i]; e.State == state && e.RuleKey == t.plan.Key {
			return e
		}
	}
	l.entries = append(l.entries, Entry{
		RuleID: t.plan.Rule.ID, RuleKey: t.plan.Key, RuleVersion: t.plan.Rule.Version, State: state,
		In: Interval{t.event.Seq - 1, t.event.Seq}, Earliest: t.event.At, Latest: t.event.At,
	})
	return &l.entries[len(l.entries)-1]
}

func (e *Entry) include(event *schema.Event) {
	e.In = Interval{min(e.In.From, event.Seq-1), max(e.In.To, event.Seq)}
	e.Earliest, e.Latest = min(e.Earliest, event.At), max(e.Latest, event.At)
	e.Events++
}

func (l *evaluationLog) reopened(t labelMatch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.about(t, CoverageReopened)
	e.include(t.event)
	e.Reason = "events arrived late; what was evaluated before them was evaluated again"
}

// capped notes that so many groups and tuples of an event were left out.
func (l *evaluationLog) capped(t labelMatch, left int) {
	if left == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.about(t, CoverageCapped)
	e.include(t.event)
	e.left.Add(t.event.ID(), left)
	e.Reason = e.left.String()
}

// postponed notes that silence up to a moment was judged later than usual.
func (l *evaluationLog) postponed(w dueRule, from, to schema.Millis, why string) {
	l.add(Entry{
		RuleID: w.plan.Rule.ID, RuleKey: w.plan.Key, RuleVersion: w.plan.Rule.Version,
		State: CoveragePostponed, In: Interval{max(w.through, 1) - 1, max(w.through, 1)}, Earliest: from, Latest: to,
		Reason: fmt.Sprintf("silence between %s and %s was judged late: %s", from, to, why),
	})
}

func (l *evaluationLog) failed(w dueRule, in Interval, err error) {
	l.add(Entry{
		RuleID: w.plan.Rule.ID, RuleKey: w.plan.Key, RuleVersion: w.plan.Rule.Version,
		State: CoverageFailed, In: in, Reason: err.Error(),
	})
}

func (l *evaluationLog) add(e Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, e)
}

func (l *evaluationLog) aside(a *aside) {
	e := a.entry(CoverageAside)
	e.Reason = a.reason()
	l.add(e)
}

// finished ends what aside began; a reason says why it was not evaluated.
func (l *evaluationLog) finished(a *aside, reason string) {
	e := a.entry(CoverageFinished)
	if e.Reason = reason; reason == "" {
		e.Reason = fmt.Sprintf("event %s was evaluated; it had been set aside at %s", schema.EventID(a.at, a.seq), a.since)
	}
	l.add(e)
}

func (l *evaluationLog) recovered(w dueRule, to uint64) {
	l.add(Entry{
		RuleID: w.plan.Rule.ID, RuleKey: w.plan.Key, RuleVersion: w.plan.Rule.Version,
		State: CoverageRecovered, In: Interval{w.failedFrom, to},
		Reason: fmt.Sprintf("evaluated at the %s attempt", ordinal(w.failures+1)),
	})
}

func ordinal(n int) string {
	if n == 2 {
		return "second"
	}
	return fmt.Sprintf("%dth", n)
}

// store writes what was collected, and returns it. On failure it is kept for the
// next time, and so is that an event was finished of a rule whose seen values are not
// stored yet.
func (l *evaluationLog) store(ctx context.Context, to EvaluationLog, behind map[string]bool) ([]Entry, error) {
	now := schema.MillisOf(time.Now())
	var entries, kept []Entry
	l.mu.Lock()
	held := len(l.entries)
	for _, e := range l.entries {
		if e.State == CoverageFinished && behind[e.RuleKey] {
			kept = append(kept, e)
			continue
		}
		if e.At == 0 {
			e.At = now
		}
		entries = append(entries, e)
	}
	l.mu.Unlock()
	if len(entries) == 0 {
		return nil, nil
	}
	if err := to.Note(ctx, entries); err != nil {
		return nil, fmt.Errorf("store the evaluation log: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(kept, l.entries[held:]...)
	return entries, nil
}
