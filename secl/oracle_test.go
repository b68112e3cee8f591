package secl_test

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"nightjar/secl"
)

// oracle evaluates a rule by walking its tree, as the words of the language say
// and as slowly as that takes: arrays are lists, patterns regular expressions.
type oracle struct {
	c       *secl.Context
	element int // of the iterator; -1 without a register
}

// match tries every element of the iterator.
func oracleMatch(r *secl.Rule, c *secl.Context) bool {
	if r.Iterator() == nil {
		return oracle{c, -1}.cond(r.Expr)
	}
	for i := range min(r.Iterator().Len(c), secl.MaxIterations) {
		if (oracle{c, i}).cond(r.Expr) {
			return true
		}
	}
	return false
}

func (o oracle) cond(e secl.Expr) bool {
	switch e := secl.Bare(e).(type) {
	case *secl.Logic:
		l, r := o.cond(e.L), o.cond(e.R)
		if e.Op == secl.And {
			return l && r
		}
		return l || r
	case *secl.Denial:
		return !o.cond(e.X)
	case *secl.Comparison:
		return o.comparison(e) != e.Denied
	}
	return slices.Contains(o.values(e), any(true))
}

// values are all values of an operand; literals stay what they are.
func (o oracle) values(e secl.Expr) []any {
	switch e := secl.Bare(e).(type) {
	case *secl.Literal:
		if e.Value.Kind == secl.String {
			return []any{e.Value}
		}
		if e.Value.Kind == secl.Net {
			return []any{e.Value.Net}
		}
		return []any{e.Value.Any()}
	case *secl.Set:
		var out []any
		for _, m := range e.Members {
			out = append(out, o.values(m)...)
		}
		return out
	case *secl.Arithmetic:
		a, b := o.values(e.L)[0].(int64), o.values(e.R)[0].(int64)
		switch e.Op {
		case secl.Plus:
			return []any{a + b}
		case secl.Minus:
			return []any{a - b}
		case secl.BitAnd:
			return []any{a & b}
		case secl.BitOr:
			return []any{a | b}
		}
		return []any{a ^ b}
	case *secl.Inversion:
		a := o.values(e.X)[0].(int64)
		if e.Op == secl.BitNot {
			return []any{^a}
		}
		return []any{-a}
	case *secl.FieldRead:
		return o.field(e)
	case *secl.Logic, *secl.Denial, *secl.Comparison:
		return []any{o.cond(e)}
	}
	panic("the oracle does not know this")
}

func (o oracle) field(e *secl.FieldRead) []any {
	var out []any
	elements := []int{o.element}
	if e.Field.Iterator != nil && e.Register == "" {
		elements = nil
		for i := range min(e.Field.Iterator.Len(o.c), secl.MaxIterations) {
			elements = append(elements, i)
		}
	}
	switch read := e.Field.Read.(type) {
	case func(*secl.Context) bool:
		out = list([]bool{read(o.c)})
	case func(*secl.Context) int64:
		out = list([]int64{read(o.c)})
	case func(*secl.Context) string:
		out = list([]string{read(o.c)})
	case func(*secl.Context) netip.Prefix:
		out = list([]netip.Prefix{read(o.c)})
	case func(*secl.Context) []string:
		out = list(read(o.c))
	case func(*secl.Context, int) string:
		for _, i := range elements {
			out = append(out, read(o.c, i))
		}
	case func(*secl.Context, int) int64:
		for _, i := range elements {
			out = append(out, read(o.c, i))
		}
	case func(*secl.Context, int) []string:
		for _, i := range elements {
			out = append(out, list(read(o.c, i))...)
		}
	default:
		panic("the oracle does not know this reader")
	}
	if e.Index >= 0 {
		if e.Index < len(out) {
			return out[e.Index : e.Index+1]
		}
		return []any{map[secl.Kind]any{secl.String: "", secl.Int: int64(0), secl.Bool: false}[e.Field.Type().Kind]}
	}
	for _, also := range e.Field.Also {
		if s := also(o.c); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func list[T any](vs []T) []any {
	var out []any
	for _, v := range vs {
		out = append(out, v)
	}
	return out
}

func (o oracle) comparison(e *secl.Comparison) bool {
	if e.Op == secl.AllIn {
		panic("the oracle does not know allin")
	}
	path := pathOf(e.L) || pathOf(e.R)
	for _, a := range o.values(e.L) {
		for _, b := range o.values(e.R) {
			if n, ok := a.(int64); ok && e.Age {
				a = o.c.Now - n
			}
			if holds(e.Op, a, b, path) {
				return true
			}
		}
	}
	return false
}

func pathOf(e secl.Expr) bool {
	read, ok := secl.Bare(e).(*secl.FieldRead)
	return ok && read.Field.Path
}

func holds(op secl.Op, a, b any, path bool) bool {
	switch a := a.(type) {
	case int64:
		b := b.(int64)
		switch op {
		case secl.Less:
			return a < b
		case secl.LessEqual:
			return a <= b
		case secl.Greater:
			return a > b
		case secl.GreaterEqual:
			return a >= b
		}
		return a == b
	case bool:
		return a == b.(bool)
	case netip.Prefix:
		b := b.(netip.Prefix)
		return a.Masked().Overlaps(b.Masked())
	case secl.Value:
		if b, ok := b.(secl.Value); ok {
			return a.Text == b.Text || op == secl.In && meant(b, path).MatchString(a.Text)
		}
		return means(a, b.(string), path)
	case string:
		if b, ok := b.(secl.Value); ok {
			return means(b, a, path)
		}
		return a == b.(string)
	}
	return false
}

func means(v secl.Value, s string, path bool) bool {
	if path && v.Form == secl.Pattern && strings.Contains(v.Text, "*") && s == "" {
		return false
	}
	if path && v.Form == secl.Pattern && v.Text == "" {
		return false
	}
	if path && v.Form == secl.Pattern && strings.HasPrefix(v.Text, "*") {
		s = strings.TrimPrefix(s, "/") // */x is /*/x
	}
	return meant(v, path).MatchString(s)
}

// meant writes a literal as a regular expression.
func meant(v secl.Value, path bool) *regexp.Regexp {
	quoted := regexp.QuoteMeta(v.Text)
	switch {
	case v.Form == secl.Regexp:
		return regexp.MustCompile(v.Text)
	case v.Form == secl.Scalar || !strings.Contains(v.Text, "*"):
		return regexp.MustCompile(`(?s)\A` + quoted + `\z`)
	case !path:
		return regexp.MustCompile(`(?s)\A` + strings.ReplaceAll(quoted, `\*`, `.*`) + `\z`)
	}
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	if strings.HasPrefix(v.Text, "/") {
		b.WriteString("/")
	}
	segments := strings.Split(strings.TrimPrefix(v.Text, "/"), "/")
	for i, s := range segments {
		switch last := i == len(segments)-1; {
		case s == "**" && last:
			b.WriteString(`.*`)
		case s == "**":
			b.WriteString(`(?:.*/)?`)
		default:
			b.WriteString(regexp.MustCompile(`(\\\*)+`).ReplaceAllString(regexp.QuoteMeta(s), `[^/]*`))
			if !last {
				b.WriteString("/")
			}
		}
	}
	b.WriteString(`\z`)
	return regexp.MustCompile(b.String())
}
