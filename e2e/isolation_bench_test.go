package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nightjar/clickhouse"
	"nightjar/testenv"
)

// BenchmarkIsolation shows what one sender, search, rule or query does to the
// detection of everybody. On one engine with many events stored and a steady stream
// of one sender, it lets each disturbance go on for a while and reports, as the table
// of docs/reliability.md: how soon the attacks of the stream are seen, how long
// /readyz takes, the memory of the two processes, and what became of the disturbance.
//
// ISOLATION_EVENTS (10000000), ISOLATION_SECONDS of each disturbance (300),
// ISOLATION_RATE (1000) and ISOLATION_CASES (all, by the names below, with commas)
// change the sizes; ISOLATION_RULES (5000) and ISOLATION_WORDS (10000) those of the
// rules.
func BenchmarkIsolation(b *testing.B) {
	for range b.N {
		p := startEngine(b)
		p.fill(envInt("ISOLATION_EVENTS", 10_000_000))
		rule := loadRule(0)
		p.call(http.MethodPost, "/api/v2/security_monitoring/rules", rule, nil)
		bench := isolation{p, newStream(1), envInt("ISOLATION_RATE", 1000), time.Duration(envInt("ISOLATION_SECONDS", 300)) * time.Second}
		line("| %s | p50 s | p95 s | max s | unseen | readyz p95, max ms | not ready | engine MiB | ClickHouse MiB | what became of it |", "while")
		for _, d := range disturbances {
			if cases := os.Getenv("ISOLATION_CASES"); cases == "" || slices.Contains(strings.Split(cases, ","), d.name) {
				bench.run(d)
			}
		}
		b.ReportMetric(0, "ns/op")
	}
}

// disturbance is something that goes on beside the stream until ctx ends. It counts
// what became of it.
type disturbance struct {
	name, what string
	run        func(ctx context.Context, p *process, count func(what string))
}

// The order is that of what they leave behind.
var disturbances = []disturbance{
	{"nothing", "nothing else", func(ctx context.Context, _ *process, _ func(string)) { <-ctx.Done() }},
	{"streams", "75 × 6 gRPC streams that declare 10 MB and stall, without a key", stallStreams},
	{"searches", "300 searches over everything with leading wildcards, 20 CPU-bound and 10 memory-bound queries", searchEverything},
	{"large", "events of 1 MiB, one a second, of every shape", sendLarge},
	{"keys", "20 batches of 1,000 events, each with 100 attribute keys never seen before", sendKeys},
	{"rules", "a rule of 10,000 words, 5,000 rules, and one of 200,000 signals", makeRules},
}

// line prints a line of the table when it is known.
func line(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

type isolation struct {
	p      *process
	stream *stream
	rate   int
	time   time.Duration
}

// fill stores n events in the data folder of an engine that has not taken any.
func (p *process) fill(n int) {
	p.t.Helper()
	p.terminate()
	if err := os.RemoveAll(filepath.Join(p.dir, "intake")); err != nil { // it learns its numbers from the table
		p.t.Fatal(err)
	}
	server, err := clickhouse.StartEmbedded(p.t.Context(), clickhouse.EmbeddedConfig{DataDir: p.dir})
	if err != nil {
		p.t.Fatal(err)
	}
	options := server.Options(clickhouse.Admin)
	options.Auth.Database = databaseName
	conn := testenv.Open(p.t, options)
	const part = 250_000
	for at := 0; at < n; at += part {
		if err := conn.Exec(p.t.Context(), fmt.Sprintf(`INSERT INTO events (seq, timestamp, seen, source, service, host, status, message, tags, attributes, raw)
			WITH now64(3, 'UTC') - toIntervalSecond(%d - number) AS at, sipHash64(number) AS h,
				concat('{"evt":{"outcome":"', if(h %% 25 = 0, 'failure', 'success'), '"},"usr":{"id":"user-', toString(h %% 20000), '"},"network":{"client":{"ip":"10.0.', toString(h %% 256), '.', toString(h %% 250), '"}},"http":{"status_code":', toString(200 + h %% 2 * 201), ',"useragent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0.0.0"}}') AS json
			SELECT number + 1, at, at, 'auth', concat('app-', toString(h %% 100)), concat('host-', toString(h %% 200)), 'info',
				concat('login of user-', toString(h %% 20000), ' session ', hex(h), ' from 10.0.', toString(h %% 256), '.1'), ['env:prod'], json, json
			FROM numbers(%d, %d)`, n, at, min(part, n-at))); err != nil {
			p.t.Fatal(err)
		}
	}
	if err := server.Close(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	p.start()
	p.caughtUp()
}

// run measures one disturbance, and waits until the engine has caught up after it.
func (i *isolation) run(d disturbance) {
	p, t := i.p, i.p.t
	server := p.serverPid()
	p.resetPeak()
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", server), []byte("5"), 0o200)
	i.stream.crossed = map[string]time.Time{}
	seen := map[string]time.Time{}
	ctx, stop := context.WithTimeout(t.Context(), i.time)
	defer stop()
	stopWatching, watched := make(chan struct{}), make(chan struct{})
	go func() { defer close(watched); p.watchSignals(seen, stopWatching) }()
	readiness := &readyProbe{}
	counts := &outcomes{by: map[string]int{}}
	var beside sync.WaitGroup
	beside.Go(func() { readiness.run(ctx, p) })
	beside.Go(func() { d.run(ctx, p, counts.add) })
	i.send(ctx, counts)
	beside.Wait()
	engine, clickhouse := peakMB(t, p.cmd.Process.Pid), peakMB(t, p.serverPid())
	caught := p.catchesUp(i.time + 2*time.Minute)
	time.Sleep(time.Second)
	close(stopWatching)
	<-watched
	var took []time.Duration
	unseen := 0
	for ip, at := range i.stream.crossed {
		if first, ok := seen[ip]; ok {
			took = append(took, first.Sub(at))
		} else {
			unseen++
		}
	}
	slices.Sort(took)
	slices.Sort(readiness.took)
	if len(took) == 0 {
		took = []time.Duration{0}
	}
	if !caught {
		counts.add("NOT CAUGHT UP")
	}
	line("| %s | %.1f | %.1f | %.1f | %d of %d | %d, %d | %d of %d | %.0f | %.0f | %s |", d.what, took[len(took)/2].Seconds(), took[len(took)*95/100].Seconds(), took[len(took)-1].Seconds(),
		unseen, len(i.stream.crossed), readiness.took[len(readiness.took)*95/100].Milliseconds(), readiness.took[len(readiness.took)-1].Milliseconds(), readiness.no, len(readiness.took), engine, clickhouse, counts)
}

func (p *process) catchesUp(limit time.Duration) bool {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		status, text, err := p.request(http.MethodGet, "/api/nightjar/v1/status", nil)
		if err == nil && status == http.StatusOK && strings.Contains(string(text), `"caught_up":true`) {
			return true
		}
	}
	return false
}

// send is the steady stream, with an attack a second. What is refused is sent again.
func (i *isolation) send(ctx context.Context, counts *outcomes) {
	const flush = 100 * time.Millisecond
	i.stream.next, i.stream.live = time.Time{}, nil
	i.stream.again = func() { counts.add("batches of the stream sent again") }
	for last := time.Now(); ctx.Err() == nil; last = last.Add(flush) {
		time.Sleep(time.Until(last.Add(flush)))
		i.stream.attacks(last)
		i.stream.send(i.p, last, flush, i.rate/10)
	}
}

// outcomes counts what happened, by name.
type outcomes struct {
	mu sync.Mutex
	by map[string]int
}

func (c *outcomes) add(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by[what]++
}

// String is the counts, as one text.
func (c *outcomes) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for what, n := range c.by {
		out = append(out, fmt.Sprintf("%s: %d", what, n))
	}
	slices.Sort(out)
	return strings.Join(out, "; ")
}

// readyProbe asks for readiness ten times a second.
type readyProbe struct {
	took []time.Duration
	no   int
}

func (r *readyProbe) run(ctx context.Context, p *process) {
	client := http.Client{Timeout: 30 * time.Second}
	for ctx.Err() == nil {
		begun := time.Now()
		resp, err := client.Get(p.base + "/readyz")
		r.took = append(r.took, time.Since(begun))
		if err != nil || resp.StatusCode != http.StatusOK {
			r.no++
		}
		if err == nil {
			resp.Body.Close()
		}
		time.Sleep(100 * time.Millisecond)
	}
}
