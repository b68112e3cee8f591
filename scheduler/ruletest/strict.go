package ruletest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"nightjar/schema"
)

// MistakeError is what is wrong in a file, and where.
type MistakeError struct {
	Line, Column int
	Message      string
}

func (m *MistakeError) Error() string { return fmt.Sprintf("%d:%d: %s", m.Line, m.Column, m.Message) }

func mistake(n *yaml.Node, format string, args ...any) *MistakeError {
	return &MistakeError{n.Line, n.Column, fmt.Sprintf(format, args...)}
}

// place is embedded by what has to say later where it was written.
type place struct{ node *yaml.Node }

func (p *place) setPlace(n *yaml.Node) { p.node = n }

// fromYAML is what decodes itself.
type fromYAML interface{ fromYAML(*yaml.Node) error }

// decode reads a node into what `into` points to. Unlike the library's own
// decoding it takes no key that the target lacks, and every mistake has a line
// and a column; it gives all of them. The names of fields are those of their
// json tags.
func decode(n *yaml.Node, into any) error {
	d := decoder{left: maxNodes}
	d.value(n, reflect.ValueOf(into).Elem())
	return errors.Join(d.mistakes...)
}

// maxNodes bounds what aliases can blow up a document to.
const maxNodes = 1 << 20

type decoder struct {
	mistakes []error
	left     int
}

func (d *decoder) bad(err error) { d.mistakes = append(d.mistakes, err) }

func (d *decoder) value(n *yaml.Node, v reflect.Value) {
	if d.left--; d.left < 0 {
		if d.left == -1 {
			d.bad(mistake(n, "the document is too large; do aliases stand in each other?"))
		}
		return
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if p, ok := v.Addr().Interface().(interface{ setPlace(*yaml.Node) }); ok {
		p.setPlace(n)
	}
	if own, ok := v.Addr().Interface().(fromYAML); ok {
		if err := own.fromYAML(n); err != nil {
			d.bad(err)
		}
		return
	}
	if v.Type() == reflect.TypeFor[json.RawMessage]() {
		text, err := toJSON(n)
		if err != nil {
			d.bad(err)
		}
		v.SetBytes(text)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if n.Tag != "!!null" {
			v.Set(reflect.New(v.Type().Elem()))
			d.value(n, v.Elem())
		}
	case reflect.Struct:
		d.object(n, v)
	case reflect.Slice:
		d.list(n, v)
	default:
		d.scalar(n, v)
	}
}

func (d *decoder) list(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.bad(mistake(n, "want a list here, got %s", kindOf(n)))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, e := range n.Content {
		d.value(e, v.Index(i))
	}
}

func (d *decoder) object(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.bad(mistake(n, "want a mapping with some of %s here, got %s", strings.Join(fieldNames(v.Type()), ", "), kindOf(n)))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		field, ok := fieldNamed(v, key.Value)
		switch {
		case key.Kind == yaml.ScalarNode && !ok && isKnown(v, key.Value):
			// the reference's servers say it, and it means nothing
		case key.Kind != yaml.ScalarNode || !ok:
			names := fieldNames(v.Type())
			d.bad(mistake(key, "%s; there are %s", schema.UnknownKey("", key.Value, names, nil).Message, strings.Join(names, ", ")))
		case seen[key.Value]:
			d.bad(mistake(key, "key %q is there twice", key.Value))
		default:
			d.value(value, field)
		}
		seen[key.Value] = true
	}
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		d.bad(mistake(n, "want %s here, got %s", wanted(v.Kind()), kindOf(n)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(n.Value)
		return
	case reflect.Bool:
		if n.Tag == "!!bool" {
			v.SetBool(strings.EqualFold(n.Value, "true"))
			return
		}
	case reflect.Int, reflect.Int64:
		if i, err := strconv.ParseInt(n.Value, 0, 64); err == nil && n.Tag == "!!int" {
			v.SetInt(i)
			return
		}
	case reflect.Uint64:
		if i, err := strconv.ParseUint(n.Value, 0, 64); err == nil && n.Tag == "!!int" {
			v.SetUint(i)
			return
		}
	}
	d.bad(mistake(n, "want %s here, got %q", wanted(v.Kind()), n.Value))
}

func wanted(k reflect.Kind) string {
	switch k {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	}
	return "a whole number"
}

func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "nothing"
	}
	return strconv.Quote(n.Value)
}

// isKnown tells a key that is no field and no mistake.
func isKnown(v reflect.Value, name string) bool {
	k, ok := v.Addr().Interface().(interface{ KnownKeys() []string })
	return ok && slices.Contains(k.KnownKeys(), name)
}

// fieldNamed is the field with this json tag.
func fieldNamed(v reflect.Value, name string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if tag, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ","); tag == name && tag != "" && tag != "-" {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func fieldNames(t reflect.Type) []string {
	var out []string
	for i := range t.NumField() {
		if tag, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); tag != "" && tag != "-" {
			out = append(out, tag)
		}
	}
	return out
}

// YAMLToJSON is the one document of a text in YAML as JSON. Mistakes have a place
// (MistakeError), and what nests aliases in aliases without end is one.
func YAMLToJSON(text []byte) (json.RawMessage, error) {
	if len(text) > maxFile {
		return nil, fmt.Errorf("larger than %d bytes", maxFile)
	}
	root, err := document(text)
	if err != nil {
		return nil, err
	}
	return toJSON(root)
}

// toJSON is the node as JSON. Numbers keep their digits, and what YAML takes for
// a date is the text that was written.
func toJSON(n *yaml.Node) (json.RawMessage, error) {
	left := maxNodes
	return appendJSON(nil, n, &left)
}

func appendJSON(out []byte, n *yaml.Node, left *int) ([]byte, error) {
	if *left--; *left < 0 || len(out) > maxFile {
		return nil, mistake(n, "the value is too large; do aliases stand in each other?")
	}
	switch n.Kind {
	case yaml.AliasNode:
		return appendJSON(out, n.Alias, left)
	case yaml.SequenceNode:
		return appendJSONList(out, n, left)
	case yaml.MappingNode:
		return appendJSONObject(out, n, left)
	case yaml.ScalarNode:
		return appendJSONScalar(out, n), nil
	}
	return nil, mistake(n, "there is nothing here")
}

func appendJSONList(out []byte, n *yaml.Node, left *int) (_ []byte, err error) {
	out = append(out, '[')
	for i, e := range n.Content {
		if i > 0 {
			out = append(out, ',')
		}
		if out, err = appendJSON(out, e, left); err != nil {
			return nil, err
		}
	}
	return append(out, ']'), nil
}

func appendJSONObject(out []byte, n *yaml.Node, left *int) (_ []byte, err error) {
	out = append(out, '{')
	var seen []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case key.Kind != yaml.ScalarNode:
			return nil, mistake(key, "a key is text")
		case key.Tag == "!!merge":
			return nil, mistake(key, "merge keys are not read; write what events share under defaults")
		case slices.Contains(seen, key.Value):
			return nil, mistake(key, "key %q is there twice", key.Value)
		}
		if seen = append(seen, key.Value); i > 0 {
			out = append(out, ',')
		}
		out = append(appendText(out, key.Value), ':')
		if out, err = appendJSON(out, n.Content[i+1], left); err != nil {
			return nil, err
		}
	}
	return append(out, '}'), nil
}

func appendJSONScalar(out []byte, n *yaml.Node) []byte {
	switch n.Tag {
	case "!!null":
		return append(out, "null"...)
	case "!!bool":
		return append(out, strings.ToLower(n.Value)...)
	case "!!int":
		if i, err := strconv.ParseInt(n.Value, 0, 64); err == nil {
			return strconv.AppendInt(out, i, 10)
		}
	}
	if (n.Tag == "!!int" || n.Tag == "!!float") && json.Valid([]byte(n.Value)) {
		return append(out, n.Value...)
	}
	return appendText(out, n.Value)
}

func appendText(out []byte, s string) []byte {
	text, _ := json.Marshal(s) // of a string: cannot fail
	return append(out, text...)
}

// at is where a part of a node is written, such as cases[0].condition: as much
// of the way as there is.
func at(n *yaml.Node, path string) *yaml.Node {
	for _, step := range strings.FieldsFunc(path, func(r rune) bool { return strings.ContainsRune(".[]", r) }) {
		next := child(n, step)
		if next == nil {
			break
		}
		n = next
	}
	return n
}

func child(n *yaml.Node, step string) *yaml.Node {
	switch n.Kind {
	case yaml.AliasNode:
		return child(n.Alias, step)
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i]
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				return n.Content[i+1]
			}
		}
	}
	return nil
}
