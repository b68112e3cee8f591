package ingest

import (
	"bytes"
	"fmt"
	"math/bits"
	"strings"
	"unicode/utf8"

	"github.com/valyala/fastjson"

	"nightjar/ingest/record"
	"nightjar/schema"
)

// MaxEventDepth is how many objects and arrays of an event may stand within one
// another, the event itself among them; what is deeper is kept as its JSON text.
const MaxEventDepth = schema.MaxDepth

// cutAttribute is the member of the intake's own attribute that says what an event
// lacks of what was sent.
const cutAttribute = "cut"

// cut is what was done to an event that is larger or deeper than events may be.
type cut struct {
	bytes   int      // that were sent
	values  int      // that were sent, where they are too many
	texts   int      // strings that were shortened
	left    int      // values that were left out
	deep    int      // objects and arrays that became text
	members []string // of the event, that were shortened or dropped; the first few
}

// value is the cut as an attribute.
func (c *cut) value() *fastjson.Value {
	var arena fastjson.Arena
	v := arena.NewObject()
	for _, n := range []struct {
		name string
		n    int
	}{{"bytes", c.bytes}, {"texts", c.texts}, {"values_left_out", c.left}, {"deep", c.deep}} {
		if n.n > 0 {
			v.Set(n.name, arena.NewNumberInt(n.n))
		}
	}
	names := arena.NewArray()
	for i, name := range c.members {
		names.SetArrayItem(i, record.String(&arena, name))
	}
	if len(c.members) > 0 {
		v.Set("members", names)
	}
	return v
}

// String is the cut as a sender is told of it.
func (c *cut) String() string {
	var did []string
	if c.texts > 0 {
		did = append(did, fmt.Sprintf("%d texts were shortened", c.texts))
	}
	if c.left > 0 {
		did = append(did, fmt.Sprintf("%d values were left out", c.left))
	}
	if c.deep > 0 {
		did = append(did, fmt.Sprintf("%d objects or arrays below depth %d were kept as text", c.deep, MaxEventDepth))
	}
	why := ""
	switch {
	case c.bytes > MaxEventBytes:
		why = fmt.Sprintf("its %d bytes are more than the %d of an event: ", c.bytes, MaxEventBytes)
	case c.values > MaxEventValues:
		why = fmt.Sprintf("its %d values are more than the %d of an event: ", c.values, MaxEventValues)
	}
	return why + strings.Join(did, ", ") + " (@nightjar.cut)"
}

// touched notes the name of a member that was shortened or dropped.
func (c *cut) touched(name []byte) {
	const few, short = 16, 128
	name = name[:min(len(name), short)]
	if n := len(c.members); n < few && (n == 0 || c.members[n-1] != string(name)) {
		c.members = append(c.members, strings.ToValidUTF8(string(name), "\uFFFD"))
	}
}

// ellipsis ends a text that was shortened.
const ellipsis = "…"

// fitLine is a line within the size of an event.
func fitLine(line []byte) (string, *cut) {
	if len(line) <= MaxEventBytes {
		return string(line), nil
	}
	kept := line[:MaxEventBytes-len(ellipsis)]
	for len(kept) > 0 && !utf8.RuneStart(line[len(kept)]) {
		kept = kept[:len(kept)-1]
	}
	return string(kept) + ellipsis, &cut{bytes: len(line), texts: 1, members: []string{"message"}}
}

// fit is the object's text within the bounds of an event, and what it took; nil:
// nothing. The text may be broken JSON; then it stays so, or comes out whole.
func (d *Decoder) fit(text []byte, s shape) ([]byte, *cut) {
	if len(text) <= MaxEventBytes && s.values <= MaxEventValues && s.depth <= MaxEventDepth {
		return text, nil
	}
	c := cutter{in: text, did: cut{bytes: len(text), values: s.values}, room: MaxEventBytes, values: MaxEventValues, longest: len(text)}
	if len(text) > MaxEventBytes || s.values > MaxEventValues {
		c.measure()
	}
	c.value(0, 1)
	if c.did.texts == 0 && c.did.left == 0 && c.did.deep == 0 {
		return c.out, nil
	}
	return c.out, &c.did
}

// cutter copies an object's text and leaves out what is too much. It looks at
// every byte a fixed number of times.
type cutter struct {
	in, out []byte
	did     cut
	// longest is how long a text may be; room and values are how many bytes and
	// values may come out in all, and reserved how many of the bytes are for the
	// reserved fields that are still to come.
	longest, room, values, reserved int
	member                          []byte // of the event, that is being copied
}

// Room that is left for what the intake adds, and for a text that is begun when
// the room is nearly used up.
const (
	cutRoom     = MaxEventBytes - MaxEventBytes/8
	cutValues   = MaxEventValues - 1024
	shortest    = 256
	longestName = 1024
)

// measure chooses the length of texts at which all values fit, or the shortest
// there is, and puts aside room for the reserved fields.
func (c *cutter) measure() {
	c.room, c.values = cutRoom, cutValues
	var count, size [64]int
	all := 0
	for i := 0; i < len(c.in); {
		if c.in[i] != '"' {
			i++
			continue
		}
		end := endOfText(c.in, i)
		n := end - i
		count[bits.Len(uint(n))]++
		size[bits.Len(uint(n))] += n
		all += n
		i = end
	}
	rest := len(c.in) - all
	for c.longest = MaxEventBytes / 2; c.longest > shortest; c.longest /= 2 {
		total := rest
		for k := range count {
			total += min(size[k], count[k]*c.longest)
		}
		if total <= c.room {
			break
		}
	}
	c.eachMember(func(key []byte, at int) {
		if isReserved(key) && c.in[at] != '{' && c.in[at] != '[' {
			c.reserved += min(skipJSON(c.in, at)-at, c.longest) + len(key) + 4
		}
	})
	c.reserved = min(c.reserved, c.room/2)
}

// isReserved tells whether a reserved field may be read from the member.
func isReserved(key []byte) bool {
	return slotOf(key) >= 0 || string(key) == "ddtags" || string(key) == "tags"
}

// eachMember calls use with the event's own members, and where their values begin.
func (c *cutter) eachMember(use func(key []byte, at int)) {
	for i := skipSpace(c.in, 1); i < len(c.in) && c.in[i] == '"'; {
		end := endOfText(c.in, i)
		at := skipSpace(c.in, end)
		if at = skipSpace(c.in, at+1); at >= len(c.in) {
			return
		}
		use(c.in[i+1:max(i+1, end-1)], at)
		i = skipSpace(c.in, skipJSON(c.in, at))
		if i < len(c.in) && c.in[i] == ',' {
			i = skipSpace(c.in, i+1)
		}
	}
}

// value copies the value at i and returns where it ends.
func (c *cutter) value(i, depth int) int {
	if i >= len(c.in) {
		return i
	}
	c.values--
	switch open := c.in[i]; {
	case (open == '{' || open == '[') && depth > MaxEventDepth:
		end := skipJSON(c.in, i)
		c.did.deep++
		c.did.touched(c.member)
		c.text(escaped(c.in[i:min(end, i+c.longest)]), end-i > c.longest)
		return end
	case open == '{', open == '[':
		return c.container(i, depth)
	case open == '"':
		end := endOfText(c.in, i)
		c.copyText(c.in[i:end])
		return end
	}
	end := skipJSON(c.in, i)
	if word := c.in[i:end]; len(word) <= shortest {
		c.out = append(c.out, word...)
	} else {
		c.text(escaped(word), ifLong) // a number that no double holds is its text
	}
	return end
}

// container copies an object or array; what no longer fits of it is left out.
func (c *cutter) container(i, depth int) int {
	object := c.in[i] == '{'
	c.out = append(c.out, c.in[i])
	first, again := true, true // again: a value may come, after the bracket or a comma
	for i = skipSpace(c.in, i+1); i < len(c.in); {
		switch mark := c.in[i]; {
		case mark == '}' || mark == ']':
			c.out = append(c.out, mark)
			return i + 1
		case again == (mark == ','):
			return c.broken(i)
		case mark == ',':
			i, again = skipSpace(c.in, i+1), true
			continue
		}
		again = false
		key := []byte(nil)
		if object {
			end := endOfText(c.in, i)
			if end = skipSpace(c.in, end); c.in[i] != '"' || end >= len(c.in) || c.in[end] != ':' {
				return c.broken(i)
			}
			key = bytes.TrimRight(c.in[i:end], " \t\r\n")
			i = skipSpace(c.in, end+1)
		}
		if depth == 1 && object {
			c.member = key[1:max(1, len(key)-1)]
		}
		if !c.fits(i, depth) {
			c.did.left++
			c.did.touched(c.member)
			end := skipJSON(c.in, i)
			if end == i {
				return c.broken(i)
			}
			i = skipSpace(c.in, end)
			continue
		}
		if !first {
			c.out = append(c.out, ',')
		}
		first = false
		if object {
			c.key(key)
		}
		end := c.value(i, depth+1)
		if end == i {
			return c.broken(i)
		}
		i = skipSpace(c.in, end)
	}
	return i
}

// broken copies the rest of JSON that is broken here: its reader says how.
func (c *cutter) broken(i int) int {
	c.out = append(append(c.out, ' '), c.in[i:]...)
	return len(c.in)
}

// fits tells whether there is room for one more value, which begins here. The
// event's reserved fields have room of their own.
func (c *cutter) fits(i, depth int) bool {
	if depth == 1 && c.reserved > 0 && isReserved(c.member) && i < len(c.in) && c.in[i] != '{' && c.in[i] != '[' {
		need := min(skipJSON(c.in, i)-i, c.longest) + len(c.member) + 4
		c.reserved -= need
		return len(c.out)+need < MaxEventBytes
	}
	return c.values > 0 && len(c.out)+max(0, c.reserved) < c.room
}

func (c *cutter) key(key []byte) {
	if len(key) <= longestName || c.longest == len(c.in) {
		c.out = append(append(c.out, key...), ':')
		return
	}
	c.did.texts++
	c.did.touched(c.member)
	c.out = append(append(c.out, whole(key[:longestName])...), ellipsis+`":`...)
}

// copyText copies a string with its quotes, shortened where it is too long.
func (c *cutter) copyText(quoted []byte) {
	if len(quoted) <= c.longest {
		c.out = append(c.out, quoted...)
		return
	}
	c.did.texts++
	c.did.touched(c.member)
	c.out = append(append(c.out, whole(quoted[:c.longest])...), ellipsis+`"`...)
}

// ifLong has a text shortened only where it is too long.
const ifLong = false

// text writes text that is escaped already.
func (c *cutter) text(text []byte, short bool) {
	if short || len(text) > c.longest && c.longest < len(c.in) {
		c.did.texts++
		text = append(whole(text[:min(len(text), c.longest)]), ellipsis...)
	}
	c.out = append(append(append(c.out, '"'), text...), '"')
}

// whole is the beginning of an escaped text without the half of an escape or of a
// character at its end.
func whole(text []byte) []byte {
	for n := 0; n < 12 && n < len(text); n++ {
		i := len(text) - 1 - n
		if text[i] != '\\' {
			continue
		}
		slashes := 0
		for j := i; j >= 0 && text[j] == '\\'; j-- {
			slashes++
		}
		if slashes%2 == 1 && (n == 0 || text[i+1] == 'u' && n < 5) {
			text = text[:i]
		}
		break
	}
	for n := 0; n < utf8.UTFMax && len(text) > 0; n++ {
		if r, size := utf8.DecodeLastRune(text); r != utf8.RuneError || size != 1 {
			break
		}
		text = text[:len(text)-1]
	}
	return text
}

// escaped is a text as JSON has it within quotes.
func escaped(text []byte) []byte {
	quoted := schema.QuoteJSON(string(text))
	return []byte(quoted[1 : len(quoted)-1])
}

// endOfText is where the string that begins at i ends, behind its quote.
func endOfText(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// skipJSON is where the value that begins at i ends.
func skipJSON(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			if i = endOfText(b, i); depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return i
			}
			if depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\r', '\n', ':':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return i
}
