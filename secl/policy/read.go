package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Read reads the text of a policy file. A rule that does not follow the schema
// is left out and reported; the policy is nil only if the text is no policy.
func Read(name string, text []byte) (*Policy, []*DefinitionError) {
	r := &reader{file: name}
	var doc yaml.Node
	switch err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&doc); {
	case errors.Is(err, io.EOF):
		r.fail(nil, "the policy is empty (%w)", io.EOF)
		return nil, r.problems
	case err != nil:
		r.fail(nil, "%w", err)
		return nil, r.problems
	}
	p := &Policy{Name: name}
	r.object(doc.Content[0], fields{
		"version":           r.text(&p.Version),
		"type":              r.oneOf(&p.Type, "policy", "content_pack"),
		"replace_policy_id": r.text(&p.Replaces),
		"macros":            func(n *yaml.Node) { p.Macros = each(r, n, "macro", r.macro) },
		"rules":             func(n *yaml.Node) { p.Rules = each(r, n, "rule", r.rule) },
	})
	return p, r.problems
}

type reader struct {
	file     string
	kind, id string // of what is being read
	problems []*DefinitionError
}

// fields are the keys that an object may have, and how their values are read.
type fields map[string]func(*yaml.Node)

func (r *reader) place(n *yaml.Node) Place {
	if n == nil {
		return Place{r.file, 1}
	}
	return Place{r.file, n.Line}
}

func (r *reader) fail(n *yaml.Node, format string, args ...any) {
	r.problems = append(r.problems, &DefinitionError{Where: r.place(n), Kind: r.kind, ID: r.id, Err: fmt.Errorf(format, args...)})
}

// each reads the items of a list and leaves out those that are wrong. No list is
// an empty one.
func each[T any](r *reader, n *yaml.Node, kind string, one func(*yaml.Node) T) []T {
	if isNull(n) {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		r.fail(n, "want a list of %ss", kind)
		return nil
	}
	var out []T
	for _, item := range n.Content {
		item = follow(item)
		r.kind, r.id = kind, idOf(item)
		before := len(r.problems)
		if v := one(item); len(r.problems) == before {
			out = append(out, v)
		}
	}
	r.kind, r.id = "", ""
	return out
}

// idOf is the id of an item, however wrong the rest is.
func idOf(n *yaml.Node) string {
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == "id" {
				return n.Content[i+1].Value
			}
		}
	}
	return ""
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// follow is what an alias stands for.
func follow(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// object reads a mapping. A key that is not among fields is a mistake, since it
// would be a promise that nobody keeps.
func (r *reader) object(n *yaml.Node, known fields) {
	if n = follow(n); n.Kind != yaml.MappingNode {
		r.fail(n, "Invalid type: want a mapping")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], follow(n.Content[i+1])
		read := known[key.Value]
		switch {
		case read == nil:
			r.fail(key, "Additional property %s is not allowed", key.Value)
		case seen[key.Value]:
			r.fail(key, "%s stands here twice", key.Value)
		default:
			read(value)
		}
		seen[key.Value] = true
	}
}

func (r *reader) scalar(n *yaml.Node, tag, want string) bool {
	if n.Kind != yaml.ScalarNode || n.Tag != tag {
		r.fail(n, "Invalid type: want %s, got %s", want, describe(n))
		return false
	}
	return true
}

func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	return strings.TrimPrefix(n.Tag, "!!") + " " + n.Value
}

func (r *reader) text(to *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if r.scalar(n, "!!str", "a string") {
			*to = n.Value
		}
	}
}

func (r *reader) oneOf(to *string, words ...string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if !r.scalar(n, "!!str", "a string") {
			return
		}
		if *to = n.Value; !slices.Contains(words, n.Value) {
			r.fail(n, "got %q, want one of %s", n.Value, strings.Join(words, ", "))
		}
	}
}

func (r *reader) boolean(to *bool) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if r.scalar(n, "!!bool", "true or false") {
			*to = n.Value == "true" || n.Value == "True" || n.Value == "TRUE"
		}
	}
}

func (r *reader) integer(to *int64) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if r.scalar(n, "!!int", "an integer") {
			if err := n.Decode(to); err != nil {
				r.fail(n, "%w", err)
			}
		}
	}
}

// duration reads 10s, or a number of nanoseconds.
func (r *reader) duration(to *time.Duration) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode && n.Tag == "!!int" {
			r.integer((*int64)(to))(n)
		} else if r.scalar(n, "!!str", "a duration") {
			d, err := time.ParseDuration(n.Value)
			if err != nil {
				r.fail(n, "%q is no duration; write 10s or 1h30m", n.Value)
			}
			*to = d
		}
		if *to < 0 {
			r.fail(n, "a duration is not negative")
		}
	}
}

func (r *reader) texts(to *[]string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if isNull(n) {
			return
		}
		if n.Kind != yaml.SequenceNode {
			r.fail(n, "Invalid type: want a list, got %s", describe(n))
			return
		}
		for _, item := range n.Content {
			var s string
			r.text(&s)(follow(item))
			*to = append(*to, s)
		}
	}
}

func (r *reader) tags(to *map[string]string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.MappingNode {
			r.fail(n, "Invalid type: want a mapping, got %s", describe(n))
			return
		}
		*to = map[string]string{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			value := follow(n.Content[i+1])
			if value.Kind != yaml.ScalarNode {
				r.fail(value, "Invalid type: want a string, got %s", describe(value))
			}
			(*to)[n.Content[i].Value] = value.Value
		}
	}
}

// value reads a bool, an integer or a string, or a list of one of these.
func (r *reader) value(to *any) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.SequenceNode {
			*to = r.scalarValue(n)
			return
		}
		list := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			list = append(list, r.scalarValue(follow(item)))
		}
		*to = list
	}
}

func (r *reader) scalarValue(n *yaml.Node) any {
	switch {
	case n.Kind != yaml.ScalarNode:
	case n.Tag == "!!str":
		return n.Value
	case n.Tag == "!!bool":
		var b bool
		r.boolean(&b)(n)
		return b
	case n.Tag == "!!int":
		var i int64
		r.integer(&i)(n)
		return i
	}
	r.fail(n, "got %s, want true or false, an integer or a string", describe(n))
	return nil
}

func (r *reader) macro(n *yaml.Node) *MacroDef {
	m := &MacroDef{Where: r.place(n)}
	var values any
	r.object(n, fields{
		"id": r.text(&m.ID), "description": r.text(&m.Description), "expression": r.text(&m.Expression),
		"values": r.value(&values), "combine": r.oneOf((*string)(&m.Combine), string(Merge), string(Override)),
		"filters": r.texts(&m.Filters), "agent_version": r.text(&m.AgentVersion),
	})
	if values != nil {
		list, ok := values.([]any)
		if m.Values, m.fromValues = list, true; !ok {
			r.fail(n, "values is a list")
		}
	}
	switch {
	case m.ID == "":
		r.fail(n, "id is missing")
	case (m.Expression == "") == !m.fromValues:
		r.fail(n, "a macro has an expression or values")
	}
	return m
}

func (r *reader) rule(n *yaml.Node) *RuleDef {
	d := &RuleDef{Where: r.place(n)}
	r.object(n, fields{
		"id": r.text(&d.ID), "version": r.text(&d.Version), "description": r.text(&d.Description), "expression": r.text(&d.Expression),
		"tags": r.tags(&d.Tags), "product_tags": r.texts(&d.ProductTags),
		"agent_version": r.text(&d.AgentVersion), "filters": r.texts(&d.Filters),
		"disabled": r.boolean(&d.Disabled), "silent": r.boolean(&d.Silent),
		"combine": r.oneOf((*string)(&d.Combine), string(Override)),
		"override_options": func(n *yaml.Node) {
			r.object(n, fields{"fields": func(n *yaml.Node) {
				r.texts(&d.Override)(n)
				for _, f := range d.Override {
					if !slices.Contains(overridable, f) {
						r.fail(n, "override_options: got %q, want one of %s", f, strings.Join(overridable, ", "))
					}
				}
			}})
		},
		"every": r.duration(&d.Every), "limiter_token": r.texts(&d.LimiterToken), "group_id": r.text(&d.Group), "priority": r.integer(&d.Priority),
		"actions": func(n *yaml.Node) {
			if isNull(n) {
				return
			}
			if n.Kind != yaml.SequenceNode {
				r.fail(n, "want a list of actions")
				return
			}
			for _, item := range n.Content {
				d.Actions = append(d.Actions, r.action(follow(item)))
			}
		},
	})
	switch {
	case d.ID == "":
		r.fail(n, "id is missing")
	case d.Expression == "" && !d.Disabled && d.Combine == NoCombine:
		r.fail(n, "expression is missing")
	}
	return d
}

// overridable are what an override can name.
var overridable = []string{"all", "expression", "actions", "every", "tags", "product_tags"}

func (r *reader) action(n *yaml.Node) *ActionDef {
	a := &ActionDef{Where: r.place(n)}
	kinds := 0
	kind := func(read func(*yaml.Node)) func(*yaml.Node) {
		return func(n *yaml.Node) { kinds++; read(n) }
	}
	r.object(n, fields{
		"filter": r.text(&a.Filter), "disabled": r.boolean(&a.Disabled),
		"set": kind(func(n *yaml.Node) { a.Set = r.set(n) }),
		"kill": kind(func(n *yaml.Node) {
			a.Kill = &KillDef{}
			r.object(n, fields{
				"signal": r.text(&a.Kill.Signal), "scope": r.oneOf(&a.Kill.Scope, "process", "container", "cgroup"),
				"disable_container_disarmer":  r.boolean(&a.Kill.NoContainerDisarmer),
				"disable_executable_disarmer": r.boolean(&a.Kill.NoExecutableDisarmer),
			})
		}),
		"hash": kind(func(n *yaml.Node) {
			a.Hash = &HashDef{}
			if !isNull(n) {
				r.object(n, fields{"field": r.text(&a.Hash.Field), "max_file_size": r.integer(&a.Hash.MaxFileSize)})
			}
		}),
		"coredump": kind(func(n *yaml.Node) {
			a.CoreDump = &CoreDumpDef{}
			r.object(n, fields{
				"process": r.boolean(&a.CoreDump.Process), "mount": r.boolean(&a.CoreDump.Mount),
				"dentry": r.boolean(&a.CoreDump.Dentry), "no_compression": r.boolean(&a.CoreDump.NoCompression),
			})
		}),
		"network_filter": kind(func(n *yaml.Node) {
			a.NetworkFilter = &NetworkFilterDef{}
			r.object(n, fields{
				"filter": r.text(&a.NetworkFilter.Filter), "policy": r.text(&a.NetworkFilter.Policy),
				"scope": r.oneOf(&a.NetworkFilter.Scope, "process", "cgroup"),
			})
		}),
		"log": kind(func(n *yaml.Node) {
			a.Log = &LogDef{}
			r.object(n, fields{"level": r.text(&a.Log.Level), "message": r.text(&a.Log.Message)})
		}),
	})
	if kinds != 1 {
		r.fail(n, "an action is one of set, kill, hash, coredump, network_filter and log; this has %d of them", kinds)
	}
	return a
}

func (r *reader) set(n *yaml.Node) *SetDef {
	s := &SetDef{}
	r.object(n, fields{
		"name": r.text(&s.Name), "field": r.text(&s.Field), "expression": r.text(&s.Expression),
		"value":         func(n *yaml.Node) { s.HasValue = true; r.value(&s.Value)(n) },
		"default_value": r.value(&s.Default), "append": r.boolean(&s.Append),
		"scope": r.oneOf(&s.Scope, "process", "container", "cgroup"), "scope_field": r.text(&s.ScopeField),
		"size": r.integer(&s.Size), "ttl": r.duration(&s.TTL), "private": r.boolean(&s.Private), "inherited": r.boolean(&s.Inherited),
	})
	return s
}
