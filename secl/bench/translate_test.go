package bench

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"nightjar/secl"
	"nightjar/secl/event"
)

// dialect is how another language says what SECL can't say the same way there.
type dialect struct {
	contains, starts, ends, matches string // with the text and the quoted piece
	any                             string // with an array and a condition
	element                         string
	bits                            map[secl.Op]string
}

var exprDialect = dialect{
	contains: "(%s contains %s)", starts: "(%s startsWith %s)", ends: "(%s endsWith %s)", matches: "(%s matches %s)",
	any: "any(%s, %s)", element: "#",
	bits: map[secl.Op]string{secl.BitAnd: "bitand(%s, %s)", secl.BitOr: "bitor(%s, %s)", secl.BitXor: "bitxor(%s, %s)"},
}

var celDialect = dialect{
	contains: "%s.contains(%s)", starts: "%s.startsWith(%s)", ends: "%s.endsWith(%s)", matches: "%s.matches(%s)",
	any: "%s.exists(v, %s)", element: "v",
	bits: map[secl.Op]string{secl.BitAnd: "math.bitAnd(%s, %s)", secl.BitOr: "math.bitOr(%s, %s)", secl.BitXor: "math.bitXor(%s, %s)"},
}

// translator writes a checked rule in another language. Fields and variables
// become variables of the other's environment.
type translator struct {
	dialect
	env map[string]any // the values of the variables, for the event
	c   *secl.Context
	m   *secl.Model
}

// rule translates a whole rule; an error says what the other language can't say.
func (t *translator) rule(r *secl.Rule) (text string, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("%v", problem)
		}
	}()
	if r.Iterator() != nil {
		return "", fmt.Errorf("a register")
	}
	return t.cond(r.Expr), nil
}

func (t *translator) cond(e secl.Expr) string {
	switch e := secl.Bare(e).(type) {
	case *secl.Literal:
		return e.Value.String()
	case *secl.Logic:
		return "(" + t.cond(e.L) + " " + e.Op.String() + " " + t.cond(e.R) + ")"
	case *secl.Denial:
		return "!(" + t.cond(e.X) + ")"
	case *secl.FieldRead, *secl.VarRead:
		return t.variable(e)
	case *secl.Comparison:
		text := t.comparison(e)
		if e.Denied {
			return "!(" + text + ")"
		}
		return text
	}
	panic(fmt.Sprintf("a %T", e))
}

func (t *translator) comparison(e *secl.Comparison) string {
	l, r := secl.Bare(e.L), secl.Bare(e.R)
	if lit, ok := l.(*secl.Literal); ok && r.Type().Array {
		if _, isSet := r.(*secl.Set); !isSet {
			return t.each(r, func(x string) string { return t.text(x, lit.Value, pathOf(r)) })
		}
	}
	return t.each(l, func(x string) string {
		switch r := r.(type) {
		case *secl.Set:
			return t.in(x, r, pathOf(l))
		case *secl.Literal:
			if r.Value.Kind == secl.String {
				return t.text(x, r.Value, pathOf(l))
			}
		}
		if e.Age {
			return "(now - " + x + ") " + e.Op.String() + " " + t.number(r)
		}
		switch e.L.Type().Kind {
		case secl.Int:
			if e.Op != secl.In {
				return x + " " + e.Op.String() + " " + t.number(r)
			}
		case secl.Bool:
			return x + " == " + t.cond(r)
		}
		if e.Op == secl.In {
			return x + " in " + t.variable(r)
		}
		return x + " == " + t.variable(r)
	})
}

func pathOf(e secl.Expr) bool {
	read, ok := e.(*secl.FieldRead)
	return ok && read.Field.Path
}

// each applies a test to a value, or to any of an array.
func (t *translator) each(e secl.Expr, test func(string) string) string {
	if e.Type().Kind == secl.Int && !e.Type().Array {
		return test(t.number(e))
	}
	if lit, ok := e.(*secl.Literal); ok {
		return test(lit.Value.String())
	}
	if e.Type().Array {
		return fmt.Sprintf(t.any, t.variable(e), test(t.element))
	}
	if e.Type().Kind == secl.Bool {
		return test(t.cond(e))
	}
	return test(t.variable(e))
}

func (t *translator) number(e secl.Expr) string {
	switch e := secl.Bare(e).(type) {
	case *secl.Literal:
		return strconv.FormatInt(e.Value.Int, 10)
	case *secl.Arithmetic:
		if form := t.bits[e.Op]; form != "" {
			return fmt.Sprintf(form, t.number(e.L), t.number(e.R))
		}
		return "(" + t.number(e.L) + " " + e.Op.String() + " " + t.number(e.R) + ")"
	case *secl.FieldRead, *secl.VarRead:
		return t.variable(e)
	}
	panic(fmt.Sprintf("a number of %T", e))
}

func (t *translator) in(x string, set *secl.Set, path bool) string {
	var exact, parts []string
	for _, m := range set.Members {
		lit, ok := m.(*secl.Literal)
		if !ok {
			panic("an interpolated member")
		}
		if lit.Value.Kind == secl.String && lit.Value.Form != secl.Scalar {
			parts = append(parts, t.text(x, lit.Value, path))
		} else if lit.Value.Kind == secl.String {
			exact = append(exact, strconv.Quote(lit.Value.Text))
		} else {
			exact = append(exact, lit.Value.String())
		}
	}
	if len(exact) > 0 {
		parts = append([]string{x + " in [" + strings.Join(exact, ", ") + "]"}, parts...)
	}
	return "(" + strings.Join(parts, " || ") + ")"
}

// text compares with one literal: by the operator of the other language that is
// made for it, else by a regular expression.
func (t *translator) text(x string, v secl.Value, path bool) string {
	stars := strings.Count(v.Text, "*")
	switch {
	case v.Form == secl.Regexp:
		return fmt.Sprintf(t.matches, x, strconv.Quote(v.Text))
	case v.Form == secl.Scalar || stars == 0:
		return x + " == " + strconv.Quote(v.Text)
	case path:
		return fmt.Sprintf(t.matches, x, strconv.Quote(globRegexp(v.Text)))
	case stars == 1 && strings.HasSuffix(v.Text, "*"):
		return fmt.Sprintf(t.starts, x, strconv.Quote(strings.TrimSuffix(v.Text, "*")))
	case stars == 1 && strings.HasPrefix(v.Text, "*"):
		return fmt.Sprintf(t.ends, x, strconv.Quote(strings.TrimPrefix(v.Text, "*")))
	case stars == 2 && strings.HasPrefix(v.Text, "*") && strings.HasSuffix(v.Text, "*"):
		return fmt.Sprintf(t.contains, x, strconv.Quote(strings.Trim(v.Text, "*")))
	}
	return fmt.Sprintf(t.matches, x, strconv.Quote("(?s)^"+strings.ReplaceAll(regexp.QuoteMeta(v.Text), `\*`, ".*")+"$"))
}

func globRegexp(glob string) string {
	out := strings.ReplaceAll(regexp.QuoteMeta(glob), `\*\*`, "\x00")
	out = strings.ReplaceAll(out, `\*`, "[^/]*")
	return "(?s)^" + strings.ReplaceAll(out, "\x00", ".*") + "$"
}

// variable names a field or a variable of SECL, and notes its value.
func (t *translator) variable(e secl.Expr) string {
	var text string
	switch e := secl.Bare(e).(type) {
	case *secl.FieldRead:
		text = e.Field.Name
	case *secl.VarRead:
		text = "${" + e.Var.Name + "}"
	default:
		panic(fmt.Sprintf("a variable of %T", e))
	}
	name := "V_" + regexp.MustCompile(`\W+`).ReplaceAllString(text, "_")
	if t.env[name] == nil {
		env := &secl.Env{Model: t.m, Vars: map[string]*secl.Var{}}
		if v, ok := secl.Bare(e).(*secl.VarRead); ok {
			env.Vars[v.Var.Name] = v.Var
		}
		read, err := secl.CheckValue(text, env)
		if err != nil {
			panic(err)
		}
		t.env[name] = notNil(secl.CompileValue(read).Value(t.c))
	}
	return name
}

// notNil makes an empty array of none, which other languages do not know.
func notNil(v any) any {
	switch v := v.(type) {
	case []string:
		return append([]string{}, v...)
	case []int64:
		return append([]int64{}, v...)
	}
	return v
}

// translated are the rules about one type of events in another language.
func translated(b testing.TB, d dialect, kind string) (texts []string, env map[string]any) {
	b.Helper()
	set := rules(b)
	c := context(b, kind)
	t := &translator{d, map[string]any{"now": c.Now}, c, event.Model()}
	for _, r := range set.For(kind).Rules {
		text, err := t.rule(r.Rule.Rule)
		if err != nil {
			b.Logf("%s is left out: %v", r.ID, err)
			continue
		}
		texts = append(texts, text)
	}
	return texts, t.env
}
