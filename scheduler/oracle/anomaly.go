package oracle

import (
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	"nightjar/anomaly"
)

// This file is for anomalies (docs/semantics.md, "Anomalies"). What a bucket is expected to hold it
// asks of a model that learned every bucket before it, in order.

// lowSide is how long a group is judged after its last event.
const lowSide = 14 * day

// judgeAnomaly judges every event by its open bucket, and every bucket at its end.
func (g *ruleGroup) judgeAnomaly() []Match {
	o := g.o
	var cases []caseWords
	for _, c := range o.rule.Cases {
		cases = append(cases, readSides(c.Condition, o.names))
	}
	width := *o.rule.Options.Anomaly.BucketDuration * 1000
	var series []*groupSeries
	for q := range g.matches {
		series = append(series, g.series(q, width))
	}
	var out []Match
	points := g.points()
	if len(points) == 0 {
		return nil
	}
	matched := map[int64]int{} // case by open bucket
	for _, t := range points {
		b := t / width
		if c := firstOf(cases, sides(series, b, g.between(b*width-1, t), false)); c >= 0 {
			matched[b] = c + 1
		}
		if matched[b] > 0 {
			out = append(out, Match{At: t, Case: matched[b] - 1, group: g})
		}
	}
	last := points[len(points)-1]/width + lowSide/width
	for b := points[0]/width + 1; b <= last && (b+1)*width <= o.Horizon; b++ {
		end := (b + 1) * width
		c := firstOf(cases, sides(series, b, g.between(b*width-1, end-1), true))
		if c < 0 || !strings.Contains(o.rule.Cases[c].Condition, "<") {
			continue
		}
		from := int64(math.MinInt64)
		for _, t := range points {
			if t < end {
				from = t
			}
		}
		out = append(out, Match{At: end, Case: c, Silent: true, from: from, group: g})
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].At < out[j].At })
	return out
}

// sides are the labels' values on the high side and then on the low side, which an
// open bucket does not have.
func sides(series []*groupSeries, b int64, values []float64, closed bool) []float64 {
	out, known := make([]float64, 2*len(series)), false
	for q, s := range series {
		var ok bool
		out[q], out[len(series)+q], ok = s.judge(b, values[q], closed)
		known = known || ok
		if !closed {
			out[len(series)+q] = 2
		}
	}
	if !known { // never matches, whatever is asked for
		return nil
	}
	return out
}

func firstOf(cases []caseWords, values []float64) int {
	if values == nil {
		return -1
	}
	return slices.IndexFunc(cases, func(c caseWords) bool { return c.parts[0].holds(values) })
}

// groupSeries is a query's series in a group.
type groupSeries struct {
	g                   *ruleGroup
	q                   int
	width, first, learn int64
}

func (g *ruleGroup) series(q int, width int64) *groupSeries {
	s := &groupSeries{g: g, q: q, width: width, first: math.MaxInt64, learn: *g.o.rule.Options.Anomaly.LearningDuration * 3_600_000}
	if first := g.first(q); first != math.MaxInt64 {
		s.first = first / width
	}
	return s
}

func (s *groupSeries) value(b int64) float64 { return s.g.between(b*s.width-1, (b+1)*s.width-1)[s.q] }

// judge is the probability of less than x in a bucket, and of no more, and whether
// there is a past to tell. Peers judge events.
func (s *groupSeries) judge(b int64, x float64, closed bool) (below, atMost float64, ok bool) {
	options := s.g.o.rule.Options
	switch {
	case s.first > b:
		return 0, 1, false
	case s.first == b || (b-s.first)*s.width < s.learn:
		if most := options.Anomaly.LearningPeriodBaseline; most != nil && x > float64(*most) {
			return 1, 1, true
		}
		if p := options.Anomaly.PeerBaseline; p != nil && *p && !closed {
			p := s.peers(b)
			return p.Below(x / (0.75 + 0.25*float64(s.g.o.tolerance()))), 1, p.Buckets() >= 100
		}
		return 0, 1, false
	}
	f := s.foresight(b)
	return f.Below(x), f.AtMost(x), true
}

// tolerance is the rule's, from 1 to 5.
func (o *evaluator) tolerance() int64 {
	if t := o.rule.Options.Anomaly.DetectionTolerance; t != nil {
		return *t
	}
	return 1
}

// foresight is what the model says. Models are kept between buckets, since they are
// asked in order.
func (s *groupSeries) foresight(b int64) anomaly.Foresight {
	o := s.g.o
	if o.models == nil {
		o.models = map[*ruleGroup]map[int][]anomaly.Foresight{}
	}
	if o.models[s.g] == nil {
		o.models[s.g] = map[int][]anomaly.Foresight{}
	}
	all := o.models[s.g][s.q]
	if all == nil {
		m := must(anomaly.New(anomaly.Config{Bucket: time.Duration(s.width) * time.Millisecond, Tolerance: int(o.tolerance()), Hold: time.Duration(*o.rule.Options.MaxSignalDuration) * time.Second}))
		for c := s.first; c*s.width <= max(o.Horizon, Newest(o.events)); c++ {
			all = append(all, m.Foresee(c*s.width))
			if err := m.Add(c*s.width, s.value(c)); err != nil {
				panic(err)
			}
		}
		o.models[s.g][s.q] = all
	}
	return all[b-s.first]
}

// peers are the rule's other groups: the buckets
// with events of groups that had a past, in the 24 hours that ended an hour (or a
// bucket) before the hour of this one.
func (s *groupSeries) peers(b int64) *anomaly.Peers {
	o := s.g.o
	hour := max(s.width, 3_600_000)
	to := b*s.width/hour*hour - hour
	if p := o.peers[[2]int64{int64(s.q), to}]; p != nil {
		return p
	}
	times := map[float64]int{}
	for _, g := range o.all {
		of := g.series(s.q, s.width)
		for c := (to - day) / s.width; c < to/s.width; c++ {
			if c <= of.first || (c-of.first)*s.width < s.learn {
				continue
			}
			inside := func(i int) bool {
				at := int64(o.events[i].At)
				return g.matches[s.q][i] && at >= c*s.width && at < (c+1)*s.width
			}
			for i := range o.events {
				if inside(i) {
					times[g.over(inside)[s.q]]++
					break
				}
			}
		}
	}
	if o.peers == nil {
		o.peers = map[[2]int64]*anomaly.Peers{}
	}
	o.peers[[2]int64{int64(s.q), to}] = anomaly.NewPeers(times)
	return o.peers[[2]int64{int64(s.q), to}]
}
