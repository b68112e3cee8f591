package template

import (
	"strings"
	"unicode/utf8"

	"nightjar/schema"
)

// ref reads the name of a value: a variable of the reference, an attribute with
// its @, or a tag or reserved field, which may end in .name.
func (p *parser) ref(source string, offset int) (ref, error) {
	name := strings.TrimSpace(source)
	r := ref{source: name, at: offset}
	if !isName(name) {
		return r, p.errorf(offset, "expected the name of a variable", `write one as host.name or @usr.id`)
	}
	if _, ok := builtins[name]; ok {
		r.kind, r.name = refBuiltin, name
		return r, nil
	}
	if query, ok := strings.CutPrefix(name, perQueryPrefix); ok && query != "" {
		r.kind, r.name = refPerQuery, strings.TrimSuffix(strings.TrimPrefix(query, "["), "]")
		return r, nil
	}
	r.kind = refField
	if path, ok := strings.CutPrefix(name, "@"); ok {
		parts, _ := segments(path)
		if path = strings.Join(parts, "."); path == "" {
			return r, p.errorf(offset, "expected the path of an attribute after @", "write one as @usr.id")
		}
		r.field, r.path = schema.Field{Kind: schema.FieldAttribute, Name: path}, path
		return r, nil
	}
	parts, bracketed := segments(name)
	r.path = strings.Join(parts, ".")
	if last := len(parts) - 1; last > 0 && parts[last] == "name" && !bracketed[last] {
		parts = parts[:last]
	}
	r.field = schema.ParseField(strings.Join(parts, "."))
	return r, nil
}

// isName reports whether all of a text is one name. What begins otherwise is of
// another language, such as {{ .Values.x }} or {{> partial}}.
func isName(text string) bool {
	p := parser{text: text}
	name, err := p.name()
	first, _ := utf8.DecodeRuneInString(text)
	return err == nil && name == text && (isWord(first) || first == '_' || first == '@' || first == '[')
}

// segments are the parts of a dotted name. One in brackets may have dots.
func segments(name string) (parts []string, bracketed []bool) {
	for {
		if rest, ok := strings.CutPrefix(name, "["); ok {
			if part, rest, closed := strings.Cut(rest, "]"); closed && (rest == "" || rest[0] == '.') {
				parts, bracketed = append(parts, part), append(bracketed, true)
				if rest == "" {
					return parts, bracketed
				}
				name = rest[1:]
				continue
			}
		}
		part, rest, more := strings.Cut(name, ".")
		parts, bracketed = append(parts, part), append(bracketed, false)
		if !more {
			return parts, bracketed
		}
		name = rest
	}
}
