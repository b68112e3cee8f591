package conformance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"nightjar/secl"
	"nightjar/secl/event"
)

// Result is what became of one case.
type Result struct {
	ID    string `json:"id"`
	Got   any    `json:"got"`
	Equal bool   `json:"equal"`
}

// Run evaluates every case of a file. now is the present of the cases in ns.
func Run(text []byte, now int64) ([]Result, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var file struct {
		Models map[string]json.RawMessage `json:"models"`
		Cases  []Case                     `json:"cases"`
	}
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("read the cases: %w", err)
	}
	r := &runner{now: now, models: map[string]*described{}}
	for name, raw := range file.Models {
		var words string
		if json.Unmarshal(raw, &words) == nil {
			continue // the full one, which is described elsewhere
		}
		model := &described{}
		if err := json.Unmarshal(raw, model); err != nil {
			return nil, fmt.Errorf("model %s: %w", name, err)
		}
		if _, err := model.build(); err != nil {
			return nil, fmt.Errorf("model %s: %w", name, err)
		}
		r.models[name] = model
	}
	out := make([]Result, len(file.Cases))
	for i := range file.Cases {
		c := &file.Cases[i]
		got, equal := r.run(c)
		out[i] = Result{c.ID, got, equal}
	}
	return out, nil
}

// Case is one case. What of it is used depends on its category.
type Case struct {
	ID, Category, Model string
	Expr                string
	Event               map[string]any
	Events              []map[string]any
	Expected            any
	ExpectedSet         []any             `json:"expected_set"`
	ErrorColumn         int               `json:"error_column"`
	ErrorContains       string            `json:"error_contains"`
	LegacyFields        map[string]string `json:"legacy_fields"`
	Macros              map[string]string
	Field               string
	IsDiscarder         bool   `json:"is_discarder"`
	MustNotRead         string `json:"field_must_not_be_read"`
	Value               any
	ValueType           string `json:"value_type"`
	Recorded            bool
	Decorated           string
	Kind                string
	CaseInsensitive     bool `json:"case_insensitive"`
	Patterns            []string
	EventType           string `json:"event_type"`
	Rules               []json.RawMessage
	Caps                []capability
	Files               []json.RawMessage
	Policies            []json.RawMessage
	RuleIDFilter        string `json:"rule_id_filter"`
	YAML                string
	Action              json.RawMessage
	Actions             []json.RawMessage
	Steps               []step
}

type runner struct {
	now    int64
	models map[string]*described
}

// categories are how the cases of each category are evaluated.
var categories = map[string]func(*runner, *Case) (any, bool){
	"eval": (*runner).eval, "op_override": (*runner).eval, "macro": (*runner).eval,
	"compile_ok": (*runner).compiles, "compile_error": (*runner).compiles,
	"parse_ok": (*runner).parses, "parse_error": (*runner).parses, "parse_ok_macro": (*runner).parses,
	"discarder": (*runner).discarder, "discarder_op_override": (*runner).discarder,
	"optimizer": (*runner).optimizer, "matching_subexpr": (*runner).matching,
	"field_value": (*runner).fieldValue, "field_value_bool": (*runner).fieldValue,
	"glob_compile": (*runner).globCompile, "glob_match": (*runner).text, "pattern_match": (*runner).text,
	"string_matcher": (*runner).text, "dns_name_cmp": (*runner).text, "path_pattern_set": (*runner).patternSet,
	"glob_prefix": (*runner).globPrefix, "bitmask_combinations": (*runner).combinations,
	"approver": (*runner).approver, "ruleset_discarders": (*runner).rulesetDiscarders,
	"event_type": (*runner).eventType, "rule_buckets": (*runner).buckets,
	"policy": (*runner).policy, "policy_override": (*runner).override, "policy_yaml": (*runner).schema, "policy_schema": (*runner).schema,
	"action_set": (*runner).action, "action_hash": (*runner).action, "stateful": (*runner).stateful,
}

func (r *runner) run(c *Case) (any, bool) {
	run := categories[c.Category]
	if run == nil {
		return fmt.Sprintf("no cases of category %q are known", c.Category), false
	}
	return run(r, c)
}

// env is what the names of a case mean.
func (r *runner) env(c *Case) (*secl.Env, error) {
	env := &secl.Env{Model: event.Model(), Macros: map[string]*secl.Macro{}, Vars: map[string]*secl.Var{}}
	if described := r.models[c.Model]; described != nil {
		model, err := described.build()
		if err != nil {
			return nil, err
		}
		env.Model, env.Vars = model, variables(c.Event)
		for old, name := range c.LegacyFields {
			model.AddAlias(old, name)
		}
	}
	for name, text := range c.Macros {
		m, err := secl.CheckMacro(name, text, env)
		if err != nil {
			return nil, err
		}
		env.Macros[name] = m
	}
	return env, nil
}

// check checks the expression of a case, and makes the context of its event.
func (r *runner) check(c *Case) (*secl.Rule, *secl.Env, *secl.Context, error) {
	env, err := r.env(c)
	if err != nil {
		return nil, nil, nil, err
	}
	rule, err := secl.Check(c.Expr, env)
	return rule, env, &secl.Context{Event: &row{values: c.Event}, Now: r.now}, err
}

func (r *runner) eval(c *Case) (any, bool) {
	rule, _, ctx, err := r.check(c)
	if err != nil {
		return err.Error(), false
	}
	got := secl.Compile(rule).Match(ctx)
	return got, got == c.Expected
}

// verdict is ok, or what is wrong; expectations say ok or error.
func verdict(err error, c *Case) (any, bool) {
	want := fmt.Sprint(c.Expected)
	if err == nil {
		return "ok", strings.HasPrefix(want, "ok")
	}
	return "error: " + err.Error(), strings.HasPrefix(want, "error") && strings.Contains(err.Error(), c.ErrorContains)
}

func (r *runner) compiles(c *Case) (any, bool) {
	_, _, _, err := r.check(c)
	got, equal := verdict(err, c)
	var list secl.Errors
	if c.ErrorColumn > 0 && errors.As(err, &list) {
		equal = equal && list[0].Column == c.ErrorColumn
	}
	return got, equal
}

func (r *runner) parses(c *Case) (any, bool) {
	parse := secl.Parse
	if c.Category == "parse_ok_macro" {
		parse = secl.ParseMacro
	}
	_, err := parse(c.Expr)
	return verdict(err, c)
}

func (r *runner) optimizer(c *Case) (any, bool) {
	rule, _, ctx, err := r.check(c)
	if err != nil {
		return err.Error(), false
	}
	event := ctx.Event.(*row)
	event.read = map[string]bool{}
	got := secl.Compile(rule).Match(ctx)
	return got, got == c.Expected && !event.read[c.MustNotRead]
}

func (r *runner) matching(c *Case) (any, bool) {
	rule, _, ctx, err := r.check(c)
	if err != nil {
		return err.Error(), false
	}
	matched := secl.Compile(rule).Match(ctx)
	var b strings.Builder
	at := secl.Pos(0)
	for _, s := range secl.MatchingSpans(rule, ctx) {
		b.WriteString(c.Expr[at:s.From] + "<b>" + c.Expr[s.From:s.To] + "</b>")
		at = s.To
	}
	got := b.String() + c.Expr[at:]
	return got, matched == c.Expected && got == c.Decorated
}

func (r *runner) discarder(c *Case) (any, bool) {
	rule, env, ctx, err := r.check(c)
	if err != nil {
		return err.Error(), false
	}
	got := secl.CompilePartial(rule, env.Model.Field(c.Field)).Verdict(ctx) == secl.Impossible
	return got, got == c.IsDiscarder
}

func (r *runner) fieldValue(c *Case) (any, bool) {
	rule, env, _, err := r.check(c)
	if err != nil {
		return err.Error(), false
	}
	values := secl.Values(rule.Expr, env.Model.Field(c.Field))
	if c.Category == "field_value_bool" {
		got := len(values) == 1 && values[0].Value.Bool
		return got, got == c.Recorded
	}
	if len(values) != 1 {
		return values, false
	}
	got := map[string]any{"value": values[0].Value.Any(), "value_type": values[0].Kind}
	return got, fmt.Sprint(values[0].Value.Any()) == fmt.Sprint(c.Value) && string(values[0].Kind) == c.ValueType
}

func (r *runner) eventType(c *Case) (any, bool) {
	rule, _, _, err := r.check(c)
	if err != nil {
		return verdict(err, c)
	}
	return rule.Event(), rule.Event() == c.Expected
}

// text matches one text with one literal of the case's kind.
func (r *runner) text(c *Case) (any, bool) {
	v := secl.TextValue(c.Expr)
	path, fold := c.Kind == "glob" || c.Category == "glob_match", c.CaseInsensitive
	switch {
	case c.Kind == "regexp":
		v.Form = secl.Regexp
	case c.Kind != "scalar":
		v.Form = secl.Pattern
	}
	if c.Category == "dns_name_cmp" {
		fold = v.Form != secl.Regexp
	}
	match, err := secl.NewTextMatcher(v, path, fold)
	if err != nil {
		return err.Error(), false
	}
	got := match(fmt.Sprint(c.Value))
	return got, got == c.Expected
}

func (r *runner) patternSet(c *Case) (any, bool) {
	got := false
	for _, p := range c.Patterns {
		match, err := secl.NewTextMatcher(secl.Value{Kind: secl.String, Text: p, Form: secl.Pattern}, true, false)
		if err != nil {
			return err.Error(), false
		}
		got = got || match(fmt.Sprint(c.Value))
	}
	return got, got == c.Expected
}

func (r *runner) globCompile(c *Case) (any, bool) {
	_, err := secl.NewTextMatcher(secl.Value{Kind: secl.String, Text: c.Expr, Form: secl.Pattern}, true, false)
	return verdict(err, c)
}

func (r *runner) globPrefix(c *Case) (any, bool) {
	got, err := secl.GlobMeets(c.Expr, fmt.Sprint(c.Value))
	if err != nil {
		return err.Error(), false
	}
	return got, got == c.Expected
}

func (r *runner) combinations(c *Case) (any, bool) {
	var masks []int64
	if err := json.Unmarshal([]byte(c.Expr), &masks); err != nil {
		return err.Error(), false
	}
	got := secl.Combinations(masks)
	want := map[string]bool{}
	for _, v := range c.ExpectedSet {
		want[fmt.Sprint(v)] = true
	}
	have := map[string]bool{}
	for _, v := range got {
		have[fmt.Sprint(v)] = true
	}
	return got, reflect.DeepEqual(have, want)
}
