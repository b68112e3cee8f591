package detect

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"nightjar/anomaly"
	"nightjar/compiler"
	"nightjar/schema"
)

// SeriesModel is the model of a series of buckets before Through.
type SeriesModel struct {
	Label   int
	Group   []string
	Through schema.Millis
	State   []byte // of anomaly.Model
}

// BucketMatches are the matches of a label and a group in one bucket.
type BucketMatches struct {
	Label   int
	Group   []string
	Bucket  int64 // since the epoch
	Count   uint64
	Tuples  []string  // distinct, where the label counts those
	Numbers []float64 // where it adds those
}

// Baseline is what one plan has learned: the series of each group of each label.
type Baseline struct {
	Plan   *compiler.BoundPlan
	width  int64 // ms
	series map[SeenKey]*series
	// counted is the last arrival whose matches are in the series.
	counted uint64
	// seen is the latest arrival, newest that of those that were evaluated, settled
	// the bucket before which all is in the models and stored.
	seen    schema.Millis
	newest  schema.Millis
	settled int64
	err     error // what went wrong last
	// sharing are the full groups by signal group, where those are coarser and closed
	// buckets are judged.
	sharing map[string][][]string
	peers   peers
}

// series is one group of one label. The model base has learned the buckets that
// no event can change any more; counts and sums are those since then in which
// something happened. head is base with the buckets before the one that was asked for last.
type series struct {
	label  int
	group  []string
	base   *anomaly.Model
	counts tally             // of a label that counts
	sums   map[int64]*window // of others
	first  int64             // bucket of the first event
	heard  int64             // bucket of the last
	begun  bool              // there was one
	head   *anomaly.Model
	next   int64 // bucket that head foresees
	kept   []foreseen
}

// NewBaseline knows nothing yet; matches up to an arrival are not counted one by one.
func NewBaseline(plan *compiler.BoundPlan, counted uint64) *Baseline {
	return &Baseline{Plan: plan, counted: counted, width: plan.Anomaly.Bucket.Milliseconds(), series: map[SeenKey]*series{}, peers: peers{top: math.MinInt64}}
}

// BucketOf is the bucket of a moment.
func (bl *Baseline) BucketOf(at schema.Millis) int64 {
	b := int64(at) / bl.width
	if int64(at)%bl.width < 0 {
		b--
	}
	return b
}

func (bl *Baseline) of(label int, group []string) *series {
	key := LabelKey(label, group...)
	s := bl.series[key]
	if s == nil {
		s = &series{label: label, group: group}
		bl.series[key] = s
		bl.share(group)
	}
	return s
}

// Count takes a match into its series.
func (bl *Baseline) Count(m *compiler.Match) {
	s := bl.of(m.Label, m.Group)
	b := bl.BucketOf(m.At)
	bl.changePeers(m.Label, b)
	s.changed(b)
	if bl.Plan.Labels[m.Label].Aggregation == compiler.AggCount {
		s.counts.add(b, 1)
	} else {
		s.sum(bl.Plan, b).add(m)
	}
}

// changed notes that a bucket is another now, and forgets what was foreseen from
// it.
func (s *series) changed(bucket int64) {
	if s.heard = max(s.heard, bucket); !s.begun {
		s.heard = bucket
	}
	if !s.begun || bucket < s.first {
		s.first, s.begun = bucket, true
	}
	s.kept = slices.DeleteFunc(s.kept, func(f foreseen) bool { return f.bucket > bucket })
	if s.head != nil && bucket < s.next {
		s.head = nil
	}
}

// sum is what a bucket adds up to, as the window that slides over matches has it:
// there is one way to add up.
func (s *series) sum(plan *compiler.BoundPlan, bucket int64) *window {
	w := s.sums[bucket]
	if w == nil {
		if s.sums == nil {
			s.sums = map[int64]*window{}
		}
		w = newWindow(plan)
		s.sums[bucket] = w
	}
	return w
}

// model is the model that foresees a bucket: it has learned those before it.
func (s *series) model(bl *Baseline, bucket int64) (*anomaly.Model, error) {
	if s.head == nil || s.next > bucket {
		var err error
		if s.head, s.next, err = s.restart(bl); err != nil {
			return nil, err
		}
	}
	return s.head, s.learn(bl, s.head, &s.next, bucket)
}

// learn teaches a model the buckets from next until another.
func (s *series) learn(bl *Baseline, m *anomaly.Model, next *int64, until int64) error {
	for ; *next < until; *next++ {
		s.keep(bl, m, *next)
		if err := m.Add(*next*bl.width, s.value(*next)); err != nil {
			return fmt.Errorf("learn a bucket of rule %s: %w", bl.Plan.Rule.ID, err)
		}
	}
	return nil
}

// restart is a copy of base, and the bucket that it foresees.
func (s *series) restart(bl *Baseline) (*anomaly.Model, int64, error) {
	if s.base == nil {
		m, err := anomaly.New(anomaly.Config{Bucket: bl.Plan.Anomaly.Bucket, Tolerance: bl.Plan.Anomaly.Tolerance, Hold: bl.Plan.MaxDuration})
		return m, s.first, err
	}
	state, err := s.base.MarshalBinary()
	if err != nil {
		return nil, 0, fmt.Errorf("copy a model: %w", err)
	}
	m := new(anomaly.Model)
	err = m.UnmarshalBinary(state)
	return m, s.base.Next() / bl.width, err
}

func (s *series) value(bucket int64) float64 {
	if w := s.sums[bucket]; w != nil {
		return max(-math.MaxFloat32, min(w.values()[s.label], math.MaxFloat32)) // finite
	}
	return float64(s.counts.count(bucket))
}

// judge are a label's values for a bucket that holds x, and may be open to more: the
// probability that it is lower, and that it is no higher. It reports whether there
// was anything to judge it by.
func (s *series) judge(bl *Baseline, bucket int64, x float64, open bool) (below, atMost float64, ok bool) {
	if a := bl.Plan.Anomaly; s.young(bl, bucket) {
		switch {
		case a.Baseline != nil && x > *a.Baseline:
			return 1, 1, true
		case a.Peers && open: // they tell of buckets with events, and a closed one may have none
			below, ok = bl.peersBelow(s.label, bucket, x)
			return below, 1, ok
		}
		return 0, 1, false
	}
	f, err := s.foresight(bl, bucket)
	if err != nil {
		bl.err = err
		return 0, 1, false
	}
	return f.Below(x), f.AtMost(x), true
}

// young reports whether there is too little history before a bucket to judge it by.
func (s *series) young(bl *Baseline, bucket int64) bool {
	age := time.Duration((bucket-s.first)*bl.width) * time.Millisecond
	return bucket <= s.first || age < bl.Plan.Anomaly.Learn
}

// detections finds the moments at which cases hold, in the matches of one full group.
// The open bucket may match before it ends, and stays matched as it fills.
func (bl *Baseline) detections(group []compiler.Match, from schema.Millis) []detection {
	var out []detection
	for i := 0; i < len(group); {
		bucket, j := bl.BucketOf(group[i].At), i
		for j < len(group) && bl.BucketOf(group[j].At) == bucket {
			j++
		}
		out = append(out, bl.bucketDetections(group[i:j], bucket, from)...)
		i = j
	}
	return out
}

func (bl *Baseline) bucketDetections(matches []compiler.Match, bucket int64, from schema.Millis) []detection {
	var out []detection
	w, matched := newWindow(bl.Plan), -1
	for i := 0; i < len(matches); {
		at := matches[i].At
		for ; i < len(matches) && matches[i].At == at; i++ {
			w.add(&matches[i])
		}
		if c := bl.firstCase(bl.judge(matches[0].Group, bucket, w.values())); c >= 0 {
			matched = c
		}
		if matched >= 0 && at >= from {
			out = append(out, detection{at: at, caseAt: matched})
		}
	}
	return out
}

// sumsAt are what the matches of a full group come to, by label, in the bucket of a
// moment, up to the moment.
func (bl *Baseline) sumsAt(own []compiler.Match, at schema.Millis) []float64 {
	w, bucket := newWindow(bl.Plan), bl.BucketOf(at)
	for i := range own {
		if m := &own[i]; m.At <= at && bl.BucketOf(m.At) == bucket {
			w.add(m)
		}
	}
	return w.values()
}

// judge are the labels' values in an open bucket that comes to these sums so far. It
// has no low side yet. Where there is nothing to judge any label by, no case holds,
// whatever it asks for.
func (bl *Baseline) judge(group []string, bucket int64, sums []float64) (values []float64, judged bool) {
	values = make([]float64, 2*len(sums))
	for label := range sums {
		values[len(sums)+label] = math.Inf(1)
		if s := bl.series[LabelKey(label, group...)]; s != nil {
			below, _, ok := s.judge(bl, bucket, sums[label], true)
			values[label], judged = below, judged || ok
		}
	}
	return values, judged
}

// firstCase is the first case that holds of the values of both sides; −1: none does,
// or there are none.
func (bl *Baseline) firstCase(values []float64, judged bool) int {
	if !judged {
		return -1
	}
	return slices.IndexFunc(bl.Plan.Cases, func(c compiler.Case) bool { return c.Sides.Holds(values) })
}

// Settle teaches the models the buckets that no event can change any more, and that
// were judged: those before through. It saves the models that differ from what is
// stored, some at a time, and reports whether there were any.
func (bl *Baseline) Settle(judged schema.Millis, lateness time.Duration, save func([]SeriesModel) error) (through schema.Millis, some bool, err error) {
	newest := min(bl.newest, judged)
	kept := lateness + settled
	if bl.Plan.Anomaly.Peers {
		kept += peersReach
		bl.peers.letGo(bl.stretchOf(bl.BucketOf(newest.Add(-kept))))
	}
	horizon := bl.BucketOf(newest.Add(-kept))
	through = bl.Moment(horizon)
	if horizon-bl.settled < settleEvery*3_600_000/bl.width {
		return bl.Moment(bl.settled), false, nil
	}
	var part []SeriesModel
	for _, s := range bl.series {
		if s.base == nil && s.first >= horizon {
			continue
		}
		state, err := s.settle(bl, horizon)
		if err != nil {
			return 0, false, err
		}
		some = true
		if part = append(part, SeriesModel{s.label, s.group, schema.Millis(horizon * bl.width), state}); len(part) < settledAtOnce {
			continue
		}
		if err := save(part); err != nil {
			return 0, false, err
		}
		part = part[:0]
	}
	if len(part) > 0 {
		err = save(part)
	}
	return through, some, err
}

// settledAtOnce is how many models are saved together: their states take memory.
const settledAtOnce = 1000

// settle teaches the series' base the buckets before a horizon.
func (s *series) settle(bl *Baseline, horizon int64) (state []byte, err error) {
	m, next, err := s.restart(bl)
	if err != nil {
		return nil, err
	}
	if err := s.learn(bl, m, &next, horizon); err != nil {
		return nil, err
	}
	if state, err = m.MarshalBinary(); err != nil {
		return nil, err
	}
	s.base = m
	s.counts.letGo(horizon)
	maps.DeleteFunc(s.sums, func(b int64, _ *window) bool { return b < horizon })
	return state, nil
}

// settleEvery is how many hours of buckets are settled together.
const settleEvery = 6

// SettledBefore notes that everything before a moment is in the stored models.
func (bl *Baseline) SettledBefore(at schema.Millis) { bl.settled = bl.BucketOf(at) }

// Restore takes a model that was stored. It reports whether an earlier version of
// nightjar wrote it.
func (bl *Baseline) Restore(m SeriesModel) (earlier bool, err error) {
	s := bl.of(m.Label, m.Group)
	s.base = new(anomaly.Model)
	if err := s.base.UnmarshalBinary(m.State); err != nil {
		return false, err
	}
	earlier = s.base.HoldFor(bl.Plan.MaxDuration)
	s.first, s.heard, s.begun = s.base.First()/bl.width, s.base.Heard()/bl.width, true
	return earlier, nil
}

// Refill takes in the stored matches of a bucket, unless a model has learned it.
func (bl *Baseline) Refill(b BucketMatches) {
	s := bl.of(b.Label, b.Group)
	if s.base != nil && b.Bucket < s.base.Next()/bl.width {
		return
	}
	s.changed(b.Bucket)
	bl.peers.top = max(bl.peers.top, b.Bucket)
	if bl.Plan.Labels[b.Label].Aggregation == compiler.AggCount {
		s.counts.add(b.Bucket, b.Count)
	} else {
		s.sum(bl.Plan, b.Bucket).refill(b)
	}
}

// Err is what went wrong last when something was judged; what was found since may be
// wrong then. Of none, nothing went wrong.
func (bl *Baseline) Err() error {
	if bl == nil {
		return nil
	}
	return bl.err
}

// Size is how many series there are.
func (bl *Baseline) Size() int { return len(bl.series) }

// Note takes in a match that arrived. One that was counted where it was stored, without
// a word to the others, only tells those that its group is a peer of.
func (bl *Baseline) Note(m *compiler.Match) {
	if m.Seq > bl.counted {
		bl.Count(m)
	} else {
		bl.changePeers(m.Label, bl.BucketOf(m.At))
	}
}

// CountedThrough notes that matches up to an arrival are counted.
func (bl *Baseline) CountedThrough(seq uint64) { bl.counted = max(bl.counted, seq) }

// Evaluated notes that everything that arrived so far was evaluated.
func (bl *Baseline) Evaluated() {
	bl.peers.late = nil
	bl.newest = bl.seen
}

// Arrived notes when an event arrived.
func (bl *Baseline) Arrived(seen schema.Millis) { bl.seen = max(bl.seen, seen) }
