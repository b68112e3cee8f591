package detect

import (
	"slices"

	"nightjar/compiler"
	"nightjar/schema"
)

// episode is one signal as the matches tell it: from its first match to its last,
// with what its events come to.
type episode struct {
	first, last schema.Millis
	events      uint64
	perQuery    []uint64
	tags        []string
	opened      uint64   // the first arrival among its first matches
	values      []string // new ones, sorted
	seen        map[uint64]bool
	from        origins        // of its events
	old         *schema.Signal // the published signal that it goes on from
	carried     bool           // which had ended before the first of these matches
	quiets      []*quiet       // what its detections that no event made are about
	spoke       bool           // a detection that events made is among its first
	silence     *schema.Silence
	lowered     bool // it was opened by events of a lesser environment
}

// opensQuiet are what did not happen, where that is what the episode begins with.
func (ep *episode) opensQuiet(plan *compiler.BoundPlan) []*quiet {
	if ep.carried {
		return nil
	}
	n := 0
	for n < len(ep.quiets) && ep.quiets[n].at(plan) == ep.first {
		n++
	}
	return ep.quiets[:n]
}

// after is the moment after which the episode's events lie: those of its first
// window on, or those after the end of the signal that it goes on from.
func (ep *episode) after(plan *compiler.BoundPlan) schema.Millis {
	switch {
	case ep.carried:
		return ep.old.LastSeen
	case len(ep.opensQuiet(plan)) > 0 && plan.Low(): // those of the bucket
		return ep.first - 1 - max(WindowOf(plan), schema.Millis(plan.Anomaly.Bucket.Milliseconds()))
	case plan.Window == 0:
		return ep.first - 1
	}
	return ep.first - WindowOf(plan)
}

// value notes the new values of a match, or the journey it ends.
func (ep *episode) value(plan *compiler.BoundPlan, m *compiler.Match) {
	if !ep.carried && m.At == ep.first {
		methodOf(plan).opens(ep, m)
	}
	if plan.Labels[m.Label].Aggregation != compiler.AggNewValue {
		return
	}
	for _, v := range m.Values {
		if i, known := slices.BinarySearch(ep.values, v); !known && len(ep.values) < schema.MaxValues {
			ep.values = slices.Insert(ep.values, i, v)
		}
	}
}

// fold makes signals of the times at which a case matched (section 11): a match
// extends the last signal while that is alive and not too long, else opens one.
func (gs *GroupState) fold(carry *schema.Signal, found []detection) []episode {
	longest := schema.Millis(gs.Plan.MaxDuration.Milliseconds())
	var episodes []episode
	if carry != nil {
		episodes = append(episodes, episode{first: carry.FirstSeen, last: carry.LastSeen, old: carry, carried: true})
	}
	for _, h := range found {
		n := len(episodes) - 1
		if n < 0 || h.at-episodes[n].last > gs.KeepAlive() || h.at-episodes[n].first > longest {
			episodes = append(episodes, episode{first: h.at})
			n++
		}
		episodes[n].last = h.at
		if h.quiet != nil {
			episodes[n].quiets = append(episodes[n].quiets, h.quiet)
		} else if h.at == episodes[n].first {
			episodes[n].spoke = true
		}
	}
	return episodes
}

// measure counts the distinct events of an episode, and the tags they share. What
// was counted before a carried signal's end stays counted.
func (gs *GroupState) measure(ep *episode, all []compiler.Match) {
	m := measure{plan: gs.Plan, episode: ep, seen: map[uint64]bool{}, counted: map[inQuery]bool{}}
	ep.perQuery = make([]uint64, len(gs.Plan.Labels))
	if ep.old != nil {
		ep.events, ep.tags, m.tagged = ep.old.Events, ep.old.EventTags, ep.old.Events > 0 || ep.old.Opened != 0
		ep.values, ep.lowered = slices.Clone(ep.old.Values), ep.old.Lowered
		copy(ep.perQuery, ep.old.PerQuery)
		ep.from.add(ep.old.EventTags)
	}
	var openedBy []compiler.Match
	if ep.spoke {
		openedBy = Between(all, ep.first-1, ep.first)
	}
	before := quietMatches(ep.opensQuiet(gs.Plan), all)
	m.opening(before)
	openedBy = slices.Concat(before, openedBy)
	if !ep.carried {
		ep.lowered = len(openedBy) > 0 && !slices.ContainsFunc(openedBy, func(e compiler.Match) bool { return !schema.IsLesserEnvironment(e.Tags) })
	}
	for _, e := range Between(all, ep.after(gs.Plan), ep.last) {
		m.count(&e)
		if gs.Plan.Absence == nil {
			m.tag(&e)
		}
	}
	if gs.Plan.Absence != nil { // the events that were not followed, and no others
		for _, e := range quietMatches(ep.quiets, all) {
			m.tag(&e)
		}
	}
	ep.tags = ep.from.with(ep.tags)
}

// measure is an episode being measured.
type measure struct {
	plan    *compiler.BoundPlan
	episode *episode
	seen    map[uint64]bool
	counted map[inQuery]bool
	tagged  bool // some event's tags are in
}

// inQuery is an event in a query.
type inQuery struct {
	seq   uint64
	label int
}

// opening takes in the events before what did not happen. They give the tags;
// they count where they are what was not followed.
func (m *measure) opening(events []compiler.Match) {
	for i := range events {
		e := &events[i]
		if m.episode.opened == 0 || e.Seq < m.episode.opened {
			m.episode.opened = e.Seq
		}
		m.tag(e)
		if m.plan.Absence != nil {
			m.count(e)
		}
	}
}

func (m *measure) count(e *compiler.Match) {
	ep := m.episode
	ep.value(m.plan, e)
	if of := (inQuery{e.Seq, e.Label}); !m.counted[of] {
		m.counted[of] = true
		ep.perQuery[e.Label]++
	}
	if e.At == ep.first && (ep.opened == 0 || e.Seq < ep.opened) {
		ep.opened = e.Seq
	}
	if !m.seen[e.Seq] {
		m.seen[e.Seq] = true
		ep.events++
	}
}

func (m *measure) tag(e *compiler.Match) {
	m.episode.from.add(e.Tags)
	if !m.tagged {
		m.episode.tags, m.tagged = slices.Clone(e.Tags), true
		return
	}
	m.episode.tags = common(m.episode.tags, e.Tags)
}

func common(a, b []string) []string {
	has := func(t string) bool { return slices.Contains(b, t) }
	if len(a) > few && len(b) > few {
		set := make(map[string]bool, len(b))
		for _, t := range b {
			set[t] = true
		}
		has = func(t string) bool { return set[t] }
	}
	out := a[:0:0]
	for _, t := range a {
		if has(t) {
			out = append(out, t)
		}
	}
	return out
}

// few is up to how many texts are quicker looked through than put into a set.
const few = 16
