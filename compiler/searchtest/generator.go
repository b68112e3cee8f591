package searchtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"nightjar/compiler/search"
	"nightjar/schema"
)

// Generator makes events and queries out of the same few words, so that they
// meet, and of odd ones, so that they meet oddly.
type Generator struct{ *rand.Rand }

func NewGenerator(seed uint64) Generator {
	return Generator{rand.New(rand.NewPCG(seed, 1))}
}

func Pick[T any](g Generator, from []T) T { return from[g.IntN(len(from))] }

var (
	genPaths = []string{
		"a", "a.b", "a.b.c", "b", "usr.id", "usr.name", "usr", "evt.name", "evt.outcome", "http.method", "evt",
		"n", "x-y", "k é", "a..b", ".a", "a.", "we`ird", `q"uote`, "a[]", "x%many", "x%20", "_", "NULL", "trace_id", "^a", ":Int64", "a.:String", "d\x00e", "Ω",
	}
	genWords = []string{
		"foo", "Foo", "FOO", "foo bar", "bar", "root", "Failed", "password", "a_b", "a-b", "été", "ÉTÉ", "straße", "ſ", "K", "k", "Ω", "ω", "Ω", "日本", "😀",
		"404", "404.0", "4", "40", "5", "-5", "1e3", "1000", "2.5", "true", "false", "True", "null", "0", "0.1", "1e21", "9007199254740993", "9223372036854775807",
		"", " ", "%", "_", `\`, `\\`, `"`, "'", "`", "*", "?", "a*b", "a\nb", "a\tb", "a\x00b", "\x1f", `\u001f`, `\n`, "{", "}", "[", "]", ",", ":", "{p0:String}", "10.0.0.1", "10.1.2.3", "::1", "::ffff:10.0.0.1", "2001:db8::5", "1.2.3", "010.0.0.1", "fe80::1%eth0",
		"+5", "007", "5.", ".5", "1.5e-3", "-0", "5e2", "500", "0x10", "inf", "nan", "1_000", "5 ", "1e400", "9223372036854775808", "-1e-2", "1.5.2", "1e", "４",
		"2020-01-01", "2020-01-01 00:00:00", "/etc/passwd", "C:\\new\\tool.exe", "x", "y", "i", "İ", "ı",
	}
	genSources = []string{"", "sshd", "nginx", "foo"}
	genTags    = []string{"env", "env:prod", "env:dev", "env:", ":x", "a", "a:b:c", "b:404", "b:50", "source:foo", "é:é", "foo"}
	genKeys    = []string{"env", "a", "b", "é", "c", "x y"}
	genFields  = []string{"source", "service", "host", "status", "timestamp", "tags"}
)

func (g Generator) Event() schema.Event {
	e := schema.Event{
		At:     schema.Millis(1_700_000_000_000 + g.Int64N(5)),
		Seen:   1_700_000_000_000,
		Source: Pick(g, genSources), Service: Pick(g, genSources), Host: g.Text(), Status: Pick(g, genSources),
		Message: g.Message(),
	}
	for range g.IntN(3) {
		if tag := Pick(g, genTags); !slices.Contains(e.Tags, tag) {
			e.Tags = append(e.Tags, tag)
		}
	}
	var err error
	if e.Attributes, err = schema.ParseAttributes(g.Object(0)); err != nil {
		panic(err)
	}
	return e
}

func (g Generator) Text() string {
	if g.IntN(4) > 0 {
		return Pick(g, genWords)
	}
	return Pick(g, genWords) + Pick(g, genWords)
}

func (g Generator) Message() string {
	parts := make([]string, g.IntN(5))
	for i := range parts {
		parts[i] = g.Text()
	}
	return strings.Join(parts, Pick(g, []string{" ", "", "  ", "-", ", ", "\n", "_"}))
}

func (g Generator) Object(depth int) string {
	members := make([]string, g.IntN(5))
	for i := range members {
		key := Pick(g, genPaths)
		if g.IntN(2) == 0 {
			key, _, _ = strings.Cut(key, ".")
		}
		members[i] = schema.QuoteJSON(key) + ":" + g.Value(depth+1)
	}
	return "{" + strings.Join(members, ",") + "}"
}

func (g Generator) Value(depth int) string {
	switch n := g.IntN(12); {
	case n < 3 && depth < 4:
		return g.Object(depth)
	case n < 5 && depth < 4:
		elements := make([]string, g.IntN(4))
		for i := range elements {
			elements[i] = g.Value(depth + 1)
		}
		return "[" + strings.Join(elements, ",") + "]"
	case n == 5:
		return Pick(g, []string{"true", "false", "null"})
	case n == 6:
		return g.Number()
	}
	return schema.QuoteJSON(g.Text())
}

func (g Generator) Number() string {
	switch g.IntN(4) {
	case 0:
		return strconv.Itoa(g.IntN(12) - 2)
	case 1:
		return Pick(g, []string{"404", "404.0", "1e3", "2.5", "0.1", "-0.5", "1e21", "1e300", "9007199254740993", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1e-7", "9007199254740992.0", "-0.0"})
	case 2:
		return strconv.FormatFloat(g.NormFloat64()*1000, 'g', 3, 64)
	}
	return strconv.FormatInt(g.Int64()>>g.IntN(60), 10)
}

func (g Generator) Query() *search.Query { return &search.Query{Root: g.Node(0)} }

func (g Generator) Node(depth int) search.Node {
	if depth < 3 && g.IntN(2) == 0 {
		nodes := make([]search.Node, 2+g.IntN(3))
		for i := range nodes {
			nodes[i] = g.Node(depth + 1)
		}
		switch g.IntN(3) {
		case 0:
			return search.Conjunction{Nodes: nodes}
		case 1:
			return search.Disjunction{Nodes: nodes}
		}
		return negated(nodes[0])
	}
	return g.Leaf()
}

func (g Generator) Field() schema.Field {
	switch g.IntN(6) {
	case 0:
		return schema.Field{Kind: schema.FieldReserved, Name: Pick(g, genFields)}
	case 1:
		return schema.Field{Kind: schema.FieldTag, Name: Pick(g, genKeys)}
	}
	return schema.Field{Kind: schema.FieldAttribute, Name: Pick(g, genPaths)}
}

func (g Generator) Leaf() search.Node {
	field := g.Field()
	word := g.Text()
	if g.IntN(8) == 0 {
		word = g.Number()
	}
	if g.IntN(4) == 0 {
		return g.Function(field, 0)
	}
	return g.PlainLeaf(field, word)
}

// Function makes one of the functions; those of elements in as many others.
func (g Generator) Function(field schema.Field, others int) search.Node {
	attribute := schema.Field{Kind: schema.FieldAttribute, Name: Pick(g, genPaths)}
	switch g.IntN(6) {
	case 0:
		patterns := []search.Pattern{g.Pattern(), search.LiteralPattern(g.Text()), search.LiteralPattern(strings.ToUpper(g.Text()))}
		return search.Folded{Field: field, Patterns: patterns[:1+g.IntN(3)]}
	case 1:
		return search.Regexp{Field: field, Expr: Pick(g, genExprs)}
	case 2:
		return search.Same{Field: field, Other: Pick(g, []schema.Field{g.Field(), attribute})}
	case 3:
		return search.Measured{Field: field, Measure: search.MeasureLength, Op: Pick(g, genOps), Number: int64(g.IntN(6))}
	case 4:
		return search.Measured{Field: Pick(g, []schema.Field{field, attribute}), Measure: search.MeasureCount, Op: Pick(g, genOps), Number: int64(g.IntN(4))}
	}
	if others == search.MaxAnyDepth {
		return search.Exists{Field: attribute}
	}
	return search.Any{Field: attribute, Node: g.OfElement(others + 1)}
}

// OfElement makes a query for elements: about attributes only.
func (g Generator) OfElement(others int) search.Node {
	nodes := make([]search.Node, 1+g.IntN(3))
	for i := range nodes {
		field := schema.Field{Kind: schema.FieldAttribute, Name: Pick(g, genPaths)}
		for {
			if g.IntN(3) == 0 {
				nodes[i] = g.Function(field, others)
			} else {
				nodes[i] = g.PlainLeaf(field, g.Text())
			}
			if s, ok := nodes[i].(search.Same); ok && s.Other.Kind != schema.FieldAttribute {
				continue
			}
			if _, words := nodes[i].(search.Words); !words {
				if f, ok := search.FieldOf(nodes[i]); !ok || f.Kind == schema.FieldAttribute {
					break
				}
			}
		}
		if g.IntN(4) == 0 {
			nodes[i] = negated(nodes[i])
		}
	}
	switch {
	case len(nodes) == 1:
		return nodes[0]
	case g.IntN(3) == 0:
		return search.Disjunction{Nodes: nodes}
	}
	return search.Conjunction{Nodes: nodes}
}

var (
	genOps   = []string{">", ">=", "<", "<=", "="}
	genExprs = []string{
		"foo", "^foo$", "(?i)FOO", "f.o", "[A-Z]", `^\d+$`, `\bbar\b`, "(foo|bar)+", "a*", `\pL`, "(?s)a.b", "a.b", "k", "(?i)k", "ſ", `^$`, `\x00`, "[^a-z]{2,}?", `(?m)^b$`, `\W`, "é|ß", `\.0$`, `^-?[0-9.e]+$`, "true|false", `[[:space:]]`, `"`, `\\`,
	}
)

func (g Generator) PlainLeaf(field schema.Field, word string) search.Node {
	switch g.IntN(9) {
	case 0:
		return search.Exists{Field: field}
	case 1:
		return search.Words{Pattern: search.LiteralPattern(word), Everywhere: g.IntN(2) == 0}
	case 2:
		return search.Words{Pattern: g.Pattern(), Everywhere: g.IntN(2) == 0}
	case 3, 4:
		return search.Equals{Field: field, Value: word}
	case 5:
		return search.Like{Field: field, Pattern: g.Pattern()}
	case 6:
		q, err := search.Parse(fmt.Sprintf("CIDR(@a, %s, %s)", Pick(g, []string{"10.0.0.0/8", "10.0.0.1", "10.1.2.0/22", "8.0.0.0/5", "0.0.0.0/0", "::/0"}), Pick(g, []string{"10.1.0.0/16", "2001:db8::/32", "::ffff:0:0/96", "::ffff:10.1.0.0/112", "::fffe:0:0/95", "::1"})))
		if err != nil {
			panic(err)
		}
		n := q.Root.(search.Network)
		n.Field = field
		return n
	}
	if g.IntN(6) == 0 {
		field = schema.Field{Kind: schema.FieldReserved, Name: "message"}
	}
	r := search.Range{Field: field, Low: g.Bound(), High: g.Bound()}
	if r.Low.Open && r.High.Open {
		return search.Exists{Field: field}
	}
	return r
}

func (g Generator) Bound() search.Bound {
	if g.IntN(3) == 0 {
		return search.Bound{Open: true}
	}
	value := g.Number()
	if g.IntN(2) == 0 {
		value = Pick(g, genWords)
	}
	return search.Bound{Value: value, Inclusive: g.IntN(2) == 0, Quoted: search.IsNumber(value) && g.IntN(4) == 0}
}

// Pattern is a pattern that is neither a text nor everything: those are other nodes.
func (g Generator) Pattern() search.Pattern {
	var b strings.Builder
	star := false // at the end of what is written: neighbouring stars are one
	for range 1 + g.IntN(4) {
		switch g.IntN(4) {
		case 0:
			if !star {
				b.WriteByte('*')
			}
			star = true
		case 1:
			b.WriteByte('?')
			star = false
		default:
			runes := []rune(g.Text())
			if len(runes) > 0 {
				at := g.IntN(len(runes))
				b.WriteString(string(search.LiteralPattern(string(runes[at:min(len(runes), at+1+g.IntN(3))]))))
				star = false
			}
		}
	}
	p := search.Pattern(b.String())
	if _, literal := p.Literal(); literal || p == "*" {
		return "*a"
	}
	return p
}

// negated is a node that holds when n does not.
func negated(n search.Node) search.Node {
	if inner, ok := n.(search.Negation); ok {
		return inner.Node
	}
	return search.Negation{Node: n}
}

func (g Generator) Events(n int) []schema.Event {
	events := make([]schema.Event, n)
	for i := range events {
		events[i] = g.Event()
	}
	return events
}
