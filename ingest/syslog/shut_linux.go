package syslog

import (
	"net"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// letNobodyKnock has a listener drop requests to connect, while those that it has answered
// go on: their senders come again, a second later, and are refused when it is closed.
// Without it, who connects in the moment before that writes to a connection that is reset.
func letNobodyKnock(l *net.TCPListener) error {
	const flags, syn = 13, 0x02 // of a TCP header, where a filter of such a socket begins
	code, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: flags, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: syn, SkipFalse: 1},
		bpf.RetConstant{Val: 0},
		bpf.RetConstant{Val: 1 << 18}, // all of it
	})
	if err != nil {
		return err
	}
	filter := make([]unix.SockFilter, len(code))
	for i, c := range code {
		filter[i] = unix.SockFilter{Code: c.Op, Jt: c.Jt, Jf: c.Jf, K: c.K}
	}
	raw, err := l.SyscallConn()
	if err != nil {
		return err
	}
	var set error
	err = raw.Control(func(fd uintptr) {
		set = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
	})
	if err != nil {
		return err
	}
	return set
}
