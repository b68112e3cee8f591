package agent

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"nightjar/secl/policy"
)

func init() {
	// send packets joins a control group, and sends a packet to every address of its input.
	works["send packets"] = func(a []string) error {
		if err := os.WriteFile(a[0]+"/cgroup.procs", []byte(fmt.Sprint(os.Getpid())), 0); err != nil {
			return err
		}
		if _, err := os.ReadFile(a[1]); err != nil { // what the rule is about
			return err
		}
		fmt.Println("ready")
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			c, err := net.Dial("udp", in.Text())
			if err == nil {
				_, err = c.Write([]byte("x"))
				c.Close()
			}
			fmt.Println(errors.Is(err, unix.EPERM))
		}
		return nil
	}
}

// TestANetworkFilterDropsThePacketsOfTheProcess: until the switch, and says so.
func TestANetworkFilterDropsThePacketsOfTheProcess(t *testing.T) {
	group, at, state := ownGroup(t), t.TempDir()+"/asked", t.TempDir()
	if err := os.WriteFile(at, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[policy.Mode]string{policy.Blocking: "performed", policy.Monitoring: "would_have_performed"} {
		p := policyOf(t, `r: open.file.path == "`+at+`"`)
		p.Mode = mode
		p.Rules[0].Actions = []*policy.ActionDef{{NetworkFilter: &policy.NetworkFilterDef{Filter: "udp and port 4444"}}}
		w := watch(t, "", func(c *Config, _ *watched) { c.Policies, c.StateDir = []*policy.Policy{p}, state })
		c := stranger(t, "send packets", group, at)
		in, _ := c.StdinPipe()
		out, _ := c.StdoutPipe()
		c.Stderr = os.Stderr
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		answers := bufio.NewReader(out)
		send := func(to string) string {
			fmt.Fprintln(in, to)
			line, _ := answers.ReadString('\n')
			return strings.TrimSpace(line)
		}
		_, _ = answers.ReadString('\n')
		r := w.one("r", c.Process.Pid).reports()
		if len(r) != 1 || r[0]["type"] != "network_filter" || r[0]["status"] != want || r[0]["filter"] != "udp and port 4444" {
			t.Fatalf("%s: reports %v", mode, r)
		}
		dropped := fmt.Sprint(mode == policy.Blocking)
		if got := send("127.0.0.1:4444"); got != dropped {
			t.Errorf("%s: dropped: %s", mode, got)
		}
		if got := send("127.0.0.1:4445"); got != "false" {
			t.Errorf("%s: another port is dropped: %s", mode, got)
		}
		s, err := Tell(state, Order{Do: "disarm"})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(s.Protect.Drops); n != 0 {
			t.Errorf("%d filters while disarmed", n)
		}
		if got := send("127.0.0.1:4444"); got != "false" {
			t.Errorf("%s, disarmed: dropped: %s", mode, got)
		}
		if _, err := Tell(state, Order{Do: "arm"}); err != nil {
			t.Fatal(err)
		}
		in.Close()
		_ = c.Wait()
		w.stop()
	}
}
