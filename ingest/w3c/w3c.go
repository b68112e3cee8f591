package w3c

import (
	"strings"

	"nightjar/schema"
)

// Fields are the fields of a log, as JSON, in the order of its lines; nil: none are named.
type Fields []string

// directive begins the line that names the fields.
const directive = "#Fields:"

// IsHead reports whether a text begins as such a log does.
func IsHead(text string) bool {
	line, _, _ := strings.Cut(text, "\n")
	return strings.HasPrefix(line, "#Software:") || strings.HasPrefix(line, "#Version:") || strings.HasPrefix(line, directive)
}

// IsDirective reports whether a line is one. Named are the fields that it names; nil: it
// names none.
func IsDirective(line string) (named Fields, is bool) {
	if !strings.HasPrefix(line, "#") {
		return nil, false
	}
	if names, ok := strings.CutPrefix(line, directive); ok {
		for _, name := range strings.Fields(names) {
			named = append(named, schema.QuoteJSON(name))
		}
	}
	return named, true
}

// Append appends a line as a JSON object with the line itself as its message, and its
// date and time, which are in UTC, as its time. What is unknown (-) is no member. not ok:
// the line has not as many values as there are fields, or none are named.
func (f Fields) Append(to []byte, line string) (object []byte, ok bool) {
	values := strings.Fields(line)
	if len(f) == 0 || len(values) != len(f) {
		return to, false
	}
	to = append(append(to, `{"message":`...), schema.QuoteJSON(line)...)
	date, clock := "", ""
	for i, v := range values {
		switch {
		case f[i] == `"date"`:
			date = v
			continue
		case f[i] == `"time"`:
			clock = v
			continue
		case v == "-":
			continue
		}
		to = append(append(append(to, ','), f[i]...), ':')
		to = append(to, schema.QuoteJSON(v)...)
	}
	if date != "" && clock != "" {
		to = append(append(to, `,"@timestamp":`...), schema.QuoteJSON(date+"T"+clock+"Z")...)
	}
	return append(to, '}'), true
}
