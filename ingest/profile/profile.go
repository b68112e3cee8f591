package profile

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"nightjar/schema"
)

// Bounds of what is kept. A source or path beyond them is not followed.
const (
	MaxSources = 1_000
	MaxPaths   = 2_000 // of a source
	// PerBlock is how many events of a source are looked at in one block of events at
	// most, and sampled in a frame.
	PerBlock = 128
	sampled  = 2_000
	// frame is how long events are counted together, and frames how many of those are
	// remembered: a day.
	frame  = schema.Millis(10 * 60 * 1000)
	frames = 144
)

// Profile is safe for use by several goroutines. The zero value is ready.
type Profile struct {
	mu      sync.Mutex
	sources map[string]*source
}

// source are the events of one source that were looked at.
type source struct {
	name   string
	paths  map[string]int // the index of a path in counts
	frames []counts       // the oldest first
	// vanished are the paths whose loss was told, missed those of which it may be, and
	// since when.
	vanished map[string]bool
	missed   map[string]schema.Millis
}

// counts are those of a frame.
type counts struct {
	start  schema.Millis // by arrival
	events int
	with   []uint16 // by path: events that have it
}

func (c *counts) of(path int) int {
	if path < len(c.with) {
		return int(c.with[path])
	}
	return 0
}

// Add looks at some of the events, which arrived when they say.
func (p *Profile) Add(events []schema.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	taken := map[*source]int{}
	for i := range events {
		s := p.source(events[i].Source)
		if s == nil || taken[s] >= PerBlock {
			continue
		}
		taken[s]++
		s.add(&events[i])
	}
}

func (p *Profile) source(name string) *source {
	s := p.sources[name]
	if s != nil || len(p.sources) >= MaxSources {
		return s
	}
	if p.sources == nil {
		p.sources = map[string]*source{}
	}
	s = &source{name: strings.Clone(name), paths: map[string]int{}, vanished: map[string]bool{}, missed: map[string]schema.Millis{}}
	p.sources[s.name] = s
	return s
}

func (s *source) add(e *schema.Event) {
	c := s.at(e.Seen)
	if c == nil || c.events >= sampled {
		return
	}
	c.events++
	last := ""
	for i := range e.Leaves { // sorted by path
		path := e.Leaves[i].Path
		if path == last || strings.HasPrefix(path, own) {
			continue
		}
		last = path
		n, known := s.paths[path]
		if !known {
			if len(s.paths) >= MaxPaths {
				continue
			}
			n = len(s.paths)
			s.paths[strings.Clone(path)] = n
		}
		for len(c.with) <= n {
			c.with = append(c.with, 0)
		}
		c.with[n]++
	}
}

// own is where the intake says what it made of an event: not the source's.
const own = "nightjar."

// at is the frame of a moment; nil: it is too long ago.
func (s *source) at(seen schema.Millis) *counts {
	start := seen - seen%frame
	i, found := slices.BinarySearchFunc(s.frames, start, func(c counts, start schema.Millis) int { return int(c.start - start) })
	if !found {
		if i == 0 && len(s.frames) >= frames {
			return nil
		}
		s.frames = slices.Insert(s.frames, i, counts{start: start})
		if len(s.frames) > frames {
			s.frames = slices.Delete(s.frames, 0, 1)
			i--
		}
	}
	return &s.frames[i]
}

// HasSource reports whether an event of the source was seen.
func (p *Profile) HasSource(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sources[name] != nil
}

// HasAttribute reports whether an event of the source was seen that has a value at the
// path or below it.
func (p *Profile) HasAttribute(name, path string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.sources[name]
	if s == nil {
		return false
	}
	if _, ok := s.paths[path]; ok {
		return true
	}
	for known := range s.paths {
		if len(known) > len(path) && known[len(path)] == '.' && strings.HasPrefix(known, path) {
			return true
		}
	}
	return false
}

// Attributes are the paths that were seen in events of the sources, of all where there
// are none, sorted.
func (p *Profile) Attributes(names []string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	found := map[string]bool{}
	for name, s := range p.sources {
		if len(names) == 0 || slices.Contains(names, name) {
			for path := range s.paths {
				found[path] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// Sources are the sources that were seen, sorted.
func (p *Profile) Sources() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(maps.Keys(p.sources))
}
