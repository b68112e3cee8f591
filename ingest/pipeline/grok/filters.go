package grok

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/valyala/fastjson"

	"nightjar/ingest/pipeline/useragent"
	"nightjar/ingest/pipeline/value"
	"nightjar/ingest/pipeline/weburl"
)

// filter makes of a matched text what is stored.
type filter struct{ apply apply }

// apply makes a value of the text; v is what the matcher made of it, nil where that
// is the text itself. nil: nothing is stored.
type apply func(c *Context, text string, v *fastjson.Value) *fastjson.Value

// filterKind is a filter that rules may name.
type filterKind struct {
	args  string // as a user writes them; "" for none
	build func(p *pattern, f call) apply
}

var filters map[string]filterKind

func init() {
	plain := func(a apply) filterKind {
		return filterKind{build: func(*pattern, call) apply { return a }}
	}
	text := func(make func(*Context, string) *fastjson.Value) filterKind {
		return plain(func(c *Context, text string, _ *fastjson.Value) *fastjson.Value { return make(c, text) })
	}
	str := func(change func(string) string) filterKind {
		return text(func(c *Context, s string) *fastjson.Value { return value.String(c.Arena, change(s)) })
	}
	filters = map[string]filterKind{
		"number":     plain(numeric(".", toDouble)),
		"numberExt":  plain(numeric(".eE", toDouble)),
		"integer":    plain(numeric("", toInteger)),
		"integerExt": plain(numeric("eE", toIntegerExt)),
		"boolean": text(func(c *Context, s string) *fastjson.Value {
			return value.Bool(c.Arena, strings.EqualFold(s, "true"))
		}),
		"lowercase":          str(strings.ToLower),
		"uppercase":          str(strings.ToUpper),
		"decodeuricomponent": str(weburl.Unescape),
		"json":               text(parseJSON),
		"rubyhash":           text(parseRubyHash),
		"querystring":        text(func(c *Context, s string) *fastjson.Value { return weburl.Query(c.Arena, s) }),
		"url":                text(func(c *Context, s string) *fastjson.Value { return weburl.Details(c.Arena, s, weburl.KeepSlashes) }),
		"xml":                text(parseXML),
		"cef":                text(parseCEF),
		"leef":               text(parseLEEF),
		"scale":              {args: `(factor)`, build: (*pattern).scaleFilter},
		"nullIf":             {args: `("text")`, build: (*pattern).nullIfFilter},
		"useragent":          {args: `(decodeuricomponent:true)`, build: (*pattern).useragentFilter},
		"csv":                {args: `("header1,header2","separator","quote"), the last two optional`, build: (*pattern).csvFilter},
		"array":              {args: `("[]","separator",filter), all optional`, build: (*pattern).arrayFilter},
		"keyvalue":           {args: `("separator","allowed","quotes","delimiter"), all optional`, build: (*pattern).keyvalueFilter},
	}
}

// filter reads filter(arguments).
func (p *pattern) filter() *filter {
	f := p.call(func(b byte) bool { return isAlnum(b) || b == '_' })
	if p.err != nil {
		return nil
	}
	return p.namedFilter(f)
}

func (p *pattern) namedFilter(f call) *filter {
	kind, ok := filters[f.name]
	switch {
	case f.name == "":
		p.fail(f.at, "the name of a filter is missing", "write %{matcher:attribute} when nothing is to be done")
		return nil
	case !ok:
		hint := nearest(f.name, slices.Sorted(maps.Keys(filters)))
		if _, is := matchers[f.name]; is && hint == "" {
			hint = fmt.Sprintf("%s is a matcher: %%{%s:attribute}", f.name, f.name)
		}
		p.fail(f.at, fmt.Sprintf("no filter is named %s", f.name), hint)
		return nil
	case kind.args == "" && len(f.args) > 0:
		p.fail(f.at, fmt.Sprintf("the filter %s takes no arguments", f.name), "")
		return nil
	}
	return &filter{apply: kind.build(p, f)}
}

// numeric converts texts of digits, signs and what else is allowed.
func numeric(more string, make convert) apply {
	return func(c *Context, text string, v *fastjson.Value) *fastjson.Value {
		if v != nil && v.Type() == fastjson.TypeNumber {
			text, _ = value.Text(v)
		}
		if strings.Trim(text, "0123456789+-"+more) != "" || !strings.ContainsAny(text, "0123456789") {
			return nil
		}
		if more == "" {
			if _, err := strconv.ParseInt(text, 10, 64); err != nil {
				return nil
			}
		}
		return make(c, text)
	}
}

func (p *pattern) scaleFilter(f call) apply {
	var factor float64
	var err error
	if len(f.args) == 1 {
		factor, err = strconv.ParseFloat(f.args[0].text, 64)
	}
	if len(f.args) != 1 || err != nil {
		p.fail(f.at, "scale takes a number", "write scale(1000)")
		return nil
	}
	return func(c *Context, text string, v *fastjson.Value) *fastjson.Value {
		if v != nil && v.Type() == fastjson.TypeNumber {
			return value.Double(c.Arena, v.GetFloat64()*factor)
		}
		number, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil
		}
		return value.Double(c.Arena, number*factor)
	}
}

func (p *pattern) nullIfFilter(f call) apply {
	texts := p.texts(f, 1, 1, `("text")`)
	if p.err != nil {
		return nil
	}
	return func(c *Context, text string, v *fastjson.Value) *fastjson.Value {
		switch {
		case text == texts[0]:
			return nil
		case v != nil:
			return v
		}
		return value.String(c.Arena, text)
	}
}

func (p *pattern) useragentFilter(f call) apply {
	decode := false
	for _, a := range f.args {
		if a.key != "decodeuricomponent" || a.text != "true" && a.text != "false" || len(f.args) > 1 {
			p.fail(a.at, "useragent takes one argument, decodeuricomponent", "write useragent(decodeuricomponent:true)")
			return nil
		}
		decode = a.text == "true"
	}
	return func(c *Context, text string, _ *fastjson.Value) *fastjson.Value {
		if decode {
			text = weburl.Unescape(text)
		}
		return useragent.Details(c.Arena, text)
	}
}

// parseJSON reads any JSON. Dotted keys nest; objects that are empty are left out. In
// an object of more than MostMembers keys stay as they are.
func parseJSON(c *Context, text string) *fastjson.Value {
	v, err := fastjson.Parse(text)                    // which refuses what is nested deep; Validate would take minutes to say so
	if err != nil || fastjson.Validate(text) != nil { // the parser takes "+" and "nan" for numbers
		return nil
	}
	return nested(c.Arena, v)
}

// nested is v with dotted keys as objects in objects, without empty objects; nil when
// it is one.
func nested(arena *fastjson.Arena, v *fastjson.Value) *fastjson.Value {
	switch v.Type() {
	case fastjson.TypeObject:
		o := v.GetObject()
		if o.Len() == 0 {
			return nil
		}
		if o.Len() <= MostMembers && needsNesting(o) {
			return nestedObject(arena, o)
		}
	case fastjson.TypeArray:
		for i, item := range v.GetArray() {
			if inner := nested(arena, item); inner != nil && inner != item {
				v.SetArrayItem(i, inner)
			}
		}
	}
	return v
}

// needsNesting reports whether nested changes anything in or below the object.
func needsNesting(o *fastjson.Object) (needs bool) {
	o.Visit(func(key []byte, member *fastjson.Value) {
		t := member.Type()
		needs = needs || t == fastjson.TypeObject || t == fastjson.TypeArray || bytes.IndexByte(key, '.') >= 0
	})
	return needs
}

func nestedObject(arena *fastjson.Arena, o *fastjson.Object) *fastjson.Value {
	out := arena.NewObject()
	any := false
	o.Visit(func(key []byte, member *fastjson.Value) {
		if member = nested(arena, member); member != nil {
			putDotted(arena, out, string(key), member)
			any = true
		}
	})
	if !any {
		return nil
	}
	return out
}

// putDotted puts v under a key whose dots nest. A key with empty parts stays whole.
func putDotted(arena *fastjson.Arena, object *fastjson.Value, key string, v *fastjson.Value) {
	if !strings.Contains(key, ".") {
		object.Set(key, v)
		return
	}
	path := strings.Split(key, ".")
	if slices.Contains(path, "") || len(path) > maxDepth {
		path = []string{key}
	}
	value.Set(arena, object, path, v)
}
