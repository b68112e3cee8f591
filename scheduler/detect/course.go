package detect

import (
	"slices"

	"nightjar/compiler"
	"nightjar/schema"
)

// Course is how a group's values went over time, up to a moment.
type Course struct {
	// Points are the moments at which a value changed, in order: each stands until the next.
	Points []CoursePoint
	// Thinned says that there were more, of which the highest of each stretch are there.
	Thinned bool
	// Stops are where a traveller was, of rules of journeys.
	Stops []Stop
}

// CoursePoint is what the labels came to at a moment, and which case held; −1: none did.
type CoursePoint struct {
	At     schema.Millis
	Values []float64
	Case   int
}

// Stop is where a traveller was at an event, and how they would have come there from where
// they were at the one before: Km is 0 where that is not known.
type Stop struct {
	At                  schema.Millis
	Place               compiler.Place
	Km, Kmh             float64
	Since               schema.Millis // when they were there; 0: not known
	Impossible, Assumed bool          // Assumed: the address is one that they were at before
}

// Course is how the values went from a moment to that of m, in at most so many points. Of
// rules that look for anomalies there are none: their values are compared with what was
// learned.
func (m Moment) Course(from schema.Millis, most int) Course {
	var out Course
	width := WindowOf(m.Plan)
	m.counted = counting(m.Plan, m.Seen, m.Own, from-width)
	if m.Plan.Method == schema.MethodImpossibleTravel {
		out.Stops = stopsBetween(m.Own, from, m.At)
	}
	if m.Plan.Anomaly != nil {
		return out
	}
	if m.Plan.Window == 0 {
		for e := range events(m.counted, m.Globals) {
			if e.at >= from && e.at <= m.At {
				out.add(m.Plan, e.at, e.values(m.Plan))
			}
		}
	} else {
		all := mergeByTime(m.counted, m.Globals)
		w := newSlider(m.Plan, all, m.Plan.Window)
		for _, at := range turns(all, from, m.At, width) {
			out.add(m.Plan, at, w.to(at))
		}
	}
	out.thin(most)
	return out
}

func (c *Course) add(plan *compiler.BoundPlan, at schema.Millis, values []float64) {
	if n := len(c.Points); n > 0 && slices.Equal(c.Points[n-1].Values, values) {
		return
	}
	c.Points = append(c.Points, CoursePoint{At: at, Values: slices.Clone(values), Case: firstCase(plan, values)})
}

// turns are the moments at which a window over the matches can change: when one comes into
// it, and when one leaves it.
func turns(all []compiler.Match, from, to, width schema.Millis) []schema.Millis {
	out := []schema.Millis{from}
	for i := range all {
		for _, at := range []schema.Millis{all[i].At, all[i].At + width} {
			if at > from && at <= to {
				out = append(out, at)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// thin keeps the highest point of each of so many stretches.
func (c *Course) thin(most int) {
	n := len(c.Points)
	if n <= most {
		return
	}
	sum := func(p CoursePoint) (total float64) {
		for _, v := range p.Values {
			total += v
		}
		return total
	}
	kept := make([]CoursePoint, 0, most)
	for i := range most {
		stretch := c.Points[i*n/most : (i+1)*n/most]
		kept = append(kept, slices.MaxFunc(stretch, func(a, b CoursePoint) int {
			switch held := (a.Case >= 0) == (b.Case >= 0); {
			case held && sum(a) < sum(b), !held && b.Case >= 0:
				return -1
			case held && sum(a) == sum(b):
				return 0
			}
			return 1
		}))
	}
	c.Points, c.Thinned = kept, true
}

// stopsBetween are where a traveller was from one moment to another.
func stopsBetween(own []compiler.Match, from, to schema.Millis) (out []Stop) {
	stops(own, Always, func(now stop, before []stop) bool {
		if now.At < from || now.At > to {
			return now.At < from
		}
		s := Stop{At: now.At, Place: now.place}
		for _, b := range before {
			s.Assumed = s.Assumed || sameAddress(now.Match, b.Match)
			if km, kmh := leg(b, now); km >= s.Km {
				s.Km, s.Kmh, s.Since = km, kmh, b.At
				s.Impossible = km > compiler.TravelKm && kmh > compiler.TravelKmh
			}
		}
		out = append(out, s)
		return true
	})
	return out
}
