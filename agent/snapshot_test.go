package agent

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func init() {
	works["signal"] = func(a []string) error {
		pid, err := strconv.Atoi(a[0])
		if err != nil {
			return err
		}
		return unix.Kill(pid, unix.SIGUSR1)
	}
}

func TestWhatRanBeforeTheAgentIsKnown(t *testing.T) {
	needEBPF(t)
	// A shell that waits for a program: both are there before the agent.
	shell := exec.Command("/bin/sh", "-c", "sleep 30; :")
	shell.Env = []string{"NIGHTJAR_BEFORE=1"}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	var sleep int
	for range 12000 {
		children, _ := os.ReadFile("/proc/" + strconv.Itoa(shell.Process.Pid) + "/task/" + strconv.Itoa(shell.Process.Pid) + "/children")
		if sleep, _ = strconv.Atoi(strings.TrimSpace(string(children))); sleep != 0 {
			if comm, _ := os.ReadFile("/proc/" + strconv.Itoa(sleep) + "/comm"); string(comm) == "sleep\n" {
				break
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	defer func() { _ = shell.Wait() }()
	defer func() { _ = unix.Kill(sleep, unix.SIGKILL) }()
	w := watch(t, `known: signal.type == SIGUSR1 && signal.target.pid == `+strconv.Itoa(sleep))
	do(t, "signal", strconv.Itoa(sleep))
	p := w.one("known", 0).event.Target
	if p.Args != "30" || p.File.Path != realPath(t, "/bin/sleep") || p.User == "" || p.CreatedAt == 0 || len(p.Envs) == 0 {
		t.Errorf("the program is %+v", p)
	}
	parent := p.Parent
	if parent == nil || parent.PID != int64(shell.Process.Pid) || parent.Argv[0] != "-c" {
		t.Fatalf("its parent is %+v", parent)
	}
	if parent.Parent == nil || parent.Parent.PID != int64(os.Getpid()) {
		t.Errorf("the parent of its parent is %+v", parent.Parent)
	}
}

func TestAProcessIsOfItsContainer(t *testing.T) {
	needEBPF(t)
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	root := ""
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); len(f) > 2 && f[2] == "cgroup2" {
			root = f[1]
		}
	}
	if root == "" {
		t.Skip("needs root or another kernel: no cgroups of version 2 are mounted")
	}
	w := watch(t, `inside: exec.comm == "true" && container.id != ""`)
	id := strings.Repeat("0123456789abcdef", 4)
	group := filepath.Join(root, "docker-"+id+".scope")
	if err := os.Mkdir(group, 0o755); err != nil { // after the agent began
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(group) })
	dir, err := os.Open(group)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	c := exec.Command("/bin/true")
	c.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	e := w.one("inside", c.Process.Pid).event
	if e.Container.ID != id || e.Container.Runtime != "docker" || e.Container.CreatedAt == 0 || e.Process.CGroup.Manager != "docker" || e.CGroup.ID != "/docker-"+id+".scope" {
		t.Errorf("the container is %+v, the cgroup %+v", e.Container, e.CGroup)
	}
}
