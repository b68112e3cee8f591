package scheduler

import (
	"context"
	"fmt"

	"nightjar/compiler"
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

// SeriesExplanation is a series as the rule sees it.
type SeriesExplanation struct {
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
	Points               []SeriesPoint
	// Truncated says that there were more points than MaxPoints; the newest are
	// there.
	Truncated bool
}

// SeriesPoint is a bucket: what it holds and, from the buckets before it, what it
// was expected to hold.
type SeriesPoint struct {
	At                          schema.Millis
	Value, Lower, Median, Upper float64
	// Probability is that of a lower value: what conditions are about; of a new group
	// by its peers, where it is judged by them and they are in memory. AtMost is that of
	// no higher one, which they are about on the low side.
	Probability, AtMost float64
}

// MaxPoints bounds an answer.
const MaxPoints = 20_000

// shownPast is how much of a series is shown, unless asked otherwise.
const shownPast = schema.Millis(14 * 24 * 3_600_000)

// ExplainSeries learns a series anew, from the matches that are stored, and says
// on the way what was expected of each bucket.
func (s *Scheduler) ExplainSeries(ctx context.Context, q SeriesQuestion) (SeriesExplanation, error) {
	var out SeriesExplanation
	err := s.between(ctx, func() (err error) {
		out, err = s.explainSeries(ctx, q)
		return err
	})
	return out, err
}

func (s *Scheduler) explainSeries(ctx context.Context, q SeriesQuestion) (SeriesExplanation, error) {
	plan, _, err := s.planOf(q.RuleID)
	if err != nil {
		return SeriesExplanation{}, err
	}
	label, err := seriesLabel(plan, q)
	if err != nil {
		return SeriesExplanation{}, err
	}
	if err := s.flush(ctx); err != nil {
		return SeriesExplanation{}, err
	}
	all, err := s.matchesOf(ctx, plan, q.Group, schema.MinMillis)
	if err != nil {
		return SeriesExplanation{}, err
	}
	u := newUsual(plan)
	newest := schema.MinMillis
	for i := range all.own {
		u.count(&all.own[i])
		newest = max(newest, all.own[i].At)
	}
	one := u.series[keyOf(label, q.Group...)]
	if one == nil {
		return SeriesExplanation{}, &schema.NotFound{Kind: "series of rule " + q.RuleID, ID: fmt.Sprint(q.Group)}
	}
	if q.To != nil {
		newest = min(newest, *q.To)
	}
	var live *usual
	if plan.Anomaly.Peers {
		if live, err = s.usualOf(ctx, plan, false, s.throughOf(plan.Key)); err != nil {
			return SeriesExplanation{}, err
		}
	}
	return u.explain(one, q, newest, live)
}

func seriesLabel(plan *compiler.Plan, q SeriesQuestion) (int, error) {
	bad := func(target, format string, args ...any) (int, error) {
		return 0, &schema.Invalid{Details: []schema.Detail{{Target: target, Message: fmt.Sprintf(format, args...)}}}
	}
	switch {
	case plan.Anomaly == nil:
		return bad("rule_id", "rule %s does not look for anomalies: its detection method is %s", q.RuleID, compiler.Method(plan.Rule))
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

// explain says what was expected of a series. Live, unless nil, has the other groups,
// those of the last days.
func (u *usual) explain(one *series, q SeriesQuestion, newest schema.Millis, live *usual) (SeriesExplanation, error) {
	moment := func(bucket int64) schema.Millis { return schema.Millis(bucket * u.width) }
	from := newest - shownPast
	if q.From != nil {
		from = *q.From
	}
	out := SeriesExplanation{
		RuleID: q.RuleID, Query: u.plan.Labels[one.label].Name, Group: q.Group, Bucket: u.width,
		First: moment(one.first), Ready: moment(one.first).Add(u.plan.Anomaly.Learn),
	}
	last := u.bucketOf(newest)
	if earliest := moment(last - MaxPoints + 1); from < earliest && earliest > out.First {
		from, out.Truncated = earliest, true
	}
	m, next, err := one.restart(u)
	for ; err == nil && next <= last; next++ {
		if at := moment(next); at+schema.Millis(u.width) > from {
			band, value := m.Band(int64(at)), one.value(next)
			below, atMost, judged := one.judge(u, next, value, false)
			if !judged && live != nil && live.hasPeers(next) {
				below, _ = live.peersBelow(one.label, next, value)
			}
			out.Points = append(out.Points, SeriesPoint{at, value, band.Lower, band.Median, band.Upper, below, atMost})
		}
		err = m.Add(int64(moment(next)), one.value(next))
	}
	out.Season = m.Season().String()
	since, until := m.Held()
	out.HeldSince, out.HeldUntil = schema.Millis(since), schema.Millis(until)
	return out, err
}
