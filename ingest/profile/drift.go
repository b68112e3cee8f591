package profile

import (
	"cmp"
	"maps"
	"slices"

	"nightjar/schema"
)

// What counts as drift.
const (
	// usual is the baseline: the share of a source's events that had an attribute which is missed, and
	// gone the share up to which it is missing now; back is the one from which it is there
	// again.
	usual, gone, back = 0.99, 0.01, 0.5
	// How many events and frames make a baseline, and how many the present.
	enoughBefore, framesBefore, enoughNow = 200, 3, 100
	// lasting is how long an attribute is missed before that is told: events of another
	// kind, which lack it, may come many at a time.
	lasting = schema.Millis(5 * 60 * 1000)
)

// Drift is a change of what the events of a source have.
type Drift struct {
	Source string
	// Vanished are attributes that nearly all events had and none has now, Returned
	// those of which that was said before and that are there again. Both are sorted.
	Vanished, Returned []Attribute
	// Before and Now are how many events were looked at.
	Before, Now int
	// Since is when the events began that lack what vanished, to ten minutes.
	Since schema.Millis
}

// Attribute is one of a drift.
type Attribute struct {
	Path        string
	Before, Now float64 // shares of the events that have it
}

// Drifts are the changes that were not told before, of sources of which enough is known
// by now, by source.
func (p *Profile) Drifts(now schema.Millis) []Drift {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []Drift
	for _, name := range slices.Sorted(maps.Keys(p.sources)) {
		if d := p.sources[name].drift(now); len(d.Vanished)+len(d.Returned) > 0 {
			out = append(out, d)
		}
	}
	return out
}

func (s *source) drift(now schema.Millis) Drift {
	before, recent := s.split(now)
	d := Drift{Source: s.name}
	for _, c := range before {
		d.Before += c.events
	}
	for _, c := range recent {
		d.Now += c.events
	}
	if len(before) < framesBefore || d.Before < enoughBefore || d.Now < enoughNow {
		return d
	}
	d.Since = recent[0].start
	for path, n := range s.paths {
		a := Attribute{Path: path, Before: share(before, n, d.Before), Now: share(recent, n, d.Now)}
		switch {
		case !s.vanished[path] && a.Before >= usual && a.Now <= gone:
			since, missed := s.missed[path]
			if !missed {
				s.missed[path] = now
			} else if now-since >= lasting {
				delete(s.missed, path)
				s.vanished[path] = true
				d.Vanished = append(d.Vanished, a)
			}
			continue
		case s.vanished[path] && a.Now >= back:
			delete(s.vanished, path)
			d.Returned = append(d.Returned, a)
		}
		delete(s.missed, path)
	}
	byPath := func(a, b Attribute) int { return cmp.Compare(a.Path, b.Path) }
	slices.SortFunc(d.Vanished, byPath)
	slices.SortFunc(d.Returned, byPath)
	return d
}

// split parts the frames into those of now, the newest with enough events together, and
// those before. Of a source that said nothing lately there is no now.
func (s *source) split(now schema.Millis) (before, recent []counts) {
	events, at := 0, len(s.frames)
	if at == 0 || s.frames[at-1].start <= now-now%frame-2*frame {
		return s.frames, nil
	}
	for at > 0 && events < enoughNow {
		at--
		events += s.frames[at].events
	}
	return s.frames[:at], s.frames[at:]
}

func share(of []counts, path, events int) float64 {
	with := 0
	for i := range of {
		with += of[i].of(path)
	}
	return float64(with) / float64(events)
}
