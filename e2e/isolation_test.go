package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// controlGroup makes a control group of version 2, and returns words that run a program in
// it.
func controlGroup(t *testing.T) (group string, words []string) {
	t.Helper()
	root := "/sys/fs/cgroup"
	if _, err := os.Stat(root + "/unified"); err == nil {
		root += "/unified"
	}
	group = filepath.Join(root, fmt.Sprintf("nightjar-e2e-%d", os.Getpid()))
	if err := os.Mkdir(group, 0o755); err != nil {
		t.Skipf("no control groups of version 2 here: %v", err)
	}
	if _, err := os.Stat(group + "/cgroup.procs"); err != nil {
		_ = os.Remove(group)
		t.Skipf("no control groups of version 2 here: %v", err)
	}
	t.Cleanup(func() {
		for range 100 { // until what was in it is gone
			if os.Remove(group) == nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Errorf("the control group %s stays", group)
	})
	return group, []string{"sh", "-c", `echo $$ > "$0/cgroup.procs" && exec "$@"`, group}
}

// TestAnIsolatedHostKeepsItsWayToTheEngine has an agent in a network and a control group of
// its own, which is what is isolated: what else is there can't connect, the agent hears of
// its release; and an agent that was killed isolates its host again when it is back.
func TestAnIsolatedHostKeepsItsWayToTheEngine(t *testing.T) {
	requireEBPF(t)
	namespace, address := network(t, 7)
	// As `ip netns exec` does, but with the host's control groups in sight.
	inNetwork := []string{"nsenter", "--net=/run/netns/" + namespace[len(namespace)-1]}
	group, inGroup := controlGroup(t)
	p := startEngine(t, "--http", "0.0.0.0:0", "--allow-plaintext", "--allowed-host", address)
	others, err := net.Listen("tcp", address+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer others.Close()
	within := append(append([]string{}, inGroup...), inNetwork...)
	reaches := func() bool {
		to := others.Addr().(*net.TCPAddr)
		return exec.Command(within[0], append(within[1:], "timeout", "1", "bash", "-c", fmt.Sprintf("exec 3<>/dev/tcp/%s/%d", to.IP, to.Port))...).Run() == nil
	}
	p.await("a way to others, before", reaches)
	local := p.base
	p.base = "http://" + address + p.base[strings.LastIndex(p.base, ":"):] // as the agent reaches it
	a := p.agentOfThisHost("far", within, "--cgroup", group)
	p.base = local
	isolated := func(want bool) bool {
		var answer struct {
			Agents []struct {
				Host     string
				Isolated bool
			}
		}
		out, _, _ := p.run("agents", "--output", "json")
		_ = json.Unmarshal([]byte(out), &answer.Agents)
		for _, one := range answer.Agents {
			if one.Host == "far" {
				return one.Isolated == want
			}
		}
		return false
	}
	do := func(action string) {
		t.Helper()
		if out, errs, code := p.run("responses", "create", action, "--host", "far", "--reason", "a drill", "--yes", "--wait", patience.String()); code != 0 || !strings.Contains(out, "performed") {
			t.Fatalf("%s: exit %d: %s%s\n%s", action, code, out, errs, a.said)
		}
	}
	do("isolate")
	if reaches() {
		t.Error("it is isolated, and others can be reached")
	}
	p.await("an agent that says so", func() bool { return isolated(true) })

	a.end(syscall.SIGKILL)
	a.start()
	p.await("isolation by the orders that were kept", func() bool { return !reaches() })

	p.shows([]string{"all agents are disarmed"}, "agents", "disarm", "--reason", "a drill")
	p.await("the switch ends isolation", reaches)
	p.shows([]string{"isolated: far"}, "agents", "arm", "--reason", "over")
	p.await("isolated again", func() bool { return !reaches() })
	do("release")
	p.await("a way to others, since it is released", reaches)
	p.await("an agent that says so", func() bool { return isolated(false) })
}
