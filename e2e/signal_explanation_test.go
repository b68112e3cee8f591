package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// explained are the parts of an explanation that the test looks at.
type explained struct {
	Summary struct {
		Sentence, Condition, Method string
		Events                      int64
	}
	Course struct {
		Queries []string
		Points  []struct {
			At     int64
			Values []float64
			Case   int
		}
		Thresholds []struct {
			Query, Operator string
			Number          float64
			Column          int
		}
		Columns []struct {
			Query, Step string
			Window      int64 `json:"window_ms"`
		}
	}
	Standing struct {
		Cases []struct {
			Name, Written string
			Holds         bool
			Comparisons   []struct {
				Query         string
				Value, Number float64
				Holds         bool
			}
		}
		Steps []explainedStep
		Notes []string
	}
	Queries   []struct{ Matches bool }
	Band      struct{ Points []bandPoint }
	Journey   []journeyStop
	Processes []processNode
	Missing   []string
	// AgentRules are what agents found.
	AgentRules []explainedAgentRule `json:"agent_rules"`
}

type explainedAgentRule struct {
	Rule, Version, Expression, Policy string
	Clauses                           []struct {
		Text   string
		Values []struct {
			Field  string
			Values []string
		}
	}
}

type explainedStep struct {
	Name, Condition, Reached string
	Window                   int64 `json:"window_ms"`
	Within                   int64 `json:"within_ms"`
	Comparisons              []struct{ Value, Most, Number float64 }
}

type bandPoint struct {
	At                   string
	Value, Lower, Median float64
	Upper                float64
}

type journeyStop struct {
	At, Since     int64
	City, Country string
	Km, Kmh       float64
	Impossible    bool
}

type processNode struct {
	PID      int64 `json:"pid"`
	Name     string
	Events   []string
	Started  int64
	Deeds    []struct{ Name, Target, Rule string }
	Children []processNode
}

// explainOne has the engine say why the one signal of a rule is there.
func (p *process) explainOne(rule string) (out explained) {
	p.t.Helper()
	var found struct{ Data []struct{ ID string } }
	p.call(http.MethodPost, "/api/v2/security_monitoring/signals/search", []byte(`{"filter":{"query":"rule_name:`+rule+`"}}`), &found)
	if len(found.Data) != 1 {
		p.t.Fatalf("%s: %d signals", rule, len(found.Data))
	}
	p.call(http.MethodGet, "/api/nightjar/v1/signals/"+found.Data[0].ID+"/explanation", nil, &out)
	return out
}

// TestASignalIsExplainedInNumbers makes signals of two methods, and has the engine say why.
func TestASignalIsExplainedInNumbers(t *testing.T) {
	t.Parallel()
	p := startEngine(t, longAgo...)
	create := func(rule string) {
		p.call(http.MethodPost, "/api/v2/security_monitoring/rules", []byte(rule), &struct{ ID string }{})
	}
	create(`{"name":"many","message":"m","isEnabled":true,"tags":[],"options":{"evaluationWindow":300,"keepAlive":300,"maxSignalDuration":3600},
		"queries":[{"name":"failed","query":"source:x @evt.name:login","aggregation":"count","groupByFields":["@usr.id"]}],
		"cases":[{"status":"high","name":"three","condition":"failed >= 3"}]}`)
	create(`{"name":"chain","message":"m","isEnabled":true,"tags":[],"options":{"evaluationWindow":300,"keepAlive":300,"maxSignalDuration":3600,"detectionMethod":"sequence_detection","sequenceDetectionOptions":{
			"steps":[{"name":"one","condition":"a > 0","evaluationWindow":300},{"name":"two","condition":"b > 0","evaluationWindow":300}],"stepTransitions":[{"parent":"one","child":"two","evaluationWindow":600}]}},
		"queries":[{"query":"source:x @evt.name:login","aggregation":"count","groupByFields":["@usr.id"]},{"query":"source:x @evt.name:delete","aggregation":"count","groupByFields":["@usr.id"]}],
		"cases":[{"status":"low","condition":"two > 0"}]}`)
	create(`{"name":"journey","message":"m","isEnabled":true,"tags":[],"options":{"evaluationWindow":0,"keepAlive":300,"maxSignalDuration":3600,"detectionMethod":"impossible_travel"},
		"queries":[{"query":"source:x @evt.name:travel","aggregation":"geo_data","groupByFields":["@usr.id"],"metrics":["@network.client.geoip"]}],
		"cases":[{"status":"low"}]}`)
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	send := func(name, user string, second int, more string) {
		body := fmt.Sprintf(`[{"ddsource":"x","host":"web-1","timestamp":%d,"message":"m","evt":{"name":%q},"usr":{"id":%q}%s}]`, start.Add(time.Duration(second)*time.Second).UnixMilli(), name, user, more)
		p.call(http.MethodPost, "/api/v2/logs", []byte(body), nil)
	}
	const hostile = `{{eve}}<b>`
	chain := `,"process":{"pid":%d,"comm":%q,"ancestors":{"pid":[20,10],"comm":["bash","sshd"]}}`
	for i, second := range []int{0, 100, 200} {
		send("login", hostile, second, fmt.Sprintf(chain, 30+i%2, "curl"))
	}
	send("delete", hostile, 260, "")
	const place = `,"network":{"client":{"ip":"192.0.2.%d","geoip":{"latitude":%v,"longitude":%v,"city":{"name":%[4]q},"country":{"name":%[5]q}}}}`
	send("travel", "ann", 0, fmt.Sprintf(place, 1, 48.85, 2.35, "Paris", "France"))
	send("travel", "ann", 3600, fmt.Sprintf(place, 2, 40.71, -74.0, "New York", "United States"))
	p.caughtUp()
	explain := p.explainOne

	many := explain("many")
	if want := "3 events of failed for @usr.id " + hostile + " within 5m, so that failed >= 3 held at 2026-03-01 12:03:20 UTC."; many.Summary.Sentence != want {
		t.Errorf("got  %s\nwant %s", many.Summary.Sentence, want)
	}
	var course []string
	for _, point := range many.Course.Points {
		course = append(course, fmt.Sprint((point.At-start.UnixMilli())/1000, point.Values, point.Case))
	}
	// From two windows before; the first event leaves the window 300 s after it came.
	if want := []string{"-400 [0] -1", "0 [1] -1", "100 [2] -1", "200 [3] 0", "300 [2] -1", "400 [1] -1", "500 [0] -1"}; !slices.Equal(course, want) {
		t.Errorf("course: got %v, want %v", course, want)
	}
	if th := many.Course.Thresholds; len(th) != 1 || th[0].Query != "failed" || th[0].Operator != ">=" || th[0].Number != 3 {
		t.Errorf("thresholds: %+v", th)
	}
	if c := many.Standing.Cases; len(c) != 1 || !c[0].Holds || len(c[0].Comparisons) != 1 || c[0].Comparisons[0].Value != 3 || !c[0].Comparisons[0].Holds {
		t.Errorf("cases: %+v", c)
	}
	if len(many.Queries) != 1 || !many.Queries[0].Matches || len(many.Missing) != 0 {
		t.Errorf("queries %+v, missing %v", many.Queries, many.Missing)
	}
	var shown func(nodes []processNode) string
	shown = func(nodes []processNode) string {
		var texts []string
		for _, n := range nodes {
			texts = append(texts, fmt.Sprintf("%s/%d:%d(%s)", n.Name, n.PID, len(n.Events), shown(n.Children)))
		}
		return strings.Join(texts, " ")
	}
	if got := shown(many.Processes); got != "sshd/10:0(bash/20:0(curl/30:2() curl/31:1()))" {
		t.Errorf("processes: %s", got)
	}

	journey := explain("journey").Journey
	if len(journey) != 2 || journey[0].Impossible || journey[0].Since != 0 || journey[0].Km != 0 {
		t.Fatalf("journey: %+v", journey)
	}
	// It is 5,837 km from Paris to New York.
	if to := journey[1]; !to.Impossible || to.Since != start.UnixMilli() || to.At-to.Since != 3_600_000 || int(to.Km/100) != 58 || to.Km != to.Kmh {
		t.Errorf("journey: %+v", journey)
	}

	// The logins at 12:00:00, 12:01:40 and 12:03:20: the first is enough, and by the deletion
	// there are three.
	if steps := fmt.Sprint(explain("chain").Standing.Steps); steps != "[{one a > 0 2026-03-01T12:00:00.000Z 300000 0 [{1 3 0}]} {two b > 0 2026-03-01T12:04:20.000Z 300000 600000 [{1 1 0}]}]" {
		t.Errorf("steps: %s", steps)
	}
	// The sentence alone says the same.
	want := "one (3 a), then two (1 b) 4m 20s later for @usr.id " + hostile + " at 2026-03-01 12:04:20 UTC."
	var found struct{ Data []struct{ ID string } }
	p.call(http.MethodPost, "/api/v2/security_monitoring/signals/search", []byte(`{"filter":{"query":"rule_name:chain"}}`), &found)
	var alone struct{ Sentence string }
	p.call(http.MethodGet, "/api/nightjar/v1/signals/"+found.Data[0].ID+"/summary", nil, &alone)
	if whole := explain("chain").Summary.Sentence; alone.Sentence != want || whole != want {
		t.Errorf("got  %s\nand  %s\nwant %s", alone.Sentence, whole, want)
	}
}
