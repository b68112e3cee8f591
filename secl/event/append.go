package event

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"nightjar/secl"
)

// AppendJSON appends what Attributes says as the members of a JSON object, without
// its braces, and process.cwd, which no rule can ask about. It is for who stores
// every event: it makes no maps.
func AppendJSON(dst []byte, c *secl.Context) []byte {
	dst, _ = treeOf(c.Event.(*Event).Type).members(dst, c)
	return dst
}

// node is a member of the object: a value, or an object of further members.
type node struct {
	name    string // quoted, with its colon
	inner   []*node
	valueOf func([]byte, *secl.Context) []byte // appends nothing where the value is zero
}

var (
	treesMu sync.Mutex
	trees   = map[string]*node{}
)

// treeOf is the tree of one type of events, made once.
func treeOf(kind string) *node {
	treesMu.Lock()
	defer treesMu.Unlock()
	if t := trees[kind]; t != nil {
		return t
	}
	root := &node{}
	root.put("evt.name", appendField(func(c *secl.Context) string { return c.Event.(*Event).Type }))
	root.put("process.cwd", appendField(func(c *secl.Context) string { return process(c.Event.(*Event), orNone).Folder }))
	for _, f := range Model().Fields() {
		if f.Stored != "" && (f.Event == "" || f.Event == kind) {
			root.put(f.Stored, appender(f))
		}
	}
	trees[kind] = root
	return root
}

// put sets what is at a path of members. A later value replaces an
// earlier one.
func (n *node) put(path string, value func([]byte, *secl.Context) []byte) {
	for name := range strings.SplitSeq(path, ".") {
		quoted := `"` + name + `":`
		at := slices.IndexFunc(n.inner, func(m *node) bool { return m.name == quoted })
		if at < 0 {
			at = len(n.inner)
			n.inner = append(n.inner, &node{name: quoted})
		}
		n = n.inner[at]
	}
	n.valueOf = value
}

// members appends the members that are not empty, and reports whether there are
// any.
func (n *node) members(dst []byte, c *secl.Context) ([]byte, bool) {
	start := len(dst)
	for _, m := range n.inner {
		before := len(dst)
		if before > start {
			dst = append(dst, ',')
		}
		dst = append(dst, m.name...)
		from, some := len(dst), false
		if m.inner != nil {
			dst = append(dst, '{')
			dst, some = m.members(dst, c)
			dst = append(dst, '}')
		} else {
			dst = m.valueOf(dst, c)
			some = len(dst) > from
		}
		if !some {
			dst = dst[:before]
		}
	}
	return dst, len(dst) > start
}

// appender appends the value of a field.
func appender(f *secl.Field) func([]byte, *secl.Context) []byte {
	switch read := storedRead(f).(type) {
	case func(*secl.Context) bool:
		return appendField(read)
	case func(*secl.Context) int64:
		return appendField(read)
	case func(*secl.Context) string:
		return appendField(read)
	case func(*secl.Context) netip.Prefix:
		return func(dst []byte, c *secl.Context) []byte {
			if n := read(c); n.IsValid() {
				return AppendString(dst, secl.Printable(n).(string))
			}
			return dst
		}
	case func(*secl.Context) []string:
		return func(dst []byte, c *secl.Context) []byte { return appendList(dst, read(c)) }
	case func(*secl.Context) []int64:
		return func(dst []byte, c *secl.Context) []byte { return appendList(dst, read(c)) }
	case func(*secl.Context, int) int64:
		return appendElements(f, read)
	case func(*secl.Context, int) string:
		return appendElements(f, read)
	case func(*secl.Context, int) []string:
		return func(dst []byte, c *secl.Context) []byte {
			var all []string
			for i := range f.Iterator.Len(c) {
				all = append(all, read(c, i)...)
			}
			return appendList(dst, all)
		}
	}
	return func(dst []byte, _ *secl.Context) []byte { return dst }
}

func appendField[T comparable](read func(*secl.Context) T) func([]byte, *secl.Context) []byte {
	var zero T
	return func(dst []byte, c *secl.Context) []byte {
		if v := read(c); v != zero {
			return appendValue(dst, v)
		}
		return dst
	}
}

func appendElements[T any](f *secl.Field, read func(*secl.Context, int) T) func([]byte, *secl.Context) []byte {
	return func(dst []byte, c *secl.Context) []byte {
		n := min(f.Iterator.Len(c), secl.MaxIterations)
		for i := range n {
			dst = appendValue(append(dst, separator(i)), read(c, i))
		}
		if n > 0 {
			dst = append(dst, ']')
		}
		return dst
	}
}

func appendList[T any](dst []byte, list []T) []byte {
	for i, v := range list {
		dst = appendValue(append(dst, separator(i)), v)
	}
	if len(list) > 0 {
		dst = append(dst, ']')
	}
	return dst
}

func separator(i int) byte {
	if i == 0 {
		return '['
	}
	return ','
}

func appendValue(dst []byte, v any) []byte {
	switch v := v.(type) {
	case bool:
		return strconv.AppendBool(dst, v)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case string:
		return AppendString(dst, v)
	}
	return append(dst, "null"...)
}

// AppendString appends a text as JSON. What is not UTF-8 becomes U+FFFD.
func AppendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		b := s[i]
		if b >= ' ' && b != '"' && b != '\\' && b < utf8.RuneSelf {
			i++
			continue
		}
		if b >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[start:i]...), "\ufffd"...)
				start = i + size
			}
			i += size
			continue
		}
		dst = append(dst, s[start:i]...)
		switch b {
		case '"', '\\':
			dst = append(dst, '\\', b)
		case '\n':
			dst = append(dst, '\\', 'n')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[b>>4], hex[b&0xf])
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}
