package detect

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"

	"nightjar/compiler"
	"nightjar/schema"
)

// Never is later than any event: nothing is held.
const Never = schema.Millis(math.MaxInt64)

// Always is earlier than any event, and far from overflow.
const Always = schema.Millis(math.MinInt64 / 2)

// Insert keeps the list sorted by time, arrival and label, and free of
// duplicates. The matches are those of one event and label, which stand side by
// side, so that the list is moved once for all of them. It returns how many were
// new.
func Insert(list *[]compiler.Match, ms []compiler.Match) int {
	old := *list
	i := sort.Search(len(old), func(i int) bool { return CompareEvents(&old[i], &ms[0]) >= 0 })
	j := i
	for j < len(old) && CompareEvents(&old[j], &ms[0]) == 0 {
		j++
	}
	fresh := ms
	if j > i || len(ms) > 1 {
		fresh = missing(old[i:j], ms)
	}
	*list = slices.Insert(old, j, fresh...)
	return len(fresh)
}

// CompareEvents orders matches by time, arrival and label.
func CompareEvents(a, b *compiler.Match) int {
	return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Label, b.Label))
}

// missing are the matches of groups that those held are not of, each once.
func missing(held, ms []compiler.Match) []compiler.Match {
	known := make(map[string]bool, len(held)+len(ms))
	for i := range held {
		known[GroupKey(held[i].Group)] = true
	}
	out := make([]compiler.Match, 0, len(ms))
	for i := range ms {
		if key := GroupKey(ms[i].Group); !known[key] {
			known[key] = true
			out = append(out, ms[i])
		}
	}
	return out
}

// Since are the matches from a moment on.
func Since(ms []compiler.Match, from schema.Millis) []compiler.Match {
	return ms[sort.Search(len(ms), func(i int) bool { return ms[i].At >= from }):]
}

// Between are the matches with after < At <= until.
func Between(all []compiler.Match, after, until schema.Millis) []compiler.Match {
	i := sort.Search(len(all), func(i int) bool { return all[i].At > after })
	j := sort.Search(len(all), func(i int) bool { return all[i].At > until })
	return all[i:max(i, j)]
}

func mergeByTime(a, b []compiler.Match) []compiler.Match {
	if len(b) == 0 {
		return a
	}
	all := append(append(make([]compiler.Match, 0, len(a)+len(b)), a...), b...)
	sort.SliceStable(all, func(i, j int) bool { return all[i].At < all[j].At })
	return all
}

// moments are the distinct times of matches, which are sorted, each with the next
// one; that of the last is never.
func moments(group []compiler.Match) iter.Seq2[schema.Millis, schema.Millis] {
	return func(yield func(t, next schema.Millis) bool) {
		for i := 0; i < len(group); {
			t, next := group[i].At, Never
			for ; i < len(group) && group[i].At == t; i++ {
			}
			if i < len(group) {
				next = group[i].At
			}
			if !yield(t, next) {
				return
			}
		}
	}
}

// oneEvent is an event of a group, with all that it matches there.
type oneEvent struct {
	at      schema.Millis
	matches []compiler.Match
}

// values are the labels' values when there is nothing but this event.
func (e oneEvent) values(plan *compiler.BoundPlan) []float64 {
	w := newWindow(plan)
	for i := range e.matches {
		w.add(&e.matches[i])
	}
	return w.values()
}

// events are the group's events, by time.
func events(group, globals []compiler.Match) iter.Seq[oneEvent] {
	return func(yield func(oneEvent) bool) {
		more := map[uint64][]compiler.Match{}
		for _, m := range globals {
			more[m.Seq] = append(more[m.Seq], m)
		}
		own := map[uint64][]compiler.Match{}
		var order []uint64
		for _, m := range group {
			if own[m.Seq] == nil {
				order = append(order, m.Seq)
			}
			own[m.Seq] = append(own[m.Seq], m)
		}
		for _, seq := range order {
			matches := own[seq]
			if !yield(oneEvent{matches[0].At, append(matches[:len(matches):len(matches)], more[seq]...)}) {
				return
			}
		}
	}
}

// distinctEvents counts the events among matches of one moment, up to two.
func distinctEvents(matches []compiler.Match) int {
	for i := range matches {
		if matches[i].Seq != matches[0].Seq {
			return 2
		}
	}
	return min(len(matches), 1)
}

// ByGroup splits matches by full group, keeping their order.
func ByGroup(matches []compiler.Match) map[string][]compiler.Match {
	groups := map[string][]compiler.Match{}
	for _, m := range matches {
		key := GroupKey(m.Group)
		groups[key] = append(groups[key], m)
	}
	return groups
}

// GroupKey is equal for equal values only, whatever bytes they hold.
func GroupKey(values []string) string {
	var b strings.Builder
	for _, v := range values {
		b.WriteString(strconv.Itoa(len(v)))
		b.WriteByte(':')
		b.WriteString(v)
	}
	return b.String()
}
