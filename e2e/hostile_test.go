package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// hostileEvents are events of every shape that costs: each makes one of about so
// many bytes, with a source that the rules of hostileRules ask for.
var hostileEvents = map[string]func(size int, at time.Time) string{
	"one":       func(int, time.Time) string { return `"ip":"203.1.113.1","usr":{"id":"u"}` },
	"addresses": func(size int, _ time.Time) string { return `"ip":` + list(size/16, `"198.18.%d"`) },
	"strangers": func(size int, at time.Time) string {
		return `"ip":` + list(size/32, fmt.Sprintf(`"%d-%%d"`, at.UnixNano()))
	},
	"users": func(size int, _ time.Time) string {
		return `"ip":"203.1.113.1","usr":{"id":` + list(size/12, `"user%d"`) + `}`
	},
	"both": func(size int, _ time.Time) string {
		return `"ip":` + list(size/32, `"198.18.%d"`) + `,"usr":{"id":` + list(size/24, `"user%d"`) + `}`
	},
	"tags": func(size int, _ time.Time) string {
		return `"ip":` + list(min(500, size/200), `"198.18.%d"`) + `,"ddtags":"` + strings.Trim(list(size/10, "t:%d"), "[]") + `"`
	},
	"numbers": func(size int, _ time.Time) string { return `"ip":"203.1.113.1","bytes":` + list(size/8, "%d.5e3") },
	"long": func(size int, _ time.Time) string {
		return `"ip":"203.1.113.1","usr":{"id":"` + strings.Repeat("x", size) + `"}`
	},
	"words": func(size int, _ time.Time) string {
		return `"ip":"203.1.113.1","message":"` + strings.Trim(list(size/8, "word%d"), "[]") + `"`
	},
	"keys": func(size int, _ time.Time) string {
		return `"ip":"203.1.113.1","k":{` + strings.Trim(list(size/20, `"key%d":1`), "[]") + `}`
	},
	"deep": func(size int, _ time.Time) string {
		n := min(size/8, 60)
		return `"ip":"203.1.113.1","d":` + strings.Repeat(`{"a":[`, n) + "1" + strings.Repeat(`]}`, n)
	},
	"objects": func(size int, _ time.Time) string {
		return `"ip":"203.1.113.1","o":` + list(size/24, `{"ip":"10.%d","n":1}`)
	},
	"places": func(size int, _ time.Time) string {
		return `"ip":` + list(size/16, `"198.18.%d"`) + `,"geo":{"latitude":48.1,"longitude":11.5,"city":"M","country":"DE"}`
	},
	"late": func(size int, at time.Time) string {
		return fmt.Sprintf(`"timestamp":%d,"ip":`, at.Add(-20*time.Hour).UnixMilli()) + list(size/16, `"198.18.%d"`)
	},
	"wide array": func(size int, _ time.Time) string {
		return `"a":` + list(size/40, `"a%d"`) + `,"b":` + list(size/40, `"b%d"`) + `,"ip":` + list(size/40, `"198.18.%d"`)
	},
}

// list is a JSON array of n values.
func list(n int, format string) string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf(format, i)
	}
	return "[" + strings.Join(out, ",") + "]"
}

// hostileRules are rules of every method over those events.
func hostileRules() []string {
	const options = `"evaluationWindow":300,"keepAlive":3600,"maxSignalDuration":86400`
	rule := func(name, method, more, queries, cases string) string {
		return fmt.Sprintf(`{"name":%q,"type":"log_detection","isEnabled":true,"message":"{{@ip}} {{@usr.id}}","tags":[],"queries":[%s],"cases":[%s],"options":{"detectionMethod":%q,%s%s}}`,
			name, queries, cases, method, options, more)
	}
	query := func(name, more string) string {
		return fmt.Sprintf(`{"name":%q,"query":"source:wide","groupByFields":["@ip"],%s}`, name, more)
	}
	const count, users = `"aggregation":"count"`, `"distinctFields":["@usr.id"]`
	holds := func(condition string) string { return fmt.Sprintf(`{"status":"low","condition":%q}`, condition) }
	return []string{
		rule("wide count", "threshold", "", query("a", count), holds("a > 0")),
		rule("wide cardinality", "threshold", "", query("a", `"aggregation":"cardinality",`+users), holds("a > 0")),
		rule("wide sum", "threshold", "", query("a", `"aggregation":"sum","metrics":["@bytes"]`), holds("a > 1")),
		rule("wide max", "threshold", "", query("a", `"aggregation":"max","metrics":["@bytes"]`), holds("a > 1")),
		rule("wide silence", "threshold", "", query("a", count), holds("a == 0")),
		rule("wide then", "threshold", "", query("a", count)+","+query("b", count), holds("a > 0 then b > 1")),
		rule("wide global", "threshold", "", query("a", count)+`,{"name":"b","query":"source:wide","groupByFields":[],"aggregation":"count"}`, holds("a > 0 && b > 0")),
		rule("wide new value", "new_value", `,"newValueOptions":{"forgetAfter":7,"learningMethod":"duration","learningDuration":0}`, query("a", `"aggregation":"new_value","metrics":["@usr.id"]`), holds("a > 0")),
		rule("wide new group", "new_value", `,"newValueOptions":{"forgetAfter":7,"learningMethod":"duration","learningDuration":0}`, `{"name":"a","query":"source:wide","groupByFields":[],"aggregation":"new_value","metrics":["@ip"]}`, holds("a > 0")),
		rule("wide anomaly", "anomaly_detection", `,"anomalyDetectionOptions":{"bucketDuration":300,"learningDuration":1,"detectionTolerance":3}`, query("a", count), holds("a > 0.99")),
		rule("wide travel", "impossible_travel", "", query("a", `"aggregation":"geo_data","metrics":["@geo"]`), holds("a > 0")),
		rule("wide sequence", "sequence_detection", `,"sequenceDetectionOptions":{"steps":[{"name":"one","condition":"a > 0"},{"name":"two","condition":"b > 0"}],
			"stepTransitions":[{"parent":"one","child":"two","evaluationWindow":300}]}`, query("a", count)+","+query("b", count), holds("two > 0")),
		strings.Replace(rule("wide third party", "third_party", `,"thirdPartyRuleOptions":{"defaultStatus":"info","rootQueries":[{"query":"source:wide","groupByFields":["@ip"]}]}`, "", ""),
			`"tags":[]`, `"tags":[],"thirdPartyCases":[{"name":"some","query":"@usr.id:*","status":"low"}]`, 1),
		rule("wide texts", "content_anomaly", `,"contentAnomalyOptions":{"learningDuration":1}`, query("a", `"aggregation":"none","metrics":["@usr.id"]`), holds("")),
		rule("wide content", "threshold", "", `{"name":"a","query":"source:wide *word* -@usr.id:root","groupByFields":["@a","@b"],"aggregation":"count"}`, holds("a > 0")),
	}
}

// correlationOf is a rule over the signals of two of them.
func correlationOf(one, other string) []byte {
	of := func(name, id string) string {
		return fmt.Sprintf(`{"name":%q,"ruleId":%q,"aggregation":"event_count","correlatedByFields":["@ip"]}`, name, id)
	}
	return fmt.Appendf(nil, `{"name":"wide correlation","type":"signal_correlation","isEnabled":true,"message":"m","tags":[],"queries":[%s,%s],
		"cases":[{"status":"low","condition":"a > 0 && b > 0"}],"options":{"detectionMethod":"threshold","evaluationWindow":300,"keepAlive":3600,"maxSignalDuration":86400}}`,
		of("a", one), of("b", other))
}

func (p *process) sendHostile(kind string, size int) {
	p.t.Helper()
	status, text, err := p.request(http.MethodPost, "/api/v2/logs", []byte(`[{"ddsource":"wide",`+hostileEvents[kind](size, time.Now())+`}]`))
	if err != nil || status >= 500 {
		p.t.Errorf("%s: %d %.200s %v", kind, status, text, err)
	}
}

// TestHostileEventsStopNobody sends events of a few shapes, in a soak of every shape,
// beside attacks that another rule looks for. Every attack is found, and what the hostile events are
// for their own rules is finished in the end.
//
// NIGHTJAR_SOAK is for how many seconds it goes on (make soak-hostile),
// NIGHTJAR_SOAK_SIZE how many bytes events have at most, and NIGHTJAR_SOAK_WITHIN
// within how many milliseconds every attack must be found; 0: it is only told.
func TestHostileEventsStopNobody(t *testing.T) {
	t.Parallel()
	seconds, size, within := envInt("NIGHTJAR_SOAK", 6), envInt("NIGHTJAR_SOAK_SIZE", 12_000), envInt("NIGHTJAR_SOAK_WITHIN", 0)
	p := startEngine(t)
	p.call(http.MethodPost, "/api/v2/security_monitoring/rules", loadRule(0), nil)
	var ids []string
	for _, rule := range hostileRules() {
		var made struct{ ID string }
		p.call(http.MethodPost, rulesPath, []byte(rule), &made)
		ids = append(ids, made.ID)
	}
	p.call(http.MethodPost, "/api/v2/security_monitoring/rules", correlationOf(ids[0], ids[1]), nil)
	seen := map[string]time.Time{}
	stop, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		p.watchSignals(seen, stop)
	}()
	g, kinds := newStream(1), sortedKinds()
	if os.Getenv("NIGHTJAR_SOAK") == "" {
		kinds = []string{"addresses", "users", "tags"} // each is set aside for most rules, and finished in two slices
	}
	start, sent, aside := time.Now(), 0, 0
	every := time.Duration(max(200, min(2000, seconds*1000/len(kinds)))) * time.Millisecond
	for last := start; last.Sub(start) < time.Duration(seconds)*time.Second; last = last.Add(100 * time.Millisecond) {
		time.Sleep(time.Until(last.Add(100 * time.Millisecond)))
		g.attacks(last)
		g.send(p, last, 100*time.Millisecond, 10)
		if last.Sub(start) >= time.Duration(sent)*every {
			p.sendHostile(kinds[sent%len(kinds)], []int{size, size / 4, size / 16}[sent/len(kinds)%3])
			sent++
			aside = max(aside, p.asideEvents())
		}
	}
	p.awaitFor(patience+time.Duration(seconds)*time.Second, "all attacks found", func() bool {
		_, text, err := p.request(http.MethodPost, "/api/v2/security_monitoring/signals/search",
			[]byte(`{"filter":{"query":"@network.client.ip:203.0.*"},"page":{"limit":1000}}`))
		return err == nil && strings.Count(string(text), `"rule_id":`) >= len(g.crossed)
	})
	close(stop)
	<-watched
	var worst time.Duration
	for ip, at := range g.crossed {
		first, ok := seen[ip]
		if !ok {
			t.Errorf("the attack of %s was never found", ip)
			continue
		}
		worst = max(worst, first.Sub(at))
		if within > 0 && first.Sub(at) > time.Duration(within)*time.Millisecond {
			t.Errorf("the attack of %s at %s was found after %s", ip, at.Format(time.TimeOnly), first.Sub(at))
		}
	}
	t.Logf("%d hostile events, %d attacks, the slowest found after %s; %d aside at most, %d at the end; engine %.0f MB at most",
		sent, len(g.crossed), worst, aside, p.asideEvents(), peakMB(t, p.cmd.Process.Pid))
	p.finishesAside()
}

// finishesAside waits until what was set aside is finished, and gives up when none of it
// goes on for long.
func (p *process) finishesAside() {
	p.t.Helper()
	for left, done := p.aside(); left != 0; {
		p.await(fmt.Sprintf("on with the %d events that were set aside", left), func() bool {
			now, more := p.aside()
			progress := now >= 0 && (now != left || more != done)
			if progress {
				left, done = now, more
			}
			return progress
		})
	}
}

func sortedKinds() []string {
	var kinds []string
	for kind := range hostileEvents {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return kinds
}

// aside is how many events are set aside and do not wait to be asked for, and how much of
// what they are is done; -1 events where the engine does not say.
func (p *process) aside() (events, done int) {
	var st struct {
		Aside []struct {
			Waits bool
			Done  int
		}
	}
	_, text, err := p.request(http.MethodGet, "/api/nightjar/v1/status", nil)
	if err != nil || json.Unmarshal(text, &st) != nil {
		return -1, 0
	}
	for _, a := range st.Aside {
		if !a.Waits {
			events++
			done += a.Done
		}
	}
	return events, done
}

func (p *process) asideEvents() int {
	events, _ := p.aside()
	return events
}
