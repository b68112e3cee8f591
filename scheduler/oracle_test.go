package scheduler

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"nightjar/anomaly"
	"nightjar/compiler"
	"nightjar/schema"
)

// The files oracle_*_test.go hold an evaluator of its own, as slow and as plain
// as the words of the semantics, a file for each section: every moment of every
// group is judged by looking at all events. It shares the search language with
// the engine, and nothing else; where a generated query has a meaning that is
// written down beside it (meanings), not even that.

// given is what signals depend on beside the rule and its events.
type given struct {
	// horizon is the newest moment at which silence and absence are judged.
	horizon int64
	// changed is when the reference tables did.
	changed      schema.Millis
	suppressions []schema.Suppression
}

// newestTime is the horizon of a file: the time of its newest event, matched or not.
func newestTime(events []schema.Event) int64 {
	at := int64(schema.MinMillis)
	for i := range events {
		at = max(at, int64(events[i].At))
	}
	return at
}

// oracle finds the signals of a rule over all its events, a line for each.
func oracle(rule schema.Rule, events []schema.Event, g given) []string {
	out, o := oracleSignals(rule, events, g)
	lines := []string{}
	for i := range out {
		l := &out[i]
		lines = append(lines, fmt.Sprintf("case %d group %q from %d to %d events %d severity %s suppressed %q",
			l.caseAt, l.group, l.first, l.last, l.events, l.severity, o.withheld(l, g.suppressions)))
	}
	sort.Strings(lines)
	return lines
}

// oracleSignals are the signals of a rule over all its events.
func oracleSignals(rule schema.Rule, events []schema.Event, g given) ([]oracleLife, *oracleRule) {
	events = slices.DeleteFunc(slices.Clone(events), func(e schema.Event) bool {
		return slices.ContainsFunc(g.suppressions, func(p schema.Suppression) bool {
			return p.DataExclusionQuery != "" && applies(p, e.At) && matchesQuery(p.DataExclusionQuery, &e)
		})
	})
	o := newOracle(rule, events)
	o.given = g
	return o.signals(), o
}

// outline is what the oracle says of signals.
func outline(plan *compiler.Plan, signals []Published) []string {
	lines := []string{}
	for _, p := range signals {
		lines = append(lines, fmt.Sprintf("case %d group %q from %d to %d events %d severity %s suppressed %q",
			p.Case, Visible(plan, p.Group), p.FirstSeen, p.LastSeen, p.Events, p.Status, p.Suppression))
	}
	sort.Strings(lines)
	return lines
}

type oracleRule struct {
	given
	rule   schema.Rule
	events []schema.Event
	names  []string // of the queries
	arity  int      // how many group-by fields its queries have
	paired []string // the queries beside a third-party rule's cases
	all    []*oracleGroup
	// Of anomaly rules: what each bucket was expected to hold, and what new groups
	// are judged by.
	models map[*oracleGroup]map[int][]anomaly.Foresight
	peers  map[[2]int64]*anomaly.Peers
}

func newOracle(rule schema.Rule, events []schema.Event) *oracleRule {
	o := &oracleRule{rule: rule, events: events}
	if rule.Options.DetectionMethod == "third_party" {
		for _, q := range rule.Queries {
			o.paired = append(o.paired, q.Query)
		}
		o.rule.Queries = rootQueries(rule)
	}
	for _, q := range o.rule.Queries {
		o.names = append(o.names, q.Name)
		o.arity = max(o.arity, len(q.GroupByFields))
	}
	return o
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (o *oracleRule) signals() []oracleLife {
	if o.rule.Options.DetectionMethod == "third_party" {
		return o.alerts()
	}
	o.all = o.groups()
	hits := map[string][]oracleHit{} // by signal group
	for _, g := range o.all {
		key := strings.Join(o.coarse(g.key), "\x1f")
		hits[key] = append(hits[key], g.judge()...)
	}
	var out []oracleLife
	for key, hs := range hits {
		out = append(out, o.lives(key, hs)...)
	}
	return out
}

// judge finds where cases hold for the group, by the rule's method.
func (g *oracleGroup) judge() []oracleHit {
	options := g.o.rule.Options
	switch {
	case options.DetectionMethod == "new_value":
		return g.judgeNews()
	case options.DetectionMethod == "impossible_travel":
		return g.judgeTravel()
	case options.DetectionMethod == "anomaly_detection":
		return g.judgeAnomaly()
	case options.Sequence != nil:
		return g.judgeSequence(options.Sequence)
	}
	var cases []caseWords
	for _, c := range g.o.rule.Cases {
		cases = append(cases, readCaseWords(c.Condition, g.o.names))
	}
	switch {
	case cases[0].absent != nil:
		return g.judgeAbsence(cases[0])
	case len(cases[0].parts) > 1:
		return g.judgeThen(cases[0].parts)
	}
	return g.judgeThreshold(cases)
}

// oracleHit is a match: a moment at which a case holds.
type oracleHit struct {
	at     int64
	caseAt int
	value  string // where each new value has its own signal
	// alone tells that an event matches by itself, whatever else is at its time.
	alone bool
	event int
	// silent tells that the moment has no event of its own: what it says of the
	// events is of those at `from`, whose number is counted where they are told
	// apart from the window.
	silent  bool
	from    int64
	counted []int // these events count, wherever the window begins
	group   *oracleGroup
}

// about are the events that the match is about: the one that matches by itself,
// those of its time, or the last ones of the group before it fell silent.
func (o *oracleRule) about(h oracleHit) []int {
	switch {
	case h.alone:
		return []int{h.event}
	case h.silent:
		return h.group.at(h.from)
	}
	var out []int
	for _, g := range o.all {
		if !slices.Equal(o.coarse(g.key), o.coarse(h.group.key)) {
			continue
		}
		for i := range o.events {
			if int64(o.events[i].At) == h.at && slices.ContainsFunc(g.matches, func(m []bool) bool { return m[i] }) {
				out = append(out, i)
			}
		}
	}
	return out
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
