package files

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"strings"

	"nightjar/ingest/flowlog"
	"nightjar/ingest/w3c"
)

// form is how the records stand in a text.
type form int

const (
	// rawLines are log lines; one that is a JSON object is one all the same.
	rawLines form = iota
	// jsonLines are JSON objects, one a line.
	jsonLines
	// jsonText is JSON over several lines: an array, or values one after the other.
	jsonText
	// separated are rows of columns whose names stand in the first.
	separated
	// auditRecords are lines of auditd, several an event.
	auditRecords
	// zeekRows are rows of columns that lines with # describe.
	zeekRows
	// flowRows are lines of a VPC flow log, of which the first names the fields.
	flowRows
	// w3cRows are lines of which the directive #Fields names the fields.
	w3cRows
)

// records reads the text in the form that it has.
func (r *reading) records(path string, in *bufio.Reader) error {
	head, err := in.Peek(lookAhead)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return placed(path, 1, err)
	}
	if r.follow != nil {
		r.follow.known = true
	}
	switch formOf(path, head) {
	case separated:
		return r.csv(path, in, delimiterOf(path))
	case jsonText:
		s := &jsonReader{reading: r, path: path, in: in, line: 1, live: r.follow != nil}
		return s.values()
	case jsonLines:
		return r.lines(path, in, asJSON)
	case auditRecords:
		return r.auditd(path, in)
	case zeekRows:
		return r.zeek(path, in)
	case flowRows:
		return r.flows(path, in)
	case w3cRows:
		return r.w3c(path, in)
	}
	return r.lines(path, in, asText)
}

// formOf tells the form by the name and the beginning of a text.
func formOf(path string, head []byte) form {
	text := bytes.TrimLeft(head, " \t\r\n")
	if bytes.HasPrefix(text, []byte(zeekHead)) {
		return zeekRows // whatever it is called
	}
	if delimiterOf(path) != 0 {
		return separated
	}
	if len(text) == 0 {
		return rawLines
	}
	first, _, whole := bytes.Cut(text, []byte("\n"))
	whole = whole || len(head) < lookAhead
	if isAudit(first) {
		return auditRecords
	}
	if w3c.IsHead(string(first)) {
		return w3cRows
	}
	if whole && flowlog.Head(string(first)) != nil {
		return flowRows
	}
	next := byte(0)
	if behind := bytes.TrimLeft(text[1:], " \t\r\n"); len(behind) > 0 {
		next = behind[0]
	}
	switch {
	case text[0] == '{' && whole && json.Valid(first):
		return jsonLines
	case text[0] == '{' && (next == '"' || next == '}' || next == 0):
		return jsonText
	case text[0] == '[' && whole && json.Valid(first) && next == '{':
		return jsonLines
	case text[0] == '[' && (next == '{' || next == ']'):
		return jsonText
	}
	return rawLines
}

// delimiterOf is what separates the columns of a file of this name; 0: it has none.
func delimiterOf(path string) rune {
	name := strings.ToLower(path[strings.LastIndexByte(path, '!')+1:])
	for _, packed := range []string{".gz", ".zst", ".bz2", ".xz"} {
		name = strings.TrimSuffix(name, packed)
	}
	switch filepath.Ext(name) {
	case ".csv":
		return ','
	case ".tsv":
		return '\t'
	}
	return 0
}

func placed(path string, line int, err error) error {
	return &PlaceError{Place: Place{Path: path, Line: line}, Err: err}
}
