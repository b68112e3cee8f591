package secl

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Env is what names mean.
type Env struct {
	Model  *Model
	Macros map[string]*Macro
	Vars   map[string]*Var // by the name that stands in ${}
}

// maxSize bounds the nodes of a checked expression, with those of its macros.
const maxSize = 100_000

// Check reads a condition. The error is of type Errors and names every mistake.
func Check(text string, env *Env) (*Rule, error) {
	tree, err := Parse(text)
	if err != nil {
		return nil, err
	}
	c := newChecker(text, env)
	e := c.expr(tree)
	if e != nil && (e.Type() != Type{Kind: Bool}) {
		c.report.report(tree.Pos(), "", "got %s, want a condition", e.Type())
	}
	return &Rule{text, tree, e, c.uses}, c.report.err()
}

// CheckValue reads an expression of any type.
func CheckValue(text string, env *Env) (*Rule, error) {
	tree, err := Parse(text)
	if err != nil {
		return nil, err
	}
	c := newChecker(text, env)
	e := c.expr(tree)
	return &Rule{text, tree, e, c.uses}, c.report.err()
}

// CheckText reads a text with values of fields and variables in it, as one that stands in
// quotes in an expression.
func CheckText(text string, env *Env) (*Rule, error) {
	c := newChecker(text, env)
	tree := &Text{Value: text}
	e := c.text(tree)
	return &Rule{text, tree, e, c.uses}, c.report.err()
}

// CheckMacro reads what a macro stands for.
func CheckMacro(name, text string, env *Env) (*Macro, error) {
	tree, err := ParseMacro(text)
	if err != nil {
		return nil, err
	}
	c := newChecker(text, env)
	var e Expr
	if list, ok := tree.(*List); ok {
		e = c.list(list)
	} else {
		e = c.expr(tree)
	}
	return &Macro{name, text, e, c.uses}, c.report.err()
}

type checker struct {
	env    *Env
	report *reporter
	uses
}

func newChecker(text string, env *Env) *checker {
	return &checker{env: env, report: &reporter{text: text}}
}

// fail reports a mistake at n. The nil that it returns stands for an expression
// that is not to be looked at any more.
func (c *checker) fail(n Node, hint, format string, args ...any) Expr {
	c.report.report(n.Pos(), hint, format, args...)
	return nil
}

// count adds nodes to the size, and reports when that becomes too large: macros
// that use macros twice double at every step.
func (c *checker) count(n Node, nodes int) bool {
	was := c.size
	c.size += nodes
	if was <= maxSize && c.size > maxSize {
		c.fail(n, "break it up into rules", "the expression has more than %d parts, with those of its macros", maxSize)
	}
	return c.size <= maxSize
}

// expr checks n. It returns nil after a mistake in n; what is beside n is
// checked all the same.
func (c *checker) expr(n Node) Expr {
	if !c.count(n, 1) {
		return nil
	}
	switch n := n.(type) {
	case *Paren:
		return c.expr(n.X)
	case *Binary:
		return c.binary(n)
	case *Unary:
		return c.unary(n)
	case *Ident:
		return c.ident(n)
	case *Variable:
		return c.variable(n, n.Name)
	case *Reference:
		return c.field(n, n.Name, inReference)
	case *Number:
		return &Literal{from{n}, IntValue(n.Value)}
	case *Duration:
		return &Literal{from{n}, Value{Kind: Int, Int: int64(n.Value), Duration: true}}
	case *Text:
		return c.text(n)
	case *Network:
		net, err := ParseNet(n.Value)
		if err != nil {
			return c.fail(n, "", "%s", err)
		}
		return &Literal{from{n}, NetValue(net)}
	case *List:
		return c.list(n)
	case *Bad:
		return c.fail(n, "", "no expression")
	}
	return c.fail(n, "", "no check for %T", n)
}

func (c *checker) unary(n *Unary) Expr {
	x := c.expr(n.X)
	if x == nil {
		return nil
	}
	if n.Op == Not {
		if x.Type() != (Type{Kind: Bool}) {
			return c.fail(n.X, "", "got %s, want a condition after %s", x.Type(), n.Op)
		}
		return &Denial{from{n}, x}
	}
	if x.Type() != (Type{Kind: Int}) {
		return c.fail(n.X, "", "got %s, want int after %s", x.Type(), n.Op)
	}
	if lit, ok := Bare(x).(*Literal); ok {
		v := lit.Value
		if v.Int = -v.Int; n.Op == BitNot {
			v.Int = ^lit.Value.Int
		}
		return &Literal{from{n}, v}
	}
	return &Inversion{from{n}, n.Op, x}
}

func (c *checker) binary(n *Binary) Expr {
	l, r := c.expr(n.L), c.expr(n.R)
	if l == nil || r == nil {
		return nil
	}
	switch n.Op {
	case Or, And:
		for _, side := range []struct {
			n Node
			e Expr
		}{{n.L, l}, {n.R, r}} {
			if side.e.Type() != (Type{Kind: Bool}) {
				return c.fail(side.n, "", "got %s, want a condition beside %s", side.e.Type(), n.Op)
			}
		}
		return &Logic{from{n}, n.Op, l, r}
	case Plus, Minus, BitAnd, BitOr, BitXor:
		return c.arithmetic(n, l, r)
	}
	return c.compare(n, l, r)
}

func (c *checker) arithmetic(n *Binary, l, r Expr) Expr {
	if l.Type() != (Type{Kind: Int}) {
		return c.fail(n.L, "", "got %s, want int beside %s", l.Type(), n.Op)
	}
	if r.Type() != (Type{Kind: Int}) {
		return c.fail(n.R, "", "got %s, want int beside %s", r.Type(), n.Op)
	}
	return &Arithmetic{from{n}, n.Op, l, r}
}

// ident resolves a name: a constant, else a macro, else a field.
func (c *checker) ident(n *Ident) Expr {
	if k, ok := c.env.Model.Constant(n.Name); ok {
		return &Literal{from{n}, k.Value}
	}
	if m := c.env.Macros[n.Name]; m != nil {
		return c.macro(n, m)
	}
	return c.field(n, n.Name, inCondition)
}

func (c *checker) macro(n Node, m *Macro) Expr {
	if m.Expr == nil || !c.count(n, m.size) {
		return nil
	}
	for _, f := range m.fields {
		c.useField(n, f)
	}
	for _, v := range m.vars {
		c.useVar(v)
	}
	if m.iterator != nil {
		c.useRegister(n, m.iterator, m.register)
	}
	return &MacroUse{from{n}, m}
}

func (c *checker) variable(n Node, name string) Expr {
	v := c.env.Vars[name]
	if v == nil {
		v = c.env.Model.Builtin(name)
	}
	if base, ok := strings.CutSuffix(name, ".length"); v == nil && ok && c.env.Vars[base] != nil {
		v = lengthOfVar(c.env.Vars[base])
	}
	if v == nil {
		hint := ""
		if c.env.Model.Field(name) != nil {
			hint = fmt.Sprintf("for the field write %%{%s}", name)
		} else if near := suggest(name, slices.Collect(maps.Keys(c.env.Vars))); near != "" {
			hint = fmt.Sprintf("did you mean ${%s}?", near)
		}
		return c.fail(n, hint, "no variable %q", name)
	}
	c.useVar(v)
	return &VarRead{from{n}, v}
}

func (c *checker) useVar(v *Var) {
	if !slices.Contains(c.vars, v) {
		c.vars = append(c.vars, v)
	}
}

// Where a field is named.
const (
	inCondition = false
	inReference = true // %{...}
)

// field resolves a field's name, which may have an index or a register in it.
// In %{} the length of any text or array can be asked for.
func (c *checker) field(n Node, name string, reference bool) Expr {
	bare, index, register, problem := splitName(name)
	if problem != "" {
		return c.fail(n, "", "%s", problem)
	}
	f := c.env.Model.Field(bare)
	if base, ok := strings.CutSuffix(bare, ".length"); f == nil && ok && reference {
		if b := c.env.Model.Field(base); b != nil && (b.Type().Array || b.Type().Kind == String) {
			f = lengthOf(b)
		}
	}
	if f == nil {
		return c.noField(n, bare)
	}
	switch {
	case index >= 0 && !f.Type().Array:
		return c.fail(n, "", "%s is a %s: it has no [%d]", bare, f.Type(), index)
	case register != "":
		prefix := name[:strings.IndexByte(name, '[')]
		it := c.env.Model.iterators[prefix]
		if it == nil || (f.Iterator != it && f.Name != it.Name+".length") {
			return c.fail(n, "", "%s can't be iterated: there is only one of it", prefix)
		}
		if f.Iterator != nil {
			c.useRegister(n, it, register)
		} else {
			register = ""
		}
	}
	c.useField(n, f)
	return &FieldRead{from{n}, f, register, index}
}

func (c *checker) noField(n Node, name string) Expr {
	model := c.env.Model
	hint := ""
	if strings.HasSuffix(name, ".") {
		return c.fail(n, "", "no field %q", name)
	}
	names := append(slices.Collect(maps.Keys(model.fields)), slices.Collect(maps.Keys(c.env.Macros))...)
	if !strings.Contains(name, ".") {
		names = append(names, slices.Collect(maps.Keys(model.constants))...)
	}
	slices.Sort(names)
	if near := suggest(name, names); near != "" {
		hint = fmt.Sprintf("did you mean %s?", near)
	}
	if strings.Contains(name, ".") {
		return c.fail(n, hint, "no field %q", name)
	}
	return c.fail(n, hint, "no field, macro or constant %q", name)
}

// splitName takes the bracket out of a name: a number is an index and stands at
// the end, a word is a register and stands behind what it ranges over.
func splitName(name string) (bare string, index int, register, problem string) {
	open := strings.IndexByte(name, '[')
	if open < 0 {
		if strings.IndexByte(name, ']') >= 0 {
			return "", -1, "", fmt.Sprintf("%q has a ] without a [", name)
		}
		return name, -1, "", ""
	}
	within, after, closed := strings.Cut(name[open+1:], "]")
	bare = name[:open] + after
	switch {
	case !closed || strings.ContainsAny(within+after, "[]"):
		return "", -1, "", fmt.Sprintf("%q is no name; one [register] or [index] can stand in it", name)
	case within == "":
		return "", -1, "", fmt.Sprintf("%q has an empty register; write a letter, or leave the brackets out to mean any", name)
	case within == "_":
		return "", -1, "", "_ is no register; write a letter, or leave the brackets out to mean any"
	case isDigit(within[0]):
		i, err := strconv.Atoi(within)
		if err != nil || after != "" {
			return "", -1, "", fmt.Sprintf("%q is no name; an index is a number at the end", name)
		}
		return bare, i, "", ""
	}
	return bare, -1, within, ""
}

// useField notes the field and the type of events that has it.
func (c *checker) useField(n Node, f *Field) {
	if slices.Contains(c.fields, f) {
		return
	}
	c.fields = append(c.fields, f)
	switch {
	case f.Event == "":
	case c.event == "":
		c.event = f.Event
	case c.event != f.Event:
		c.fail(n, "make two rules of it", "%s is a field of %s events, but the rule is about %s events", f.Name, f.Event, c.event)
	}
}

// useRegister holds that a rule has one register, on one iterator.
func (c *checker) useRegister(n Node, it *Iterator, register string) {
	switch {
	case c.iterator == nil:
		c.iterator, c.register = it, register
	case c.iterator != it:
		c.fail(n, "", "register %s ranges over %s already: a rule has one register, on one field", c.register, c.iterator.Name)
	case c.register != register:
		c.fail(n, "", "register %s beside %s: a rule has one register", register, c.register)
	}
}

// text checks a quoted text. Fields and variables in a plain one are read when
// it is evaluated; what only looks like one is text.
func (c *checker) text(n *Text) Expr {
	if n.Form == Regexp {
		if _, err := regexp.Compile(n.Value); err != nil {
			return c.fail(n, "", "no regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
	}
	if n.Form != Scalar || !strings.Contains(n.Value, "{") {
		return &Literal{from{n}, Value{Kind: String, Text: n.Value, Form: n.Form}}
	}
	var parts []Expr
	plain, dynamic := 0, false
	for i := 0; i < len(n.Value); i++ {
		rest := n.Value[i:]
		size := 0
		var part Expr
		if strings.HasPrefix(rest, "${") {
			if size = lenBraced(rest, isNamePart); size > 0 {
				part = c.variable(n, rest[2:size-1])
			}
		} else if strings.HasPrefix(rest, "%{") {
			if size = lenBraced(rest, isIdentPart); size > 0 {
				part = c.field(n, rest[2:size-1], inReference)
			}
		}
		if size == 0 {
			continue
		}
		if part == nil {
			return nil
		}
		if i > plain {
			parts = append(parts, &Literal{from{n}, TextValue(n.Value[plain:i])})
		}
		parts, dynamic = append(parts, part), true
		i += size - 1
		plain = i + 1
	}
	if !dynamic {
		return &Literal{from{n}, TextValue(n.Value)}
	}
	if plain < len(n.Value) {
		parts = append(parts, &Literal{from{n}, TextValue(n.Value[plain:])})
	}
	return &Interpolation{from{n}, parts}
}

// list checks the members of a list. Names in it are constants of one type.
func (c *checker) list(n *List) Expr {
	set := &Set{from: from{n}}
	if !c.count(n, len(n.Members)) {
		return nil
	}
	failed := false
	for _, m := range n.Members {
		e := c.member(m)
		if e == nil {
			failed = true
			continue
		}
		if kind := e.Type().Kind; set.Kind == 0 {
			set.Kind = kind
		} else if set.Kind != kind {
			c.fail(m, "", "got %s in a list of %s: constants of different types can't be mixed", kind, set.Kind)
			failed = true
			continue
		}
		set.Members = append(set.Members, e)
	}
	if failed {
		return nil
	}
	return set
}

func (c *checker) member(n Node) Expr {
	id, ok := n.(*Ident)
	if !ok {
		return c.expr(n)
	}
	k, ok := c.env.Model.Constant(id.Name)
	if !ok {
		return c.fail(n, "texts have quotes", "%q is no constant", id.Name)
	}
	return &Literal{from{n}, k.Value}
}
