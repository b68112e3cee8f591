package agent

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"
)

// socketFor opens a socket that may have an address, and the address as the kernel
// reads it.
func socketFor(address string, kind int) (fd int, at unix.Sockaddr, err error) {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return 0, nil, err
	}
	if a.Addr().Is4() {
		fd, err = unix.Socket(unix.AF_INET, kind, 0)
		return fd, &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}, err
	}
	fd, err = unix.Socket(unix.AF_INET6, kind, 0)
	return fd, &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}, err
}

// alone gives this thread a network of its own, in which nobody else has an address
// and no earlier connection still ends.
func alone() error {
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}

// talk connects to a listener of its own; with a second address, from that.
func talk(a []string) error {
	if err := alone(); err != nil {
		return err
	}
	server, at, err := socketFor(a[0], unix.SOCK_STREAM)
	if err != nil {
		return err
	}
	client, from, err := socketFor(a[len(a)-1], unix.SOCK_STREAM)
	if err != nil {
		return err
	}
	if len(a) > 1 {
		if err := unix.Bind(client, from); err != nil {
			return err
		}
	}
	if err := errors.Join(unix.Bind(server, at), unix.Listen(server, 1), unix.Connect(client, at)); err != nil {
		return err
	}
	_, _, err = unix.Accept4(server, 0)
	return err
}

// message makes a DNS message about a name, as a request or as its refusal.
func message(name string, response bool) ([]byte, error) {
	full, err := dnsmessage.NewName(name + ".")
	if err != nil {
		return nil, err
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 4711, Response: response, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: full, Type: dnsmessage.TypeTXT, Class: dnsmessage.ClassINET}},
	}
	if response {
		m.RCode = dnsmessage.RCodeNameError
	}
	return m.Pack()
}

// askOwnServer asks a server of DNS for a name that the server, of this process too,
// does not know.
func askOwnServer(a []string) error {
	if err := alone(); err != nil {
		return err
	}
	response, err := message(a[0], true)
	if err != nil {
		return err
	}
	if slices.Contains(a, "tcp") {
		request, err := message(a[0], false)
		if err != nil {
			return err
		}
		return exchange("127.0.0.53:53", append([]byte{0, byte(len(request))}, request...), append([]byte{0, byte(len(response))}, response...))
	}
	server, at, err := socketFor("127.0.0.53:53", unix.SOCK_DGRAM)
	if err != nil {
		return err
	}
	if err := unix.Bind(server, at); err != nil {
		return err
	}
	client := work("ask", a[0])
	if err := client.Start(); err != nil {
		return err
	}
	_, from, err := unix.Recvfrom(server, make([]byte, 512), 0)
	if err != nil {
		return err
	}
	return errors.Join(unix.Sendto(server, response, 0, from), client.Wait())
}

// ask sends a request of DNS and waits for what comes.
func ask(a []string) error {
	client, _, err := socketFor("127.0.0.1:0", unix.SOCK_DGRAM)
	if err != nil {
		return err
	}
	request, err := message(a[0], false)
	if err != nil {
		return err
	}
	if err := unix.Sendto(client, request, 0, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 53}, Port: 53}); err != nil {
		return err
	}
	_, _, err = unix.Recvfrom(client, make([]byte, 512), 0)
	return err
}

// TestPacketsBelongToTheProcessOfTheirSocket is about responses too, which come while
// another process runs: that which sends them.
func TestPacketsBelongToTheProcessOfTheirSocket(t *testing.T) {
	w := watch(t, `
		asked: dns.question.name == "whose.example" && network.network_direction == EGRESS && network.destination.port == 53
		asked_to: dns.question.name == "whose.example" && network.network_direction == INGRESS && network.destination.port == 53
		answers: dns.question.name == "whose.example" && network.network_direction == EGRESS && network.source.port == 53
		answered: dns.question.name == "whose.example" && network.network_direction == INGRESS && network.source.port == 53
	`)
	server := do(t, "dns", "whose.example")
	asked, answered := w.one("asked", 0), w.one("answered", 0)
	if asked.event.Process.PPID != int64(server) || answered.pid != asked.pid {
		t.Errorf("process %d asked, child of %d; %d got the answer of %d", asked.pid, asked.event.Process.PPID, answered.pid, server)
	}
	if to, by := w.one("asked_to", 0), w.one("answers", 0); to.pid != int64(server) || by.pid != int64(server) {
		t.Errorf("%d was asked, %d answered, want %d", to.pid, by.pid, server)
	}
	w.stop()
	w.adds()
}

// exchange sends a request to a listener of its own, which responds.
func exchange(address string, request, response []byte) error {
	server, at, err := socketFor(address, unix.SOCK_STREAM)
	if err != nil {
		return err
	}
	client, _, err := socketFor(address, unix.SOCK_STREAM)
	if err != nil {
		return err
	}
	if err := errors.Join(unix.Bind(server, at), unix.Listen(server, 1), unix.Connect(client, at)); err != nil {
		return err
	}
	conn, _, err := unix.Accept4(server, 0)
	if err != nil {
		return err
	}
	buffer := make([]byte, 4096)
	for _, step := range []struct {
		from, to int
		what     []byte
	}{{client, conn, request}, {conn, client, response}} {
		if _, err := unix.Write(step.from, step.what); err != nil {
			return err
		}
		if _, err := unix.Read(step.to, buffer); err != nil {
			return err
		}
	}
	return errors.Join(unix.Close(client), unix.Close(conn))
}

// askMetadata asks the metadata service of a cloud for credentials, which this
// process plays in a network of its own.
func askMetadata(a []string) error {
	if err := alone(); err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	lo, err := unix.NewIfreq("lo:1")
	if err != nil {
		return err
	}
	const address = "169.254.169.254"
	if err := errors.Join(lo.SetInet4Addr(net.ParseIP(address).To4()), unix.IoctlIfreq(fd, unix.SIOCSIFADDR, lo)); err != nil {
		return err
	}
	more := ""
	if len(a) > 0 {
		more = a[0]
	}
	request := fmt.Sprintf("GET /latest/meta-data/iam/security-credentials/role HTTP/1.1\r\nHost: %s\r\nUser-Agent: nightjar-test\r\n%s\r\n", address, more)
	return exchange(address+":80", []byte(request), []byte("HTTP/1.1 200 OK\r\nServer: EC2ws\r\n\r\n{\"Code\": \"Success\", \"Type\" : \"AWS-HMAC\"}"))
}

func init() {
	works["dns"] = askOwnServer
	works["ask"] = ask
	works["transfer"] = func(a []string) error {
		if err := alone(); err != nil {
			return err
		}
		return exchange(a[0], make([]byte, 1000), make([]byte, 3000))
	}
	works["imds"] = askMetadata
	works["attach-filter"] = func([]string) error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
		if err != nil {
			return err
		}
		code := []unix.SockFilter{{Code: 0x28, K: 12}, {Code: 0x15, Jf: 1, K: 0x7255}, {Code: 0x06, K: 0xffff}, {Code: 0x06}}
		return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]})
	}
	works["keepalive"] = func([]string) error {
		fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM, unix.IPPROTO_TCP)
		if err != nil {
			return err
		}
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	}
	works["bind"] = func(a []string) error {
		kind := unix.SOCK_STREAM
		if slices.Contains(a, "udp") {
			kind = unix.SOCK_DGRAM
		}
		fd, at, err := socketFor(a[0], kind)
		if err != nil {
			return err
		}
		if err := unix.Bind(fd, at); err != nil {
			return expectError(err, unix.EADDRNOTAVAIL)
		}
		return nil
	}
	works["bind-unix"] = func(a []string) error {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrUnix{Name: a[0]})
	}
	works["connect"] = func(a []string) error {
		fd, at, err := socketFor(a[0], unix.SOCK_STREAM)
		if err != nil {
			return err
		}
		return expectError(unix.Connect(fd, at), unix.ECONNREFUSED)
	}
	works["talk"] = talk
}
