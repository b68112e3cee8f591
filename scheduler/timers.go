package scheduler

import (
	"container/heap"
	"slices"

	"nightjar/schema"
)

// timers wake signal groups at moments of event time. A group has one timer, at
// the earliest moment that it was armed for; whether anything is due then is for
// who is woken to find out, so that an event costs no moving of timers.
type timers struct {
	groups  map[uint64]timer   // by the key of the group state
	seconds map[int64][]uint64 // keys of group states by the second that they are due in
	order   secondsHeap        // of the keys of seconds
}

type timer struct {
	due   schema.Millis
	group []string
}

// woken is a group whose timer ran out.
type woken struct {
	key uint64
	timer
}

// arm wakes the group at due, or earlier where it is armed already.
func (t *timers) arm(key uint64, group []string, due schema.Millis) {
	have, ok := t.groups[key]
	for ; ok && !slices.Equal(have.group, group); have, ok = t.groups[key] {
		key++ // another group's key is the same by chance; it may get a second timer
	}
	if ok && have.due <= due {
		return
	}
	if t.groups == nil {
		t.groups, t.seconds = map[uint64]timer{}, map[int64][]uint64{}
	}
	t.groups[key] = timer{due, group}
	second := secondOf(due)
	keys, ok := t.seconds[second]
	if !ok {
		heap.Push(&t.order, second)
	}
	t.seconds[second] = append(keys, key)
}

// take gives the groups that are due up to a moment, and disarms them. It stops
// after a second of due times in which there were enough of them, and returns the
// moment up to which it took all.
func (t *timers) take(through schema.Millis, enough int) (out []woken, taken schema.Millis) {
	for len(t.order) > 0 && t.order[0] <= secondOf(through) {
		second := t.order[0]
		if len(out) >= enough {
			return out, schema.Millis(second*1000 - 1)
		}
		var rest []uint64
		for _, key := range t.seconds[second] {
			w, ok := t.groups[key]
			switch {
			case !ok || secondOf(w.due) != second: // it was armed for earlier since
			case w.due > through:
				rest = append(rest, key)
			default:
				out = append(out, woken{key, w})
				delete(t.groups, key)
			}
		}
		if len(rest) > 0 {
			t.seconds[second] = rest
			return out, through
		}
		delete(t.seconds, second)
		heap.Pop(&t.order)
	}
	return out, through
}

func secondOf(m schema.Millis) int64 {
	second := int64(m) / 1000
	if m%1000 < 0 {
		second--
	}
	return second
}

// secondsHeap has the earliest second first.
type secondsHeap []int64

func (h secondsHeap) Len() int           { return len(h) }
func (h secondsHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h secondsHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *secondsHeap) Push(x any) { *h = append(*h, x.(int64)) }

// Pop implements heap.Interface.
func (h *secondsHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
