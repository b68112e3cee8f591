package deny

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"nightjar/secl/pcap"
)

func init() {
	works["talk"] = talk
}

// talk joins a control group, makes a socket, and sends as it is told: `old ADDRESS` from
// the socket that it had, `new ADDRESS` from another one, `hear ADDRESS` waits a moment
// for a packet that comes there.
func talk(a []string) error {
	if err := enter(a[0]); err != nil {
		return err
	}
	old, err := net.ListenUDP("udp", nil)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		what, address, _ := strings.Cut(in.Text(), " ")
		c, own := old, old
		if what == "new" || what == "hear" {
			at := &net.UDPAddr{}
			if what == "hear" {
				at = net.UDPAddrFromAddrPort(netip.MustParseAddrPort(address))
			}
			if own, err = net.ListenUDP("udp", at); err != nil {
				return err
			}
			c = own
		}
		if what == "hear" {
			fmt.Println("listening")
			_ = c.SetReadDeadline(time.Now().Add(time.Second))
			_, _, err = c.ReadFromUDPAddrPort(make([]byte, 10))
		} else {
			_, err = c.WriteToUDPAddrPort([]byte("x"), netip.MustParseAddrPort(address))
		}
		switch {
		case errors.Is(err, unix.EPERM):
			fmt.Println("dropped")
		case errors.Is(err, os.ErrDeadlineExceeded):
			fmt.Println("nothing")
		case err != nil:
			fmt.Println(err)
		default:
			fmt.Println("done")
		}
		if own != old {
			own.Close()
		}
	}
	return nil
}

// talker is a process that sends packets.
type talker struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.Writer
	out *bufio.Reader
}

// startTalker starts one in a control group; in a network namespace of its own if it says
// so.
func startTalker(t *testing.T, group string, flags uintptr) *talker {
	t.Helper()
	c := work("talk", group)
	c.Stderr = os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
	in, _ := c.StdinPipe()
	out, _ := c.StdoutPipe()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	k := &talker{t, c, in, bufio.NewReader(out)}
	if got := k.answer(); got != "ready" {
		t.Fatalf("the talker says %q", got)
	}
	return k
}

func (k *talker) answer() string {
	line, err := k.out.ReadString('\n')
	if err != nil {
		k.t.Error(err)
	}
	return strings.TrimSpace(line)
}

func (k *talker) says(what string) string {
	fmt.Fprintln(k.in, what)
	return k.answer()
}

func (k *talker) drop(filter string, group bool) Drop {
	k.t.Helper()
	return Drop{Rule: "r", Filter: filter, PID: k.cmd.Process.Pid, Start: startOf(k.t, k.cmd.Process.Pid), Group: group}
}

// startOf is when a process started, in ns since boot, as exactly as /proc says.
func startOf(t *testing.T, pid int) uint64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	const at, tick = 19, 10_000_000
	_, after, _ := strings.Cut(string(text), ") ")
	ticks, err := strconv.ParseUint(strings.Fields(after)[at], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return ticks * tick
}

func TestAProcessSendsNothingThatIsFiltered(t *testing.T) {
	needEBPF(t)
	group := childGroup(t)
	one, other := startTalker(t, group, 0), startTalker(t, group, 0)
	var d Dropper
	t.Cleanup(func() { _ = d.Close() })
	drop := one.drop("udp and dst port 4444 and not host 127.0.0.3", false)
	for range 2 { // the second time does nothing
		if err := d.Add(drop); err != nil {
			t.Fatal(err)
		}
	}
	check := func(k *talker, what, want string) {
		t.Helper()
		if got := k.says(what); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	check(one, "old 127.0.0.1:4444", "dropped")
	check(one, "new 127.0.0.1:4444", "dropped")
	check(one, "new [::1]:4444", "dropped")
	check(one, "old 127.0.0.1:4445", "done")
	check(one, "old 127.0.0.3:4444", "done")
	check(other, "old 127.0.0.1:4444", "done")
	if list := d.List(); len(list) != 1 || list[0].Packets != 3 || list[0].PID != one.cmd.Process.Pid {
		t.Errorf("in force: %+v", list)
	}
	if err := d.Ended(drop.PID, drop.Start+1); err != nil || len(d.List()) != 1 {
		t.Errorf("an earlier process of the same pid ended it: %v", err)
	}
	if err := d.Ended(drop.PID, drop.Start); err != nil {
		t.Fatal(err)
	}
	check(one, "old 127.0.0.1:4444", "done")
}

func TestAControlGroupSendsNothingThatIsFiltered(t *testing.T) {
	needEBPF(t)
	group := childGroup(t)
	one, other, outside := startTalker(t, group, 0), startTalker(t, group, 0), startTalker(t, childGroup(t), 0)
	var d Dropper
	t.Cleanup(func() { _ = d.Close() })
	if err := d.Add(one.drop("net 127.0.0.0/8 and portrange 4000-4999", true)); err != nil {
		t.Fatal(err)
	}
	for _, k := range []struct {
		of   *talker
		want string
	}{{one, "dropped"}, {other, "dropped"}, {outside, "done"}} {
		if got := k.of.says("new 127.0.0.1:4444"); got != k.want {
			t.Errorf("%s, want %s", got, k.want)
		}
	}
	if err := d.Keep([]string{"another"}); err != nil {
		t.Fatal(err)
	}
	if got := other.says("new 127.0.0.1:4444"); got != "done" {
		t.Errorf("without its rule: %s", got)
	}
	self := Drop{Rule: "r", Filter: "udp", PID: os.Getpid(), Group: true}
	if at, _ := groupOf(os.Getpid()); at == "/" {
		if err := d.Add(self); !errors.Is(err, ErrRootGroup) {
			t.Errorf("the whole host: %v", err)
		}
	}
	var e *pcap.Error
	if err := d.Add(one.drop("ether host 1", false)); !errors.As(err, &e) {
		t.Errorf("a filter that can't be carried out: %v", err)
	}
}

// TestAnIsolatedHostTalksToItsListOnly isolates a control group whose processes are in
// network namespaces of their own, with a wire between them.
func TestAnIsolatedHostTalksToItsListOnly(t *testing.T) {
	needEBPF(t)
	group := childGroup(t)
	host := startTalker(t, group, syscall.CLONE_NEWNET)
	peer := startTalker(t, childGroup(t), syscall.CLONE_NEWNET)
	wire(t, host.cmd.Process.Pid, peer.cmd.Process.Pid)
	i := NewIsolator(IsolatorOptions{CGroup: group})
	t.Cleanup(func() { _ = i.Close() })
	check := func(what, want string) {
		t.Helper()
		if got := host.says(what); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	hear := func() string {
		t.Helper()
		if got := host.says("hear 10.200.0.1:7"); got != "listening" {
			t.Fatal(got)
		}
		if got := peer.says("new 10.200.0.1:7"); got != "done" {
			t.Fatal(got)
		}
		return host.answer()
	}
	check("new 10.200.0.2:5", "done")
	if !eventually(func() bool { return hear() == "done" }) { // a new wire carries nothing at first
		t.Fatal("nothing comes before the host is isolated")
	}
	engine := netip.MustParseAddrPort("10.200.0.2:5")
	if err := i.Set(true, []netip.AddrPort{engine}); err != nil {
		t.Fatal(err)
	}
	check("new 10.200.0.2:5", "done")
	check("old 10.200.0.2:6", "dropped")
	check("new 10.200.0.3:5", "dropped")
	check("new 127.0.0.1:6", "done")
	if got := hear(); got != "nothing" {
		t.Errorf("from a port that is not listed comes %s", got)
	}
	if err := i.Set(true, []netip.AddrPort{netip.MustParseAddrPort("10.200.0.2:0")}); err != nil {
		t.Fatal(err)
	}
	check("new 10.200.0.2:6", "done")
	check("new 10.200.0.3:5", "dropped")
	if !eventually(func() bool { return hear() == "done" }) {
		t.Error("from a port of a listed address nothing comes")
	}
	if on, allow := i.State(); !on || len(allow) != 1 || i.Dropped() == 0 {
		t.Errorf("the state is %v %v, %d packets were dropped", on, allow, i.Dropped())
	}
	if err := i.Set(false, nil); err != nil {
		t.Fatal(err)
	}
	check("new 10.200.0.3:5", "done")
}

// wire joins the network namespaces of two processes: 10.200.0.1 and 10.200.0.2.
func wire(t *testing.T, a, b int) {
	t.Helper()
	name := fmt.Sprintf("nj%d", a)
	if out, err := exec.Command("ip", "link", "add", name, "netns", fmt.Sprint(a), "type", "veth", "peer", "name", name, "netns", fmt.Sprint(b)).CombinedOutput(); err != nil {
		t.Skipf("needs root or another kernel: no wires between namespaces: %s", out)
	}
	for at, pid := range map[string]int{"10.200.0.1/24": a, "10.200.0.2/24": b} {
		for _, args := range [][]string{{"link", "set", "lo", "up"}, {"addr", "add", at, "dev", name}, {"link", "set", name, "up"}} {
			c := exec.Command("nsenter", append([]string{"-t", fmt.Sprint(pid), "-n", "ip"}, args...)...)
			if out, err := c.CombinedOutput(); err != nil {
				t.Skipf("needs root or another kernel: %s: %s", c, out)
			}
		}
	}
}

// TestAnIsolatedHostSendsToItsListOnly holds the same of what goes, through a device that
// leads nowhere: the kernels that agent/kerneltest boots have no wires.
func TestAnIsolatedHostSendsToItsListOnly(t *testing.T) {
	dir := os.Getenv("NIGHTJAR_TEST_MODULES")
	if dir == "" {
		t.Skip("needs root or another kernel: no NIGHTJAR_TEST_MODULES: make test-kernels has modules")
	}
	needEBPF(t)
	if f, err := os.Open(dir + "/dummy.ko"); err == nil {
		_ = unix.FinitModule(int(f.Fd()), "", 0)
		f.Close()
		defer func() { _ = unix.DeleteModule("dummy", 0) }()
	}
	for _, args := range [][]string{{"addr", "add", "10.200.0.1/24", "dev", "dummy0"}, {"link", "set", "dummy0", "up"}} {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %v: %s", args, out)
		}
	}
	group := childGroup(t)
	host, outside := startTalker(t, group, 0), startTalker(t, childGroup(t), 0)
	i := NewIsolator(IsolatorOptions{CGroup: group})
	t.Cleanup(func() { _ = i.Close() })
	if err := i.Set(true, []netip.AddrPort{netip.MustParseAddrPort("10.200.0.2:5")}); err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct {
		from       *talker
		what, want string
	}{
		{host, "new 10.200.0.2:5", "done"}, {host, "old 10.200.0.2:6", "dropped"}, {host, "old 10.200.0.3:5", "dropped"},
		{host, "new 127.0.0.1:6", "done"}, {outside, "old 10.200.0.3:5", "done"},
	} {
		if got := one.from.says(one.what); got != one.want {
			t.Errorf("%s: %s, want %s", one.what, got, one.want)
		}
	}
}
