package scheduler

import (
	"fmt"
	"sort"
	"strings"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
	"nightjar/scheduler/oracle"
	"nightjar/schema"
)

// dayMillis is a day, in milliseconds.
const dayMillis = 24 * 3_600_000

// given is what the signals of a generated rule depend on, as the oracle reads it.
func given(horizon int64, tables changing, suppressions []schema.Suppression) oracle.Given {
	return oracle.Given{
		Horizon: horizon, Tables: tables, Suppressions: suppressions, Meanings: meanings,
		Selects:   func(ruleQuery string) bool { return ruleQueries[ruleQuery] },
		Withholds: func(query string, s *oracle.Signal) bool { return signalQueries[query](s) },
	}
}

// wanted is a line for each signal of the oracle.
func wanted(signals []oracle.Signal) []string {
	lines := []string{}
	for _, s := range signals {
		lines = append(lines, fmt.Sprintf("case %d group %q from %d to %d events %d severity %s suppressed %q",
			s.Case, s.Group, s.First, s.Last, s.Events, s.Severity, s.Suppressed))
	}
	sort.Strings(lines)
	return lines
}

// outline is what the oracle says of signals.
func outline(plan *compiler.BoundPlan, signals []Published) []string {
	lines := []string{}
	for _, p := range signals {
		lines = append(lines, fmt.Sprintf("case %d group %q from %d to %d events %d severity %s suppressed %q",
			p.Case, detect.Visible(plan, p.Group), p.FirstSeen, p.LastSeen, p.Events, p.Status, p.Suppression))
	}
	sort.Strings(lines)
	return lines
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// differ lists what only one of two sorted lists has: "-" wanted, "+" got.
func differ(want, got []string) string {
	var out strings.Builder
	for len(want)+len(got) > 0 {
		switch {
		case len(got) == 0 || len(want) > 0 && want[0] < got[0]:
			fmt.Fprintln(&out, "-", want[0])
			want = want[1:]
		case len(want) == 0 || got[0] < want[0]:
			fmt.Fprintln(&out, "+", got[0])
			got = got[1:]
		default:
			want, got = want[1:], got[1:]
		}
	}
	return out.String()
}

// described is a rule in what matters to its signals.
func described(rule schema.Rule) string {
	o := rule.Options
	out := fmt.Sprintf("%s window %d keep alive %d longest %d by env %v signals by %q filters %v tables %v\n", o.DetectionMethod, *o.EvaluationWindow, *o.KeepAlive, *o.MaxSignalDuration, o.DecreaseByEnv != nil && *o.DecreaseByEnv, rule.GroupSignalsBy, rule.Filters, rule.ReferenceTables)
	for _, q := range rule.Queries {
		out += fmt.Sprintf("  query %s %q by %q optional %v %s %q %q\n", q.Name, q.Query, q.GroupByFields, q.OptionalGroupBys, q.Aggregation, q.DistinctFields, q.Metrics)
	}
	for _, c := range rule.Cases {
		out += fmt.Sprintf("  case %q %s\n", c.Condition, c.Status)
	}
	for _, c := range rule.ThirdPartyCases {
		out += fmt.Sprintf("  third-party case %q %s\n", c.Query, c.Status)
	}
	if o.Sequence != nil {
		for _, s := range o.Sequence.Steps {
			out += fmt.Sprintf("  step %q over %d\n", s.Condition, *s.EvaluationWindow)
		}
		for _, s := range o.Sequence.Transitions {
			out += fmt.Sprintf("  within %d\n", *s.EvaluationWindow)
		}
	}
	if o.ThirdParty != nil {
		out += fmt.Sprintf("  third party %+v\n", *o.ThirdParty)
	}
	if n := o.NewValue; n != nil {
		out += fmt.Sprintf("  forget %d %s duration %d threshold %d\n", *n.ForgetAfter, n.LearningMethod, *n.LearningDuration, *n.LearningThreshold)
	}
	if n := o.ImpossibleTravel; n != nil {
		out += fmt.Sprintf("  baseline %v", *n.BaselineUserLocations)
	}
	return out
}
