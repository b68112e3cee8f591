package schema

import (
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/valyala/fastjson"
)

// Kind is the type of a leaf.
type Kind uint8

// The kinds of leaf. JSON null is not among them: a field that is null is
// missing.
const (
	KindString Kind = iota
	KindInt
	KindFloat
	KindBool
)

// Leaf is one scalar of an event's attributes: the path that leads to it
// through objects and arrays, and its value. A path has several leaves where
// arrays are on the way.
type Leaf struct {
	Path string
	Kind Kind
	Str  string  // KindString
	Int  int64   // KindInt; 0 or 1 for KindBool
	Num  float64 // KindFloat
}

// Text is the leaf as a string: how group values, wildcards and equality with
// quoted text see it. Numbers are written as ClickHouse's toString writes them.
func (l Leaf) Text() string {
	switch l.Kind {
	case KindString:
		return l.Str
	case KindInt:
		return strconv.FormatInt(l.Int, 10)
	case KindFloat:
		return FormatFloat(l.Num)
	default:
		return strconv.FormatBool(l.Int != 0)
	}
}

// Value is the leaf as a string, an int64, a float64 or a bool.
func (l Leaf) Value() any {
	switch l.Kind {
	case KindString:
		return l.Str
	case KindInt:
		return l.Int
	case KindFloat:
		return l.Num
	default:
		return l.Int != 0
	}
}

// Number is the leaf's numeric value: a number's, or that of a text which is one.
// It is what is added up and what ranges compare; ok is false for other texts and
// for booleans.
func (l Leaf) Number() (n float64, ok bool) {
	switch l.Kind {
	case KindString:
		return NumberOf(l.Str)
	case KindInt:
		return float64(l.Int), true
	case KindFloat:
		return l.Num, true
	}
	return 0, false
}

// Attributes are an event's attributes in both forms that are ever read: the
// canonical JSON, which is stored and shown, and the leaves, which are searched.
// Both come from one walk over the input, so what a rule evaluates is what a
// reader is shown.
type Attributes struct {
	// JSON is the canonical text: no white space, duplicate keys resolved (the
	// last wins), invalid UTF-8 replaced by U+FFFD, and inside strings every
	// quote written \u0022, so that a bare quote always opens or closes a
	// string. Keys keep their order.
	JSON string
	// Leaves are sorted by path; leaves of one path keep the document's order.
	Leaves []Leaf
}

// Lookup finds the leaves at exactly this path.
func (a *Attributes) Lookup(path string) []Leaf {
	i := sort.Search(len(a.Leaves), func(i int) bool { return a.Leaves[i].Path >= path })
	j := i
	for j < len(a.Leaves) && a.Leaves[j].Path == path {
		j++
	}
	return a.Leaves[i:j]
}

// Has tells whether there is a leaf at the path or below it.
func (a *Attributes) Has(path string) bool {
	if len(a.Lookup(path)) > 0 {
		return true
	}
	below := path + "."
	i := sort.Search(len(a.Leaves), func(i int) bool { return a.Leaves[i].Path >= below })
	return i < len(a.Leaves) && strings.HasPrefix(a.Leaves[i].Path, below)
}

// Oddities counts what had to be resolved on the way in.
type Oddities struct {
	DuplicateKeys, InvalidUTF8, HugeNumbers int
	// Flattened are objects and arrays kept as text: see MaxDepth and MaxPath.
	Flattened int
}

// Add adds those of another.
func (o *Oddities) Add(other Oddities) {
	o.DuplicateKeys += other.DuplicateKeys
	o.InvalidUTF8 += other.InvalidUTF8
	o.HugeNumbers += other.HugeNumbers
	o.Flattened += other.Flattened
}

// Pair is one top-level attribute.
type Pair struct {
	Key   string
	Value *fastjson.Value
}

// MaxDepth is how deep attributes may nest; below it a value is kept as the
// JSON text it was, in one string.
const MaxDepth = 128

// MaxPath is how long, in bytes, the path of an object or array may be; one at a
// longer path is kept like one that is too deep. Every leaf carries its path, so
// one long key over many leaves would cost their product.
const MaxPath = 512

// Paths longer than freePath count towards maxPaths: by how many members a long
// path is repeated, in bytes. What would exceed that is kept as text like what is
// at a path beyond MaxPath: the paths of an event's leaves, which are written with
// every one of them, would else be many times the event.
const (
	freePath = 64
	maxPaths = 4 << 20
)

// NewAttributes builds attributes from top-level pairs. Where a key comes
// twice, the last wins, here as at every level.
func NewAttributes(pairs []Pair) (Attributes, Oddities) {
	b := builders.Get().(*builder)
	defer builders.Put(b)
	b.reset()
	b.object(pairs, 0, 0)
	return b.attributes(), b.odd
}

// parsers keep their memory from one text to the next.
var parsers fastjson.ParserPool

// ParseAttributes reads a JSON object.
func ParseAttributes(text string) (Attributes, error) {
	if a, ok := readAttributes(text); ok {
		return a, nil
	}
	return parseTree(text)
}

// parseTree is ParseAttributes by way of a tree.
func parseTree(text string) (Attributes, error) {
	parser := parsers.Get()
	defer parsers.Put(parser)
	v, err := parser.Parse(text)
	if err != nil {
		return Attributes{}, fmt.Errorf("parse attributes: %w", err)
	}
	o, err := v.Object()
	if err != nil {
		return Attributes{}, fmt.Errorf("parse attributes: want an object, got %s", v.Type())
	}
	b := builders.Get().(*builder)
	defer builders.Put(b)
	b.reset()
	b.members(o, 0, 0)
	return b.attributes(), nil
}

// Pairs are an object's members in order, duplicates included.
func Pairs(o *fastjson.Object) []Pair {
	pairs := make([]Pair, 0, o.Len())
	o.Visit(func(k []byte, v *fastjson.Value) { pairs = append(pairs, Pair{string(k), v}) })
	return pairs
}

// builder walks over one event after the other, in the same memory.
type builder struct {
	json   []byte
	path   []byte
	leaves []Leaf
	// within says where in json the text of a string leaf stands as it is, so
	// that the leaf can share it; empty for all other leaves.
	within []span
	pairs  []Pair // of the objects that the walk is inside of
	odd    Oddities
	paths  int // bytes of long paths, so far
	// names holds keys and paths, which are the same in event after event, and orders
	// those of their leaves.
	names  map[string]string
	orders map[uint64]*pathOrder
}

type span struct{ from, to int }

var builders = sync.Pool{New: func() any { return &builder{names: map[string]string{}, orders: map[uint64]*pathOrder{}} }}

// maxNames bounds what a builder remembers of names.
const maxNames = 10_000

func (b *builder) reset() {
	b.json, b.path, b.leaves, b.within = b.json[:0], b.path[:0], b.leaves[:0], b.within[:0]
	clear(b.pairs)
	b.pairs, b.odd, b.paths = b.pairs[:0], Oddities{}, 0
	if len(b.names) > maxNames {
		clear(b.names)
	}
}

// attributes takes what was built out of the builder's memory.
func (b *builder) attributes() Attributes {
	a := Attributes{JSON: string(b.json), Leaves: make([]Leaf, len(b.leaves))}
	for i, to := range b.order() {
		a.Leaves[to] = b.leaves[i]
		if w := b.within[i]; w.to > 0 {
			a.Leaves[to].Str = a.JSON[w.from:w.to]
		}
	}
	clear(b.leaves) // they hold strings
	return a
}

// pathOrder is where leaves with these paths, one after the other, come when they are
// sorted.
type pathOrder struct {
	paths []string
	order []uint32
}

var pathSeed = maphash.MakeSeed()

// order is where each leaf comes. Events of one kind have the same paths, whose order is
// remembered.
func (b *builder) order() []uint32 {
	hash := uint64(14695981039346656037)
	for i := range b.leaves {
		hash = (hash ^ maphash.String(pathSeed, b.leaves[i].Path)) * 1099511628211
	}
	if known := b.orders[hash]; known.of(b.leaves) {
		return known.order
	}
	p := &pathOrder{paths: make([]string, len(b.leaves)), order: make([]uint32, len(b.leaves))}
	sorted := make([]uint32, len(b.leaves))
	for i := range b.leaves {
		p.paths[i], sorted[i] = b.leaves[i].Path, uint32(i)
	}
	slices.SortStableFunc(sorted, func(x, y uint32) int { return strings.Compare(p.paths[x], p.paths[y]) })
	for to, from := range sorted {
		p.order[from] = uint32(to)
	}
	if len(sorted) <= maxShape {
		if len(b.orders) >= maxShapes {
			clear(b.orders)
		}
		b.orders[hash] = p
	}
	return p.order
}

// of reports whether these are its paths.
func (p *pathOrder) of(leaves []Leaf) bool {
	if p == nil || len(p.paths) != len(leaves) {
		return false
	}
	for i := range leaves {
		if leaves[i].Path != p.paths[i] {
			return false
		}
	}
	return true
}

func sortLeaves(leaves []Leaf) {
	slices.SortStableFunc(leaves, func(x, y Leaf) int { return strings.Compare(x.Path, y.Path) })
}

// name is the text as a string that is held once for many events.
func (b *builder) name(text []byte) string {
	if known, ok := b.names[string(text)]; ok {
		return known
	}
	s := string(text)
	if len(s) <= MaxPath {
		b.names[s] = s
	}
	return s
}

// members walks over an object of the text.
func (b *builder) members(o *fastjson.Object, base, depth int) {
	first := len(b.pairs)
	o.Visit(func(k []byte, v *fastjson.Value) { b.pairs = append(b.pairs, Pair{b.name(k), v}) })
	b.object(b.pairs[first:], base, depth)
	b.pairs = b.pairs[:first]
}

func (b *builder) object(pairs []Pair, base, depth int) {
	b.json = append(b.json, '{')
	first := true
	pairs = b.validKeys(pairs)
	at := lastOf(pairs)
	for i, p := range pairs {
		if !isLast(pairs, at, i) {
			b.odd.DuplicateKeys++
			continue
		}
		if !first {
			b.json = append(b.json, ',')
		}
		first = false
		b.json = appendString(b.json, p.Key)
		b.json = append(b.json, ':')
		b.path = b.path[:base]
		if depth > 0 {
			b.path = append(b.path, '.')
		}
		b.path = append(b.path, p.Key...)
		b.value(p.Value, depth+1)
	}
	b.path = b.path[:base]
	b.json = append(b.json, '}')
}

// validKeys repairs the keys first: two that were different may be equal then.
func (b *builder) validKeys(pairs []Pair) []Pair {
	for i := range pairs {
		if utf8.ValidString(pairs[i].Key) {
			continue
		}
		pairs = slices.Clone(pairs)
		for j := i; j < len(pairs); j++ {
			pairs[j].Key = b.valid(pairs[j].Key)
		}
		break
	}
	return pairs
}

// lastOf is where each key comes last, when there are too many to look for each.
func lastOf(pairs []Pair) map[string]int {
	const few = 24
	if len(pairs) <= few {
		return nil
	}
	at := make(map[string]int, len(pairs))
	for i, p := range pairs {
		at[p.Key] = i
	}
	return at
}

// isLast tells of a pair whether no later one has the same key.
func isLast(pairs []Pair, at map[string]int, i int) bool {
	if at != nil {
		return at[pairs[i].Key] == i
	}
	for _, later := range pairs[i+1:] {
		if later.Key == pairs[i].Key {
			return false
		}
	}
	return true
}

func (b *builder) value(v *fastjson.Value, depth int) {
	if t := v.Type(); (t == fastjson.TypeObject || t == fastjson.TypeArray) && (depth >= MaxDepth || len(b.path) > MaxPath || t == fastjson.TypeObject && b.longPaths(v.GetObject())) {
		b.odd.Flattened++
		b.string(b.valid(string(v.MarshalTo(nil))))
		return
	}
	switch v.Type() {
	case fastjson.TypeObject:
		o, _ := v.Object()
		b.members(o, len(b.path), depth)
	case fastjson.TypeArray:
		b.array(v, depth)
	case fastjson.TypeString:
		b.text(v)
	case fastjson.TypeNumber:
		b.number(v)
	case fastjson.TypeTrue:
		b.scalar("true", Leaf{Kind: KindBool, Int: 1})
	case fastjson.TypeFalse:
		b.scalar("false", Leaf{Kind: KindBool})
	default:
		b.json = append(b.json, "null"...)
	}
}

// longPaths counts the bytes of the paths below an object that is at a long one,
// and reports whether they are too many.
func (b *builder) longPaths(o *fastjson.Object) bool {
	if len(b.path) <= freePath {
		return false
	}
	more := o.Len() * (len(b.path) + 1)
	if b.paths+more > maxPaths {
		return true
	}
	b.paths += more
	return false
}

func (b *builder) array(v *fastjson.Value, depth int) {
	b.json = append(b.json, '[')
	elements, _ := v.Array()
	base := len(b.path)
	for i, e := range elements {
		if i > 0 {
			b.json = append(b.json, ',')
		}
		b.value(e, depth+1)
		b.path = b.path[:base]
	}
	b.json = append(b.json, ']')
}

// text writes a string. Most stand in the canonical JSON as they are, and then
// the leaf is a part of that.
func (b *builder) text(v *fastjson.Value) {
	s, _ := v.StringBytes()
	if !utf8.Valid(s) {
		b.string(b.valid(string(s)))
		return
	}
	from := len(b.json) + 1
	b.json = appendString(b.json, s)
	if to := len(b.json) - 1; to-from == len(s) && len(s) > 0 {
		b.leaf(Leaf{Kind: KindString})
		b.within[len(b.within)-1] = span{from, to}
		return
	}
	b.leaf(Leaf{Kind: KindString, Str: string(s)})
}

func (b *builder) string(s string) {
	b.json = appendString(b.json, s)
	b.leaf(Leaf{Kind: KindString, Str: s})
}

// number keeps integers of 64 bits exactly; other numbers are doubles, whole
// ones below 2^53 integers. What a double cannot hold (1e400) stays the text
// that was sent, as a string; so does a whole number from 2^63 to 2^64.
func (b *builder) number(v *fastjson.Value) {
	var room [32]byte
	text, l := numberOf(string(v.MarshalTo(room[:0])), &b.odd)
	if l.Kind == KindString {
		b.string(text)
		return
	}
	b.scalar(text, l)
}

// scalar writes a number or boolean. At a path that is stored typed, it is a
// string from here on, in what is shown as in what is searched.
func (b *builder) scalar(text string, l Leaf) {
	if _, typed := typedPaths[string(b.path)]; typed {
		b.string(text)
		return
	}
	b.json = append(b.json, text...)
	b.leaf(l)
}

func (b *builder) leaf(l Leaf) {
	l.Path = b.name(b.path)
	b.leaves = append(b.leaves, l)
	b.within = append(b.within, span{})
}

func (b *builder) valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	b.odd.InvalidUTF8++
	return strings.ToValidUTF8(s, "\uFFFD")
}

// appendString writes s as a JSON string in the canonical form.
func appendString[T string | []byte](dst []byte, s T) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	plain := 0 // what is before i and not yet written needs no escape
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[plain:i]...)
		plain = i + 1
		if c == '\\' {
			dst = append(dst, '\\', '\\')
		} else {
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	dst = append(dst, s[plain:]...)
	return append(dst, '"')
}

// AppendJSON appends s as a string of the canonical JSON, quotes included. Bytes
// that are no UTF-8 stay what they are: whoever reads the JSON resolves them.
func AppendJSON[T string | []byte](dst []byte, s T) []byte { return appendString(dst, s) }

// AppendMember appends a member of an object whose value is a string, with a comma
// behind it.
func AppendMember[N, V string | []byte](dst []byte, name N, value V) []byte {
	return append(AppendJSON(append(AppendJSON(dst, name), ':'), value), ',')
}

// QuoteJSON is s as a string of the canonical JSON, quotes included.
func QuoteJSON(s string) string { return string(appendString(nil, s)) }

// FormatFloat writes f as ClickHouse's toString does: the shortest digits that
// read back as f, plain between 1e-6 and 1e21, else with a bare exponent.
func FormatFloat(f float64) string {
	if f == 0 {
		return "0"
	}
	if a := math.Abs(f); a >= 1e-6 && a < 1e21 {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	s := strconv.FormatFloat(f, 'e', -1, 64)
	mantissa, exponent, _ := strings.Cut(s, "e")
	sign := ""
	if exponent[0] == '-' {
		sign = "-"
	}
	return mantissa + "e" + sign + strings.TrimLeft(exponent[1:], "0")
}
