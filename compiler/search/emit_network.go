package search

import (
	"fmt"
	"net/netip"
	"strings"

	"nightjar/schema"
)

// network holds when a value of the field is an address in one of the blocks.
// The server reads addresses more leniently than parseAddress (leading zeros,
// `:::`), so what it finds must have the strict form too. Reading an address
// costs more than a look at its first digits, so that goes first.
func (e *emitter) network(n Network) string {
	test := func(x string) string { return e.addressIn(x, n) }
	if n.Field.Kind != schema.FieldAttribute {
		return e.texts(n.Field, test)
	}
	a := e.attribute(n.Field.Name)
	var parts []string
	if a.has(schema.OneString) {
		parts = append(parts, test(a.text()))
	}
	if a.has(schema.ManyStrings | schema.ManyMixed) {
		parts = append(parts, "arrayExists(v -> "+test("v")+", "+a.many+")")
	}
	if a.has(schema.InRest) {
		parts = append(parts, "arrayExists(v -> "+test("v")+", "+a.restTexts()+")")
	}
	return AnySQL(parts...)
}

// addressIn tests a text.
func (e *emitter) addressIn(x string, n Network) string {
	parts := make([]string, len(n.Blocks))
	for i, b := range n.Blocks {
		s := newAddressSpan(b)
		parts[i] = fmt.Sprintf("(toIPv6OrNull(%s) BETWEEN toIPv6(%s) AND toIPv6(%s))",
			x, e.p.String(s.low.StringExpanded()), e.p.String(s.high.StringExpanded()))
	}
	exact := NotNullSQL(AllSQL(AnySQL(parts...), "match("+x+", "+e.p.String(strictAddress)+")"))
	if hint := e.addressHint(x, n.Blocks); hint != "true" {
		return AllSQL(NotNullSQL(hint), exact) // the server runs them one after the other
	}
	return exact
}

// maxHints is up to how many blocks a look at the first digits pays.
const maxHints = 8

// addressHint holds for every text of an address in one of the blocks: an IPv6
// text has a colon, and an IPv4 text begins with the bytes that are the same in
// all of its block.
func (e *emitter) addressHint(x string, blocks []netip.Prefix) string {
	if len(blocks) > maxHints {
		return "true"
	}
	parts := []string{"(position(" + x + ", ':') > 0)"}
	for _, b := range blocks {
		s := newAddressSpan(b)
		if s.high.Compare(lowestIPv4) < 0 || highestIPv4.Compare(s.low) < 0 {
			continue
		}
		digits := commonDigits(s.low.Unmap(), s.high.Unmap())
		if digits == "" {
			return "true"
		}
		parts = append(parts, "startsWith("+x+", "+e.p.String(digits)+")")
	}
	return AnySQL(parts...)
}

// The IPv4 addresses among the IPv6 ones.
var (
	lowestIPv4  = netip.MustParseAddr("::ffff:0.0.0.0")
	highestIPv4 = netip.MustParseAddr("::ffff:255.255.255.255")
)

// commonDigits is how the texts of all addresses between two begin, as far as
// whole numbers go; empty where they are not all of IPv4.
func commonDigits(low, high netip.Addr) string {
	if !low.Is4() || !high.Is4() {
		return ""
	}
	if low == high {
		return low.String()
	}
	var b strings.Builder
	for i, n := range low.As4() {
		if n != high.As4()[i] {
			break
		}
		fmt.Fprintf(&b, "%d.", n)
	}
	return b.String()
}

// strictAddress is the form of the addresses that netip.ParseAddr reads, zones
// aside: the grammar of RFC 3986.
var strictAddress = func() string {
	const (
		byte4 = `(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])`
		v4    = `(?:` + byte4 + `\.){3}` + byte4
		h     = `[0-9a-fA-F]{1,4}`
		last  = `(?:` + h + `:` + h + `|` + v4 + `)`
	)
	before := func(n int) string { return fmt.Sprintf(`(?:(?:%s:){0,%d}%s)?::`, h, n, h) }
	after := func(n int) string { return fmt.Sprintf(`(?:%s:){%d}%s`, h, n, last) }
	forms := []string{v4, after(6), `::` + after(5), `(?:` + h + `)?::` + after(4)}
	for n := 1; n <= 4; n++ {
		forms = append(forms, before(n)+after(4-n))
	}
	forms = append(forms, before(5)+h, before(6))
	return `\A(?:` + strings.Join(forms, "|") + `)\z`
}()
