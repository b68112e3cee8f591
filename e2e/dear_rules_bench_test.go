package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"
)

// dearRules are what rules do to those who share an engine with them. Each goes on
// in the background from when it is called until stop is closed.
var dearRules = map[string]func(p *process, stop <-chan struct{}){
	"nothing": func(*process, <-chan struct{}) {},
	// Rules of 10,000 words and of 10,000 wildcards joined by OR.
	"10,000 terms": func(p *process, _ <-chan struct{}) {
		for _, form := range []string{"word%d", "*part%d*", "w%d*x", "@http.useragent:*agent%d*"} {
			p.quietly(http.MethodPost, "/api/v2/security_monitoring/rules", dearRule("terms", joined(10_000, form), "@usr.id"))
		}
	},
	// Rules whose queries no index and no automaton helps with.
	"expressions": func(p *process, _ <-chan struct{}) {
		for i := range 3 {
			form := fmt.Sprintf(`REGEX(@http.useragent, "(a|b|c|d|e)+[0-9]{%d}x%%d$")`, i+1)
			p.quietly(http.MethodPost, "/api/v2/security_monitoring/rules", dearRule("expressions", joined(400, form), "@usr.id"))
		}
	},
	"5,000 rules": func(p *process, stop <-chan struct{}) {
		for i := range 5000 {
			select {
			case <-stop:
				return
			default:
			}
			p.quietly(http.MethodPost, "/api/v2/security_monitoring/rules", loadRule(i+1))
		}
	},
	// A rule that gives 200,000 signals, of as many events.
	"200,000 signals": func(p *process, stop <-chan struct{}) {
		p.quietly(http.MethodPost, "/api/v2/security_monitoring/rules", dearRule("storm", "source:storm", "@who"))
		for i := range 200 {
			select {
			case <-stop:
				return
			default:
			}
			events := make([]string, 1000)
			for j := range events {
				events[j] = fmt.Sprintf(`{"ddsource":"storm","message":"m","who":"storm-%d"}`, 1000*i+j)
			}
			p.quietly(http.MethodPost, "/api/v2/logs", []byte("["+strings.Join(events, ",")+"]"))
		}
	},
	// The same of twenty events.
	"200,000 signals at once": func(p *process, _ <-chan struct{}) {
		p.quietly(http.MethodPost, "/api/v2/security_monitoring/rules", dearRule("storm", "source:storm", "@who"))
		for i := range 20 {
			p.quietly(http.MethodPost, "/api/v2/logs", []byte(`[{"ddsource":"storm","message":"m","who":`+list(10_000, fmt.Sprintf(`"storm-%d-%%d"`, i))+`}]`))
		}
	},
}

func dearRule(name, query, by string) []byte {
	return fmt.Appendf(nil, `{"name":%q,"type":"log_detection","isEnabled":true,"message":"m","tags":[],
		"queries":[{"name":"a","query":%q,"aggregation":"count","groupByFields":[%q]}],"cases":[{"status":"low","condition":"a > 0"}],
		"options":{"detectionMethod":"threshold","evaluationWindow":300,"keepAlive":3600,"maxSignalDuration":86400}}`, name, query, by)
}

func joined(n int, format string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = fmt.Sprintf(format, i)
	}
	return strings.Join(parts, " OR ")
}

// quietly sends a request that may be refused for being too much.
func (p *process) quietly(method, path string, body []byte) {
	status, text, err := p.request(method, path, body)
	if err != nil || status >= 300 {
		p.t.Logf("%s: %d %.300s %v", path, status, text, err)
	}
}

// BenchmarkDearRules measures what such rules do to the detection of an attack every
// second in a stream of NIGHTJAR_BENCH_RATE (1000) events a second, over
// NIGHTJAR_BENCH_SECONDS (30): how soon it is seen, and how soon /readyz answers.
func BenchmarkDearRules(b *testing.B) {
	for _, name := range slices.Sorted(maps.Keys(dearRules)) {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				dearRun(b, name, envInt("NIGHTJAR_BENCH_RATE", 1000), envInt("NIGHTJAR_BENCH_SECONDS", 30))
			}
		})
	}
}

func dearRun(b *testing.B, name string, rate, seconds int) {
	p := startEngine(b)
	p.call(http.MethodPost, "/api/v2/security_monitoring/rules", loadRule(0), nil)
	g := newStream(1)
	g.send(p, time.Now().Add(-10*time.Second), 10*time.Second, rate*10)
	p.caughtUp()
	seen := map[string]time.Time{}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { p.watchSignals(seen, stop) })
	var slowest time.Duration
	wg.Go(func() { slowest = p.slowestReady(stop) })
	disturbance := make(chan struct{})
	wg.Go(func() { dearRules[name](p, disturbance) })
	if file := os.Getenv("NIGHTJAR_BENCH_PROFILE"); file != "" {
		go p.profile(file+"."+strings.ReplaceAll(name, " ", "_"), seconds*8/10)
	}
	engine0, start := cpuSeconds(b, p.cmd.Process.Pid), time.Now()
	const flush = 100 * time.Millisecond
	for last := start; last.Sub(start) < time.Duration(seconds)*time.Second; last = last.Add(flush) {
		time.Sleep(time.Until(last.Add(flush)))
		g.attacks(last)
		g.send(p, last, flush, rate/10)
	}
	engine := (cpuSeconds(b, p.cmd.Process.Pid) - engine0) / time.Since(start).Seconds()
	time.Sleep(5 * time.Second)
	close(disturbance)
	close(stop)
	wg.Wait()
	var latencies []time.Duration
	missed := 0
	for ip, at := range g.crossed {
		if first, ok := seen[ip]; ok {
			latencies = append(latencies, first.Sub(at))
		} else {
			missed++
		}
	}
	sort.Slice(latencies, func(i, j int) bool { return latencies[i] < latencies[j] })
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(engine, "engine_cores")
	b.ReportMetric(peakMB(b, p.cmd.Process.Pid), "engine_MB")
	b.ReportMetric(slowest.Seconds(), "ready_s")
	b.ReportMetric(float64(missed), "missed_after_5s")
	if n := len(latencies); n > 0 {
		b.ReportMetric(latencies[n/2].Seconds(), "p50_s")
		b.ReportMetric(latencies[n*95/100].Seconds(), "p95_s")
	}
	b.Logf("%s: %d signals", name, p.count("SELECT count(DISTINCT id) FROM signals"))
}

// slowestReady asks /readyz over and over, and tells how long it took at most.
func (p *process) slowestReady(stop <-chan struct{}) (slowest time.Duration) {
	for {
		select {
		case <-stop:
			return slowest
		case <-time.After(200 * time.Millisecond):
		}
		began := time.Now()
		_, _, _ = p.request(http.MethodGet, "/readyz", nil) // how soon, not what
		slowest = max(slowest, time.Since(began))
	}
}
