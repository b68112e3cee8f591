package agent

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"nightjar/agent/probe"
	"nightjar/agent/respond"
	"nightjar/secl/policy"
)

// cgroupOf makes a control group for a test.
func cgroupOf(t *testing.T, name string) (folder string, fd int) {
	t.Helper()
	root, err := probe.CGroupRoot()
	if err != nil {
		t.Skip(err)
	}
	folder = filepath.Join(root, name)
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.Close()
		for range 6000 { // what was killed leaves it a moment later
			if os.Remove(folder) == nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Errorf("%s can't be removed", folder)
	})
	return folder, int(f.Fd())
}

// startIn starts a program in a control group; fd 0: in that of the test.
func startIn(t *testing.T, fd int, args ...string) *exec.Cmd {
	t.Helper()
	c := as("sleep", args[0], args[1:]...)
	if fd != 0 {
		c.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: fd}
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = c.Wait(); close(ended) }()
	t.Cleanup(func() { _ = c.Process.Kill(); <-ended })
	return c
}

// alive reports whether a process is, a moment after what might have killed it.
func alive(c *exec.Cmd) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.Process.Pid))
	return err == nil && !strings.Contains(string(text), ") Z ")
}

// TestAKillReachesItsScope holds that the scopes cgroup and container reach every
// process there, also in groups below, and none beside; that protected ones are spared,
// which the status says; and that the root is no scope.
func TestAKillReachesItsScope(t *testing.T) {
	dir := t.TempDir()
	beside, guarded := program(t, dir, "beside", "/bin/sleep"), program(t, dir, "guarded", "/bin/sleep")
	id := fmt.Sprintf("%064x", os.Getpid())
	group := fmt.Sprint("nightjar-kill-test-", os.Getpid())
	cases := []struct {
		name, scope, reduces, cgroup string
		spared                       bool
		want, mechanism              string
	}{
		{"the cgroup", "cgroup", "", group, false, "performed", "pidfd"},
		{"the cgroup with a protected process", "cgroup", "", group, true, "partially_performed", "pidfd"},
		{"the container", "container", "", "docker-" + id + ".scope", false, "performed", "pidfd"},
		{"the rest of the container, after the kernel", "container", "alone", "docker-" + id + ".scope", false, "performed", "bpf_send_signal"},
		{"the root", "cgroup", "", "", false, "performed", "pidfd"},
		{"no container", "container", "", group, false, "performed", "pidfd"},
	}
	rules, sleeps := "", make([]string, len(cases)) // each case has a rule, and a program, of its own
	for i, c := range cases {
		sleeps[i] = program(t, dir, fmt.Sprint("sleeper", i), "/bin/sleep")
		expression := `exec.file.path == "` + sleeps[i] + `"`
		if c.reduces == "" {
			expression += ` && exec.argv in ["60"]`
		}
		rules += killRule(fmt.Sprint("r", i), expression, ", scope: "+c.scope)
	}
	w := killing(t, policy.Blocking, rules, func(config *Config, _ *watched) { config.Protect = []string{guarded} })
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			fd, below := 0, 0
			if c.cgroup != "" {
				_, fd = cgroupOf(t, c.cgroup)
				_, below = cgroupOf(t, c.cgroup+"/below")
			}
			other := startIn(t, 0, beside, "50")
			same, under := startIn(t, fd, beside, "50"), startIn(t, below, beside, "50")
			var protected *exec.Cmd
			if c.spared {
				protected = startIn(t, fd, guarded, "50")
			}
			target := startIn(t, fd, sleeps[i], "60")
			r := actions(t, w.one(fmt.Sprint("r", i), target.Process.Pid))[0]
			all := c.cgroup != "" && c.name != "no container"
			for range 6000 {
				if !alive(target) && alive(same) != all && alive(under) != all {
					break
				}
				time.Sleep(20 * time.Millisecond)
			}
			if alive(target) || alive(same) == all || alive(under) == all || !alive(other) || c.spared && !alive(protected) {
				t.Errorf("alive: target %v, same %v, under %v, other %v; %v", alive(target), alive(same), alive(under), alive(other), r)
			}
			if r["status"] != c.want || r["mechanism"] != c.mechanism || (r["spared"] != nil) != c.spared {
				t.Errorf("the report is %v", r)
			}
			if whole := r["scope"] == c.scope; whole != all || !all && r["note"] == nil {
				t.Errorf("the report is %v", r)
			}
		})
	}
}

// TestTheDisarmerOfContainersHoldsInTheKernel holds that five a minute are killed in one
// container, and that the host is none.
func TestTheDisarmerOfContainersHoldsInTheKernel(t *testing.T) {
	miner, files := program(t, t.TempDir(), "miner", "/bin/touch"), t.TempDir()
	w := killing(t, policy.Blocking, killRule("miner", `exec.file.path == "`+miner+`"`, ", disable_executable_disarmer: true"))
	const times = 8
	run := func(where string, want int) {
		t.Helper()
		killed := 0
		for range times {
			c := as("touch", miner, filepath.Join(files, "wrote"))
			if where != "" {
				f, err := os.Open(where)
				if err != nil {
					t.Fatal(err)
				}
				c.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(f.Fd()), Cloneflags: syscall.CLONE_NEWPID}
				defer f.Close()
			}
			if _ = c.Run(); statusOf(c) == syscall.SIGKILL {
				killed++
			}
		}
		if killed != want {
			t.Errorf("%q: %d of %d killed, want %d", where, killed, times, want)
		}
	}
	first, _ := cgroupOf(t, fmt.Sprintf("docker-%064x.scope", os.Getpid()))
	limit := respond.DefaultLimits.Kills
	run(first, limit)
	run("", times)
	w.stop()
	disarmed := 0
	for _, m := range w.of("miner", 0) {
		if r := actions(t, m)[0]; r["status"] == "rule_disarmed" && r["disarmer_type"] == "container" {
			disarmed++
		}
	}
	if disarmed != times-limit {
		t.Errorf("%d events say that the rule is disarmed for the container, want %d", disarmed, times-limit)
	}
}

// TestPIDsOfAnotherNamespaceAreNotMistaken holds that a process in a PID namespace of its
// own, whose pid there is another's here, is the one that is killed; also the first of
// the namespace, and from the kernel.
func TestPIDsOfAnotherNamespaceAreNotMistaken(t *testing.T) {
	dir := t.TempDir()
	shell, sleep, first := program(t, dir, "sh", realPath(t, "/bin/sh")), program(t, dir, "sleep", "/bin/sleep"), program(t, t.TempDir(), "sleep", "/bin/sleep")
	w := killing(t, policy.Blocking, killRule("second", `exec.file.path == "`+sleep+`" && exec.argv in ["60"]`, "")+
		killRule("first", `exec.file.path == "`+first+`"`, ""))
	inside := func(args ...string) *exec.Cmd {
		c := exec.Command(args[0], args[1:]...)
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
		return c
	}
	text, err := inside(shell, "-c", sleep+" 60 & echo $$ $!; wait $!; echo $?").Output()
	const first1, second2, killed = "1", "2", "137"
	if got := strings.Fields(string(text)); err != nil || len(got) != 3 || got[0] != first1 || got[1] != second2 || got[2] != killed {
		t.Errorf("the shell, its child and how that ended: %v, %v", got, err)
	}
	c := inside(first, "60")
	if _ = c.Run(); statusOf(c) != syscall.SIGKILL {
		t.Errorf("the first process of a namespace ended with %v", c.ProcessState)
	}
	w.stop()
	for id, mechanism := range map[string]string{"second": "pidfd", "first": "bpf_send_signal"} {
		if list := w.of(id, 0); len(list) != 1 || actions(t, list[0])[0]["status"] != "performed" || actions(t, list[0])[0]["mechanism"] != mechanism {
			t.Errorf("%s: %v", id, list)
		}
	}
}
