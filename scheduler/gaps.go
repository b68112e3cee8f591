package scheduler

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"nightjar/compiler"
	"nightjar/schema"
)

// Gaps tells of arrivals that Arrivals.Stored is past although they are not in the
// store, or came into it late.
type Gaps interface {
	// Gaps are those there are, in order. Arrivals.StoredChanged tells when they are
	// others.
	Gaps() []Gap
	// Evaluated says that a gap that was filled has been evaluated.
	Evaluated(g Gap) error
}

// Gap is a stretch of such arrivals.
type Gap struct {
	In Interval
	// Events is how many of them are missing.
	Events uint64
	// Seen is when the first of them arrived, Since when it was found to be missing.
	Seen, Since schema.Millis
	// Filled: they are in the store by now. Lost: they never will be.
	Filled, Lost bool
	Reason       string
	// Accepted: somebody knows of it, and nothing waits for it.
	Accepted bool
}

// holds reports whether what lets go of the past, and silence, wait for the gap.
func (g *Gap) holds() bool { return !g.Lost && !g.Accepted }

// filling is the evaluation of a gap that was filled.
type filling struct {
	done     map[string]bool // by rule key
	failures int
	retryAt  time.Time
	finished bool // all is evaluated, and yet to be saved
}

// fillings are the gaps that there are, and how far those are evaluated that were
// filled. But for the gaps themselves they are of the goroutine that evaluates.
type fillings struct {
	source        Gaps // nil: there are none
	log           *slog.Logger
	evaluationLog *evaluationLog
	byGap         map[Interval]*filling
	noted         map[string]bool // gaps that are in the evaluation log
}

func newFillings(source Gaps, log *slog.Logger, to *evaluationLog) *fillings {
	return &fillings{source: source, log: log, evaluationLog: to, byGap: map[Interval]*filling{}, noted: map[string]bool{}}
}

// gaps are those there are now.
func (fs *fillings) gaps() []Gap {
	if fs.source == nil {
		return nil
	}
	return fs.source.Gaps()
}

// missed is the part of a gap that a rule run has passed without seeing it.
func (w *ruleRun) missed(g *Gap) (in Interval, ok bool) {
	in = Interval{max(g.In.From, w.from), min(g.In.To, w.through)}
	return in, w.runnable() && !w.plan.OfSignals && in.From < in.To
}

// noteGaps writes gaps that are new into the evaluation log.
func (fs *fillings) noteGaps(gaps []Gap) {
	for i := range gaps {
		g := &gaps[i]
		state := CoverageMissing
		if g.Lost {
			state = CoverageLost
		}
		id := fmt.Sprint(state, g.In, g.Since)
		if fs.noted[id] {
			continue
		}
		fs.noted[id] = true
		fs.evaluationLog.add(Entry{State: state, In: g.In, Events: g.Events, Earliest: g.Seen, Latest: g.Seen, At: g.Since, Reason: g.words()})
	}
}

// words say what a gap is, the same at all times.
func (g *Gap) words() string {
	if g.Lost {
		return g.Reason
	}
	return "so many events at a time were too much for ClickHouse; they are stored in the background, and evaluated then"
}

// fill evaluates the arrivals of gaps that were filled, for the rule runs that have
// passed them, as events that arrived late. It reports whether there was anything to
// do. It may be done twice without a trace, as everything may.
func (s *Scheduler) fill(ctx context.Context, now time.Time) bool {
	gaps := s.fillings.gaps()
	s.fillings.noteGaps(gaps)
	did := false
	for i := range gaps {
		g := &gaps[i]
		if !g.Filled {
			continue
		}
		f := s.fillings.of(g)
		if f.finished || now.Before(f.retryAt) || s.inForce.rests(g) {
			continue
		}
		did = true
		if err := s.fillOne(ctx, g, f); err != nil {
			if ctx.Err() != nil {
				return false
			}
			f.failures++
			f.retryAt = now.Add(retryAfter(f.failures))
			s.metrics.failures.Inc()
			s.deps.Log.Error("events that were stored late are not evaluated; it will be retried", "after", g.In.From, "through", g.In.To, "attempt", f.failures, "error", err)
			continue
		}
		f.finished = true
	}
	return did
}

// of is how far the gap is evaluated.
func (fs *fillings) of(g *Gap) *filling {
	f := fs.byGap[g.In]
	if f == nil {
		f = &filling{done: map[string]bool{}}
		fs.byGap[g.In] = f
	}
	return f
}

// rests reports whether a rule that has passed the gap rests just now.
func (f *inForce) rests(g *Gap) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.ContainsFunc(f.runs, func(w *ruleRun) bool {
		_, missed := w.missed(g)
		return missed && f.resting[w.plan.Key]
	})
}

func (s *Scheduler) fillOne(ctx context.Context, g *Gap, f *filling) error {
	groups := map[Interval][]*compiler.BoundPlan{}
	s.inForce.mu.Lock()
	for _, w := range s.inForce.runs {
		if in, ok := w.missed(g); ok && !f.done[w.plan.Key] {
			groups[in] = append(groups[in], w.plan)
		}
	}
	s.inForce.mu.Unlock()
	var failed error
	for in, plans := range groups {
		if s.evaluator.evaluateLate(ctx, plans, in) == nil {
			for _, p := range plans {
				f.done[p.Key] = true
			}
			continue
		}
		for _, p := range plans { // one rule's failure stops only that rule
			if err := s.evaluator.evaluateLate(ctx, []*compiler.BoundPlan{p}, in); err != nil {
				failed = err
				continue
			}
			f.done[p.Key] = true
		}
	}
	return failed
}

// evaluateLate evaluates arrivals that the plans have gone past. What was counted of
// series, up to the last arrival, is counted anew with them.
func (ev *evaluator) evaluateLate(ctx context.Context, plans []*compiler.BoundPlan, in Interval) error {
	if err := ev.evaluate(ctx, plans, in); err != nil {
		return err
	}
	var counting []*compiler.BoundPlan
	for _, p := range plans {
		if p.Anomaly != nil {
			counting = append(counting, p)
		}
	}
	if len(counting) == 0 {
		return nil
	}
	if err := ev.unstored.flush(ctx); err != nil {
		return err
	}
	for _, p := range counting {
		ev.cache.drop(p.Key)
		delete(ev.baselines, p.Key)
	}
	return ev.evaluate(ctx, counting, in)
}

// filled says that the gaps whose evaluation is saved by now were evaluated.
func (fs *fillings) filled(gaps []Gap) {
	for i := range gaps {
		g := &gaps[i]
		if f := fs.byGap[g.In]; f == nil || !f.finished {
			continue
		}
		if err := fs.source.Evaluated(*g); err != nil {
			fs.log.Warn("a gap that was filled is evaluated again after the next start", "error", err)
			continue
		}
		delete(fs.byGap, g.In)
		fs.evaluationLog.add(Entry{
			State: CoverageFilled, In: g.In, Events: g.Events, Earliest: g.Seen, Latest: g.Seen,
			Reason: "the events were stored late and evaluated then",
		})
		fs.log.Info("events that were stored late are evaluated", "after", g.In.From, "through", g.In.To, "events", g.Events)
	}
}

// savable are the gaps that are evaluated before what is about to be saved.
func (fs *fillings) savable() []Gap {
	return slices.DeleteFunc(fs.gaps(), func(g Gap) bool {
		f := fs.byGap[g.In]
		return f == nil || !f.finished
	})
}

// withoutBehind leaves out the gaps whose evaluation taught a rule what is not stored yet:
// after a crash they are evaluated again, or the rule would not know what its matches
// rest on.
func (fs *fillings) withoutBehind(gaps []Gap, behind map[string]bool) []Gap {
	return slices.DeleteFunc(gaps, func(g Gap) bool {
		f := fs.byGap[g.In]
		if f == nil {
			return false
		}
		for key := range f.done {
			if behind[key] {
				return true
			}
		}
		return false
	})
}

// gapBefore is the first gap that a rule run has passed and that silence waits for.
func (fs *fillings) gapBefore(w *ruleRun) (Gap, bool) {
	for _, g := range fs.gaps() {
		if _, ok := w.missed(&g); ok && g.holds() {
			return g, true
		}
	}
	return Gap{}, false
}

// aroundGaps splits stretches by the gaps in them.
func aroundGaps(stretches []Stretch, gaps []Gap) []Stretch {
	for i := range gaps {
		g := &gaps[i]
		var out []Stretch
		for _, st := range stretches {
			from, to := max(st.In.From, g.In.From), min(st.In.To, g.In.To)
			if st.State != CoverageEvaluated || from >= to {
				out = append(out, st)
				continue
			}
			state := CoverageMissing
			if g.Lost {
				state = CoverageLost
			}
			before, after := st, st
			before.In.To, after.In.From = from, to
			out = append(out, before, Stretch{st.Version, Interval{from, to}, state, g.words()}, after)
		}
		stretches = out
	}
	return stretches
}
