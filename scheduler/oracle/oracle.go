package oracle

import (
	"slices"
	"strings"

	"nightjar/anomaly"
	"nightjar/compiler/search"
	"nightjar/schema"
)

// Given is what signals depend on beside the rule and its events.
type Given struct {
	// Horizon is the newest moment at which silence and absence are judged, in
	// milliseconds.
	Horizon int64
	// Tables are the reference tables; nil where the rule asks none.
	Tables       Tables
	Suppressions []schema.Suppression
	// Selects reports whether a suppression's rule query selects the rule, and
	// Withholds whether its suppression query matches a signal. Both are needed where
	// there are suppressions.
	Selects   func(ruleQuery string) bool
	Withholds func(suppressionQuery string, s *Signal) bool
	// Meanings are what queries mean, where that is written down beside them; others
	// are read as the search language reads them.
	Meanings map[string]func(*schema.Event) bool
}

// Tables are reference tables as a test has them.
type Tables interface {
	// Lists reports whether a column had a value at a moment.
	Lists(table, column, value string, at schema.Millis) bool
	// Listed are the values of a column at a moment, and since when it has each.
	Listed(table, column string, at schema.Millis) map[string]schema.Millis
}

// Signal is a signal that a rule must give. Times are in milliseconds.
type Signal struct {
	Case        int // its index; -1: that of a third-party rule's default
	Group       []string
	First, Last int64
	Events      int
	Severity    string
	// Suppressed is the id of the suppression that withholds it; empty: none does.
	Suppressed string
	// Matches are what made it; alerts of vendors have none.
	Matches []Match
	value   string
}

// Newest is the time of the newest event, matched or not: the horizon of a file.
func Newest(events []schema.Event) int64 {
	at := int64(schema.MinMillis)
	for i := range events {
		at = max(at, int64(events[i].At))
	}
	return at
}

// Signals are the signals of a rule over all its events, in no order.
func Signals(rule schema.Rule, events []schema.Event, g Given) []Signal {
	o := newEvaluator(rule, g)
	o.events = slices.DeleteFunc(slices.Clone(events), func(e schema.Event) bool {
		return slices.ContainsFunc(g.Suppressions, func(p schema.Suppression) bool {
			return p.DataExclusionQuery != "" && g.applies(p, e.At) && o.says(p.DataExclusionQuery, &e)
		})
	})
	out := o.signals()
	for i := range out {
		out[i].Suppressed = g.withheld(&out[i])
	}
	return out
}

// applies reports whether a suppression is for the rule at a moment.
func (g *Given) applies(p schema.Suppression, at schema.Millis) bool {
	return p.Enabled && g.Selects(p.RuleQuery) && (p.StartDate == nil || at >= *p.StartDate) && (p.ExpirationDate == nil || at < *p.ExpirationDate)
}

// withheld is the suppression that withholds a signal.
func (g *Given) withheld(s *Signal) string {
	for _, p := range g.Suppressions {
		if p.SuppressionQuery != "" && g.applies(p, schema.Millis(s.First)) && g.Withholds(p.SuppressionQuery, s) {
			return p.ID
		}
	}
	return ""
}

type evaluator struct {
	Given
	rule   schema.Rule
	events []schema.Event
	names  []string // of the queries
	arity  int      // how many group-by fields its queries have
	paired []string // the queries beside a third-party rule's cases
	parsed map[string]*search.Query
	all    []*ruleGroup
	// Of anomaly rules: what each bucket was expected to hold, and what new groups
	// are judged by.
	models map[*ruleGroup]map[int][]anomaly.Foresight
	peers  map[[2]int64]*anomaly.Peers
}

func newEvaluator(rule schema.Rule, g Given) *evaluator {
	o := &evaluator{Given: g, rule: rule, parsed: map[string]*search.Query{}}
	if rule.Options.DetectionMethod == "third_party" {
		for _, q := range rule.Queries {
			o.paired = append(o.paired, q.Query)
		}
		o.rule.Queries = RootQueries(rule)
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

func (o *evaluator) signals() []Signal {
	if o.rule.Options.DetectionMethod == "third_party" {
		return o.alerts()
	}
	o.all = o.groups()
	hits := map[string][]Match{} // by signal group
	for _, g := range o.all {
		key := strings.Join(o.coarse(g.key), "\x1f")
		hits[key] = append(hits[key], g.judge()...)
	}
	var out []Signal
	for key, hs := range hits {
		out = append(out, o.episodes(key, hs)...)
	}
	return out
}

// judge finds where cases hold for the group, by the rule's method.
func (g *ruleGroup) judge() []Match {
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

// Match is a match: a moment at which a case holds.
type Match struct {
	At    int64 // in milliseconds
	Case  int
	value string // where each new value has its own signal
	// alone tells that an event matches by itself, whatever else is at its time.
	alone bool
	event int
	// silent tells that the moment has no event of its own: what it says of the
	// events is of those at `from`, whose number is counted where they are told
	// apart from the window.
	Silent  bool
	from    int64
	Counted []int // these events count, wherever the window begins
	group   *ruleGroup
}

// about are the events that the match is about: the one that matches by itself,
// those of its time, or the last ones of the group before it fell silent.
func (o *evaluator) about(h Match) []int {
	switch {
	case h.alone:
		return []int{h.event}
	case h.Silent:
		return h.group.at(h.from)
	}
	var out []int
	for _, g := range o.all {
		if !slices.Equal(o.coarse(g.key), o.coarse(h.group.key)) {
			continue
		}
		for i := range o.events {
			if int64(o.events[i].At) == h.At && slices.ContainsFunc(g.matches, func(m []bool) bool { return m[i] }) {
				out = append(out, i)
			}
		}
	}
	return out
}
