package scheduler

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"nightjar/scheduler/oracle"
	"nightjar/schema"
)

// worlds makes rules and events in which little happens often: few users, few
// moments, so that windows touch, events tie and cases overlap.
type worlds struct{ *rand.Rand }

func (w worlds) pick(from ...string) string { return from[w.IntN(len(from))] }

// chance is true in one of n cases.
func (w worlds) chance(n int) bool { return w.IntN(n) == 0 }

// key is one of a map's, for strings that come with what they mean.
func key[V any](w worlds, from map[string]V) string {
	return w.pick(slices.Sorted(maps.Keys(from))...)
}

// meanings are the queries of generated rules, and what they say.
var meanings = map[string]func(*schema.Event) bool{
	"*":                       func(*schema.Event) bool { return true },
	"source:x":                func(e *schema.Event) bool { return e.Source == "x" },
	"source:y":                func(e *schema.Event) bool { return e.Source == "y" },
	"service:web":             func(e *schema.Event) bool { return e.Service == "web" },
	"service:db":              func(e *schema.Event) bool { return e.Service == "db" },
	"host:h1":                 func(e *schema.Event) bool { return e.Host == "h1" },
	"@roles:admin":            func(e *schema.Event) bool { return hasText(e, "roles", "admin") },
	"@roles:dev":              func(e *schema.Event) bool { return hasText(e, "roles", "dev") },
	"-@roles:dev":             func(e *schema.Event) bool { return !hasText(e, "roles", "dev") },
	"@bytes:*":                func(e *schema.Event) bool { return len(e.Lookup("bytes")) > 0 },
	"@bytes:>0":               func(e *schema.Event) bool { return hasBetween(e, bound{"0", 0, false}, unbounded) },
	"@bytes:>1":               func(e *schema.Event) bool { return hasBetween(e, bound{"1", 1, false}, unbounded) },
	"@bytes:<=1":              func(e *schema.Event) bool { return hasBetween(e, unbounded, bound{"1", 1, true}) },
	"@bytes:[0.2 TO 2]":       func(e *schema.Event) bool { return hasBetween(e, bound{"0.2", 0.2, true}, bound{"2", 2, true}) },
	"@bytes:{1 TO *]":         func(e *schema.Event) bool { return hasBetween(e, bound{"1", 1, false}, unbounded) },
	"@bytes:2":                func(e *schema.Event) bool { return hasText(e, "bytes", "2") },
	"service:web -@usr.id:u3": func(e *schema.Event) bool { return e.Service == "web" && !hasText(e, "usr.id", "u3") },
}

func hasText(e *schema.Event, path, text string) bool {
	return slices.ContainsFunc(e.Lookup(path), func(l schema.Leaf) bool { return l.Text() == text })
}

// bound is a number in a query.
type bound struct {
	text      string
	number    float64
	inclusive bool
}

var unbounded bound

// hasBetween reports whether a value of bytes is between the bounds: a number by
// its value, and other text by its letters.
func hasBetween(e *schema.Event, low, high bound) bool {
	return slices.ContainsFunc(e.Lookup("bytes"), func(l schema.Leaf) bool {
		than := func(b bound) int { return cmp.Compare(l.Text(), b.text) }
		if n, ok := oracle.Number(l); ok {
			than = func(b bound) int { return cmp.Compare(n, b.number) }
		}
		return (low == unbounded || than(low) > 0 || low.inclusive && than(low) == 0) &&
			(high == unbounded || than(high) < 0 || high.inclusive && than(high) == 0)
	})
}

// events spread over up to forty minutes, most of them at ticks of half a
// minute or at whole seconds, so that several share a time and windows end where
// others begin.
func (w worlds) events() []schema.Event {
	span := int64(1+w.IntN(40)) * 60_000
	grain := []int64{1, 1, 1000, 30_000}[w.IntN(4)]
	var out []schema.Event
	for i := range 5 + w.IntN(45) {
		at := 1_700_000_000_000 + w.Int64N(span)
		if at -= at % grain; w.chance(2) {
			at -= at % 30_000 // ties
		}
		out = append(out, schema.Event{
			Seq: uint64(i + 1), At: schema.Millis(at), Seen: schema.Millis(at), Source: w.pick("x", "y"), Tags: w.tags(),
			Service: w.pick("web", "db"), Host: w.pick("h1", "h2", ""), Attributes: must(schema.ParseAttributes("{" + strings.Join(w.attributes(), ",") + "}")),
		})
	}
	return out
}

// tags are mostly of one environment in a world, or else no signal would ever
// be of one.
func (w worlds) tags() []string {
	return [][]string{nil, {"env:prod"}, {"env:dev"}, {"env:staging-2", "team:a"}, {"env:test", "team:a"}}[w.IntN(5)]
}

func (w worlds) attributes() []string {
	var out []string
	if !w.chance(8) {
		out = append(out, `"usr":{"id":"`+w.pick("u1", "u2", "u3")+`"}`)
	}
	if !w.chance(6) {
		out = append(out, `"roles":`+w.pick(`["admin","dev"]`, `["admin"]`, `[]`, `["dev","dev"]`, `"ops"`, `null`))
	}
	if !w.chance(4) {
		out = append(out, `"bytes":`+w.pick("1", "2", "0.1", "0.2", "-3", "1e15", `"many"`, "[1,0.3]",
			`"2"`, `"+2"`, `"-3.5"`, `"2e-1"`, `"1E1"`, `" 2"`, `"2."`, `".5"`, `"0x10"`, `"1_0"`, `"Infinity"`, `"NaN"`, `"2\n"`, `["1","x",2]`))
	}
	if !w.chance(3) {
		out = append(out, `"ip":`+w.pick(`"10.1.2.1"`, `"10.2.0.5"`, `"192.168.7.7"`, `"2001:db8::1"`, `"none"`, `["10.1.0.9","8.8.8.8"]`))
	}
	return out
}

// rule is of the threshold method, a chain, or a sequence.
func (w worlds) rule() schema.Rule {
	durations := []int64{0, 60, 300, 600, 900}
	window := w.IntN(4)
	keepAlive := window + w.IntN(len(durations)-window)
	longest := keepAlive + w.IntN(len(durations)-keepAlive)
	byEnv := w.chance(2)
	rule := schema.Rule{
		Name: "generated", IsEnabled: true, Type: "log_detection",
		Options: schema.RuleOptions{EvaluationWindow: &durations[window], KeepAlive: &durations[keepAlive], MaxSignalDuration: &durations[longest], DecreaseByEnv: &byEnv},
	}
	by := [][]string{{"@usr.id"}, {"@roles"}, {"@usr.id", "host"}, {"@roles", "service"}, {}}[w.IntN(5)]
	for i := range 1 + w.IntN(3) {
		rule.Queries = append(rule.Queries, w.query(i, by))
	}
	if len(by) == 2 && w.chance(2) {
		rule.GroupSignalsBy = []string{rule.Queries[0].GroupByFields[w.IntN(2)]}
		if len(rule.Queries[0].GroupByFields) == 0 {
			rule.GroupSignalsBy = nil
		}
	}
	w.cases(&rule)
	if w.chance(4) {
		rule.Filters = []schema.RuleFilter{{Action: w.pick("suppress", "require"), Query: w.pick("service:web", "@bytes:*", "-@roles:dev")}}
	}
	return rule
}

// cases gives a rule its cases: plain ones, among them such as hold in silence,
// or one with a chain, or the steps of a sequence.
func (w worlds) cases(rule *schema.Rule) {
	labels := len(rule.Queries)
	for i := range 1 + w.IntN(3) {
		rule.Cases = append(rule.Cases, schema.RuleCase{Name: strconv.Itoa(i), Status: schema.Severity(w.pick("low", "high", "critical")), Condition: w.plain(labels)})
	}
	switch w.IntN(6) {
	case 0, 1, 2:
		rule.Cases = rule.Cases[:1]
		rule.Cases[0].Condition = w.chain(labels, *rule.Options.EvaluationWindow > 0)
	case 3:
		rule.Options.DetectionMethod = "sequence_detection"
		rule.Options.Sequence = w.sequence(labels)
		rule.Cases = []schema.RuleCase{{Status: "high"}}
	}
}

// plain is a condition without `then`.
func (w worlds) plain(labels int) string {
	if w.chance(2) {
		return w.quiet(labels)
	}
	return w.condition(labels, 0)
}

// quiet is a condition that holds when nothing comes.
func (w worlds) quiet(labels int) string {
	var out []string
	for i := range labels {
		label := string(rune('a' + i))
		out = append(out, w.pick(label+" < 1", label+" == 0", "!("+label+" > 0)", label+" <= 0", label+" < 3"))
	}
	w.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return strings.Join(out[:1+w.IntN(len(out))], w.pick(" && ", " || "))
}

// chain is a condition of parts, whose last may have to stay away.
func (w worlds) chain(labels int, absence bool) string {
	loud := func() string { return string(rune('a'+w.IntN(labels))) + w.pick(" > 0", " >= 1", " > 1") }
	part := func() string {
		if w.chance(3) {
			return w.condition(labels, 1)
		}
		return loud()
	}
	parts := []string{part()}
	for range []int{0, 0, 0, 1, 1, 2}[w.IntN(6)] {
		parts = append(parts, part())
	}
	if absence && !w.chance(4) {
		return strings.Join(parts, w.pick(" then ", " THEN ")) + w.pick(" then not ", " then  NOT ") + w.pick(part(), loud(), "a > 2", "a == 2")
	}
	return strings.Join(append(parts, part()), w.pick(" then ", " THEN "))
}

func (w worlds) sequence(labels int) *schema.SequenceOptions {
	o := &schema.SequenceOptions{}
	for i := range 1 + w.IntN(4) {
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
		Name: string(rune('a' + i)), Query: w.pick("*", "source:x", "source:y", "@roles:admin", "@bytes:>0", "service:web -@usr.id:u3", "@bytes:[0.2 TO 2]", "@bytes:2", "@bytes:<=1", "@bytes:{1 TO *]"),
		GroupByFields: by, OptionalGroupBys: w.chance(4),
	}
	if i > 0 && w.chance(3) {
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
