package grok

import (
	"strconv"
	"strings"

	"github.com/valyala/fastjson"

	"nightjar/ingest/pipeline/value"
)

// ruby reads what Ruby's inspect writes. It is lenient where a log was cut: a closing
// brace also ends an array, and the end of the text ends everything.
type ruby struct {
	*Context
	text  string
	i     int
	depth int
	bad   bool
}

// parseRubyHash reads {:k=>v, "k"=>v, k: v}; nil when the text is none.
func parseRubyHash(c *Context, text string) *fastjson.Value {
	r := &ruby{Context: c, text: strings.TrimSpace(text)}
	if !r.accept("{") {
		return nil
	}
	v := r.hash()
	if r.blanks(); r.bad || r.i < len(r.text) {
		return nil
	}
	return v
}

func (r *ruby) blanks() {
	for r.i < len(r.text) && strings.IndexByte(" \t\r\n", r.text[r.i]) >= 0 {
		r.i++
	}
}

func (r *ruby) accept(s string) bool {
	r.blanks()
	if strings.HasPrefix(r.text[r.i:], s) {
		r.i += len(s)
		return true
	}
	return false
}

func (r *ruby) peek() byte {
	r.blanks()
	if r.i >= len(r.text) {
		return 0
	}
	return r.text[r.i]
}

func (r *ruby) fail() *fastjson.Value {
	r.bad, r.i = true, len(r.text)
	return r.Arena.NewNull()
}

// hash reads behind the opening brace.
func (r *ruby) hash() *fastjson.Value {
	if r.depth++; r.depth > maxDepth {
		return r.fail()
	}
	defer func() { r.depth-- }()
	out := r.Arena.NewObject()
	for !r.bad {
		if r.accept("}") || r.peek() == 0 {
			return out
		}
		name, ok := r.key()
		if !ok {
			return r.fail()
		}
		if v := r.value(); v.Type() != fastjson.TypeNull && r.room() {
			putDotted(r.Arena, out, name, v)
		}
		if !r.accept(",") && r.peek() != '}' && r.peek() != 0 {
			return r.fail()
		}
	}
	return out
}

// key reads :name=>, "name"=>, name=>, name: and "name":.
func (r *ruby) key() (name string, ok bool) {
	symbol := r.accept(":")
	switch b := r.peek(); {
	case b == '"' || b == '\'':
		name = r.quoted(b)
	default:
		name = r.name()
	}
	if name == "" {
		return "", false
	}
	return name, r.accept("=>") || !symbol && r.accept(":")
}

func (r *ruby) name() string {
	start := r.i
	for r.i < len(r.text) && (isAlnum(r.text[r.i]) || r.text[r.i] >= 0x80 || strings.IndexByte("_.-@$?!/", r.text[r.i]) >= 0) {
		r.i++
	}
	return r.text[start:r.i]
}

func (r *ruby) value() *fastjson.Value {
	switch b := r.peek(); {
	case b == '"' || b == '\'':
		return value.String(r.Arena, r.quoted(b))
	case b == '{':
		r.i++
		return r.hash()
	case b == '[':
		r.i++
		return r.array()
	case b == ':':
		r.i++
		if q := r.peek(); q == '"' || q == '\'' {
			return value.String(r.Arena, r.quoted(q))
		}
		return value.String(r.Arena, r.symbol())
	case b == '#':
		return r.object()
	}
	return r.bare()
}

func (r *ruby) symbol() string {
	start := r.i
	for r.i < len(r.text) && strings.IndexByte(",}] \t\r\n", r.text[r.i]) < 0 {
		r.i++
	}
	return r.text[start:r.i]
}

// bare reads nil, true, false and numbers.
func (r *ruby) bare() *fastjson.Value {
	word := r.symbol()
	switch word {
	case "nil", "null":
		return r.Arena.NewNull()
	case "true", "false":
		return value.Bool(r.Arena, word == "true")
	}
	number := strings.ReplaceAll(word, "_", "")
	if numberText(number) {
		if f, err := strconv.ParseFloat(number, 64); err == nil {
			if v := value.Double(r.Arena, f); v != nil {
				return v
			}
		}
	}
	return r.fail()
}

// object reads #<Thread:0x1 run> as a text.
func (r *ruby) object() *fastjson.Value {
	start, open := r.i, 0
	for ; r.i < len(r.text); r.i++ {
		switch r.text[r.i] {
		case '<':
			open++
		case '>':
			if open--; open == 0 {
				r.i++
				return value.String(r.Arena, r.text[start:r.i])
			}
		}
	}
	return r.fail()
}

// array reads behind the opening bracket. A closing brace ends it too, and stays.
func (r *ruby) array() *fastjson.Value {
	if r.depth++; r.depth > maxDepth {
		return r.fail()
	}
	defer func() { r.depth-- }()
	list := r.Arena.NewArray()
	for n := 0; !r.bad; n++ {
		if r.accept("]") || r.peek() == '}' || r.peek() == 0 {
			break
		}
		list.SetArrayItem(n, r.value())
		if !r.accept(",") && r.peek() != ']' && r.peek() != '}' && r.peek() != 0 {
			return r.fail()
		}
	}
	return list
}

// quoted reads a string. One without its end goes up to the end of the text.
func (r *ruby) quoted(quote byte) string {
	var b strings.Builder
	for r.i++; r.i < len(r.text); r.i++ {
		switch c := r.text[r.i]; {
		case c == quote:
			r.i++
			return b.String()
		case c == '\\' && r.i+1 < len(r.text):
			r.i++
			b.WriteString(rubyEscape(quote, r.text[r.i]))
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func rubyEscape(quote, c byte) string {
	if quote == '\'' {
		if c == '\'' || c == '\\' {
			return string(rune(c))
		}
		return `\` + string([]byte{c})
	}
	switch c {
	case 'n':
		return "\n"
	case 't':
		return "\t"
	case 'r':
		return "\r"
	case 'e':
		return "\x1b"
	case '0':
		return "\x00"
	}
	return string([]byte{c})
}
