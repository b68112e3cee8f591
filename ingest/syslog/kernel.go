package syslog

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
)

// kernelDrops is how many datagrams the kernel threw away for want of room in a
// socket's buffer. Where it does not say, none are known.
type kernelDrops struct {
	conn net.PacketConn

	mu   sync.Mutex
	seen uint64
}

// since is how many there were since the last call.
func (k *kernelDrops) since() uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := dropsOf(inodeOf(k.conn))
	if now <= k.seen {
		return 0
	}
	n := now - k.seen
	k.seen = now
	return n
}

// inodeOf names a socket in the kernel's tables; empty: unknown.
func inodeOf(conn net.PacketConn) (inode string) {
	c, ok := conn.(*net.UDPConn)
	if !ok {
		return ""
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return ""
	}
	_ = raw.Control(func(fd uintptr) {
		link, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd)) // empty: unknown
		inode = strings.TrimSuffix(strings.TrimPrefix(link, "socket:["), "]")
	})
	return inode
}

// dropsOf reads the last column of the socket's line in the kernel's tables.
func dropsOf(inode string) uint64 {
	for _, table := range []string{"/proc/self/net/udp", "/proc/self/net/udp6"} {
		text, err := os.ReadFile(table)
		if err != nil || inode == "" {
			continue
		}
		for line := range strings.SplitSeq(string(text), "\n") {
			if f := strings.Fields(line); len(f) > 12 && f[9] == inode {
				n, _ := strconv.ParseUint(f[len(f)-1], 10, 64)
				return n
			}
		}
	}
	return 0
}
