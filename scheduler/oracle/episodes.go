package oracle

import (
	"slices"
	"sort"
	"strings"
)

// This file has how matches become signals (docs/semantics.md, "Opening and extending",
// "The events of a signal" and "Severity by environment").

// episodes joins matches into signals.
func (o *evaluator) episodes(key string, hits []Match) []Signal {
	sort.SliceStable(hits, func(i, j int) bool { return hits[i].At < hits[j].At })
	var group []string
	if o.arity > 0 {
		group = strings.Split(key, "\x1f")
	}
	var all []*Signal
	for _, h := range hits {
		l := o.joins(all, h)
		if l == nil {
			l = &Signal{Case: h.Case, Group: group, First: h.At, value: h.value}
			all = append(all, l)
		}
		l.Last, l.Matches = h.At, append(l.Matches, h)
	}
	var out []Signal
	for _, l := range all {
		l.Events, l.Severity = o.count(l), o.severity(l)
		out = append(out, *l)
	}
	return out
}

// joins is the signal that a match extends, or nil.
func (o *evaluator) joins(all []*Signal, h Match) *Signal {
	for _, l := range slices.Backward(all) {
		switch {
		case l.Case != h.Case:
		case h.value != "": // each new value and time is a signal of its own
			if l.First == h.At && l.value == h.value {
				return l
			}
		case h.At-l.Last <= *o.rule.Options.KeepAlive*1000 && h.At-l.First <= *o.rule.Options.MaxSignalDuration*1000:
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
func (o *evaluator) count(l *Signal) int {
	counted := map[int]bool{}
	if m := o.rule.Options.DetectionMethod; m == "new_value" || m == "impossible_travel" {
		for _, h := range l.Matches {
			counted[h.event] = true
		}
		return len(counted)
	}
	window := max(1, *o.rule.Options.EvaluationWindow*1000)
	if a := o.rule.Options.Anomaly; a != nil && l.Matches[0].Silent { // a bucket that was too low: from its beginning on
		window = max(window, *a.BucketDuration*1000) + 1
	}
	for _, g := range o.all {
		if !slices.Equal(o.coarse(g.key), l.Group) && o.arity > 0 {
			continue
		}
		for i := range o.events {
			at := int64(o.events[i].At)
			if at > l.First-window && at <= l.Last && slices.ContainsFunc(g.matches, func(m []bool) bool { return m[i] }) {
				counted[i] = true
			}
		}
	}
	for _, h := range l.Matches {
		for _, i := range h.Counted {
			counted[i] = true
		}
	}
	return len(counted)
}

// severity is the case's, one step lower where the events of the signal are of
// an environment that matters less.
func (o *evaluator) severity(l *Signal) string {
	status := string(o.rule.Cases[l.Case].Status)
	if d := o.rule.Options.DecreaseByEnv; d == nil || !*d || !o.fromTests(l) {
		return status
	}
	return map[string]string{"critical": "high", "high": "medium", "medium": "info", "low": "info", "info": "info"}[status]
}

// fromTests reports whether all events with which the signal opened are of such an
// environment.
func (o *evaluator) fromTests(l *Signal) bool {
	opened := false
	for _, h := range l.Matches {
		if h.At != l.First {
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
