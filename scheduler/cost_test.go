package scheduler

import (
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"

	"nightjar/compiler"
	"nightjar/schema"
)

// costlyRules are rules of every method, over events that have any of their fields
// many times.
func costlyRules(t testing.TB) map[string]schema.Rule {
	t.Helper()
	const (
		users = `"aggregation":"cardinality","distinctFields":["@usr.id"]`
		count = `"aggregation":"count"`
		fresh = `"aggregation":"new_value","metrics":["@usr.id"]`
		learn = `,"newValueOptions":{"forgetAfter":7,"learningMethod":"duration","learningDuration":0}`
	)
	rules := map[string]schema.Rule{}
	add := func(name, method string, keepAlive int, options, condition string, queries ...string) {
		var list []string
		for i, q := range queries {
			if !strings.Contains(q, "groupByFields") {
				q += `,"groupByFields":["@ip"]`
			}
			list = append(list, fmt.Sprintf(`{"name":"%c","query":"source:wide",%s}`, 'a'+i, q))
		}
		text := fmt.Sprintf(`{"name":%q,"isEnabled":true,"message":"{{@ip}} {{@usr.id}}","queries":[%s],"cases":[{"status":"low","condition":%q}],
			"options":{"detectionMethod":%q,"evaluationWindow":%d,"keepAlive":%d,"maxSignalDuration":86400%s}}`,
			name, strings.Join(list, ","), condition, method, min(300, keepAlive), keepAlive, options)
		var rule schema.Rule
		if err := json.Unmarshal([]byte(text), &rule); err != nil {
			t.Fatal(err)
		}
		if plan, _, err := compiler.Compile(rule); err != nil || plan.Unsupported != "" {
			t.Fatalf("%s: %v", name, err)
		}
		rules[name] = rule
	}
	add("count", "threshold", 3600, "", "a > 0", count)
	add("alone", "threshold", 0, "", "a > 0", count)
	add("cardinality", "threshold", 3600, "", "a > 0", users)
	add("sum", "threshold", 3600, "", "a > 1", `"aggregation":"sum","metrics":["@bytes"]`)
	add("max", "threshold", 3600, "", "a > 1", `"aggregation":"max","metrics":["@bytes"]`)
	add("silence", "threshold", 3600, "", "a < 2", count)
	add("then", "threshold", 3600, "", "a > 0 then b > 1", count, count)
	add("global", "threshold", 3600, "", "a > 0 && b > 0", count, count+`,"groupByFields":[]`)
	add("ungrouped", "threshold", 3600, "", "a > 0", users+`,"groupByFields":[]`)
	add("by tags", "threshold", 3600, "", "a > 0", count+`,"groupByFields":["t"]`)
	add("new value", "new_value", 3600, learn, "a > 0", fresh)
	add("each new value", "new_value", 0, learn, "a > 0", fresh+`,"groupByFields":[]`)
	add("anomaly", "anomaly_detection", 3600, `,"anomalyDetectionOptions":{"bucketDuration":300,"learningDuration":1,"detectionTolerance":3}`, "a > 0.99", count)
	add("travel", "impossible_travel", 3600, "", "a > 0", `"aggregation":"geo_data","metrics":["@geo"]`)
	add("sequence", "sequence_detection", 3600, `,"sequenceDetectionOptions":{"steps":[{"name":"one","condition":"a > 0"},{"name":"two","condition":"b > 0"}],
		"stepTransitions":[{"parent":"one","child":"two","evaluationWindow":300}]}`, "two > 0", count, count)
	add("texts", "content_anomaly", 3600, `,"contentAnomalyOptions":{"learningDuration":1}`, "", `"aggregation":"none","metrics":["@usr.id"]`)
	alerts := rules["count"]
	alerts.Name, alerts.Queries, alerts.Cases, alerts.Options.DetectionMethod = "third party", nil, nil, "third_party"
	alerts.Options.ThirdParty = &schema.ThirdPartyOptions{DefaultStatus: "info", RootQueries: []schema.RootQuery{{Query: "source:wide", GroupByFields: []string{"@ip"}}}}
	alerts.ThirdPartyCases = []schema.ThirdPartyCase{{Name: "some", Query: "@usr.id:*", Status: "low"}}
	rules["third party"] = alerts
	coarse := rules["count"]
	coarse.Name, coarse.GroupSignalsBy = "coarse", []string{"@usr.id"}
	coarse.Queries = []schema.RuleQuery{{Name: "a", Query: "source:wide", Aggregation: "count", GroupByFields: []string{"@ip", "@usr.id"}}}
	rules["coarse"] = coarse
	return rules
}

// costlyShapes are events that have one thing n times.
var costlyShapes = map[string]func(n int) (tags []string, attributes string){
	"groups": func(n int) ([]string, string) { return nil, `"usr":{"id":"u"},"ip":` + many(n, `"198.18.%d"`) },
	"values": func(n int) ([]string, string) {
		return nil, `"ip":"203.0.113.66","usr":{"id":` + many(n, `"user%d"`) + `}`
	},
	"groups of a few values": func(n int) ([]string, string) {
		return nil, `"usr":{"id":["u","v","w"]},"ip":` + many(n, `"198.18.%d"`)
	},
	"numbers": func(n int) ([]string, string) {
		return nil, `"ip":"203.0.113.66","usr":{"id":"u"},"bytes":` + many(n, `%d.5`)
	},
	"tags": func(n int) ([]string, string) {
		return strings.Split(strings.Trim(many(n, "t:%d"), "[]"), ","), `"ip":"203.0.113.66","usr":{"id":"u"}`
	},
	"keys": func(n int) ([]string, string) {
		return nil, `"ip":"203.0.113.66","usr":{"id":"u"},"k":{` + strings.Trim(many(n, `"key%d":1`), "[]") + `}`
	},
	"objects": func(n int) ([]string, string) {
		return nil, `"usr":{"id":"u"},"ip":["x"],"o":` + many(n, `{"a":%d,"b":[1,2]}`)
	},
	"text": func(n int) ([]string, string) {
		return nil, `"ip":"203.0.113.66","usr":{"id":"` + strings.Repeat("x", 20*n) + `"}`
	},
}

// many is a JSON array of n values.
func many(n int, format string) string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf(format, i)
	}
	return "[" + strings.Join(out, ",") + "]"
}

// workOf evaluates three such events, some minutes apart, and counts the work.
func workOf(t testing.TB, rule schema.Rule, tags []string, attributes string) uint64 {
	t.Helper()
	a, err := schema.ParseAttributes(`{"geo":{"latitude":48.1,"longitude":11.5,"city":"M","country":"DE"},` + attributes + `}`)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(1)
	w.recent = NewRecent(1 << 30)
	s := schedulerOf(t, w, rule)
	before := counted(t)
	for i := range 3 {
		at := schema.Millis(1_700_000_000_000 + 100_000*i)
		w.give(schema.Event{At: at, Seen: at, Source: "wide", Message: "m", Tags: tags, Attributes: a})
		drain(s)
	}
	return counted(t) - before
}

// counted is how much was done so far, by the memory that it took: every match, group,
// signal and document takes some.
func counted(t testing.TB) uint64 {
	t.Helper()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// An event that is eightfold may be so many times as much work: what grows with the
// square would be 64 times as much.
const (
	smallEvent = 125
	most       = 24
)

// TestWorkGrowsWithTheEvent holds every shape of events against every rule. It counts what
// the program allocates, so nothing runs beside it.
func TestWorkGrowsWithTheEvent(t *testing.T) {
	for name, rule := range costlyRules(t) {
		for shape, of := range costlyShapes {
			if name == "by tags" && shape == "tags" {
				continue // each of the signals has all of the tags
			}
			const n = smallEvent
			workOf(t, rule, nil, `"ip":"x"`) // what is done once
			tags, attributes := of(n)
			small := workOf(t, rule, tags, attributes)
			tags, attributes = of(8 * n)
			if large := workOf(t, rule, tags, attributes); float64(large) > most*float64(small) {
				t.Errorf("%s, %s: %d for %d, %d for %d: %.1f times", name, shape, small, n, large, 8*n, float64(large)/float64(small))
			}
		}
	}
}

// FuzzCost is that for events with a few fields many times over. Where both the
// groups and what is kept of each are many, their product is the work.
func FuzzCost(f *testing.F) {
	f.Add(uint8(0), uint8(1), "x")
	f.Add(uint8(3), uint8(6), `y","z`)
	f.Add(uint8(10), uint8(2), "é")
	rules, shapes := sortedNames(costlyRules(f)), sortedNames(costlyShapes)
	f.Fuzz(func(t *testing.T, rule, shape uint8, extra string) {
		r, of := costlyRules(t)[rules[int(rule)%len(rules)]], costlyShapes[shapes[int(shape)%len(shapes)]]
		more := `,"extra":` + schema.QuoteJSON(strings.ToValidUTF8(extra, ""))
		const n = smallEvent
		tags, attributes := of(n)
		small := workOf(t, r, tags, attributes+more)
		tags, attributes = of(8 * n)
		if large := workOf(t, r, tags, attributes+more); float64(large) > most*float64(small)+1e6 {
			t.Errorf("%s: %d for %d, %d for %d", r.Name, small, n, large, 8*n)
		}
	})
}

func sortedNames[V any](of map[string]V) []string {
	return slices.Sorted(maps.Keys(of))
}
