package sql

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"nightjar/compiler/search"
	"nightjar/secl"
)

// Where is a rule of the agent as a condition over the columns of table
// events: it holds for the stored events of the agent that the rule would have
// matched when they happened. It lowers the tree that the agent evaluates.
//
// What is not in a stored event can't be asked: variables, elements told apart by
// a register, fields that are not stored. The error names it.
func Where(r *secl.Rule, p *search.Params) (string, error) {
	if r.Event() == "" {
		return "", errors.New("the rule asks nothing about events of one type")
	}
	e := &emitter{p: p}
	cond, err := e.cond(r.Expr)
	if err != nil {
		return "", err
	}
	sql := search.AllSQL("source = "+p.String(agentSource), "has("+search.TextsSQL("evt.name", p)+", "+p.String(r.Event())+")", cond)
	if len(sql) > search.MaxSQLLength {
		return "", fmt.Errorf("the rule needs %d bytes of SQL, of which there may be %d", len(sql), search.MaxSQLLength)
	}
	return sql, nil
}

// Condition is a further condition on events of a rule that Where asks for, such as the
// filter of an action.
func Condition(r *secl.Rule, p *search.Params) (string, error) {
	return (&emitter{p: p}).cond(r.Expr)
}

// First is the first value that a stored event has of a field, as a text; empty where it
// has none.
func First(f *secl.Field, p *search.Params) string {
	list := search.TextsSQL(f.Stored, p)
	if f.Type().Kind == secl.Int {
		list = search.IntegersSQL(f.Stored, p)
	}
	return "arrayElement(arrayMap(v -> toString(v), " + list + "), 1)"
}

// agentSource is the source of what agents send.
const agentSource = "runtime-security-agent"

type emitter struct {
	p     *search.Params
	bound int // names given in lambdas
	depth int // of the part that is being written
}

// maxDepth is how deep a rule may be nested: of what is much deeper, the server's stack
// is full. A chain of && or || nests as deep as it is long.
const maxDepth = 500

// deeper goes one level into the rule; the caller comes back with e.depth--.
func (e *emitter) deeper() error {
	if e.depth++; e.depth > maxDepth {
		return fmt.Errorf("the rule is nested more than %d deep; ask for one of several values with in", maxDepth)
	}
	return nil
}

// operand is one side of a comparison.
type operand struct {
	sql   string
	array bool
}

// name makes a name for the variable of a lambda.
func (e *emitter) name() string {
	e.bound++
	return fmt.Sprintf("v%d", e.bound)
}

// any writes that a test holds for one of the operand's values.
func (e *emitter) any(o operand, test func(x string) string) string {
	if !o.array {
		return test(o.sql)
	}
	v := e.name()
	return "arrayExists(" + v + " -> " + test(v) + ", " + o.sql + ")"
}

func (e *emitter) cond(x secl.Expr) (string, error) {
	defer func() { e.depth-- }()
	if err := e.deeper(); err != nil {
		return "", err
	}
	switch x := secl.Bare(x).(type) {
	case *secl.Logic:
		l, err := e.cond(x.L)
		if err != nil {
			return "", err
		}
		r, err := e.cond(x.R)
		if x.Op == secl.And {
			return search.AllSQL(l, r), err
		}
		return search.AnySQL(l, r), err
	case *secl.Denial:
		inner, err := e.cond(x.X)
		return search.NotSQL(inner), err
	case *secl.Comparison:
		sql, err := e.comparison(x)
		if x.Denied {
			sql = search.NotSQL(sql)
		}
		return sql, err
	case *secl.Literal:
		return fmt.Sprint(x.Value.Bool), nil
	case *secl.FieldRead:
		o, err := e.operand(x)
		return e.any(o, func(x string) string { return x }), err
	}
	return "", fmt.Errorf("a stored event does not have ${…}: %s", secl.Format(x.Source()))
}

func (e *emitter) comparison(x *secl.Comparison) (string, error) {
	if value, constant := secl.ConstantComparison(x); constant {
		return fmt.Sprint(value), nil
	}
	switch x.L.Type().Kind {
	case secl.String:
		return e.compareTexts(x)
	case secl.Net:
		return e.compareNets(x)
	}
	l, err := e.operand(x.L)
	if err != nil {
		return "", err
	}
	r, err := e.operand(x.R)
	if err != nil {
		return "", err
	}
	op := map[secl.Op]string{
		secl.Equal: "=", secl.In: "=", secl.Less: "<", secl.LessEqual: "<=", secl.Greater: ">", secl.GreaterEqual: ">=",
	}[x.Op]
	if op == "" {
		return "", fmt.Errorf("no SQL for %s", x.Op)
	}
	return e.any(l, func(a string) string {
		if x.Age {
			// The present of a stored event is when it happened.
			a = "(toUnixTimestamp64Milli(timestamp) * 1000000 - " + a + ")"
		}
		return e.any(r, func(b string) string { return "(" + a + " " + op + " " + b + ")" })
	}), nil
}

// operand writes a value of any kind but a network.
func (e *emitter) operand(x secl.Expr) (operand, error) {
	defer func() { e.depth-- }()
	if err := e.deeper(); err != nil {
		return operand{}, err
	}
	switch x := secl.Bare(x).(type) {
	case *secl.Literal:
		switch x.Value.Kind {
		case secl.Int:
			return operand{e.p.Int(x.Value.Int), false}, nil
		case secl.Bool:
			return operand{fmt.Sprint(x.Value.Bool), false}, nil
		}
		return operand{e.p.String(x.Value.Text), false}, nil
	case *secl.Set:
		members := make([]string, len(x.Members))
		for i, m := range x.Members {
			o, err := e.operand(m)
			if err != nil {
				return operand{}, err
			}
			members[i] = o.sql
		}
		return operand{"[" + strings.Join(members, ", ") + "]", true}, nil
	case *secl.FieldRead:
		return e.field(x)
	case *secl.Arithmetic:
		return e.arithmetic(x)
	case *secl.Inversion:
		o, err := e.operand(x.X)
		if x.Op == secl.BitNot {
			return operand{"bitNot(" + o.sql + ")", false}, err
		}
		return operand{"(-" + o.sql + ")", false}, err
	case *secl.Interpolation:
		return e.interpolation(x)
	case *secl.Logic, *secl.Denial, *secl.Comparison:
		sql, err := e.cond(x)
		return operand{sql, false}, err
	}
	return operand{}, fmt.Errorf("a stored event does not have %s: variables live in the agent", secl.Format(x.Source()))
}

func (e *emitter) arithmetic(x *secl.Arithmetic) (operand, error) {
	l, err := e.operand(x.L)
	if err != nil {
		return l, err
	}
	r, err := e.operand(x.R)
	form := map[secl.Op]string{
		secl.Plus: "(%s + %s)", secl.Minus: "(%s - %s)", secl.BitAnd: "bitAnd(%s, %s)", secl.BitOr: "bitOr(%s, %s)", secl.BitXor: "bitXor(%s, %s)",
	}[x.Op]
	return operand{fmt.Sprintf(form, l.sql, r.sql), false}, err
}

func (e *emitter) interpolation(x *secl.Interpolation) (operand, error) {
	parts := make([]string, len(x.Parts))
	for i, part := range x.Parts {
		o, err := e.operand(part)
		switch {
		case err != nil:
			return o, err
		case o.array:
			o.sql = "arrayStringConcat(arrayMap(v -> toString(v), " + o.sql + "), ',')"
		}
		parts[i] = "toString(" + o.sql + ")"
	}
	return operand{"concat('', " + strings.Join(parts, ", ") + ")", false}, nil
}

// field reads a field where it is stored. What is zero is not stored.
func (e *emitter) field(x *secl.FieldRead) (operand, error) {
	f := x.Field
	switch {
	case f.Stored == "":
		return operand{}, fmt.Errorf("%s is not stored", f.Name)
	case x.Register != "":
		return operand{}, fmt.Errorf("%s: stored events do not keep apart what a register tells apart", secl.Format(x.Source()))
	case f.Instead != nil:
		return operand{}, fmt.Errorf("no SQL for the way in which %s is compared", f.Name)
	}
	var list string
	switch f.Type().Kind {
	case secl.String, secl.Net:
		list = search.TextsSQL(f.Stored, e.p)
	case secl.Int:
		list = search.IntegersSQL(f.Stored, e.p)
	case secl.Bool:
		list = "[has(" + search.TextsSQL(f.Stored, e.p) + ", 'true')]"
	}
	if x.Index >= 0 {
		return operand{fmt.Sprintf("arrayElement(%s, %d)", list, x.Index+1), false}, nil
	}
	if f.Type().Array {
		return operand{list, true}, nil
	}
	return operand{"arrayElement(" + list + ", 1)", false}, nil
}

// compareTexts writes Equal and In of texts.
func (e *emitter) compareTexts(x *secl.Comparison) (string, error) {
	l, r := secl.Bare(x.L), secl.Bare(x.R)
	if lit, ok := l.(*secl.Literal); ok {
		if _, list := r.(*secl.Set); !list {
			return e.textIs(r, []secl.Value{lit.Value})
		}
	}
	switch right := r.(type) {
	case *secl.Literal:
		return e.textIs(l, []secl.Value{right.Value})
	case *secl.Set:
		return e.textIn(l, right)
	}
	a, err := e.operand(l)
	if err != nil {
		return "", err
	}
	b, err := e.operand(r)
	lower := folds(l) || folds(r)
	return e.any(a, func(s string) string {
		return e.any(b, func(t string) string { return "(" + folded(s, lower) + " = " + folded(t, lower) + ")" })
	}), err
}

func (e *emitter) textIn(l secl.Expr, set *secl.Set) (string, error) {
	var values []secl.Value
	var parts []string
	for _, m := range set.Members {
		if lit, ok := m.(*secl.Literal); ok {
			values = append(values, lit.Value)
			continue
		}
		o, err := e.operand(m)
		if err != nil {
			return "", err
		}
		a, err := e.operand(l)
		if err != nil {
			return "", err
		}
		parts = append(parts, e.any(a, func(s string) string { return "(" + s + " = " + o.sql + ")" }))
	}
	if len(values) > 0 {
		sql, err := e.textIs(l, values)
		if err != nil {
			return "", err
		}
		parts = append(parts, sql)
	}
	return search.AnySQL(parts...), nil
}

// textIs writes that a value of x is one of the texts, or fits a pattern.
func (e *emitter) textIs(x secl.Expr, values []secl.Value) (string, error) {
	o, err := e.operand(x)
	if err != nil {
		return "", err
	}
	path, fold := false, folds(x)
	if read, ok := x.(*secl.FieldRead); ok {
		path = read.Field.Path
	}
	var exact []string
	var patterns []secl.Value
	for _, v := range values {
		if v.Form == secl.Scalar {
			exact = append(exact, v.Text)
		} else {
			patterns = append(patterns, v)
		}
	}
	return e.any(o, func(s string) string {
		var parts []string
		if len(exact) > 0 {
			for i := range exact {
				if fold {
					exact[i] = strings.ToLower(exact[i])
				}
			}
			parts = append(parts, "has("+e.p.Strings(exact)+", "+folded(s, fold)+")")
		}
		for _, v := range patterns {
			// A user's own expression says itself whether case counts.
			test := "match(" + s + ", " + e.p.String(secl.TextRegexp(v, path, fold && v.Form != secl.Regexp)) + ")"
			if path {
				test = "(" + s + " != '' AND " + test + ")"
			}
			parts = append(parts, test)
		}
		return search.AnySQL(parts...)
	}), nil
}

func folds(x secl.Expr) bool {
	read, ok := secl.Bare(x).(*secl.FieldRead)
	return ok && read.Field.Fold
}

// folded writes a text without the case of the letters A to Z.
func folded(s string, fold bool) string {
	if fold {
		return "lower(" + s + ")"
	}
	return s
}

// compareNets writes that an address overlaps a network. Networks that events
// have are addresses; IPv4 is compared as the IPv6 that maps it.
func (e *emitter) compareNets(x *secl.Comparison) (string, error) {
	field, other := secl.Bare(x.L), secl.Bare(x.R)
	if _, ok := field.(*secl.FieldRead); !ok {
		field, other = other, field
	}
	members := []secl.Expr{other}
	if set, ok := other.(*secl.Set); ok {
		members = set.Members
	}
	o, err := e.operand(field)
	if err != nil {
		return "", err
	}
	if x.Op == secl.AllIn {
		return "", errors.New("no SQL for allin")
	}
	nets := make([]netip.Prefix, len(members))
	for i, m := range members {
		lit, ok := secl.Bare(m).(*secl.Literal)
		if !ok {
			return "", fmt.Errorf("no SQL for %s: only networks that are written there can be compared with", secl.Format(x.Source()))
		}
		nets[i] = lit.Value.Net
	}
	return e.any(o, func(s string) string {
		parts := make([]string, len(nets))
		for i, n := range nets {
			parts[i] = e.within(s, n)
		}
		return search.AnySQL(parts...)
	}), nil
}

func (e *emitter) within(address string, n netip.Prefix) string {
	low, high := n.Masked().Addr(), lastAddress(n)
	x := "toIPv6OrNull(" + address + ")"
	test := "(" + x + " BETWEEN toIPv6(" + e.p.String(low.String()) + ") AND toIPv6(" + e.p.String(high.String()) + "))"
	if n.Addr().Is6() {
		test = "(" + test + " AND NOT " + x + " BETWEEN toIPv6('::ffff:0.0.0.0') AND toIPv6('::ffff:255.255.255.255'))"
	}
	return search.NotNullSQL(test)
}

// lastAddress is the highest address of a network.
func lastAddress(n netip.Prefix) netip.Addr {
	bytes := n.Masked().Addr().AsSlice()
	for i := n.Bits(); i < 8*len(bytes); i++ {
		bytes[i/8] |= 1 << (7 - i%8)
	}
	last, _ := netip.AddrFromSlice(bytes)
	return last
}
