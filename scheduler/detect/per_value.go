package detect

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"nightjar/compiler"
	"nightjar/schema"
)

// advanceEach is advance where every new value, at every time, is a signal of
// its own.
func (u *GroupState) advanceEach(chains []chain, matches, globals []compiler.Match) []Change {
	all := mergeByTime(matches, globals)
	var out []Change
	for _, c := range chains {
		episodes := map[string]*episode{}
		for _, group := range ByGroup(matches) {
			for e := range events(group, globals) {
				if e.at >= c.from && firstCase(u.Plan, e.values(u.Plan)) == c.caseAt {
					e.intoEpisodes(u.Plan, episodes)
				}
			}
		}
		for i := range c.old {
			if l := episodes[valueAt(c.old[i].Values, c.old[i].FirstSeen)]; l != nil {
				l.old = &c.old[i]
			} else {
				out = append(out, withdraw(c.old[i], nil))
			}
		}
		with := matchesOfEpisodes(episodes, all)
		for _, name := range slices.Sorted(maps.Keys(episodes)) {
			l := episodes[name]
			if ch, differs := u.change(c.caseAt, l); differs {
				ch.Evidence = evidence(u.Plan, l, with[name])
				out = append(out, ch)
			}
		}
	}
	return out
}

// matchesOfEpisodes are the matches that each new value is seen in, at its time.
func matchesOfEpisodes(episodes map[string]*episode, all []compiler.Match) map[string][]compiler.Match {
	out := make(map[string][]compiler.Match, len(episodes))
	times := map[schema.Millis]bool{}
	for _, l := range episodes {
		times[l.first] = true
	}
	for i := range all {
		if !times[all[i].At] {
			continue
		}
		for _, v := range all[i].Values {
			if name := valueAt([]string{v}, all[i].At); episodes[name] != nil {
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

// intoEpisodes adds the event to the episode of each of its new values.
func (e oneEvent) intoEpisodes(plan *compiler.BoundPlan, episodes map[string]*episode) {
	for i := range e.matches {
		m := &e.matches[i]
		if plan.Labels[m.Label].Aggregation != compiler.AggNewValue {
			continue
		}
		for _, v := range m.Values {
			name := valueAt([]string{v}, e.at)
			l := episodes[name]
			if l == nil {
				l = &episode{first: e.at, last: e.at, perQuery: make([]uint64, len(plan.Labels)), opened: m.Seq, values: []string{v}, tags: slices.Sorted(slices.Values(m.Tags)), lowered: true}
				episodes[name] = l
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
