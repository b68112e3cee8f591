package content

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Options say what is an anomaly.
type Options struct {
	// Similarity is from how many percent on two texts are similar.
	Similarity int
	// Items is how many similar texts make one normal.
	Items int
}

// Limits of the options, and what they are when nothing is said.
const (
	MinSimilarity     = 35
	MaxSimilarity     = 100
	DefaultSimilarity = 70
	MinItems          = 1
	MaxItems          = 20
	DefaultItems      = 1
)

// Check says what is wrong with the options.
func (o Options) Check() error {
	var errs []error
	if o.Similarity < MinSimilarity || o.Similarity > MaxSimilarity {
		errs = append(errs, fmt.Errorf("similarity: want %d to %d percent, got %d", MinSimilarity, MaxSimilarity, o.Similarity))
	}
	if o.Items < MinItems || o.Items > MaxItems {
		errs = append(errs, fmt.Errorf("similar items: want %d to %d, got %d", MinItems, MaxItems, o.Items))
	}
	return errors.Join(errs...)
}

// Memory holds what a group's texts were like. It is asked and added to in the
// order of time, and asked about the time before. Times are in any unit.
type Memory struct {
	limit int
	items []item
	known map[Signature]struct{}
	// Dropped counts the signatures that had to go before their time, because
	// there were more than the limit.
	Dropped int
}

// item is a signature and the last times that a text had it: at most MaxItems at
// the very last, and as many before it, which are those that count at that time.
type item struct {
	signature Signature
	times     []int64 // ascending
}

func (i *item) last() int64 { return i.times[len(i.times)-1] }

func (i *item) add(at int64) {
	before := slices.Index(i.times, at)
	if before < 0 {
		before = len(i.times)
	}
	if len(i.times)-before < MaxItems {
		i.times = append(i.times, at)
	}
	i.times = slices.Delete(i.times, 0, max(0, before-MaxItems))
}

// NewMemory makes one of at most limit different signatures, about 1.2 kB each.
func NewMemory(limit int) *Memory {
	return &Memory{limit: max(1, limit), known: map[Signature]struct{}{}}
}

// Len is how many different signatures are held.
func (m *Memory) Len() int { return len(m.items) }

// Add learns a text.
func (m *Memory) Add(s Signature, at int64) {
	if _, known := m.known[s]; known {
		i := slices.IndexFunc(m.items, func(i item) bool { return i.signature == s })
		m.items[i].add(at)
		m.front(i)
		return
	}
	if len(m.items) == m.limit {
		m.dropOldest()
	}
	m.known[s] = struct{}{}
	m.items = append(m.items, item{s, []int64{at}})
	m.front(len(m.items) - 1)
}

// front moves an item to where the search begins: what was similar last is
// likely to be so again.
func (m *Memory) front(i int) {
	it := m.items[i]
	copy(m.items[1:i+1], m.items[:i])
	m.items[0] = it
}

func (m *Memory) dropOldest() {
	oldest := 0
	for i := range m.items {
		if m.items[i].last() < m.items[oldest].last() {
			oldest = i
		}
	}
	delete(m.known, m.items[oldest].signature)
	m.items = slices.Delete(m.items, oldest, oldest+1)
	m.Dropped++
}

// Forget drops what was not seen from a time on.
func (m *Memory) Forget(before int64) {
	m.items = slices.DeleteFunc(m.items, func(i item) bool {
		gone := i.last() < before
		if gone {
			delete(m.known, i.signature)
		}
		return gone
	})
}

// Similar counts the texts learned in [from, to) that are similar to one with
// this signature, and stops at o.Items: so many make it normal.
func (m *Memory) Similar(s Signature, o Options, from, to int64) int {
	need := int(math.Ceil(float64(o.Similarity) * Size / 100))
	n := 0
	for i := range m.items {
		it := &m.items[i]
		if it.last() < from || it.signature.equal(&s) < need {
			continue
		}
		for _, at := range it.times {
			if from <= at && at < to {
				n++
			}
		}
		if n >= o.Items {
			m.front(i)
			return o.Items
		}
	}
	return n
}
