package secl

// Expr is a node of the checked tree: names are resolved, types agree. The
// evaluator, explanations, the linter and the lowering to SQL read it. Most of
// them look for a few kinds of nodes, whose types the checker has made sure of.
type Expr interface {
	// Type is the type of the node's value.
	Type() Type
	// Source is where the node comes from. In a macro that is a node of the
	// macro's own text.
	Source() Node
	expr()
}

type from struct{ Node Node }

func (f from) Source() Node { return f.Node }
func (from) expr()          {}

// Nodes of the checked tree.
type (
	// Literal is a value that was written, or that a constant stands for.
	Literal struct {
		from
		Value Value
	}
	// Set is a list. Its members are Literals and Interpolations of one kind.
	Set struct {
		from
		Kind    Kind
		Members []Expr
	}
	// FieldRead reads a field of the event.
	FieldRead struct {
		from
		Field    *Field
		Register string // not empty: of the one element that the register stands for
		Index    int    // not negative: the one value of the array that stands there
	}
	// VarRead reads a variable.
	VarRead struct {
		from
		Var *Var
	}
	// Interpolation is a text with values of fields and variables in it.
	Interpolation struct {
		from
		Parts []Expr
	}
	// MacroUse is a macro's name where its content is meant.
	MacroUse struct {
		from
		Macro *Macro
	}
	// Logic is And or Or.
	Logic struct {
		from
		Op   Op
		L, R Expr
	}
	// Denial is true where X is false.
	Denial struct {
		from
		X Expr
	}
	// Comparison is Equal, Less, LessEqual, Greater, GreaterEqual, In or AllIn.
	// What was written with =~ is Equal to a pattern.
	Comparison struct {
		from
		Op     Op
		Denied bool // the answer is turned round: !=, !~, not in
		Age    bool // what is compared is the time from L until now
		L, R   Expr
	}
	// Arithmetic is Plus, Minus or an operator on bits.
	Arithmetic struct {
		from
		Op   Op
		L, R Expr
	}
	// Inversion is Minus or BitNot of an integer.
	Inversion struct {
		from
		Op Op
		X  Expr
	}
)

// Type is that of the value.
func (e *Literal) Type() Type { return Type{Kind: e.Value.Kind} }

// Type is that of the value.
func (e *Set) Type() Type { return Type{e.Kind, true} }

// Type is that of the value.
func (e *VarRead) Type() Type { return e.Var.Type() }

// Type is that of the value.
func (e *Interpolation) Type() Type { return Type{Kind: String} }

// Type is that of the value.
func (e *MacroUse) Type() Type { return e.Macro.Expr.Type() }

// Type is that of the value.
func (e *Logic) Type() Type { return Type{Kind: Bool} }

// Type is that of the value.
func (e *Denial) Type() Type { return Type{Kind: Bool} }

// Type is that of the value.
func (e *Comparison) Type() Type { return Type{Kind: Bool} }

// Type is that of the value.
func (e *Arithmetic) Type() Type { return Type{Kind: Int} }

// Type is that of the value.
func (e *Inversion) Type() Type { return Type{Kind: Int} }

// Type of one element is no array, of the elements of a register it is one.
func (e *FieldRead) Type() Type {
	t := e.Field.Type()
	if e.Index >= 0 {
		t.Array = false
	}
	return t
}

// Macro is a name for an expression, a list or a value.
type Macro struct {
	Name string
	Text string
	Expr Expr
	uses
}

// Rule is a checked expression.
type Rule struct {
	Text string
	Tree Node
	Expr Expr
	uses
}

// Event is the type of events that the expression asks about; empty if it asks
// nothing that only one type has.
func (u *uses) Event() string { return u.event }

// Fields are the fields that the expression reads, in the order of their first
// use.
func (u *uses) Fields() []*Field { return u.fields }

// Vars are the variables that it reads.
func (u *uses) Vars() []*Var { return u.vars }

// Iterator is what the register of the expression ranges over; nil if it has
// none.
func (u *uses) Iterator() *Iterator { return u.iterator }

// uses is what an expression needs.
type uses struct {
	event    string
	fields   []*Field
	vars     []*Var
	iterator *Iterator
	register string
	size     int // nodes, with those of macros
}

// Bare is e without the macros' names around it.
func Bare(e Expr) Expr {
	for {
		m, ok := e.(*MacroUse)
		if !ok {
			return e
		}
		e = m.Macro.Expr
	}
}

// Walk calls visit for e and everything in it, parents first, until it returns
// false for a node whose children are not wanted.
func Walk(e Expr, visit func(Expr) bool) {
	if !visit(e) {
		return
	}
	switch e := e.(type) {
	case *Set:
		for _, m := range e.Members {
			Walk(m, visit)
		}
	case *Interpolation:
		for _, p := range e.Parts {
			Walk(p, visit)
		}
	case *MacroUse:
		Walk(e.Macro.Expr, visit)
	case *Logic:
		Walk(e.L, visit)
		Walk(e.R, visit)
	case *Denial:
		Walk(e.X, visit)
	case *Comparison:
		Walk(e.L, visit)
		Walk(e.R, visit)
	case *Arithmetic:
		Walk(e.L, visit)
		Walk(e.R, visit)
	case *Inversion:
		Walk(e.X, visit)
	case *Literal, *FieldRead, *VarRead:
	}
}
