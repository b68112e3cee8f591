package pcap

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

// packet reads `tcp 1.2.3.4:5 > 6.7.8.9:10`.
func packet(t *testing.T, text string) Packet {
	t.Helper()
	f := strings.Fields(text)
	p := Packet{Protocol: protocols[f[0]]}
	if p.HasPorts = f[0] == "tcp" || f[0] == "udp"; !p.HasPorts {
		p.Source, p.Destination = netip.MustParseAddr(f[1]), netip.MustParseAddr(f[3])
		return p
	}
	from, to := netip.MustParseAddrPort(f[1]), netip.MustParseAddrPort(f[3])
	p.Source, p.Destination, p.SourcePort, p.DestinationPort = from.Addr(), to.Addr(), from.Port(), to.Port()
	return p
}

const (
	web  = "tcp 10.0.0.1:5000 > 10.1.0.2:443"
	name = "udp 10.0.0.1:5000 > 10.9.9.9:53"
	six  = "tcp [2001:db8::1]:5000 > [2001:db8::2]:443"
	ping = "icmp 10.0.0.1 > 10.1.0.2"
)

func TestAFilterMeansWhatPcapSays(t *testing.T) {
	for filter, want := range map[string]string{
		"tcp":                            web + six,
		"ip":                             web + name + ping,
		"ip6":                            six,
		"ip proto 1":                     ping,
		`proto \udp`:                     name,
		"port 443":                       web + six,
		"udp port 443":                   "",
		"ip and port 443":                web,
		"ip port 443":                    web,
		"src port 443":                   "",
		"dst port 443 or 53":             web + six + name,
		"portrange 50-60":                name,
		"src or dst portrange 5000-6000": web + six + name,
		"src and dst portrange 1-6000":   web + six + name,
		"src and dst portrange 1-60":     "",
		"host 10.1.0.2":                  web + ping,
		"10.1.0.2":                       web + ping,
		"src host 10.1.0.2":              "",
		"tcp host 10.1.0.2":              web,
		"net 10.1.0.0/16":                web + ping,
		"net 10.1.0.0 mask 255.255.0.0":  web + ping,
		"dst net 2001:db8::/32":          six,
		"net ::/0":                       six,
		"net 0.0.0.0/0":                  web + name + ping,
		"not tcp":                        name + ping,
		"! (tcp || udp)":                 ping,
		"not tcp and not udp":            ping,
		"not host 10.1.0.2 and tcp":      six,
		// and, or: equally strong, from the left.
		"udp or tcp and port 53":                  name,
		"tcp and port 53 or udp":                  name,
		"udp or (tcp and port 53)":                name,
		"icmp or tcp and port 443":                web + six,
		"src host 10.0.0.1 and dst host 10.9.9.9": name,
	} {
		p, err := Compile(filter)
		if err != nil {
			t.Errorf("%s: %v", filter, err)
			continue
		}
		for _, one := range []string{web, name, six, ping} {
			if got := p.Matches(packet(t, one)); got != strings.Contains(want, one) {
				t.Errorf("%s: %s matches: %v", filter, one, got)
			}
		}
	}
}

func TestWhatCantBeCarriedOutIsRefusedWithItsPlace(t *testing.T) {
	for filter, want := range map[string]string{
		"":                              "1: the filter is empty",
		"ether host 00:11":              `1: "ether" can't be carried out`,
		"tcp and vlan 5":                `9: "vlan" can't be carried out`,
		"tcp[13] & 2 != 0":              `4: '['`,
		"len > 100":                     `5: '>'`,
		"host example.com":              `6: "example.com" is no address`,
		"port http":                     `6: "http" is no port`,
		"port 70000":                    `6: "70000" is no port`,
		"portrange 20-10":               `11: "20-10" is no portrange`,
		"port":                          "5: want an address",
		"net 10":                        `5: "10" is no network`,
		"net 10.0.0.1/8":                "5: 10.0.0.1/8 has bits beyond its length: write 10.0.0.0/8",
		"net 10.0.0.0 mask 255.0.255.0": "19: ",
		"ip6 host 10.0.0.1":             "10: 10.0.0.1 is no address of ip6",
		"icmp port 5":                   "11: icmp has no ports",
		"tcp udp":                       `5: "udp" is no address`,
		"(tcp":                          "5: want )",
		"tcp)":                          `4: ")" is unexpected`,
		"tcp and":                       "8: \"\" can't be carried out",
		"src or src port 5":             "5: src or src says the same twice",
		strings.Repeat("(", 200):        "more than 100",
		"port 1" + strings.Repeat(" or port 1", 64): "1: it asks 65 things",
	} {
		_, err := Compile(filter)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", filter, err, want)
		}
	}
}

// FuzzCompile holds that every text is refused with its place, or is a program that
// ends, goes forward, and means what its tree means.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{"tcp and not port 53", "src or dst net 10.0.0.0/8 or ip6", "!(udp || host ::1) && portrange 1-2", `proto \tcp or 6`} {
		f.Add(seed, []byte{1, 2, 3, 4, 5, 6, 7, 8})
	}
	f.Fuzz(func(t *testing.T, text string, b []byte) {
		program, err := Compile(text)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.At < 1 || e.At > len(text)+1 {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		for i, one := range program {
			for _, next := range []uint8{one.Yes, one.No} {
				if next != Match && next != Pass && (int(next) <= i || int(next) >= len(program)) {
					t.Fatalf("%q: test %d leads to %d", text, i, next)
				}
			}
		}
		tree, _ := parse(text)
		for len(b) >= 8 {
			p := Packet{
				Source: netip.AddrFrom4([4]byte(b[:4])), Destination: netip.AddrFrom4([4]byte(b[4:8])), Protocol: b[0] % 20, HasPorts: b[1]&1 == 0,
				SourcePort: uint16(b[2])<<8 | uint16(b[3]), DestinationPort: uint16(b[5]),
			}
			if program.Matches(p) != means(tree, p) {
				t.Fatalf("%q: of %+v the program says %v", text, p, program.Matches(p))
			}
			b = b[8:]
		}
	})
}

// means evaluates the tree itself.
func means(e expr, p Packet) bool {
	switch e := e.(type) {
	case *both:
		return means(e.l, p) && means(e.r, p)
	case *either:
		return means(e.l, p) || means(e.r, p)
	case *denied:
		return !means(e.x, p)
	}
	return e.(*Test).holds(p)
}
