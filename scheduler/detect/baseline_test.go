package detect

import (
	"strconv"
	"testing"
	"time"

	"nightjar/compiler"
	"nightjar/schema"
)

// TestBucketsBefore1970AreBuckets counts events of clocks that are far behind.
func TestBucketsBefore1970AreBuckets(t *testing.T) {
	compiled, _, err := compiler.Compile(schema.Rule{
		Name: "r", Queries: []schema.RuleQuery{{Query: "*", Aggregation: "count"}}, Cases: []schema.RuleCase{{Status: "low", Condition: "a > 0.995"}},
		Options: schema.RuleOptions{DetectionMethod: "anomaly_detection"},
	})
	if err != nil {
		t.Fatal(err)
	}
	plan := compiled.Bind()
	bl := NewBaseline(plan, 0)
	for _, at := range []schema.Millis{-1, -600_000, -299_999, 0, -2} {
		bl.Count(&compiler.Match{At: at})
	}
	s := bl.of(0, nil)
	if got := []float64{s.value(-2), s.value(-1), s.value(0)}; got[0] != 1 || got[1] != 3 || got[2] != 1 {
		t.Errorf("buckets −2, −1 and 0 hold %v, want 1, 3 and 1", got)
	}
}

// usual is what a rule that looks for anomalies knows of one group up to a moment: hourly
// buckets from 0 on, each with one event more than the one before, up to 50, and so again.
func usual(t *testing.T, query schema.RuleQuery, newest schema.Millis) *Baseline {
	t.Helper()
	compiled, _, err := compiler.Compile(schema.Rule{
		Name: "r", Queries: []schema.RuleQuery{query}, Cases: []schema.RuleCase{{Status: "low", Condition: "a > 0.995"}},
		Options: schema.RuleOptions{DetectionMethod: "anomaly_detection", Anomaly: &schema.AnomalyOptions{BucketDuration: new(int64(3600))}},
	})
	if err != nil {
		t.Fatal(err)
	}
	bl := NewBaseline(compiled.Bind(), 0)
	for b := int64(0); bl.Moment(b) <= newest; b++ {
		for i := range b%50 + 1 {
			bl.Count(&compiler.Match{At: bl.Moment(b), Values: []string{strconv.FormatInt(i, 10)}, Number: 1, HasNumber: true})
		}
	}
	bl.Arrived(newest)
	bl.Evaluated()
	return bl
}

// TestSettlingKeepsEveryBucketFromTheHorizonOn: what is before the horizon is in the model,
// and what is not stays as it was counted.
func TestSettlingKeepsEveryBucketFromTheHorizonOn(t *testing.T) {
	const last = 30
	for aggregation, query := range map[string]schema.RuleQuery{
		"count":       {Query: "*", Aggregation: "count"},
		"cardinality": {Query: "*", Aggregation: "cardinality", DistinctFields: []string{"@usr.id"}},
		"sum":         {Query: "*", Aggregation: "sum", Metrics: []string{"@bytes"}},
	} {
		for _, horizon := range []int64{1, 17, last, last + 1} {
			bl := usual(t, query, last*anHour)
			s := bl.of(0, nil)
			if _, err := s.settle(bl, horizon); err != nil {
				t.Fatal(err)
			}
			if next := s.base.Next() / bl.width; next != horizon {
				t.Errorf("%s: the model goes on at bucket %d, want %d", aggregation, next, horizon)
			}
			for b := range int64(last + 1) {
				want := float64(b + 1)
				if b < horizon {
					want = 0 // it is in the model
				}
				if got := s.value(b); got != want {
					t.Errorf("%s, settled before bucket %d: bucket %d holds %v, want %v", aggregation, horizon, b, got, want)
				}
			}
		}
	}
}

// TestALateEventIsLearnedAfterSettling: an event that is as late as is allowed counts as if
// it had come in time, however much is settled.
func TestALateEventIsLearnedAfterSettling(t *testing.T) {
	const day, newest = 24 * anHour, 60*24*anHour + 42
	query := schema.RuleQuery{Query: "*", Aggregation: "count"}
	for name, c := range map[string]struct {
		lateness time.Duration
		peers    bool
		judged   schema.Millis
		through  schema.Millis
	}{
		"an hour":               {time.Hour, false, Never, 57*day - anHour},
		"a week":                {7 * 24 * time.Hour, false, Never, 50 * day},
		"a week, of peers":      {7 * 24 * time.Hour, true, Never, 50*day - 32*anHour},
		"a week, judged before": {7 * 24 * time.Hour, false, newest - day, 49 * day},
	} {
		settling, never := usual(t, query, newest), usual(t, query, newest)
		settling.Plan.Anomaly.Peers = c.peers
		var saved []SeriesModel
		through, some, err := settling.Settle(c.judged, c.lateness, func(part []SeriesModel) error { saved = append(saved, part...); return nil })
		if err != nil || !some || through != c.through || len(saved) != 1 || saved[0].Through != through {
			t.Errorf("%s: settled before %s (%v, %v), want %s; %d models saved", name, through, some, err, c.through, len(saved))
		}
		late := schema.Millis(newest).Add(-c.lateness)
		var states [2]string
		for i, bl := range []*Baseline{settling, never} {
			for range 1000 {
				bl.Count(&compiler.Match{At: late})
			}
			m, err := bl.of(0, nil).model(bl, bl.BucketOf(newest))
			if err != nil {
				t.Fatal(err)
			}
			states[i] = string(mustHave(m.MarshalBinary()))
		}
		if states[0] != states[1] {
			t.Errorf("%s: a late event taught something else after settling", name)
		}
	}
}
