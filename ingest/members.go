package ingest

import (
	"bytes"
	"encoding/json"
)

// Members visits the members of the object that begins at body[at], each with its
// name and its value as it is written, and returns where the object ends. It looks
// only at what it needs: whether a value is JSON, the Decoder finds out. Not ok: there
// is no object, or it does not go on as objects do, at end.
func Members(body []byte, at int, visit func(name string, value []byte)) (end int, ok bool) {
	if at >= len(body) || body[at] != '{' {
		return at, false
	}
	at = skipSpace(body, at+1)
	if at < len(body) && body[at] == '}' {
		return at + 1, true
	}
	for at < len(body) && body[at] == '"' {
		nameEnd := endOfText(body, at)
		name, ok := nameOf(body[at:nameEnd])
		if !ok {
			return at, false
		}
		if at = skipSpace(body, nameEnd); at >= len(body) || body[at] != ':' {
			return at, false
		}
		at = skipSpace(body, at+1)
		valueEnd := skipJSON(body, at)
		if valueEnd == at {
			return at, false
		}
		visit(name, body[at:valueEnd])
		if at = skipSpace(body, valueEnd); at >= len(body) {
			return at, false
		}
		switch body[at] {
		case '}':
			return at + 1, true
		case ',':
			at = skipSpace(body, at+1)
		default:
			return at, false
		}
	}
	return at, false
}

// nameOf is what stands in quotes; not ok: it is no string.
func nameOf(quoted []byte) (name string, ok bool) {
	if len(quoted) >= 2 && quoted[len(quoted)-1] == '"' && bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1]), true
	}
	err := json.Unmarshal(quoted, &name)
	return name, err == nil
}

// SkipSpace is where JSON goes on behind the blanks at body[at:].
func SkipSpace(body []byte, at int) int { return skipSpace(body, at) }
