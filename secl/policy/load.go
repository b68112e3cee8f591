package policy

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"

	"nightjar/secl"
	"nightjar/secl/vars"
)

// Options say for whom policies are loaded.
type Options struct {
	Model        *secl.Model
	World        vars.World
	AgentVersion string            // empty: definitions for every version are taken
	Host         *Host             // nil: definitions for every host are taken
	Only         func(string) bool // which ids of rules are wanted; nil: all
	Support      *Support          // what the agent can do; nil: everything
	KeepDisabled bool              // check disabled rules too
}

// Support is what an agent has.
type Support struct {
	Events  []string // rules about others load, and never fire
	Actions []string // rules with others are refused
}

// Set is what policies give together: rules and variables, all checked.
type Set struct {
	Env      *secl.Env
	Rules    []*Rule
	Vars     *vars.Store
	Macros   []*MacroDef // after merging
	Problems []*DefinitionError
}

// Errors are the problems because of which something was left out.
func (s *Set) Errors() []*DefinitionError {
	return slices.DeleteFunc(slices.Clone(s.Problems), func(p *DefinitionError) bool { return p.Warning })
}

// Rule is a rule that is ready to be evaluated.
type Rule struct {
	RuleDef
	*secl.Rule
	From    []*Policy // whose definition it is
	Mode    Mode      // Blocking if a policy that has the rule enabled is
	Actions []*Action
	Never   []string // why it can never fire
}

// Load merges policies, the first ones first, and checks what they give.
func Load(policies []*Policy, o Options) (*Set, error) {
	version, err := parseVersion(o.AgentVersion)
	if err != nil {
		return nil, err
	}
	l := &loader{Options: o, version: version}
	l.store = vars.NewStore(o.World)
	l.env = &secl.Env{Model: o.Model, Macros: map[string]*secl.Macro{}, Vars: map[string]*secl.Var{}}
	macros := l.mergeMacros(policies)
	for _, m := range macros {
		l.checkMacro(m)
	}
	var rules []*mergedRule
	for _, m := range l.mergeRules(policies) {
		if !m.Disabled || o.KeepDisabled && m.Expression != "" {
			rules = append(rules, m)
		}
	}
	// A rule may read what a later one sets.
	rules = slices.DeleteFunc(rules, func(m *mergedRule) bool { return !l.declareAll(m) })
	set := &Set{Env: l.env, Vars: l.store, Macros: macros}
	for _, m := range rules {
		if r := l.checkRule(m); r != nil {
			set.Rules = append(set.Rules, r)
		}
	}
	set.Problems = l.problems
	return set, nil
}

type loader struct {
	Options
	version  *semver.Version
	env      *secl.Env
	store    *vars.Store
	problems []*DefinitionError
}

// reporter reports what is wrong in one definition: a problem for each mistake
// of an expression.
func (l *loader) reporter(at Place, kind, id string) func(error) {
	return func(err error) {
		var list secl.Errors
		if !errors.As(err, &list) {
			l.problems = append(l.problems, &DefinitionError{Where: at, Kind: kind, ID: id, Err: err})
			return
		}
		around, _, _ := strings.Cut(err.Error(), list.Error())
		for _, e := range list {
			var told error = e
			if e.Syntax {
				told = &syntaxError{e}
			}
			if around != "" {
				told = fmt.Errorf("%s%w", around, told)
			}
			l.problems = append(l.problems, &DefinitionError{Where: at, Kind: kind, ID: id, Err: told})
		}
	}
}

// syntaxError is a mistake because of which a text is no expression.
type syntaxError struct{ err *secl.Error }

func (e *syntaxError) Error() string { return "syntax error `" + e.err.Error() + "`" }
func (e *syntaxError) Unwrap() error { return e.err }

func (l *loader) checkMacro(def *MacroDef) {
	text := def.Expression
	if def.fromValues {
		text = listText(def.Values)
	}
	m, err := secl.CheckMacro(def.ID, text, l.env)
	if err != nil {
		l.reporter(def.Where, "macro", def.ID)(err)
		return
	}
	l.env.Macros[def.ID] = m
}

// listText is a list of values as an expression.
func listText(values []any) string {
	members := make([]string, len(values))
	for i, v := range values {
		if s, ok := v.(string); ok {
			members[i] = `"` + s + `"`
		} else {
			members[i] = fmt.Sprint(v)
		}
	}
	return "[" + strings.Join(members, ", ") + "]"
}

// checkRule checks a rule and its actions; nil if anything in it is wrong.
func (l *loader) checkRule(m *mergedRule) *Rule {
	report := l.reporter(m.Where, "rule", m.ID)
	checked, err := secl.Check(m.Expression, l.env)
	if err != nil {
		report(err)
		return nil
	}
	if checked.Event() == "" {
		report(errors.New("it asks nothing about events of one type"))
		return nil
	}
	r := &Rule{RuleDef: m.RuleDef, Rule: checked, From: m.from, Mode: m.mode}
	ok := true
	for _, name := range m.LimiterToken {
		if _, err := l.eventField(name, checked.Event()); err != nil {
			report(fmt.Errorf("limiter_token: %w", err))
			ok = false
		}
	}
	for i, def := range m.RuleDef.Actions {
		a, err := l.checkAction(def, checked.Event())
		if err != nil {
			report(fmt.Errorf("action %s of %s: %w", strconv.Itoa(i+1), def.Kind(), err))
			ok = false
			continue
		}
		r.Actions = append(r.Actions, a)
	}
	if !ok {
		return nil
	}
	r.Never = l.never(r)
	return r
}

// never says why a rule can't fire with this agent.
func (l *loader) never(r *Rule) []string {
	var why []string
	for _, f := range r.Fields() {
		if f.Never != "" {
			why = append(why, fmt.Sprintf("%s: %s", f.Name, f.Never))
		}
	}
	if l.Support == nil {
		return why
	}
	if !slices.Contains(l.Support.Events, r.Event()) {
		why = append(why, fmt.Sprintf("the agent does not see %s events", r.Event()))
	}
	slices.Sort(why)
	return slices.Compact(why)
}
