package scheduler

import (
	"context"
	"fmt"
	"slices"
	"time"

	"nightjar/compiler"
	"nightjar/schema"
)

// Ledger keeps what was not evaluated as a matter of course.
type Ledger interface {
	// Note appends entries; the same one twice counts once.
	Note(ctx context.Context, entries []Entry) error
	// Entries are those of a rule, in the order in which they were noted.
	Entries(ctx context.Context, ruleID string) ([]Entry, error)
}

// Entry is a line of the ledger.
type Entry struct {
	RuleID, RuleKey  string
	RuleVersion      int64
	State            string // a Coverage state: failed, recovered, reopened or capped
	In               Interval
	Earliest, Latest schema.Millis // event times, of reopened and capped
	Events           uint64
	Reason           string
	At               schema.Millis
}

// States of coverage.
const (
	CoverageEvaluated   = "evaluated"
	CoveragePending     = "pending"
	CoverageFailed      = "failed"
	CoverageRecovered   = "recovered" // an entry's: the failed arrivals were caught up
	CoverageReopened    = "reopened"  // an entry's: late events changed what was evaluated
	CoverageCapped      = "capped"    // an entry's: a limit was hit
	CoverageUnsupported = "unsupported"
	CoverageDisabled    = "disabled"
)

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
}

// Coverage answers for a rule and the arrivals of an interval; an interval that
// ends at 0 ends now. A version other than 0 leaves the other versions out.
func (s *Scheduler) Coverage(ctx context.Context, id string, version int64, in Interval) (Coverage, error) {
	entries, err := s.deps.Ledger.Entries(ctx, id)
	if err != nil {
		return Coverage{}, fmt.Errorf("read the ledger of rule %s: %w", id, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	state := s.rules[id]
	if state == nil {
		return Coverage{}, &schema.NotFound{Kind: kindRule, ID: id}
	}
	end := s.deps.Arrivals.Acknowledged()
	if in.To == 0 || in.To > end {
		in.To = end
	}
	var out Coverage
	for i, v := range state.history {
		until := end
		if i+1 < len(state.history) {
			until = state.history[i+1].after
		}
		if version != 0 && version != v.version {
			continue
		}
		for _, st := range s.stretches(v, Interval{v.after, until}) {
			st.In.From, st.In.To = max(st.In.From, in.From), min(st.In.To, in.To)
			if st.In.From < st.In.To {
				out.Stretches = append(out.Stretches, st)
			}
		}
	}
	for _, e := range entries {
		if e.In.From < in.To && e.In.To > in.From && (version == 0 || version == e.RuleVersion) {
			out.Entries = append(out.Entries, e)
		}
	}
	return out, nil
}

// stretches splits a version's arrivals by what became of them.
func (s *Scheduler) stretches(v ruleVersion, in Interval) []Stretch {
	switch {
	case !v.runs:
		return []Stretch{{v.version, in, CoverageDisabled, ""}}
	case v.unsupported != "":
		return []Stretch{{v.version, in, CoverageUnsupported, v.unsupported}}
	}
	through, state, reason := in.To, CoverageEvaluated, ""
	for _, w := range s.watches {
		if w.plan.Key == v.key && w.plan.OfSignals {
			if w.failures > 0 || w.through < w.target(s.published) { // its places are not arrivals
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
	return []Stretch{
		{v.version, Interval{in.From, through}, CoverageEvaluated, ""},
		{v.version, Interval{through, in.To}, state, reason},
	}
}

// ledger collects entries until they are stored, together with the place.
type ledger struct{ entries []Entry }

// reopenAfter is how far behind the newest event that a rule has seen an event
// must be to count as having reopened it. Less is how events come.
const reopenAfter = schema.Millis(60 * 1000)

// about is the entry of this state and plan that is being collected.
func (l *ledger) about(t touch, state string) *Entry {
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

func (l *ledger) reopened(t touch) {
	e := l.about(t, CoverageReopened)
	e.include(t.event)
	e.Reason = "events arrived late; what was evaluated before them was evaluated again"
}

func (l *ledger) capped(t touch) {
	e := l.about(t, CoverageCapped)
	e.include(t.event)
	e.Reason = fmt.Sprintf("event %s has long arrays in several fields: only the first %d combinations of their values count", t.event.ID(), compiler.MaxTuples)
}

func (l *ledger) failed(w turn, in Interval, err error) {
	l.entries = append(l.entries, Entry{
		RuleID: w.plan.Rule.ID, RuleKey: w.plan.Key, RuleVersion: w.plan.Rule.Version,
		State: CoverageFailed, In: in, Reason: err.Error(),
	})
}

func (l *ledger) recovered(w turn, to uint64) {
	l.entries = append(l.entries, Entry{
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

// store writes what was collected. On failure it is kept for the next time.
func (l *ledger) store(ctx context.Context, to Ledger) error {
	if len(l.entries) == 0 {
		return nil
	}
	now := schema.MillisOf(time.Now())
	entries := slices.Clone(l.entries)
	for i := range entries {
		entries[i].At = now
	}
	if err := to.Note(ctx, entries); err != nil {
		return fmt.Errorf("store the ledger: %w", err)
	}
	l.entries = nil
	return nil
}
