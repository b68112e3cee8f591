package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"nightjar/secl"
	"nightjar/secl/pcap"
	"nightjar/secl/vars"
)

// Action is an action that is ready to be taken.
type Action struct {
	*ActionDef
	When     *secl.Rule     // nil: always
	Variable *vars.Variable // that a set action sets
	From     *secl.Rule     // the field or expression that it is set to; nil: Value
	Value    any
	Scope    *secl.Rule // the process whose variable it is; nil: that of the event
	File     string     // whose hashes a hash action computes: exec.file
	Message  *secl.Rule // what a log action writes: a text with fields and variables in it; nil: nothing of its own
}

// declareAll declares the variables that a rule sets, and tells whether all of
// its set actions are sound.
func (l *loader) declareAll(m *mergedRule) bool {
	ok := true
	for i, a := range m.RuleDef.Actions {
		if a.Set == nil {
			continue
		}
		if err := l.declare(a.Set); err != nil {
			l.reporter(m.Where, "rule", m.ID)(fmt.Errorf("action %d of set: %w", i+1, err))
			ok = false
		}
	}
	return ok
}

// declare finds the type of a variable; the first set action decides, later ones
// must agree.
func (l *loader) declare(s *SetDef) error {
	if err := s.check(); err != nil {
		return err
	}
	d := vars.Declaration{Name: s.Name, Scope: vars.Scope(s.Scope), Inherited: s.Inherited, Private: s.Private}
	if l.Model.Field(d.FullName()) != nil {
		return fmt.Errorf("variable '%s' has the name of a field", d.FullName())
	}
	if _, taken := l.Model.Constant(d.FullName()); taken {
		return fmt.Errorf("variable '%s' has the name of a constant", d.FullName())
	}
	t, err := l.setType(s)
	if err != nil {
		return err
	}
	if t.Array && t.Kind == secl.Bool {
		return fmt.Errorf("variable '%s' can't be a list of bools", s.Name)
	}
	d.Type = t
	if _, value, _ := typeOf(s.Default); value != nil && isList(value) == t.Array {
		d.Default = value
	}
	if have := l.store.Get(d.FullName()); have != nil {
		if have.Type != t {
			return fmt.Errorf("conflicting types for variable '%s': %s and %s", d.FullName(), have.Type, t)
		}
		return nil
	}
	v := l.store.Declare(d)
	l.env.Vars[d.FullName()] = v.Var
	return nil
}

// check holds what can be said of a set action without looking at others.
func (s *SetDef) check() error {
	sources := 0
	for _, has := range []bool{s.HasValue, s.Field != "", s.Expression != ""} {
		if has {
			sources++
		}
	}
	switch {
	case !validID(strings.ReplaceAll(s.Name, ".", "_")):
		return fmt.Errorf("%q is no name of a variable", s.Name)
	case sources != 1:
		return errors.New("one of value, field and expression is needed")
	case s.HasValue && s.Value == nil:
		return errors.New("value is null")
	case s.Expression != "" && s.Default == nil:
		return errors.New("default_value is needed beside expression")
	case s.Inherited && s.Scope != "process":
		return errors.New("only variables with the scope process are inherited")
	case s.ScopeField != "" && s.Scope != "process":
		return errors.New("scope_field needs the scope process")
	case s.Size < 0:
		return errors.New("size is negative")
	}
	return nil
}

// setType is the type of the variable that a set action sets.
func (l *loader) setType(s *SetDef) (secl.Type, error) {
	fallback, _, err := typeOf(s.Default)
	if err != nil {
		return secl.Type{}, fmt.Errorf("default_value: %w", err)
	}
	var t secl.Type
	switch {
	case s.HasValue:
		if t, _, err = typeOf(s.Value); err != nil {
			return t, fmt.Errorf("value: %w", err)
		}
		if s.Default != nil && t.Kind != fallback.Kind {
			return t, fmt.Errorf("value and default_value have different types for variable '%s' (%s != %s)", s.Name, t.Kind, fallback.Kind)
		}
	case s.Field != "":
		read, err := l.eventField(s.Field, "")
		if err != nil {
			return t, err
		}
		if t = read.Expr.Type(); s.Default != nil && t.Kind != fallback.Kind {
			return t, fmt.Errorf("value and field have different types for variable '%s' (%s != %s)", s.Name, fallback.Kind, t.Kind)
		}
		if t.Array && !s.Append && !fallback.Array {
			return t, fmt.Errorf("value and field cardinality mismatch for variable '%[1]s': field '%[2]s' is an array, but append is not set for variable '%[1]s' with value '%[3]s'",
				s.Name, s.Field, orEmpty(s.Default))
		}
	default:
		t = fallback
	}
	t.Array = t.Array || s.Append || fallback.Array
	return t, nil
}

func orEmpty(v any) any {
	if v == nil {
		return ""
	}
	return v
}

// typeOf is the type of a value of YAML, and the value as a variable holds it.
func typeOf(v any) (secl.Type, any, error) {
	switch v := v.(type) {
	case nil:
		return secl.Type{}, nil, nil
	case bool:
		return secl.Type{Kind: secl.Bool}, v, nil
	case int64:
		return secl.Type{Kind: secl.Int}, v, nil
	case string:
		return secl.Type{Kind: secl.String}, v, nil
	case []any:
		if len(v) == 0 {
			return secl.Type{}, nil, errors.New("the list is empty: its type is not known")
		}
		first, _, err := typeOf(v[0])
		var ints []int64
		var texts []string
		for _, m := range v {
			t, _, more := typeOf(m)
			if err = errors.Join(err, more); t != first {
				return t, nil, errors.New("the members of the list have different types")
			}
			switch m := m.(type) {
			case int64:
				ints = append(ints, m)
			case string:
				texts = append(texts, m)
			}
		}
		first.Array = true
		if first.Kind == secl.Int {
			return first, ints, err
		}
		return first, texts, err
	}
	return secl.Type{}, nil, fmt.Errorf("a variable can't be a %T", v)
}

func isList(v any) bool {
	switch v.(type) {
	case []int64, []string:
		return true
	}
	return false
}

// eventField checks a name that must be a field of events of one type.
func (l *loader) eventField(name, event string) (*secl.Rule, error) {
	read, err := secl.CheckValue(name, &secl.Env{Model: l.Model})
	if err != nil {
		return nil, err
	}
	if _, ok := read.Expr.(*secl.FieldRead); !ok {
		return nil, fmt.Errorf("%q is no field", name)
	}
	if read.Iterator() != nil {
		return nil, fmt.Errorf("%q has a register, which means nothing here", name)
	}
	return read, sameEvent(name, read, event)
}

// sameEvent holds that an expression asks about the events of the rule.
func sameEvent(what string, read *secl.Rule, event string) error {
	if event != "" && read.Event() != "" && read.Event() != event {
		return fmt.Errorf("%s is about %s events, but the rule is about %s events", what, read.Event(), event)
	}
	return nil
}

// checkAction checks one action of a rule.
func (l *loader) checkAction(def *ActionDef, event string) (*Action, error) {
	a := &Action{ActionDef: def}
	if def.Filter != "" {
		when, err := secl.Check(def.Filter, l.env)
		if err != nil {
			return nil, fmt.Errorf("filter: %w", err)
		}
		if err := sameEvent("the filter", when, event); err != nil {
			return nil, err
		}
		a.When = when
	}
	if err := l.refuse(def); err != nil {
		return nil, err
	}
	switch {
	case def.Set != nil:
		return a, l.checkSet(a, event)
	case def.Kill != nil:
		return a, l.checkKill(def.Kill)
	case def.Hash != nil:
		return a, l.checkHash(a, event)
	case def.CoreDump != nil:
		if d := def.CoreDump; !d.Process && !d.Mount && !d.Dentry {
			return nil, errors.New("one of process, mount and dentry is needed")
		}
	case def.NetworkFilter != nil:
		if def.NetworkFilter.Filter == "" {
			return nil, errors.New("filter is missing")
		}
	case def.Log != nil:
		return a, l.checkLog(a, event)
	}
	return a, nil
}

// refuse says why the agent can't do what an action asks for. Nothing is accepted that
// would then not be done.
func (l *loader) refuse(def *ActionDef) error {
	if l.Support == nil || def.Disabled {
		return nil
	}
	d := def.CoreDump
	if n := def.NetworkFilter; n != nil && slices.Contains(l.Support.Actions, def.Kind()) {
		return n.refuse()
	}
	switch kind := def.Kind(); {
	case !slices.Contains(l.Support.Actions, kind):
		return fmt.Errorf("this agent has no action %s; it has %s", kind, strings.Join(l.Support.Actions, ", "))
	case d != nil && (d.Mount || d.Dentry):
		return errors.New("mount and dentry are not written down: the agent keeps no copy of the kernel's mounts and names, every event has the path that the kernel walked; write process: true alone")
	}
	return nil
}

// refuse says why packets can't be dropped so.
func (n *NetworkFilterDef) refuse() error {
	if n.Policy != "" && n.Policy != "drop" {
		return fmt.Errorf("policy %q is not carried out: packets are dropped, write drop", n.Policy)
	}
	if _, err := pcap.Compile(n.Filter); err != nil {
		return fmt.Errorf("filter: %w", err)
	}
	return nil
}

// Levels are those of log actions.
var Levels = []string{"trace", "debug", "info", "warn", "warning", "error", "critical"}

// checkLog holds the level, and reads the message as the text of an expression: with
// %{field} and ${variable}.
func (l *loader) checkLog(a *Action, event string) (err error) {
	def := a.ActionDef.Log
	switch {
	case def.Level == "":
		return errors.New("level is missing")
	case !slices.Contains(Levels, strings.ToLower(def.Level)):
		return fmt.Errorf("%q is no level; write one of %s", def.Level, strings.Join(Levels, ", "))
	case def.Message == "":
		return nil
	}
	if a.Message, err = secl.CheckText(def.Message, l.env); err != nil {
		return fmt.Errorf("message: %w", err)
	}
	return sameEvent("the message", a.Message, event)
}

func (l *loader) checkSet(a *Action, event string) (err error) {
	s := a.ActionDef.Set
	d := vars.Declaration{Name: s.Name, Scope: vars.Scope(s.Scope)}
	a.Variable = l.store.Get(d.FullName())
	switch {
	case s.Field != "":
		a.From, err = l.eventField(s.Field, event)
	case s.Expression != "":
		a.From, err = secl.CheckValue(s.Expression, l.env)
		if err == nil {
			err = errors.Join(sameEvent("the expression", a.From, event), s.checkExpression(a.From.Expr.Type()))
		}
	default:
		_, a.Value, err = typeOf(s.Value)
	}
	if err != nil || s.ScopeField == "" {
		return err
	}
	a.Scope, err = l.eventField(s.ScopeField, event)
	if err == nil && (a.Scope.Expr.Type() != secl.Type{Kind: secl.Int}) {
		err = fmt.Errorf("scope_field %s is no id of a process", s.ScopeField)
	}
	return err
}

// checkExpression holds the type of an expression against the default value.
func (s *SetDef) checkExpression(t secl.Type) error {
	fallback, _, _ := typeOf(s.Default)
	switch {
	case t.Kind == fallback.Kind && t.Array && !fallback.Array && !s.Append:
		return fmt.Errorf("expression and default_value cardinality mismatch for variable '%s': the expression gives an array, but append is not set", s.Name)
	case t.Kind == fallback.Kind:
		return nil
	case t.Array && fallback.Array:
		return fmt.Errorf("incompatible slice element types: expression returns %s but default_value element type is %s", t.Kind, fallback.Kind)
	case fallback.Array:
		return fmt.Errorf("incompatible types: expression returns %s but default_value element type is %s", t.Kind, fallback.Kind)
	}
	return fmt.Errorf("incompatible types: expression returns %s but default_value is %s", t.Kind, fallback.Kind)
}

func (l *loader) checkKill(k *KillDef) error {
	signal, ok := l.Model.Constant(k.Signal)
	if !ok || signal.Family != "signals" {
		return fmt.Errorf("%q is no signal; write SIGKILL", k.Signal)
	}
	return nil
}

// MaxHashedFile bounds the limit that a hash action may set, in bytes: reading more takes
// longer than the event waits.
const MaxHashedFile = 256 << 20

// checkHash finds the file whose hashes are wanted: that of the event, or the
// program of its process.
func (l *loader) checkHash(a *Action, event string) error {
	if size := a.ActionDef.Hash.MaxFileSize; size < 0 || size > MaxHashedFile {
		return fmt.Errorf("max_file_size: want bytes from 1 to %d, or nothing for the agent's limit; got %d", MaxHashedFile, size)
	}
	own := event + ".file"
	a.File = a.ActionDef.Hash.Field
	if a.File == "" && l.Model.Field(own+".path") != nil {
		a.File = own
	}
	files := []string{own, "process.file"}
	if !slices.Contains(files, a.File) || l.Model.Field(a.File+".path") == nil {
		return fmt.Errorf("field %q is no file; write one of %s", a.File, strings.Join(files, " and "))
	}
	return nil
}
