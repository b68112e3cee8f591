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
func (u *Baseline) stretchOf(bucket int64) int64 {
	n := u.stretchLength()
	stretch := bucket / n
	if bucket%n < 0 {
		stretch--
	}
	return stretch
}

func (u *Baseline) stretchLength() int64 { return max(1, peerStretch.Milliseconds()/u.width) }

// dayOf are the stretches that a bucket is judged by: [from, to).
func (u *Baseline) dayOf(bucket int64) (from, to int64) {
	to = u.stretchOf(bucket) - 1
	return to - peerDay.Milliseconds()/(u.stretchLength()*u.width), to
}

// peersBelow is the probability, by the other groups, that a new group's bucket is
// lower than x, where there are enough to tell.
func (u *Baseline) peersBelow(label int, bucket int64, x float64) (p float64, ok bool) {
	widen := 1 + 0.25*float64(u.Plan.Anomaly.Tolerance-1)
	peers := u.peersOf(label, bucket)
	return peers.Below(x / widen), peers.Enough()
}

// peersOf is the distribution that a bucket of a new group is judged by.
func (u *Baseline) peersOf(label int, bucket int64) *anomaly.Peers {
	from, to := u.dayOf(bucket)
	key := peerKey{label, to}
	if p := u.peers.days[key]; p != nil {
		return p
	}
	times := map[float64]int{}
	for stretch := from; stretch < to; stretch++ {
		for value, n := range u.peerStretch(peerKey{label, stretch}) {
			times[value] += n
		}
	}
	if u.peers.days == nil {
		u.peers.days = map[peerKey]*anomaly.Peers{}
	}
	p := anomaly.NewPeers(times)
	u.peers.days[key] = p
	return p
}

// hasPeers reports whether all that a bucket is judged by is still here.
func (u *Baseline) hasPeers(bucket int64) bool {
	from, _ := u.dayOf(bucket)
	return from*u.stretchLength() >= u.settled
}

// peerStretch is what the buckets of a stretch held, of groups with a past.
func (u *Baseline) peerStretch(key peerKey) map[float64]int {
	if times, ok := u.peers.stretches[key]; ok {
		return times
	}
	times := map[float64]int{}
	n := u.stretchLength()
	for _, s := range u.series {
		if s.label != key.label || s.first >= (key.stretch+1)*n {
			continue
		}
		for b := key.stretch * n; b < (key.stretch+1)*n; b++ {
			if s.filled(b) && !s.young(u, b) {
				times[anomaly.PeerValue(s.value(b))]++
			}
		}
	}
	if u.peers.stretches == nil {
		u.peers.stretches = map[peerKey]map[float64]int{}
	}
	u.peers.stretches[key] = times
	return times
}

// filled reports whether there was an event in a bucket.
func (s *series) filled(bucket int64) bool {
	return s.sums[bucket] != nil || s.counts.count(bucket) > 0
}

// changePeers notes that a bucket of a group is about to change. What was judged by
// it is judged again, if that can have been: if there is a bucket two stretches on.
func (u *Baseline) changePeers(label int, bucket int64) {
	if !u.Plan.Anomaly.Peers {
		return
	}
	stretch := u.stretchOf(bucket)
	if u.peers.top = max(u.peers.top, bucket); stretch+2 > u.stretchOf(u.peers.top) {
		return
	}
	for key := range u.peers.stretches { // later ones too: the group may be older now
		if key.label == label && key.stretch >= stretch {
			delete(u.peers.stretches, key)
		}
	}
	for key := range u.peers.days {
		if key.label == label && key.stretch > stretch {
			delete(u.peers.days, key)
		}
	}
	if u.peers.late == nil || *u.peers.late > stretch {
		u.peers.late = &stretch
	}
}

// Rejudge touches the groups without a past that were judged by what has changed
// since.
func (u *Baseline) Rejudge(touch func(group []string, since schema.Millis)) {
	if u.peers.late == nil {
		return
	}
	since := u.Moment((*u.peers.late + 2) * u.stretchLength())
	learn := schema.Millis(u.Plan.Anomaly.Learn.Milliseconds())
	for _, s := range u.series {
		if grown := u.Moment(s.first) + learn; grown > since {
			touch(SignalGroup(u.Plan, s.group), max(since, u.Moment(s.first)))
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
