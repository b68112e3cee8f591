package pipeline

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"nightjar/ingest/record"
	"nightjar/schema"
)

// document is a document while it is read: what was found so far.
type document struct {
	problems, warnings []Problem
	// enabled is what an absent is_enabled means.
	enabled bool
	// processors and lookupBytes count what is bounded over the whole pipeline.
	processors, lookupBytes int
	dear                    []DearRule
}

// object reads the members of an object. Keys are named as the API writes them, and
// found as the vendor's YAML writes them, too.
type object struct {
	*node
	doc   *document
	at    string // its path
	known []string
	used  map[string]bool
}

func (d *document) object(n *node, at string) *object {
	return &object{node: n, doc: d, at: at, used: map[string]bool{}}
}

// camelNames are the keys whose form in the vendor's YAML is not the same in camel case.
var camelNames = map[string]string{
	"is_enabled": "enabled", "is_replace_missing": "replaceMissing", "is_encoded": "encoded", "is_read_only": "readOnly",
}

func camel(key string) string {
	if name, ok := camelNames[key]; ok {
		return name
	}
	parts := strings.Split(key, "_")
	for i, p := range parts[1:] {
		if p != "" {
			parts[i+1] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	return strings.Join(parts, "")
}

// path is that of a member.
func (o *object) path(key string) string { return strings.TrimPrefix(o.at+"."+key, ".") }

func (o *object) problemAt(n *node, path, message, hint string) {
	if n == nil {
		n = o.node
	}
	o.doc.problems = append(o.doc.problems, Problem{path, n.line, n.column, message, hint})
}

// problem says what is wrong with a member, or, where it is missing, with the object.
func (o *object) problem(key, message, hint string) {
	o.problemAt(o.find(key), o.path(key), message, hint)
}

func (o *object) warn(key, message string) {
	n := o.find(key)
	if n == nil {
		n = o.node
	}
	o.doc.warnings = append(o.doc.warnings, Problem{o.path(key), n.line, n.column, message, ""})
}

// find is a member's value; nil: it is absent, or null.
func (o *object) find(key string) *node {
	if !slices.Contains(o.known, key) {
		o.known = append(o.known, key)
	}
	if o.kind != objectNode {
		return nil
	}
	for _, name := range [...]string{key, camel(key)} {
		for i := len(o.members) - 1; i >= 0; i-- {
			if o.members[i].key == name {
				o.used[name] = true
				if o.members[i].value.kind == nullNode {
					return nil
				}
				return o.members[i].value
			}
		}
	}
	return nil
}

// ignore names keys that mean nothing here.
func (o *object) ignore(keys ...string) {
	for _, key := range keys {
		o.find(key)
	}
}

// end tells of keys that nobody asked for, and of keys that come twice.
func (o *object) end() {
	seen := map[string]bool{}
	for _, m := range o.members {
		path := o.path(m.key)
		if seen[m.key] {
			o.doc.problems = append(o.doc.problems, Problem{path, m.line, m.column, fmt.Sprintf("the key %q is here twice", shortened(m.key)), ""})
			continue
		}
		seen[m.key] = true
		if o.used[m.key] {
			continue
		}
		detail := schema.UnknownKey(path, m.key, o.known, nil)
		message, hint, _ := strings.Cut(detail.Message, "; ")
		if hint == "" {
			hint = "the keys are " + strings.Join(o.known, ", ")
		}
		o.doc.problems = append(o.doc.problems, Problem{path, m.line, m.column, message, hint})
	}
}

// need says that a member is missing.
func (o *object) need(key string) { o.problem(key, fmt.Sprintf("%q is missing", key), "") }

// text is a member that is a text, and required, or optional with a default.
func (o *object) text(key string) string {
	n := o.find(key)
	if n == nil {
		o.need(key)
		return ""
	}
	return o.textOf(n, o.path(key))
}

func (o *object) textOr(key, absent string) string {
	if n := o.find(key); n != nil {
		return o.textOf(n, o.path(key))
	}
	return absent
}

// textOf is the text of a scalar: YAML's writers leave out quotes.
func (o *object) textOf(n *node, path string) string {
	if n.kind == listNode || n.kind == objectNode {
		o.problemAt(n, path, "this is "+n.kind.String()+", not text", "")
		return ""
	}
	return n.text
}

// filled is a required text that is not empty.
func (o *object) filled(key string) string {
	if o.find(key) == nil {
		o.need(key)
		return ""
	}
	s := o.text(key)
	if s == "" {
		o.problem(key, fmt.Sprintf("%q is empty", key), "")
	}
	return s
}

func (o *object) flagOr(key string, absent bool) bool {
	n := o.find(key)
	if n == nil {
		return absent
	}
	if n.kind != flagNode {
		o.problem(key, "this is "+n.kind.String()+", not true or false", "")
		return absent
	}
	return n.text == "true"
}

func (o *object) integer(key string) int64 {
	n := o.find(key)
	if n == nil {
		o.need(key)
		return 0
	}
	i, err := strconv.ParseInt(n.text, 10, 64)
	if err != nil || n.kind != numberNode {
		o.problem(key, "this is no whole number", "")
	}
	return i
}

// Whether a member must be there.
const (
	optional = false
	required = true
)

// oneOf is a text of a few; the first is that of an absent member, unless it is
// required.
func (o *object) oneOf(key string, must bool, words ...string) string {
	n := o.find(key)
	if n == nil {
		if must {
			o.need(key)
		}
		return words[0]
	}
	word := o.textOf(n, o.path(key))
	if !slices.Contains(words, word) {
		hint := "write one of " + strings.Join(words, ", ")
		if near := closest(word, words); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		o.problem(key, fmt.Sprintf("%q is not known here", shortened(word)), hint)
		return words[0]
	}
	return word
}

// closest is the word that was probably meant; empty: there is none.
func closest(word string, words []string) string {
	if near := schema.Closest(word, words, 4); near != "" {
		return near
	}
	for _, w := range words {
		if word != "" && (strings.HasPrefix(w, word) || strings.HasPrefix(word, w)) {
			return w
		}
	}
	return schema.Containing(word, words)
}

// list are the elements of a member.
func (o *object) list(key string) []*node {
	n := o.find(key)
	if n == nil {
		return nil
	}
	if n.kind != listNode {
		o.problem(key, "this is "+n.kind.String()+", not a list", "")
		return nil
	}
	return n.items
}

// texts is a list of texts.
func (o *object) texts(key string) []string {
	out := []string{}
	for i, n := range o.list(key) {
		out = append(out, o.textOf(n, fmt.Sprintf("%s[%d]", o.path(key), i)))
	}
	return out
}

// inner reads a member that is an object; nil: it is absent.
func (o *object) inner(key string) *object {
	n := o.find(key)
	if n == nil {
		return nil
	}
	if n.kind != objectNode {
		o.problem(key, "this is "+n.kind.String()+", not an object", "")
		return nil
	}
	return o.doc.object(n, o.path(key))
}

// element reads an element of a list that is an object; nil: it is none.
func (o *object) element(key string, i int, n *node) *object {
	at := fmt.Sprintf("%s[%d]", o.path(key), i)
	if n.kind != objectNode {
		o.problemAt(n, at, "this is "+n.kind.String()+", not an object", "")
		return nil
	}
	return o.doc.object(n, at)
}

// attribute is a required path to an attribute, and absent one where that is not "".
func (o *object) attribute(key, absent string) (string, record.Path) {
	if absent != "" && o.find(key) == nil {
		p, _ := record.ParsePath(absent)
		return absent, p
	}
	text := o.filled(key)
	if text == "" {
		return "", record.Path{}
	}
	return text, o.pathOf(o.find(key), o.path(key), text)
}

func (o *object) pathOf(n *node, at, text string) record.Path {
	p, err := record.ParsePath(text)
	if err != nil {
		o.problemAt(n, at, err.Error(), "write an attribute's path without @, as in network.client.ip")
	}
	return p
}

// attributes is a list of paths, with a default where it is not required.
func (o *object) attributes(key string, absent ...string) ([]string, []record.Path) {
	items := o.list(key)
	if o.find(key) == nil && len(absent) > 0 {
		var paths []record.Path
		for _, a := range absent {
			p, _ := record.ParsePath(a)
			paths = append(paths, p)
		}
		return absent, paths
	}
	if len(items) == 0 {
		o.problem(key, fmt.Sprintf("%q has no attribute", key), "name at least one")
		return []string{}, nil
	}
	var texts []string
	var paths []record.Path
	for i, n := range items {
		at := fmt.Sprintf("%s[%d]", o.path(key), i)
		text := o.textOf(n, at)
		texts, paths = append(texts, text), append(paths, o.pathOf(n, at, text))
	}
	return texts, paths
}

// shortened keeps what users wrote readable in what they are told.
func shortened(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return s
}
