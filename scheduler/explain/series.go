package explain

import (
	"context"
	"fmt"
	"slices"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// SeriesQuestion asks what an anomaly rule has learned of a group.
type SeriesQuestion struct {
	RuleID string
	Group  []string // in the order of the group-by fields
	Query  string   // name of the query; empty is the first
	// From and To bound the buckets that are shown; nil is a fortnight before To,
	// and the newest bucket.
	From, To *schema.Millis
}

// SeriesAnswer is a series as the rule sees it.
type SeriesAnswer struct {
	RuleID, Query string
	Group         []string
	Bucket        int64 // ms
	// First is the beginning of the first bucket that is still stored, from which
	// on the expectations are learned; Ready when there was enough history to
	// match.
	First, Ready schema.Millis
	Season       string
	// HeldSince is since when buckets are unusual in a row, so that what is expected
	// stays as it was, HeldUntil when that becomes the new normal if it goes on; 0:
	// they are not.
	HeldSince, HeldUntil schema.Millis
	Points               []detect.SeriesPoint
	// Truncated says that there were more points than MaxPoints; the newest are
	// there.
	Truncated bool
}

// KeepAround leaves out the buckets that are more than so many before a first moment, or after
// a last one.
func (a *SeriesAnswer) KeepAround(first, last schema.Millis, before, after int) {
	bucket := schema.Millis(a.Bucket)
	a.Points = slices.DeleteFunc(a.Points, func(p detect.SeriesPoint) bool {
		return p.At+bucket <= first-schema.Millis(before)*bucket || p.At > last+schema.Millis(after)*bucket
	})
}

// MaxPoints bounds an answer.
const MaxPoints = 20_000

// shownPast is how much of a series is shown, unless asked otherwise.
const shownPast = schema.Millis(14 * 24 * 3_600_000)

// Series learns a series anew, from the matches that are stored, and says on the way what
// was expected of each bucket. A series that there is not is a *schema.NotFoundError, what
// cannot be asked a *schema.InvalidError.
func Series(ctx context.Context, from Source, q SeriesQuestion) (SeriesAnswer, error) {
	rule, err := from.Evaluated(q.RuleID)
	if err != nil {
		return SeriesAnswer{}, err
	}
	plan := rule.Plan
	label, err := seriesLabel(plan, q)
	if err != nil {
		return SeriesAnswer{}, err
	}
	all, err := from.Matches(ctx, plan, q.Group, schema.MinMillis)
	if err != nil {
		return SeriesAnswer{}, err
	}
	learned, newest := detect.NewBaseline(plan, 0), schema.MinMillis
	for i := range all.Own {
		learned.Count(&all.Own[i])
		newest = max(newest, all.Own[i].At)
	}
	if !learned.Has(label, q.Group) {
		return SeriesAnswer{}, &schema.NotFoundError{Kind: "series of rule " + q.RuleID, ID: fmt.Sprint(q.Group)}
	}
	if q.To != nil {
		newest = min(newest, *q.To)
	}
	var live *detect.Baseline
	if plan.Anomaly.Peers {
		if live, err = from.Baseline(ctx, plan); err != nil {
			return SeriesAnswer{}, err
		}
	}
	return seriesPoints(plan, learned, label, q, newest, live)
}

func seriesLabel(plan *compiler.BoundPlan, q SeriesQuestion) (int, error) {
	bad := func(target, format string, args ...any) (int, error) { return 0, invalid(target, format, args...) }
	switch {
	case plan.Anomaly == nil:
		return bad("rule_id", "rule %s does not look for anomalies: its detection method is %s", q.RuleID, plan.Rule.Options.Method())
	case len(q.Group) != plan.Arity:
		return bad("group", "the rule groups by %d fields, got %d values", plan.Arity, len(q.Group))
	}
	for i := range plan.Labels {
		if q.Query == "" || plan.Labels[i].Name == q.Query {
			return i, nil
		}
	}
	return bad("query", "the rule has no query named %q", q.Query)
}

// seriesPoints says what was expected of a series. Live, unless nil, has the other
// groups, those of the last days.
func seriesPoints(plan *compiler.BoundPlan, u *detect.Baseline, label int, q SeriesQuestion, newest schema.Millis, live *detect.Baseline) (SeriesAnswer, error) {
	from := newest - shownPast
	if q.From != nil {
		from = *q.From
	}
	first := u.Began(label, q.Group)
	out := SeriesAnswer{
		RuleID: q.RuleID, Query: plan.Labels[label].Name, Group: q.Group, Bucket: plan.Anomaly.Bucket.Milliseconds(),
		First: first, Ready: first.Add(plan.Anomaly.Learn),
	}
	if earliest := u.Moment(u.BucketOf(newest) - MaxPoints + 1); from < earliest && earliest > out.First {
		from, out.Truncated = earliest, true
	}
	learned, err := u.Points(label, q.Group, from, newest, live, func(p detect.SeriesPoint) { out.Points = append(out.Points, p) })
	if err != nil {
		return SeriesAnswer{}, err
	}
	out.Season = learned.Season
	out.HeldSince, out.HeldUntil = learned.HeldSince, learned.HeldUntil
	return out, nil
}
