package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkRules measures what rules cost under a live stream, and how soon an
// attack is seen. For each number of rules it runs the real binary, sends a
// stream of authentication events with an attack every second, and reports
//
//	engine_cores, clickhouse_cores  CPU of the two processes
//	rules_cores                     their CPU beyond that of the run without rules
//	p50_s, p95_s, max_s             from the time of the event that makes a rule
//	                                true to the signal's being in the search
//	missed                          attacks without a signal
//	engine_MB                       peak resident memory of the engine
//
// NIGHTJAR_BENCH_RATE (events a second; 10000), NIGHTJAR_BENCH_SECONDS (30) and
// NIGHTJAR_BENCH_RULES (0,100,1000) change the sizes.
func BenchmarkRules(b *testing.B) {
	rate, seconds := envInt("NIGHTJAR_BENCH_RATE", 10_000), envInt("NIGHTJAR_BENCH_SECONDS", 30)
	counts := os.Getenv("NIGHTJAR_BENCH_RULES")
	if counts == "" {
		counts = "0,100,1000"
	}
	idle := 0.0
	for _, text := range strings.Split(counts, ",") {
		n, err := strconv.Atoi(text)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(text, func(b *testing.B) {
			for range b.N {
				r := loadRun(b, n, rate, seconds)
				if n == 0 {
					idle = r.engine + r.server
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(r.engine, "engine_cores")
				b.ReportMetric(r.server, "clickhouse_cores")
				b.ReportMetric(r.engine+r.server-idle, "rules_cores")
				b.ReportMetric(r.memory, "engine_MB")
				b.ReportMetric(float64(r.missed), "missed")
				if len(r.latencies) > 0 {
					b.ReportMetric(r.latencies[len(r.latencies)/2].Seconds(), "p50_s")
					b.ReportMetric(r.latencies[len(r.latencies)*95/100].Seconds(), "p95_s")
					b.ReportMetric(r.latencies[len(r.latencies)-1].Seconds(), "max_s")
				}
			}
		})
	}
}

type loadResult struct {
	engine, server, memory float64
	latencies              []time.Duration
	missed                 int
}

func loadRun(b *testing.B, rules, rate, seconds int) loadResult {
	p := startEngine(b)
	for i := range rules {
		p.call(http.MethodPost, "/api/v2/security_monitoring/rules", loadRule(i), nil)
	}
	server := p.serverPid()
	g := newStream(rules)
	g.send(p, time.Now().Add(-20*time.Second), 20*time.Second, rate*20) // so that windows are not empty
	p.caughtUp()

	seen := map[string]time.Time{}
	stop, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		p.watchSignals(seen, stop)
	}()
	if file := os.Getenv("NIGHTJAR_BENCH_PROFILE"); file != "" {
		go p.profile(fmt.Sprintf("%s.%d", file, rules), seconds*8/10)
	}
	engine0, server0, start := cpuSeconds(b, p.cmd.Process.Pid), cpuSeconds(b, server), time.Now()
	const flush = 100 * time.Millisecond
	for last := start; last.Sub(start) < time.Duration(seconds)*time.Second; last = last.Add(flush) {
		time.Sleep(time.Until(last.Add(flush)))
		g.attacks(last)
		g.send(p, last, flush, rate/10)
	}
	took := time.Since(start).Seconds()
	r := loadResult{
		engine: (cpuSeconds(b, p.cmd.Process.Pid) - engine0) / took,
		server: (cpuSeconds(b, server) - server0) / took,
		memory: peakMB(b, p.cmd.Process.Pid),
	}
	p.caughtUp()
	time.Sleep(500 * time.Millisecond)
	close(stop)
	<-watched
	if rules == 0 {
		return r
	}
	for ip, at := range g.crossed {
		if first, ok := seen[ip]; ok {
			r.latencies = append(r.latencies, first.Sub(at))
		} else {
			r.missed++
		}
	}
	sort.Slice(r.latencies, func(i, j int) bool { return r.latencies[i] < r.latencies[j] })
	return r
}

// profile writes the engine's CPU profile of the run to a file.
func (p *process) profile(file string, seconds int) {
	_, text, err := p.request(http.MethodGet, fmt.Sprintf("/debug/pprof/profile?seconds=%d", seconds), nil)
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		p.t.Error(err)
	}
}

// loadRule is one of a family: rule i watches application i mod 100; each
// hundred asks another question, each four hundred has a higher threshold.
func loadRule(i int) []byte {
	query := fmt.Sprintf("service:app-%d @evt.outcome:failure", i%100)
	by, aggregation, distinct, threshold := "@network.client.ip", "count", "", 10+i/400
	switch i / 100 % 4 {
	case 1:
		by = "@usr.id"
	case 2:
		query += " @http.useragent:*curl*"
	case 3:
		aggregation, distinct, threshold = "cardinality", `"@usr.id"`, 8+i/400
	}
	return fmt.Appendf(nil, `{"name": "rule %d", "type": "log_detection", "isEnabled": true, "message": "m", "tags": [], "filters": [],
		"queries": [{"name": "a", "query": %q, "aggregation": %q, "groupByFields": [%q], "distinctFields": [%s]}],
		"cases": [{"name": "", "status": "high", "condition": "a > %d", "notifications": []}],
		"options": {"detectionMethod": "threshold", "evaluationWindow": 300, "keepAlive": 300, "maxSignalDuration": 86400}}`,
		i, query, aggregation, by, distinct, threshold)
}

// stream makes authentication events of about 570 bytes: a hundred applications,
// 20,000 users, 50,000 addresses, four in a hundred logins failing. Every second
// an address of its own fails fifteen times within three seconds, the eleventh
// of which makes a rule true.
type stream struct {
	*rand.Rand
	apps    int
	next    time.Time
	live    []*attack
	number  int
	crossed map[string]time.Time
	body    []byte
	again   func() // what is refused is sent again, and told; nil: nothing is refused
}

type attack struct {
	ip    string
	app   int
	start time.Time
	sent  int
}

func newStream(rules int) *stream {
	return &stream{Rand: rand.New(rand.NewPCG(1, 2)), apps: min(100, max(1, rules)), crossed: map[string]time.Time{}}
}

func (g *stream) attacks(now time.Time) {
	if g.next.IsZero() {
		g.next = now
	}
	for !g.next.After(now) {
		g.live = append(g.live, &attack{ip: fmt.Sprintf("203.0.%d.%d", g.number/250, 1+g.number%250), app: g.number % g.apps, start: g.next})
		g.number++
		g.next = g.next.Add(time.Second)
	}
}

// send posts n events spread over the interval, and the attacks' that are due.
func (g *stream) send(p *process, from time.Time, span time.Duration, n int) {
	p.t.Helper()
	const most = 5000
	g.body = append(g.body[:0], '[')
	count := 0
	post := func() {
		if count == 0 {
			return
		}
		g.body[len(g.body)-1] = ']'
		status, text, err := p.request(http.MethodPost, "/api/v2/logs", g.body)
		for end := time.Now().Add(time.Minute); g.again != nil && (err != nil || status != http.StatusAccepted) && time.Now().Before(end); {
			g.again()
			time.Sleep(50 * time.Millisecond)
			status, text, err = p.request(http.MethodPost, "/api/v2/logs", g.body)
		}
		if err != nil || status != http.StatusAccepted {
			p.t.Fatalf("intake: %d %s %v", status, text, err)
		}
		g.body, count = append(g.body[:0], '['), 0
	}
	for i := range n {
		outcome := "success"
		if g.IntN(100) < 4 {
			outcome = "failure"
		}
		ip := g.IntN(50_000)
		g.event(from.Add(span*time.Duration(i)/time.Duration(n)), g.IntN(100), outcome, fmt.Sprintf("10.%d.%d.%d", ip>>16, ip>>8&255, ip&255), strconv.Itoa(g.IntN(20_000)),
			"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36")
		if count++; count == most {
			post()
		}
	}
	until := from.Add(span)
	for _, a := range g.live {
		for at := a.start.Add(time.Duration(a.sent) * 200 * time.Millisecond); a.sent < 15 && at.Before(until); at = a.start.Add(time.Duration(a.sent) * 200 * time.Millisecond) {
			a.sent++
			if a.sent == 11 {
				g.crossed[a.ip] = at
			}
			g.event(at, a.app, "failure", a.ip, fmt.Sprint("victim-", a.sent), "curl/8.5.0 (brute) libcurl/8.5.0 OpenSSL/3.0.13 zlib/1.3.1 nghttp2/1.59.0 and some more text")
			count++
		}
	}
	post()
}

func (g *stream) event(at time.Time, app int, outcome, ip, user, agent string) {
	g.body = fmt.Appendf(g.body, `{"timestamp":%d,"ddsource":"auth","service":"app-%d","hostname":"host-%d","status":"info","ddtags":"env:prod,team:identity",`+
		`"message":"login %s for user-%s from %s","evt":{"name":"login","category":"authentication","outcome":%q},"usr":{"id":"user-%s","name":"user-%s"},`+
		`"network":{"client":{"ip":%q,"port":%d,"geoip":{"country":"DE","city":"Berlin"}}},"http":{"method":"POST","status_code":%d,"useragent":%q},"session":{"id":"%016x%016x"}},`,
		at.UnixMilli(), app, g.IntN(200), outcome, user, ip, outcome, user, user, ip, 1024+g.IntN(60_000), 200+g.IntN(2)*201, agent, g.Uint64(), g.Uint64())
}

// watchSignals notes when each attacker is first in the list of signals, and looks once
// more when it is told to stop.
func (p *process) watchSignals(seen map[string]time.Time, stop chan struct{}) {
	for last := false; !last; {
		select {
		case <-stop:
			last = true
		case <-time.After(250 * time.Millisecond):
		}
		_, text, err := p.request(http.MethodPost, "/api/v2/security_monitoring/signals/search",
			[]byte(`{"filter":{"query":"@network.client.ip:203.0.*"},"sort":"-timestamp","page":{"limit":200}}`))
		if err != nil {
			continue
		}
		now := time.Now()
		var answer struct {
			Data []struct {
				Attributes struct {
					Attributes struct{ Nightjar struct{ Group []string } }
				}
			}
		}
		if json.Unmarshal(text, &answer) != nil {
			continue
		}
		for _, d := range answer.Data {
			for _, g := range d.Attributes.Attributes.Nightjar.Group {
				if _, ok := seen[g]; !ok {
					seen[g] = now
				}
			}
		}
	}
}

// cpuSeconds is the CPU time that a process has used.
func cpuSeconds(t testing.TB, pid int) float64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) / 100 // the kernel counts in hundredths for everybody
}

// peakMB is the most memory that a process has had resident.
func peakMB(t testing.TB, pid int) float64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	return kb / 1024
}
