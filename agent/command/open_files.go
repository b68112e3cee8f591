package command

import (
	"bufio"
	"encoding/hex"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"nightjar/agent/process"
)

// Connection is a socket that a process has open.
type Connection struct {
	Protocol string `json:"protocol"` // tcp, tcp6, udp, udp6
	Local    string `json:"local"`
	Remote   string `json:"remote,omitempty"`
	State    string `json:"state,omitempty"`
}

// look reads what a process has open, if it is still that one.
func (t *Tree) look(n *Node) {
	if n.Ended || !isStill(n) {
		return
	}
	dir := "/proc/" + strconv.FormatInt(n.PID, 10)
	fds, err := os.ReadDir(dir + "/fd")
	if err != nil {
		return
	}
	sockets, left := map[string]bool{}, 0
	for _, fd := range fds {
		to, err := os.Readlink(dir + "/fd/" + fd.Name())
		switch inode, isSocket := strings.CutPrefix(to, "socket:["); {
		case err != nil:
		case isSocket:
			sockets[strings.TrimSuffix(inode, "]")] = true
		case !strings.HasPrefix(to, "/") || to == "/dev/null" || slices.Contains(n.Files, to):
		case len(n.Files) >= maxDetails:
			left++
		default:
			n.Files = append(n.Files, to)
		}
	}
	if left > 0 {
		t.cut("%d open files of process %d", left, n.PID)
	}
	if len(sockets) > 0 {
		t.connections(n, dir, sockets)
	}
	if !isStill(n) { // its pid may have become another's meanwhile
		n.Files, n.Connections, n.Ended = nil, nil, true
	}
}

// isStill reports whether the process lives. /proc counts in hundredths of a second.
func isStill(n *Node) bool {
	s, err := process.StatOf(int(n.PID))
	return err == nil && s.Start == n.SinceBoot/(1_000_000_000/process.Ticks)
}

// connections finds the sockets among those of the process's network namespace.
func (t *Tree) connections(n *Node, dir string, sockets map[string]bool) {
	left := 0
	for _, protocol := range []string{"tcp", "tcp6", "udp", "udp6"} {
		f, err := os.Open(dir + "/net/" + protocol)
		if err != nil {
			continue
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			c, inode, ok := connectionOf(protocol, lines.Text())
			switch {
			case !ok || !sockets[inode]:
			case len(n.Connections) >= maxDetails:
				left++
			default:
				n.Connections = append(n.Connections, c)
			}
		}
		_ = f.Close()
	}
	if left > 0 {
		t.cut("%d connections of process %d", left, n.PID)
	}
}

// states are those of TCP, by their numbers (include/net/tcp_states.h).
var states = []string{"", "established", "syn_sent", "syn_recv", "fin_wait1", "fin_wait2", "time_wait", "close", "close_wait", "last_ack", "listen", "closing", "new_syn_recv"}

// connectionOf reads a line of /proc/PID/net/tcp and the like.
func connectionOf(protocol, line string) (c Connection, inode string, ok bool) {
	const localAt, remoteAt, stateAt, inodeAt = 1, 2, 3, 9
	f := strings.Fields(line)
	if len(f) <= inodeAt {
		return c, "", false
	}
	local, ok := address(f[localAt])
	remote, ok2 := address(f[remoteAt])
	if !ok || !ok2 {
		return c, "", false
	}
	c = Connection{Protocol: protocol, Local: local.String()}
	if remote.Port() != 0 {
		c.Remote = remote.String()
	}
	if n, err := strconv.ParseUint(f[stateAt], 16, 8); err == nil && int(n) < len(states) && strings.HasPrefix(protocol, "tcp") {
		c.State = states[n]
	}
	return c, f[inodeAt], true
}

// address reads 0100007F:1F90: words of the address in the host's byte order, and the port.
func address(text string) (a netip.AddrPort, ok bool) {
	words, port, found := strings.Cut(text, ":")
	raw, err := hex.DecodeString(words)
	n, err2 := strconv.ParseUint(port, 16, 16)
	if !found || err != nil || err2 != nil || len(raw) != 4 && len(raw) != 16 {
		return a, false
	}
	for i := 0; i < len(raw); i += 4 { // little-endian, as all that the agent is built for
		slices.Reverse(raw[i : i+4])
	}
	ip, _ := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(ip.Unmap(), uint16(n)), true
}
