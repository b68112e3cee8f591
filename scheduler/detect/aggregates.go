package detect

import "nightjar/compiler"

// window holds the aggregates of the matches that are inside it now. Matches
// leave in the order in which they came.
type window struct {
	labels []aggregate
	out    []float64
}

type aggregate struct {
	kind     compiler.Aggregation
	count    int
	distinct distinct
	sum      exactSum
	queue    []float64 // of max: decreasing candidates
	numbers  []float64 // of max: all numbers inside, in order
}

func newWindow(plan *compiler.BoundPlan) *window {
	w := &window{labels: make([]aggregate, len(plan.Labels)), out: make([]float64, len(plan.Labels))}
	for i := range plan.Labels {
		w.labels[i].kind = plan.Labels[i].Aggregation
	}
	return w
}

// refill adds matches that are known by what they come to.
func (w *window) refill(b BucketMatches) {
	a := &w.labels[b.Label]
	a.distinct.add(b.Tuples)
	for _, n := range b.Numbers {
		m := compiler.Match{Label: b.Label, Number: n, HasNumber: true}
		if a.kind == compiler.AggSum || a.kind == compiler.AggMax {
			w.add(&m)
		}
	}
}

func (w *window) add(m *compiler.Match) {
	a := &w.labels[m.Label]
	switch a.kind {
	case compiler.AggCount, compiler.AggNewValue, compiler.AggPlace, compiler.AggContent:
		a.count++
	case compiler.AggCardinality:
		a.distinct.add(m.Values)
	case compiler.AggSum:
		if m.HasNumber {
			a.sum.add(m.Number)
		}
	case compiler.AggMax:
		if m.HasNumber {
			a.push(m.Number)
		}
	}
}

func (w *window) remove(m *compiler.Match) {
	a := &w.labels[m.Label]
	switch a.kind {
	case compiler.AggCount, compiler.AggNewValue, compiler.AggPlace, compiler.AggContent:
		a.count--
	case compiler.AggCardinality:
		a.distinct.remove(m.Values)
	case compiler.AggSum:
		if m.HasNumber {
			a.sum.add(-m.Number)
		}
	case compiler.AggMax:
		if m.HasNumber {
			a.pop()
		}
	}
}

func (w *window) values() []float64 {
	for i := range w.labels {
		a := &w.labels[i]
		switch a.kind {
		case compiler.AggCount, compiler.AggNewValue, compiler.AggPlace, compiler.AggContent:
			w.out[i] = float64(a.count)
		case compiler.AggCardinality:
			w.out[i] = float64(a.distinct.size())
		case compiler.AggSum:
			w.out[i] = a.sum.value()
		case compiler.AggMax:
			w.out[i] = 0
			if len(a.queue) > 0 {
				w.out[i] = a.queue[0]
			}
		}
	}
	return w.out
}

// push and pop keep the greatest number inside at queue[0]: a number that came
// before a greater one can never be the greatest again.
func (a *aggregate) push(n float64) {
	a.numbers = append(a.numbers, n)
	for len(a.queue) > 0 && a.queue[len(a.queue)-1] < n {
		a.queue = a.queue[:len(a.queue)-1]
	}
	a.queue = append(a.queue, n)
}

func (a *aggregate) pop() {
	if a.queue[0] == a.numbers[0] {
		a.queue = a.queue[1:]
	}
	a.numbers = a.numbers[1:]
}
