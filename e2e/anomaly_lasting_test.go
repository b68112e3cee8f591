package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightjar/schema"
)

// anomalyDays are eleven days of six hosts with a dozen events an hour: one is
// attacked from the eighth on, for two days, one is out for five hours of the ninth,
// and on the ninth a host comes that nobody knows, with far more than the others.
type anomalyDays struct{ start, attack, outage, arrival time.Time }

func (d anomalyDays) events() []string {
	r := rand.New(rand.NewPCG(23, 1))
	var events []string
	add := func(host string, hour time.Time, n int) {
		for range n {
			at := hour.Add(time.Duration(r.Int64N(int64(time.Hour))))
			events = append(events, fmt.Sprintf(`{"source":"app","host":%q,"timestamp":%d,"message":"m"}`, host, at.UnixMilli()))
		}
	}
	for h := range 11 * 24 {
		hour := d.start.Add(time.Duration(h) * time.Hour)
		for n := range 6 {
			count := 9 + r.IntN(7)
			if since := hour.Sub(d.attack); n == 0 && since >= 0 && since < 48*time.Hour {
				count *= 5
			}
			if since := hour.Sub(d.outage); n == 1 && since >= 0 && since < 5*time.Hour {
				count = 0
			}
			add(fmt.Sprintf("host-%d", n), hour, count)
		}
		if !hour.Before(d.arrival) {
			add("stranger", hour, 5+r.IntN(5))
		}
	}
	add("stranger", d.arrival, 200)
	slices.Sort(events)
	r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	return events
}

func anomalyRule(name, condition, options string) string {
	return fmt.Sprintf(`{"name":%q,"type":"log_detection","isEnabled":true,"message":"m","tags":[],
		"queries":[{"query":"source:app","aggregation":"count","groupByFields":["host"]}],"cases":[{"status":"high","condition":%q}],
		"options":{"detectionMethod":"anomaly_detection","evaluationWindow":0,"keepAlive":3600,"maxSignalDuration":86400,
		"anomalyDetectionOptions":{"bucketDuration":3600,"learningDuration":48%s}}}`, name, condition, options)
}

// TestAnomaliesThatLastThatAreLowAndOfStrangers asks for them live, with a restart in
// the middle, and in a backtest of a file.
func TestAnomaliesThatLastThatAreLowAndOfStrangers(t *testing.T) {
	t.Parallel() // it waits more than it works
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	d := anomalyDays{start, start.Add(8 * 24 * time.Hour), start.Add(9*24*time.Hour + 6*time.Hour), start.Add(9*24*time.Hour + 12*time.Hour)}
	rules := map[string]string{
		"high":      anomalyRule("high", "a > 0.9999", ""),
		"low":       anomalyRule("low", "a < 0.005", ""),
		"strangers": anomalyRule("strangers", "a > 0.9999", `,"peerBaseline":true`),
	}
	p := startEngine(t, append([]string{"--silence-delay", "2s"}, longAgo...)...)
	ids := map[string]string{}
	for name, rule := range rules {
		var made struct{ ID string }
		p.call(http.MethodPost, "/api/v2/security_monitoring/rules", []byte(rule), &made)
		ids[name] = made.ID
	}
	var shown struct {
		Options struct {
			Anomaly schema.AnomalyOptions `json:"anomalyDetectionOptions"`
		}
	}
	p.call(http.MethodGet, "/api/v2/security_monitoring/rules/"+ids["strangers"], nil, &shown)
	if peers := shown.Options.Anomaly.PeerBaseline; peers == nil || !*peers {
		t.Errorf("the rule is shown without peerBaseline: %+v", shown)
	}
	events := d.events()
	half := len(events) / 2
	p.call(http.MethodPost, "/api/v2/logs", []byte("["+strings.Join(events[:half], ",")+"]"), nil)
	p.caughtUp()
	p.kill()
	p.start()
	p.call(http.MethodPost, "/api/v2/logs", []byte("["+strings.Join(events[half:], ",")+"]"), nil)
	p.caughtUp()
	newest := start.Add(11 * 24 * time.Hour)
	dir := t.TempDir()
	file := filepath.Join(dir, "events.ndjson")
	if err := os.WriteFile(file, []byte(strings.Join(events, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, rule := range rules {
		path := filepath.Join(dir, name+".json")
		if err := os.WriteFile(path, []byte(rule), 0o600); err != nil {
			t.Fatal(err)
		}
		tested, err := backtest(t, path, file, schema.MaxMillis)
		if err != nil {
			t.Fatal(err)
		}
		var replayed []string
		line := func(group []string, first, last schema.Millis) string {
			return fmt.Sprint(group, " ", first, " ", last)
		}
		for _, s := range tested {
			replayed = append(replayed, line(s.Group, s.FirstSeen, s.LastSeen))
		}
		slices.Sort(replayed)
		diff := ""
		for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) { // closed buckets are judged beside what arrives
			var live []string
			for _, s := range p.signals("@workflow.rule.id:" + ids[name]) {
				if first := schema.Millis(s.FirstSeen); first < schema.MillisOf(newest) { // live, the hosts are silent from then on
					live = append(live, line(s.Group, first, schema.Millis(s.LastSeen)))
				}
			}
			slices.Sort(live)
			if diff = cmp.Diff(replayed, live); diff == "" || time.Now().After(end) {
				break
			}
		}
		if diff != "" {
			t.Errorf("%s: live differs from the backtest (-backtest +live):\n%s", name, diff)
		}
		d.check(t, name, tested)
	}
	out, stderr, code := p.run("explain", "--rule", ids["strangers"], "--group", "stranger", "--at", d.arrival.Add(59*time.Minute).Format(time.RFC3339))
	if code != 0 || !strings.Contains(out, "judged by the rule's other groups") {
		t.Errorf("explain: exit %d: %s\n%s", code, stderr, out)
	}
	var raw json.RawMessage
	p.call(http.MethodPost, "/api/v2/security_monitoring/signals/search", []byte(`{"filter":{"query":"@workflow.rule.id:`+ids["high"]+`"}}`), &raw)
	if !strings.Contains(string(raw), "learned_slowly_until") {
		t.Errorf("the signal does not say how the attack is learned: %.2000s", raw)
	}
}

// check looks for what the rule was made for, and for nothing else.
func (d anomalyDays) check(t *testing.T, name string, signals []signalFound) {
	t.Helper()
	lasting, outage := time.Duration(0), time.Duration(0)
	for _, s := range signals {
		first, last := s.FirstSeen.Time(), s.LastSeen.Time()
		switch {
		case s.Group[0] == "host-0" && name != "low":
			lasting += last.Sub(first)
			if first.Before(d.attack) || first.After(d.attack.Add(30*time.Hour)) {
				t.Errorf("%s: a signal of the attack from %s on", name, first)
			}
		case name == "low": // one closed bucket of 200 is that low by chance
			if s.Group[0] == "host-1" && last.After(d.outage.Add(3*time.Hour)) && !last.After(d.outage.Add(6*time.Hour)) {
				outage = last.Sub(first)
			}
		case s.Group[0] == "stranger" && name == "strangers":
			if first.Before(d.arrival) || last.After(d.arrival.Add(time.Hour)) {
				t.Errorf("the stranger is told of from %s to %s", first, last)
			}
		default:
			t.Errorf("%s: a signal of %v from %s", name, s.Group, first)
		}
	}
	if name != "low" && (lasting < 20*time.Hour || lasting > 30*time.Hour) {
		t.Errorf("%s: the attack is told for %s", name, lasting)
	}
	if name == "low" && (outage < 3*time.Hour || outage > 5*time.Hour || len(signals) > 20) {
		t.Errorf("the outage is told for %s; %d signals in all", outage, len(signals))
	}
	if want := map[string]int{"high": 1, "low": 1, "strangers": 2}[name]; len(signals) < want {
		t.Errorf("%s: %d signals", name, len(signals))
	}
}
