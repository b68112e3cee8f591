package scheduler

import (
	"slices"
	"sort"
	"strings"
)

// This file is the oracle's part for signals.

type oracleLife struct {
	caseAt      int
	group       []string
	first, last int64
	events      int
	severity    string
	value       string
	hits        []oracleHit
}

// lives joins matches into signals.
func (o *oracleRule) lives(key string, hits []oracleHit) []oracleLife {
	sort.SliceStable(hits, func(i, j int) bool { return hits[i].at < hits[j].at })
	var group []string
	if o.arity > 0 {
		group = strings.Split(key, "\x1f")
	}
	var all []*oracleLife
	for _, h := range hits {
		l := o.joins(all, h)
		if l == nil {
			l = &oracleLife{caseAt: h.caseAt, group: group, first: h.at, value: h.value}
			all = append(all, l)
		}
		l.last, l.hits = h.at, append(l.hits, h)
	}
	var out []oracleLife
	for _, l := range all {
		l.events, l.severity = o.count(l), o.severity(l)
		out = append(out, *l)
	}
	return out
}

// joins is the signal that a match extends, or nil.
func (o *oracleRule) joins(all []*oracleLife, h oracleHit) *oracleLife {
	for _, l := range slices.Backward(all) {
		switch {
		case l.caseAt != h.caseAt:
		case h.value != "": // each new value and time is a signal of its own
			if l.first == h.at && l.value == h.value {
				return l
			}
		case h.at-l.last <= *o.rule.Options.KeepAlive*1000 && h.at-l.first <= *o.rule.Options.MaxSignalDuration*1000:
			return l
		default:
			return nil
		}
	}
	return nil
}

// count is the number of events that match a query in one of the groups that
// share the signal's, from the window of its first match to its last match, and
// of those whose answer did not come.
func (o *oracleRule) count(l *oracleLife) int {
	counted := map[int]bool{}
	if m := o.rule.Options.DetectionMethod; m == "new_value" || m == "impossible_travel" {
		for _, h := range l.hits {
			counted[h.event] = true
		}
		return len(counted)
	}
	window := max(1, *o.rule.Options.EvaluationWindow*1000)
	if a := o.rule.Options.Anomaly; a != nil && l.hits[0].silent { // a bucket that was too low: from its beginning on
		window = max(window, *a.BucketDuration*1000) + 1
	}
	for _, g := range o.all {
		if !slices.Equal(o.coarse(g.key), l.group) && o.arity > 0 {
			continue
		}
		for i := range o.events {
			at := int64(o.events[i].At)
			if at > l.first-window && at <= l.last && slices.ContainsFunc(g.matches, func(m []bool) bool { return m[i] }) {
				counted[i] = true
			}
		}
	}
	for _, h := range l.hits {
		for _, i := range h.counted {
			counted[i] = true
		}
	}
	return len(counted)
}

// severity is the case's, one step lower where the events of the signal are of
// an environment that matters less.
func (o *oracleRule) severity(l *oracleLife) string {
	status := o.rule.Cases[l.caseAt].Status
	if d := o.rule.Options.DecreaseByEnv; d == nil || !*d || !o.fromTests(l) {
		return status
	}
	return map[string]string{"critical": "high", "high": "medium", "medium": "info", "low": "info", "info": "info"}[status]
}

// fromTests tells whether all events with which the signal opened are of such an
// environment.
func (o *oracleRule) fromTests(l *oracleLife) bool {
	opened := false
	for _, h := range l.hits {
		if h.at != l.first {
			continue
		}
		for _, i := range o.about(h) {
			if !slices.ContainsFunc(o.events[i].Tags, isTest) {
				return false
			}
			opened = true
		}
	}
	return opened
}

func isTest(tag string) bool {
	env, is := strings.CutPrefix(tag, "env:")
	return is && (strings.HasPrefix(env, "staging") || strings.HasPrefix(env, "test") || strings.HasPrefix(env, "dev"))
}
