package reference

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"testing"
)

// makers make the nth value of a column of each kind; hits and misses are what
// events have.
var makers = []struct {
	name  string
	kind  Kind
	rows  int
	value func(n int) string
	hit   func(n int) string
	miss  func(n int) string
}{
	{"addresses", Auto, 10_000_000, address, address, func(n int) string { return address(n + 1<<31) }},
	{"hashes", Exact, 10_000_000, hash, hash, func(n int) string { return hash(n + 1<<31) }},
	{"networks", CIDR, 10_000, network, func(n int) string { return netip.MustParsePrefix(network(n)).Addr().String() }, func(n int) string { return address(n + 1<<31) }},
	{"networks", CIDR, 10_000_000, network, func(n int) string { return netip.MustParsePrefix(network(n)).Addr().String() }, func(n int) string { return address(n + 1<<31) }},
	{"prefixes", Prefix, 1_000_000, folder, func(n int) string { return folder(n) + "index.html" }, func(n int) string { return folder(n + 1<<31) }},
	{"wildcards", Wildcard, 100_000, wildcard, func(n int) string { return "a.b" + wildcard(n)[1:] }, func(n int) string { return "a.b" + wildcard(n + 1<<31)[1:] }},
	{"wildcards inside", Wildcard, 100_000, inner, func(n int) string { return "a" + inner(n)[1:len(inner(n))-1] + "z" }, func(n int) string { return "a" + inner(n + 1<<31)[1:] }},
}

// scatter is n, spread over all numbers, each once.
func scatter(n int) uint64 { return uint64(n) * 0x9e3779b97f4a7c15 }

func address(n int) string {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(n)*2654435761)
	if n >= 1<<31 {
		return netip.AddrFrom16([16]byte{0x20, 1, b[0], b[1], b[2], b[3]}).String()
	}
	return netip.AddrFrom4(b).String()
}

func network(n int) string {
	var b [16]byte
	b[0], b[1] = 0x2a, byte(n%3)
	binary.BigEndian.PutUint64(b[2:], scatter(n))
	return netip.PrefixFrom(netip.AddrFrom16(b), 64-n%16).Masked().String()
}

func hash(n int) string { return fmt.Sprintf("%016x%016x", scatter(n), scatter(n+1)) }

func folder(n int) string { return fmt.Sprintf("/srv/%0*d/", 12+n%4, n) }

func wildcard(n int) string { return fmt.Sprintf("*.%x.example", scatter(n)) }

func inner(n int) string { return fmt.Sprintf("*/%x/*", scatter(n)) }

// BenchmarkColumns fills a column, and looks up values that are in it and such
// that are not.
func BenchmarkColumns(b *testing.B) {
	for _, m := range makers {
		b.Run(fmt.Sprintf("%s/%d", m.name, m.rows), func(b *testing.B) {
			before := inUse()
			c, err := newColumn(m.kind)
			if err != nil {
				b.Fatal(err)
			}
			for n := range m.rows {
				r, err := c.intern(m.value(n))
				if err != nil {
					b.Fatal(err)
				}
				c.add(r, 1)
			}
			used := float64(inUse()-before) / float64(m.rows)
			for name, value := range map[string]func(int) string{"hit": m.hit, "miss": m.miss} {
				b.Run(name, func(b *testing.B) {
					values := make([]string, 1<<16)
					for i := range values {
						values[i] = value(rand.IntN(m.rows))
					}
					found := 0
					b.ResetTimer()
					for i := range b.N {
						if c.has(values[i%len(values)], 1) {
							found++
						}
					}
					b.ReportMetric(used, "B/row")
					b.ReportMetric(100*float64(found)/float64(b.N), "%found")
				})
			}
		})
	}
}

func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
