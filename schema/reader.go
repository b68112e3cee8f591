package schema

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// Reader makes Attributes of a JSON object while it reads it, in one pass and
// without a tree. It reads what nearly all events are made of. Whatever takes a
// decision that needs the whole object (a key that comes twice, text that is no
// UTF-8, escapes that are none, what is too deep or at too long a path) it does not
// read at all: its methods report false, and NewAttributes decides. What it does
// read it reads as NewAttributes would (FuzzReadersOfAttributesAgree).
//
// One object after the other: Begin, then Next until it reports the end, a value for
// each member, and Attributes.
type Reader struct {
	in     []byte
	at     int
	values int
	long   int // bytes of long paths

	b       builder
	of      []*member // of each leaf
	scratch []byte

	root    *member
	members int
	objects uint64 // that were begun, to tell one from the next
	this    uint64 // the event's own
	last    *member
	guess   *member
	empty   bool
	shapes  map[uint64]*shapeOrder
	use     func(owner string, key []byte) int
	most    int
	inner   []Inner
}

// readDepth is how deep a Reader reads.
const readDepth = 64

// readValues is how many values a Reader reads: each costs far more than the two bytes
// that it may take in JSON.
const readValues = 1 << 16

// maxMembers bounds what a Reader remembers of names.
const maxMembers = 10_000

// member is a key that objects have at a path, as they had it before: the text that
// is written for it, and the member that followed it the last time. Events of a
// kind have the same keys in the same order, so most are found by comparing.
type member struct {
	key, path, quoted string
	typed             bool
	use               int
	id                uint64
	seen              uint64 // the object that had it last
	children          map[string]*member
	first, next       *member
}

// NewReader is a Reader. The function says what a key of the event itself (the owner
// is empty), and one within a member that has a name, is to the caller, who finds it in Member
// and in Inner; 0: nothing.
func NewReader(use func(owner string, key []byte) int) *Reader {
	if use == nil {
		use = func(string, []byte) int { return 0 }
	}
	return &Reader{use: use}
}

// Member is a member of the object itself.
type Member struct{ m *member }

// Key is its name.
func (m Member) Key() string { return m.m.key }

// Use is what the function of NewReader said of it.
func (m Member) Use() int { return m.m.use }

// Begin begins to read the object at in[at]; false: there is none.
func (r *Reader) Begin(in []byte, at int) bool {
	if at >= len(in) || in[at] != '{' {
		return false
	}
	if r.root == nil || r.members > maxMembers {
		r.root, r.members = &member{}, 0
		r.shapes = map[uint64]*shapeOrder{}
	}
	r.in, r.at, r.values, r.long = in, at+1, 1, 0
	r.b.json, r.b.leaves, r.b.within = append(r.b.json[:0], '{'), r.b.leaves[:0], r.b.within[:0]
	r.b.odd = Oddities{}
	r.of = r.of[:0]
	r.objects++
	r.this, r.last, r.guess, r.empty = r.objects, r.root, r.root.first, true
	return true
}

// End is where the object ended, and how many values it has.
func (r *Reader) End() (at, values int) { return r.at, r.values }

// Next is the next member of the object; ok is false at its end, and where it does
// not read on, which Failed tells apart.
func (r *Reader) Next() (m Member, ok bool) {
	r.inner = r.inner[:0]
	if r.at < 0 {
		return Member{}, false
	}
	c := r.peek()
	if c == '}' {
		r.at++
		return Member{}, false
	}
	if !r.empty && c == ',' {
		if r.at++; !r.another() {
			return Member{}, false
		}
		c = r.peek()
	} else if !r.empty {
		c = 0
	}
	r.empty = false
	var next *member
	if c == '"' {
		next = r.key(r.root, r.guess)
	}
	if next == nil {
		r.fail()
		return Member{}, false
	}
	r.follow(r.root, &r.last, next)
	r.guess = next.next
	return Member{next}, true
}

// Failed reports whether it did not read on.
func (r *Reader) Failed() bool { return r.at < 0 }

func (r *Reader) follow(parent *member, last **member, m *member) {
	if *last == parent {
		parent.first = m
	} else {
		(*last).next = m
	}
	*last = m
}

// fail says that it does not read on.
func (r *Reader) fail() bool {
	r.at = -1
	return false
}

// Attribute reads the value of a member as an attribute.
func (r *Reader) Attribute(m Member) bool {
	r.inner = r.inner[:0]
	if r.at < 0 || m.m.seen == r.this {
		return r.fail()
	}
	m.m.seen = r.this
	r.comma(len(r.b.json) > 1)
	r.b.json = append(r.b.json, m.m.quoted...)
	return r.value(m.m, 1)
}

// Skip reads a value and leaves it out. Again may read it later.
func (r *Reader) Skip(m Member) bool {
	r.inner = r.inner[:0]
	json, leaves := len(r.b.json), len(r.b.leaves)
	odd, long := r.b.odd, r.long
	if r.at < 0 || !r.value(m.m, 1) {
		return r.fail()
	}
	r.b.json, r.b.leaves, r.b.within, r.of = r.b.json[:json], r.b.leaves[:leaves], r.b.within[:leaves], r.of[:leaves]
	r.b.odd, r.long = odd, long
	return true
}

// Again reads, as an attribute, a value that began there; what is read next stays.
func (r *Reader) Again(m Member, from int) bool {
	at, values := r.at, r.values
	r.at = from
	if at < 0 || !r.Attribute(m) {
		return r.fail()
	}
	r.at, r.values = at, values
	return true
}

// Inline reads the members of an object as attributes of the event itself. It does not
// read those of which use says more than most.
func (r *Reader) Inline(most int) bool {
	if r.Peek() != '{' {
		return r.fail()
	}
	r.most = most
	return r.object(r.root, r.this, 2, len(r.b.json) > 1)
}

// Inner are the members within the value that was read last that use says something
// of.
func (r *Reader) Inner() []Inner { return r.inner }

// Inner is a member of an object that is a member of the event.
type Inner struct {
	Use int
	// From is where its value begins.
	From int
}

func (r *Reader) comma(is bool) {
	if is {
		r.b.json = append(r.b.json, ',')
	}
}

// Token is a value that is a string, a number, a boolean or null.
type Token struct {
	// Kind is the first byte of its form: '"', '0', 't', 'f' or 'n'.
	Kind byte
	// Text is the string's text, or the number as it is written; it holds until the
	// next call.
	Text []byte
}

// Peek is the first byte of the value that comes, or 0.
func (r *Reader) Peek() byte {
	if r.at < 0 {
		return 0
	}
	return r.peek()
}

// Release lets go of what was read; the Reader may begin again.
func (r *Reader) Release() { r.in = nil }

// Here is where in the text the value that comes begins.
func (r *Reader) Here() int { return r.at }

// TokenAt reads the value that began there, if it is such a value; what is read next
// stays. The Kind of others is their first byte.
func (r *Reader) TokenAt(from int) (t Token, ok bool) {
	at := r.at
	r.at = from
	if c := r.peek(); c == '{' || c == '[' {
		t, ok = Token{Kind: c}, true
	} else {
		t, ok = r.Token()
	}
	if ok {
		r.at = at
	}
	return t, ok
}

// Texts reads an array of strings.
func (r *Reader) Texts(each func(text []byte)) bool {
	if r.Peek() != '[' {
		return r.fail()
	}
	r.at++
	r.values++
	if r.peek() == ']' {
		r.at++
		return true
	}
	for {
		if r.peek() != '"' {
			return r.fail()
		}
		text, _, ok := r.text()
		if !ok {
			return false
		}
		each(text)
		switch r.peek() {
		case ',':
			r.at++
			r.values++
		case ']':
			r.at++
			return true
		default:
			return r.fail()
		}
	}
}

// Token reads such a value, and writes nothing.
func (r *Reader) Token() (t Token, ok bool) {
	switch c := r.Peek(); c {
	case '"':
		text, _, ok := r.text()
		return Token{'"', text}, ok
	case 't':
		return Token{Kind: c, Text: []byte("true")}, r.word("true")
	case 'f':
		return Token{Kind: c, Text: []byte("false")}, r.word("false")
	case 'n':
		return Token{Kind: c}, r.word("null")
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		text := r.digits()
		return Token{'0', text}, text != nil
	}
	return Token{}, r.fail()
}

// Attributes ends the object that was begun.
func (r *Reader) Attributes() (Attributes, Oddities) {
	r.b.json = append(r.b.json, '}')
	return r.attributes(string(r.b.json)), r.b.odd
}

func (r *Reader) attributes(json string) Attributes {
	a := Attributes{JSON: json, Leaves: make([]Leaf, len(r.b.leaves))}
	order := r.order()
	for i := range r.b.leaves {
		at := i
		if order != nil {
			at = int(order[i])
		}
		a.Leaves[at] = r.b.leaves[i]
		if w := r.b.within[i]; w.to > 0 {
			a.Leaves[at].Str = json[w.from:w.to]
		}
	}
	clear(r.b.leaves)
	if order == nil {
		sortLeaves(a.Leaves)
	}
	return a
}

// shapeOrder is where the leaves of an event come when they are sorted: that
// depends on their paths, which are the same in event after event.
type shapeOrder struct {
	of    []*member
	order []uint16
}

const (
	maxShapes = 1000
	// maxShape is how many leaves are remembered of one.
	maxShape = 512
)

// order is where each leaf comes; nil: they are to be sorted.
func (r *Reader) order() []uint16 {
	if len(r.of) > maxShape {
		return nil
	}
	hash := uint64(14695981039346656037)
	for _, m := range r.of {
		hash = (hash ^ m.id) * 1099511628211
	}
	if s := r.shapes[hash]; s != nil && slices.Equal(s.of, r.of) {
		return s.order
	}
	if len(r.shapes) >= maxShapes {
		clear(r.shapes)
	}
	sorted := make([]int, len(r.of))
	for i := range sorted {
		sorted[i] = i
	}
	slices.SortStableFunc(sorted, func(x, y int) int { return strings.Compare(r.of[x].path, r.of[y].path) })
	s := &shapeOrder{of: slices.Clone(r.of), order: make([]uint16, len(r.of))}
	for to, from := range sorted {
		s.order[from] = uint16(to)
	}
	r.shapes[hash] = s
	return s.order
}

// value reads the value of a member, or an element of it.
func (r *Reader) value(m *member, depth int) bool {
	switch r.peek() {
	case '"':
		return r.string(m)
	case '{':
		if depth >= readDepth {
			return r.fail()
		}
		r.objects++
		this := r.objects
		r.b.json = append(r.b.json, '{')
		if !r.object(m, this, depth+1, false) {
			return false
		}
		r.b.json = append(r.b.json, '}')
		return true
	case '[':
		return depth < readDepth && r.array(m, depth) || r.fail()
	case 't':
		return r.word("true") && r.scalar(m, "true", Leaf{Kind: KindBool, Int: 1})
	case 'f':
		return r.word("false") && r.scalar(m, "false", Leaf{Kind: KindBool})
	case 'n':
		r.b.json = append(r.b.json, "null"...)
		return r.word("null")
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return r.number(m)
	}
	return r.fail()
}

// object reads an object at a member, without the brackets that are written for it.
func (r *Reader) object(parent *member, this uint64, depth int, comma bool) bool {
	r.at++
	r.values++
	if r.peek() == '}' {
		r.at++
		return true
	}
	n, last, guess := 0, parent, parent.first
	for {
		if r.peek() != '"' {
			return r.fail()
		}
		m := r.key(parent, guess)
		if m == nil || m.seen == this {
			return r.fail()
		}
		if m.use != 0 && parent == r.root && m.use > r.most {
			return r.fail()
		}
		r.follow(parent, &last, m)
		m.seen, guess = this, m.next
		if m.use != 0 && depth == 2 && parent != r.root {
			r.inner = append(r.inner, Inner{m.use, r.at})
		}
		r.comma(comma)
		comma = true
		r.b.json = append(r.b.json, m.quoted...)
		if !r.value(m, depth) {
			return false
		}
		n++
		switch r.peek() {
		case ',':
			if r.at++; !r.another() {
				return false
			}
		case '}':
			r.at++
			return r.fits(parent, n)
		default:
			return r.fail()
		}
	}
}

// another counts a value.
func (r *Reader) another() bool {
	r.values++
	return r.values <= readValues || r.fail()
}

// fits counts the bytes of long paths, as builder.longPaths does before it reads.
func (r *Reader) fits(parent *member, n int) bool {
	if len(parent.path) > freePath {
		if r.long += n * (len(parent.path) + 1); r.long > maxPaths {
			return r.fail()
		}
	}
	return true
}

func (r *Reader) array(m *member, depth int) bool {
	r.at++
	r.values++
	r.b.json = append(r.b.json, '[')
	if r.peek() == ']' {
		r.at++
		r.b.json = append(r.b.json, ']')
		return true
	}
	for {
		if !r.value(m, depth+1) {
			return false
		}
		switch r.peek() {
		case ',':
			if r.at++; !r.another() {
				return false
			}
			r.b.json = append(r.b.json, ',')
		case ']':
			r.at++
			r.b.json = append(r.b.json, ']')
			return true
		default:
			return r.fail()
		}
	}
}

// key reads a key and the colon behind it; nil: it is not read on.
func (r *Reader) key(parent, guess *member) *member {
	from := r.at + 1
	m := guess
	end := from
	if m != nil {
		end += len(m.key)
	}
	if m == nil || end >= len(r.in) || r.in[end] != '"' || string(r.in[from:end]) != m.key {
		var wide bool
		end, wide = plainText(r.in, from)
		if end >= len(r.in) || r.in[end] != '"' || wide && !utf8.Valid(r.in[from:end]) {
			return nil
		}
		if m = r.child(parent, r.in[from:end]); m == nil {
			return nil
		}
	}
	r.at = end + 1
	if r.peek() != ':' {
		return nil
	}
	r.at++
	return m
}

// child is the member of this name; nil: its path is too long.
func (r *Reader) child(parent *member, key []byte) *member {
	if m := parent.children[string(key)]; m != nil {
		return m
	}
	path := string(key)
	if parent != r.root {
		path = parent.path + "." + path
	}
	if len(path) > MaxPath || r.members > 2*maxMembers {
		return nil
	}
	r.members++
	m := &member{key: path[len(path)-len(key):], path: path, id: uint64(r.members)}
	m.quoted = string(append(appendString(nil, key), ':'))
	_, m.typed = typedPaths[path]
	if parent == r.root {
		m.use = r.use("", key)
	} else if parent.key != "" && r.root.children[parent.key] == parent {
		m.use = r.use(parent.key, key)
	}
	if parent.children == nil {
		parent.children = map[string]*member{}
	}
	parent.children[m.key] = m
	return m
}

// peek is the byte at which the text goes on behind white space, or 0.
func (r *Reader) peek() byte {
	for r.at < len(r.in) {
		c := r.in[r.at]
		if c > ' ' {
			return c
		}
		if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return 0
		}
		r.at++
	}
	return 0
}

func (r *Reader) word(w string) bool {
	if end := r.at + len(w); end <= len(r.in) && string(r.in[r.at:end]) == w {
		r.at = end
		return true
	}
	return r.fail()
}

func (r *Reader) leaf(m *member, l Leaf, within span) {
	l.Path = m.path
	r.b.leaves = append(r.b.leaves, l)
	r.b.within = append(r.b.within, within)
	r.of = append(r.of, m)
}

func (r *Reader) scalar(m *member, text string, l Leaf) bool {
	if m.typed {
		from := len(r.b.json) + 1
		r.b.json = appendString(r.b.json, text)
		r.leaf(m, Leaf{Kind: KindString}, span{from, from + len(text)})
		return true
	}
	r.b.json = append(r.b.json, text...)
	r.leaf(m, l, span{})
	return true
}

// string reads a string. Most stand in the canonical JSON as they are.
func (r *Reader) string(m *member) bool {
	text, asIs, ok := r.text()
	if !ok {
		return false
	}
	from := len(r.b.json) + 1
	if asIs {
		r.b.json = append(r.b.json, '"')
		r.b.json = append(r.b.json, text...)
		r.b.json = append(r.b.json, '"')
	} else {
		r.b.json = appendString(r.b.json, text)
	}
	if to := len(r.b.json) - 1; to-from == len(text) && to > from {
		r.leaf(m, Leaf{Kind: KindString}, span{from, to})
		return true
	}
	r.leaf(m, Leaf{Kind: KindString, Str: string(text)}, span{})
	return true
}

// text reads a string, which may be asIs what the canonical JSON has of it.
func (r *Reader) text() (text []byte, asIs, ok bool) {
	from := r.at + 1
	end, wide := plainText(r.in, from)
	if end >= len(r.in) {
		return nil, false, r.fail()
	}
	if r.in[end] == '"' {
		text = r.in[from:end]
		r.at = end + 1
		if wide && !utf8.Valid(text) {
			return nil, false, r.fail()
		}
		return text, true, true
	}
	end = closingQuote(r.in, end)
	if end < 0 {
		return nil, false, r.fail()
	}
	r.scratch, ok = unescape(r.scratch[:0], r.in[from:end])
	r.at = end + 1
	if !ok || !utf8.Valid(r.scratch) {
		return nil, false, r.fail()
	}
	return r.scratch, false, true
}

// digits are a number as it is written; nil: it is none.
func (r *Reader) digits() []byte {
	from := r.at
	for r.at < len(r.in) && isOfNumber[r.in[r.at]] {
		r.at++
	}
	text := r.in[from:r.at]
	if len(text) == 1 && text[0] == '-' || r.at == len(r.in) {
		r.at = -1
		return nil
	}
	return text
}

var isOfNumber = func() (is [256]bool) {
	for _, c := range []byte("0123456789.-+eE") {
		is[c] = true
	}
	return is
}()

// number reads a number as builder.number does.
func (r *Reader) number(m *member) bool {
	text := r.digits()
	if text == nil {
		return false
	}
	if l, ok := shortNumber(text); ok {
		if m.typed {
			return r.scalar(m, string(text), l)
		}
		r.b.json = append(r.b.json, text...)
		r.leaf(m, l, span{})
		return true
	}
	written, l := numberOf(string(text), &r.b.odd)
	if l.Kind != KindString {
		return r.scalar(m, written, l)
	}
	r.b.json = appendString(r.b.json, written)
	r.leaf(m, l, span{})
	return true
}

// numberOf is a number as it is written in the canonical JSON, and its leaf, which is
// a string where no number holds it.
func numberOf(text string, odd *Oddities) (string, Leaf) {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return strconv.FormatInt(i, 10), Leaf{Kind: KindInt, Int: i}
	}
	if _, err := strconv.ParseUint(text, 10, 64); err == nil {
		return text, Leaf{Kind: KindString, Str: text} // ids of 64 bits are such: no digit of them may be lost
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		odd.HugeNumbers++
		return text, Leaf{Kind: KindString, Str: text}
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		i := int64(f)
		return strconv.FormatInt(i, 10), Leaf{Kind: KindInt, Int: i}
	}
	return FormatFloat(f), Leaf{Kind: KindFloat, Num: f}
}

// shortNumber reads the numbers that are written in their canonical form: integers of
// up to 18 digits, and fractions of up to 15 digits, the last of which is not 0. A
// double keeps that many digits, so their shortest form is the one they have; and it
// is the quotient of two integers that doubles hold exactly.
func shortNumber(text []byte) (Leaf, bool) {
	digits := text
	if digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 18 || digits[0] == '0' && (len(digits) == 1 && len(text) > 1 || len(digits) > 1 && digits[1] != '.') {
		return Leaf{}, false
	}
	n, dot := int64(0), -1
	for i, c := range digits {
		switch {
		case c >= '0' && c <= '9':
			n = n*10 + int64(c-'0')
		case c == '.' && dot < 0 && i > 0:
			dot = i
		default:
			return Leaf{}, false
		}
	}
	negative := len(digits) < len(text)
	if dot < 0 {
		if negative {
			n = -n
		}
		return Leaf{Kind: KindInt, Int: n}, true
	}
	fraction := len(digits) - dot - 1
	if fraction == 0 || len(digits) > 16 || digits[len(digits)-1] == '0' || digits[0] == '0' && fraction > 6 {
		return Leaf{}, false
	}
	f := float64(n) / tens[fraction]
	if negative {
		f = -f
	}
	return Leaf{Kind: KindFloat, Num: f}, true
}

var tens = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16}

// readers are those of ParseAttributes.
var readers = sync.Pool{New: func() any { return NewReader(nil) }}

// readAttributes is ParseAttributes for what a Reader reads.
func readAttributes(text string) (Attributes, bool) {
	r := readers.Get().(*Reader)
	defer readers.Put(r)
	r.b.path = append(r.b.path[:0], text...) // its copy as bytes
	if !r.Begin(r.b.path, 0) {
		return Attributes{}, false
	}
	r.at, r.values = 0, 0
	if !r.object(r.root, r.this, 1, false) {
		return Attributes{}, false
	}
	if r.peek(); r.at < len(r.in) {
		return Attributes{}, false
	}
	r.b.json = append(r.b.json, '}')
	if string(r.b.json) != text { // else it is its own canonical form
		text = string(r.b.json)
	}
	return r.attributes(text), true
}
