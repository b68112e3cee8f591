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
func (gs *GroupState) advanceEach(chains []chain, matches, globals []compiler.Match) []Change {
	all := mergeByTime(matches, globals)
	var out []Change
	for _, c := range chains {
		episodes := map[string]*episode{}
		for _, group := range ByGroup(matches) {
			for e := range events(group, globals) {
				if e.at >= c.from && firstCase(gs.Plan, e.values(gs.Plan)) == c.caseAt {
					e.intoEpisodes(gs.Plan, episodes)
				}
			}
		}
		for i := range c.old {
			if ep := episodes[valueAt(c.old[i].Values, c.old[i].FirstSeen)]; ep != nil {
				ep.old = &c.old[i]
			} else {
				out = append(out, withdraw(c.old[i], nil))
			}
		}
		with := matchesOfEpisodes(episodes, all)
		for _, name := range slices.Sorted(maps.Keys(episodes)) {
			ep := episodes[name]
			if ch, differs := gs.change(c.caseAt, ep); differs {
				ch.Evidence = evidence(gs.Plan, ep, with[name])
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
	for _, ep := range episodes {
		times[ep.first] = true
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
			ep := episodes[name]
			if ep == nil {
				ep = &episode{first: e.at, last: e.at, perQuery: make([]uint64, len(plan.Labels)), opened: m.Seq, values: []string{v}, tags: slices.Sorted(slices.Values(m.Tags)), lowered: true}
				episodes[name] = ep
			}
			ep.lowered = ep.lowered && schema.IsLesserEnvironment(m.Tags)
			ep.perQuery[m.Label]++
			if ep.seen[m.Seq] {
				continue
			}
			if ep.seen == nil {
				ep.seen = map[uint64]bool{}
			}
			ep.seen[m.Seq] = true
			ep.events++
			ep.opened = min(ep.opened, m.Seq)
			ep.from.add(m.Tags)
			ep.tags = ep.from.with(common(ep.tags, m.Tags))
		}
	}
}
