package secl

import "time"

// Node is a node of the tree that a text is parsed to, as it was written:
// parentheses are kept, names are not yet looked up.
type Node interface {
	Pos() Pos
	node()
}

// Op is an operator.
type Op uint8

// The operators, of all levels.
const (
	Or Op = iota + 1
	And
	Equal
	NotEqual
	Match
	NotMatch
	Less
	LessEqual
	Greater
	GreaterEqual
	In
	NotIn
	AllIn
	Plus
	Minus
	BitAnd
	BitOr
	BitXor
	Not
	BitNot
)

var opText = [...]string{
	Or: "||", And: "&&", Equal: "==", NotEqual: "!=", Match: "=~", NotMatch: "!~",
	Less: "<", LessEqual: "<=", Greater: ">", GreaterEqual: ">=", In: "in", NotIn: "not in", AllIn: "allin",
	Plus: "+", Minus: "-", BitAnd: "&", BitOr: "|", BitXor: "^", Not: "!", BitNot: "^",
}

// String is the operator as it is written.
func (o Op) String() string { return opText[o] }

// negates tells whether o is the denial of positive(o).
func (o Op) negates() bool { return o == NotEqual || o == NotMatch || o == NotIn }

// positive is the operator that o denies, or o.
func (o Op) positive() Op {
	switch o {
	case NotEqual:
		return Equal
	case NotMatch:
		return Match
	case NotIn:
		return In
	}
	return o
}

// Form says how a text is compared.
type Form uint8

// The forms of a text.
const (
	Scalar  Form = iota // "…": as it stands
	Pattern             // ~"…": * stands for any run of characters
	Regexp              // r"…": RE2, found anywhere
)

// Nodes of the parse tree.
type (
	// Binary is two operands and what is between them. And, Or, the bit
	// operators and comparisons lean to the right, Plus and Minus to the left.
	Binary struct {
		At   Pos // of the operator
		Op   Op
		L, R Node
	}
	// Unary is Not, Minus or BitNot before an operand.
	Unary struct {
		At Pos
		Op Op
		X  Node
	}
	// Paren is an expression in parentheses.
	Paren struct {
		At Pos
		X  Node
	}
	// List is the right side of in.
	List struct {
		At      Pos
		Members []Node
	}
	// Ident is a name: a constant, a macro or a field, with [index] or [register].
	Ident struct {
		At   Pos
		Name string
	}
	// Variable is ${Name}.
	Variable struct {
		At   Pos
		Name string
	}
	// Reference is %{Name}: a field, even where a variable has that name.
	Reference struct {
		At   Pos
		Name string
	}
	// Number is an integer.
	Number struct {
		At    Pos
		Value int64
	}
	// Duration is an integer of nanoseconds that was written with a unit.
	Duration struct {
		At    Pos
		Value time.Duration
	}
	// Text is a quoted text; backslashes in it mean themselves.
	Text struct {
		At    Pos
		Form  Form
		Value string
	}
	// Network is an address, or a network in CIDR notation.
	Network struct {
		At    Pos
		Value string
	}
	// Bad stands where the text was no expression.
	Bad struct{ At Pos }
)

// Pos is where the left operand begins.
func (n *Binary) Pos() Pos { return n.L.Pos() }

// Pos is where it begins.
func (n *Unary) Pos() Pos { return n.At }

// Pos is where it begins.
func (n *Paren) Pos() Pos { return n.At }

// Pos is where it begins.
func (n *List) Pos() Pos { return n.At }

// Pos is where it begins.
func (n *Ident) Pos() Pos { return n.At }

// Pos is where it begins.
func (n *Variable) Pos() Pos { return n.At }

// Pos is where it begins.
func (n *Reference) Pos() Pos { return n.At }

// Pos is where it begins.
func (n *Number) Pos() Pos { return n.At }

// Pos is where it begins.
func (n *Duration) Pos() Pos { return n.At }

// Pos is where it begins.
func (n *Text) Pos() Pos { return n.At }

// Pos is where it begins.
func (n *Network) Pos() Pos { return n.At }

// Pos is where it begins.
func (n *Bad) Pos() Pos { return n.At }

func (*Binary) node()    {}
func (*Unary) node()     {}
func (*Paren) node()     {}
func (*List) node()      {}
func (*Ident) node()     {}
func (*Variable) node()  {}
func (*Reference) node() {}
func (*Number) node()    {}
func (*Duration) node()  {}
func (*Text) node()      {}
func (*Network) node()   {}
func (*Bad) node()       {}
