package detect

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"sort"
	"time"

	"nightjar/compiler"
	"nightjar/schema"
)

// SeenKey names a value of a group of a label, or a group of a label.
type SeenKey [16]byte

// SeenValue is a stretch of event time in which a value was never out of mind:
// seen at its start and at its end, and often enough in between. Gone says that
// the stretch with this start is no more, having become part of another or been
// forgotten for good.
type SeenValue struct {
	Key        SeenKey
	Start, End schema.Millis
	Gone       bool
}

// SeenGroup are the first events of a group: as many as learning waits for.
type SeenGroup struct {
	Key   SeenKey
	First []Arrival
}

// Arrival is an event by its time and its arrival sequence.
type Arrival struct {
	At  schema.Millis
	Seq uint64
}

// SeenValues is what one plan knows. Its answers do not depend on the order in which
// it learnt: a value is a set of stretches of event time, each without a gap in
// which the value would have been forgotten, and it is new where a stretch
// starts. Learning something twice changes nothing.
type SeenValues struct {
	novelty *compiler.Novelty
	forget  schema.Millis

	// A value with one stretch, as nearly all have, is in one, the others are in
	// many, in order.
	one    map[SeenKey]stretch
	many   map[SeenKey][]stretch
	groups map[SeenKey]schema.Millis // First 1: the first time
	firsts map[SeenKey][]Arrival     // First above 1: so many, in order

	// Not stored yet.
	changed map[SeenKey]bool
	gone    []SeenValue
	begun   map[SeenKey]bool
	// touched are the signal groups that must be looked at again, since an
	// event time; they stay until that was done.
	touched map[uint64]touchedUnit
	// seen is the latest arrival it learnt of, newest that of those that were
	// evaluated, pruned that at which old values were looked for.
	seen, newest, pruned schema.Millis
}

type stretch struct{ start, end schema.Millis }

type touchedUnit struct {
	group []string
	since schema.Millis
}

// NewSeenValues has seen nothing yet.
func NewSeenValues(n *compiler.Novelty) *SeenValues {
	return &SeenValues{
		novelty: n, forget: schema.Millis(n.Forget.Milliseconds()),
		one: map[SeenKey]stretch{}, many: map[SeenKey][]stretch{},
		groups: map[SeenKey]schema.Millis{}, firsts: map[SeenKey][]Arrival{},
		changed: map[SeenKey]bool{}, begun: map[SeenKey]bool{}, touched: map[uint64]touchedUnit{},
	}
}

// LabelKey is a hash that nobody can find a second preimage of: a value that an
// attacker could make look like one that was seen would be no news.
func LabelKey(label int, parts ...string) SeenKey {
	h := make([]byte, 0, 128)
	h = append(h, byte(label), byte(len(parts)))
	for _, p := range parts {
		h = binary.AppendUvarint(h, uint64(len(p)))
		h = append(h, p...)
	}
	sum := sha256.Sum256(h)
	return SeenKey(sum[:16])
}

func seenGroupKey(m *compiler.Match) SeenKey { return LabelKey(m.Label, m.Group...) }

func seenValueKey(m *compiler.Match, value string) SeenKey {
	return LabelKey(m.Label, append(m.Group[:len(m.Group):len(m.Group)], value)...)
}

// Learn takes in a match. news are those of its values that are new at its time,
// by what was seen so far: what is learned later can only make them old. differs says
// that something at since or after may be other news than before: at the match's time,
// or earlier where what was stored halfway is put right.
func (seen *SeenValues) Learn(m *compiler.Match, values []string) (news []string, differs bool, since schema.Millis) {
	differs, since = seen.begin(seenGroupKey(m), Arrival{m.At, m.Seq}), m.At
	known := 0 // of the values so far
	for i, v := range values {
		isNew, changed, from := seen.see(seenValueKey(m, v), m.At)
		since = min(since, from)
		switch {
		case isNew && known > 0:
			news = append(news, v)
		case !isNew:
			if known++; known == 1 {
				news = slices.Clone(values[:i])
			}
		}
		differs = differs || changed
	}
	if known == 0 {
		return values, differs, since // one list for all groups of the event
	}
	return news, differs, since
}

// begin notes an event of a group, where it is among the first.
func (seen *SeenValues) begin(group SeenKey, a Arrival) (differs bool) {
	if seen.novelty.First == 1 {
		first, any := seen.groups[group]
		if any && first <= a.At {
			return false
		}
		seen.groups[group] = a.At
		seen.begun[group] = true
		return any
	}
	list := seen.firsts[group]
	i, found := slices.BinarySearchFunc(list, a, compareArrivals)
	if found || i >= seen.novelty.First {
		return false
	}
	list = slices.Insert(list, i, a)
	seen.firsts[group] = list[:min(len(list), seen.novelty.First)]
	seen.begun[group] = true
	return true
}

func compareArrivals(a, b Arrival) int {
	switch {
	case a.At != b.At && a.At < b.At, a.At == b.At && a.Seq < b.Seq:
		return -1
	case a == b:
		return 0
	}
	return 1
}

// see notes that a value was seen. from is the earliest time at which that changed
// what is new.
func (seen *SeenValues) see(value SeenKey, at schema.Millis) (isNew, differs bool, from schema.Millis) {
	if s, ok := seen.one[value]; ok && at >= s.start && at <= s.end+seen.forget {
		if at > s.end {
			seen.one[value] = stretch{s.start, at}
			seen.changed[value] = true
		}
		return at == s.start, at == s.start, at
	}
	from = at
	list := seen.stretches(value)
	merged := stretch{at, at}
	rest := make([]stretch, 0, len(list)+1)
	joined := 0
	for _, s := range list {
		if at < s.start-seen.forget || at > s.end+seen.forget {
			rest = append(rest, s)
			continue
		}
		merged = stretch{min(merged.start, s.start), max(merged.end, s.end)}
		joined++
	}
	for _, s := range list {
		if s.start != merged.start && s.start > merged.start && s.start <= merged.end {
			seen.gone = append(seen.gone, SeenValue{Key: value, Start: s.start, End: s.end, Gone: true})
			from = min(from, s.start)
		}
	}
	rest = append(rest, merged)
	sort.Slice(rest, func(i, j int) bool { return rest[i].start < rest[j].start })
	seen.put(value, rest)
	seen.changed[value] = true
	return at == merged.start, at == merged.start || joined > 1, from
}

func (seen *SeenValues) stretches(value SeenKey) []stretch {
	if s, ok := seen.one[value]; ok {
		return []stretch{s}
	}
	return seen.many[value]
}

func (seen *SeenValues) put(value SeenKey, list []stretch) {
	delete(seen.many, value)
	delete(seen.one, value)
	switch len(list) {
	case 0:
	case 1:
		seen.one[value] = list[0]
	default:
		seen.many[value] = list
	}
}

// Touch notes that a signal group must be looked at again from a moment on.
func (seen *SeenValues) Touch(key uint64, group []string, since schema.Millis) {
	if t, ok := seen.touched[key]; ok {
		since = min(since, t.since)
	}
	seen.touched[key] = touchedUnit{group, since}
}

// news keeps the matches of values that are new at their time and not learned
// in silence, and of them only those values. Matches of labels without novelty
// stay as they are.
func (seen *SeenValues) news(plan *compiler.BoundPlan, matches []compiler.Match) []compiler.Match {
	out := make([]compiler.Match, 0, len(matches))
	for i := range matches {
		m := &matches[i]
		values := plan.Values(m)
		if values == nil {
			out = append(out, *m)
			continue
		}
		if seen.learning(seenGroupKey(m), m.At) {
			continue
		}
		if len(values) == 0 { // nothing that could have been seen
			out = append(out, *m)
			continue
		}
		var fresh []string
		for _, v := range values {
			if seen.starts(seenValueKey(m, v), m.At) {
				fresh = append(fresh, v)
			}
		}
		if len(fresh) == 0 {
			continue
		}
		n := *m
		if plan.Labels[m.Label].Aggregation == compiler.AggNewValue {
			n.Values = fresh
		}
		out = append(out, n)
	}
	return out
}

// starts reports whether a stretch of the value starts at this time.
func (seen *SeenValues) starts(value SeenKey, at schema.Millis) bool {
	if s, ok := seen.one[value]; ok {
		return s.start == at
	}
	for _, s := range seen.many[value] {
		if s.start == at {
			return true
		}
	}
	return false
}

// learning reports whether the group is still being learned at this time.
func (seen *SeenValues) learning(group SeenKey, at schema.Millis) bool {
	var until schema.Millis // the time up to which, itself included, all is silent
	if seen.novelty.First == 1 {
		first, ok := seen.groups[group]
		if !ok {
			return true
		}
		until = first
	} else {
		list := seen.firsts[group]
		if len(list) < seen.novelty.First {
			return true
		}
		until = list[len(list)-1].At
	}
	if learn := schema.Millis(seen.novelty.Learn.Milliseconds()); learn > 0 {
		until += learn
		if !seen.novelty.LearnEnd {
			until--
		}
	}
	return at <= until
}

// maxLearned is how many changes are stored at a time, so that those of many
// values neither take memory twice over nor are all tried again when one store
// fails.
const maxLearned = 100_000

// Unstored are changes that are not stored yet: not all, where there are many,
// and none when there are none. Stretches that are no more come after those that
// they became part of: what is stored when storing is cut short must not know less
// than what was stored before.
func (seen *SeenValues) Unstored() (values []SeenValue, groups []SeenGroup) {
	for key := range seen.changed {
		if len(values) >= maxLearned {
			break
		}
		for _, s := range seen.stretches(key) {
			values = append(values, SeenValue{Key: key, Start: s.start, End: s.end})
		}
	}
	values = append(values, seen.gone[:min(len(seen.gone), max(0, maxLearned-len(values)))]...)
	for key := range seen.begun {
		if len(groups) >= maxLearned {
			break
		}
		groups = append(groups, SeenGroup{Key: key, First: seen.first(key)})
	}
	return values, groups
}

func (seen *SeenValues) first(group SeenKey) []Arrival {
	if seen.novelty.First == 1 {
		return []Arrival{{At: seen.groups[group]}}
	}
	return seen.firsts[group]
}

// Stored notes that these changes were.
func (seen *SeenValues) Stored(values []SeenValue, groups []SeenGroup) {
	for i := range values {
		if values[i].Gone {
			seen.gone = seen.gone[1:]
		} else {
			delete(seen.changed, values[i].Key)
		}
	}
	for i := range groups {
		delete(seen.begun, groups[i].Key)
	}
	if len(seen.changed)+len(seen.begun)+len(seen.gone) == 0 { // none of them ever shrinks
		seen.changed, seen.begun, seen.gone = map[SeenKey]bool{}, map[SeenKey]bool{}, nil
	}
}

// settled is how long after a stretch can no longer grow it may still be asked
// for: signals that are looked at again reach back as long as they last.
const settled = 3 * 24 * time.Hour

// prune lets go of stretches so old that no event can come that would join
// them: what was forgotten before then needs no memory.
func (seen *SeenValues) prune(horizon schema.Millis) {
	before := horizon - seen.forget - schema.Millis(settled.Milliseconds())
	drop := func(key SeenKey, s stretch) bool {
		if s.end >= before {
			return false
		}
		seen.gone = append(seen.gone, SeenValue{Key: key, Start: s.start, End: s.end, Gone: true})
		return true
	}
	dropped := 0
	for key, s := range seen.one {
		if drop(key, s) {
			delete(seen.one, key)
			dropped++
		}
	}
	for key, list := range seen.many {
		rest := slices.DeleteFunc(slices.Clone(list), func(s stretch) bool { return drop(key, s) })
		if len(rest) < len(list) {
			seen.put(key, rest)
		}
	}
	if dropped > len(seen.one) { // a map never shrinks
		smaller := make(map[SeenKey]stretch, len(seen.one))
		for key, s := range seen.one {
			smaller[key] = s
		}
		seen.one = smaller
	}
}

// Size is the number of values and groups held.
func (seen *SeenValues) Size() int {
	return len(seen.one) + len(seen.many) + len(seen.groups) + len(seen.firsts)
}

// Restore takes a stretch that was stored.
func (seen *SeenValues) Restore(v SeenValue) {
	list := seen.stretches(v.Key)
	if len(list) == 0 {
		seen.one[v.Key] = stretch{v.Start, v.End}
		return
	}
	list = append(slices.Clone(list), stretch{v.Start, v.End})
	sort.Slice(list, func(i, j int) bool { return list[i].start < list[j].start })
	seen.put(v.Key, list)
}

// pruneEvery is how often old values are looked for.
const pruneEvery = schema.Millis(3_600_000)

// RestoreGroup takes the first events of a group that were stored.
func (seen *SeenValues) RestoreGroup(g SeenGroup) {
	if seen.novelty.First == 1 && len(g.First) > 0 {
		seen.groups[g.Key] = g.First[0].At
	} else {
		seen.firsts[g.Key] = g.First
	}
}

// Unevaluated reports whether there are signal groups to be looked at again.
func (seen *SeenValues) Unevaluated() bool { return len(seen.touched) > 0 }

// LookAgain calls touch with every signal group that must be looked at again, and the
// moment from which on.
func (seen *SeenValues) LookAgain(touch func(group []string, since schema.Millis)) {
	for _, t := range seen.touched {
		touch(t.group, t.since)
	}
}

// Evaluated notes that everything learned so far was evaluated.
func (seen *SeenValues) Evaluated() {
	clear(seen.touched)
	seen.newest = seen.seen
}

// Arrived notes when an event arrived.
func (seen *SeenValues) Arrived(at schema.Millis) { seen.seen = max(seen.seen, at) }

// Settle prunes, now and then. Whatever was evaluated is saved: no event comes
// again that arrived before newest.
func (seen *SeenValues) Settle(lateness time.Duration) {
	if seen.newest-seen.pruned >= pruneEvery {
		seen.pruned = seen.newest
		seen.prune(seen.newest - schema.Millis(lateness.Milliseconds()))
	}
}
