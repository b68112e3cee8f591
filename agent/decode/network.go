package decode

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	netbpf "golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"nightjar/agent/bpf"
	"nightjar/secl/event"
)

func init() {
	register(map[string]fill{
		"bind":                 func(_ *Decoder, e *event.Event, r bpf.Record) { socketOf(&e.Bind, r, ownEnd, r.Ret == 0) },
		"accept":               func(_ *Decoder, e *event.Event, r bpf.Record) { socketOf(&e.Accept, r, otherEnd, setByCall) },
		"connect":              connect,
		"setsockopt":           setsockopt,
		"network_flow_monitor": flow,
	})
}

func flow(_ *Decoder, e *event.Event, r bpf.Record) {
	f := &e.Flow
	f.IngressBytes, f.IngressPackets, f.EgressBytes, f.EgressPackets = int64(r.Num[0]), int64(r.Num[1]), int64(r.Num[2]), int64(r.Num[3])
	f.L4 = unix.IPPROTO_TCP
	own, _ := addressOf(r.Socket(), ownEnd)
	other, ok := addressOf(r.Socket(), otherEnd)
	if !ok {
		return
	}
	f.Source, f.Destination, f.L3 = endpoint(own), endpoint(other), unix.ETH_P_IPV6
	if other.Addr().Unmap().Is4() {
		f.L3 = unix.ETH_P_IP
	}
}

// end is one of the two ends of a connection.
type end bool

const (
	ownEnd   end = false
	otherEnd end = true
)

func connect(_ *Decoder, e *event.Event, r bpf.Record) {
	socketOf(&e.Connect, r, otherEnd, r.Ret == 0 || r.Ret == -int64(unix.EINPROGRESS) || r.Has(bpf.Denied))
}

func setsockopt(_ *Decoder, e *event.Event, r bpf.Record) {
	o := &e.Setsockopt
	o.Level, o.Option = int64(int32(r.Num[1])), int64(int32(r.Num[2]))
	if s := r.Socket(); s != nil {
		o.Type, o.Family, o.Protocol = int64(s.Type), int64(s.Family), int64(s.Protocol)
	}
	code := r.Part(bpf.PartBytes2)
	if code == nil {
		return
	}
	o.FilterLength = int64(r.Num[5])
	const size = 8 // bytes of an instruction
	if o.FilterLength == int64(len(code)/size) {
		sum := sha256.Sum256(code)
		o.FilterHash = hex.EncodeToString(sum[:])
	}
	var lines []string
	for ; len(code) >= size; code = code[size:] {
		raw := netbpf.RawInstruction{
			Op: binary.NativeEndian.Uint16(code), Jt: code[2], Jf: code[3], K: binary.NativeEndian.Uint32(code[4:]),
		}
		lines = append(lines, fmt.Sprint(raw.Disassemble()))
		if k := int64(raw.K); hasImmediate(raw.Op) && !slices.Contains(o.UsedImmediates, k) {
			o.UsedImmediates = append(o.UsedImmediates, k)
		}
	}
	o.FilterInstructions = strings.Join(lines, "\n")
}

// hasImmediate reports whether an instruction uses its number as a value, and not as
// an offset or a distance.
func hasImmediate(op uint16) bool {
	const class, source, mode, operation = 0x07, 0x08, 0xe0, 0xf0
	const load, loadX, alu, jump, returns = 0, 1, 4, 5, 6
	switch op & class {
	case load, loadX:
		return op&mode == 0
	case alu:
		return op&source == 0
	case jump:
		return op&source == 0 && op&operation != 0
	case returns:
		return op&0x18 == 0
	}
	return false
}

// setByCall: the call has set this end in the socket.
const setByCall = true

// socketOf sets an end of a connection: from the socket, which says what the kernel
// used, where the call has set it, and otherwise from what the caller asked for.
func socketOf(to *event.Socket, r bpf.Record, which end, isSet bool) {
	s := r.Socket()
	if s != nil {
		to.Family, to.Protocol = int64(s.Family), int64(s.Protocol)
	}
	asked := r.Part(bpf.PartBytes)
	if len(asked) >= 2 {
		to.Family = int64(binary.NativeEndian.Uint16(asked))
	}
	addr, ok := addressOf(s, which)
	if !isSet || !ok || r.Has(bpf.Uring) { // what is asked for through io_uring is not done yet
		addr, ok = asAddress(asked)
	}
	if !ok {
		return
	}
	// What goes to an address of IPv4 mapped into IPv6 goes by IPv4.
	to.Family = unix.AF_INET6
	if addr.Addr().Unmap().Is4() {
		to.Family = unix.AF_INET
	}
	to.Endpoint = endpoint(addr)
}

// addressOf is the address of an end of a socket; ok is false if it has none.
func addressOf(s *bpf.SocketInfo, which end) (addr netip.AddrPort, ok bool) {
	if s == nil {
		return addr, false
	}
	bytes, port := s.Address, s.Port
	if which == otherEnd {
		bytes, port = s.Peer, s.PeerPort
	}
	switch {
	case port == 0 && which == otherEnd: // it is not connected
	case s.Family == unix.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(bytes[:4])), port), true
	case s.Family == unix.AF_INET6:
		return netip.AddrPortFrom(netip.AddrFrom16(bytes), port), true
	}
	return addr, false
}

// asAddress reads an address as a caller writes it (struct sockaddr); ok is false if it is
// none of IP.
func asAddress(b []byte) (addr netip.AddrPort, ok bool) {
	const v4, v6 = 8, 24 // bytes up to the end of the address
	if len(b) < v4 {
		return addr, false
	}
	port := binary.BigEndian.Uint16(b[2:])
	switch family := binary.NativeEndian.Uint16(b); {
	case family == unix.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:v4])), port), true
	case family == unix.AF_INET6 && len(b) >= v6:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[8:v6])), port), true
	}
	return addr, false
}

// endpoint is an address as rules compare it: one mapped into IPv6 is that of IPv4.
func endpoint(a netip.AddrPort) event.Endpoint {
	ip := a.Addr().Unmap()
	return event.Endpoint{IP: netip.PrefixFrom(ip, ip.BitLen()), Port: int64(a.Port()), IsPublic: isPublic(ip)}
}

// notPublic are the networks, beside those that netip knows, from which nothing is
// reached through the internet: of carriers, of documentation, of tests, reserved.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("2001:db8::/32"),
}

func isPublic(ip netip.Addr) bool {
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	for _, p := range notPublic {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}
