package deny

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

func init() {
	// connect joins a control group and connects to an address, by a network of Go's.
	works["connect"] = func(a []string) error {
		if err := enter(a[0]); err != nil {
			return err
		}
		c, err := net.Dial(a[1], a[2])
		if err == nil {
			c.Close()
		}
		switch {
		case errors.Is(err, unix.EPERM):
			fmt.Println("denied")
		case errors.Is(err, unix.ECONNREFUSED) || err == nil:
			fmt.Println("let through")
		default:
			fmt.Println(err)
		}
		return nil
	}
	// fastopen connects by sending (TCP fast open), which the LSM hook does not see.
	works["fastopen"] = func(a []string) error {
		if err := enter(a[0]); err != nil {
			return err
		}
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		port, _ := strconv.Atoi(a[1])
		err = unix.Sendto(fd, []byte("x"), unix.MSG_FASTOPEN, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
		if errors.Is(err, unix.EPERM) {
			fmt.Println("denied")
		} else {
			fmt.Println(err)
		}
		return nil
	}
}

func init() {
	// mapped connects to an address of IPv4 through a socket of IPv6.
	works["mapped"] = func(a []string) error {
		if err := enter(a[0]); err != nil {
			return err
		}
		fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		to := &unix.SockaddrInet6{Port: 4444, Addr: netip.MustParseAddr("::ffff:127.0.0.9").As16()}
		if errors.Is(unix.Connect(fd, to), unix.EPERM) {
			fmt.Println("denied")
		}
		return nil
	}
}

func TestAListedAddressIsNotConnectedTo(t *testing.T) {
	g := guard(t, `
		one: connect.addr.ip == 127.0.0.9 && connect.addr.port == 4444
		any: connect.addr.port == 4445
		six: connect.addr.ip == ::1 && connect.addr.port in [4446, 4447]
		home: connect.addr.ip == 127.0.0.1 && connect.addr.port == 4448
		tcp: connect.addr.port == 4449 && connect.protocol == IP_PROTO_TCP
	`)
	for _, o := range g.Outlook() {
		if o.By == "" {
			t.Fatalf("%+v", o)
		}
	}
	group := g.options.CGroup
	for _, to := range []struct{ network, address, want string }{
		{"tcp4", "127.0.0.9:4444", "denied"},
		{"udp4", "127.0.0.9:4444", "denied"},
		{"tcp4", "127.0.0.9:4443", "let through"},
		{"tcp4", "127.0.0.8:4444", "let through"},
		{"tcp4", "127.0.0.8:4445", "denied"},
		{"tcp6", "[::1]:4445", "denied"},
		{"tcp6", "[::1]:4446", "denied"},
		{"tcp6", "[::1]:4448", "let through"},
		{"tcp4", "0.0.0.0:4448", "denied"},
		{"tcp4", "127.0.0.8:4449", "denied"},
		{"udp4", "127.0.0.8:4449", "let through"},
	} {
		if got := in(t, group, "connect", to.network, to.address); got != to.want {
			t.Errorf("%s %s: %s, want %s", to.network, to.address, got, to.want)
		}
	}
	if got := in(t, group, "mapped"); got != "denied" {
		t.Errorf("IPv4 through a socket of IPv6: %s", got)
	}
	if got := in(t, group, "fastopen", "4448"); got != "denied" {
		t.Errorf("by fast open: %s", got)
	}
	if g.Outlook()[0].By == ByCGroup {
		root, _ := groupOr("")
		if got := in(t, root, "connect", "tcp4", "127.0.0.9:4444"); got != "let through" {
			t.Errorf("in another control group: %s", got)
		}
	}
	if err := g.Arm(false); err != nil {
		t.Fatal(err)
	}
	if got := in(t, group, "connect", "tcp4", "127.0.0.9:4444"); got != "let through" {
		t.Errorf("switched off: %s", got)
	}
}

func TestMoreRangesOfPortsThanTheKernelLooksAtAreSaid(t *testing.T) {
	rules := "r: connect.addr.port in ["
	for i := range 2 * maxRanges {
		rules += strconv.Itoa(1000+2*i) + ", "
	}
	g := guard(t, rules+"9999]")
	if notes := g.Outlook()[0].Notes; len(notes) == 0 {
		t.Error("nobody says that some are not denied")
	}
	if got := in(t, g.options.CGroup, "connect", "tcp4", "127.0.0.1:1000"); got != "denied" {
		t.Errorf("the first: %s", got)
	}
}
