package files

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// zeekHead is how Zeek's logs of columns begin.
const zeekHead = "#separator "

// zeekLog is what the lines with # say of the columns below them.
type zeekLog struct {
	separator, setSeparator string
	empty, unset            string
	path                    []byte // as JSON
	names                   [][]byte
	types                   []string
}

// zeek gives each row of one of Zeek's logs as the object that Zeek itself would
// have written as JSON, with the log's name under _path. What is unset is no member.
func (r *reading) zeek(path string, in *bufio.Reader) error {
	log := zeekLog{separator: "\t", setSeparator: ",", empty: "(empty)", unset: "-"}
	var text []byte
	return r.eachLine(path, in, func(n int, line []byte, open bool) error {
		if line[0] == '#' {
			log.head(string(line))
			return nil
		}
		var err error
		if text, err = log.row(text[:0], string(line)); err != nil {
			return placed(path, n, err)
		}
		return r.use(Record{Place: Place{path, n}, JSON: true, Text: text, Open: open})
	})
}

// head reads one of the lines that describe the log. The first says what separates
// its own words from the others'.
func (z *zeekLog) head(line string) {
	if s, ok := strings.CutPrefix(line, zeekHead); ok {
		z.separator = unescapeZeek(s)
		return
	}
	words := strings.Split(line, z.separator)
	value := words[len(words)-1]
	switch words[0] {
	case "#set_separator":
		z.setSeparator = unescapeZeek(value)
	case "#empty_field":
		z.empty = value
	case "#unset_field":
		z.unset = value
	case "#path":
		z.path = appendText(nil, value)
	case "#types":
		z.types = words[1:]
	case "#fields":
		z.names = z.names[:0]
		for _, name := range words[1:] {
			z.names = append(z.names, appendText(nil, name))
		}
	}
}

var errNoFields = errors.New("a row of a Zeek log before #fields and #types have named its columns")

func (z *zeekLog) row(to []byte, line string) ([]byte, error) {
	values := strings.Split(line, z.separator)
	switch {
	case len(z.names) == 0 || len(z.types) != len(z.names):
		return to, errNoFields
	case len(values) != len(z.names):
		return to, fmt.Errorf("%d values for %d columns", len(values), len(z.names))
	}
	to = append(to, '{')
	if z.path != nil {
		to = append(append(to, `"_path":`...), z.path...)
	}
	for i, v := range values {
		if v == z.unset {
			continue
		}
		if len(to) > 1 {
			to = append(to, ',')
		}
		to = append(append(to, z.names[i]...), ':')
		to = z.value(to, z.types[i], v)
	}
	return append(to, '}'), nil
}

// value writes a value of a column's type. One that is not what the type says is
// text.
func (z *zeekLog) value(to []byte, kind, v string) []byte {
	if inner, ok := elementsOf(kind); ok {
		to = append(to, '[')
		if v != z.empty {
			for i, e := range strings.Split(v, z.setSeparator) {
				if i > 0 {
					to = append(to, ',')
				}
				to = z.scalar(to, inner, e)
			}
		}
		return append(to, ']')
	}
	return z.scalar(to, kind, v)
}

func (z *zeekLog) scalar(to []byte, kind, v string) []byte {
	switch kind {
	case "bool":
		if v == "T" || v == "F" {
			return strconv.AppendBool(to, v == "T")
		}
	case "count", "int", "port", "time", "interval", "double":
		if c := v[len(v)-min(len(v), 1):]; c >= "0" && c <= "9" && json.Valid([]byte(v)) {
			return append(to, v...)
		}
	}
	if v == z.empty {
		return append(to, `""`...)
	}
	return appendText(to, unescapeZeek(v))
}

// elementsOf is the type of what a set or vector holds.
func elementsOf(kind string) (string, bool) {
	for _, prefix := range []string{"set[", "vector[", "table["} {
		if inner, ok := strings.CutPrefix(kind, prefix); ok {
			return strings.TrimSuffix(inner, "]"), true
		}
	}
	return "", false
}

// unescapeZeek reads \x09.
func unescapeZeek(s string) string {
	if !strings.Contains(s, `\x`) {
		return s
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, `\x`)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		c, err := strconv.ParseUint(after[:min(2, len(after))], 16, 8)
		if err != nil || len(after) < 2 {
			b.WriteString(`\x`)
			s = after
			continue
		}
		b.WriteByte(byte(c))
		s = after[2:]
	}
}
