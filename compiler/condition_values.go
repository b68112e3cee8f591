package compiler

import (
	"iter"
	"maps"
	"math"
	"slices"
)

// maxSatisfy is how many choices of values are tried before a condition counts
// as possible.
const maxSatisfy = 20_000

// possible reports whether some values of the labels make the condition true. A
// label's numbers fall into stretches between those it is compared with, within
// which no comparison changes; one value of each is tried, label by label, until
// the rest does not matter.
func (a *analysis) possible(n CondNode) bool {
	s := satisfier{node: n, known: map[int]float64{}, budget: maxSatisfy}
	numbers := map[int][]float64{}
	for c := range comparisons(n) {
		numbers[c.Label] = append(numbers[c.Label], c.Number)
	}
	for _, l := range slices.Sorted(maps.Keys(numbers)) {
		s.labels = append(s.labels, l)
		s.tries = append(s.tries, a.tries(l, numbers[l]))
	}
	return s.from(0)
}

type satisfier struct {
	node   CondNode
	labels []int
	tries  [][]float64
	known  map[int]float64
	budget int
}

// from chooses values of the labels from the i-th on.
func (s *satisfier) from(i int) bool {
	s.budget--
	switch canHold, canFail := outcomes(s.node, s.known); {
	case !canHold:
		return false
	case !canFail || s.budget <= 0:
		return true
	}
	for _, v := range s.tries[i] {
		s.known[s.labels[i]] = v
		if s.from(i + 1) {
			return true
		}
	}
	delete(s.known, s.labels[i])
	return false
}

// outcomes says what can become of a condition of which some labels are known.
func outcomes(n CondNode, known map[int]float64) (canHold, canFail bool) {
	switch n := n.(type) {
	case CondCompare:
		v, ok := known[n.Label]
		if !ok {
			return true, true
		}
		holds := n.Compare(v)
		return holds, !holds
	case CondAnd:
		h, f := outcomes(n.Left, known)
		if !h {
			return false, true
		}
		h2, f2 := outcomes(n.Right, known)
		return h2, f || f2
	case CondOr:
		h, f := outcomes(n.Left, known)
		if !f {
			return true, false
		}
		h2, f2 := outcomes(n.Right, known)
		return h || h2, f2
	case CondNot:
		h, f := outcomes(n.Inner, known)
		return f, h
	}
	return true, false
}

// tries are values of a label, at least one of each stretch between the numbers
// that it can have.
func (a *analysis) tries(l int, numbers []float64) []float64 {
	whole := !a.probability && (a.counts(l) || a.labels[l].Aggregation == AggCardinality)
	out := []float64{0, 1}
	if whole {
		for _, n := range numbers {
			out = append(out, math.Floor(n), math.Ceil(n), math.Floor(n)+1, math.Ceil(n)-1)
		}
	} else {
		out = append(out, numbers...)
		slices.Sort(out)
		for i := range len(out) - 1 {
			out = append(out, out[i]/2+out[i+1]/2)
		}
		out = append(out, math.Nextafter(slices.Min(out), math.Inf(-1)), math.Nextafter(slices.Max(out), math.Inf(1)))
	}
	out = slices.DeleteFunc(out, func(v float64) bool {
		return (whole || a.probability) && v < 0 || (a.probability || a.alone && a.counts(l)) && v > 1
	})
	slices.Sort(out)
	return slices.Compact(out)
}

// Comparisons are those in the condition, in the order in which they are written.
func (c *Condition) Comparisons() (out []CondCompare) {
	for _, part := range c.Parts {
		for compared := range comparisons(part) {
			out = append(out, compared)
		}
	}
	return out
}

// comparisons are those in a condition.
func comparisons(n CondNode) iter.Seq[CondCompare] {
	return func(yield func(CondCompare) bool) { eachComparison(n, yield) }
}

func eachComparison(n CondNode, yield func(CondCompare) bool) bool {
	switch n := n.(type) {
	case CondCompare:
		return yield(n)
	case CondAnd:
		return eachComparison(n.Left, yield) && eachComparison(n.Right, yield)
	case CondOr:
		return eachComparison(n.Left, yield) && eachComparison(n.Right, yield)
	case CondNot:
		return eachComparison(n.Inner, yield)
	}
	return true
}

// labelsIn are the labels in a condition, once each.
func labelsIn(n CondNode) iter.Seq[int] {
	seen := map[int]bool{}
	for c := range comparisons(n) {
		seen[c.Label] = true
	}
	return maps.Keys(seen)
}
