package template

import (
	"math"
	"strings"

	"github.com/valyala/fastjson"

	"nightjar/schema"
)

// Data is what a template can say about a signal.
type Data struct {
	RuleName, CaseName string
	// Severity is the signal's status, info to critical; templates see a number.
	Severity string
	// Timestamp is when the signal was created.
	Timestamp, FirstSeen, LastSeen schema.Millis
	// SilentSince is since when a group was silent, or waited for what did not
	// follow, and SilentFor for how long; 0: it was not.
	SilentSince, SilentFor schema.Millis
	EventsMatched          uint64
	// PerQuery are the matching events of each query of the rule, by its name.
	PerQuery map[string]uint64
	// Group are the signal's group values. They come before all else that has
	// their name.
	Group []Value
	// Attributes are the signal's own, such as the places of an impossible
	// travel. What they lack is looked for in Events.
	Attributes schema.Attributes
	// Tags are the signal's: the rule's and those that its events share.
	Tags []string
	// Events are some of the signal's events.
	Events []schema.Event
}

// Value is the value of a field.
type Value struct {
	Field schema.Field
	Text  string
}

// severities are the numbers of {{severity}}.
var severities = map[string]int64{"info": 0, "low": 1, "medium": 2, "high": 3, "critical": 4}

// lookups answer names, each once per rendering.
type lookups struct {
	data  *Data
	known map[string][]schema.Leaf
	work  int // bytes that may still be looked at
}

// values are the distinct values of a name, none where it is unknown.
func (l *lookups) values(r ref) []schema.Leaf {
	key := string(rune('0'+r.kind)) + r.source
	if list, ok := l.known[key]; ok {
		return list
	}
	list := l.distinct(l.find(r))
	l.known[key] = list
	return list
}

func (l *lookups) find(r ref) []schema.Leaf {
	switch r.kind {
	case refBuiltin:
		return l.builtin(r.name)
	case refPerQuery:
		if n, ok := l.data.PerQuery[r.name]; ok {
			return count(n)
		}
		return nil
	}
	for _, g := range l.data.Group {
		if g.Field == r.field {
			return []schema.Leaf{{Str: g.Text}}
		}
	}
	switch r.field.Kind {
	case schema.FieldAttribute:
		return l.attributeOrReserved(r.field.Name)
	case schema.FieldReserved:
		if list := l.reserved(r.field.Name); len(list) > 0 || r.field.Name == "tags" {
			return list
		}
	}
	if list := l.tag(r.field.Name); len(list) > 0 {
		return list
	}
	return l.attribute(r.path)
}

func (l *lookups) builtin(name string) []schema.Leaf {
	switch name {
	case "rule_name":
		return texts(l.data.RuleName)
	case "case_name":
		return texts(l.data.CaseName)
	case "events_matched":
		return count(l.data.EventsMatched)
	case "severity":
		if n, ok := severities[l.data.Severity]; ok {
			return []schema.Leaf{{Kind: schema.KindInt, Int: n}}
		}
		return nil
	}
	if strings.HasPrefix(name, "silent_") && l.data.SilentFor == 0 {
		return nil
	}
	if name == "silent_for" {
		return texts(schema.SpokenDuration(l.data.SilentFor))
	}
	at := l.moment(strings.TrimSuffix(name, "_epoch"))
	if builtins[name] == builtinEpoch {
		return []schema.Leaf{{Kind: schema.KindInt, Int: int64(at)}}
	}
	return texts(at.Time().Format("Mon Jan 02 15:04:05 UTC 2006"))
}

func (l *lookups) moment(name string) schema.Millis {
	switch name {
	case "timestamp":
		return l.data.Timestamp
	case "first_seen":
		return l.data.FirstSeen
	case "silent_since":
		return l.data.SilentSince
	}
	return l.data.LastSeen
}

func texts(list ...string) []schema.Leaf {
	var out []schema.Leaf
	for _, s := range list {
		if s != "" {
			out = append(out, schema.Leaf{Str: s})
		}
	}
	return out
}

func count(n uint64) []schema.Leaf {
	return []schema.Leaf{{Kind: schema.KindInt, Int: int64(min(n, math.MaxInt64))}}
}

// attributeOrReserved reads @service as the reserved field where no attribute
// has the name, as the reference does.
func (l *lookups) attributeOrReserved(path string) []schema.Leaf {
	if list := l.attribute(path); len(list) > 0 {
		return list
	}
	if f := schema.ParseField(path); f.Kind == schema.FieldReserved {
		return l.reserved(f.Name)
	}
	return nil
}

// attribute are the leaves at a path: the signal's own or else its events'.
// Where there is an object, or an array with objects, it is that as JSON.
func (l *lookups) attribute(path string) []schema.Leaf {
	if list := l.leaves(&l.data.Attributes, path); len(list) > 0 {
		return list
	}
	var out []schema.Leaf
	for i := range l.data.Events {
		out = append(out, l.leaves(&l.data.Events[i].Attributes, path)...)
	}
	return out
}

func (l *lookups) leaves(a *schema.Attributes, path string) []schema.Leaf {
	list := a.Lookup(path)
	l.work -= len(list)
	if len(list) > 0 || !a.Has(path) || l.work < 0 {
		return list
	}
	l.work -= len(a.JSON)
	v, err := fastjson.Parse(a.JSON)
	if err != nil {
		return nil
	}
	var out []string
	subtrees(v, path, &out)
	return texts(out...)
}

// subtrees are the JSON of what is at the path. A key may itself have dots.
func subtrees(v *fastjson.Value, path string, out *[]string) {
	if elements, err := v.Array(); err == nil {
		for _, e := range elements {
			subtrees(e, path, out)
		}
		return
	}
	o, err := v.Object()
	if err != nil {
		return
	}
	o.Visit(func(key []byte, inner *fastjson.Value) {
		if string(key) == path {
			*out = append(*out, readable.Replace(string(inner.MarshalTo(nil))))
		} else if rest, ok := strings.CutPrefix(path, string(key)+"."); ok {
			subtrees(inner, rest, out)
		}
	})
}

// readable writes the escapes of the canonical JSON as people do.
var readable = strings.NewReplacer(`\\`, `\\`, `\u0022`, `\"`, `\u000a`, `\n`, `\u000d`, `\r`, `\u0009`, `\t`)

func (l *lookups) reserved(name string) []schema.Leaf {
	if name == "tags" {
		return texts(l.data.Tags...)
	}
	var out []schema.Leaf
	for i := range l.data.Events {
		out = append(out, texts(l.data.Events[i].Reserved(name))...)
	}
	return out
}

// tag are the values of the tags with this key: the signal's or else its
// events'.
func (l *lookups) tag(key string) []schema.Leaf {
	if list := l.tagsOf(l.data.Tags, key); len(list) > 0 {
		return list
	}
	var out []schema.Leaf
	for i := range l.data.Events {
		out = append(out, l.tagsOf(l.data.Events[i].Tags, key)...)
	}
	return out
}

func (l *lookups) tagsOf(tags []string, key string) []schema.Leaf {
	l.work -= len(tags)
	var out []schema.Leaf
	for _, t := range tags {
		if k, v, ok := strings.Cut(t, ":"); ok && k == key {
			out = append(out, texts(v)...)
		}
	}
	return out
}

// distinct drops values whose text was there before. Order is kept.
func (l *lookups) distinct(list []schema.Leaf) []schema.Leaf {
	if len(list) == 0 {
		return nil
	}
	out := make([]schema.Leaf, 0, len(list))
	seen := make(map[string]bool, len(list))
	for _, leaf := range list {
		text := leaf.Text()
		if l.work -= len(text) + 1; l.work < 0 {
			break
		}
		if !seen[text] {
			seen[text] = true
			out = append(out, leaf)
		}
	}
	return out
}
