package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"sort"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightjar/testenv"
)

// watched are the rules of the real log's test: more than so many failures
// within the window.
var watched = []struct {
	threshold int
	window    string
	seconds   int
}{
	{5, "1m", 60}, {10, "5m", 300}, {3, "5m", 300}, {20, "10m", 600}, {7, "30m", 1800}, {11, "1h", 3600}, {1, "1h", 3600},
}

// expectedAddresses reads, from the figures that come with the log, the
// addresses whose count in some window is over the threshold.
func expectedAddresses(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(testenv.Shared(t, "data/auth/elastic_examples_auth.expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var figures struct {
		FailedByIP []struct {
			IP  string         `json:"src_ip"`
			Max map[string]int `json:"max_in_window"`
		} `json:"failed_by_ip"`
	}
	if err := json.Unmarshal(text, &figures); err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, w := range watched {
		name := ruleName(w.threshold, w.window)
		out[name] = []string{}
		for _, f := range figures.FailedByIP {
			if f.Max[w.window] > w.threshold {
				out[name] = append(out[name], f.IP)
			}
		}
		sort.Strings(out[name])
	}
	return out
}

func ruleName(threshold int, window string) string {
	return fmt.Sprintf("over %d in %s", threshold, window)
}

func thresholdRule(name string, threshold, seconds int) []byte {
	return fmt.Appendf(nil, `{
		"name": %q, "type": "log_detection", "isEnabled": true, "message": "failed logins", "tags": [], "filters": [],
		"queries": [{"name": "a", "query": "source:sshd (\"Failed password\" OR \"Failed publickey\")",
			"aggregation": "count", "groupByFields": ["@network.client.ip"], "distinctFields": []}],
		"cases": [{"name": "", "status": "high", "condition": "a > %d", "notifications": []}],
		"options": {"detectionMethod": "threshold", "evaluationWindow": %d, "keepAlive": %d, "maxSignalDuration": 86400}}`,
		name, threshold, seconds, seconds)
}

func createWatched(p *process) {
	for _, w := range watched {
		p.call(http.MethodPost, "/api/v2/security_monitoring/rules", thresholdRule(ruleName(w.threshold, w.window), w.threshold, w.seconds), nil)
	}
}

func addresses(signals []liveSignal) map[string][]string {
	seen := map[string]map[string]bool{}
	for _, s := range signals {
		if seen[s.Rule] == nil {
			seen[s.Rule] = map[string]bool{}
		}
		seen[s.Rule][s.Group[0]] = true
	}
	out := map[string][]string{}
	for rule, ips := range seen {
		for ip := range ips {
			out[rule] = append(out[rule], ip)
		}
		sort.Strings(out[rule])
	}
	return out
}

// The log is from 2017, so the allowance has to reach back to it.
var longAgo = []string{"--lateness", "36500d", "--pace", "50ms"}

// TestTheRealLogGivesExactlyTheSignalsItHolds ships the log with the command
// that users have, and then again as it comes in the worst case: in shuffled
// requests, some sent twice, with the engine and the server killed in between.
func TestTheRealLogGivesExactlyTheSignalsItHolds(t *testing.T) {
	t.Parallel()
	log := testenv.Shared(t, "data/auth/elastic_examples_auth.log")
	want := expectedAddresses(t)

	calm := startEngine(t, longAgo...)
	createWatched(calm)
	if _, stderr, code := calm.run("ingest", "--source", "sshd", "--year", "2017", log); code != exitOK {
		t.Fatalf("ingest: exit %d: %s", code, stderr)
	}
	calm.caughtUp()
	whole := calm.signals("")
	if diff := cmp.Diff(want, addresses(whole)); diff != "" {
		t.Fatalf("addresses with a signal (-want +got):\n%s", diff)
	}
	calm.kill()

	rough := startEngine(t, longAgo...)
	createWatched(rough)
	rough.shipRoughly(readLines(t, log), 20, map[int]func(){
		7:  func() { rough.kill(); rough.start() },
		13: rough.killServer,
	})
	rough.caughtUp()
	if n := rough.count("SELECT count() FROM events"); n != 7121 {
		t.Errorf("%d events are stored, want 7121: none lost, none doubled", n)
	}
	if diff := cmp.Diff(sorted(whole), sorted(rough.signals(""))); diff != "" {
		t.Errorf("signals differ from those of the calm run (-calm +rough):\n%s", diff)
	}
}

// shipRoughly sends the lines in shuffled requests, every third of them again,
// and does what is planned before a request.
func (p *process) shipRoughly(lines []string, requests int, before map[int]func()) {
	p.t.Helper()
	random := rand.New(rand.NewPCG(11, 7))
	for n, part := range random.Perm(requests) {
		if do := before[n]; do != nil {
			do()
		}
		from, to := part*len(lines)/requests, (part+1)*len(lines)/requests
		var events []map[string]string
		for _, line := range lines[from:to] {
			events = append(events, map[string]string{"ddsource": "sshd", "message": line})
		}
		body, err := json.Marshal(events)
		if err != nil {
			p.t.Fatal(err)
		}
		p.sendUntilAcknowledged(body, fmt.Sprintf("part-%d", part))
		if n%3 == 0 {
			p.sendUntilAcknowledged(body, fmt.Sprintf("part-%d", part))
		}
	}
}

func (p *process) sendUntilAcknowledged(body []byte, id string) {
	p.t.Helper()
	p.await("acknowledged", func() bool {
		status, text, err := p.request(http.MethodPost, "/api/v2/logs?nj_year=2017", body, "Nightjar-Batch-Id", id)
		if err == nil && status != http.StatusAccepted && status != http.StatusTooManyRequests && status < 500 {
			p.t.Fatalf("the intake answered %d %s", status, text)
		}
		return err == nil && status == http.StatusAccepted
	})
}

func sorted(signals []liveSignal) []liveSignal {
	sort.Slice(signals, func(i, j int) bool {
		a, b := signals[i], signals[j]
		return fmt.Sprint(a.Rule, a.FirstSeen, a.Group) < fmt.Sprint(b.Rule, b.FirstSeen, b.Group)
	})
	return signals
}
