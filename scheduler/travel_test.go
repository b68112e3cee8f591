package scheduler

import (
	"fmt"
	"math/rand/v2"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
	"nightjar/scheduler/oracle"
	"nightjar/schema"
)

// TestATravellersAddressIsFollowedAsFarBackAsTheyStayed has people who stay at
// one address for days while what the database says of it changes: where they
// were when they left it was said long before what a rule looks back.
func TestATravellersAddressIsFollowedAsFarBackAsTheyStayed(t *testing.T) {
	t.Parallel()
	signals := 0
	for seed := range uint64(60) {
		w := worlds{rand.New(rand.NewPCG(seed, 9))}
		rule, events := w.travelRule(), w.stays()
		compiled, _, err := compiler.Compile(rule)
		if err != nil {
			t.Fatal(err)
		}
		plan := compiled.Bind()
		want := wanted(oracle.Signals(rule, events, oracle.Given{Meanings: meanings}))
		signals += len(want)
		if diff := gocmp.Diff(want, outline(plan, backtested(t, plan, events, newest(events)))); diff != "" {
			t.Fatalf("seed %d: replay differs from the oracle (-want +got):\n%s", seed, diff)
		}
		if seed%2 == 1 {
			events = shuffled(events, seed)
		}
		mustAgree(t, newWorld(seed).run(t, seed, []schema.Rule{rule}, events, 0.05*float64(seed%4/2)), plan, events)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if signals < 30 {
		t.Errorf("only %d signals: nobody travels", signals)
	}
}

func (w worlds) travelRule() schema.Rule {
	hour, day, learns := int64(3600), int64(86400), w.IntN(2) == 0
	return schema.Rule{
		ID: "aaa-bbb-ccc", Name: "travel", Type: "log_detection", IsEnabled: true, Cases: []schema.RuleCase{{Status: "low"}},
		Queries: []schema.RuleQuery{{Name: "a", Query: "*", Aggregation: "geo_data", GroupByFields: []string{"@usr.id"}, Metrics: []string{"@network.client.geoip"}}},
		Options: schema.RuleOptions{
			DetectionMethod: "impossible_travel", KeepAlive: &hour, MaxSignalDuration: &day, EvaluationWindow: new(int64),
			ImpossibleTravel: &schema.TravelOptions{BaselineUserLocations: &learns},
		},
	}
}

// stays are two people's events, in order, mostly from the address they were at.
func (w worlds) stays() []schema.Event {
	var out []schema.Event
	at, address := schema.Millis(1_700_000_000_000), [2]int{}
	for range 60 {
		at += schema.Millis(w.IntN(8)) * 3_600_000
		who := w.IntN(2)
		if w.IntN(10) == 0 {
			address[who] = w.IntN(3)
		}
		where := w.pick(`48.85,"longitude":2.35,"city":"Paris","country":"FR"`, `40.71,"longitude":-74.0,"city":"New York","country":"US"`, `35.68,"longitude":139.65,"city":"Tokyo","country":"JP"`)
		out = append(out, schema.Event{Seq: uint64(len(out) + 1), At: at, Seen: at, Source: "x", Attributes: must(schema.ParseAttributes(fmt.Sprintf(
			`{"usr":{"id":"u%d"},"network":{"client":{"ip":"10.0.0.%d","geoip":{"latitude":%s}}}}`, who, address[who], where)))})
	}
	return out
}

// TestPlacesThatAreNone has people who were in Paris an hour ago.
func TestPlacesThatAreNone(t *testing.T) {
	t.Parallel()
	rule := worlds{rand.New(rand.NewPCG(0, 0))}.travelRule()
	rule.Options.ImpossibleTravel = nil
	compiled, _, err := compiler.Compile(rule)
	if err != nil {
		t.Fatal(err)
	}
	plan := compiled.Bind()
	for now, signals := range map[string]int{
		`"ip":"2.2.2.2","geoip":{"latitude":40.7,"longitude":-74}`:         1,
		`"ip":"2.2.2.2","geoip":{"latitude":"40.7","longitude":"-7.4e1"}`:  1,
		`"ip":"2.2.2.2","geoip":{"latitude":" 40.7","longitude":"-74"}`:    0,
		`"ip":"1.1.1.1","geoip":{"latitude":40.7,"longitude":-74}`:         0,
		`"geoip":{"latitude":40.7,"longitude":-74}`:                        1,
		`"ip":"2.2.2.2","geoip":{"latitude":0,"longitude":0}`:              0,
		`"ip":"2.2.2.2","geoip":{"latitude":"0.0","longitude":"-0"}`:       0,
		`"ip":"2.2.2.2","geoip":{"latitude":0,"longitude":-74}`:            1,
		`"ip":"2.2.2.2","geoip":{"latitude":948.85,"longitude":2.35}`:      0,
		`"ip":"2.2.2.2","geoip":{"latitude":-90,"longitude":180}`:          1,
		`"ip":"2.2.2.2","geoip":{"latitude":-90.0001,"longitude":180}`:     0,
		`"ip":"2.2.2.2","geoip":{"latitude":40.7,"longitude":-180.0001}`:   0,
		`"ip":"2.2.2.2","geoip":{"latitude":40.7}`:                         0,
		`"ip":"2.2.2.2","geoip":{"latitude":40.7,"longitude":"somewhere"}`: 0,
	} {
		var matches []compiler.Match
		for i, client := range []string{`"ip":"1.1.1.1","geoip":{"latitude":48.85,"longitude":2.35}`, now} {
			e := schema.Event{Seq: uint64(i + 1), At: schema.Millis(i) * hour, Attributes: must(schema.ParseAttributes(`{"usr":{"id":"u"},"network":{"client":{` + client + `}}}`))}
			matches = append(matches, plan.Matches(&e)...)
		}
		if got := detect.Replay(plan, matches, detect.Horizon{}); len(got) != signals {
			t.Errorf("%s: %d signals, want %d", now, len(got), signals)
		}
	}
}

// TestAPlaceWithoutACountryIsNeverCommon goes to a place again and again.
func TestAPlaceWithoutACountryIsNeverCommon(t *testing.T) {
	t.Parallel()
	rule := worlds{rand.New(rand.NewPCG(0, 0))}.travelRule()
	yes := true
	rule.Options.ImpossibleTravel.BaselineUserLocations = &yes
	compiled, _, err := compiler.Compile(rule)
	if err != nil {
		t.Fatal(err)
	}
	plan := compiled.Bind()
	for country, signals := range map[string]int{`,"country":"US"`: 0, "": 1} {
		var matches []compiler.Match
		for i, at := range []schema.Millis{0, 1, 24, 48, 49} { // in hours: the end of the first day is learned, too
			where := `48.85,"longitude":2.35,"city":"Paris","country":"FR"`
			if i%2 == 1 || i == 4 {
				where = `40.7,"longitude":-74,"city":"New York"` + country
			}
			if i == 3 {
				where = `48.85,"longitude":2.35,"city":"Paris","country":"FR"`
			}
			e := schema.Event{Seq: uint64(i + 1), At: at * hour, Attributes: must(schema.ParseAttributes(fmt.Sprintf(
				`{"usr":{"id":"u"},"network":{"client":{"ip":"%d","geoip":{"latitude":%s}}}}`, i, where)))}
			matches = append(matches, plan.Matches(&e)...)
		}
		if got := detect.Replay(plan, matches, detect.Horizon{}); len(got) != signals {
			t.Errorf("country %q: %d signals, want %d", country, len(got), signals)
		}
	}
}
