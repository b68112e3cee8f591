package backtests

import (
	"context"
	"errors"
	"slices"

	"nightjar/api"
	pb "nightjar/api/v1"
	"nightjar/compiler"
	"nightjar/scheduler"
	"nightjar/scheduler/backtest"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// Into how many stretches a time is cut at most, and how many peaks are told.
const (
	maxStretches = 100
	maxPeaks     = 2000
)

// stretches are the bounds of so many equal parts of a time.
func stretches(in scheduler.TimeSpan, n int64) ([]schema.Millis, error) {
	if n < 0 || n > maxStretches {
		return nil, api.BadRequest("stretches", "want 0 to %d, got %d", maxStretches, n)
	}
	from, to := max(in.From, schema.MinMillis), min(in.To, schema.MaxMillis)
	var out []schema.Millis
	for i := range n {
		out = append(out, from+(to-from)/schema.Millis(n)*schema.Millis(i))
	}
	if n > 0 {
		out = append(out, to+1)
	}
	return slices.Compact(out), nil
}

// peaksOf are what groups came to; nil where the rule does not count by threshold.
func peaksOf(ctx context.Context, found *backtest.Found, bounds []schema.Millis) (*pb.BacktestPeaks, error) {
	columns, peaks, err := found.Peaks(ctx, bounds)
	switch {
	case errors.Is(err, backtest.ErrManyMatches):
		return &pb.BacktestPeaks{Missing: err.Error()}, nil
	case err != nil || len(columns) == 0:
		return nil, err
	}
	out := &pb.BacktestPeaks{WindowMs: int64(columns[0].Window), Thresholds: thresholdsOf(found.Plan)}
	for _, c := range columns {
		out.Queries = append(out.Queries, found.Plan.Labels[c.Label].Name)
	}
	kept := highest(peaks, maxPeaks)
	out.LeftOut = int64(len(peaks) - len(kept))
	for _, p := range kept {
		out.Points = append(out.Points, &pb.BacktestPeak{At: int64(p.At), Group: detect.Visible(found.Plan, p.Group), Values: p.Values, Case: int32(p.Case)})
	}
	return out, nil
}

// highest are so many of the peaks, in their order: those at which a case held, then those
// with the highest value.
func highest(peaks []detect.Peak, most int) []detect.Peak {
	if len(peaks) <= most {
		return peaks
	}
	order := make([]int, len(peaks))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := &peaks[a], &peaks[b]
		switch held := x.Case >= 0; {
		case held != (y.Case >= 0) && held:
			return -1
		case held != (y.Case >= 0):
			return 1
		}
		return slices.Compare([]float64{slices.Max(y.Values)}, []float64{slices.Max(x.Values)})
	})
	order = order[:most]
	slices.Sort(order)
	out := make([]detect.Peak, most)
	for i, at := range order {
		out[i] = peaks[at]
	}
	return out
}

// thresholdsOf are what the cases compare with.
func thresholdsOf(plan *compiler.BoundPlan) (out []*pb.CourseThreshold) {
	for i, c := range plan.Cases {
		if c.Condition == nil {
			continue
		}
		for _, compared := range c.Condition.Comparisons() {
			out = append(out, &pb.CourseThreshold{Query: compared.Name, Operator: compared.Op, Number: compared.Number, Case: int32(i), Severity: string(c.Status), Column: int32(compared.Label)})
		}
	}
	return out
}
