package detect

import (
	"math"
	"slices"
	"sort"

	"nightjar/compiler"
	"nightjar/schema"
)

// Peak is where the values of a group were highest within a stretch of time.
type Peak struct {
	Group []string
	CoursePoint
}

// Peaks are, of each group and each stretch from one of the bounds to the next, the moment
// at which its values were highest, where a case held then, of those: ordered by time, then
// group. The bounds ascend. Only rules that count by threshold have them; of others there is
// no column. goOn is asked before each group; its error ends the work.
func Peaks(plan *compiler.BoundPlan, matches []compiler.Match, bounds []schema.Millis, goOn func() error) (columns []Column, out []Peak, err error) {
	if plan.Method != schema.MethodThreshold || len(bounds) < 2 {
		return nil, nil, nil
	}
	columns = columnsOf(plan)
	states, globals := split(plan, matches)
	for _, gs := range states {
		if err := goOn(); err != nil {
			return nil, nil, err
		}
		sort.SliceStable(gs.Matches, func(i, j int) bool { return gs.Matches[i].At < gs.Matches[j].At })
		m := Moment{Plan: plan, Group: gs.Group, At: bounds[len(bounds)-1] - 1, Own: gs.Matches, Globals: globals}
		highest := make([]*CoursePoint, len(bounds)-1)
		course := m.Course(bounds[0], math.MaxInt)
		for i := range course.Points {
			p := &course.Points[i]
			at, found := slices.BinarySearch(bounds, p.At)
			if !found {
				at--
			}
			if at >= 0 && at < len(highest) && p.sum() > 0 && (highest[at] == nil || highest[at].below(p)) {
				highest[at] = p
			}
		}
		for _, p := range highest {
			if p != nil {
				out = append(out, Peak{Group: gs.Group, CoursePoint: *p})
			}
		}
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].At != out[j].At {
			return out[i].At < out[j].At
		}
		return slices.Compare(out[i].Group, out[j].Group) < 0
	})
	return columns, out, nil
}

func (p *CoursePoint) sum() (total float64) {
	for _, v := range p.Values {
		total += v
	}
	return total
}

// below reports whether another point matters more: a case holds there and not here, or its
// values are higher.
func (p *CoursePoint) below(other *CoursePoint) bool {
	if held := p.Case >= 0; held != (other.Case >= 0) {
		return !held
	}
	return p.sum() < other.sum()
}
