package backtest

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"nightjar/compiler"
	"nightjar/scheduler"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// Scanner reads stored events by their own time, as scheduler.Scanner has it.
type Scanner interface {
	Scan(ctx context.Context, st *compiler.ScanStatement, in scheduler.TimeSpan, arrived scheduler.Interval, use func(*compiler.Scanned) error) error
}

// Events fetches events by time and sequence; those that are gone are left out.
type Events interface {
	Fetch(ctx context.Context, refs []compiler.Match) ([]schema.Event, error)
}

// Arrivals says up to which arrival every event is in the store.
type Arrivals interface{ Stored() uint64 }

// Deps are what a Runner needs.
type Deps struct {
	// Plan compiles a rule for history; Planner.Plan is that.
	Plan     func(context.Context, schema.Rule) (*compiler.BoundPlan, []string, error)
	Scanner  Scanner
	Events   Events                    // to fetch samples from
	Signals  scheduler.StandingSignals // what rules over signals are run over
	Arrivals Arrivals
	// Catalogue knows the shapes of stored attributes; nil: any may be.
	Catalogue *schema.Catalogue
	Log       *slog.Logger
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Delays say how far behind the clock silence is judged.
	Delays scheduler.SilenceDelays
	// MaxMatches bounds the matches of one backtest, which are held in memory,
	// about 200 bytes each; 0 means five million.
	MaxMatches int
	// OneSlice is up to how many stored arrivals are read in one slice; 0 means 100,000:
	// the server takes as long to plan a slice as to read so many.
	OneSlice uint64
}

// Runner runs plans over stored history.
type Runner struct{ deps Deps }

// New makes a Runner.
func New(deps Deps) *Runner {
	if deps.MaxMatches == 0 {
		deps.MaxMatches = 5_000_000
	}
	if deps.OneSlice == 0 {
		deps.OneSlice = 100_000
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	return &Runner{deps}
}

// Found is what a plan found in history.
type Found struct {
	Plan *compiler.BoundPlan
	// Signals are ordered by first seen, then case, then group. What a suppression
	// withholds is among them, and says so.
	Signals []schema.Signal
	// Matches is how many there were.
	Matches int
	// LeftOut is what compiler.MaxTuples left out of them.
	LeftOut compiler.LeftOut

	changes []detect.Change // by signal
	matches []compiler.Match
	// signals are what a rule over signals was run over, as events by place.
	signals map[uint64]*schema.Event
}

// maxPeakMatches is of how many matches peaks are looked for.
const maxPeakMatches = 300_000

// ErrManyMatches says that there are too many matches to look for what their values came to.
var ErrManyMatches = fmt.Errorf("more than %d events match: what each group came to is only looked for in fewer; take a shorter time", maxPeakMatches)

// Peaks are what the values of each group came to in each stretch, as detect.Peaks has them.
// Errors are ErrManyMatches and that of the context.
func (f *Found) Peaks(ctx context.Context, bounds []schema.Millis) ([]detect.Column, []detect.Peak, error) {
	if len(f.matches) > maxPeakMatches {
		return nil, nil, ErrManyMatches
	}
	return detect.Peaks(f.Plan, f.matches, bounds, ctx.Err)
}

// Backtest compiles a rule and runs it, as Run does. A rule that is wrong is a *schema.InvalidError.
func (r *Runner) Backtest(ctx context.Context, rule schema.Rule, in scheduler.TimeSpan, progress func(float64)) (*Found, []string, error) {
	plan, warnings, err := r.deps.Plan(ctx, rule)
	if err != nil {
		return nil, nil, err
	}
	found, err := r.Run(ctx, plan, in, progress)
	return found, warnings, err
}

// Run finds the signals that the plan gives over the stored events with a time in
// the span, as if there had been no others: the matches come from the store, by
// the plan's own predicates, and Replay makes signals of them. Events that are
// stored after the call are not seen. progress, unless nil, is told how much is
// done, from 0 to 1. When ctx ends, so does the run.
//
// A plan that the engine can't run, and one that matches more often than
// MaxMatches, is a *schema.InvalidError.
func (r *Runner) Run(ctx context.Context, plan *compiler.BoundPlan, in scheduler.TimeSpan, progress func(float64)) (*Found, error) {
	if progress == nil {
		progress = func(float64) {}
	}
	if plan.Unsupported != "" {
		return nil, &schema.InvalidError{Details: []schema.Detail{{Message: plan.Unsupported}}}
	}
	out := &Found{Plan: plan}
	read := r.scan
	if plan.OfSignals {
		read = r.correlate
	}
	matches, err := read(ctx, plan, in, out, progress)
	if err != nil {
		return nil, err
	}
	out.Matches, out.matches = len(matches), matches
	out.changes, err = detect.ReplayWithProgress(plan, matches, r.horizon(plan, in), func(done float64) error {
		progress(scanShare + (1-scanShare)*done)
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	for _, c := range out.changes {
		out.Signals = append(out.Signals, c.Signal)
	}
	for from := 0; plan.Withholds() && from < len(out.Signals); from += scheduler.RenderedAtOnce {
		to := min(from+scheduler.RenderedAtOnce, len(out.Signals))
		documents, err := r.Documents(ctx, out, from, to) // suppressions see what is rendered
		if err != nil {
			return nil, err
		}
		for i := range documents {
			out.Signals[from+i] = documents[i].Signal
		}
	}
	progress(1)
	return out, nil
}

// horizon is the end of the time that is looked at, and never beyond the moment
// up to which live evaluation would judge what did not happen.
func (r *Runner) horizon(plan *compiler.BoundPlan, in scheduler.TimeSpan) detect.Horizon {
	return detect.Over(in.From, min(in.To, schema.MillisOf(r.deps.Now().Add(-r.deps.Delays.Of(plan)))))
}

// scanShare is how much of a run reading is, for the progress.
const scanShare = 0.8

// scan reads the matches, slice by slice. A slice is as long as reads in a second
// or so: that is how often progress moves, and about what there is to cancel.
func (r *Runner) scan(ctx context.Context, plan *compiler.BoundPlan, in scheduler.TimeSpan, out *Found, progress func(float64)) ([]compiler.Match, error) {
	through := r.deps.Arrivals.Stored() // before the catalogue is asked
	var shapes func(string) schema.Shapes
	if r.deps.Catalogue != nil {
		shapes, _ = r.deps.Catalogue.Snapshot()
	}
	st, err := compiler.ScanSQL(plan, shapes)
	if err != nil {
		return nil, err
	}
	in = scheduler.TimeSpan{From: max(in.From, schema.MinMillis), To: min(in.To, schema.MaxMillis)}
	var matches []compiler.Match
	width := max((in.To-in.From)/firstSlice, 60_000)
	if through <= r.deps.OneSlice {
		width = in.To - in.From + 1
	}
	for from := in.From; from <= in.To; {
		slice := scheduler.TimeSpan{From: from, To: min(in.To, from+width-1)}
		started := time.Now()
		err := r.deps.Scanner.Scan(ctx, st, slice, scheduler.Interval{To: through}, func(row *compiler.Scanned) error {
			matches = append(matches, st.Matches(row, &out.LeftOut)...)
			if len(matches) > r.deps.MaxMatches {
				return &schema.InvalidError{Details: []schema.Detail{{Message: fmt.Sprintf(
					"the rule matches more than %d times in this time, which is more than a backtest holds; narrow its queries or the time", r.deps.MaxMatches)}}}
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("scan events of %s to %s: %w", slice.From, slice.To, err)
		}
		from = slice.To + 1
		width = nextWidth(width, time.Since(started), in)
		progress(scanShare * float64(from-in.From) / float64(in.To-in.From+1))
	}
	return matches, nil
}

// firstSlice is the part of the time that is read first: one in so many.
const firstSlice = 64

// nextWidth makes slices longer while they are quick to read.
func nextWidth(width schema.Millis, took time.Duration, in scheduler.TimeSpan) schema.Millis {
	switch {
	case took < 250*time.Millisecond:
		return min(width*8, in.To-in.From+1)
	case took > 2*time.Second:
		return max(width/2, 1)
	}
	return width
}

// correlate reads the matches of a rule over signals: of the signals that stand.
func (r *Runner) correlate(ctx context.Context, plan *compiler.BoundPlan, in scheduler.TimeSpan, out *Found, _ func(float64)) ([]compiler.Match, error) {
	matches, events, err := scheduler.StandingMatches(ctx, r.deps.Signals, plan, in)
	out.signals = events
	return matches, err
}

// Documents are some of the signals, from one to before another, as live ones are
// published: with sample events, and withheld where a suppression says so.
func (r *Runner) Documents(ctx context.Context, f *Found, from, to int) ([]scheduler.Published, error) {
	return scheduler.RenderChanges(f.Plan, f.changes[from:to], func(refs []compiler.Match) ([]schema.Event, error) {
		if f.signals == nil {
			return r.deps.Events.Fetch(ctx, refs)
		}
		var out []schema.Event
		for _, m := range refs {
			out = append(out, *f.signals[m.Seq])
		}
		return out, nil
	})
}
