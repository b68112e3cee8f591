package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"nightjar/agent/probe"
	"nightjar/secl/event"
)

func TestEveryTypeIsSeenOrSaysWhyNot(t *testing.T) {
	needEBPF(t)
	p, err := probe.Open(probe.Options{Events: probe.Everything(), Functions: []string{"security_inode_rmdir"}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	list := probe.SupportOf(p.Hooks())
	if len(list) != len(probe.Everything())+1 { // and forks
		t.Errorf("%d types are told of, want %d", len(list), len(probe.Everything())+1)
	}
	for _, s := range list {
		if !s.Seen && len(s.Without) == 0 || s.Seen && len(s.Hooks) == 0 {
			t.Errorf("%+v", s)
		}
	}
}

// TestRulesAreToldWhichTypesAreSeen holds that a rule is said never to fire where no
// program sees its type of events, and only there.
func TestRulesAreToldWhichTypesAreSeen(t *testing.T) {
	if seen := probe.Everything(); !slices.Equal(seen, slices.Sorted(slices.Values(event.Supported))) {
		t.Errorf("programs see %v, rules are told %v", seen, event.Supported)
	}
	for _, s := range probe.NotYet() {
		if slices.Contains(event.Supported, s.Event) || event.Model().Event(s.Event) == nil || len(s.Without) == 0 {
			t.Errorf("%s is said not to be seen", s.Event)
		}
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	w := watch(t, `any: exec.comm == "no-such-comm"`)
	ids, err := w.agent.probe.MapIDs()
	if err != nil || len(ids) == 0 {
		t.Fatalf("the agent has %d maps: %v", len(ids), err)
	}
	programs := w.agent.probe.ProgramIDs()
	w.stop()
	for range 6000 { // the kernel frees what is let go of a little later
		if probe.Existing(ids, programs) == 0 {
			return
		}
		runtime.GC()
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d maps and programs are left", probe.Existing(ids, programs))
}

func TestTheSocketTellsTheAccount(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	file := filepath.Join(t.TempDir(), "told.txt")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w := watch(t, `told: open.file.path == "`+file+`"`, func(c *Config, _ *watched) { c.StateDir = dir })
	w.one("told", do(t, "open", file))
	s, err := Ask(dir)
	if err != nil {
		t.Fatal(err)
	}
	if s.Rules["told"].Matches != 1 || !s.Filtering["open"].Approving || len(s.Hooks) == 0 || s.Policies[0].Rules != 1 || len(s.Top) == 0 {
		t.Errorf("the status is %+v", s)
	}
	if info, err := os.Stat(Socket(dir)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket is %v, %v", info, err)
	}
	w.stop()
	if _, err := Ask(dir); err == nil {
		t.Error("an agent answers that was stopped")
	}
	if _, err := os.Stat(Socket(dir)); err == nil {
		t.Error("the socket is left")
	}
}

func TestARecordingIsReadAsItWas(t *testing.T) {
	needEBPF(t)
	var out bytes.Buffer
	file := filepath.Join(t.TempDir(), "recorded.txt")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	recording := NewRecording(&out, nil)
	w := watch(t, `any: exec.comm == "no-such-comm"`, func(c *Config, w *watched) {
		c.Events = []string{"open"}
		w.each = func(e *event.Event) {
			if e.File.Path == file {
				recording.Event(e)
			}
		}
	})
	pid := do(t, "open", file)
	w.stop()
	if err := recording.Close(); err != nil {
		t.Fatal(err)
	}
	e, err := event.Decode(bytes.TrimSpace(out.Bytes()), 0)
	if err != nil {
		t.Fatal(err)
	}
	if e.Type != "open" || e.File.Path != file || e.Process.PID != int64(pid) || e.Process.Parent == nil || e.Timestamp == 0 {
		t.Errorf("read: %s of %s by %d", e.Type, e.File.Path, e.Process.PID)
	}
}

func init() {
	works["agent"] = func(a []string) error {
		agent, err := New(Config{Sink: &idsSink{}, StateDir: a[0]})
		if err != nil {
			return err
		}
		agent.config.Sink.(*idsSink).agent = agent
		return agent.Run(context.Background())
	}
}

// idsSink prints what is in the kernel when the agent watches.
type idsSink struct{ agent *Agent }

func (*idsSink) Match(Match)     {}
func (*idsSink) Report(Report)   {}
func (*idsSink) Dropped() uint64 { return 0 }
func (s *idsSink) Ready([]probe.Hook) {
	ids, err := s.agent.probe.MapIDs()
	if err != nil {
		panic(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(inKernelIDs{ids, s.agent.probe.ProgramIDs()}); err != nil {
		panic(err)
	}
}

type inKernelIDs struct {
	Maps     []ebpf.MapID
	Programs []ebpf.ProgramID
}

func TestACrashLeavesNothingBehind(t *testing.T) {
	needEBPF(t)
	dir := t.TempDir()
	c := work("agent", dir)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var ids inKernelIDs
	if err := json.NewDecoder(out).Decode(&ids); err != nil {
		t.Fatal(err)
	}
	if n := probe.Existing(ids.Maps, ids.Programs); n != len(ids.Maps)+len(ids.Programs) || n == 0 {
		t.Errorf("%d of %d maps and programs are there", n, len(ids.Maps)+len(ids.Programs))
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	for range 6000 {
		if probe.Existing(ids.Maps, ids.Programs) == 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if n := probe.Existing(ids.Maps, ids.Programs); n != 0 {
		t.Errorf("%d maps and programs are left", n)
	}
	// The socket of the one that crashed is not in the next one's way.
	w := watch(t, `any: exec.comm == "no-such-comm"`, func(c *Config, _ *watched) { c.StateDir = dir })
	if _, err := Ask(dir); err != nil {
		t.Error(err)
	}
	w.stop()
}
