package vocabulary

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strconv"
	"strings"

	"nightjar/schema"
)

// Document is the event in the vocabulary, as JSON: {} in nightjar's own, which has
// no document. What the table has no name for is not lost: it stands, by its path, in
// `nightjar.unmapped` of ECS and in `unmapped` of OCSF. Empty lists, empty objects and
// nulls are left out.
//
// An event that was read from where it is stored has its attributes as JSON alone:
// that is enough.
func (v Vocabulary) Document(e *schema.Event) []byte {
	e = withLeaves(e)
	var doc tree
	switch v {
	case ECS:
		doc = ecs(e)
	case OCSF:
		doc = ocsf(e)
	}
	if doc == nil {
		doc = tree{}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(doc); err != nil {
		panic(err) // of texts, numbers, lists and trees of them
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// withLeaves is the event with its attributes read, where it has them as JSON alone.
func withLeaves(e *schema.Event) *schema.Event {
	if len(e.Leaves) > 0 || len(e.JSON) <= len("{}") {
		return e
	}
	a, err := schema.ParseAttributes(e.JSON)
	if err != nil {
		return e
	}
	whole := *e
	whole.Attributes = a
	return &whole
}

// tree is an object of a document.
type tree map[string]any

// put sets what is at a path, unless something is there or in the way.
func (t tree) put(path string, value any) bool {
	names := strings.Split(path, ".")
	for _, n := range names[:len(names)-1] {
		if list, ok := strings.CutSuffix(n, "[]"); ok {
			return t.putList(list, names[len(names)-1], value)
		}
		inner, ok := t[n].(tree)
		if !ok {
			if t[n] != nil {
				return false
			}
			inner = tree{}
			t[n] = inner
		}
		t = inner
	}
	last := names[len(names)-1]
	if name, algorithm, ok := strings.Cut(last, "["); ok {
		t.putFingerprint(name, strings.TrimSuffix(algorithm, "]"), value)
		return true
	}
	if t[last] != nil {
		return false
	}
	t[last] = value
	return true
}

// putList makes a list of objects that have one member each.
func (t tree) putList(list, member string, value any) bool {
	if t[list] != nil {
		return false
	}
	var out []any
	values, ok := value.([]any)
	if !ok {
		values = []any{value}
	}
	for _, v := range values {
		out = append(out, tree{member: v})
	}
	t[list] = out
	return true
}

var algorithms = map[string]string{"1": "MD5", "2": "SHA-1", "3": "SHA-256"}

// putFingerprint adds one of OCSF's fingerprints to a list.
func (t tree) putFingerprint(name, algorithm string, value any) {
	id, _ := strconv.Atoi(algorithm) // of the table
	list, _ := t[name].([]any)
	t[name] = append(list, tree{"algorithm_id": id, "algorithm": algorithms[algorithm], "value": value})
}

// has reports whether there is something at a path.
func (t tree) has(path string) bool {
	for n := range strings.SplitSeq(path, ".") {
		v, ok := t[n]
		if !ok {
			return false
		}
		t, _ = v.(tree)
	}
	return true
}

// value is what the event holds, in the attribute's type, and the path that it is
// at; nil: nothing.
func (a *Attribute) value(e *schema.Event) (value any, path string) {
	for _, f := range []schema.Field{a.Field, a.Also} {
		v := valueOf(e, f)
		if v == nil {
			continue
		}
		if f.Kind == schema.FieldAttribute {
			path = f.Name
		}
		return a.typed(v), path
	}
	return nil, ""
}

func valueOf(e *schema.Event, f schema.Field) any {
	switch {
	case f.Name == "":
		return nil
	case f.Kind == schema.FieldAttribute:
		return ofLeaves(e.Lookup(f.Name))
	case f.Name == "timestamp":
		return int64(e.At)
	case f.Name == "tags":
		return listOf(e.Tags)
	}
	if text := e.Reserved(f.Name); text != "" {
		return text
	}
	return nil
}

func ofLeaves(leaves []schema.Leaf) any {
	switch len(leaves) {
	case 0:
		return nil
	case 1:
		return leaves[0].Value()
	}
	out := make([]any, len(leaves))
	for i, l := range leaves {
		out[i] = l.Value()
	}
	return out
}

func listOf(texts []string) any {
	if len(texts) == 0 {
		return nil
	}
	out := make([]any, len(texts))
	for i, t := range texts {
		out[i] = t
	}
	return out
}

// notAddress reports whether the value should be an address and is none: a call that a
// service of a cloud made has the service's name there.
func (a *Attribute) notAddress(v any) bool {
	text, isText := v.(string)
	if a.Type != "ip" || !isText {
		return false
	}
	_, err := netip.ParseAddr(text)
	return err != nil
}

// typed is a value as the attribute's type has it; one that has no such form stays
// what it is.
func (a *Attribute) typed(v any) any {
	list, isList := v.([]any)
	switch {
	case a.Type == "list" && !isList:
		return []any{v}
	case isList && a.Type != "list":
		out := make([]any, len(list))
		for i := range list {
			out[i] = a.typed(list[i])
		}
		return out
	}
	text, isText := v.(string)
	switch a.Type {
	case "integer", "nanoseconds":
		return integer(v)
	case "as_number":
		return integer(strings.TrimPrefix(text, "AS"))
	case "float":
		if n, ok := schema.NumberOf(text); isText && ok {
			return n
		}
	case "string", "ip":
		if n, ok := v.(int64); ok {
			return strconv.FormatInt(n, 10)
		}
	}
	return v
}

// integer is a whole number that a text or a number says.
func integer(v any) any {
	switch v := v.(type) {
	case string:
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return n
		}
	case float64:
		if n := int64(v); float64(n) == v {
			return n
		}
	}
	return v
}

// unmapped are the attributes that were not used, by their paths.
func unmapped(e *schema.Event, used map[string]bool) tree {
	out := tree{}
	for from := 0; from < len(e.Leaves); {
		path, to := e.Leaves[from].Path, from+1
		for to < len(e.Leaves) && e.Leaves[to].Path == path {
			to++
		}
		if !used[path] {
			out[path] = ofLeaves(e.Leaves[from:to])
		}
		from = to
	}
	return out
}
