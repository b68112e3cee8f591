package deny

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/policy"
)

// Net is a network, and a range of ports in it, both ends included.
type Net struct {
	Prefix    netip.Prefix
	Low, High uint16
	Protocols Protocols
}

// Protocols is a set of transports.
type Protocols uint32

// The transports.
const (
	TCP Protocols = 1 << iota
	UDP
	OtherProtocols
	everyProtocol = TCP | UDP | OtherProtocols
)

// String is as in 10.0.0.0/8:443.
func (n Net) String() string {
	out := n.Prefix.String()
	switch {
	case n.Low == n.High:
		out += fmt.Sprintf(":%d", n.Low)
	case n.Low != 0 || n.High != maxPort:
		out += fmt.Sprintf(":%d-%d", n.Low, n.High)
	}
	for p, name := range map[Protocols]string{TCP: " tcp", UDP: " udp"} {
		if n.Protocols == p {
			out += name
		}
	}
	return out
}

const maxPort = 1<<16 - 1

// netFields are the fields of connect events that are known before: the address, its
// family, the port, and the protocol, which stands last.
func netFields(m *secl.Model) []*secl.Field {
	return []*secl.Field{m.Field("connect.addr.ip"), m.Field("connect.addr.family"), m.Field("connect.addr.port"), m.Field("connect.protocol")}
}

func isNetField(f *secl.Field) bool { return slices.Contains(netFields(event.Model()), f) }

// space divides all addresses and ports into parts of which rules that compare with
// these networks and ports say the same everywhere.
type space struct {
	prefixes []netip.Prefix
	cuts     []uint16 // where a range of ports begins
}

// newSpace divides by what rules compare with.
func newSpace(rules []*policy.Rule, m *secl.Model) space {
	s := space{prefixes: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}, cuts: []uint16{0}}
	fields := netFields(m)
	cut := func(at int64) {
		if at > 0 && at <= maxPort {
			s.cuts = append(s.cuts, uint16(at))
		}
	}
	for _, r := range rules {
		for _, v := range secl.Values(r.Expr, fields[0]) {
			if v.Kind == secl.KindNet {
				s.prefixes = append(s.prefixes, v.Value.Net.Masked())
			}
		}
		for _, v := range secl.Values(r.Expr, fields[2]) {
			switch v.Kind {
			case secl.KindScalar:
				cut(v.Value.Int)
				cut(v.Value.Int + 1)
			case secl.KindRange:
				cut(v.Low)
				cut(min(v.High, maxPort) + 1)
			}
		}
	}
	slices.SortFunc(s.prefixes, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	s.prefixes = slices.Compact(s.prefixes)
	slices.Sort(s.cuts)
	s.cuts = slices.Compact(s.cuts)
	return s
}

// inside finds an address of the i-th network that is in none of the smaller ones; not
// ok if they cover it.
func (s space) inside(i int) (at netip.Addr, ok bool) {
	of := s.prefixes[i]
	at = of.Addr()
	for _, p := range s.prefixes[i+1:] { // they are sorted: the ones in it come next
		if !of.Overlaps(p) {
			break
		}
		if !p.Contains(at) {
			continue
		}
		if at = last(p).Next(); !at.IsValid() || !of.Contains(at) {
			return at, false
		}
	}
	return at, true
}

// last is the last address of a network.
func last(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	at, _ := netip.AddrFromSlice(b)
	return at
}

// ports are the range that begins with the i-th cut.
func (s space) ports(i int) (low, high uint16) {
	if i+1 < len(s.cuts) {
		return s.cuts[i], s.cuts[i+1] - 1
	}
	return s.cuts[i], maxPort
}

// computes reports whether a rule computes with one of the fields before it compares:
// then values matter that are written nowhere.
func computes(r *policy.Rule, fields []*secl.Field) bool {
	found := false
	secl.Walk(r.Expr, func(e secl.Expr) bool {
		switch e.(type) {
		case *secl.Arithmetic, *secl.Inversion, *secl.Interpolation:
			secl.Walk(e, func(e secl.Expr) bool {
				read, ok := e.(*secl.FieldRead)
				found = found || ok && slices.Contains(fields, read.Field)
				return true
			})
		}
		return !found
	})
	return found
}

// netRule says of an address and a port whether a rule matches for certain.
type netRule struct {
	id             string
	withProtocol   *secl.Partial
	anyProtocol    *secl.Partial
	event          event.Event
	knowsProtocols bool
}

func newNetRule(r *policy.Rule, m *secl.Model) *netRule {
	known := netFields(m)
	protocol := len(known) - 1
	return &netRule{
		id: r.ID, withProtocol: secl.CompilePartial(r.Rule, known...), anyProtocol: secl.CompilePartial(r.Rule, known[:protocol]...),
		knowsProtocols: slices.Contains(r.Fields(), known[protocol]),
	}
}

// denies are the transports for which the rule matches for certain.
func (r *netRule) denies(at netip.Addr, port uint16) Protocols {
	r.event = event.Event{Type: string(Connect), Process: &event.Process{}}
	c := &r.event.Connect
	c.IP, c.Port, c.Family = netip.PrefixFrom(at, at.BitLen()), int64(port), unix.AF_INET
	if at.Is6() {
		c.Family = unix.AF_INET6
	}
	if r.anyProtocol.Verdict(&secl.Context{Event: &r.event}) == secl.Certain {
		return everyProtocol
	}
	if !r.knowsProtocols {
		return 0
	}
	var out Protocols
	for number, p := range map[int64]Protocols{unix.IPPROTO_TCP: TCP, unix.IPPROTO_UDP: UDP} {
		c.Protocol = number
		if r.withProtocol.Verdict(&secl.Context{Event: &r.event}) == secl.Certain {
			out |= p
		}
	}
	return out
}

// reduceToNets finds the networks and ports of which rules say that a connection to
// them matches, whatever else is true. A smaller network's ports stand instead of
// those of the network that it is in; one may have none.
func reduceToNets(rules []*policy.Rule, m *secl.Model) map[netip.Prefix][]Entry {
	s := newSpace(rules, m)
	var partials []*netRule
	for _, r := range rules {
		if !computes(r, netFields(m)) {
			partials = append(partials, newNetRule(r, m))
		}
	}
	out, any := map[netip.Prefix][]Entry{}, false
	for i, prefix := range s.prefixes {
		at, ok := s.inside(i)
		if !ok {
			continue // no address has this as its smallest network
		}
		out[prefix] = s.portsOf(prefix, at, partials)
		any = any || len(out[prefix]) > 0
	}
	if !any {
		return nil
	}
	return out
}

// portsOf are the ports of a network that are denied, with the rules that do. Ranges
// that touch and have the same rules are one.
func (s space) portsOf(prefix netip.Prefix, at netip.Addr, rules []*netRule) []Entry {
	var out []Entry
	for i := range s.cuts {
		low, high := s.ports(i)
		for _, p := range []Protocols{TCP, UDP, OtherProtocols} {
			var ids []string
			for _, r := range rules {
				if r.denies(at, low)&p != 0 {
					ids = append(ids, r.id)
				}
			}
			if len(ids) > 0 {
				out = append(out, Entry{Operation: Connect, Net: Net{prefix, low, high, p}, Rules: ids})
			}
		}
	}
	return join(out)
}

// join makes one of entries that have the same rules and differ in their transport, or
// touch.
func join(all []Entry) []Entry {
	var out []Entry
	for _, e := range all {
		at := slices.IndexFunc(out, func(o Entry) bool {
			return slices.Equal(o.Rules, e.Rules) && o.Net.Low == e.Net.Low && o.Net.High == e.Net.High
		})
		if at >= 0 {
			out[at].Net.Protocols |= e.Net.Protocols
			continue
		}
		out = append(out, e)
	}
	for i := 0; i < len(out); i++ {
		for j := i + 1; j < len(out); j++ {
			a, b := &out[i].Net, out[j].Net
			if slices.Equal(out[i].Rules, out[j].Rules) && a.Protocols == b.Protocols && int(a.High)+1 == int(b.Low) {
				a.High = b.High
				out = slices.Delete(out, j, j+1)
				j = i
			}
		}
	}
	return out
}
