package flowlog

import (
	"strings"

	"nightjar/schema"
)

// Fields are the fields of a log, in the order of its lines.
type Fields []field

type field struct {
	key    string // as JSON
	number bool
}

// numbers are the fields that hold numbers.
var numbers = map[string]bool{
	"version": true, "srcport": true, "dstport": true, "protocol": true, "packets": true, "bytes": true,
	"start": true, "end": true, "tcp-flags": true, "traffic-path": true,
}

// telling are fields of which a first line has some; no line of values has their names.
var telling = map[string]bool{
	"account-id": true, "interface-id": true, "srcaddr": true, "dstaddr": true, "pkt-srcaddr": true, "pkt-dstaddr": true,
	"action": true, "log-status": true, "vpc-id": true, "subnet-id": true, "instance-id": true, "flow-direction": true,
}

// fewest is how many of those a first line has at least.
const fewest = 2

// Head reads a line that names the fields; nil: it is no such line.
func Head(line string) Fields {
	names := strings.Fields(line)
	told := 0
	for _, name := range names {
		if telling[name] {
			told++
		}
	}
	if told < fewest {
		return nil
	}
	fields := make(Fields, len(names))
	for i, name := range names {
		if !isName(name) {
			return nil
		}
		fields[i] = field{schema.QuoteJSON(name), numbers[name]}
	}
	return fields
}

func isName(text string) bool {
	for i := range len(text) {
		if c := text[i]; (c < 'a' || c > 'z') && c != '-' && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// Append appends a line as a JSON object with the line itself as its message. What is
// unknown (-) is no member. not ok: the line has not as many values as there are fields,
// or there are none.
func (f Fields) Append(to []byte, line string) (object []byte, ok bool) {
	if len(f) == 0 {
		return to, false
	}
	values := strings.Fields(line)
	if len(values) != len(f) {
		return to, false
	}
	to = append(append(to, `{"message":`...), schema.QuoteJSON(line)...)
	for i, v := range values {
		if v == "-" {
			continue
		}
		to = append(append(append(to, ','), f[i].key...), ':')
		if f[i].number && isNumber(v) {
			to = append(to, v...)
		} else {
			to = append(to, schema.QuoteJSON(v)...)
		}
	}
	return append(to, '}'), true
}

// isNumber reports whether JSON would write it so.
func isNumber(v string) bool {
	if len(v) == 0 || len(v) > 18 || v[0] == '0' && len(v) > 1 {
		return false
	}
	for i := range len(v) {
		if v[i] < '0' || v[i] > '9' {
			return false
		}
	}
	return true
}
