package weburl

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/valyala/fastjson"

	"nightjar/ingest/pipeline/value"
)

// What Details does with slashes at the end of a path.
const (
	KeepSlashes = false
	TrimSlashes = true
)

// Details are scheme, host, port, path, queryString and hash of a URL, each only when
// it is in the text; a relative one has path and queryString. nil: text is no URL.
// trim cuts slashes at the end of the path, but not the root's.
func Details(arena *fastjson.Arena, text string, trim bool) *fastjson.Value {
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return nil
	}
	out := arena.NewObject()
	set := func(name, s string) {
		if s != "" {
			out.Set(name, value.String(arena, s))
		}
	}
	rest, hash, _ := strings.Cut(text, "#")
	rest, query, _ := strings.Cut(rest, "?")
	scheme, rest := splitScheme(rest)
	set("scheme", scheme)
	path := rest
	if after, ok := strings.CutPrefix(rest, "//"); ok {
		authority := after
		path = ""
		if slash := strings.IndexByte(after, '/'); slash >= 0 {
			authority, path = after[:slash], after[slash:]
		}
		host, port, ok := splitHost(authority)
		if !ok {
			return nil
		}
		set("host", host)
		if port >= 0 {
			out.Set("port", value.Integer(arena, int64(port)))
		}
	} else if scheme != "" {
		return nil // mailto:, urn:, a host and its port
	}
	if trim && len(path) > 1 {
		path = strings.TrimRight(path, "/")
		if path == "" {
			path = "/"
		}
	}
	set("path", path)
	if q := pairs(arena, query, asWritten); q != nil {
		out.Set("queryString", q)
	}
	set("hash", hash)
	return out
}

// splitScheme cuts a scheme and its colon off.
func splitScheme(s string) (scheme, rest string) {
	for i := 0; i < len(s); i++ {
		switch b := s[i]; {
		case b == ':' && i > 0:
			return s[:i], s[i+1:]
		case b|0x20 >= 'a' && b|0x20 <= 'z':
		case i > 0 && (b >= '0' && b <= '9' || b == '+' || b == '-' || b == '.'):
		default:
			return "", s
		}
	}
	return "", s
}

// splitHost splits user@host:port. port is -1 when there is none.
func splitHost(s string) (host string, port int, ok bool) {
	s = s[strings.LastIndexByte(s, '@')+1:]
	host, number := s, ""
	if inner, after, closed := strings.Cut(s, "]"); strings.HasPrefix(s, "[") {
		if !closed || after != "" && after[0] != ':' {
			return "", 0, false
		}
		host, number = inner[1:], strings.TrimPrefix(after, ":")
	} else if colon := strings.LastIndexByte(s, ':'); colon >= 0 {
		host, number = s[:colon], s[colon+1:]
	}
	if number == "" {
		return host, -1, true
	}
	n, err := strconv.ParseUint(number, 10, 16)
	return host, int(n), err == nil
}

// Query are the pairs of a query string, decoded: a repeated name has an array, empty
// values are left out. A leading ? is allowed. nil: there are none.
func Query(arena *fastjson.Arena, text string) *fastjson.Value {
	return pairs(arena, strings.TrimPrefix(text, "?"), decoded)
}

// mostPairs is how many parameters of a query are made: beyond it, what reads them would
// take long. The URL itself has them all.
const mostPairs = 1000

// How keys and values of a query are shown.
const (
	asWritten = false
	decoded   = true
)

func pairs(arena *fastjson.Arena, query string, decode bool) *fastjson.Value {
	var out *fastjson.Value
	seen := map[string]int{}
	for n := 0; query != "" && n < mostPairs; n++ {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		name, text, _ := strings.Cut(pair, "=")
		if decode {
			name, text = unescaped(name), unescaped(text)
			if text == "" {
				continue
			}
		}
		if name == "" {
			continue
		}
		if out == nil {
			out = arena.NewObject()
		}
		addPair(arena, out, name, value.String(arena, text), seen[name])
		seen[name]++
	}
	return out
}

func addPair(arena *fastjson.Arena, out *fastjson.Value, name string, v *fastjson.Value, before int) {
	switch there := out.Get(name); before {
	case 0:
		out.Set(name, v)
	case 1:
		list := arena.NewArray()
		list.SetArrayItem(0, there)
		list.SetArrayItem(1, v)
		out.Set(name, list)
	default:
		there.SetArrayItem(before, v)
	}
}

// unescaped decodes a part of a query; one that is escaped wrongly stays as it is.
func unescaped(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

// Unescape decodes percent escapes and leaves + alone. Escapes that are wrong stay as
// they are.
func Unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
