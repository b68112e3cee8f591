package detect

import (
	"cmp"
	"iter"
	"math"
	"slices"
)

// tally is how many events buckets had. There are a thousand buckets for each group,
// so it is kept small: as a list of those with events or, where they lie close, with
// two bytes for each bucket.
type tally struct {
	list  []bucketCount // in order
	dense []uint16      // from bucket `from` on; full where the count is in much
	from  int64
	much  map[int64]uint32
	n     int // buckets with events, of dense
}

// bucketCount is kept small, too: before 1970 a bucket is negative.
type bucketCount struct {
	bucket int32
	count  uint32
}

const (
	// listed is how many entries a list has at least before it is given up for dense
	// buckets, and closeness how many buckets there may be for each then.
	listed, closeness = 32, 3
	// tallyStep is by how many buckets the dense ones grow.
	tallyStep = 128
	full      = math.MaxUint16
)

// add counts events in a bucket, up to 4 billion.
func (t *tally) add(bucket int64, events uint64) {
	if t.dense != nil && !t.reach(bucket) {
		t.unfold()
	}
	if t.dense != nil {
		t.put(bucket, uint32(min(uint64(t.at(bucket))+events, math.MaxUint32)))
		return
	}
	i, found := t.find(bucket)
	if !found {
		t.list = slices.Insert(t.list, i, bucketCount{bucket: int32(bucket)})
	}
	t.list[i].count = uint32(min(uint64(t.list[i].count)+events, math.MaxUint32))
	if n := len(t.list); !found && n >= listed && int64(t.list[n-1].bucket)-int64(t.list[0].bucket) < closeness*int64(n) {
		t.fold()
	}
}

// count is how many events a bucket had.
func (t *tally) count(bucket int64) uint32 {
	if t.dense != nil {
		return t.at(bucket)
	}
	if i, found := t.find(bucket); found {
		return t.list[i].count
	}
	return 0
}

// all are the buckets with events, in order.
func (t *tally) all() iter.Seq2[int64, uint32] {
	return func(yield func(int64, uint32) bool) {
		for _, c := range t.list {
			if !yield(int64(c.bucket), c.count) {
				return
			}
		}
		for i := range t.dense {
			b := t.from + int64(i)
			if n := t.at(b); n > 0 && !yield(b, n) {
				return
			}
		}
	}
}

// last is the last bucket with events up to another.
func (t *tally) last(upTo int64) (bucket int64, ok bool) {
	for b := range t.all() {
		if b > upTo {
			break
		}
		bucket, ok = b, true
	}
	return bucket, ok
}

// letGo forgets the buckets before another.
func (t *tally) letGo(before int64) {
	var kept tally
	for b, n := range t.all() {
		if b >= before {
			kept.add(b, uint64(n))
		}
	}
	*t = kept
}

func (t *tally) find(bucket int64) (int, bool) {
	if n := len(t.list); n > 0 && int64(t.list[n-1].bucket) < bucket {
		return n, false // as they come
	}
	return slices.BinarySearchFunc(t.list, bucket, func(c bucketCount, b int64) int { return cmp.Compare(int64(c.bucket), b) })
}

func (t *tally) at(bucket int64) uint32 {
	i := bucket - t.from
	if i < 0 || i >= int64(len(t.dense)) {
		return 0
	}
	if t.dense[i] == full {
		return t.much[bucket]
	}
	return uint32(t.dense[i])
}

func (t *tally) put(bucket int64, count uint32) {
	if t.at(bucket) == 0 {
		t.n++
	}
	if count < full {
		t.dense[bucket-t.from] = uint16(count)
		return
	}
	if t.much == nil {
		t.much = map[int64]uint32{}
	}
	t.dense[bucket-t.from], t.much[bucket] = full, count
}

// reach makes room for a bucket among the dense ones, unless it is too far from them.
func (t *tally) reach(bucket int64) bool {
	end := t.from + int64(len(t.dense))
	if bucket >= t.from && bucket < end {
		return true
	}
	first, last := min(t.from, bucket), max(end-1, bucket)
	if last-first >= 2*closeness*int64(t.n)+tallyStep {
		return false
	}
	size := last - first + 1
	if bucket < t.from || size > int64(cap(t.dense)) {
		larger := make([]uint16, size, (size+tallyStep-1)/tallyStep*tallyStep)
		copy(larger[t.from-first:], t.dense)
		t.dense, t.from = larger, first
		return true
	}
	t.dense = t.dense[:size]
	return true
}

// fold makes the list dense, unfold what is dense a list.
func (t *tally) fold() {
	list := t.list
	first, last := int64(list[0].bucket), int64(list[len(list)-1].bucket)
	*t = tally{dense: make([]uint16, last-first+1, (last-first+tallyStep)/tallyStep*tallyStep), from: first}
	for _, c := range list {
		t.put(int64(c.bucket), c.count)
	}
}

func (t *tally) unfold() {
	var list []bucketCount
	for b, n := range t.all() {
		list = append(list, bucketCount{int32(b), n})
	}
	*t = tally{list: list}
}
