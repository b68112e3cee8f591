package pcap

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Error is something in a filter that can't be carried out.
type Error struct {
	At   int // of the byte it is about, from 1
	Text string
}

// Error is `5: …`.
func (e *Error) Error() string { return fmt.Sprintf("%d: %s", e.At, e.Text) }

// expr is a node of a filter: *both, *either, *denied or *Test.
type expr interface{ expr() }

type (
	both   struct{ l, r expr }
	either struct{ l, r expr }
	denied struct{ x expr }
)

func (*both) expr()   {}
func (*either) expr() {}
func (*denied) expr() {}
func (*Test) expr()   {}

// token is a word, or one of ( ) ! && ||.
type token struct {
	text string
	at   int // from 1
}

// lex cuts a filter into tokens.
func lex(text string) ([]token, error) {
	var out []token
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case strings.IndexByte(" \t\n\r", c) >= 0:
			i++
		case c == '(' || c == ')' || c == '!':
			out = append(out, token{text[i : i+1], i + 1})
			i++
		case strings.HasPrefix(text[i:], "&&") || strings.HasPrefix(text[i:], "||"):
			out = append(out, token{text[i : i+2], i + 1})
			i += 2
		case isWord(c):
			end := i
			for end < len(text) && isWord(text[end]) {
				end++
			}
			out = append(out, token{text[i:end], i + 1})
			i = end
		default:
			return nil, &Error{i + 1, fmt.Sprintf("%q can't be carried out here: want %s", c, wants)}
		}
	}
	return out, nil
}

func isWord(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || strings.IndexByte(`.:/-_\`, c) >= 0
}

const wants = "host, net, port, portrange, proto, ip, ip6, tcp, udp, icmp, icmp6, sctp, src, dst, and, or, not"

// protocols are the words for what is above IP, with their numbers.
var protocols = map[string]uint8{"icmp": 1, "tcp": 6, "udp": 17, "icmp6": 58, "sctp": 132}

// qualifiers say what an identifier means.
type qualifiers struct {
	protocol  string // ip, ip6, or one of protocols; empty: any
	direction Direction
	kind      string // host, net, port, portrange, proto; empty: host
}

type parser struct {
	tokens []token
	at     int
	end    int // where the text ends, from 1
	depth  int
	last   *qualifiers // of the identifier before
}

// maxDepth bounds parentheses and denials within each other.
const maxDepth = 100

func (p *parser) peek(ahead int) string {
	if p.at+ahead < len(p.tokens) {
		return p.tokens[p.at+ahead].text
	}
	return ""
}

func (p *parser) take(words ...string) bool {
	if slices.Contains(words, p.peek(0)) && p.peek(0) != "" {
		p.at++
		return true
	}
	return false
}

func (p *parser) fail(format string, args ...any) error {
	at := p.end
	if p.at < len(p.tokens) {
		at = p.tokens[p.at].at
	}
	return &Error{at, fmt.Sprintf(format, args...)}
}

// parse reads a whole filter.
func parse(text string) (expr, error) {
	tokens, err := lex(text)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens, end: len(text) + 1}
	if len(tokens) == 0 {
		return nil, p.fail("the filter is empty: want %s", wants)
	}
	e, err := p.list()
	if err == nil && p.at < len(p.tokens) {
		err = p.fail("%q is unexpected: want and, or", p.peek(0))
	}
	return e, err
}

// list reads terms with and, or between them.
func (p *parser) list() (expr, error) {
	l, err := p.term()
	for err == nil {
		and := p.take("and", "&&")
		if !and && !p.take("or", "||") {
			return l, nil
		}
		var r expr
		if r, err = p.term(); and {
			l = &both{l, r}
		} else {
			l = &either{l, r}
		}
	}
	return nil, err
}

func (p *parser) term() (expr, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail("more than %d parentheses within each other", maxDepth)
	}
	defer func() { p.depth-- }()
	switch {
	case p.take("not", "!"):
		x, err := p.term()
		return &denied{x}, err
	case p.take("("):
		x, err := p.list()
		if err == nil && !p.take(")") {
			err = p.fail("want )")
		}
		return x, err
	}
	return p.primitive()
}

// primitive reads qualifiers and an identifier, or the name of a protocol alone.
func (p *parser) primitive() (expr, error) {
	q := qualifiers{}
	began := p.at
	if _, known := protocols[p.peek(0)]; known || p.peek(0) == "ip" || p.peek(0) == "ip6" {
		q.protocol = p.peek(0)
		p.at++
	}
	if err := p.direction(&q); err != nil {
		return nil, err
	}
	if p.take("host", "net", "port", "portrange", "proto") {
		q.kind = p.tokens[p.at-1].text
	}
	switch next := p.peek(0); {
	case q.protocol != "" && p.at == began+1 && (next == "" || slices.Contains([]string{"and", "or", "&&", "||", ")"}, next)):
		p.last = nil
		return q.onProtocol(), nil
	case p.at == began && p.last != nil:
		q = *p.last
	case p.at == began && !looksLikeAddress(next):
		return nil, p.fail("%q can't be carried out here: want %s", next, wants)
	case next == "":
		return nil, p.fail("want an address, a network or a port")
	}
	p.last = &q
	return p.identifier(q)
}

// looksLikeAddress reports whether a word without qualifiers is meant as an address.
func looksLikeAddress(word string) bool {
	_, err := netip.ParseAddr(word)
	return err == nil
}

// direction reads src, dst, `src or dst` and `src and dst`.
func (p *parser) direction(q *qualifiers) error {
	switch {
	case p.take("src"):
		q.direction = Source
	case p.take("dst"):
		q.direction = Destination
	default:
		return nil
	}
	joined := p.peek(0)
	if other := p.peek(1); other != "src" && other != "dst" || joined != "or" && joined != "and" {
		return nil
	}
	// `src or dst port 53`, but also `src host A or dst host B`: there, src had a word.
	q.direction = SourceOrDestination
	if joined == "and" {
		q.direction = SourceAndDestination
	}
	if p.peek(1) == p.tokens[p.at-1].text {
		return p.fail("%s %s %s says the same twice", p.peek(1), joined, p.peek(1))
	}
	p.at += 2
	return nil
}

// onProtocol is the test of the protocol; nil if it may be any.
func (q qualifiers) onProtocol() expr {
	switch q.protocol {
	case "":
		return nil
	case "ip":
		return &Test{Kind: Family, Low: 4}
	case "ip6":
		return &Test{Kind: Family, Low: 6}
	}
	return &Test{Kind: Protocol, Low: uint16(protocols[q.protocol])}
}

// identifier reads what the qualifiers are about.
func (p *parser) identifier(q qualifiers) (expr, error) {
	var t expr
	var err error
	switch word := p.peek(0); q.kind {
	case "port", "portrange":
		t, err = p.ports(q, word)
	case "proto":
		t, err = p.protocol(q, word)
	default:
		t, err = p.network(q, word)
	}
	if err != nil {
		return nil, err
	}
	if on := q.onProtocol(); on != nil {
		t = &both{on, t}
	}
	return t, nil
}

func (p *parser) ports(q qualifiers, word string) (expr, error) {
	if q.protocol != "" && !slices.Contains([]string{"tcp", "udp", "sctp", "ip", "ip6"}, q.protocol) {
		return nil, p.fail("%s has no ports", q.protocol)
	}
	low, high, isRange := strings.Cut(word, "-")
	if !isRange {
		high = low
	}
	a, err1 := strconv.ParseUint(low, 10, 16)
	b, err2 := strconv.ParseUint(high, 10, 16)
	if err1 != nil || err2 != nil || isRange != (q.kind == "portrange") || a > b {
		want := "the number of a port"
		if q.kind == "portrange" {
			want = "two numbers of ports, as in 1000-2000"
		}
		return nil, p.fail("%q is no %s: want %s", word, q.kind, want)
	}
	p.at++
	return &Test{Kind: Port, Direction: q.direction, Low: uint16(a), High: uint16(b)}, nil
}

func (p *parser) protocol(q qualifiers, word string) (expr, error) {
	number, known := protocols[strings.TrimPrefix(word, `\`)]
	if !known {
		n, err := strconv.ParseUint(word, 10, 8)
		if err != nil {
			return nil, p.fail("%q is no protocol: want a number, or tcp, udp, icmp, icmp6, sctp", word)
		}
		number = uint8(n)
	}
	if q.direction != SourceOrDestination {
		return nil, p.fail("a protocol has neither src nor dst")
	}
	if q.protocol != "" && q.protocol != "ip" && q.protocol != "ip6" {
		return nil, p.fail("%s proto means nothing here: write proto %s", q.protocol, word)
	}
	p.at++
	return &Test{Kind: Protocol, Low: uint16(number)}, nil
}

// network reads an address, or a network with its length or its mask.
func (p *parser) network(q qualifiers, word string) (expr, error) {
	var prefix netip.Prefix
	addr, err := netip.ParseAddr(word)
	switch {
	case err == nil && addr.Zone() == "":
		prefix = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen())
		if q.kind == "net" && p.peek(1) == "mask" {
			bits, ok := maskBits(p.peek(2))
			if !ok || !addr.Is4() {
				p.at += 2
				return nil, p.fail("%q is no mask: want one as in 255.255.0.0", p.peek(0))
			}
			p.at += 2
			prefix = netip.PrefixFrom(addr, bits)
		}
	case q.kind == "net":
		if prefix, err = netip.ParsePrefix(word); err != nil || prefix.Addr().Is4In6() {
			return nil, p.fail("%q is no network: want an address and a length, as in 10.0.0.0/8", word)
		}
	default:
		return nil, p.fail("%q is no address: names are not looked up, write the address", word)
	}
	if prefix != prefix.Masked() {
		return nil, p.fail("%s has bits beyond its length: write %s", prefix, prefix.Masked())
	}
	if family := map[bool]string{true: "ip", false: "ip6"}[prefix.Addr().Is4()]; (q.protocol == "ip" || q.protocol == "ip6") && q.protocol != family {
		return nil, p.fail("%s is no address of %s", word, q.protocol)
	}
	p.at++
	t := &Test{Kind: Host, Direction: q.direction, Net: prefix}
	if prefix.Addr().Is6() {
		return &both{&Test{Kind: Family, Low: 6}, t}, nil
	}
	return t, nil
}

// maskBits is the length of a network that is written as a mask.
func maskBits(mask string) (int, bool) {
	addr, err := netip.ParseAddr(mask)
	if err != nil || !addr.Is4() {
		return 0, false
	}
	for bits := range 33 {
		if p, err := netip.MustParseAddr("255.255.255.255").Prefix(bits); err == nil && p.Addr() == addr {
			return bits, true
		}
	}
	return 0, false
}
