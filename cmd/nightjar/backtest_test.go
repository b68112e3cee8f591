package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightjar/schema"
)

// TestBacktestsOfStoredEventsGiveTheSignalsOfTheOracle stores the events of all
// cases, in any order, and then asks the engine what each case's rule finds in
// them; and once more of a part of the time, which is what a backtest of the
// events of that part finds.
func TestBacktestsOfStoredEventsGiveTheSignalsOfTheOracle(t *testing.T) {
	cases := oracleCases(t)
	p := startEngine(t, longAgo...)
	var events []map[string]any
	for _, c := range cases {
		for _, e := range c.events {
			events = append(events, tagged(e, c.name))
		}
	}
	p.sendShuffled(events, nil)
	p.caughtUp()
	ask := func(c oracleCase, from, to schema.Millis) []found {
		t.Helper()
		body, err := json.Marshal(map[string]any{"rule": taggedRule(c), "from": int64(from), "to": int64(to)})
		if err != nil {
			t.Fatal(err)
		}
		var answer struct{ Signals []found }
		p.call(http.MethodPost, "/api/nightjar/v1/backtests", body, &answer)
		return append([]found{}, answer.Signals...)
	}
	for _, c := range cases {
		got := []oracleSignal{}
		for _, s := range ask(c, 0, schema.MaxMillis) {
			got = append(got, oracleSignal{s.Case, append([]string{}, s.Group...), int64(s.FirstSeen), int64(s.LastSeen), s.Severity})
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("case %s (-want +got):\n%s", c.name, diff)
		}
	}
	for _, c := range cases[:20] {
		var times []int64
		for _, e := range c.events {
			at, err := e["timestamp"].(json.Number).Int64()
			if err != nil {
				t.Fatal(err)
			}
			times = append(times, at)
		}
		slices.Sort(times)
		from, to := times[len(times)/4], times[len(times)*3/4]
		part := ""
		for _, e := range c.events {
			if at, _ := e["timestamp"].(json.Number).Int64(); at >= from && at <= to {
				line, err := json.Marshal(e)
				if err != nil {
					t.Fatal(err)
				}
				part += string(line) + "\n"
			}
		}
		rule, err := json.Marshal(c.rule)
		if err != nil {
			t.Fatal(err)
		}
		want, err := backtest(writeFile(t, string(rule)), writeFile(t, part), schema.MaxMillis, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := ask(c, schema.Millis(from), schema.Millis(to)); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("case %s from %d to %d:\ngot  %v\nwant %v", c.name, from, to, got, want)
		}
	}
}
