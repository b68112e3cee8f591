package pipeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// readJSON reads a text that is one value.
func readJSON(text string) (*node, *Problem) {
	text = strings.TrimPrefix(text, "\ufeff")
	r := jsonReader{text: text, decoder: json.NewDecoder(strings.NewReader(text))}
	r.decoder.UseNumber()
	n, err := r.value(0)
	if err == nil {
		if _, more := r.decoder.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows the end of the document")
		}
	}
	if err == nil {
		return n, nil
	}
	at := int(r.decoder.InputOffset())
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		at = int(syntax.Offset)
	}
	line, column := r.place(min(at, len(text)))
	message := err.Error()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		message = "the text ends within the document"
	}
	return nil, &Problem{Line: line, Column: column, Message: "this is no JSON: " + message}
}

type jsonReader struct {
	text    string
	decoder *json.Decoder
	nodes   int
	// counted is up to where lines were counted, line the number there, and begun
	// where that line begins.
	counted, line, begun int
}

// place is the line and column of an offset; offsets must be asked for in ascending order.
func (r *jsonReader) place(offset int) (line, column int) {
	if offset < r.counted {
		r.counted, r.line, r.begun = 0, 0, 0
	}
	between := r.text[r.counted:offset]
	r.line += strings.Count(between, "\n")
	if i := strings.LastIndexByte(between, '\n'); i >= 0 {
		r.begun = r.counted + i + 1
	}
	r.counted = offset
	return r.line + 1, utf8.RuneCountInString(r.text[r.begun:offset]) + 1
}

// next is the offset at which the next token begins.
func (r *jsonReader) next() (line, column int) {
	at := int(r.decoder.InputOffset())
	for at < len(r.text) && bytes.IndexByte([]byte(" \t\r\n,:"), r.text[at]) >= 0 {
		at++
	}
	return r.place(at)
}

func (r *jsonReader) value(depth int) (*node, error) {
	if r.nodes++; r.nodes > maxNodes {
		return nil, errors.New("the document has too many values")
	}
	if depth > maxNesting {
		return nil, errors.New("the document is nested too deep")
	}
	n := &node{indent: -1}
	n.line, n.column = r.next()
	token, err := r.decoder.Token()
	if err != nil {
		return nil, err
	}
	switch token := token.(type) {
	case string:
		n.kind, n.text = textNode, token
	case json.Number:
		n.kind, n.text = numberNode, token.String()
	case bool:
		n.kind, n.text = flagNode, "false"
		if token {
			n.text = "true"
		}
	case json.Delim:
		return n, r.inside(n, token, depth)
	}
	return n, nil
}

// inside reads what is in a list or an object, and its end.
func (r *jsonReader) inside(n *node, opened json.Delim, depth int) error {
	n.kind = listNode
	if opened == '{' {
		n.kind = objectNode
	}
	for r.decoder.More() {
		m := member{}
		if n.kind == objectNode {
			m.line, m.column = r.next()
			key, err := r.decoder.Token()
			if err != nil {
				return err
			}
			m.key, _ = key.(string)
		}
		value, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		if m.value = value; n.kind == objectNode {
			n.members = append(n.members, m)
		} else {
			n.items = append(n.items, value)
		}
	}
	_, err := r.decoder.Token()
	return err
}
