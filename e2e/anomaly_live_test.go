package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightjar/schema"
)

// TestABurstInAStreamSignalsInItsBucketLiveAndInBacktest lets ten days of failed
// logins come from two hosts, with a burst on one of them, through the binary
// with a restart in the middle, and asks a backtest of the same events.
func TestABurstInAStreamSignalsInItsBucketLiveAndInBacktest(t *testing.T) {
	t.Parallel()
	rule := map[string]any{
		"name": "unusually many failed logins", "type": "log_detection", "isEnabled": true, "message": "on {{host}}", "tags": []string{},
		"queries": []any{map[string]any{"query": "source:sshd @evt.outcome:failure", "aggregation": "count", "groupByFields": []string{"host"}}},
		"cases":   []any{map[string]any{"status": "high", "condition": "a > 0.9999"}},
		"options": map[string]any{
			"detectionMethod": "anomaly_detection", "evaluationWindow": 0, "keepAlive": 3600, "maxSignalDuration": 86400,
			"anomalyDetectionOptions": map[string]any{"bucketDuration": 3600, "learningDuration": 48, "detectionTolerance": 1},
		},
	}
	body, err := json.Marshal(rule)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	burst := start.Add(8*24*time.Hour + 30*time.Minute) // half past
	var events []string
	add := func(host string, at time.Time) {
		events = append(events, fmt.Sprintf(`{"source":"sshd","host":%q,"timestamp":%d,"message":"failed","attributes":{"evt":{"outcome":"failure"}}}`, host, at.UnixMilli()))
	}
	for h := range 10 * 24 {
		for _, host := range []string{"web-1", "web-2"} {
			for range 3 + r.IntN(5) {
				add(host, start.Add(time.Duration(h)*time.Hour+time.Duration(r.Int64N(int64(time.Hour)))))
			}
		}
	}
	for range 60 {
		add("web-2", burst.Add(time.Duration(r.Int64N(int64(20*time.Minute)))))
	}
	r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })

	p := startEngine(t, longAgo...)
	var made struct{ ID string }
	p.call(http.MethodPost, "/api/v2/security_monitoring/rules", body, &made)
	half := len(events) / 2
	p.call(http.MethodPost, "/api/v2/logs", []byte("["+strings.Join(events[:half], ",")+"]"), nil)
	p.caughtUp()
	p.kill()
	p.start()
	p.call(http.MethodPost, "/api/v2/logs", []byte("["+strings.Join(events[half:], ",")+"]"), nil)
	p.caughtUp()
	type signal struct {
		Group       []string
		First, Last schema.Millis
	}
	var live []signal
	for _, s := range p.signals("") {
		live = append(live, signal{s.Group, schema.Millis(s.FirstSeen), schema.Millis(s.LastSeen)})
	}
	dir := t.TempDir()
	rulePath, eventsPath := filepath.Join(dir, "rule.json"), filepath.Join(dir, "events.ndjson")
	for path, text := range map[string]string{rulePath: string(body), eventsPath: strings.Join(events, "\n")} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tested, err := backtest(t, rulePath, eventsPath, schema.MaxMillis)
	if err != nil {
		t.Fatal(err)
	}
	var replayed []signal
	for _, s := range tested {
		replayed = append(replayed, signal{s.Group, s.FirstSeen, s.LastSeen})
	}
	if diff := cmp.Diff(replayed, live); diff != "" {
		t.Errorf("live differs from the backtest (-backtest +live):\n%s", diff)
	}
	hour := schema.MillisOf(burst.Truncate(time.Hour))
	if len(live) != 1 || live[0].Group[0] != "web-2" || live[0].First < schema.MillisOf(burst) || live[0].Last >= hour+3_600_000 {
		t.Errorf("signals %+v, want one of web-2 in the hour from %s", live, hour)
	}
	p.isOutOfItsBand(hour)
	png := filepath.Join(dir, "web-2.png")
	if _, stderr, code := p.run("anomaly", "explain", made.ID, "web-2", "--png", png); code != 0 {
		t.Errorf("anomaly explain --png: exit %d: %s", code, stderr)
	}
	if image, err := os.ReadFile(png); err != nil || !strings.HasPrefix(string(image), "\x89PNG") {
		t.Errorf("no picture: %v", err)
	}
	out, stderr, code := p.run("anomaly", "explain", made.ID, "web-2", "--threshold", "0.9999")
	if code != 0 || !strings.Contains(out, hour.String()) || strings.Count(out, " was expected") != 1 {
		t.Errorf("anomaly explain: exit %d: %s\n%s", code, stderr, out)
	}
	if _, stderr, code := p.run("anomaly", "explain", made.ID, "nobody"); code != 1 || !strings.Contains(stderr, "nobody") {
		t.Errorf("anomaly explain of nobody: exit %d: %s", code, stderr)
	}
}

// isOutOfItsBand looks into the explanation of the one signal: in its hour the value was out
// of what was learned, and in the one before it was not.
func (p *process) isOutOfItsBand(hour schema.Millis) {
	p.t.Helper()
	var found struct{ Data []struct{ ID string } }
	p.call(http.MethodPost, "/api/v2/security_monitoring/signals/search", []byte(`{"filter":{"query":"*"}}`), &found)
	var explained struct {
		Band struct {
			Points []struct {
				At                          time.Time
				Value, Lower, Median, Upper float64
			}
		}
		Missing []string
	}
	p.call(http.MethodGet, "/api/nightjar/v1/signals/"+found.Data[0].ID+"/explanation", nil, &explained)
	seen := 0
	for _, point := range explained.Band.Points {
		switch schema.MillisOf(point.At) {
		case hour:
			if seen++; point.Value <= point.Upper {
				p.t.Errorf("in the hour of the signal: %+v", point)
			}
		case hour - 3_600_000:
			if seen++; point.Value > point.Upper || point.Lower > point.Median || point.Median > point.Upper {
				p.t.Errorf("in the hour before: %+v", point)
			}
		}
	}
	if seen != 2 || len(explained.Missing) > 0 {
		p.t.Errorf("the band has %d of two hours: %+v; missing %q", seen, explained.Band.Points, explained.Missing)
	}
}
