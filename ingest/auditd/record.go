package auditd

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// Record is one line.
type Record struct {
	// Type is its name, such as SYSCALL; a number where there is no name for it.
	Type string
	// Node is the host that the record is of; empty: not said.
	Node string
	// Millis is its time, since 1970, and Serial its event's number on the node.
	Millis int64
	Serial uint64
	// Fields are in the order of the line. What the kernel and auditd wrote counts
	// before what a program put into its message: of a name that comes twice, only
	// the first is there.
	Fields []Field
}

// Field is one value. Decoded says that it stood there in hexadecimal.
type Field struct {
	Name, Value string
	Decoded     bool
}

// Get is the value of a field.
func (r *Record) Get(name string) string {
	for _, f := range r.Fields {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// separator stands before what auditd adds in capitals, in its enriched form.
const separator = "\x1d"

// Parse reads a record, with what syslog may have put before it. Not ok: the line is
// none.
func Parse(line string) (r Record, ok bool) {
	rest := line
	for {
		i := strings.Index(rest, "type=")
		if i < 0 || len(line)-len(rest)+i > 512 {
			return r, false
		}
		if i == 0 || rest[i-1] == ' ' {
			r.Node = nodeOf(line[:len(line)-len(rest)+i])
			rest = rest[i+len("type="):]
			break
		}
		rest = rest[i+1:]
	}
	kind, rest, ok := strings.Cut(rest, " ")
	if !ok || kind == "" {
		return r, false
	}
	r.Type = nameOf(kind)
	rest, ok = strings.CutPrefix(strings.TrimPrefix(strings.TrimLeft(rest, " "), "msg="), "audit(")
	if !ok {
		return r, false
	}
	stamp, rest, ok := strings.Cut(rest, ")")
	if !ok || !r.stamp(stamp) {
		return r, false
	}
	rest = strings.TrimPrefix(strings.TrimLeft(rest, " "), ":")
	r.fields(strings.TrimRight(rest, "\r\n"))
	return r, true
}

// nodeOf is the node in what stands before the type.
func nodeOf(head string) string {
	if i := strings.LastIndex(head, "node="); i >= 0 && (i == 0 || head[i-1] == ' ') {
		node, _, _ := strings.Cut(head[i+len("node="):], " ")
		return node
	}
	return ""
}

// stamp reads 1364481363.243:24287.
func (r *Record) stamp(s string) bool {
	at, serial, ok := strings.Cut(s, ":")
	seconds, fraction, dotted := strings.Cut(at, ".")
	if !ok || dotted && len(fraction) != 3 {
		return false
	}
	sec, err := strconv.ParseUint(seconds, 10, 40)
	milli, errMilli := strconv.ParseUint("0"+fraction, 10, 16)
	n, errSerial := strconv.ParseUint(serial, 10, 64)
	if err != nil || errMilli != nil || errSerial != nil {
		return false
	}
	r.Millis, r.Serial = int64(sec)*1000+int64(milli), n
	return true
}

// fields reads name=value, quoted or not, and a message of a program, whose own
// fields stand in single quotes. Words between them say nothing, but in what SELinux
// and AppArmor write.
func (r *Record) fields(s string) {
	s = strings.ReplaceAll(s, separator, " ")
	for s = strings.TrimLeft(s, " "); s != ""; s = strings.TrimLeft(s, " ") {
		end := strings.IndexAny(s, " =")
		if end < 0 || s[end] == ' ' {
			word := s
			if end >= 0 {
				word = s[:end]
			}
			s = r.word(word, s[len(word):])
			continue
		}
		name := s[:end]
		s = r.value(name, s[end+1:])
	}
}

// word reads what is no field: avc:  denied  { read } for.
func (r *Record) word(word, rest string) string {
	switch {
	case word == "denied" || word == "granted":
		r.put(Field{Name: "seresult", Value: word})
	case word == "{":
		if permissions, after, ok := strings.Cut(rest, "}"); ok {
			r.put(Field{Name: "seperms", Value: strings.TrimSpace(permissions)})
			return after
		}
	}
	return rest
}

func (r *Record) value(name, s string) (rest string) {
	switch {
	case strings.HasPrefix(s, `"`):
		value, rest, _ := strings.Cut(s[1:], `"`)
		r.put(Field{Name: name, Value: value})
		return rest
	case strings.HasPrefix(s, "'"):
		end := strings.LastIndexByte(s, '\'')
		if end == 0 {
			end = len(s)
		}
		r.fields(s[1:end])
		return s[min(end+1, len(s)):]
	}
	value, rest, _ := strings.Cut(s, " ")
	r.put(r.decoded(name, value))
	return rest
}

func (r *Record) put(f Field) {
	for _, have := range r.Fields {
		if have.Name == f.Name {
			return
		}
	}
	if isName(f.Name) && len(r.Fields) < maxFields {
		r.Fields = append(r.Fields, f)
	}
}

// isName reports whether a field may be called so.
func isName(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && strings.IndexByte("_-[]", c) < 0 {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// maxFields bounds the fields of a record: an EXECVE has one for each argument, and
// the kernel splits those of many.
const maxFields = 4096

// encoded are the fields that are written in hexadecimal when there is more in them
// than plain letters.
var encoded = map[string]bool{
	"name": true, "comm": true, "ocomm": true, "exe": true, "cwd": true, "proctitle": true, "key": true, "acct": true, "path": true,
	"dir": true, "file": true, "cmd": true, "data": true, "watch": true, "device": true, "sw": true, "root_dir": true,
}

// decoded is an unquoted value; what was encoded is decoded.
func (r *Record) decoded(name, value string) Field {
	f := Field{Name: name, Value: value}
	if !encoded[name] && !(r.Type == "EXECVE" && isArgument(name)) {
		return f
	}
	if text, ok := unhex(value); ok {
		f.Value, f.Decoded = text, true
	}
	return f
}

// isArgument tells a0 and a1[2] from a1_len.
func isArgument(name string) bool {
	_, _, ok := argument(name)
	return ok
}

// argument reads the number of an argument, and of a piece of it; −1: it is whole.
func argument(name string) (n, piece int, ok bool) {
	digits, found := strings.CutPrefix(name, "a")
	if !found {
		return 0, 0, false
	}
	piece = -1
	if before, after, split := strings.Cut(digits, "["); split {
		var err error
		if piece, err = strconv.Atoi(strings.TrimSuffix(after, "]")); err != nil || piece < 0 {
			return 0, 0, false
		}
		digits = before
	}
	n, err := strconv.Atoi(digits)
	return n, piece, err == nil && n >= 0
}

// unhex decodes upper-case hexadecimal. Between arguments stands NUL, which becomes
// a blank.
func unhex(s string) (string, bool) {
	if len(s) < 2 || len(s)%2 != 0 || strings.Trim(s, "0123456789ABCDEF") != "" {
		return "", false
	}
	b, err := hex.DecodeString(s)
	if err != nil {
		return "", false
	}
	return strings.ReplaceAll(strings.TrimRight(string(b), "\x00"), "\x00", " "), true
}

// Arguments are those of an EXECVE.
func (r *Record) Arguments() []string {
	var out []string
	for _, f := range r.Fields {
		n, piece, ok := argument(f.Name)
		if !ok || n >= maxFields {
			continue
		}
		for len(out) <= n {
			out = append(out, "")
		}
		if piece <= 0 {
			out[n] = f.Value
		} else {
			out[n] += f.Value
		}
	}
	return out
}
