package scheduler

import (
	"cmp"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
	"nightjar/scheduler/oracle"
	"nightjar/schema"
)

// generatedCases is how many cases a run tries: NIGHTJAR_CASES, or as many as
// CI has time for.
func generatedCases() int {
	if n, err := strconv.Atoi(os.Getenv("NIGHTJAR_CASES")); err == nil {
		return n
	}
	return 2000
}

// generated is a rule with its events and all that its signals depend on.
type generated struct {
	seed   uint64
	rule   schema.Rule
	events []schema.Event
	tables changing
	plan   *compiler.BoundPlan
	// horizon is the newest moment at which silence is judged.
	horizon      int64
	suppressions []schema.Suppression
}

func generate(t *testing.T, seed uint64) *generated {
	t.Helper()
	w := worlds{rand.New(rand.NewPCG(seed, 77))}
	g := &generated{seed: seed, rule: w.rule(), events: w.events()}
	switch seed % 8 {
	case 1:
		g.rule, g.events = w.alertRule(), w.days(g.events)
	case 3, 7:
		g.rule, g.events = w.newsRule(), w.days(g.events)
	}
	g.tables = w.tables(&g.rule, g.events)
	g.horizon = w.horizon(g.events)
	if seed%3 == 1 {
		g.suppressions = w.suppressions(g.rule, g.events)
	}
	compiled, _, err := compiler.Compile(g.rule)
	if err != nil {
		t.Fatalf("seed %d: %v\n%s", seed, err, described(g.rule))
	}
	g.plan = compiled.Bind()
	g.plan.Tables = g.tables
	suppress(t, g.plan, g.suppressions)
	return g
}

// horizon is mostly behind the newest event, by whole minutes, at which silences
// end too; now and then before it, where live evaluation stands behind.
func (w worlds) horizon(events []schema.Event) int64 {
	if w.chance(5) {
		return int64(events[w.IntN(len(events))].At) + []int64{0, -1, 60_000, 300_000}[w.IntN(4)]
	}
	return oracle.Newest(events) + []int64{0, 59_999, 60_000, 300_000, 600_000, 3_600_000}[w.IntN(6)]
}

func suppress(t *testing.T, plan *compiler.BoundPlan, list []schema.Suppression) {
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

// shares are how often things happen in generated cases.
type shares struct {
	cases, signals, withheld int
	quiet                    map[string]int // cases with a signal of this kind
	methods                  map[schema.Method]int
}

// generatedElsewhere are the methods whose rules other tests make, with these tests.
var generatedElsewhere = map[schema.Method]string{
	schema.MethodAnomalyDetection: "TestAnomaliesAreThoseOfReplayThroughFaults",
	schema.MethodContentAnomaly:   "TestATextLikeNoneBeforeIsAnAnomaly",
}

func (s *shares) count(method schema.Method, signals []oracle.Signal, lines []string) {
	s.cases++
	if s.methods == nil {
		s.methods = map[schema.Method]int{}
	}
	s.methods[method]++
	s.signals += len(lines)
	for _, line := range lines {
		if !strings.HasSuffix(line, `suppressed ""`) {
			s.withheld++
		}
	}
	kinds := map[string]bool{}
	for _, l := range signals {
		for _, h := range l.Matches {
			kind := map[bool]string{true: "absence", false: "silence"}[h.Counted != nil]
			if h.Silent {
				kinds[kind] = true
				if l.First == h.At && l.Events == 0 {
					kinds["opened by silence"] = true
				}
				if l.First < h.At {
					kinds["extended by "+kind] = true
				}
			}
		}
	}
	if s.quiet == nil {
		s.quiet = map[string]int{}
	}
	for kind := range kinds {
		s.quiet[kind]++
	}
}

// check wants enough of everything: a generator in which nothing happens any
// more proves nothing.
func (s *shares) check(t *testing.T) {
	t.Helper()
	t.Logf("%d cases: %d signals, %d of them withheld; cases with %v", s.cases, s.signals, s.withheld, s.quiet)
	if s.signals < s.cases || s.withheld < s.signals/200 {
		t.Errorf("only %d signals in %d cases, %d of them withheld: too little happens in them", s.signals, s.cases, s.withheld)
	}
	for _, method := range compiler.Methods() {
		if s.methods[method] == 0 && generatedElsewhere[method] == "" {
			t.Errorf("no generated rule is of method %s: add it to worlds_methods_test.go, and to the oracle", method)
		}
	}
	for kind, percent := range map[string]int{"silence": 6, "absence": 3, "opened by silence": 2, "extended by silence": 4, "extended by absence": 1} {
		if s.quiet[kind] < s.cases*percent/100 {
			t.Errorf("only %d of %d cases have a signal of the kind %q: want %d %%", s.quiet[kind], s.cases, kind, percent)
		}
	}
}

// TestGeneratedRulesGiveTheSignalsOfTheOracle holds replay against the plain
// evaluator, and live evaluation (shuffled arrivals, random pieces, faults and
// restarts) against replay.
func TestGeneratedRulesGiveTheSignalsOfTheOracle(t *testing.T) {
	t.Parallel()
	var happens shares
	for n := range uint64(generatedCases()) {
		seed := baseSeed() + n
		g := generate(t, seed)
		signals := oracle.Signals(g.rule, g.events, given(g.horizon, g.tables, g.suppressions))
		want := wanted(signals)
		happens.count(g.plan.Method, signals, want)
		got := backtested(t, g.plan, g.events, detect.Over(detect.Always, schema.Millis(g.horizon)))
		if diff := differ(want, outline(g.plan, got)); diff != "" {
			t.Fatalf("seed %d: replay differs from the oracle (-want +got), horizon %d:\n%s\n%s%+v", seed, g.horizon, diff, described(g.rule), g.suppressions)
		}
		if !slices.IsSortedFunc(got, func(a, b Published) int {
			return cmp.Or(cmp.Compare(a.FirstSeen, b.FirstSeen), cmp.Compare(a.Case, b.Case), slices.Compare(detect.Visible(g.plan, a.Group), detect.Visible(g.plan, b.Group)))
		}) {
			t.Fatalf("seed %d: signals are not ordered by first seen, case and group: %v", seed, outline(g.plan, got))
		}
		late := shuffled(g.events, seed)
		mustAgree(t, g.live(t, late), g.plan, late)
		if t.Failed() {
			t.Fatalf("seed %d, horizon %d:\n%s%+v", seed, g.horizon, described(g.rule), g.suppressions)
		}
	}
	happens.check(t)
}

// live evaluates the rule over events as they arrive: every other time with
// faults and restarts, and always with moments before the end at which silence is
// judged of what has arrived so far.
func (g *generated) live(t *testing.T, arriving []schema.Event) *world {
	t.Helper()
	w := newWorld(g.seed)
	w.tables, w.until = worldTables{w, g.tables}, schema.Millis(g.horizon)
	rule := g.rule
	rule.ID = "aaa-bbb-ccc"
	return w.run(t, g.seed, []schema.Rule{rule}, arriving, 0.1*float64(g.seed%2), g.suppressions...)
}

// backtested are the signals of a backtest over the events.
func backtested(t *testing.T, plan *compiler.BoundPlan, events []schema.Event, h detect.Horizon) []Published {
	t.Helper()
	var matches []compiler.Match
	for i := range events {
		matches = append(matches, plan.Matches(&events[i])...)
	}
	out, err := ReplayRendered(plan, matches, h, func(wanted []compiler.Match) ([]schema.Event, error) {
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
