package detect

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"nightjar/compiler"
	"nightjar/schema"
)

// life is one signal as the matches tell it: from its first match to its last,
// with what its events come to.
type life struct {
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
	quiets      []*quiet       // what its hits that no event made are about
	spoke       bool           // a hit that events made is among its first
	silence     *schema.Silence
	lowered     bool // it was opened by events of a lesser environment
}

// opensQuiet are what did not happen, where that is what the life begins with.
func (l *life) opensQuiet(plan *compiler.BoundPlan) []*quiet {
	if l.carried {
		return nil
	}
	n := 0
	for n < len(l.quiets) && l.quiets[n].at(plan) == l.first {
		n++
	}
	return l.quiets[:n]
}

// chain is where one case of a group has to be looked at again: from a moment
// before which nothing has changed.
type chain struct {
	caseAt int
	from   schema.Millis
	// carry is the last signal that ended before from, and may go on.
	carry *schema.Signal
	// old are the published signals that begin at from or later.
	old []schema.Signal
}

// GroupState is one signal group of one plan, about to be brought up to date with
// matches that arrived at `since` or later in event time.
type GroupState struct {
	Plan      *compiler.BoundPlan
	Key       uint64
	Group     []string
	Since     schema.Millis
	Published []schema.Signal
	Seen      *SeenValues // of plans with novelty
	Baseline  *Baseline   // of those that look for anomalies
	Horizon   Horizon     // up to which what did not happen is judged
	// Expected is since when the group is expected to be heard of; 0: it is not.
	Expected schema.Millis

	// What recall found: where to start again, and the matches from there on.
	Chained          []chain
	From             schema.Millis
	Matches, Globals []compiler.Match
}

// Chains says, per case, from where to start again. A signal that spans since
// is replayed from its own beginning: late events may cut or stretch it. One
// that ended before since is settled, and can only go on.
func (u *GroupState) Chains() []chain {
	var out []chain
	first := 0
	if u.Plan.Method == schema.MethodThirdParty {
		first = -1
	}
	for c := first; c < len(u.Plan.Cases); c++ {
		out = append(out, u.chain(c))
	}
	return out
}

func (u *GroupState) chain(caseAt int) chain {
	c := chain{caseAt: caseAt, from: u.Since}
	var before *schema.Signal
	for i := range u.Published {
		s := &u.Published[i]
		if s.Case == caseAt && !s.Gone() && s.FirstSeen < u.Since && (before == nil || s.FirstSeen > before.FirstSeen) {
			before = s
		}
	}
	switch {
	case before == nil:
	case before.LastSeen >= u.Since:
		c.from = before.FirstSeen
	default:
		c.carry = before
	}
	for _, s := range u.Published {
		if s.Case == caseAt && !s.Gone() && s.FirstSeen >= c.from {
			c.old = append(c.old, s)
		}
	}
	sort.Slice(c.old, func(i, j int) bool { return c.old[i].FirstSeen < c.old[j].FirstSeen })
	return c
}

// Reach is the earliest event time whose matches advance needs.
func (u *GroupState) Reach(chains []chain) schema.Millis {
	back := schema.Millis(u.Plan.Lookback().Milliseconds())
	reach := u.Since - back
	for _, c := range chains {
		reach = min(reach, c.from-back)
		if c.carry != nil && u.Since-c.carry.LastSeen <= u.KeepAlive() {
			reach = min(reach, c.carry.LastSeen)
		}
	}
	if u.Baseline != nil && u.Plan.Low() {
		reach = u.Baseline.lowFrom(u.Group, reach)
	}
	return reach
}

// Earliest is the moment from which on the unit's signals are found anew.
func (u *GroupState) Earliest(chains []chain) schema.Millis {
	from := u.Since
	for _, c := range chains {
		from = min(from, c.from)
	}
	return from
}

func (u *GroupState) KeepAlive() schema.Millis { return schema.Millis(u.Plan.KeepAlive.Milliseconds()) }

// Change is a signal that is new, or differs from what was published.
type Change struct {
	schema.Signal
	IsNew bool
	// perValue is the plan's.
	perValue bool
	// Evidence are matches of the signal, the earliest first, for its samples;
	// those after the end of the signal before, if that is carried on.
	Evidence []compiler.Match
	Carried  bool
}

// SaltedID is the signal's, as it is first published. Where each new value has its
// own signal, the value is part of it.
func (c *Change) SaltedID(salt int) string {
	group := c.Group
	if c.perValue {
		group = append(group[:len(group):len(group)], c.Values...)
	}
	return schema.SignalID(c.RuleKey, c.Case, group, c.FirstSeen, salt)
}

// Advance brings the unit's signals up to date. The matches reach back to
// reach(), sorted by time; globals likewise.
func (u *GroupState) Advance(chains []chain, matches, globals []compiler.Match) []Change {
	from := u.Earliest(chains)
	matches = Matching(u.Plan, u.Seen, matches, from-WindowOf(u.Plan))
	if u.Plan.PerValue {
		return u.advanceEach(chains, matches, globals)
	}
	all := mergeByTime(matches, globals)
	found := u.hits(matches, globals, from)
	var out []Change
	for _, c := range chains {
		var own []hit
		for _, h := range found {
			if h.caseAt == c.caseAt && h.at >= c.from {
				own = append(own, h)
			}
		}
		lives := u.fold(c.carry, own)
		for i := range lives {
			u.measure(&lives[i], all)
			u.silence(&lives[i], matches)
		}
		out = append(out, u.reconcile(c.caseAt, lives, c.old, all)...)
		out = append(out, u.heardAgain(&c, matches)...)
	}
	return out
}

// fold makes signals of the times at which a case matched (section 11): a match
// extends the last signal while that is alive and not too long, else opens one.
func (u *GroupState) fold(carry *schema.Signal, hits []hit) []life {
	longest := schema.Millis(u.Plan.MaxDuration.Milliseconds())
	var lives []life
	if carry != nil {
		lives = append(lives, life{first: carry.FirstSeen, last: carry.LastSeen, old: carry, carried: true})
	}
	for _, h := range hits {
		n := len(lives) - 1
		if n < 0 || h.at-lives[n].last > u.KeepAlive() || h.at-lives[n].first > longest {
			lives = append(lives, life{first: h.at})
			n++
		}
		lives[n].last = h.at
		if h.quiet != nil {
			lives[n].quiets = append(lives[n].quiets, h.quiet)
		} else if h.at == lives[n].first {
			lives[n].spoke = true
		}
	}
	return lives
}

// measure counts the distinct events of a life, and the tags they share. What
// was counted before a carried signal's end stays counted.
func (u *GroupState) measure(l *life, all []compiler.Match) {
	m := measure{plan: u.Plan, life: l, seen: map[uint64]bool{}, counted: map[inQuery]bool{}}
	l.perQuery = make([]uint64, len(u.Plan.Labels))
	if l.old != nil {
		l.events, l.tags, m.tagged = l.old.Events, l.old.EventTags, l.old.Events > 0 || l.old.Opened != 0
		l.values, l.lowered = slices.Clone(l.old.Values), l.old.Lowered
		copy(l.perQuery, l.old.PerQuery)
		l.from.add(l.old.EventTags)
	}
	var openedBy []compiler.Match
	if l.spoke {
		openedBy = Between(all, l.first-1, l.first)
	}
	before := quietMatches(l.opensQuiet(u.Plan), all)
	m.opening(before)
	openedBy = slices.Concat(before, openedBy)
	if !l.carried {
		l.lowered = len(openedBy) > 0 && !slices.ContainsFunc(openedBy, func(e compiler.Match) bool { return !schema.IsLesserEnvironment(e.Tags) })
	}
	for _, e := range Between(all, l.after(u.Plan), l.last) {
		m.count(&e)
		if u.Plan.Absence == nil {
			m.tag(&e)
		}
	}
	if u.Plan.Absence != nil { // the events that were not followed, and no others
		for _, e := range quietMatches(l.quiets, all) {
			m.tag(&e)
		}
	}
	l.tags = l.from.with(l.tags)
}

// after is the moment after which the life's events lie: those of its first
// window on, or those after the end of the signal that it goes on from.
func (l *life) after(plan *compiler.BoundPlan) schema.Millis {
	switch {
	case l.carried:
		return l.old.LastSeen
	case len(l.opensQuiet(plan)) > 0 && plan.Low(): // those of the bucket
		return l.first - 1 - max(WindowOf(plan), schema.Millis(plan.Anomaly.Bucket.Milliseconds()))
	case plan.Window == 0:
		return l.first - 1
	}
	return l.first - WindowOf(plan)
}

// measure is a life being measured.
type measure struct {
	plan    *compiler.BoundPlan
	life    *life
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
		if m.life.opened == 0 || e.Seq < m.life.opened {
			m.life.opened = e.Seq
		}
		m.tag(e)
		if m.plan.Absence != nil {
			m.count(e)
		}
	}
}

func (m *measure) count(e *compiler.Match) {
	l := m.life
	l.value(m.plan, e)
	if of := (inQuery{e.Seq, e.Label}); !m.counted[of] {
		m.counted[of] = true
		l.perQuery[e.Label]++
	}
	if e.At == l.first && (l.opened == 0 || e.Seq < l.opened) {
		l.opened = e.Seq
	}
	if !m.seen[e.Seq] {
		m.seen[e.Seq] = true
		l.events++
	}
}

func (m *measure) tag(e *compiler.Match) {
	m.life.from.add(e.Tags)
	if !m.tagged {
		m.life.tags, m.tagged = slices.Clone(e.Tags), true
		return
	}
	m.life.tags = common(m.life.tags, e.Tags)
}

// value notes the new values of a match, or the journey it ends.
func (l *life) value(plan *compiler.BoundPlan, m *compiler.Match) {
	if plan.Method == schema.MethodImpossibleTravel && !l.carried && m.At == l.first {
		if values := m.Values; len(l.values) == 0 || slices.Compare(values, l.values) < 0 {
			l.values = slices.Clone(values)
		}
	}
	if plan.Labels[m.Label].Aggregation != compiler.AggNewValue {
		return
	}
	for _, v := range m.Values {
		if i, known := slices.BinarySearch(l.values, v); !known && len(l.values) < schema.MaxValues {
			l.values = slices.Insert(l.values, i, v)
		}
	}
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

// reconcile tells what changes for those who saw the old signals. Every life
// goes on under the id of the earliest old signal it overlaps; an old one that
// is left over was merged into the life that covers it, or else retracted.
func (u *GroupState) reconcile(caseAt int, lives []life, old []schema.Signal, all []compiler.Match) []Change {
	taken := make([]bool, len(old))
	var out []Change
	for i := range lives {
		l := &lives[i]
		for j := range old {
			if l.old == nil && !taken[j] && old[j].FirstSeen <= l.last && l.first <= old[j].LastSeen {
				l.old, taken[j] = &old[j], true
			}
		}
	}
	moveSilences(u.Plan, lives, old, taken)
	for i := range lives {
		l := &lives[i]
		c, differs := u.change(caseAt, l)
		if differs || u.othersMayShow(l) {
			c.Evidence = evidence(u.Plan, l, all)
		}
		if !differs && len(c.Unsampled()) > 0 {
			c.RuleVersion, differs = u.Plan.Rule.Version, true
			c.Version++
		}
		if differs {
			out = append(out, c)
		}
	}
	for j := range old {
		if !taken[j] {
			out = append(out, withdraw(old[j], lives))
		}
	}
	return out
}

// othersMayShow reports whether a life that is as it was may be about other events
// than before: about those before a silence, which are not counted, or about as
// many others, where what came before them decides which match.
func (u *GroupState) othersMayShow(l *life) bool {
	return !l.carried && (len(l.opensQuiet(u.Plan)) > 0 || u.Plan.Novelty != nil || u.Plan.Method == schema.MethodImpossibleTravel)
}

// change compares a life with the signal it goes on from.
func (u *GroupState) change(caseAt int, l *life) (c Change, differs bool) {
	c.perValue, c.Carried = u.Plan.PerValue, l.carried
	if l.old == nil {
		c.IsNew = true
		c.Signal = schema.Signal{
			RuleKey: u.Plan.Key, RuleID: u.Plan.Rule.ID, Case: caseAt, Group: u.Group, State: schema.StateOpen,
		}
	} else {
		c.Signal = *l.old
		if l.old.FirstSeen == l.first && l.old.LastSeen == l.last && l.old.Events == l.events && slices.Equal(l.old.EventTags, l.tags) && slices.Equal(l.old.Values, l.values) && slices.Equal(l.old.PerQuery, l.perQuery) && l.old.Silence.Equal(l.silence) && l.old.Lowered == l.lowered {
			return c, false
		}
	}
	c.FirstSeen, c.LastSeen, c.Events, c.EventTags = l.first, l.last, l.events, l.tags
	c.Values, c.PerQuery, c.Silence, c.Lowered = l.values, l.perQuery, l.silence, l.lowered
	if l.old == nil {
		c.Opened = l.opened
	}
	c.RuleVersion = u.Plan.Rule.Version
	c.Version++
	return c, true
}

// advanceEach is advance where every new value, at every time, is a signal of
// its own.
func (u *GroupState) advanceEach(chains []chain, matches, globals []compiler.Match) []Change {
	all := mergeByTime(matches, globals)
	var out []Change
	for _, c := range chains {
		lives := map[string]*life{}
		for _, group := range ByGroup(matches) {
			for e := range events(group, globals) {
				if e.at >= c.from && firstCase(u.Plan, e.values(u.Plan)) == c.caseAt {
					e.live(u.Plan, lives)
				}
			}
		}
		for i := range c.old {
			if l := lives[valueAt(c.old[i].Values, c.old[i].FirstSeen)]; l != nil {
				l.old = &c.old[i]
			} else {
				out = append(out, withdraw(c.old[i], nil))
			}
		}
		with := matchesOfLives(lives, all)
		for _, name := range slices.Sorted(maps.Keys(lives)) {
			l := lives[name]
			if ch, differs := u.change(c.caseAt, l); differs {
				ch.Evidence = evidence(u.Plan, l, with[name])
				out = append(out, ch)
			}
		}
	}
	return out
}

// matchesOfLives are the matches that each new value is seen in, at its time.
func matchesOfLives(lives map[string]*life, all []compiler.Match) map[string][]compiler.Match {
	out := make(map[string][]compiler.Match, len(lives))
	times := map[schema.Millis]bool{}
	for _, l := range lives {
		times[l.first] = true
	}
	for i := range all {
		if !times[all[i].At] {
			continue
		}
		for _, v := range all[i].Values {
			if name := valueAt([]string{v}, all[i].At); lives[name] != nil {
				if list := out[name]; len(list) == 0 || list[len(list)-1].Seq != all[i].Seq {
					out[name] = append(list, all[i])
				}
			}
		}
	}
	return out
}

// valueAt names a signal of rules where each new value has its own.
func valueAt(values []string, at schema.Millis) string {
	return fmt.Sprintf("%d %s", at, strings.Join(values, "\x00"))
}

// live adds the event to the life of each of its new values.
func (e oneEvent) live(plan *compiler.BoundPlan, lives map[string]*life) {
	for i := range e.matches {
		m := &e.matches[i]
		if plan.Labels[m.Label].Aggregation != compiler.AggNewValue {
			continue
		}
		for _, v := range m.Values {
			name := valueAt([]string{v}, e.at)
			l := lives[name]
			if l == nil {
				l = &life{first: e.at, last: e.at, perQuery: make([]uint64, len(plan.Labels)), opened: m.Seq, values: []string{v}, tags: slices.Sorted(slices.Values(m.Tags)), lowered: true}
				lives[name] = l
			}
			l.lowered = l.lowered && schema.IsLesserEnvironment(m.Tags)
			l.perQuery[m.Label]++
			if l.seen[m.Seq] {
				continue
			}
			if l.seen == nil {
				l.seen = map[uint64]bool{}
			}
			l.seen[m.Seq] = true
			l.events++
			l.opened = min(l.opened, m.Seq)
			l.from.add(m.Tags)
			l.tags = l.from.with(common(l.tags, m.Tags))
		}
	}
}

// withdraw archives a published signal that in-order processing would not have
// made.
func withdraw(s schema.Signal, lives []life) Change {
	s.State, s.Reason = schema.StateArchived, schema.ReasonRetracted
	for _, l := range lives {
		if s.FirstSeen <= l.last && l.first <= s.LastSeen {
			s.Reason = schema.ReasonMerged
		}
	}
	s.Version++
	return Change{Signal: s}
}

// maxSamples is how many events a signal shows.
const maxSamples = 10

// evidence are the signal's earliest distinct events; where it began with what
// did not happen, those before that.
func evidence(plan *compiler.BoundPlan, l *life, all []compiler.Match) []compiler.Match {
	var out []compiler.Match
	seen := map[uint64]bool{}
	for _, own := range [][]compiler.Match{quietMatches(l.opensQuiet(plan), all), Between(all, l.after(plan), l.last)} {
		for i := 0; i < len(own) && len(out) < maxSamples; i++ {
			if m := own[i]; !seen[m.Seq] {
				seen[m.Seq] = true
				out = append(out, m)
			}
		}
	}
	return out
}

// Unsampled are the matches of the change's evidence that its signal has no
// sample of.
func (c *Change) Unsampled() []compiler.Match {
	if c.Gone() {
		return nil
	}
	have := map[string]bool{}
	list := schema.ReadSamples(c.Samples)
	for _, s := range list {
		have[s.EventID] = true
	}
	var out []compiler.Match
	for _, m := range c.Evidence {
		if !have[schema.EventID(m.At, m.Seq)] && (!c.Carried || len(list)+len(out) < maxSamples) {
			out = append(out, m)
		}
	}
	return out
}

// Own leaves out the matches of another group whose key is the same by chance.
func (u *GroupState) Own(ms []compiler.Match) []compiler.Match {
	for i := range ms {
		if !slices.Equal(StateGroup(u.Plan, &ms[i]), u.Group) {
			return slices.DeleteFunc(slices.Clone(ms), func(m compiler.Match) bool {
				return !slices.Equal(StateGroup(u.Plan, &m), u.Group)
			})
		}
	}
	return ms
}
