package grok

import (
	"strconv"
	"strings"

	"github.com/valyala/fastjson"

	"nightjar/ingest/pipeline/value"
)

// The filters cef and leef are ours: both formats have spaces in values, and escapes,
// which keyvalue has no words for.

// parseCEF reads a line of the Common Event Format (ArcSight, Implementing CEF, version
// 25): seven fields of a header, in which | and \ are escaped by \, and extensions.
func parseCEF(c *Context, s string) *fastjson.Value {
	a := c.Arena
	s, ok := strings.CutPrefix(s, "CEF:")
	if !ok {
		return nil
	}
	fields, rest := header(strings.TrimLeft(s, " "), 7)
	if len(fields) < 7 {
		return nil
	}
	out := a.NewObject()
	for i, name := range [...]string{"version", "device_vendor", "device_product", "device_version", "event_class_id", "name", "severity"} {
		if fields[i] != "" {
			out.Set(name, value.String(a, fields[i]))
		}
	}
	set(c, out, "extensions", extensions(rest))
	return out
}

// parseLEEF reads a line of the Log Event Extended Format: five fields of a header, in
// version 2.0 the delimiter of its attributes (a character, or its number as x5E or
// 0x5E), and those, each as name=value.
func parseLEEF(c *Context, s string) *fastjson.Value {
	a := c.Arena
	s, ok := strings.CutPrefix(s, "LEEF:")
	if !ok {
		return nil
	}
	fields, rest := header(s, 5)
	if len(fields) < 5 {
		return nil
	}
	out := a.NewObject()
	for i, name := range [...]string{"version", "device_vendor", "device_product", "device_version", "event_id"} {
		if fields[i] != "" {
			out.Set(name, value.String(a, fields[i]))
		}
	}
	delimiter := "\t"
	if strings.HasPrefix(fields[0], "2") {
		if field, after, ok := strings.Cut(rest, "|"); ok {
			if d, is := leefDelimiter(field); is {
				delimiter, rest = d, after
			}
		}
	}
	pairs := []pair{}
	if delimiter == "\t" && !strings.Contains(rest, "\t") {
		pairs = extensions(rest) // some write spaces
	} else {
		for part := range strings.SplitSeq(rest, delimiter) {
			if key, text, ok := strings.Cut(part, "="); ok && strings.TrimSpace(key) != "" {
				pairs = append(pairs, pair{strings.TrimSpace(key), strings.TrimSpace(text)})
			}
		}
	}
	set(c, out, "attributes", pairs)
	return out
}

// leefDelimiter reads the field that names it; empty is a tab.
func leefDelimiter(field string) (string, bool) {
	if len([]rune(field)) == 1 {
		return field, true
	}
	digits, ok := strings.CutPrefix(strings.ToLower(strings.TrimPrefix(field, "0")), "x")
	if n, err := strconv.ParseUint(digits, 16, 16); ok && err == nil && n > 0 {
		return string(rune(n)), true
	}
	return "\t", field == "" || field == `\t`
}

// header cuts n fields that | ends, of which the last may end the text. Fewer: there
// are not as many.
func header(s string, n int) (fields []string, rest string) {
	var field strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s) && (s[i+1] == '|' || s[i+1] == '\\'):
			i++
			field.WriteByte(s[i])
		case c == '|':
			fields = append(fields, strings.TrimSpace(field.String()))
			field.Reset()
			if len(fields) == n {
				return fields, s[i+1:]
			}
		default:
			field.WriteByte(c)
		}
	}
	return append(fields, strings.TrimSpace(field.String())), ""
}

// pair is one extension.
type pair struct{ key, value string }

// extensions reads "key=value key=value", where a value may have spaces: it ends before
// the next word that an = follows. In values \= is =, \\ is \, \n and \r end lines.
func extensions(s string) (out []pair) {
	key, from := "", 0 // of the value that is under way
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '=':
			start := i
			for start > from && isExtensionKey(s[start-1]) {
				start--
			}
			if start == i || start > 0 && s[start-1] != ' ' && s[start-1] != '\t' {
				continue
			}
			if key != "" {
				out = append(out, pair{key, unescaped(strings.TrimSpace(s[from:start]))})
			}
			key, from = s[start:i], i+1
		}
	}
	if key != "" {
		out = append(out, pair{key, unescaped(strings.TrimSpace(s[from:]))})
	}
	return out
}

func isExtensionKey(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("_.-[]", c) >= 0
}

func unescaped(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			switch s[i+1] {
			case 'n':
				i++
				b.WriteByte('\n')
				continue
			case 'r':
				i++
				b.WriteByte('\r')
				continue
			case '=', '\\', '|':
				i++
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// set stores pairs below a key, and below "labels" those that have a label (cs1Label)
// under the name that this gives them. Empty values are left out.
func set(c *Context, out *fastjson.Value, key string, pairs []pair) {
	a := c.Arena
	all, labels := a.NewObject(), a.NewObject()
	values := make(map[string]string, len(pairs))
	for _, p := range pairs {
		if p.value != "" && c.room() {
			values[p.key] = p.value
			all.Set(p.key, value.String(a, p.value))
		}
	}
	for _, p := range pairs {
		labelled, ok := strings.CutSuffix(p.key, "Label")
		if v, has := values[labelled]; ok && has && p.value != "" && c.room() {
			labels.Set(strings.NewReplacer(" ", "_", ".", "_").Replace(p.value), value.String(a, v))
		}
	}
	if all.GetObject().Len() > 0 {
		out.Set(key, all)
	}
	if labels.GetObject().Len() > 0 {
		out.Set("labels", labels)
	}
}
