package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"nightjar/agent/bpf"
	"nightjar/agent/orders"
	"nightjar/agent/process"
	"nightjar/agent/respond"
)

// host is an agent's side of a Runner: processes that are real, and an isolator that
// remembers.
type host struct {
	*Runner
	dir    string
	cache  *process.Cache
	off    *respond.Switch
	now    time.Time // zero: the real one
	killer Killer
	stop   func()

	mu      sync.Mutex
	without bool     // an isolator
	sets    []string // calls of the isolator
	fails   error
	own     []netip.AddrPort
}

func (h *host) Set(isolated bool, allow []netip.AddrPort) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sets = append(h.sets, fmt.Sprint(isolated, allow))
	return h.fails
}

func (h *host) lastSet() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sets[len(h.sets)-1]
}

// change changes what the runner asks of the world.
func (h *host) change(edit func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	edit()
}

func (h *host) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.now.IsZero() {
		return time.Now()
	}
	return h.now
}

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{dir: t.TempDir(), cache: process.New(process.Limits{}, func(boot uint64) int64 {
		return int64(boot) + time.Now().UnixNano() - sinceBoot()
	}), off: &respond.Switch{}, own: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:8420")}}
	h.killer = respond.NewKiller(respond.NewProtected(nil), h.off)
	h.start(t)
	return h
}

// start starts the runner, as after a restart of the agent.
func (h *host) start(t *testing.T) {
	t.Helper()
	r, err := Open(Deps{
		Dir: h.dir, Killer: h.killer, Switch: h.off, Isolator: h, Boot: "this", Now: h.clock,
		Engine: func() []netip.AddrPort { h.mu.Lock(); defer h.mu.Unlock(); return h.own },
		Do: func(_ context.Context, do func(*process.Cache)) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			do(h.cache)
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if h.without {
		r.deps.Isolator = nil
	}
	h.Runner = r
	h.run(t)
}

func (h *host) run(t *testing.T) {
	r := h.Runner
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	h.stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(h.stop)
}

// obey gives orders, and waits for the results of their commands.
func (h *host) obey(t *testing.T, o orders.Orders) map[string]orders.Result {
	t.Helper()
	if err := h.Obey(o); err != nil {
		t.Fatal(err)
	}
	for {
		changed := h.Changed()
		out := map[string]orders.Result{}
		for _, r := range h.Results() {
			out[r.ID] = r
		}
		if !slices.ContainsFunc(o.Commands, func(c orders.Command) bool { return out[c.ID].Status == "" }) {
			return out
		}
		select {
		case <-changed:
		case <-time.After(2 * time.Minute):
			t.Fatalf("no results but %v", out)
		}
	}
}

// sleeper starts a program that sleeps, as a child of this test.
func (h *host) sleeper(t *testing.T) (*exec.Cmd, orders.Process) {
	t.Helper()
	text, err := os.ReadFile("/bin/sleep")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "sleeper")
	if err := os.WriteFile(path, text, 0o755); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(path, "300")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	for { // until the child has become it
		if at, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", c.Process.Pid)); at == path {
			break
		}
		time.Sleep(time.Millisecond)
	}
	return c, orders.Process{PID: uint32(c.Process.Pid), Boot: "this", SinceBoot: h.takeIn(t, c.Process.Pid), Executable: path}
}

// takeIn has the cache know a process of this machine, and returns when it started.
func (h *host) takeIn(t *testing.T, pid int) uint64 {
	t.Helper()
	s, err := process.StatOf(pid)
	if err != nil {
		t.Fatal(err)
	}
	header := &bpf.Header{Type: uint16(bpf.Open)}
	header.Who.Pid, header.Who.Tid, header.Who.Ppid, header.Who.Start = uint32(pid), uint32(pid), uint32(s.Parent), s.Start*(1_000_000_000/process.Ticks)
	if p := h.cache.Of(bpf.Record{Header: header}); p.File.Path == "" {
		t.Fatalf("process %d is not known by its file", pid)
	}
	return header.Who.Start
}

// isGone waits until a process of the test has ended, if it does so.
func isGone(c *exec.Cmd) bool {
	var s unix.WaitStatus
	pid, err := unix.Wait4(c.Process.Pid, &s, unix.WNOHANG, nil)
	for i := 0; err == nil && pid == 0 && i < 12000; i++ {
		time.Sleep(5 * time.Millisecond)
		pid, err = unix.Wait4(c.Process.Pid, &s, unix.WNOHANG, nil)
	}
	return err == nil && pid != 0 && s.Signaled()
}

func lives(c *exec.Cmd) bool {
	s, err := process.StatOf(c.Process.Pid)
	return err == nil && !s.Zombie
}

func killOf(id string, p orders.Process) orders.Command {
	return orders.Command{ID: id, Expires: time.Now().Add(time.Minute), Kill: &orders.Kill{Process: p, Signal: "SIGKILL", Scope: "process"}}
}

func TestAProcessIsKilled(t *testing.T) {
	h := newHost(t)
	c, p := h.sleeper(t)
	res := h.obey(t, orders.Orders{Commands: []orders.Command{killOf("k", p)}})["k"]
	if res.Status != performed || !isGone(c) || !strings.Contains(string(res.Report), `"killed_at"`) {
		t.Errorf("%+v %s", res, res.Report)
	}
}

func TestAnotherProcessIsNotHit(t *testing.T) {
	h := newHost(t)
	c, p := h.sleeper(t)
	change := func(edit func(*orders.Process)) orders.Process { q := p; edit(&q); return q }
	started := time.Unix(0, time.Now().UnixNano()-sinceBoot()+int64(p.SinceBoot))
	o := orders.Orders{Commands: []orders.Command{
		killOf("alone", orders.Process{PID: p.PID}),
		killOf("no-start", orders.Process{PID: p.PID, Executable: p.Executable}),
		killOf("no-executable", change(func(q *orders.Process) { q.Executable = "" })),
		killOf("later", change(func(q *orders.Process) { q.SinceBoot += 20_000_000 })),
		killOf("earlier", change(func(q *orders.Process) { q.SinceBoot -= 20_000_000 })),
		killOf("other-boot", change(func(q *orders.Process) { q.Boot = "another" })),
		killOf("other-program", change(func(q *orders.Process) { q.Executable = "/bin/sleep" })),
		killOf("other-time", orders.Process{PID: p.PID, Executable: p.Executable, Started: started.Add(-200 * time.Millisecond)}),
		killOf("nobody", orders.Process{PID: 1 << 30, Boot: "this", SinceBoot: p.SinceBoot, Executable: p.Executable}),
	}}
	for id, res := range h.obey(t, o) {
		if res.Status != aborted || res.Error == "" {
			t.Errorf("%s: %+v", id, res)
		}
	}
	if !lives(c) {
		t.Fatal("it was hit")
	}
	h.change(func() { h.cache = process.New(process.Limits{}, func(boot uint64) int64 { return int64(boot) }) }) // the agent has let go of it
	if res := h.obey(t, orders.Orders{Commands: []orders.Command{killOf("by-time", orders.Process{PID: p.PID, Executable: p.Executable, Started: started})}})["by-time"]; res.Status != performed || !isGone(c) {
		t.Errorf("by the time of day: %+v", res)
	}
}

// blocker is a killer that stands still until it is let go.
type blocker struct {
	mu     sync.Mutex
	calls  int
	begun  chan struct{}
	let    chan struct{}
	report respond.Report
}

func (b *blocker) Kill(context.Context, respond.Target, string, string) respond.Report {
	b.mu.Lock()
	b.calls++
	b.mu.Unlock()
	b.begun <- struct{}{}
	<-b.let
	return b.report
}

// TestACommandIsDoneAtMostOnce ends the agent after a kill, before one, and in the middle:
// its state folder is copied then, and another agent goes on with that.
func TestACommandIsDoneAtMostOnce(t *testing.T) {
	h := newHost(t)
	h.stop()
	b := &blocker{begun: make(chan struct{}, 10), let: make(chan struct{}), report: respond.Report{Status: respond.Performed}}
	h.killer = b
	h.start(t)
	_, p := h.sleeper(t)
	o := orders.Orders{Commands: []orders.Command{killOf("k", p)}}
	if err := h.Obey(o); err != nil {
		t.Fatal(err)
	}
	<-b.begun
	text, err := os.ReadFile(filepath.Join(h.dir, ledgerFile)) // as after kill -9 in the middle
	if err != nil {
		t.Fatal(err)
	}
	other := newHost(t)
	other.stop()
	if err := os.WriteFile(filepath.Join(other.dir, ledgerFile), text, 0o600); err != nil {
		t.Fatal(err)
	}
	other.killer = b
	other.start(t)
	if res := other.obey(t, o)["k"]; res.Status != unknown || res.Error == "" {
		t.Errorf("in the middle: %+v", res)
	}
	close(b.let)
	if res := h.obey(t, o)["k"]; res.Status != performed {
		t.Errorf("%+v", res)
	}
	h.stop()
	h.start(t)
	if res := h.obey(t, o)["k"]; res.Status != performed {
		t.Errorf("after it: %+v", res)
	}
	h.Sent(h.Results())
	h.stop()
	h.start(t)
	if err := h.Obey(o); err != nil {
		t.Fatal(err)
	}
	h.obey(t, orders.Orders{Commands: append(o.Commands, orders.Command{ID: "n", Expires: time.Now().Add(time.Hour), Network: &orders.Network{}})[1:]})
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.calls != 1 {
		t.Errorf("it was done %d times", b.calls)
	}
}

func TestAResultIsOfferedUntilItWasTaken(t *testing.T) {
	h := newHost(t)
	o := orders.Orders{Commands: []orders.Command{
		{ID: "late", Expires: time.Now().Add(-time.Second), Kill: &orders.Kill{}}, {ID: "strange", Expires: time.Now().Add(time.Minute)},
	}}
	got := h.obey(t, o)
	if got["late"].Status != tooLate || got["strange"].Status != failed || got["late"].At == 0 {
		t.Errorf("%+v", got)
	}
	h.obey(t, orders.Orders{}) // the server took them back meanwhile
	h.stop()
	h.start(t)
	if got := h.Results(); len(got) != 2 || got[0].ID != "late" {
		t.Errorf("after a restart: %+v", got)
	}
	h.Sent(h.Results())
	if got := h.Results(); len(got) != 0 {
		t.Errorf("offered though taken: %+v", got)
	}
	h.stop()
	h.now = time.Now().Add(48 * time.Hour)
	h.start(t)
	h.obey(t, orders.Orders{Commands: []orders.Command{{ID: "n", Expires: h.now.Add(time.Minute), Network: &orders.Network{}}}})
	for h.ledger.knows("late") { // it is forgotten after the answer
		time.Sleep(time.Millisecond)
	}
}

// TestAResultIsOfferedAgainToWhoForgotIt holds for a server that was restored from before
// it took the result: it asks again, and nothing is done twice.
func TestAResultIsOfferedAgainToWhoForgotIt(t *testing.T) {
	h := newHost(t)
	o := orders.Orders{Sequence: 1, Commands: []orders.Command{{ID: "strange", Expires: time.Now().Add(time.Minute)}}}
	h.obey(t, o)
	h.Sent(h.Results())
	if err := h.Obey(o); err != nil || len(h.Results()) != 0 {
		t.Errorf("the same orders again: offered %v (%v)", h.Results(), err)
	}
	o.Sequence = 2
	if err := h.Obey(o); err != nil {
		t.Fatal(err)
	}
	if got := h.Results(); len(got) != 1 || got[0].ID != "strange" || got[0].Status != failed {
		t.Errorf("offered %+v", got)
	}
}

// TestWhatCannotBeKeptIsNotDone takes the state folder away.
func TestWhatCannotBeKeptIsNotDone(t *testing.T) {
	h := newHost(t)
	c, p := h.sleeper(t)
	h.stop()
	h.ledger.path = filepath.Join(h.dir, "nothing", "here")
	h.run(t)
	if res := h.obey(t, orders.Orders{Commands: []orders.Command{killOf("k", p)}})["k"]; res.Status != failed || !lives(c) {
		t.Errorf("%+v", res)
	}
	h.stop()
	file := filepath.Join(h.dir, ledgerFile)
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.start(t) // the agent goes on, and can be isolated; it does nothing that it may have done
	got := h.obey(t, orders.Orders{Isolation: &orders.Isolation{}, Commands: []orders.Command{killOf("l", p),
		{ID: "n", Expires: time.Now().Add(time.Minute), Network: &orders.Network{Isolated: true}}}})
	if got["l"].Status != failed || !strings.Contains(got["l"].Error, "can't be read") || got["n"].Status != performed || !lives(c) {
		t.Errorf("%+v", got)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "{" {
		t.Errorf("what can't be read was written over: %s, %v", text, err)
	}
}

func TestADisarmedAgentDoesNothing(t *testing.T) {
	for by, disarm := range map[string]func(*host, *orders.Orders){
		"server": func(_ *host, o *orders.Orders) { o.Disarmed = true },
		"host":   func(h *host, _ *orders.Orders) { _ = h.off.Disarm(respond.Host, "a drill", time.Now()) },
	} {
		h := newHost(t)
		c, p := h.sleeper(t)
		o := orders.Orders{Isolation: &orders.Isolation{}, Commands: []orders.Command{killOf("k", p),
			{ID: "i", Expires: time.Now().Add(time.Minute), Network: &orders.Network{Isolated: true}}}}
		disarm(h, &o)
		for id, res := range h.obey(t, o) {
			if res.Status != aborted || !strings.Contains(res.Error, "disarmed by the "+by) {
				t.Errorf("%s, by the %s: %+v", id, by, res)
			}
		}
		if !lives(c) || h.Isolated() {
			t.Errorf("by the %s: done all the same", by)
		}
	}
}

// TestTheSwitchEndsIsolation disarms an isolated host, and arms it again.
func TestTheSwitchEndsIsolation(t *testing.T) {
	h := newHost(t)
	awaits := func(want bool) {
		t.Helper()
		for h.Isolated() != want {
			select {
			case <-h.Changed():
			case <-time.After(time.Second):
			}
		}
	}
	if err := h.Obey(orders.Orders{Isolation: &orders.Isolation{}}); err != nil {
		t.Fatal(err)
	}
	awaits(true)
	_ = h.off.Disarm(respond.Host, "", time.Now())
	awaits(false)
	_ = h.off.Arm(respond.Host)
	awaits(true)
}

func TestIsolationLeavesTheWayToTheServer(t *testing.T) {
	h := newHost(t)
	isolate := func(id string, yes bool) orders.Orders {
		o := orders.Orders{Commands: []orders.Command{{ID: id, Expires: time.Now().Add(time.Minute), Network: &orders.Network{Isolated: yes}}}}
		if yes {
			o.Isolation = &orders.Isolation{Allow: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.9:53")}}
		}
		return o
	}
	if res := h.obey(t, isolate("a", true))["a"]; res.Status != performed || !h.Isolated() {
		t.Errorf("%+v", res)
	}
	if got, want := h.lastSet(), "true [192.0.2.9:53 192.0.2.1:8420]"; got != want {
		t.Errorf("isolated with %s, want %s", got, want)
	}
	if res := h.obey(t, isolate("b", false))["b"]; res.Status != performed || h.Isolated() {
		t.Errorf("%+v", res)
	}
	h.change(func() { h.own = nil })
	if res := h.obey(t, isolate("c", true))["c"]; res.Status != failed || h.Isolated() || h.lastSet() != "false []" {
		t.Errorf("isolated without a way to the server: %+v, %s", res, h.lastSet())
	}
	h.change(func() {
		h.own, h.fails = []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:8420")}, errors.New("planted")
	})
	if res := h.obey(t, isolate("d", true))["d"]; res.Status != failed || !strings.Contains(res.Error, "planted") {
		t.Errorf("%+v", res)
	}
	other := newHost(t)
	other.stop()
	other.without = true
	other.start(t)
	if res := other.obey(t, isolate("e", true))["e"]; res.Status != failed || other.Isolated() {
		t.Errorf("without an isolator: %+v", res)
	}
}

func TestATreeIsCollected(t *testing.T) {
	h := newHost(t)
	h.takeIn(t, os.Getpid())
	_, p := h.sleeper(t)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := os.Create(filepath.Join(t.TempDir(), "open"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	collect := func(id string, p orders.Process) (orders.Result, Tree) {
		res := h.obey(t, orders.Orders{Commands: []orders.Command{{ID: id, Expires: time.Now().Add(time.Minute), Collect: &orders.Collect{Process: p}}}})[id]
		var tree Tree
		if err := json.Unmarshal(res.Report, &tree); res.Status == performed && err != nil {
			t.Fatal(err)
		}
		return res, tree
	}
	res, tree := collect("child", p)
	n := len(tree.Processes)
	if n < 2 || tree.Processes[n-1].Relation != "process" || tree.Processes[n-2].PID != int64(os.Getpid()) || tree.Processes[n-2].Relation != "ancestor" {
		t.Fatalf("%s: %s", res.Status, res.Report)
	}
	if child := tree.Processes[n-1]; child.Executable != p.Executable || strings.Join(child.Args, " ") != p.Executable+" 300" || child.SinceBoot != p.SinceBoot || tree.Boot != "this" {
		t.Errorf("%+v", child)
	}
	_, tree = collect("parent", orders.Process{PID: uint32(os.Getpid())})
	i := slices.IndexFunc(tree.Processes, func(n Node) bool { return n.PID == int64(os.Getpid()) })
	if i < 0 || i+1 >= len(tree.Processes) || tree.Processes[i+1].PID != int64(p.PID) || tree.Processes[i+1].Relation != "descendant" {
		t.Fatalf("%+v", tree)
	}
	self := tree.Processes[i]
	if !slices.Contains(self.Files, f.Name()) {
		t.Errorf("%s is not among the open files %v", f.Name(), self.Files)
	}
	if !slices.Contains(self.Connections, Connection{Protocol: "tcp", Local: l.Addr().String(), State: "listen"}) {
		t.Errorf("%s is not among %v", l.Addr(), self.Connections)
	}
	for id, q := range map[string]orders.Process{"none": {PID: 1 << 30}, "other": {PID: p.PID, Boot: "this", SinceBoot: 1}, "program": {PID: p.PID, Executable: "/bin/true"}} {
		if res, _ := collect(id, q); res.Status != aborted || res.Error == "" {
			t.Errorf("%s: %+v", id, res)
		}
	}
}

// TestWhatIsCutOfATreeIsSaid makes one that is far too large.
func TestWhatIsCutOfATreeIsSaid(t *testing.T) {
	tree := &Tree{Processes: []Node{{Relation: "ancestor", PID: 1}, {Relation: "process", PID: 2}}}
	for i := range 150 {
		tree.Processes = append(tree.Processes, Node{Relation: "descendant", PID: int64(3 + i), Args: []string{strings.Repeat("x", 2000)}, Files: []string{strings.Repeat("y", 5000)}})
	}
	text := tree.text()
	if len(text) > maxTree+1000 || !strings.Contains(string(text), "further processes") || !strings.Contains(string(text), "1 files and 0 connections of process 152") || tree.Processes[1].Relation != "process" {
		t.Errorf("%d bytes: %.300s", len(text), text[len(text)-300:])
	}
	tree = &Tree{}
	for i := range 100 {
		tree.Processes = append(tree.Processes, Node{Relation: "ancestor", PID: int64(i), Args: []string{strings.Repeat("x", 4000)}})
	}
	tree.Processes = append(tree.Processes, Node{Relation: "process", PID: 100})
	if tree.text(); tree.Processes[len(tree.Processes)-1].PID != 100 {
		t.Error("the process itself was cut")
	}
}

func FuzzConnections(f *testing.F) {
	f.Add("   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12345 1 0000000000000000 100 0 0 10 0")
	f.Add("   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 9")
	f.Fuzz(func(t *testing.T, line string) {
		if c, inode, ok := connectionOf("tcp", line); ok {
			if _, err := netip.ParseAddrPort(c.Local); err != nil || inode == "" {
				t.Errorf("%q: %+v, %v", line, c, err)
			}
		}
	})
}
