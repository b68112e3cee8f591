package ingest

import (
	"strings"

	"github.com/valyala/fastjson"

	"nightjar/schema"
)

// redacted is a text without what a pipeline redacted. In JSON the same may be written
// with other escapes, and JSON may stand in the strings of JSON: each string is looked at
// as it is meant, and the whole as it is written.
func redacted(text string, without func(string) string) string {
	return without(redactedStrings(text, without, 0))
}

// maxFolds is how many times JSON may stand in JSON and still be looked into.
const maxFolds = 4

// redactedStrings is the text, if it is a JSON object or array, with every string
// redacted; written anew only where that changes something.
func redactedStrings(text string, without func(string) string, folds int) string {
	trimmed := strings.TrimSpace(text)
	if folds > maxFolds || len(trimmed) < 2 || trimmed[0] != '{' && trimmed[0] != '[' {
		return text
	}
	var p fastjson.Parser
	v, err := p.Parse(trimmed)
	if err != nil {
		return text
	}
	w := redactor{without: without, folds: folds}
	w.value(v)
	if !w.changed {
		return text
	}
	return string(w.out)
}

type redactor struct {
	without func(string) string
	folds   int
	out     []byte
	changed bool
}

func (w *redactor) value(v *fastjson.Value) {
	switch v.Type() {
	case fastjson.TypeString:
		w.text(string(v.GetStringBytes()))
	case fastjson.TypeNumber:
		written := string(v.MarshalTo(nil))
		if w.without(written) != written {
			w.text(written)
			return
		}
		w.out = append(w.out, written...)
	case fastjson.TypeArray:
		w.out = append(w.out, '[')
		for i, e := range v.GetArray() {
			w.comma(i)
			w.value(e)
		}
		w.out = append(w.out, ']')
	case fastjson.TypeObject:
		w.out = append(w.out, '{')
		i := 0
		v.GetObject().Visit(func(k []byte, e *fastjson.Value) {
			w.comma(i)
			i++
			w.text(string(k))
			w.out = append(w.out, ':')
			w.value(e)
		})
		w.out = append(w.out, '}')
	default:
		w.out = v.MarshalTo(w.out)
	}
}

func (w *redactor) comma(i int) {
	if i > 0 {
		w.out = append(w.out, ',')
	}
}

// text writes a string, redacted.
func (w *redactor) text(s string) {
	out := w.without(redactedStrings(s, w.without, w.folds+1))
	w.changed = w.changed || out != s
	w.out = append(w.out, schema.QuoteJSON(out)...)
}
