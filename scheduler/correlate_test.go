package scheduler

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// correlation is a rule over the signals of two others.
func (w worlds) correlation(rules []schema.Rule) schema.Rule {
	durations := []int64{300, 600, 900, 3600}
	window, keepAlive := durations[w.IntN(2)], durations[2]
	rule := schema.Rule{
		ID: "sig-nal-000", Name: "both", Type: "signal_correlation", IsEnabled: true,
		Options: schema.RuleOptions{EvaluationWindow: &window, KeepAlive: &keepAlive, MaxSignalDuration: &durations[3]},
	}
	by := w.pick("@usr.id", "service", "host", "")
	for i := range rules {
		q := schema.RuleQuery{RuleID: rules[i].ID, Aggregation: "event_count"}
		if by != "" && (i == 0 || w.IntN(4) > 0) {
			q.CorrelatedByFields = []string{by}
		}
		rule.Queries = append(rule.Queries, q)
	}
	rule.Cases = []schema.RuleCase{{Status: "high", Condition: w.pick("a > 0 && b > 0", "a > 1 || b > 1", "a > 0 && b < 1", "a > 0 then b > 0")}}
	return rule
}

// replayed are a rule's signals as rules over signals see them.
func replayed(t *testing.T, rule schema.Rule, events []schema.Event, suppressions []schema.Suppression) []FirstPublished {
	t.Helper()
	compiled, _, err := compiler.Compile(rule)
	if err != nil {
		t.Fatal(err)
	}
	plan := compiled.Bind()
	suppress(t, plan, suppressions)
	var out []FirstPublished
	for _, p := range backtested(t, plan, events, newest(events)) {
		out = append(out, FirstPublished{p, 0})
	}
	return out
}

// TestSignalsOfOtherRulesAreCorrelatedAsTheyStandInTheEnd evaluates rules over
// signals live, over events that come late, which move, merge and retract those
// signals, with faults and restarts, and compares with a replay of everything in
// order.
func TestSignalsOfOtherRulesAreCorrelatedAsTheyStandInTheEnd(t *testing.T) {
	t.Parallel()
	found := 0
	for seed := range uint64(700) {
		w := worlds{rand.New(rand.NewPCG(seed, 99))}
		rules := []schema.Rule{w.rule(), w.rule()}
		rules[0].ID, rules[1].ID = "rul-aaa-000", "rul-bbb-000"
		events := shuffled(w.events(), seed)
		for i := range events {
			events[i].Seq = uint64(i + 1)
		}
		correlation := w.correlation(rules)
		compiled, _, err := compiler.Compile(correlation)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		plan := compiled.Bind()
		var suppressions []schema.Suppression
		if seed%4 == 0 {
			suppressions = w.suppressions(rules[0], events)
		}
		suppress(t, plan, suppressions)
		var inputs []FirstPublished
		for _, r := range rules {
			inputs = append(inputs, replayed(t, r, events, suppressions)...)
		}
		for i := range inputs {
			inputs[i].First = uint64(i + 1)
		}
		of := signalsOf(plan, inputs)
		want := essenceOfSignals(detect.Replay(plan, append(slices.Clone(of.matches), of.globals...), detect.Horizon{}))
		found += len(want)
		live := liveRules(t, seed, append(rules, correlation), events, 0.1*float64(seed%2), suppressions...)
		var got []schema.Signal
		for _, sig := range standing(live) {
			if sig.RuleID == correlation.ID {
				got = append(got, sig)
			}
		}
		if diff := cmp.Diff(want, essenceOfSignals(got)); diff != "" {
			t.Fatalf("seed %d: live differs from replay (-replay +live):\n%s\n%+v", seed, diff, correlation)
		}
	}
	if found < 200 {
		t.Errorf("only %d signals were found in all cases", found)
	}
}

// essenceOfSignals leaves out what depends on when signals were published.
func essenceOfSignals(signals []schema.Signal) []string {
	for i := range signals {
		signals[i].Samples, signals[i].Suppression = "", ""
	}
	return essence(signals)
}
