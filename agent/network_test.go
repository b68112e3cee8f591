package agent

import (
	"errors"
	"net/netip"
	"runtime"
	"slices"

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

func init() {
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
