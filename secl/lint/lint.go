package lint

import (
	"fmt"
	"slices"
	"strings"

	"nightjar/secl"
	"nightjar/secl/policy"
)

// Check names what a finding is about.
type Check string

// The checks.
const (
	DeadPattern   Check = "dead-pattern"  // a text with * that is no pattern
	MixedLogic    Check = "mixed-logic"   // && and || beside one another
	NoApprover    Check = "no-approver"   // the kernel has to send every event
	Unsatisfiable Check = "unsatisfiable" // a condition that can't hold
	Shadowed      Check = "shadowed"      // a condition that adds nothing
	Duplicate     Check = "duplicate"     // a member that stands in a list twice
	RawPattern    Check = "raw-pattern"   // a pattern that is compared as a text
)

// Finding is one thing that is hardly meant.
type Finding struct {
	Where        policy.Place
	Kind, ID     string // rule or macro
	Check        Check
	Line, Column int // in the expression, from 1; 0 where it is about the whole rule
	Message      string
}

// String is `file:line: rule `id` line:column: message [check]`.
func (f Finding) String() string {
	place := ""
	if f.Line > 0 {
		place = fmt.Sprintf(" %d:%d", f.Line, f.Column)
	}
	return fmt.Sprintf("%s: %s `%s`%s: %s [%s]", f.Where, f.Kind, f.ID, place, f.Message, f.Check)
}

// Lint looks through a set of policies. capabilities says by which fields of a
// type of events the kernel side can filter.
func Lint(set *policy.Set, capabilities func(event string) []secl.Capability) []Finding {
	l := &linter{set: set}
	for _, def := range set.Macros {
		if m := set.Env.Macros[def.ID]; m != nil {
			l.in(def.Where, "macro", def.ID, m.Text)
			l.lists(m.Expr)
			l.comparisons(m.Expr)
			if tree, err := secl.ParseMacro(m.Text); err == nil {
				l.mixed(tree)
			}
		}
	}
	for _, r := range set.Rules {
		l.in(r.Where, "rule", r.ID, r.Text)
		l.lists(r.Expr)
		l.comparisons(r.Expr)
		l.mixed(r.Tree)
		l.alternatives(r.Expr)
		if f := secl.Unsatisfiable(r.Rule); f != nil {
			l.add(-1, Unsatisfiable, "it can never match: no value of %s satisfies it", f.Name)
		}
	}
	l.implied()
	l.approvers(capabilities)
	return l.findings
}

type linter struct {
	set      *policy.Set
	where    policy.Place
	kind, id string
	text     string
	findings []Finding
}

func (l *linter) in(where policy.Place, kind, id, text string) {
	l.where, l.kind, l.id, l.text = where, kind, id, text
}

// add adds a finding at an offset of the expression; below 0 it is about all of it.
func (l *linter) add(at secl.Pos, check Check, format string, args ...any) {
	f := Finding{Where: l.where, Kind: l.kind, ID: l.id, Check: check, Message: fmt.Sprintf(format, args...)}
	if at >= 0 {
		f.Line, f.Column = secl.Place(l.text, at)
	}
	l.findings = append(l.findings, f)
}

// walkOwn visits e without what macros stand for: they are looked at by
// themselves.
func walkOwn(e secl.Expr, visit func(secl.Expr)) {
	secl.Walk(e, func(e secl.Expr) bool {
		if _, ok := e.(*secl.MacroUse); ok {
			return false
		}
		visit(e)
		return true
	})
}

// lists finds members that stand in a list twice.
func (l *linter) lists(e secl.Expr) {
	walkOwn(e, func(e secl.Expr) {
		set, ok := e.(*secl.Set)
		if !ok {
			return
		}
		seen := map[secl.Value]bool{}
		for _, m := range set.Members {
			if lit, ok := m.(*secl.Literal); ok {
				if seen[lit.Value] {
					l.add(m.Source().Pos(), Duplicate, "%s stands in the list twice", lit.Value)
				}
				seen[lit.Value] = true
			}
		}
	})
}

// comparisons finds texts with a star that are no patterns, and patterns that
// are compared as texts. In a macro every text is one that will be compared.
func (l *linter) comparisons(e secl.Expr) {
	inMacro := l.kind == "macro"
	walkOwn(e, func(e secl.Expr) {
		lit, ok := e.(*secl.Literal)
		if ok && inMacro {
			l.deadPattern(lit)
		}
		c, ok := e.(*secl.Comparison)
		if !ok || inMacro {
			return
		}
		for _, side := range []secl.Expr{c.L, c.R} {
			walkOwn(side, func(e secl.Expr) {
				if lit, ok := e.(*secl.Literal); ok {
					l.deadPattern(lit)
				}
			})
		}
		l.rawPattern(c)
	})
}

func (l *linter) deadPattern(lit *secl.Literal) {
	if v := lit.Value; v.Kind == secl.String && v.Form == secl.Scalar && strings.Contains(v.Text, "*") {
		l.add(lit.Source().Pos(), DeadPattern, "%s is compared as it stands, with its star; for a pattern write ~%s", v, v)
	}
}

// rawPattern finds ${variable} == ~"…".
func (l *linter) rawPattern(c *secl.Comparison) {
	n, ok := c.Source().(*secl.Binary)
	lit, isLiteral := secl.Bare(c.R).(*secl.Literal)
	_, isVariable := secl.Bare(c.L).(*secl.VarRead)
	if ok && isLiteral && isVariable && lit.Value.Form != secl.Scalar && (n.Op == secl.Equal || n.Op == secl.NotEqual) {
		l.add(n.R.Pos(), RawPattern, "with %s a variable is compared with the text of the pattern; write =~ or in", n.Op)
	}
}

// mixed finds && and || beside one another without parentheses, and shows how
// they are read: neither binds tighter, both lean to the right.
func (l *linter) mixed(n secl.Node) {
	reported := false
	var visit func(secl.Node)
	visit = func(n secl.Node) {
		switch n := n.(type) {
		case *secl.Binary:
			right, ok := n.R.(*secl.Binary)
			if ok && isLogic(n.Op) && isLogic(right.Op) && n.Op != right.Op && !reported {
				reported = true
				l.add(right.At, MixedLogic, "%s beside %s without parentheses is read as %s %s (%s)",
					right.Op, n.Op, short(n.L), n.Op, short(n.R))
			}
			visit(n.L)
			visit(n.R)
		case *secl.Paren:
			visit(n.X)
		case *secl.Unary:
			visit(n.X)
		}
	}
	visit(n)
}

func isLogic(op secl.Op) bool { return op == secl.And || op == secl.Or }

// short is an expression of which only the beginning is shown.
func short(n secl.Node) string {
	const most = 60
	text := []rune(secl.Format(n))
	if len(text) > most {
		return string(text[:most]) + "…"
	}
	return string(text)
}

// conjuncts are what must all hold for e to hold, in a spelling that is the same
// for the same condition.
func conjuncts(e secl.Expr) []string {
	var out []string
	var visit func(secl.Expr)
	visit = func(e secl.Expr) {
		if logic, ok := secl.Bare(e).(*secl.Logic); ok && logic.Op == secl.And {
			visit(logic.L)
			visit(logic.R)
			return
		}
		out = append(out, spell(e))
	}
	visit(e)
	slices.Sort(out)
	return slices.Compact(out)
}

// spell writes a condition without what does not change its meaning: order,
// parentheses, spaces.
func spell(e secl.Expr) string {
	switch e := e.(type) {
	case *secl.Logic:
		var parts []string
		var visit func(secl.Expr)
		visit = func(x secl.Expr) {
			if logic, ok := x.(*secl.Logic); ok && logic.Op == e.Op {
				visit(logic.L)
				visit(logic.R)
				return
			}
			parts = append(parts, spell(x))
		}
		visit(e)
		slices.Sort(parts)
		return "(" + strings.Join(slices.Compact(parts), " "+e.Op.String()+" ") + ")"
	case *secl.Denial:
		return "!" + spell(e.X)
	}
	return secl.Format(e.Source())
}

// subset tells whether everything in a is in b; both are sorted.
func subset(a, b []string) bool {
	for _, x := range a {
		if _, found := slices.BinarySearch(b, x); !found {
			return false
		}
	}
	return true
}

// alternatives finds an operand of || that only holds where another one does.
func (l *linter) alternatives(e secl.Expr) {
	walkOwn(e, func(e secl.Expr) {
		or, ok := e.(*secl.Logic)
		if !ok || or.Op != secl.Or {
			return
		}
		left, right := conjuncts(or.L), conjuncts(or.R)
		switch {
		case subset(left, right):
			l.add(or.R.Source().Pos(), Shadowed, "%s adds nothing: %s holds whenever it does", short(or.R.Source()), short(or.L.Source()))
		case subset(right, left):
			l.add(or.L.Source().Pos(), Shadowed, "%s adds nothing: %s holds whenever it does", short(or.L.Source()), short(or.R.Source()))
		}
	})
}

// implied finds rules that only match where another one does. Rules for other
// versions of the agent are never beside one another.
func (l *linter) implied() {
	needs := make([][]string, len(l.set.Rules))
	for i, r := range l.set.Rules {
		needs[i] = conjuncts(r.Expr)
	}
	for i, r := range l.set.Rules {
		for j, other := range l.set.Rules {
			same := i != j && r.Event() == other.Event() && r.AgentVersion == other.AgentVersion
			if !same || !subset(needs[j], needs[i]) || len(needs[i]) == len(needs[j]) && i < j {
				continue
			}
			l.in(r.Where, "rule", r.ID, r.Text)
			if len(needs[i]) == len(needs[j]) {
				l.add(-1, Shadowed, "its condition is that of rule `%s`", other.ID)
			} else {
				l.add(-1, Shadowed, "rule `%s` matches whenever it does", other.ID)
			}
			break
		}
	}
}

// approvers finds the rules because of which the kernel can't hold back events
// of a type.
func (l *linter) approvers(capabilities func(string) []secl.Capability) {
	for _, r := range l.set.Rules {
		caps := capabilities(r.Event())
		if len(caps) == 0 || secl.Approve(r.Rule, l.set.Env.Model, caps) != nil {
			continue
		}
		var fields []string
		for _, k := range caps {
			fields = append(fields, k.Field)
		}
		l.in(r.Where, "rule", r.ID, r.Text)
		l.add(-1, NoApprover, "because of it the kernel sends every %s event: it does not ask for a value of %s that could be filtered by",
			r.Event(), strings.Join(fields, ", "))
	}
}
