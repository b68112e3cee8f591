package grok

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/valyala/fastjson"

	"nightjar/ingest/pipeline/value"
)

// keyvalue reads pairs out of a text: (start or delimiter) key separator value
// (delimiter or end), again and again.
type keyvalue struct {
	separator   string
	allowed     *class    // what keys and values have when nothing quotes them
	quotes      [][2]rune // opening, closing
	left, right *class    // what stands before a key, and behind a value
}

func (p *pattern) keyvalueFilter(f call) apply {
	texts := p.texts(f, 0, 4, filters[f.name].args)
	if p.err != nil {
		return nil
	}
	texts = append(texts, []string{"=", "", "", ""}[len(texts):]...)
	k := &keyvalue{
		separator: texts[0],
		quotes:    [][2]rune{{'"', '"'}, {'\'', '\''}, {'<', '>'}},
		left:      mustClass(`[\s,;(\[{]`),
		right:     mustClass(`[\s,;)\]}]`),
	}
	var err error
	if k.allowed, err = parseClass(`[\w.\-_@`+classFragment(texts[1])+`]`, matchCase); err != nil {
		p.fail(f.args[1].at, "the characters allowed are no class: "+strings.TrimPrefix(err.Error(), "error parsing regexp: "), `write them as in a regular expression's [ ]: "/:\\-"`)
	}
	if q := []rune(texts[2]); len(q) == 2 {
		k.quotes = [][2]rune{{q[0], q[1]}}
	} else if len(q) > 0 {
		p.fail(f.args[2].at, "quotes are two characters, opening and closing", `write "<>"`)
	}
	switch d := []rune(texts[3]); len(d) {
	case 0:
	case 1:
		k.left, k.right = classOfRune(d[0]), classOfRune(d[0])
	case 2:
		k.left, k.right = classOfRune(d[0]), classOfRune(d[1])
	default:
		p.fail(f.args[3].at, "a delimiter is one character, or two: before a pair and behind it", `write "|"`)
	}
	if k.separator == "" {
		p.fail(f.at, "the separator is empty", `write keyvalue("=")`)
	}
	return func(c *Context, text string, _ *fastjson.Value) *fastjson.Value { return k.read(c, text) }
}

// classFragment escapes what would end a class early; other escapes are the user's.
func classFragment(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			b.WriteString(s[i : i+2])
			i++
		case s[i] == '\\' || s[i] == ']' || s[i] == '[' || s[i] == '^' ||
			s[i] == '-' && (i == 0 || i == len(s)-1):
			b.WriteByte('\\')
			b.WriteByte(s[i])
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// read is an object, empty when there are no pairs.
func (k *keyvalue) read(c *Context, text string) *fastjson.Value {
	out := c.Arena.NewObject()
	seen := map[string]int{}
	s := &pairScan{keyvalue: k, text: text}
	for i := 0; i < len(text); {
		key, v, end, ok := s.pair(i)
		if ok {
			if kept := v.value(c.Arena); kept != nil && key != "" && !strings.ContainsAny(key, " \t") && c.room() {
				putPair(c.Arena, out, key, kept, seen)
			}
			i = end
		}
		i = k.skip(text, i)
	}
	return out
}

// skip is where the next pair may begin: behind the next delimiter.
func (k *keyvalue) skip(text string, i int) int {
	for i < len(text) {
		r, size := utf8.DecodeRuneInString(text[i:])
		i += size
		if k.left.has(r) {
			return i
		}
	}
	return i
}

// word is a key or value as it was read.
type word struct {
	text   string
	quoted bool
}

// pairScan looks for pairs in a text. It remembers what it saw ahead, so that a text
// which has much of what keys have, and no pairs, is still read in one go.
type pairScan struct {
	*keyvalue
	text     string
	runFrom  int // a run of allowed characters that was seen: from, end,
	runEnd   int
	lastSep  int          // and the last separator that a key in it has, -1: none
	unclosed map[rune]int // quotes that are not closed from that offset on
}

// pair reads key separator value at i; end is where the value ends.
func (s *pairScan) pair(i int) (key string, v word, end int, ok bool) {
	name, at, ok := s.key(i)
	if !ok {
		return "", word{}, 0, false
	}
	v, end, ok = s.word(at + len(s.separator))
	return strings.TrimSpace(name.text), v, end, ok
}

// key reads a key that the separator follows. The separator's characters may be among
// those allowed: the longest key that leaves a separator is it.
func (s *pairScan) key(i int) (w word, end int, ok bool) {
	if w, end, ok = s.quoted(i); ok && strings.HasPrefix(s.text[end:], s.separator) {
		return w, end, true
	}
	if i >= s.runEnd || i < s.runFrom {
		s.runFrom, s.runEnd = i, s.run(i)
		s.lastSep = strings.LastIndex(s.text[i:min(s.runEnd+len(s.separator), len(s.text))], s.separator)
		if s.lastSep >= 0 {
			s.lastSep += i
		}
	}
	if s.lastSep <= i {
		return word{}, 0, false
	}
	return word{text: s.text[i:s.lastSep]}, s.lastSep, true
}

// word reads a value that ends where one may: the longest.
func (s *pairScan) word(i int) (w word, end int, ok bool) {
	if w, end, ok = s.quoted(i); ok && s.closed(end) {
		return w, end, true
	}
	for end = s.run(i); end > i; {
		if s.closed(end) {
			return word{text: s.text[i:end]}, end, true
		}
		_, size := utf8.DecodeLastRuneInString(s.text[i:end])
		end -= size
	}
	return word{}, 0, false
}

func (s *pairScan) quoted(i int) (w word, end int, ok bool) {
	if i >= len(s.text) {
		return word{}, 0, false
	}
	r, size := utf8.DecodeRuneInString(s.text[i:])
	for _, q := range s.quotes {
		if from, known := s.unclosed[r]; r != q[0] || known && i >= from {
			continue
		}
		if inner, _, closed := strings.Cut(s.text[i+size:], string(q[1])); closed {
			return word{text: inner, quoted: true}, i + size + len(inner) + utf8.RuneLen(q[1]), true
		}
		if s.unclosed == nil {
			s.unclosed = map[rune]int{}
		}
		s.unclosed[r] = i
	}
	return word{}, 0, false
}

// run is where the characters allowed end.
func (s *pairScan) run(i int) int {
	for i < len(s.text) {
		size := s.allowed.size(s.text, i)
		if size == 0 {
			break
		}
		i += size
	}
	return i
}

// closed reports whether a value may end at i.
func (s *pairScan) closed(i int) bool {
	return i == len(s.text) || s.right.size(s.text, i) > 0
}

// value types a text: true, false, integers and doubles are what they look like,
// unless something quoted them. nil: there is none.
func (w word) value(arena *fastjson.Arena) *fastjson.Value {
	text := strings.TrimSpace(w.text)
	if w.quoted {
		if text == "" {
			return nil
		}
		return value.String(arena, text)
	}
	text = strings.TrimSpace(strings.TrimSuffix(text, ","))
	switch text {
	case "", "null":
		return nil
	case "true", "false":
		return value.Bool(arena, text == "true")
	}
	return typed(arena, text)
}

// typed is a number where the text is one, as a programmer writes it: 07 is octal and
// 7, 08 is a text.
func typed(arena *fastjson.Arena, text string) *fastjson.Value {
	if !numberText(text) {
		return value.String(arena, text)
	}
	digits := strings.TrimLeft(text, "+-")
	if len(digits) > 1 && digits[0] == '0' && strings.Trim(digits, "0123456789") == "" {
		i, err := strconv.ParseInt(text, 8, 64)
		if err != nil {
			return value.String(arena, text)
		}
		return value.Integer(arena, i)
	}
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return value.Integer(arena, i)
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		if v := value.Double(arena, f); v != nil {
			return v
		}
	}
	return value.String(arena, text)
}

// numberText reports whether text looks like a decimal number.
func numberText(text string) bool {
	return text != "" && strings.Trim(text, "0123456789.+-eE") == "" && strings.ContainsAny(text, "0123456789") &&
		text[0] != 'e' && text[0] != 'E'
}

// putPair stores a pair; dots in its key nest, and a key that comes again has an array.
func putPair(arena *fastjson.Arena, out *fastjson.Value, key string, v *fastjson.Value, seen map[string]int) {
	before := seen[key]
	seen[key]++
	if before == 0 {
		putDotted(arena, out, key, v)
		return
	}
	there := out.Get(key)
	if there == nil {
		there = out.Get(strings.Split(key, ".")...)
	}
	if before > 1 && there != nil && there.Type() == fastjson.TypeArray {
		there.SetArrayItem(before, v)
		return
	}
	list := arena.NewArray()
	if there != nil {
		list.SetArrayItem(0, there)
	}
	list.SetArrayItem(len(list.GetArray()), v)
	putDotted(arena, out, key, list)
}
