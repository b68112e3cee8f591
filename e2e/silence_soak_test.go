package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// soakDelay is the silence delay of the soak: senders come back within it after
// every fault.
const soakDelay = 20 * time.Second

// soakWindow is the shortest window that rules may have.
const soakWindow = time.Minute

// TestChaosSilence lets hosts speak in real time, of which some fall silent and
// some don't answer, while the engine and its server are killed, stopped for
// three minutes, and their clock is frozen and moved. What must be told is
// counted from what was sent: each silence and each missing answer once, and
// nothing else, not even for a moment.
func TestChaosSilence(t *testing.T) {
	seconds := envInt("NIGHTJAR_CHAOS_SILENCE", 0)
	if seconds == 0 {
		t.Skip("takes real time: `make chaos`, or NIGHTJAR_CHAOS_SILENCE=900 (seconds)")
	}
	clock := filepath.Join(t.TempDir(), "clock")
	move := func(by time.Duration) {
		if err := os.WriteFile(clock, []byte(by.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	move(0)
	t.Setenv(clockVariable, clock)
	p := startEngine(t, "--silence-delay", soakDelay.String())
	p.createSoakRule("silent", "a < 1", "@kind:beat")
	p.createSoakRule("unanswered", "a > 0 then not b > 0", "@kind:request", "@kind:answer")

	hosts := newSoakHosts(60)
	stop, written := make(chan struct{}), make(chan struct{})
	var sending sync.WaitGroup
	sender := &soakSender{hosts: hosts, client: &http.Client{Timeout: 5 * time.Second}}
	sender.aim(p)
	sending.Go(func() { defer close(written); sender.write(stop) })
	sending.Go(func() { sender.ship(written) })

	end := time.Now().Add(time.Duration(seconds) * time.Second)
	faults := p.soakFaults(t, sender, move)
	counts := map[string]int{}
	for n := 0; time.Now().Before(end); n++ {
		f := faults[n%len(faults)]
		if left := time.Until(end); f.takes > left {
			time.Sleep(min(left, 10*time.Second))
			continue
		}
		t.Logf("%s  %s", time.Now().Format(time.TimeOnly), f.name)
		f.do()
		counts[f.name]++
		time.Sleep(soakDelay + 15*time.Second) // all that was held back is sent, and told
	}
	close(stop)
	sending.Wait()
	stopped := time.Now()
	want := hosts.expected()
	told := func() []string { return p.soakSignals("") }
	for limit := stopped.Add(soakWindow + soakDelay + 90*time.Second); !slices.Equal(told(), want) && time.Now().Before(limit); {
		time.Sleep(time.Second)
	}
	got, withdrawn := told(), p.soakSignals("@nightjar.state:archived")
	missing, odd := without(want, got), without(got, want)
	p.report("duration", time.Duration(seconds)*time.Second, "events", sender.sent, "requests repeated", sender.repeated, "faults", counts,
		"silences and missing answers", len(want), "told", len(want)-len(missing), "false", len(odd)+len(withdrawn), "last told after", time.Since(stopped).Round(time.Second))
	if len(missing)+len(odd)+len(withdrawn) > 0 {
		t.Errorf("not told: %v\nfalse: %v\nwithdrawn: %v", missing, odd, withdrawn)
	}
	if len(want) < seconds/10 {
		t.Errorf("only %d silences and missing answers in %d s: too little happens", len(want), seconds)
	}
}

// createSoakRule creates a rule over hosts, which silences of a minute have
// signals of their own in.
func (p *process) createSoakRule(name, condition string, queries ...string) {
	p.t.Helper()
	list := []map[string]any{}
	for i, q := range queries {
		list = append(list, map[string]any{"name": string(rune('a' + i)), "query": q, "aggregation": "count", "groupByFields": []string{"host"}})
	}
	window := int(soakWindow.Seconds())
	body, err := json.Marshal(map[string]any{
		"name": name, "isEnabled": true, "type": "log_detection", "message": "m", "queries": list,
		"cases":   []map[string]any{{"name": "", "status": "high", "condition": condition}},
		"options": map[string]any{"detectionMethod": "threshold", "evaluationWindow": window, "keepAlive": window, "maxSignalDuration": window},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.call(http.MethodPost, "/api/v2/security_monitoring/rules", body, nil)
}

// soakSignals are the signals that a search finds, as expected has them.
func (p *process) soakSignals(query string) []string {
	out := []string{}
	for _, s := range p.signals(query) {
		out = append(out, fmt.Sprintf("%s %s %d", s.Rule, s.Group[0], s.FirstSeen))
	}
	slices.Sort(out)
	return out
}

func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(other, s) })
}

// soakFault is something that happens to the engine, and how long it takes.
type soakFault struct {
	name  string
	takes time.Duration
	do    func()
}

func (p *process) soakFaults(t *testing.T, s *soakSender, move func(time.Duration)) []soakFault {
	random := rand.New(rand.NewPCG(5, 6))
	pause := func(most time.Duration) { time.Sleep(time.Duration(random.Int64N(int64(most)))) }
	return []soakFault{
		{"engine killed", 2 * time.Minute, func() { p.kill(); pause(time.Minute); p.start(); s.aim(p) }},
		{"server killed", time.Minute, p.killServer},
		{"stopped for three minutes", 4 * time.Minute, func() {
			t.Helper()
			if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			time.Sleep(3 * time.Minute)
			if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
		}},
		{"clock moved by half a minute", 2 * time.Minute, func() {
			move(30 * time.Second)
			time.Sleep(40 * time.Second)
			move(-30 * time.Second)
			time.Sleep(40 * time.Second)
			move(0)
		}},
		{"engine and server killed", time.Minute, func() { p.killServer(); pause(2 * time.Second); p.kill(); p.start(); s.aim(p) }},
		{"clock frozen for two minutes", 3 * time.Minute, func() {
			for began := time.Now(); time.Since(began) < 2*time.Minute; time.Sleep(100 * time.Millisecond) {
				move(-time.Since(began))
			}
			move(0)
		}},
		{"engine stopped and started", time.Minute, func() { p.terminate(); p.start(); s.aim(p) }},
	}
}

// soakHosts are the hosts of a soak, with what they sent.
type soakHosts struct {
	random *rand.Rand
	list   []*soakHost
}

type soakHost struct {
	name string
	// quiet tells that it falls silent now and then; asks, that it makes requests
	// beside its beats.
	quiet, asks bool
	due         map[string]time.Time // by kind
	sent        map[string][]int64   // times, in milliseconds
}

func newSoakHosts(n int) *soakHosts {
	h := &soakHosts{random: rand.New(rand.NewPCG(uint64(n), 3))}
	for i := range n {
		h.list = append(h.list, &soakHost{
			name: fmt.Sprintf("host-%d", i), quiet: i%3 == 0, asks: i%3 == 1,
			due: map[string]time.Time{"beat": time.Now(), "request": time.Now().Add(h.between(0, 100))}, sent: map[string][]int64{},
		})
	}
	return h
}

// between is a time between two numbers of seconds.
func (h *soakHosts) between(low, high float64) time.Duration {
	return time.Duration((low + h.random.Float64()*(high-low)) * float64(time.Second))
}

// speak are the events that hosts write now, by their own clocks.
func (h *soakHosts) speak() []map[string]any {
	var out []map[string]any
	for _, host := range h.list {
		for _, kind := range []string{"beat", "request", "answer"} {
			now := time.Now()
			if due, ok := host.due[kind]; !ok || now.Before(due) || kind != "beat" && !host.asks {
				continue
			}
			host.sent[kind] = append(host.sent[kind], now.UnixMilli())
			out = append(out, map[string]any{"timestamp": now.UnixMilli(), "hostname": host.name, "ddsource": "soak", "kind": kind, "message": kind})
			h.plan(host, kind, now)
		}
	}
	return out
}

// plan says when the host writes such an event again.
func (h *soakHosts) plan(host *soakHost, kind string, now time.Time) {
	delete(host.due, kind)
	switch kind {
	case "beat":
		host.due[kind] = now.Add(h.between(4, 12))
		if host.quiet && h.random.IntN(12) == 0 {
			host.due[kind] = now.Add(h.between(65, 200))
		}
	case "request":
		host.due[kind] = now.Add(h.between(150, 200))
		switch h.random.IntN(5) {
		case 0: // no answer
		case 1: // too late
			host.due["answer"] = now.Add(h.between(62, 75))
		default:
			host.due["answer"] = now.Add(h.between(1, 50))
		}
	}
}

// expected are the silences and missing answers of all that was sent, up to the
// end, after which all hosts are silent.
func (h *soakHosts) expected() []string {
	out, window := []string{}, soakWindow.Milliseconds()
	for _, host := range h.list {
		for i, t := range host.sent["beat"] {
			if i+1 == len(host.sent["beat"]) || host.sent["beat"][i+1] > t+window {
				out = append(out, fmt.Sprintf("silent %s %d", host.name, t+window))
			}
		}
		for _, t := range host.sent["request"] {
			if !slices.ContainsFunc(host.sent["answer"], func(a int64) bool { return a > t && a <= t+window }) {
				out = append(out, fmt.Sprintf("unanswered %s %d", host.name, t+window))
			}
		}
	}
	slices.Sort(out)
	return out
}

// soakSender sends what hosts write, all of it in the end. Hosts write on while
// nothing can be sent.
type soakSender struct {
	hosts  *soakHosts
	client *http.Client

	mu        sync.Mutex
	base, key string
	waiting   []map[string]any

	sent, repeated int
}

// aim tells it where the engine is now.
func (s *soakSender) aim(p *process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.base, s.key = p.base, p.key
}

func (s *soakSender) write(stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(100 * time.Millisecond):
		}
		events := s.hosts.speak()
		s.mu.Lock()
		s.waiting = append(s.waiting, events...)
		s.mu.Unlock()
	}
}

// ship sends until nothing will be written any more, and nothing waits.
func (s *soakSender) ship(written chan struct{}) {
	for n, last := 0, false; !last; n++ {
		select {
		case <-written:
			last = true
		case <-time.After(200 * time.Millisecond):
		}
		s.mu.Lock()
		events := s.waiting
		s.waiting = nil
		s.mu.Unlock()
		if len(events) == 0 {
			continue
		}
		body, err := json.Marshal(events)
		if err != nil {
			panic(err)
		}
		for ; !s.acknowledged(body, fmt.Sprint("soak-", n)); s.repeated++ {
			time.Sleep(500 * time.Millisecond)
		}
		s.sent += len(events)
	}
}

// acknowledged reports whether the engine took the batch.
func (s *soakSender) acknowledged(body []byte, id string) bool {
	s.mu.Lock()
	base, key := s.base, s.key
	s.mu.Unlock()
	req, err := http.NewRequest(http.MethodPost, base+"/api/v2/logs", bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	req.Header.Set("DD-API-KEY", key)
	req.Header.Set("Nightjar-Batch-Id", id)
	resp, err := s.client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusAccepted
}
