package scheduler

import (
	"cmp"
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"nightjar/compiler"
	"nightjar/schema"
)

// This file holds an evaluator of its own, as slow and as plain as the words of
// the semantics: every moment of every group is judged by looking at all
// events. It shares the search language with the engine, and nothing else.

// oracle finds the signals of a rule over all its events, a line for each. The
// reference tables changed at a moment.
func oracle(rule schema.Rule, events []schema.Event, changed schema.Millis, suppressions ...schema.Suppression) []string {
	events = slices.DeleteFunc(slices.Clone(events), func(e schema.Event) bool {
		return slices.ContainsFunc(suppressions, func(p schema.Suppression) bool {
			return p.DataExclusionQuery != "" && applies(p, e.At) && must(compiler.ParseQuery(p.DataExclusionQuery)).Match(&e)
		})
	})
	o := newOracle(rule, events)
	o.changed = changed
	out := o.signals()
	lines := []string{}
	for i := range out {
		l := &out[i]
		lines = append(lines, fmt.Sprintf("case %d group %q from %d to %d events %d severity %s suppressed %q",
			l.caseAt, l.group, l.first, l.last, l.events, o.severity(l.caseAt), o.withheld(l, suppressions)))
	}
	sort.Strings(lines)
	return lines
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

func (o *oracleRule) signals() []oracleLife {
	if o.rule.Options.DetectionMethod == "third_party" {
		return o.alerts()
	}
	hits := map[string][]oracleHit{} // by signal group
	for _, g := range o.groups() {
		key := strings.Join(o.coarse(g), "\x1f")
		hits[key] = append(hits[key], o.judge(g)...)
	}
	var out []oracleLife
	for key, hs := range hits {
		out = append(out, o.lives(key, hs)...)
	}
	return out
}

type oracleHit struct {
	at     int64
	caseAt int
	seq    uint64 // where events match by themselves
	value  string // where each new value has its own signal
}

type oracleLife struct {
	caseAt      int
	group       []string
	first, last int64
	events      int
	seqs        map[uint64]bool
	value       string
}

type oracleRule struct {
	rule    schema.Rule
	events  []schema.Event
	queries []*compiler.Query
	cases   []*compiler.Condition
	arity   int
	changed schema.Millis // when the reference tables did
	paired  []string      // the queries beside a third-party rule's cases
}

func newOracle(rule schema.Rule, events []schema.Event) *oracleRule {
	o := &oracleRule{rule: rule, events: events}
	if rule.Options.DetectionMethod == "third_party" {
		for _, q := range rule.Queries {
			o.paired = append(o.paired, q.Query)
		}
		o.rule.Queries = rootQueries(rule)
	}
	var names []string
	for _, q := range o.rule.Queries {
		o.queries = append(o.queries, must(compiler.ParseQuery(q.Query)))
		names = append(names, q.Name)
		o.arity = max(o.arity, len(q.GroupByFields))
	}
	for _, c := range rule.Cases {
		if rule.Options.Sequence != nil {
			break // its condition says nothing that the steps don't
		}
		o.cases = append(o.cases, must(compiler.ParseCondition(c.Condition, names)))
	}
	return o
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// in tells whether an event matches query q in group g. Every group holds the
// events of a query that has no group-by fields.
func (o *oracleRule) in(q int, e *schema.Event, g []string) bool {
	if !o.queries[q].Match(e) {
		return false
	}
	if m := o.rule.Queries[q].Aggregation; (m == "new_value" && len(o.tuples(q, e)) == 0) || (m == "geo_data" && !located(e)) {
		return false // ignored
	}
	for _, f := range o.rule.Filters {
		if must(compiler.ParseQuery(f.Query)).Match(e) != (f.Action == "require") {
			return false
		}
	}
	if !o.passesTables(q, e) {
		return false
	}
	by := o.rule.Queries[q].GroupByFields
	if len(by) == 0 {
		return true
	}
	for i, f := range by {
		values := e.Values(schema.ParseField(f))
		if len(values) == 0 && o.rule.Queries[q].OptionalGroupBys {
			values = []string{"N/A"}
		}
		if !slices.Contains(values, g[i]) {
			return false
		}
	}
	return true
}

// groups are all group tuples that occur.
func (o *oracleRule) groups() [][]string {
	seen := map[string][]string{}
	for q := range o.rule.Queries {
		by := o.rule.Queries[q].GroupByFields
		if len(by) == 0 && o.arity > 0 {
			continue
		}
		for i := range o.events {
			for _, t := range o.tuplesOf(q, &o.events[i]) {
				if o.in(q, &o.events[i], t) {
					seen[strings.Join(t, "\x1f")] = t
				}
			}
		}
	}
	var out [][]string
	for _, g := range seen {
		out = append(out, g)
	}
	return out
}

// tuplesOf are the event's values of a query's group-by fields, in every
// combination.
func (o *oracleRule) tuplesOf(q int, e *schema.Event) [][]string {
	tuples := [][]string{{}}
	for _, f := range o.rule.Queries[q].GroupByFields {
		values := e.Values(schema.ParseField(f))
		if len(values) == 0 && o.rule.Queries[q].OptionalGroupBys {
			values = []string{"N/A"}
		}
		var longer [][]string
		for _, t := range tuples {
			for _, v := range values {
				longer = append(longer, append(slices.Clone(t), v))
			}
		}
		tuples = longer
	}
	return tuples
}

func (o *oracleRule) isGlobal(q int) bool {
	return o.arity > 0 && len(o.rule.Queries[q].GroupByFields) == 0
}

// judge looks at every evaluation point of a group.
func (o *oracleRule) judge(g []string) []oracleHit {
	switch o.rule.Options.DetectionMethod {
	case "new_value", "impossible_travel":
		return o.judgeNews(g)
	}
	if sequence := o.rule.Options.Sequence; sequence != nil {
		return o.judgeSequence(g, sequence)
	}
	if parts := o.cases[0].Parts; len(parts) > 1 {
		return o.judgeThen(g, parts)
	}
	var out []oracleHit
	window := *o.rule.Options.EvaluationWindow * 1000
	for _, i := range o.points(g) {
		for c := range o.cases {
			if o.cases[c].Holds(o.values(g, i, window)) {
				out = append(out, oracleHit{at: int64(o.events[i].At), caseAt: c})
				break
			}
		}
	}
	return out
}

// points are the events that make evaluation points of the group.
func (o *oracleRule) points(g []string) []int {
	var out []int
	for i := range o.events {
		for q := range o.queries {
			if !o.isGlobal(q) && o.in(q, &o.events[i], g) {
				out = append(out, i)
				break
			}
		}
	}
	return out
}

// eventsAt is how many events of its grouped queries the group has at a time.
func (o *oracleRule) eventsAt(g []string, t int64) int {
	n := 0
	for _, i := range o.points(g) {
		if int64(o.events[i].At) == t {
			n++
		}
	}
	return n
}

// values are the labels' values at event i; with window 0, of that event alone.
func (o *oracleRule) values(g []string, i int, window int64) []float64 {
	t := int64(o.events[i].At)
	values := make([]float64, len(o.queries))
	for q := range o.queries {
		var inside []*schema.Event
		for j := range o.events {
			e := &o.events[j]
			within := int64(e.At) > t-window && int64(e.At) <= t
			if window == 0 {
				within = i == j
			}
			if within && o.in(q, e, g) {
				inside = append(inside, e)
			}
		}
		values[q] = aggregateOf(o.rule.Queries[q], inside)
	}
	return values
}

// held are the times at which a part holds over a window.
func (o *oracleRule) held(g []string, part compiler.CondNode, window int64) []int64 {
	var out []int64
	for _, i := range o.points(g) {
		if part.Holds(o.values(g, i, window)) {
			out = append(out, int64(o.events[i].At))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// judgeThen tries every way of choosing a time for each part.
func (o *oracleRule) judgeThen(g []string, parts []compiler.CondNode) []oracleHit {
	window := *o.rule.Options.EvaluationWindow * 1000
	var held [][]int64
	for _, p := range parts {
		held = append(held, o.held(g, p, window))
	}
	var before func(part int, t, earliest int64, room int) bool // with room for so many more at t
	before = func(part int, t, earliest int64, room int) bool {
		if part < 0 {
			return true
		}
		for _, u := range held[part] {
			left := room
			if u < t {
				left = o.eventsAt(g, u)
			}
			if u <= t && left > 0 && u > earliest && before(part-1, u, earliest, left-1) {
				return true
			}
		}
		return false
	}
	var out []oracleHit
	for _, t := range held[len(parts)-1] {
		if before(len(parts)-2, t, t-window, o.eventsAt(g, t)-1) {
			out = append(out, oracleHit{at: t, caseAt: 0})
		}
	}
	return out
}

// judgeSequence tries every way through the steps, which are in order.
func (o *oracleRule) judgeSequence(g []string, sequence *schema.SequenceOptions) []oracleHit {
	var names []string
	for _, q := range o.rule.Queries {
		names = append(names, q.Name)
	}
	var held [][]int64
	for _, s := range sequence.Steps {
		held = append(held, o.held(g, must(compiler.ParseCondition(s.Condition, names)).Parts[0], *s.EvaluationWindow*1000))
	}
	var reached func(step int, t int64, room int) bool // with room for so many more at t
	reached = func(step int, t int64, room int) bool {
		if step == 0 {
			return true
		}
		for _, u := range held[step-1] {
			left := room
			if u < t {
				left = o.eventsAt(g, u)
			}
			if u <= t && left > 0 && t <= u+*sequence.Transitions[step-1].EvaluationWindow*1000 && reached(step-1, u, left-1) {
				return true
			}
		}
		return false
	}
	var out []oracleHit
	last := len(sequence.Steps) - 1
	for _, t := range held[last] {
		if reached(last, t, o.eventsAt(g, t)-1) {
			out = append(out, oracleHit{at: t, caseAt: 0})
		}
	}
	return out
}

func aggregateOf(q schema.RuleQuery, inside []*schema.Event) float64 {
	switch q.Aggregation {
	case "count":
		return float64(len(inside))
	case "cardinality":
		seen := map[string]bool{}
		for _, e := range inside {
			tuples := []string{""}
			for _, f := range q.DistinctFields {
				var longer []string
				for _, t := range tuples {
					for _, v := range e.Values(schema.ParseField(f)) {
						longer = append(longer, t+"\x1f"+v)
					}
				}
				tuples = longer
			}
			for _, t := range tuples {
				seen[t] = true
			}
		}
		return float64(len(seen))
	}
	sum, greatest, any := new(big.Rat), 0.0, false
	for _, e := range inside {
		own := 0.0 // the numeric value of a list is one number too: what it adds up to
		for _, l := range e.Lookup(strings.TrimPrefix(q.Metrics[0], "@")) {
			n, ok := numberIn(l)
			if !ok {
				continue
			}
			own += n
			if !any || n > greatest {
				greatest, any = n, true
			}
		}
		sum.Add(sum, new(big.Rat).SetFloat64(own))
	}
	if q.Aggregation == "max" {
		return greatest
	}
	f, _ := sum.Float64()
	return f
}

var aNumber = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// numberIn is a number, or a text that is one.
func numberIn(l schema.Leaf) (float64, bool) {
	if l.Kind == schema.KindBool || !aNumber.MatchString(l.Text()) {
		return 0, false
	}
	n, err := strconv.ParseFloat(l.Text(), 64)
	return n, err == nil
}

// coarse keeps of a group what signals are grouped by.
func (o *oracleRule) coarse(g []string) []string {
	if len(o.rule.GroupSignalsBy) == 0 {
		return g
	}
	out := []string{}
	for position := range g {
		for _, q := range o.rule.Queries {
			if position < len(q.GroupByFields) && slices.Contains(o.rule.GroupSignalsBy, q.GroupByFields[position]) {
				out = append(out, g[position])
				break
			}
		}
	}
	return out
}

// lives joins matches into signals.
func (o *oracleRule) lives(key string, hits []oracleHit) []oracleLife {
	sort.Slice(hits, func(i, j int) bool { return hits[i].at < hits[j].at })
	var group []string
	if o.arity > 0 {
		group = strings.Split(key, "\x1f")
	}
	open := map[int]*oracleLife{}
	var all []*oracleLife
	for _, h := range hits {
		l := open[h.caseAt]
		if h.value != "" {
			l = nil
			for _, other := range all {
				if other.first == h.at && other.value == h.value && other.caseAt == h.caseAt {
					l = other
				}
			}
			if l == nil {
				l = &oracleLife{caseAt: h.caseAt, group: group, first: h.at, value: h.value, last: h.at}
				all = append(all, l)
			}
		}
		if h.value == "" && (l == nil || h.at-l.last > *o.rule.Options.KeepAlive*1000 || h.at-l.first > *o.rule.Options.MaxSignalDuration*1000) {
			l = &oracleLife{caseAt: h.caseAt, group: group, first: h.at}
			open[h.caseAt] = l
			all = append(all, l)
		}
		l.last = h.at
		if h.seq > 0 {
			if l.seqs == nil {
				l.seqs = map[uint64]bool{}
			}
			l.seqs[h.seq] = true
		}
	}
	var out []oracleLife
	for _, l := range all {
		l.events = o.count(l)
		out = append(out, *l)
	}
	return out
}

// count is the number of events that match a query in one of the groups that
// share the signal's.
func (o *oracleRule) count(l *oracleLife) int {
	window := *o.rule.Options.EvaluationWindow * 1000
	if window == 0 {
		window = 1
	}
	n := 0
	if l.seqs != nil {
		return len(l.seqs)
	}
	for i := range o.events {
		e := &o.events[i]
		if int64(e.At) <= l.first-window || int64(e.At) > l.last {
			continue
		}
		matches := false
		for _, g := range o.groups() {
			if !slices.Equal(o.coarse(g), l.group) && o.arity > 0 {
				continue
			}
			for q := range o.queries {
				matches = matches || o.in(q, e, g)
			}
		}
		if matches {
			n++
		}
	}
	return n
}

// worlds makes rules and events in which little happens often: few users, few
// moments, so that windows touch, events tie and cases overlap.
type worlds struct{ *rand.Rand }

func (w worlds) pick(from ...string) string { return from[w.IntN(len(from))] }

// key is one of a map's, for strings that come with what they mean.
func key[V any](w worlds, from map[string]V) string {
	return w.pick(slices.Sorted(maps.Keys(from))...)
}

func (w worlds) events() []schema.Event {
	span := int64(1+w.IntN(40)) * 60_000
	var out []schema.Event
	for i := range 5 + w.IntN(45) {
		at := 1_700_000_000_000 + w.Int64N(span)
		if w.IntN(2) == 0 {
			at -= at % 30_000 // ties
		}
		attributes := []string{}
		if w.IntN(8) > 0 {
			attributes = append(attributes, `"usr":{"id":"`+w.pick("u1", "u2", "u3")+`"}`)
		}
		if w.IntN(6) > 0 {
			attributes = append(attributes, `"roles":`+w.pick(`["admin","dev"]`, `["admin"]`, `[]`, `["dev","dev"]`, `"ops"`, `null`))
		}
		if w.IntN(4) > 0 {
			attributes = append(attributes, `"bytes":`+w.pick("1", "2", "0.1", "0.2", "-3", "1e15", "\"many\"", "[1,0.3]", "\"2\"", "\"+1e-1\"", "[\"1\",\" 1\",3]"))
		}
		if w.IntN(3) > 0 {
			attributes = append(attributes, `"ip":`+w.pick(`"10.1.2.1"`, `"10.2.0.5"`, `"192.168.7.7"`, `"2001:db8::1"`, `"none"`, `["10.1.0.9","8.8.8.8"]`))
		}
		a := must(schema.ParseAttributes("{" + strings.Join(attributes, ",") + "}"))
		out = append(out, schema.Event{
			Seq: uint64(i + 1), At: schema.Millis(at), Seen: schema.Millis(at), Source: w.pick("x", "y"),
			Service: w.pick("web", "db"), Host: w.pick("h1", "h2", ""), Attributes: a,
		})
	}
	return out
}

func (w worlds) rule() schema.Rule {
	durations := []int64{0, 60, 300, 600, 900}
	window := w.IntN(4)
	keepAlive := window + w.IntN(len(durations)-window)
	longest := keepAlive + w.IntN(len(durations)-keepAlive)
	rule := schema.Rule{
		Name: "generated", IsEnabled: true, Type: "log_detection",
		Options: schema.RuleOptions{EvaluationWindow: &durations[window], KeepAlive: &durations[keepAlive], MaxSignalDuration: &durations[longest]},
	}
	by := [][]string{{"@usr.id"}, {"@roles"}, {"@usr.id", "host"}, {"@roles", "service"}, {}}[w.IntN(5)]
	for i := range 1 + w.IntN(3) {
		rule.Queries = append(rule.Queries, w.query(i, by))
	}
	if len(by) == 2 && w.IntN(2) == 0 {
		rule.GroupSignalsBy = []string{rule.Queries[0].GroupByFields[w.IntN(2)]}
		if len(rule.Queries[0].GroupByFields) == 0 {
			rule.GroupSignalsBy = nil
		}
	}
	for i := range 1 + w.IntN(3) {
		rule.Cases = append(rule.Cases, schema.RuleCase{Name: strconv.Itoa(i), Status: w.pick("low", "high"), Condition: w.condition(len(rule.Queries), 0)})
	}
	switch w.IntN(6) {
	case 0:
		rule.Cases = rule.Cases[:1]
		rule.Cases[0].Condition = w.condition(len(rule.Queries), 1) + " then " + w.condition(len(rule.Queries), 1)
		if w.IntN(2) == 0 {
			rule.Cases[0].Condition += " THEN " + w.condition(len(rule.Queries), 1)
		}
	case 1:
		rule.Options.DetectionMethod = "sequence_detection"
		rule.Options.Sequence = w.sequence(len(rule.Queries))
		rule.Cases = []schema.RuleCase{{Status: "high"}}
	}
	if w.IntN(4) == 0 {
		rule.Filters = []schema.RuleFilter{{Action: w.pick("suppress", "require"), Query: w.pick("service:web", "@bytes:*", "-@roles:dev")}}
	}
	return rule
}

func (w worlds) sequence(labels int) *schema.SequenceOptions {
	o := &schema.SequenceOptions{}
	for i := range 1 + w.IntN(3) {
		window, within := []int64{0, 60, 300}[w.IntN(3)], []int64{60, 300, 900}[w.IntN(3)]
		o.Steps = append(o.Steps, schema.SequenceStep{Name: fmt.Sprint("s", i), Condition: w.condition(labels, 1), EvaluationWindow: &window})
		if i > 0 {
			o.Transitions = append(o.Transitions, schema.SequenceTransition{Parent: fmt.Sprint("s", i-1), Child: fmt.Sprint("s", i), EvaluationWindow: &within})
		}
	}
	return o
}

func (w worlds) query(i int, by []string) schema.RuleQuery {
	q := schema.RuleQuery{
		Name: string(rune('a' + i)), Query: w.pick("*", "source:x", "source:y", "@roles:admin", "@bytes:>0", "@bytes:[0.1 TO 2}", "service:web -@usr.id:u3"),
		GroupByFields: by, OptionalGroupBys: w.IntN(4) == 0,
	}
	if i > 0 && w.IntN(3) == 0 {
		q.GroupByFields = nil // global, where the first query has fields
	}
	switch q.Aggregation = w.pick("count", "count", "cardinality", "sum", "max"); q.Aggregation {
	case "cardinality":
		q.DistinctFields = []string{w.pick("@usr.id", "@roles", "host"), "service"}[:1+w.IntN(2)]
	case "sum", "max":
		q.Metrics = []string{"@bytes"}
	}
	return q
}

func (w worlds) condition(labels, depth int) string {
	label := string(rune('a' + w.IntN(labels)))
	switch n := w.IntN(8); {
	case n == 0 && depth < 2:
		return "(" + w.condition(labels, depth+1) + " || " + w.condition(labels, depth+1) + ")"
	case n <= 2 && depth < 2:
		return w.condition(labels, depth+1) + " && " + w.condition(labels, depth+1)
	case n == 3 && depth < 2:
		return "!(" + w.condition(labels, depth+1) + ")"
	}
	return label + " " + w.pick(">", ">=", "<", "<=", "==", "!=") + " " + w.pick("0", "1", "2", "3", "0.3", "1.5")
}

func suppress(t *testing.T, plan *compiler.Plan, list []schema.Suppression) {
	t.Helper()
	var inForce []compiler.InForce
	for _, p := range list {
		c, err := compiler.CompileSuppression(p)
		if err != nil {
			t.Fatal(err)
		}
		inForce = append(inForce, compiler.Always(c))
	}
	plan.Suppress(inForce)
}

// generatedCases is how many cases a run tries: NIGHTJAR_CASES, or as many as
// CI has time for.
func generatedCases() int {
	if n, err := strconv.Atoi(os.Getenv("NIGHTJAR_CASES")); err == nil {
		return n
	}
	return 2000
}

// TestGeneratedRulesGiveTheSignalsOfTheOracle holds replay against the plain
// evaluator, and live evaluation (shuffled arrivals, random pieces, faults and
// restarts) against replay.
func TestGeneratedRulesGiveTheSignalsOfTheOracle(t *testing.T) {
	signals, withheld := 0, 0
	for seed := range uint64(generatedCases()) {
		w := worlds{rand.New(rand.NewPCG(seed, 77))}
		rule, events := w.rule(), w.events()
		switch seed % 8 {
		case 1:
			rule, events = w.alertRule(), w.days(events)
		case 3, 7:
			rule, events = w.newsRule(), w.days(events)
		}
		tables := w.tables(&rule, events)
		plan, _, err := compiler.Compile(rule)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		plan.Tables = tables
		var suppressions []schema.Suppression
		if seed%3 == 1 {
			suppressions = w.suppressions(rule, events)
		}
		suppress(t, plan, suppressions)
		want := oracle(rule, events, tables.changed, suppressions...)
		signals += len(want)
		for _, line := range want {
			if !strings.HasSuffix(line, `suppressed ""`) {
				withheld++
			}
		}
		got := backtested(t, plan, events)
		if diff := gocmp.Diff(want, outline(plan, got)); diff != "" {
			t.Fatalf("seed %d: replay differs from the oracle (-want +got):\n%s\nrule %+v\nsuppressions %+v", seed, diff, rule, suppressions)
		}
		if !slices.IsSortedFunc(got, func(a, b Published) int {
			return cmp.Or(cmp.Compare(a.FirstSeen, b.FirstSeen), cmp.Compare(a.Case, b.Case), slices.Compare(Visible(plan, a.Group), Visible(plan, b.Group)))
		}) {
			t.Fatalf("seed %d: signals are not ordered by first seen, case and group: %v", seed, outline(plan, got))
		}
		late := shuffled(events, seed)
		world := newWorld(seed)
		world.tables = worldTables{world, tables}
		rule.ID = "aaa-bbb-ccc"
		mustAgree(t, world.run(t, seed, []schema.Rule{rule}, late, 0.1*float64(seed%2), suppressions...), plan, late)
		if t.Failed() {
			t.Fatalf("seed %d: rule %+v", seed, rule)
		}
	}
	if signals < generatedCases() || withheld < signals/200 {
		t.Errorf("only %d signals in %d cases, %d of them withheld: too little happens in them", signals, generatedCases(), withheld)
	}
}

// backtested are the signals of a backtest over the events.
func backtested(t *testing.T, plan *compiler.Plan, events []schema.Event) []Published {
	t.Helper()
	var matches []compiler.Match
	for i := range events {
		matches = append(matches, plan.Matches(&events[i])...)
	}
	out, err := ReplayRendered(plan, matches, newest(events), func(wanted []compiler.Match) ([]schema.Event, error) {
		var found []schema.Event
		for _, m := range wanted {
			found = append(found, events[m.Seq-1])
		}
		return found, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
