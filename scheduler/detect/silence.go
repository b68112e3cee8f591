package detect

import (
	"cmp"
	"iter"
	"slices"

	"nightjar/compiler"
	"nightjar/schema"
)

// Horizon bounds the moments at which what did not happen is judged: silence
// points, and those of `then not` (docs/semantics.md, "The horizon"). They exist
// in (After, Through].
type Horizon struct {
	After, Through schema.Millis
	// Began is since when groups that a table lists are expected.
	Began schema.Millis
}

// Over is the horizon of a replay over a stretch of event time.
func Over(began, through schema.Millis) Horizon {
	return Horizon{After: Always, Through: through, Began: began}
}

func (h Horizon) has(t schema.Millis) bool { return t > h.After && t <= h.Through }

// quiet is what a detection is about when no event made it.
type quiet struct {
	// since is the time of the group's last event before a silence, or of the
	// events that were not followed.
	since schema.Millis
	group []string // the full group
	// counts says that the events at since are the detection's own: of an absence.
	counts bool
	// low is the end of the bucket that was too low, of an anomaly; since is the last
	// event before it.
	low schema.Millis
}

// at is the moment of the detection.
func (q *quiet) at(plan *compiler.BoundPlan) schema.Millis {
	if q.low != 0 {
		return q.low
	}
	return q.since + WindowOf(plan)
}

func (q *quiet) compare(other *quiet) int {
	switch {
	case q == nil && other == nil:
		return 0
	case q == nil:
		return -1
	case other == nil:
		return 1
	}
	return cmp.Or(cmp.Compare(q.since, other.since), slices.Compare(q.group, other.group))
}

// quietMatches are the own matches of detections that no event made: those of their
// groups at since. The detections are in the order of since.
func quietMatches(quiets []*quiet, all []compiler.Match) []compiler.Match {
	var out []compiler.Match
	for len(quiets) > 0 {
		at, groups := quiets[0].since, map[string]bool{}
		for ; len(quiets) > 0 && quiets[0].since == at; quiets = quiets[1:] {
			groups[GroupKey(quiets[0].group)] = true
		}
		for _, m := range Between(all, at-1, at) {
			if groups[GroupKey(m.Group)] {
				out = append(out, m)
			}
		}
	}
	return out
}

// moveSilences lets signals of a silence go on as those of a later one, where an
// event that came late moved it: one of the same group that begins in what the old
// one took for silent.
func moveSilences(plan *compiler.BoundPlan, episodes []episode, old []schema.Signal, taken []bool) {
	for i := range episodes {
		ep := &episodes[i]
		opening := ep.opensQuiet(plan)
		if ep.old != nil || len(opening) == 0 || opening[0].counts || opening[0].low != 0 {
			continue
		}
		for j := range old {
			q := old[j].Silence
			if !taken[j] && q != nil && !q.Absence && slices.Equal(q.Group, opening[0].group) &&
				q.Since < opening[0].since && opening[0].since <= q.Since+WindowOf(plan) {
				ep.old, taken[j] = &old[j], true
				break
			}
		}
	}
}

// point is a moment at which a group's cases are tried.
type point struct {
	at    schema.Millis
	quiet *quiet // of a silence point
}

// points are the evaluation points of a group and, where the plan asks for them,
// its silence points, in order.
func points(plan *compiler.BoundPlan, group fullGroup, h Horizon) iter.Seq[point] {
	return func(yield func(point) bool) {
		for t, next := range heard(plan, group) {
			if t.matched && !yield(point{at: t.at}) {
				return
			}
			silent := t.at + WindowOf(plan)
			if !plan.Silence || next <= silent || !h.has(silent) {
				continue
			}
			if !yield(point{silent, &quiet{since: t.at, group: group.values}}) {
				return
			}
		}
	}
}

// hearing is a moment at which a group was heard of, or began to be expected.
type hearing struct {
	at      schema.Millis
	matched bool
}

// heard are the moments at which a group was heard of, in order, each with the
// time of the next event; that of the last is never.
func heard(plan *compiler.BoundPlan, group fullGroup) iter.Seq2[hearing, schema.Millis] {
	return func(yield func(hearing, schema.Millis) bool) {
		expected, wait := group.expected, WindowOf(plan)
		for t, next := range moments(group.matches) {
			if expected != 0 && expected < t {
				if !yield(hearing{at: expected}, t) {
					return
				}
				expected = 0
			}
			if t <= expected && expected-t < wait {
				expected = 0 // it was heard of shortly before: that silence is its own
			}
			if !yield(hearing{t, true}, next) {
				return
			}
		}
		if expected != 0 {
			yield(hearing{at: expected}, Never)
		}
	}
}

// WindowOf is the evaluation window of a plan, in milliseconds.
func WindowOf(plan *compiler.BoundPlan) schema.Millis {
	return schema.Millis(plan.Window.Milliseconds())
}

// absenceDetections finds where what the plan's absence waits for has stayed away: a
// window after each moment at which the steps were complete, and at which an
// event happened that the last of them asks for.
func absenceDetections(plan *compiler.BoundPlan, group, globals []compiler.Match, from schema.Millis, h Horizon) []detection {
	wait := WindowOf(plan)
	answers := newAnswers(plan, group, globals)
	var out []detection
	for t := range completions(plan, group, globals) {
		if at := t + wait; at < from || !h.has(at) || !asked(plan, group, globals, t) || answers.within(t, t+wait) {
			continue
		}
		out = append(out, detection{at: t + wait, quiet: &quiet{since: t, group: group[0].Group, counts: true}})
	}
	return out
}

// asked reports whether an event of the group at t matches a query that the last
// step names: one of the group's, or one without groups.
func asked(plan *compiler.BoundPlan, group, globals []compiler.Match, t schema.Millis) bool {
	own := Between(group, t-1, t)
	named := func(m compiler.Match) bool { return slices.Contains(plan.Absence.Asked, m.Label) }
	return slices.ContainsFunc(own, named) || slices.ContainsFunc(Between(globals, t-1, t), func(m compiler.Match) bool {
		return named(m) && slices.ContainsFunc(own, func(of compiler.Match) bool { return of.Seq == m.Seq })
	})
}

// answers tells where the answer of an absence came.
type answers struct {
	plan           *compiler.BoundPlan
	group, all     []compiler.Match
	window         *window // of an answer that grows: all[removed:added]
	added, removed int
}

func newAnswers(plan *compiler.BoundPlan, group, globals []compiler.Match) *answers {
	return &answers{plan: plan, group: group, all: mergeByTime(group, globals), window: newWindow(plan)}
}

// within reports whether the answer holds at an evaluation point after t and up
// to end, of what happened since t. Two events at t may be question and answer;
// one does not answer itself. It is asked for moments in order.
func (a *answers) within(t, end schema.Millis) bool {
	after := t
	if distinctEvents(Between(a.group, t-1, t)) > 1 {
		after = t - 1
	}
	replies := Between(a.group, after, end)
	if len(replies) == 0 {
		return false
	}
	if a.plan.Absence.Grows {
		return a.holdsOver(after, replies[len(replies)-1].At)
	}
	return a.holdsSomewhere(after, replies)
}

// holdsOver reports whether the answer holds of everything in (after, last]. Both
// only move on from call to call.
func (a *answers) holdsOver(after, last schema.Millis) bool {
	for ; a.added < len(a.all) && a.all[a.added].At <= last; a.added++ {
		a.window.add(&a.all[a.added])
	}
	for ; a.removed < a.added && a.all[a.removed].At <= after; a.removed++ {
		a.window.remove(&a.all[a.removed])
	}
	return a.plan.Absence.Answer.Holds(a.window.values())
}

// holdsSomewhere tries the answer at every moment of the replies.
func (a *answers) holdsSomewhere(after schema.Millis, replies []compiler.Match) bool {
	w := newWindow(a.plan)
	since := Between(a.all, after, replies[len(replies)-1].At)
	for t := range moments(replies) {
		for ; len(since) > 0 && since[0].At <= t; since = since[1:] {
			w.add(&since[0])
		}
		if a.plan.Absence.Answer.Holds(w.values()) {
			return true
		}
	}
	return false
}

// silence says what the episode tells of its latest silence: since when, and until
// when. That of a signal which goes on ends with the first event after it.
func (gs *GroupState) silence(ep *episode, matches []compiler.Match) {
	if ep.old != nil && ep.old.Silence != nil {
		kept := *ep.old.Silence
		ep.silence = &kept
	}
	if n := len(ep.quiets); n > 0 && ep.quiets[n-1].low == 0 {
		q := ep.quiets[n-1]
		ep.silence = &schema.Silence{Since: q.since, Group: q.group, Absence: q.counts}
	}
	s := ep.silence
	if s == nil || s.Absence {
		return
	}
	after := s.Since
	if len(ep.quiets) == 0 {
		after = max(after, gs.Since-1)
	}
	hears(s, matches, after)
}

// heardAgain are the signals of a case that are settled, but for the end of their
// silence: where several groups share signals, another's may be newer than the
// one that this group's event ends.
func (gs *GroupState) heardAgain(c *chain, matches []compiler.Match) []Change {
	var out []Change
	for i := range gs.Published {
		sig := &gs.Published[i]
		if sig.Case != c.caseAt || sig.Gone() || sig.FirstSeen >= c.from || sig == c.carry || sig.Silence == nil || sig.Silence.Absence {
			continue
		}
		ended := *sig.Silence
		if !hears(&ended, matches, max(ended.Since, gs.Since-1)) {
			continue
		}
		told := Change{Signal: *sig, Carried: true}
		told.Silence = &ended
		told.RuleVersion = gs.Plan.Rule.Version
		told.Version++
		out = append(out, told)
	}
	return out
}

// hears notes when the silence ended: with the first event of the group after a
// moment, if that is earlier than what is known. It reports whether it is.
func hears(s *schema.Silence, matches []compiler.Match, after schema.Millis) bool {
	for _, m := range Since(matches, after+1) {
		if !slices.Equal(m.Group, s.Group) {
			continue
		}
		if m.At-s.Since > schema.MaxSilence || s.Until != 0 && m.At >= s.Until {
			return false
		}
		s.Until = m.At
		return true
	}
	return false
}

// NextDue is the first moment after another at which one of the groups of these
// matches may be missed; never, when none may. The matches are sorted by time and
// reach back to after − Window.
func NextDue(plan *compiler.BoundPlan, matches []compiler.Match, after schema.Millis) schema.Millis {
	wait, due := WindowOf(plan), Never
	if plan.Absence != nil {
		for _, m := range Since(matches, after-wait+1) {
			if plan.Absence.MayAsk(m.Label) {
				return m.At + wait
			}
		}
		return due
	}
	for _, group := range ByGroup(Since(matches, after-wait+1)) {
		for t, next := range moments(group) {
			if next-t > wait {
				due = min(due, t+wait)
				break
			}
		}
	}
	return due
}
