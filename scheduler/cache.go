package scheduler

import (
	"slices"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// cache keeps in memory what evaluation needs of the near past, so that an
// event in order costs no reading from the store. It promises, for each plan,
// to hold every match from a moment on, and every published signal that ended
// after another; what lies before is read from the store. It may be thrown away
// at any time.
type cache struct {
	plans   map[string]*planCache // by key
	matches int                   // in all of them
	tags    map[string][]string   // equal lists of tags are held once
}

// maxCached bounds the matches in memory: about 200 bytes each. An hour and a
// quarter of 1,000 matches a second fits.
const maxCached = 5_000_000

func newCache() *cache {
	return &cache{plans: map[string]*planCache{}, tags: map[string][]string{}}
}

type planCache struct {
	plan *compiler.BoundPlan
	// late is how far behind what is new the plan's silence is judged.
	late schema.Millis
	// from is the moment from which all matches are held, ended that after
	// which all signals are that ended since.
	from, ended schema.Millis
	newest      schema.Millis
	trimmed     schema.Millis
	groups      map[uint64]*groupCache
	globals     []compiler.Match // sorted like the others
	count       int
}

// groupCache is one signal group: matches sorted by time, then arrival.
type groupCache struct {
	group   []string
	matches []compiler.Match
	signals []schema.Signal
}

// of is the plan's cache. A plan that never saw anything has nothing in the
// store either, so its cache is complete from the start.
func (c *cache) of(plan *compiler.BoundPlan, unseen bool) *planCache {
	p := c.plans[plan.Key]
	if p == nil {
		p = &planCache{from: detect.Never, ended: detect.Never, newest: detect.Always, trimmed: detect.Always, groups: map[uint64]*groupCache{}}
		if unseen {
			p.from, p.ended = detect.Always, detect.Always
		}
		c.plans[plan.Key] = p
	}
	p.plan = plan
	return p
}

// drop forgets a plan.
func (c *cache) drop(key string) {
	if p := c.plans[key]; p != nil {
		c.matches -= p.count
		delete(c.plans, key)
	}
}

func (p *planCache) group(key uint64, values []string) *groupCache {
	g := p.groups[key]
	if g == nil {
		g = &groupCache{group: values}
		p.groups[key] = g
	}
	return g
}

// add holds the matches of one event and label in one signal group, unless they
// lie before what the plan's cache holds. Adding them twice changes nothing.
func (c *cache) add(p *planCache, key uint64, group []string, global bool, ms ...compiler.Match) {
	at := ms[0].At
	p.newest = max(p.newest, at)
	if at < p.from {
		return
	}
	tags := c.intern(ms[0].Tags)
	list := &p.globals
	if !global {
		g := p.group(key, group)
		if slices.Equal(ms[0].Group, g.group) {
			ms[0].Group = g.group
		}
		list = &g.matches
	}
	for i := range ms {
		ms[i].Tags = tags
	}
	n := detect.Insert(list, ms)
	p.count += n
	c.matches += n
}

// mostInterned is how long a list of tags may be that is looked for among those held:
// longer ones are rarely equal, and are as long as their event.
const mostInterned = 100

// intern bounds what equal tags cost. Events come with few different lists.
func (c *cache) intern(tags []string) []string {
	if len(tags) > mostInterned {
		return tags
	}
	key := detect.GroupKey(tags)
	if known, ok := c.tags[key]; ok {
		return known
	}
	if len(c.tags) > 10_000 {
		clear(c.tags)
	}
	c.tags[key] = tags
	return tags
}

// published notes a signal that was published.
func (p *planCache) published(key uint64, sig schema.Signal) {
	if g := p.groups[key]; g != nil {
		for i := range g.signals {
			if g.signals[i].ID == sig.ID {
				g.signals[i] = sig // also where it ends earlier now than what is held
				return
			}
		}
	}
	if sig.Ends() >= p.ended {
		g := p.group(key, sig.Group)
		g.signals = append(g.signals, sig)
	}
}

// slack is how far behind the newest event an event may be and still find its
// window in memory. A clock may run ten minutes ahead, and shippers may pause.
const slack = schema.Millis(15 * 60 * 1000)

// trim forgets what is too old to be needed by events in order. It looks at all
// groups, so it is done once per eighth of what is kept.
func (c *cache) trim(p *planCache) {
	keep := schema.Millis(p.plan.Lookback().Milliseconds()) + slack + p.late
	if p.newest-p.trimmed < keep/8 {
		return
	}
	p.trimmed = p.newest
	p.from = max(p.from, p.newest-keep)
	p.ended = max(p.ended, p.newest-keep-schema.Millis(p.plan.KeepAlive.Milliseconds()))
	before := p.count
	p.globals = p.cut(p.globals)
	for key, g := range p.groups {
		g.matches = p.cut(g.matches)
		g.signals = slices.DeleteFunc(g.signals, func(s schema.Signal) bool { return s.Ends() < p.ended })
		if len(g.matches) == 0 && len(g.signals) == 0 {
			delete(p.groups, key)
		}
	}
	c.matches -= before - p.count
}

// cut drops the matches before from, and their memory when that is worth it.
func (p *planCache) cut(ms []compiler.Match) []compiler.Match {
	rest := detect.Since(ms, p.from)
	p.count -= len(ms) - len(rest)
	switch {
	case len(rest) == 0:
		return nil
	case len(rest) < cap(ms)/2:
		return slices.Clone(rest)
	}
	return rest
}

// bound empties the largest plans until the rest fits; they are evaluated from
// the store from then on. It returns their keys.
func (c *cache) bound(limit int) []string {
	var emptied []string
	for c.matches > limit {
		var largest *planCache
		for _, p := range c.plans {
			if largest == nil || p.count > largest.count {
				largest = p
			}
		}
		c.matches -= largest.count
		emptied = append(emptied, largest.plan.Key)
		*largest = planCache{plan: largest.plan, from: detect.Never, ended: detect.Never, newest: largest.newest, trimmed: largest.trimmed, groups: map[uint64]*groupCache{}}
	}
	return emptied
}

// rest lets go of the matches in memory when little is going on, and of the memory
// that they took. What comes from now on is held again; windows that reach back
// further are read from the store until none does.
func (c *cache) rest() {
	for _, p := range c.plans {
		if p.from == detect.Never || p.count == 0 {
			continue
		}
		p.from = max(p.from, p.newest+1)
		c.matches -= p.count
		p.count, p.globals = 0, nil
		kept := map[uint64]*groupCache{}
		for key, g := range p.groups {
			if g.matches = nil; len(g.signals) > 0 {
				kept[key] = g
			}
		}
		p.groups = kept
	}
	c.tags = map[string][]string{}
}
