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
	// evaluated, pruned that at which old knowledge was looked for.
	seen, newest, pruned schema.Millis
}

type stretch struct{ start, end schema.Millis }

type touchedUnit struct {
	group []string
	since schema.Millis
}

func NewSeenValues(n *compiler.Novelty) *SeenValues {
	return &SeenValues{
		novelty: n, forget: schema.Millis(n.Forget.Milliseconds()),
		one: map[SeenKey]stretch{}, many: map[SeenKey][]stretch{},
		groups: map[SeenKey]schema.Millis{}, firsts: map[SeenKey][]Arrival{},
		changed: map[SeenKey]bool{}, begun: map[SeenKey]bool{}, touched: map[uint64]touchedUnit{},
	}
}

// LabelKey is a hash that nobody can find a second preimage of: a value that an
// attacker could make look like a known one would be no news.
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
// by what is known so far: later knowledge can only make them old. differs says
// that something at that time or after may be other news than before.
func (k *SeenValues) Learn(m *compiler.Match, values []string) (news []string, differs bool) {
	differs = k.begin(seenGroupKey(m), Arrival{m.At, m.Seq})
	known := 0 // of the values so far
	for i, v := range values {
		isNew, changed := k.see(seenValueKey(m, v), m.At)
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
		return values, differs // one list for all groups of the event
	}
	return news, differs
}

// begin notes an event of a group, where it is among the first.
func (k *SeenValues) begin(group SeenKey, a Arrival) (differs bool) {
	if k.novelty.First == 1 {
		first, any := k.groups[group]
		if any && first <= a.At {
			return false
		}
		k.groups[group] = a.At
		k.begun[group] = true
		return any
	}
	list := k.firsts[group]
	i, found := slices.BinarySearchFunc(list, a, compareArrivals)
	if found || i >= k.novelty.First {
		return false
	}
	list = slices.Insert(list, i, a)
	k.firsts[group] = list[:min(len(list), k.novelty.First)]
	k.begun[group] = true
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

// see notes that a value was seen.
func (k *SeenValues) see(value SeenKey, at schema.Millis) (isNew, differs bool) {
	if s, ok := k.one[value]; ok && at >= s.start && at <= s.end+k.forget {
		if at > s.end {
			k.one[value] = stretch{s.start, at}
			k.changed[value] = true
		}
		return at == s.start, at == s.start
	}
	list := k.stretches(value)
	merged := stretch{at, at}
	rest := make([]stretch, 0, len(list)+1)
	joined := 0
	for _, s := range list {
		if at < s.start-k.forget || at > s.end+k.forget {
			rest = append(rest, s)
			continue
		}
		merged = stretch{min(merged.start, s.start), max(merged.end, s.end)}
		joined++
	}
	for _, s := range list {
		if s.start != merged.start && s.start > merged.start && s.start <= merged.end {
			k.gone = append(k.gone, SeenValue{Key: value, Start: s.start, End: s.end, Gone: true})
		}
	}
	rest = append(rest, merged)
	sort.Slice(rest, func(i, j int) bool { return rest[i].start < rest[j].start })
	k.put(value, rest)
	k.changed[value] = true
	return at == merged.start, at == merged.start || joined > 1
}

func (k *SeenValues) stretches(value SeenKey) []stretch {
	if s, ok := k.one[value]; ok {
		return []stretch{s}
	}
	return k.many[value]
}

func (k *SeenValues) put(value SeenKey, list []stretch) {
	delete(k.many, value)
	delete(k.one, value)
	switch len(list) {
	case 0:
	case 1:
		k.one[value] = list[0]
	default:
		k.many[value] = list
	}
}

// Touch notes that a signal group must be looked at again from a moment on.
func (k *SeenValues) Touch(key uint64, group []string, since schema.Millis) {
	if t, ok := k.touched[key]; ok {
		since = min(since, t.since)
	}
	k.touched[key] = touchedUnit{group, since}
}

// news keeps the matches of values that are new at their time and not learned
// in silence, and of them only those values. Matches of labels without novelty
// stay as they are.
func (k *SeenValues) news(plan *compiler.BoundPlan, matches []compiler.Match) []compiler.Match {
	out := make([]compiler.Match, 0, len(matches))
	for i := range matches {
		m := &matches[i]
		values := plan.Values(m)
		if values == nil {
			out = append(out, *m)
			continue
		}
		if k.learning(seenGroupKey(m), m.At) {
			continue
		}
		if len(values) == 0 { // nothing that could be known
			out = append(out, *m)
			continue
		}
		var fresh []string
		for _, v := range values {
			if k.starts(seenValueKey(m, v), m.At) {
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

// starts tells whether a stretch of the value starts at this time.
func (k *SeenValues) starts(value SeenKey, at schema.Millis) bool {
	if s, ok := k.one[value]; ok {
		return s.start == at
	}
	for _, s := range k.many[value] {
		if s.start == at {
			return true
		}
	}
	return false
}

// learning tells whether the group is still being learned at this time.
func (k *SeenValues) learning(group SeenKey, at schema.Millis) bool {
	var until schema.Millis // the time up to which, itself included, all is silent
	if k.novelty.First == 1 {
		first, ok := k.groups[group]
		if !ok {
			return true
		}
		until = first
	} else {
		list := k.firsts[group]
		if len(list) < k.novelty.First {
			return true
		}
		until = list[len(list)-1].At
	}
	if learn := schema.Millis(k.novelty.Learn.Milliseconds()); learn > 0 {
		until += learn
		if !k.novelty.LearnEnd {
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
func (k *SeenValues) Unstored() (values []SeenValue, groups []SeenGroup) {
	for key := range k.changed {
		if len(values) >= maxLearned {
			break
		}
		for _, s := range k.stretches(key) {
			values = append(values, SeenValue{Key: key, Start: s.start, End: s.end})
		}
	}
	values = append(values, k.gone[:min(len(k.gone), max(0, maxLearned-len(values)))]...)
	for key := range k.begun {
		if len(groups) >= maxLearned {
			break
		}
		groups = append(groups, SeenGroup{Key: key, First: k.first(key)})
	}
	return values, groups
}

func (k *SeenValues) first(group SeenKey) []Arrival {
	if k.novelty.First == 1 {
		return []Arrival{{At: k.groups[group]}}
	}
	return k.firsts[group]
}

// Stored notes that these changes were.
func (k *SeenValues) Stored(values []SeenValue, groups []SeenGroup) {
	for i := range values {
		if values[i].Gone {
			k.gone = k.gone[1:]
		} else {
			delete(k.changed, values[i].Key)
		}
	}
	for i := range groups {
		delete(k.begun, groups[i].Key)
	}
	if len(k.changed)+len(k.begun)+len(k.gone) == 0 { // none of them ever shrinks
		k.changed, k.begun, k.gone = map[SeenKey]bool{}, map[SeenKey]bool{}, nil
	}
}

// settled is how long after a stretch can no longer grow it may still be asked
// for: signals that are looked at again reach back as long as they last.
const settled = 3 * 24 * time.Hour

// prune lets go of stretches so old that no event can come that would join
// them: what was forgotten before then needs no memory.
func (k *SeenValues) prune(horizon schema.Millis) {
	before := horizon - k.forget - schema.Millis(settled.Milliseconds())
	drop := func(key SeenKey, s stretch) bool {
		if s.end >= before {
			return false
		}
		k.gone = append(k.gone, SeenValue{Key: key, Start: s.start, End: s.end, Gone: true})
		return true
	}
	dropped := 0
	for key, s := range k.one {
		if drop(key, s) {
			delete(k.one, key)
			dropped++
		}
	}
	for key, list := range k.many {
		rest := slices.DeleteFunc(slices.Clone(list), func(s stretch) bool { return drop(key, s) })
		if len(rest) < len(list) {
			k.put(key, rest)
		}
	}
	if dropped > len(k.one) { // a map never shrinks
		smaller := make(map[SeenKey]stretch, len(k.one))
		for key, s := range k.one {
			smaller[key] = s
		}
		k.one = smaller
	}
}

// Size is the number of values and groups held.
func (k *SeenValues) Size() int { return len(k.one) + len(k.many) + len(k.groups) + len(k.firsts) }

// Restore takes a stretch that was stored.
func (k *SeenValues) Restore(v SeenValue) {
	list := k.stretches(v.Key)
	if len(list) == 0 {
		k.one[v.Key] = stretch{v.Start, v.End}
		return
	}
	list = append(slices.Clone(list), stretch{v.Start, v.End})
	sort.Slice(list, func(i, j int) bool { return list[i].start < list[j].start })
	k.put(v.Key, list)
}

// pruneEvery is how often old knowledge is looked for.
const pruneEvery = schema.Millis(3_600_000)

// RestoreGroup takes the first events of a group that were stored.
func (k *SeenValues) RestoreGroup(g SeenGroup) {
	if k.novelty.First == 1 && len(g.First) > 0 {
		k.groups[g.Key] = g.First[0].At
	} else {
		k.firsts[g.Key] = g.First
	}
}

// Unevaluated reports whether there are signal groups to be looked at again.
func (k *SeenValues) Unevaluated() bool { return len(k.touched) > 0 }

// LookAgain calls touch with every signal group that must be looked at again, and the
// moment from which on.
func (k *SeenValues) LookAgain(touch func(group []string, since schema.Millis)) {
	for _, t := range k.touched {
		touch(t.group, t.since)
	}
}

// Evaluated notes that everything learned so far was evaluated.
func (k *SeenValues) Evaluated() {
	clear(k.touched)
	k.newest = k.seen
}

// Arrived notes when an event arrived.
func (k *SeenValues) Arrived(seen schema.Millis) { k.seen = max(k.seen, seen) }

// Settle prunes, now and then. Whatever was evaluated is saved: no event comes
// again that arrived before newest.
func (k *SeenValues) Settle(lateness time.Duration) {
	if k.newest-k.pruned >= pruneEvery {
		k.pruned = k.newest
		k.prune(k.newest - schema.Millis(lateness.Milliseconds()))
	}
}
