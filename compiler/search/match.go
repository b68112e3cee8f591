package search

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"

	"nightjar/schema"
)

// Match answers the query for one event in memory. A query that is asked of
// many events is better prepared once, with Matcher.
func (q *Query) Match(e *schema.Event) bool { return q.Matcher()(e) }

// Matcher prepares the query for many events. The function it returns is safe
// for use by several goroutines, and does not allocate for most events.
func (q *Query) Matcher() func(*schema.Event) bool { return matcher(q.Root, nil) }

// matcher prepares a node. The texts that it looks for, and those of other nodes
// that are given the same texts, are looked for together; nil: in this node only.
func matcher(n Node, shared *sharedTerms) func(*schema.Event) bool {
	switch n := n.(type) {
	case MatchAll:
		return func(*schema.Event) bool { return true }
	case Conjunction:
		return matchEvery(matchers(n.Nodes, shared))
	case Disjunction:
		return matchDisjunction(n, shared)
	case Negation:
		m := matcher(n.Node, shared)
		return func(e *schema.Event) bool { return !m(e) }
	case Words, Like:
		return matchAny(shared.matchers(soughtBy(n)))
	case Equals:
		return matchEquals(n)
	case Range:
		return matchRange(n)
	case Exists:
		return matchExists(n.Field)
	case Network:
		return matchNetwork(n)
	case Folded:
		if _, isDemand := demandOf(n); isDemand { // no wildcards: they are looked up
			return matchTexts(n.Field, foldedTest(n.Patterns))
		}
		return matchAny(shared.matchers(soughtBy(n)))
	case Regexp:
		return matchTexts(n.Field, regexpTest(n.Expr))
	case Any:
		return matchAnyElement(n, shared)
	case Same:
		return matchSame(n)
	case Measured:
		return matchMeasured(n)
	}
	panic(fmt.Sprintf("match: no meaning for %T", n)) // Node is sealed by its comment, not by Go
}

func matchers(nodes []Node, shared *sharedTerms) []func(*schema.Event) bool {
	out := make([]func(*schema.Event) bool, len(nodes))
	for i, n := range nodes {
		out[i] = matcher(n, shared)
	}
	return out
}

func matchEvery(ms []func(*schema.Event) bool) func(*schema.Event) bool {
	return func(e *schema.Event) bool {
		for _, m := range ms {
			if !m(e) {
				return false
			}
		}
		return true
	}
}

func matchAny(ms []func(*schema.Event) bool) func(*schema.Event) bool {
	if len(ms) == 1 {
		return ms[0]
	}
	return func(e *schema.Event) bool {
		for _, m := range ms {
			if m(e) {
				return true
			}
		}
		return false
	}
}

// matchDisjunction asks alternatives of one kind together: equalities of one field
// are looked up, texts are looked for in one pass.
func matchDisjunction(n Disjunction, shared *sharedTerms) func(*schema.Event) bool {
	var equal, others []func(*schema.Event) bool
	var texts []sought
	var fields []schema.Field
	values := map[schema.Field][]string{}
	for _, choice := range n.Nodes {
		switch choice := choice.(type) {
		case Words, Like, Folded:
			texts = append(texts, soughtBy(choice)...)
		case Equals:
			if isTimestamp(choice.Field) {
				others = append(others, matchEquals(choice))
				continue
			}
			if values[choice.Field] == nil {
				fields = append(fields, choice.Field)
			}
			values[choice.Field] = append(values[choice.Field], equalTexts(choice.Field, choice.Value)...)
		default:
			others = append(others, matcher(choice, shared))
		}
	}
	for _, f := range fields {
		equal = append(equal, matchTexts(f, oneOf(values[f])))
	}
	return matchAny(slices.Concat(equal, shared.matchers(texts), others))
}

// oneOf tests whether a text is one of these.
func oneOf(texts []string) func(string) bool {
	if len(texts) == 1 {
		only := texts[0]
		return func(s string) bool { return s == only }
	}
	if len(texts) <= few {
		return func(s string) bool { return slices.Contains(texts, s) }
	}
	set := make(map[string]struct{}, len(texts))
	for _, t := range texts {
		set[t] = struct{}{}
	}
	return func(s string) bool {
		_, ok := set[s]
		return ok
	}
}

// few is up to how many texts are quicker compared than looked up.
const few = 8

func isTimestamp(f schema.Field) bool { return f.Kind == schema.FieldReserved && f.Name == "timestamp" }

// matchLeaf gives the leaf's text to the test.
func matchLeaf(l *schema.Leaf, test func(string) bool) bool {
	if l.Kind == schema.KindString {
		return test(l.Str)
	}
	return test(l.Text())
}

// matchTexts holds when the text of a value of the field passes the test.
func matchTexts(f schema.Field, test func(string) bool) func(*schema.Event) bool {
	switch {
	case f.Kind == schema.FieldAttribute:
		return leavesAt(f, func(l *schema.Leaf) bool { return matchLeaf(l, test) })
	case f.Kind == schema.FieldTag:
		return func(e *schema.Event) bool {
			for _, t := range e.Tags {
				if v, ok := tagValue(t, f.Name); ok && test(v) {
					return true
				}
			}
			return false
		}
	case f.Name == "tags":
		return func(e *schema.Event) bool {
			for _, t := range e.Tags {
				if test(t) {
					return true
				}
			}
			return false
		}
	}
	return func(e *schema.Event) bool {
		v := e.Reserved(f.Name)
		return v != "" && test(v)
	}
}

// tagValue is the value of the tag `key:value`.
func tagValue(tag, key string) (value string, ok bool) {
	if len(tag) > len(key) && tag[len(key)] == ':' && tag[:len(key)] == key {
		return tag[len(key)+1:], true
	}
	return "", false
}

// equalTexts are the texts that a value of the field may have: the query's own
// and, for attributes, where it is a number, that number's canonical text.
func equalTexts(f schema.Field, value string) []string {
	if f.Kind == schema.FieldAttribute {
		if number, ok := parseNumber(value); ok && number.text() != value {
			return []string{value, number.text()}
		}
	}
	return []string{value}
}

func matchEquals(n Equals) func(*schema.Event) bool {
	if isTimestamp(n.Field) {
		moment, ok := parseMoment(n.Value)
		return func(e *schema.Event) bool { return ok && moment.isInt && int64(e.At) == moment.i }
	}
	return matchTexts(n.Field, oneOf(equalTexts(n.Field, n.Value)))
}

func matchExists(f schema.Field) func(*schema.Event) bool {
	switch {
	case f.AnyCase:
		return existsInAnyCase(f.Name)
	case f.Kind == schema.FieldAttribute:
		below := f.Name + "."
		return func(e *schema.Event) bool { return len(e.Lookup(f.Name)) > 0 || hasPrefixPath(e, below) }
	case f.Kind == schema.FieldTag:
		return func(e *schema.Event) bool {
			for _, t := range e.Tags {
				if _, ok := tagValue(t, f.Name); ok || t == f.Name {
					return true
				}
			}
			return false
		}
	case f.Name == "tags":
		return func(e *schema.Event) bool { return len(e.Tags) > 0 }
	}
	return func(e *schema.Event) bool { return e.Reserved(f.Name) != "" }
}

// hasPrefixPath reports whether a leaf's path begins so. Leaves are sorted.
func hasPrefixPath(e *schema.Event, prefix string) bool {
	lo, hi := 0, len(e.Leaves)
	for lo < hi {
		if mid := (lo + hi) / 2; e.Leaves[mid].Path < prefix {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo < len(e.Leaves) && strings.HasPrefix(e.Leaves[lo].Path, prefix)
}

// interval is a range, prepared: which texts, integers and doubles lie in it.
type interval struct {
	low, high   Bound
	ints        span
	floatLow    float64
	floatHigh   float64
	lowExclude  bool
	highExclude bool
	numeric     bool // false: no number lies in the range
	quoted      bool // a number literal is in quotes: what is compared is texts
}

func newInterval(r Range, parse func(string) (literal, bool)) interval {
	v := interval{low: r.Low, high: r.High, ints: allIntegers, floatLow: math.Inf(-1), floatHigh: math.Inf(1), numeric: true}
	if !r.Low.Open {
		l, ok := parse(r.Low.Value)
		v.numeric = v.numeric && ok
		v.ints = v.ints.from(l, r.Low.Inclusive)
		v.floatLow, v.lowExclude = l.f, !r.Low.Inclusive
	}
	if !r.High.Open {
		h, ok := parse(r.High.Value)
		v.numeric = v.numeric && ok
		v.ints = v.ints.to(h, r.High.Inclusive)
		v.floatHigh, v.highExclude = h.f, !r.High.Inclusive
	}
	v.quoted = r.Low.Quoted || r.High.Quoted
	return v
}

func (v *interval) hasText(s string) bool {
	if v.ofNumbers() && schema.HasNumberForm(s) {
		if n, ok := parseNumber(s); ok {
			return n.isInt && v.hasInt(n.i) || !n.isInt && v.hasFloat(n.f)
		}
	}
	if !v.low.Open && (s < v.low.Value || s == v.low.Value && !v.low.Inclusive) {
		return false
	}
	return v.high.Open || s < v.high.Value || s == v.high.Value && v.high.Inclusive
}

// ofNumbers reports whether texts that are numbers are compared as such.
func (v *interval) ofNumbers() bool { return v.numeric && !v.quoted }

// exactInFloats reports whether integers compare with the bounds as doubles as
// they do exactly: the bounds are where doubles hold every integer.
func (v *interval) exactInFloats() bool {
	exact := func(b Bound, f float64) bool { return b.Open || math.Abs(f) < 1<<53 }
	return exact(v.low, v.floatLow) && exact(v.high, v.floatHigh)
}

func (v *interval) hasInt(i int64) bool { return v.numeric && v.ints.contains(i) }

func (v *interval) hasFloat(f float64) bool {
	if !v.numeric || f < v.floatLow || f == v.floatLow && v.lowExclude {
		return false
	}
	return f < v.floatHigh || f == v.floatHigh && !v.highExclude
}

func matchRange(r Range) func(*schema.Event) bool {
	if isTimestamp(r.Field) {
		v := newInterval(r, parseMoment)
		return func(e *schema.Event) bool { return v.hasInt(int64(e.At)) }
	}
	v := newInterval(r, parseNumber)
	if r.Field.Kind != schema.FieldAttribute {
		return matchTexts(r.Field, v.hasText)
	}
	return leavesAt(r.Field, func(l *schema.Leaf) bool {
		switch l.Kind {
		case schema.KindString:
			return v.hasText(l.Str)
		case schema.KindInt:
			return v.quoted && v.hasText(l.Text()) || !v.quoted && v.hasInt(l.Int)
		case schema.KindFloat:
			return v.quoted && v.hasText(l.Text()) || !v.quoted && v.hasFloat(l.Num)
		}
		return false
	})
}

func matchNetwork(n Network) func(*schema.Event) bool { return matchTexts(n.Field, n.texts()) }

// texts is the test of a text: whether it is an address in one of the blocks.
func (n Network) texts() func(string) bool {
	blocks := make([]addressSpan, len(n.Blocks))
	for i, b := range n.Blocks {
		blocks[i] = newAddressSpan(b)
	}
	return func(s string) bool {
		addr, ok := parseAddress(s)
		if !ok {
			return false
		}
		for _, b := range blocks {
			if b.low.Compare(addr) <= 0 && addr.Compare(b.high) <= 0 {
				return true
			}
		}
		return false
	}
}

// addressSpan is a network block as its first and last address, as IPv6.
type addressSpan struct{ low, high netip.Addr }

func newAddressSpan(p netip.Prefix) addressSpan {
	bits := p.Bits()
	if p.Addr().Is4() {
		bits += 96
	}
	low := p.Addr().As16()
	high := low
	for i := bits; i < 128; i++ {
		low[i/8] &^= 1 << (7 - i%8)
		high[i/8] |= 1 << (7 - i%8)
	}
	return addressSpan{netip.AddrFrom16(low), netip.AddrFrom16(high)}
}

// parseAddress reads an IP address as IPv6, IPv4 mapped into it.
func parseAddress(s string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(s)
	if err != nil || addr.Zone() != "" {
		return netip.Addr{}, false
	}
	return netip.AddrFrom16(addr.As16()), true
}
