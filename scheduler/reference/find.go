package reference

import (
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"
)

// exact finds a value that is the event's.
type exact struct{ texts *texts }

func (exact) key(value string) (string, bool) { return value, true }
func (exact) added(ref)                       {}

func (x exact) candidates(value string, is func(ref) bool) bool {
	r := x.texts.find(hashOf(value), value)
	return r != 0 && is(r)
}

// auto finds an address in networks, a domain whatever its letters' case, and any
// other value as it is. Which of
// them a value of the table is, it says itself, so that a table's other rows
// don't change what it means.
type auto struct{ networks }

func (a *auto) key(value string) (string, bool) {
	if key, ok := a.networks.key(value); ok {
		return key, true
	}
	return domainKey(value), value[0] != networkMark
}

func (a *auto) added(r ref) {
	if a.texts.bytes(r)[0] == networkMark {
		a.networks.added(r)
	}
}

func (a *auto) candidates(value string, is func(ref) bool) bool {
	if address, err := netip.ParseAddr(value); err == nil {
		return a.around(address, is)
	}
	return value != "" && value[0] != networkMark && exact{a.texts}.candidates(domainKey(value), is)
}

// networks finds the networks that an event's address is in. The key of one is a
// mark, its length in bits, and as many bytes of its address as have any of
// them. For IPv6, lengths begin at 64, beyond those of IPv4. An IPv4 address that
// is mapped into IPv6 is that address. Single addresses are found by their keys.
type networks struct {
	texts *texts
	tree  bart.Table[ref] // of what is larger than an address
}

const (
	networkMark = 0xff // begins no UTF-8 text
	firstV6     = 64
	mapped      = 96 // bits of ::ffff:0:0/96, which IPv4 is mapped into
)

// ParseNetwork reads an address or a network in CIDR notation. Bits beyond the
// length are left out.
func ParseNetwork(s string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return netip.Prefix{}, false
		}
		a = a.Unmap().WithZone("")
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	if p.Addr().Is4In6() && p.Bits() >= mapped {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mapped)
	}
	return p.Masked(), true
}

func (*networks) key(value string) (string, bool) {
	p, ok := ParseNetwork(value)
	if !ok {
		return "", false
	}
	length := uint8(p.Bits())
	if p.Addr().Is6() {
		length += firstV6
	}
	var b [18]byte
	return string(networkKey(b[:0], p.Addr().AsSlice(), length)), true
}

// networkKey appends the key of the network of a length that an address is in.
func networkKey(b, address []byte, length uint8) []byte {
	bits := int(length)
	if len(address) == 16 {
		bits -= firstV6
	}
	b = append(b, networkMark, length)
	b = append(b, address[:(bits+7)/8]...)
	if rest := bits % 8; rest > 0 {
		b[len(b)-1] &= 0xff << (8 - rest)
	}
	return b
}

// networkOf is the network that has a key.
func networkOf(key []byte) netip.Prefix {
	if bits := int(key[1]); bits < firstV6 {
		var address [4]byte
		copy(address[:], key[2:])
		return netip.PrefixFrom(netip.AddrFrom4(address), bits)
	}
	var address [16]byte
	copy(address[:], key[2:])
	return netip.PrefixFrom(netip.AddrFrom16(address), int(key[1])-firstV6)
}

func (n *networks) added(r ref) {
	if p := networkOf(n.texts.bytes(r)); !p.IsSingleIP() {
		n.tree.Insert(p, r)
	}
}

func (n *networks) candidates(value string, is func(ref) bool) bool {
	a, err := netip.ParseAddr(value)
	return err == nil && n.around(a, is)
}

// around goes through the networks that an address is in, smallest first.
func (n *networks) around(a netip.Addr, is func(ref) bool) bool {
	a = a.Unmap().WithZone("")
	length := uint8(a.BitLen())
	if a.Is6() {
		length += firstV6
	}
	var room [18]byte
	key := string(networkKey(room[:0], a.AsSlice(), length))
	if r := n.texts.find(hashOf(key), key); r != 0 && is(r) {
		return true
	}
	for _, r := range n.tree.Supernets(netip.PrefixFrom(a, a.BitLen())) {
		if is(r) {
			return true
		}
	}
	return false
}

// networkBytes is about what a network takes in the tree, as measured.
const networkBytes = 75

func (n *networks) size() int { return networkBytes * n.tree.Size() }

// prefixes finds the values that an event's value begins with.
type prefixes struct {
	texts   *texts
	lengths []int // those that there are, ascending
}

func (*prefixes) key(value string) (string, bool) { return value, true }

func (p *prefixes) added(r ref) { p.lengths = withLength(p.lengths, len(p.texts.bytes(r))) }

func (p *prefixes) candidates(value string, is func(ref) bool) bool {
	return eachPrefix(value, p.lengths, func(hash uint64, prefix string) bool {
		r := p.texts.find(hash, prefix)
		return r != 0 && is(r)
	})
}

// withLength adds a length to an ascending list that lacks it.
func withLength(lengths []int, n int) []int {
	if i, known := slices.BinarySearch(lengths, n); !known {
		return slices.Insert(lengths, i, n)
	}
	return lengths
}

// eachPrefix calls is with the prefixes of the given lengths, and their hashes,
// until it returns true.
func eachPrefix(value string, lengths []int, is func(hash uint64, prefix string) bool) bool {
	h, done := uint64(hashBasis), 0
	for _, n := range lengths {
		if n > len(value) {
			return false
		}
		for ; done < n; done++ {
			h = hashStep(h, value[done])
		}
		if is(hashEnd(h), value[:n]) {
			return true
		}
	}
	return false
}
