package compiler

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"nightjar/schema"
)

// generator makes events and queries out of the same few words, so that they
// meet, and of odd ones, so that they meet oddly.
type generator struct{ *rand.Rand }

func newGenerator(seed uint64) generator {
	return generator{rand.New(rand.NewPCG(seed, 1))}
}

func pick[T any](g generator, from []T) T { return from[g.IntN(len(from))] }

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

func (g generator) event() schema.Event {
	e := schema.Event{
		At:     schema.Millis(1_700_000_000_000 + g.Int64N(5)),
		Seen:   1_700_000_000_000,
		Source: pick(g, genSources), Service: pick(g, genSources), Host: g.text(), Status: pick(g, genSources),
		Message: g.message(),
	}
	for range g.IntN(3) {
		if tag := pick(g, genTags); !slices.Contains(e.Tags, tag) {
			e.Tags = append(e.Tags, tag)
		}
	}
	var err error
	if e.Attributes, err = schema.ParseAttributes(g.object(0)); err != nil {
		panic(err)
	}
	return e
}

func (g generator) text() string {
	if g.IntN(4) > 0 {
		return pick(g, genWords)
	}
	return pick(g, genWords) + pick(g, genWords)
}

func (g generator) message() string {
	parts := make([]string, g.IntN(5))
	for i := range parts {
		parts[i] = g.text()
	}
	return strings.Join(parts, pick(g, []string{" ", "", "  ", "-", ", ", "\n", "_"}))
}

func (g generator) object(depth int) string {
	members := make([]string, g.IntN(5))
	for i := range members {
		key := pick(g, genPaths)
		if g.IntN(2) == 0 {
			key, _, _ = strings.Cut(key, ".")
		}
		members[i] = schema.QuoteJSON(key) + ":" + g.value(depth+1)
	}
	return "{" + strings.Join(members, ",") + "}"
}

func (g generator) value(depth int) string {
	switch n := g.IntN(12); {
	case n < 3 && depth < 4:
		return g.object(depth)
	case n < 5 && depth < 4:
		elements := make([]string, g.IntN(4))
		for i := range elements {
			elements[i] = g.value(depth + 1)
		}
		return "[" + strings.Join(elements, ",") + "]"
	case n == 5:
		return pick(g, []string{"true", "false", "null"})
	case n == 6:
		return g.number()
	}
	return schema.QuoteJSON(g.text())
}

func (g generator) number() string {
	switch g.IntN(4) {
	case 0:
		return strconv.Itoa(g.IntN(12) - 2)
	case 1:
		return pick(g, []string{"404", "404.0", "1e3", "2.5", "0.1", "-0.5", "1e21", "1e300", "9007199254740993", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1e-7", "9007199254740992.0", "-0.0"})
	case 2:
		return strconv.FormatFloat(g.NormFloat64()*1000, 'g', 3, 64)
	}
	return strconv.FormatInt(g.Int64()>>g.IntN(60), 10)
}

func (g generator) query() *Query { return &Query{Root: g.node(0)} }

func (g generator) node(depth int) Node {
	if depth < 3 && g.IntN(2) == 0 {
		nodes := make([]Node, 2+g.IntN(3))
		for i := range nodes {
			nodes[i] = g.node(depth + 1)
		}
		switch g.IntN(3) {
		case 0:
			return Conjunction{Nodes: nodes}
		case 1:
			return Disjunction{Nodes: nodes}
		}
		return negate(0, nodes[0])
	}
	return g.leaf()
}

func (g generator) field() schema.Field {
	switch g.IntN(6) {
	case 0:
		return schema.Field{Kind: schema.FieldReserved, Name: pick(g, genFields)}
	case 1:
		return schema.Field{Kind: schema.FieldTag, Name: pick(g, genKeys)}
	}
	return schema.Field{Kind: schema.FieldAttribute, Name: pick(g, genPaths)}
}

func (g generator) leaf() Node {
	field := g.field()
	word := g.text()
	if g.IntN(8) == 0 {
		word = g.number()
	}
	if g.IntN(4) == 0 {
		return g.function(field, 0)
	}
	return g.plainLeaf(field, word)
}

// function makes one of the functions; those of elements in as many others.
func (g generator) function(field schema.Field, others int) Node {
	attribute := schema.Field{Kind: schema.FieldAttribute, Name: pick(g, genPaths)}
	switch g.IntN(6) {
	case 0:
		patterns := []Pattern{g.pattern(), literalPattern(g.text()), literalPattern(strings.ToUpper(g.text()))}
		return Folded{Field: field, Patterns: patterns[:1+g.IntN(3)]}
	case 1:
		return Regexp{Field: field, Expr: pick(g, genExprs)}
	case 2:
		return Same{Field: field, Other: pick(g, []schema.Field{g.field(), attribute})}
	case 3:
		return Measured{Field: field, Measure: MeasureLength, Op: pick(g, genOps), Number: int64(g.IntN(6))}
	case 4:
		return Measured{Field: pick(g, []schema.Field{field, attribute}), Measure: MeasureCount, Op: pick(g, genOps), Number: int64(g.IntN(4))}
	}
	if others == maxAnyDepth {
		return Exists{Field: attribute}
	}
	return Any{Field: attribute, Node: g.ofElement(others + 1)}
}

// ofElement makes a query for elements: about attributes only.
func (g generator) ofElement(others int) Node {
	nodes := make([]Node, 1+g.IntN(3))
	for i := range nodes {
		field := schema.Field{Kind: schema.FieldAttribute, Name: pick(g, genPaths)}
		for {
			if g.IntN(3) == 0 {
				nodes[i] = g.function(field, others)
			} else {
				nodes[i] = g.plainLeaf(field, g.text())
			}
			if s, ok := nodes[i].(Same); ok && s.Other.Kind != schema.FieldAttribute {
				continue
			}
			if _, words := nodes[i].(Words); !words {
				if f, ok := askedField(nodes[i]); !ok || f.Kind == schema.FieldAttribute {
					break
				}
			}
		}
		if g.IntN(4) == 0 {
			nodes[i] = negate(0, nodes[i])
		}
	}
	switch {
	case len(nodes) == 1:
		return nodes[0]
	case g.IntN(3) == 0:
		return Disjunction{Nodes: nodes}
	}
	return Conjunction{Nodes: nodes}
}

var (
	genOps   = []string{">", ">=", "<", "<=", "="}
	genExprs = []string{
		"foo", "^foo$", "(?i)FOO", "f.o", "[A-Z]", `^\d+$`, `\bbar\b`, "(foo|bar)+", "a*", `\pL`, "(?s)a.b", "a.b", "k", "(?i)k", "ſ", `^$`, `\x00`, "[^a-z]{2,}?", `(?m)^b$`, `\W`, "é|ß", `\.0$`, `^-?[0-9.e]+$`, "true|false", `[[:space:]]`, `"`, `\\`,
	}
)

func (g generator) plainLeaf(field schema.Field, word string) Node {
	switch g.IntN(9) {
	case 0:
		return Exists{Field: field}
	case 1:
		return Words{Pattern: literalPattern(word), Everywhere: g.IntN(2) == 0}
	case 2:
		return Words{Pattern: g.pattern(), Everywhere: g.IntN(2) == 0}
	case 3, 4:
		return Equals{Field: field, Value: word}
	case 5:
		return Like{Field: field, Pattern: g.pattern()}
	case 6:
		q, err := ParseQuery(fmt.Sprintf("CIDR(@a, %s, %s)", pick(g, []string{"10.0.0.0/8", "10.0.0.1", "10.1.2.0/22", "8.0.0.0/5", "0.0.0.0/0", "::/0"}), pick(g, []string{"10.1.0.0/16", "2001:db8::/32", "::ffff:0:0/96", "::ffff:10.1.0.0/112", "::fffe:0:0/95", "::1"})))
		if err != nil {
			panic(err)
		}
		n := q.Root.(Network)
		n.Field = field
		return n
	}
	if g.IntN(6) == 0 {
		field = messageField
	}
	r := Range{Field: field, Low: g.bound(), High: g.bound()}
	if r.Low.Open && r.High.Open {
		return Exists{Field: field}
	}
	return r
}

func (g generator) bound() Bound {
	if g.IntN(3) == 0 {
		return Bound{Open: true}
	}
	value := g.number()
	if g.IntN(2) == 0 {
		value = pick(g, genWords)
	}
	return Bound{Value: value, Inclusive: g.IntN(2) == 0, Quoted: isNumber(value) && g.IntN(4) == 0}
}

func (g generator) pattern() Pattern {
	var b strings.Builder
	for range 1 + g.IntN(4) {
		switch g.IntN(4) {
		case 0:
			b.WriteByte('*')
		case 1:
			b.WriteByte('?')
		default:
			runes := []rune(g.text())
			if len(runes) > 0 {
				at := g.IntN(len(runes))
				b.WriteString(string(literalPattern(string(runes[at:min(len(runes), at+1+g.IntN(3))]))))
			}
		}
	}
	p := tidy(Pattern(b.String()))
	if _, literal := p.Literal(); literal || p == "*" {
		return "*a" // those are other nodes
	}
	return p
}

func (g generator) events(n int) []schema.Event {
	events := make([]schema.Event, n)
	for i := range events {
		events[i] = g.event()
	}
	return events
}

func TestReadersAgree(t *testing.T) {
	g := newGenerator(20250101)
	w := newWorld(t, g.events(1500))
	matched := 0
	const queries = 150
	for range queries {
		q := g.query()
		w.agree(t, q)
		matched += len(w.recall(q))
	}
	if pairs := queries * len(w.events); matched < pairs/20 || matched > pairs*19/20 {
		t.Errorf("%d of %d pairs match: the generator has lost its point", matched, pairs)
	}
	t.Logf("%d queries on %d events: %d pairs, %d of them matches", queries, len(w.events), queries*len(w.events), matched)
}

// TestWordsAndTokensDifferAlike goes around the places where our words are not
// the tokens of the server's index.
func TestWordsAndTokensDifferAlike(t *testing.T) {
	parts := []string{"foo", "FOO", "Bar", "_", "-", " ", "\t", "é", "K", "x", "9", ".", "😀", "", "登录", "失败", "ログイン"}
	g := newGenerator(3)
	events := make([]schema.Event, 4000)
	for i := range events {
		for range 1 + g.IntN(6) {
			events[i].Message += pick(g, parts)
		}
	}
	w := newWorld(t, events)
	for _, text := range []string{
		`foo`, `Foo`, `foo*`, `*foo`, `*foo*`, `foo?`, `"foo bar"`, `foo-bar`, `foo_bar`, `_foo`, `é`, `fooé`, `éfoo`, `foo.bar`, `"foo é bar"`,
		`foo*bar`, `"foo  bar"`, `-foo`, `foo OR bar`, `foo OR *x*`, `"foo bar" OR foo9 OR é`, `foo bar`, `fook`, `fooK`, `-"foo bar" bar`, `"-foo-"`,
		`登录`, `登`, `"登录 foo"`, `登录失败`, `foo登录`, `登录foo`, `グ`, `-登录 失`, `登录 OR foo`, `"foo 登录失败"`, `登*败`,
		`(foo OR bar OR x OR 9 OR k OR foofoo OR barbar OR foobar OR barfoo OR foox)`,
	} {
		q, err := ParseQuery(text)
		if err != nil {
			t.Fatal(err)
		}
		w.agree(t, q)
	}
}

func TestGeneratedQueriesKeepTheirMeaning(t *testing.T) {
	g := newGenerator(7)
	events := g.events(50)
	for range 2000 {
		q := g.query()
		again, err := ParseQuery(q.String())
		if err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		checkRoundTrip(t, again)
		for i := range events {
			if q.Match(&events[i]) != again.Match(&events[i]) {
				t.Fatalf("%s: parsed again it answers otherwise", q)
			}
		}
	}
}
