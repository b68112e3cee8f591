package detect

import (
	"time"

	"nightjar/anomaly"
	"nightjar/schema"
)

// This file judges groups without a past of their own by the rule's other groups
// (docs/semantics.md, "Peers"): by those that have one, and by what
// their buckets of a day held that were not empty, since a new group is seen because
// something happened. Buckets are taken together by stretches of an hour, or of one
// bucket where that is longer; the day ended a stretch before the one that is judged,
// so that events that come a little late change nothing.

const (
	peerStretch = time.Hour
	peerDay     = 24 * time.Hour
)

// peers are the distributions that a plan's new groups are judged by.
type peers struct {
	stretches map[peerKey]map[float64]int // how often each value occurs in a stretch
	days      map[peerKey]*anomaly.Peers  // before a stretch
	top       int64                       // the newest bucket of all groups
	// late is the earliest stretch that changed when it may have been asked for; nil:
	// what was judged by all of them is judged again.
	late *int64
}

type peerKey struct {
	label   int
	stretch int64
}

// stretchOf is the stretch of a bucket, and stretchLength how many buckets it has.
func (bl *Baseline) stretchOf(bucket int64) int64 {
	n := bl.stretchLength()
	stretch := bucket / n
	if bucket%n < 0 {
		stretch--
	}
	return stretch
}

func (bl *Baseline) stretchLength() int64 { return max(1, peerStretch.Milliseconds()/bl.width) }

// dayOf are the stretches that a bucket is judged by: [from, to).
func (bl *Baseline) dayOf(bucket int64) (from, to int64) {
	to = bl.stretchOf(bucket) - 1
	return to - peerDay.Milliseconds()/(bl.stretchLength()*bl.width), to
}

// peersBelow is the probability, by the other groups, that a new group's bucket is
// lower than x, where there are enough to tell.
func (bl *Baseline) peersBelow(label int, bucket int64, x float64) (p float64, ok bool) {
	widen := 1 + 0.25*float64(bl.Plan.Anomaly.Tolerance-1)
	peers := bl.peersOf(label, bucket)
	return peers.Below(x / widen), peers.Enough()
}

// peersOf is the distribution that a bucket of a new group is judged by.
func (bl *Baseline) peersOf(label int, bucket int64) *anomaly.Peers {
	from, to := bl.dayOf(bucket)
	key := peerKey{label, to}
	if p := bl.peers.days[key]; p != nil {
		return p
	}
	times := map[float64]int{}
	for stretch := from; stretch < to; stretch++ {
		for value, n := range bl.peerStretch(peerKey{label, stretch}) {
			times[value] += n
		}
	}
	if bl.peers.days == nil {
		bl.peers.days = map[peerKey]*anomaly.Peers{}
	}
	p := anomaly.NewPeers(times)
	bl.peers.days[key] = p
	return p
}

// hasPeers reports whether all that a bucket is judged by is still here.
func (bl *Baseline) hasPeers(bucket int64) bool {
	from, _ := bl.dayOf(bucket)
	return from*bl.stretchLength() >= bl.settled
}

// peerStretch is what the buckets of a stretch held, of groups with a past.
func (bl *Baseline) peerStretch(key peerKey) map[float64]int {
	if times, ok := bl.peers.stretches[key]; ok {
		return times
	}
	times := map[float64]int{}
	n := bl.stretchLength()
	for _, s := range bl.series {
		if s.label != key.label || s.first >= (key.stretch+1)*n {
			continue
		}
		for b := key.stretch * n; b < (key.stretch+1)*n; b++ {
			if s.filled(b) && !s.young(bl, b) {
				times[anomaly.PeerValue(s.value(b))]++
			}
		}
	}
	if bl.peers.stretches == nil {
		bl.peers.stretches = map[peerKey]map[float64]int{}
	}
	bl.peers.stretches[key] = times
	return times
}

// filled reports whether there was an event in a bucket.
func (s *series) filled(bucket int64) bool {
	return s.sums[bucket] != nil || s.counts.count(bucket) > 0
}

// changePeers notes that a bucket of a group is about to change. What was judged by
// it is judged again, if that can have been: if there is a bucket two stretches on.
func (bl *Baseline) changePeers(label int, bucket int64) {
	if !bl.Plan.Anomaly.Peers {
		return
	}
	stretch := bl.stretchOf(bucket)
	if bl.peers.top = max(bl.peers.top, bucket); stretch+2 > bl.stretchOf(bl.peers.top) {
		return
	}
	for key := range bl.peers.stretches { // later ones too: the group may be older now
		if key.label == label && key.stretch >= stretch {
			delete(bl.peers.stretches, key)
		}
	}
	for key := range bl.peers.days {
		if key.label == label && key.stretch > stretch {
			delete(bl.peers.days, key)
		}
	}
	if bl.peers.late == nil || *bl.peers.late > stretch {
		bl.peers.late = &stretch
	}
}

// Rejudge touches the groups without a past that were judged by what has changed
// since.
func (bl *Baseline) Rejudge(touch func(group []string, since schema.Millis)) {
	if bl.peers.late == nil {
		return
	}
	since := bl.Moment((*bl.peers.late + 2) * bl.stretchLength())
	learn := schema.Millis(bl.Plan.Anomaly.Learn.Milliseconds())
	for _, s := range bl.series {
		if grown := bl.Moment(s.first) + learn; grown > since {
			touch(SignalGroup(bl.Plan, s.group), max(since, bl.Moment(s.first)))
		}
	}
}

// letGo forgets distributions that no bucket is judged by any more.
func (p *peers) letGo(before int64) {
	for key := range p.stretches {
		if key.stretch < before {
			delete(p.stretches, key)
		}
	}
	for key := range p.days {
		if key.stretch < before {
			delete(p.days, key)
		}
	}
}

// peersReach is how much further back buckets are kept for those that are judged by
// others.
const peersReach = 32 * time.Hour
