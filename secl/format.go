package secl

import (
	"fmt"
	"strconv"
	"strings"
)

// Format writes a tree in one way of spelling; parsing that gives an equal tree.
func Format(n Node) string {
	var b strings.Builder
	format(&b, n)
	return b.String()
}

func format(b *strings.Builder, n Node) {
	switch n := n.(type) {
	case *Binary:
		format(b, n.L)
		b.WriteString(" " + n.Op.String() + " ")
		format(b, n.R)
	case *Unary:
		b.WriteString(n.Op.String())
		if formatApart(n) {
			b.WriteByte(' ')
		}
		format(b, n.X)
	case *Paren:
		b.WriteByte('(')
		format(b, n.X)
		b.WriteByte(')')
	case *List:
		formatList(b, n)
	case *Ident:
		b.WriteString(n.Name)
	case *Variable:
		b.WriteString("${" + n.Name + "}")
	case *Reference:
		b.WriteString("%{" + n.Name + "}")
	case *Number:
		b.WriteString(strconv.FormatInt(n.Value, 10))
	case *Duration:
		// Every duration that can be written is whole milliseconds.
		fmt.Fprintf(b, "%dms", n.Value.Milliseconds())
	case *Text:
		b.WriteString([...]string{Scalar: "", Pattern: "~", Regexp: "r"}[n.Form] + `"` + n.Value + `"`)
	case *Network:
		b.WriteString(n.Value)
	case *Bad:
		b.WriteString("<bad>")
	}
}

// formatList writes a list. Names stand apart from its brackets: they would take the
// closing one with them.
func formatList(b *strings.Builder, n *List) {
	open, end := "[", "]"
	if _, names := n.Members[0].(*Ident); names {
		open, end = "[ ", " ]"
	}
	b.WriteString(open)
	for i, m := range n.Members {
		if i > 0 {
			b.WriteString(", ")
		}
		format(b, m)
	}
	b.WriteString(end)
}

// formatApart tells whether an operator must stand apart from its operand:
// "-3" is a number, "- 3" the negation of one.
func formatApart(n *Unary) bool {
	switch x := n.X.(type) {
	case *Number:
		return n.Op == Minus && x.Value >= 0
	case *Duration:
		return n.Op == Minus
	case *Network:
		return n.Op == Minus
	}
	return false
}

// SameTree tells whether two trees are equal, wherever they stood.
func SameTree(a, b Node) bool {
	switch a := a.(type) {
	case *Binary:
		b, ok := b.(*Binary)
		return ok && a.Op == b.Op && SameTree(a.L, b.L) && SameTree(a.R, b.R)
	case *Unary:
		b, ok := b.(*Unary)
		return ok && a.Op == b.Op && SameTree(a.X, b.X)
	case *Paren:
		b, ok := b.(*Paren)
		return ok && SameTree(a.X, b.X)
	case *List:
		b, ok := b.(*List)
		if !ok || len(a.Members) != len(b.Members) {
			return false
		}
		for i := range a.Members {
			if !SameTree(a.Members[i], b.Members[i]) {
				return false
			}
		}
		return true
	case *Ident:
		b, ok := b.(*Ident)
		return ok && a.Name == b.Name
	case *Variable:
		b, ok := b.(*Variable)
		return ok && a.Name == b.Name
	case *Reference:
		b, ok := b.(*Reference)
		return ok && a.Name == b.Name
	case *Number:
		b, ok := b.(*Number)
		return ok && a.Value == b.Value
	case *Duration:
		b, ok := b.(*Duration)
		return ok && a.Value == b.Value
	case *Text:
		b, ok := b.(*Text)
		return ok && a.Form == b.Form && a.Value == b.Value
	case *Network:
		b, ok := b.(*Network)
		return ok && a.Value == b.Value
	}
	return false
}
