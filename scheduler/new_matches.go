package scheduler

import (
	"context"
	"fmt"
	"iter"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
)

// noteMatches takes in the matches of one event and label: what they teach, what
// they touch, and themselves. What an event costs here goes with the groups and
// the values that it is in.
func (ev *evaluator) noteMatches(d *dirty, plan *compiler.BoundPlan, label int, matches []compiler.Match) {
	matches = ev.learn(plan, matches)
	if len(matches) == 0 {
		return
	}
	cached := ev.cache.of(plan, false)
	if plan.Labels[label].Global {
		if since, ok := d.globals[plan]; !ok || matches[0].At < since {
			d.globals[plan] = matches[0].At
		}
		ev.hold(cached, &detect.GroupState{Plan: plan, Key: detect.GlobalKey(plan)}, true, matches)
		return
	}
	v := ev.silenceRuns.of(plan)
	for _, part := range d.byState(plan, matches) {
		ev.hold(cached, part.state, false, part.matches)
		if of := ev.baselines[plan.Key]; v != nil && of != nil && plan.Low() {
			v.expectLow(of, part.state, &part.matches[0])
		} else if v != nil {
			v.expect(part.state, &part.matches[0])
		}
	}
}

// learn takes in what matches teach, and keeps those that may count.
func (ev *evaluator) learn(plan *compiler.BoundPlan, matches []compiler.Match) []compiler.Match {
	if u := ev.baselines[plan.Key]; u != nil {
		for i := range matches {
			u.Note(&matches[i])
		}
	}
	if plan.Novelty == nil {
		return matches
	}
	kept := matches[:0]
	for i := range matches {
		if m := matches[i]; ev.isNews(plan, &m) {
			kept = append(kept, m)
		}
	}
	return kept
}

// unstored are the matches that are in memory and not in the store yet. They are of
// the goroutine that evaluates.
type unstored struct {
	windows Windows
	matches []StoredMatch
	texts   int // how many they hold
}

// add takes a match in.
func (u *unstored) add(m StoredMatch) {
	u.matches = append(u.matches, m)
	u.texts += m.texts()
}

// hold keeps matches in memory, and notes that they are to be stored.
func (ev *evaluator) hold(cached *planCache, u *detect.GroupState, global bool, matches []compiler.Match) {
	for i := range matches {
		ev.unstored.add(StoredMatch{u.Key, u.Plan.Key, matches[i]})
	}
	ev.cache.add(cached, u.Key, u.Group, global, matches...)
}

// maxTexts bounds how many texts are sent to the store at a time, and about how
// many are held for that.
const maxTexts = 1_000_000

// texts is how many a match is stored with.
func (m *StoredMatch) texts() int { return 1 + len(m.Group) + len(m.Values) + len(m.Tags) }

// flush stores the matches that are in memory only.
func (u *unstored) flush(ctx context.Context) error {
	for rest := u.matches; len(rest) > 0; {
		n, texts := 0, 0
		for n < len(rest) && (n == 0 || texts+rest[n].texts() <= maxTexts) {
			texts += rest[n].texts()
			n++
		}
		if err := u.windows.Append(ctx, rest[:n]); err != nil {
			return fmt.Errorf("store matches: %w", err)
		}
		rest = rest[n:]
	}
	clear(u.matches) // they hold on to events
	u.matches, u.texts = u.matches[:0], 0
	return nil
}

// flushMany is flush when there is much.
func (u *unstored) flushMany(ctx context.Context) error {
	if u.texts < maxTexts {
		return nil
	}
	return u.flush(ctx)
}

// stateMatches are those matches of an event that are for one signal group.
type stateMatches struct {
	state   *detect.GroupState
	matches []compiler.Match
}

// byState touches the signal groups of an event's matches, and splits them so, in
// the order in which they come.
func (d *dirty) byState(plan *compiler.BoundPlan, matches []compiler.Match) []stateMatches {
	out := make([]stateMatches, 0, len(matches))
	at := map[uint64]int{}
	for i := range matches {
		u := d.touch(plan, detect.StateGroup(plan, &matches[i]), matches[i].At)
		n, known := at[u.Key]
		if !known {
			n = len(out)
			at[u.Key] = n
			out = append(out, stateMatches{state: u, matches: matches[i : i : i+1]})
		}
		out[n].matches = append(out[n].matches, matches[i])
	}
	return out
}

// isNews takes in what a match teaches, and reports whether the match may count.
// One of a value that is known never will.
func (ev *evaluator) isNews(plan *compiler.BoundPlan, m *compiler.Match) bool {
	values := plan.Values(m)
	if values == nil {
		return true
	}
	k := ev.seen[plan.Key]
	news, differs, since := k.Learn(m, values)
	if differs {
		group := detect.StateGroup(plan, m)
		k.Touch(detect.StateKey(plan, group), group, since)
	}
	if plan.Labels[m.Label].Aggregation != compiler.AggNewValue {
		return true
	}
	m.Values = news
	return len(news) > 0
}

// runs are the stored matches of the same event, label and signal group that
// stand side by side.
func runs(matches []StoredMatch) iter.Seq[[]StoredMatch] {
	return func(yield func([]StoredMatch) bool) {
		for i := 0; i < len(matches); {
			j := i + 1
			for j < len(matches) && matches[j].Key == matches[i].Key && detect.CompareEvents(&matches[j].Match, &matches[i].Match) == 0 {
				j++
			}
			if !yield(matches[i:j]) {
				return
			}
			i = j
		}
	}
}

func matchesIn(stored []StoredMatch) []compiler.Match {
	out := make([]compiler.Match, len(stored))
	for i := range stored {
		out[i] = stored[i].Match
	}
	return out
}
