package scheduler

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"nightjar/scheduler/explain"
	"nightjar/schema"
)

// steadyHost are events of a host, ten an hour for some days.
func steadyHost(days int, hour func(h int) int) []schema.Event {
	var events []schema.Event
	for h := range days * 24 {
		for n := range hour(h) {
			at := schema.Millis(1_700_000_000_000/3_600_000*3_600_000 + int64(h)*3_600_000 + int64(n)*60_000)
			events = append(events, schema.Event{At: at, Seen: at, Source: "x", Host: "h"})
		}
	}
	return events
}

func hourlyRule(condition string) schema.Rule {
	bucket, learn, zero, long := int64(3600), int64(24), int64(0), int64(86400)
	return schema.Rule{
		ID: "aaa-bbb-ccc", Name: "r", IsEnabled: true, Type: "log_detection",
		Queries: []schema.RuleQuery{{Name: "a", Query: "source:x", Aggregation: "count", GroupByFields: []string{"host"}}},
		Cases:   []schema.RuleCase{{Status: "low", Condition: condition}},
		Options: schema.RuleOptions{
			DetectionMethod: "anomaly_detection", EvaluationWindow: &zero, KeepAlive: &zero, MaxSignalDuration: &long,
			Anomaly: &schema.AnomalyOptions{BucketDuration: &bucket, LearningDuration: &learn},
		},
	}
}

// TestAGroupWithoutAPastNeverMatches asks for what holds of any probability: a group
// that is too young to be judged does not match by it.
func TestAGroupWithoutAPastNeverMatches(t *testing.T) {
	t.Parallel()
	events := steadyHost(3, func(int) int { return 10 })
	begin := events[0].At
	for _, condition := range []string{"a >= 0", "a != 1", "a == 0 || a > 0", "!(a > 1)", ""} {
		w := newWorld(1)
		w.until = events[len(events)-1].At
		w.run(t, 1, []schema.Rule{hourlyRule(condition)}, events, 0)
		signals := standing(w)
		if len(signals) == 0 {
			t.Errorf("%q never matches, want it to from the second day on", condition)
		}
		for _, sig := range signals {
			if sig.FirstSeen < begin.Add(24*time.Hour) {
				t.Errorf("%q matches at %s, when the group is known for %s", condition, sig.FirstSeen, time.Duration(sig.FirstSeen-begin)*time.Millisecond)
			}
		}
	}
}

// TestTheLowSideIsExplained asks, at the moment at which a signal of the low side was
// opened, why it was.
func TestTheLowSideIsExplained(t *testing.T) {
	t.Parallel()
	events := steadyHost(5, func(h int) int { return map[bool]int{true: 0, false: 10}[h >= 96 && h < 100] })
	w := newWorld(1)
	w.until = events[len(events)-1].At
	w.run(t, 1, []schema.Rule{hourlyRule("a < 0.005")}, events, 0)
	signals := standing(w)
	if len(signals) == 0 {
		t.Fatal("there is no signal")
	}
	s := restart(t, w)
	drain(s)
	for offset, want := range map[time.Duration]string{
		0:               "case 0 held at its end",
		-2 * time.Hour:  "no case on the low side held at its end",
		-96 * time.Hour: "was not judged at its end",
	} {
		at := signals[0].FirstSeen.Add(offset)
		got, err := s.Explainer.explain(context.Background(), explain.Question{RuleID: "aaa-bbb-ccc", Group: []string{"h"}, At: &at})
		if notes := fmt.Sprint(got.Groups); err != nil || !strings.Contains(notes, want) {
			t.Errorf("at %s (%s): %v: %s", at, offset, err, notes)
		}
	}
}

// TestANewGroupsSeriesIsShownAsItsPeersJudgeIt compares what is shown of a group that
// nobody knew with what it was judged by.
func TestANewGroupsSeriesIsShownAsItsPeersJudgeIt(t *testing.T) {
	t.Parallel()
	var events []schema.Event
	for _, host := range []string{"a", "b", "c", "d", "e"} {
		events = append(events, steadyHost(4, func(int) int { return 10 })...)
		for i := len(events) - 960; i < len(events); i++ {
			events[i].Host = host
		}
	}
	at := events[len(events)-1].At
	for range 50 {
		events = append(events, schema.Event{At: at, Seen: at, Source: "x", Host: "new"})
	}
	rule, yes := hourlyRule("a > 0.999"), true
	rule.Options.Anomaly.PeerBaseline = &yes
	w := newWorld(1)
	w.until = at
	w.run(t, 1, []schema.Rule{rule}, events, 0)
	if signals := standing(w); len(signals) != 1 || signals[0].Group[0] != "new" {
		t.Fatalf("the signals: %v", signals)
	}
	s := restart(t, w)
	drain(s)
	got, err := s.Explainer.explainSeries(context.Background(), explain.SeriesQuestion{RuleID: rule.ID, Group: []string{"new"}})
	if err != nil || len(got.Points) != 1 || got.Points[0].Probability < 0.999 {
		t.Errorf("%v: the series: %+v", err, got.Points)
	}
}
