package detect

import (
	"slices"
	"time"

	"nightjar/compiler"
	"nightjar/schema"
)

// Course is how a group's values went over time, up to a moment.
type Course struct {
	Columns []Column
	// Points are the moments at which a value changed, in order: each stands until the next.
	Points []CoursePoint
	// Thinned says that there were more, of which the highest of each stretch are there.
	Thinned bool
	// Stops are where a traveller was, of rules of journeys.
	Stops []Stop
}

// Column is a value of the points of a course: a label over a window, in milliseconds; of a
// sequence as a step asks for it.
type Column struct {
	Label  int
	Step   string
	Window schema.Millis
}

// CoursePoint is what the columns came to at a moment, and which case held; −1: none did, or
// the plan asks for steps.
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

// Course is how the values went from a moment to that of m, in at most so many points. There
// are none of rules that look for anomalies, whose values are compared with what was learned,
// of the alerts of others, which are graded one by one, and of steps that ask for one event.
func (m Moment) Course(from schema.Millis, most int) Course {
	out := Course{Columns: columnsOf(m.Plan)}
	widest := WindowOf(m.Plan)
	for _, c := range out.Columns {
		widest = max(widest, c.Window)
	}
	m.counted = counting(m.Plan, m.Seen, m.Own, from-widest)
	if m.Plan.Method == schema.MethodImpossibleTravel {
		out.Stops = stopsBetween(m.Own, from, m.At)
	}
	switch {
	case len(out.Columns) == 0:
	case m.Plan.Window == 0 && len(m.Plan.Steps) == 0:
		for e := range events(m.counted, m.Globals) {
			if e.at >= from && e.at <= m.At {
				values := e.values(m.Plan)
				out.add(e.at, values, firstCase(m.Plan, values))
			}
		}
	default:
		out.slide(&m, from)
	}
	out.thin(most)
	return out
}

// columnsOf are the labels, or what the steps of a sequence compare over windows; none where
// nothing is counted, or it is compared with what was learned.
func columnsOf(plan *compiler.BoundPlan) (out []Column) {
	if plan.Anomaly != nil || plan.Method == schema.MethodThirdParty {
		return nil
	}
	if len(plan.Steps) == 0 {
		for i := range plan.Labels {
			out = append(out, Column{Label: i, Window: WindowOf(plan)})
		}
		return out
	}
	for i, st := range plan.Steps {
		for _, compared := range st.Condition.Comparisons() {
			c := Column{Label: compared.Label, Step: StepName(st, i), Window: schema.Millis(st.Window.Milliseconds())}
			if c.Window > 0 && !slices.Contains(out, c) {
				out = append(out, c)
			}
		}
	}
	return out
}

// slide moves the windows of the columns from a moment to that of m.
func (c *Course) slide(m *Moment, from schema.Millis) {
	all := mergeByTime(m.counted, m.Globals)
	windows := map[schema.Millis]*slider{}
	var moments []schema.Millis
	for _, column := range c.Columns {
		if width := column.Window; windows[width] == nil {
			windows[width] = newSlider(m.Plan, all, time.Duration(width)*time.Millisecond)
			moments = append(moments, turns(all, from, m.At, width)...)
		}
	}
	slices.Sort(moments)
	for _, at := range slices.Compact(moments) {
		now := map[schema.Millis][]float64{}
		for width, w := range windows {
			now[width] = w.to(at)
		}
		values, held := make([]float64, len(c.Columns)), -1
		for i, column := range c.Columns {
			values[i] = now[column.Window][column.Label]
		}
		if len(m.Plan.Steps) == 0 {
			held = firstCase(m.Plan, values)
		}
		c.add(at, values, held)
	}
}

func (c *Course) add(at schema.Millis, values []float64, held int) {
	if n := len(c.Points); n > 0 && slices.Equal(c.Points[n-1].Values, values) {
		return
	}
	c.Points = append(c.Points, CoursePoint{At: at, Values: slices.Clone(values), Case: held})
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
	return out
}

// thin keeps the highest point of each of so many stretches.
func (c *Course) thin(most int) {
	n := len(c.Points)
	if n <= most {
		return
	}
	kept := make([]CoursePoint, 0, most)
	for i := range most {
		stretch := c.Points[i*n/most : (i+1)*n/most]
		kept = append(kept, slices.MaxFunc(stretch, func(a, b CoursePoint) int {
			switch {
			case a.below(&b):
				return -1
			case b.below(&a):
				return 1
			}
			return 0
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
