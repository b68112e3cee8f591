package bench

import (
	"os"
	"testing"
	"time"

	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/policy"
	"nightjar/secl/ruleset"
	"nightjar/testenv"
)

var present = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixNano()

// benign are events as a quiet host makes them, which no rule is about.
var benign = map[string]string{
	"exec": `{"type": "exec", "event.origin": "ebpf", "event.os": "linux", "cgroup.id": "user.slice", "container.id": "",
		"exec.file.path": "/usr/bin/ls", "exec.argv0": "ls", "exec.argv": ["-l", "--color=auto", "/var/log"],
		"exec.comm": "ls", "exec.pid": 4242, "exec.ppid": 4200, "exec.uid": 1000, "exec.auid": 4294967295, "exec.created_at": "now",
		"exec.envs": ["HOME", "LANG", "LOGNAME", "PATH", "PWD", "SHELL", "SHLVL", "TERM", "USER", "XDG_SESSION_ID", "_"],
		"exec.file.change_time": "now-8000h", "exec.file.modification_time": "now-8000h", "exec.file.mode": 33261,
		"exec.cgroup.id": "user.slice",
		"process.ancestors": [
			{"pid": 4200, "comm": "bash", "file.path": "/usr/bin/bash", "cgroup.id": "user.slice", "created_at": "now-1h"},
			{"pid": 4100, "comm": "tmux: server", "file.path": "/usr/bin/tmux", "created_at": "now-9h"},
			{"pid": 900, "comm": "systemd", "file.path": "/usr/lib/systemd/systemd", "created_at": "now-90h"},
			{"pid": 1, "comm": "systemd", "file.path": "/usr/lib/systemd/systemd", "created_at": "now-90h"}]}`,
	"open": `{"type": "open", "event.origin": "ebpf", "event.os": "linux", "cgroup.id": "user.slice", "container.id": "",
		"open.file.path": "/usr/lib/locale/locale-archive", "open.flags": 524288, "open.file.mode": 33188,
		"open.file.filesystem": "ext4", "open.file.change_time": "now-8000h", "open.file.modification_time": "now-8000h",
		"process.file.path": "/usr/bin/ls", "process.argv0": "ls", "process.argv": ["-l", "--color=auto", "/var/log"],
		"process.comm": "ls", "process.pid": 4242, "process.ppid": 4200, "process.uid": 1000, "process.auid": 4294967295,
		"process.created_at": "now-2s", "process.file.change_time": "now-8000h", "process.file.modification_time": "now-8000h",
		"process.ancestors": [
			{"pid": 4200, "comm": "bash", "file.path": "/usr/bin/bash", "created_at": "now-1h"},
			{"pid": 4100, "comm": "tmux: server", "file.path": "/usr/bin/tmux", "created_at": "now-9h"},
			{"pid": 900, "comm": "systemd", "file.path": "/usr/lib/systemd/systemd", "created_at": "now-90h"},
			{"pid": 1, "comm": "systemd", "file.path": "/usr/lib/systemd/systemd", "created_at": "now-90h"}]}`,
}

// rules are the rules of the default policy for Linux, ready for events.
func rules(t testing.TB) *ruleset.Set {
	t.Helper()
	text, err := os.ReadFile(testenv.Shared(t, "conformance/secl_default.policy"))
	if err != nil {
		t.Fatal(err)
	}
	p, problems := policy.Read("default.policy", text)
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	p.Default = true
	world := event.World{}
	set, err := policy.Load([]*policy.Policy{p}, policy.Options{Model: event.Model(), World: world, Host: &policy.Host{OS: "linux", KernelVersion: [3]int64{6, 1, 0}}})
	if err != nil {
		t.Fatal(err)
	}
	return ruleset.New(set, world)
}

// context is the context of one of the benign events.
func context(t testing.TB, kind string) *secl.Context {
	t.Helper()
	e, err := event.Decode([]byte(benign[kind]), present)
	if err != nil {
		t.Fatal(err)
	}
	return &secl.Context{Event: e, Now: present}
}
