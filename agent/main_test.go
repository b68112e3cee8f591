package agent

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"nightjar/agent/deny"
	"nightjar/agent/probe"
	"nightjar/secl/event"
	"nightjar/secl/policy"
)

// works are what children of the tests do: the agent does not look at its own
// process.
var works = map[string]func(args []string) error{}

const workVariable = "NIGHTJAR_AGENT_WORK"

func TestMain(m *testing.M) {
	deny.RunStandIn()
	if name := os.Getenv(workVariable); name != "" {
		if err := works[name](os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, name+":", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// work makes a command that does a work in a process of its own.
func work(name string, args ...string) *exec.Cmd {
	c := exec.Command("/proc/self/exe", args...)
	c.Env = append(os.Environ(), workVariable+"="+name)
	c.Stderr = os.Stderr
	return c
}

// do does a work and returns its process id.
func do(t *testing.T, name string, args ...string) int {
	t.Helper()
	c := work(name, args...)
	if err := c.Run(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return c.Process.Pid
}

// needEBPF skips where the kernel or the user has no eBPF, unless that must not
// be: it puts all of the programs into the kernel.
var needEBPF = func() func(testing.TB) {
	try := sync.OnceValue(func() error {
		p, err := probe.Open(probe.Options{Events: probe.Everything()})
		if err == nil {
			for _, line := range probe.Missing(p.Hooks()) {
				fmt.Fprintln(os.Stderr, "on this kernel:", line)
			}
		}
		if err != nil {
			return err
		}
		return p.Close()
	})
	return func(t testing.TB) {
		t.Helper()
		err := try()
		switch {
		case err == nil:
		case os.Getenv("REQUIRE_EBPF") != "":
			t.Fatalf("REQUIRE_EBPF is set, and uid %d has none: %v", os.Getuid(), err)
		default:
			t.Skipf("needs root or another kernel: uid %d: %v", os.Getuid(), err)
		}
	}
}()

// found is a match, copied.
type found struct {
	rule  string
	pid   int64
	event event.Event
	json  map[string]any
}

// watched is an agent that runs for a test.
type watched struct {
	t       testing.TB
	agent   *Agent
	mu      sync.Mutex
	matches []found
	last    Report
	keep    func(*Match) bool  // nil: all
	each    func(*event.Event) // is shown every event, by the agent's goroutine
	ready   chan struct{}
	stop    func()
}

// Match keeps a copy.
func (w *watched) Match(m Match) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.keep != nil && !w.keep(&m) {
		return
	}
	f := found{rule: m.Rule.ID, pid: m.Event.Process.PID, event: *m.Event}
	p := *m.Event.Process
	f.event.Process = &p
	if err := json.Unmarshal(m.JSON, &f.json); err != nil {
		w.t.Errorf("a match is no JSON: %v", err)
	}
	w.matches = append(w.matches, f)
}

// Event shows an event to whoever wants to see all.
func (w *watched) Event(e *event.Event) {
	if w.each != nil {
		w.each(e)
	}
}

func (w *watched) Report(r Report) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = r
}

func (w *watched) Dropped() uint64 { return 0 }

func (w *watched) Ready([]probe.Hook) { close(w.ready) }

// watch runs an agent with the rules `id: expression`, a line each, until the test
// or stop ends it.
func watch(t testing.TB, rules string, change ...func(*Config, *watched)) *watched {
	t.Helper()
	needEBPF(t)
	w := &watched{t: t, ready: make(chan struct{})}
	c := Config{Sink: w, Policies: []*policy.Policy{policyOf(t, rules)}}
	for _, f := range change {
		f(&c, w)
	}
	a, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range a.Problems() {
		t.Fatal(p)
	}
	w.agent = a
	w.run()
	return w
}

func policyOf(t testing.TB, rules string) *policy.Policy {
	t.Helper()
	text := "version: 1.0.0\nrules:\n"
	for line := range strings.Lines(rules) {
		id, expression, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if ok {
			text += fmt.Sprintf("- id: %s\n  expression: %q\n", id, expression)
		}
	}
	p, problems := policy.Read("test.policy", []byte(text))
	for _, problem := range problems {
		t.Fatal(problem)
	}
	return p
}

func (w *watched) run() {
	ctx, cancel := contextOf(w.t)
	ended := make(chan error, 1)
	go func() { ended <- w.agent.Run(ctx) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	})
	w.t.Cleanup(w.stop)
	select {
	case <-w.ready:
	case err := <-ended:
		w.t.Fatal(err)
	}
}

// of are the matches of a rule by a process; pid 0: by any.
func (w *watched) of(rule string, pid int) []found {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []found
	for _, f := range w.matches {
		if f.rule == rule && (pid == 0 || f.pid == int64(pid)) {
			out = append(out, f)
		}
	}
	return out
}

// one waits for the match of a rule by a process.
func (w *watched) one(rule string, pid int) found {
	w.t.Helper()
	for range 12000 {
		if list := w.of(rule, pid); len(list) > 0 {
			return list[0]
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.t.Fatalf("rule %s did not match", rule)
	return found{}
}

// adds checks that generated = filtered + delivered + lost, for each type.
func (w *watched) adds() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, a := range w.last.Events {
		if a.Generated != a.Filtered+a.Delivered+a.Lost || a.Waiting != 0 {
			w.t.Errorf("%s events do not add up: %+v", name, a)
		}
	}
}
