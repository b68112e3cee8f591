package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/policy"
	"nightjar/secl/ruleset"
)

// capability is a field that a kernel can filter by, as a case says it.
type capability struct {
	Field        string
	Types        []secl.ValueKind
	Weight       int
	Mode         string
	Validate     string
	Range        []int64
	UnsetToRange bool `json:"not_unset_to_range"`
}

func (k *capability) build() secl.Capability {
	out := secl.Capability{Field: k.Field, Kinds: k.Types, Weight: k.Weight, ApproverOnly: k.Mode == "approver_only", UnsetIsRange: k.UnsetToRange}
	if len(k.Range) == 2 {
		out.Low, out.High = k.Range[0], k.Range[1]
	}
	if suffix, ok := strings.CutPrefix(k.Validate, "suffix "); ok {
		out.Valid = func(v secl.FieldValue) bool { return strings.HasSuffix(v.Value.Text, suffix) }
	}
	return out
}

// load loads rules that are given as expressions or as objects.
func load(rules []json.RawMessage, model *secl.Model) (*policy.Set, error) {
	type object = map[string]any
	var list []object
	for i, raw := range rules {
		var expression string
		one := object{}
		if json.Unmarshal(raw, &expression) == nil {
			one = object{"id": fmt.Sprintf("rule_%d", i), "expression": expression}
		} else if err := json.Unmarshal(raw, &one); err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	text, err := json.Marshal(object{"rules": list})
	if err != nil {
		return nil, err
	}
	p, problems := policy.Read("case", text)
	set, err := policy.Load([]*policy.Policy{p}, policy.Options{Model: model, World: world})
	if err != nil {
		return nil, err
	}
	for _, p := range append(problems, set.Errors()...) {
		err = errors.Join(err, p)
	}
	return set, err
}

func (r *runner) approver(c *Case) (any, bool) {
	set, err := load(c.Rules, event.Model())
	if err != nil {
		return err.Error(), false
	}
	var caps []secl.Capability
	for _, k := range c.Caps {
		caps = append(caps, k.build())
	}
	fields := ruleset.New(set, world).For(c.EventType).Approve(caps).Fields
	got := map[string]any{}
	for name, values := range fields {
		var list []any
		for _, v := range values {
			if v.Kind == secl.KindRange {
				list = append(list, []int64{v.Low, v.High})
			} else {
				list = append(list, v.Value.Any())
			}
		}
		got[name] = list
	}
	want, _ := c.Expected.(map[string]any)
	equal := len(want) == len(got)
	for name, w := range want {
		equal = equal && approves(w, fields[name])
	}
	return got, equal
}

// approves holds approvers against an expectation: how many there are, which
// ranges, or what a sentence says of them.
func approves(want any, got []secl.FieldValue) bool {
	switch want := want.(type) {
	case json.Number:
		return want.String() == fmt.Sprint(len(got))
	case []any:
		if len(want) != len(got) {
			return false
		}
		for i, w := range want {
			if !sameJSON(w, []int64{got[i].Low, got[i].High}) && !sameJSON(w, got[i].Value.Any()) {
				return false
			}
		}
		return true
	case string:
		return approvesSentence(want, got)
	}
	return false
}

func approvesSentence(want string, got []secl.FieldValue) bool {
	if len(got) == 0 {
		return false
	}
	if strings.HasPrefix(want, "first [") {
		return want == fmt.Sprintf("first [%d,%d]", got[0].Low, got[0].High)
	}
	if strings.HasPrefix(want, "1 value") && len(got) != 1 {
		return false
	}
	for word := range strings.FieldsSeq(want) {
		if flag, ok := event.Model().Constant(word); ok {
			for _, v := range got {
				if v.Value.Int&flag.Value.Int == 0 {
					return false
				}
			}
		}
	}
	return true
}

func (r *runner) rulesetDiscarders(c *Case) (any, bool) {
	set, err := load(c.Rules, event.Model())
	if err != nil {
		return err.Error(), false
	}
	rules := ruleset.New(set, world)
	got := map[string]any{}
	for _, object := range c.Events {
		e := &event.Event{}
		if err := e.Fill(object, r.now); err != nil {
			return err.Error(), false
		}
		bucket := rules.For(e.Type)
		bucket.PrepareDiscarders(slices.Sorted(maps.Keys(object)), nil)
		found := map[string]any{}
		bucket.Discard(&secl.Context{Event: e, Now: r.now}, func(f *secl.Field) {
			found[f.Name] = []any{object[f.Name]}
		})
		got[e.Type] = found
	}
	return got, sameJSON(got, c.Expected)
}

// sameJSON tells whether two values are the same in JSON.
func sameJSON(a, b any) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && string(x) == string(y)
}

func (r *runner) buckets(c *Case) (any, bool) {
	env, err := r.env(c)
	if err != nil {
		return err.Error(), false
	}
	set, err := load(c.Rules, env.Model)
	if err != nil {
		return err.Error(), false
	}
	rules := ruleset.New(set, world)
	got := map[string]int{}
	for _, name := range rules.Events() {
		got[name] = len(rules.For(name).Rules)
	}
	return got, sameJSON(got, c.Expected)
}

// read reads policies that are given as objects.
func read(objects []json.RawMessage) ([]*policy.Policy, []*policy.DefinitionError) {
	var out []*policy.Policy
	var problems []*policy.DefinitionError
	for i, raw := range objects {
		var object map[string]any
		if err := json.Unmarshal(raw, &object); err != nil {
			continue
		}
		kind := object["type"]
		if kind == "default" || kind == "custom" {
			delete(object, "type")
		}
		text, _ := json.Marshal(object)
		p, more := policy.Read(fmt.Sprintf("P%d", i), text)
		problems = append(problems, more...)
		if p != nil {
			p.Default = kind == "default"
			out = append(out, p)
		}
	}
	return out, problems
}

func (r *runner) policy(c *Case) (any, bool) {
	want, _ := c.Expected.(map[string]any)
	o := policy.Options{Model: event.Model(), World: world}
	o.AgentVersion, _ = want["agent_version"].(string)
	if c.RuleIDFilter != "" {
		o.Only = func(id string) bool { return id == c.RuleIDFilter }
	}
	policies, problems := read(c.Files)
	set, err := policy.Load(policies, o)
	if err != nil {
		return err.Error(), false
	}
	failures := append(problems, set.Errors()...)
	got := map[string]any{"loaded": ids(set.Rules), "errors": len(failures)}
	equal := true
	if loaded, ok := want["loaded"].([]any); ok {
		for _, id := range loaded {
			equal = equal && slices.Contains(ids(set.Rules), id.(string))
		}
		equal = equal && len(loaded) == len(set.Rules)
	}
	if count, ok := want["errors"].(json.Number); ok {
		equal = equal && count.String() == fmt.Sprint(len(failures))
	}
	if contains, ok := want["error_contains"].(string); ok {
		equal = equal && slices.ContainsFunc(failures, func(p *policy.DefinitionError) bool { return strings.Contains(p.Error(), contains) })
		got["error"] = fmt.Sprint(failures)
	}
	if macros, ok := want["macro_values"].(map[string]any); ok {
		values := map[string]any{}
		for _, m := range set.Macros {
			values[m.ID] = m.Values
		}
		got["macro_values"] = values
		equal = equal && sameJSON(values, macros)
	}
	return got, equal
}

func ids(rules []*policy.Rule) []string {
	out := []string{}
	for _, r := range rules {
		out = append(out, r.ID)
	}
	return out
}

func (r *runner) override(c *Case) (any, bool) {
	policies, problems := read(c.Policies)
	set, err := policy.Load(policies, policy.Options{Model: event.Model(), World: world})
	if err != nil || len(problems) > 0 {
		return fmt.Sprint(err, problems), false
	}
	got := map[string]any{"rule_1_from": []string{}}
	for _, rule := range set.Rules {
		var from []string
		for _, p := range rule.From {
			from = append(from, p.Name)
		}
		got[rule.ID+"_from"] = from
		for _, a := range rule.Actions {
			if a.Kill != nil {
				list, _ := got["actions"].([]string)
				got["actions"] = append(list, a.Kill.Signal)
			}
		}
	}
	want, _ := c.Expected.(map[string]any)
	equal := true
	for key, w := range want {
		equal = equal && (sameJSON(got[key], w) || isEmpty(got[key]) && isEmpty(w))
	}
	return got, equal
}

func isEmpty(v any) bool {
	return v == nil || slices.Contains([]string{"[]", "null", `"none"`, `""`, "{}"}, func() string { b, _ := json.Marshal(v); return string(b) }())
}

func (r *runner) schema(c *Case) (any, bool) {
	p, problems := policy.Read("case", []byte(c.YAML))
	var err error
	for _, p := range problems {
		err = errors.Join(err, p)
	}
	want := fmt.Sprint(c.Expected)
	if err != nil {
		_, said, told := strings.Cut(want, "error")
		said = strings.Trim(said, ": ")
		return "error: " + err.Error(), told && strings.Contains(err.Error(), said)
	}
	return fmt.Sprintf("ok, %d rules", len(p.Rules)), !strings.Contains(want, "error")
}

func (r *runner) action(c *Case) (any, bool) {
	actions := c.Actions
	if c.Action != nil {
		actions = append(actions, c.Action)
	}
	rule, err := json.Marshal(map[string]any{"id": "rule", "expression": c.Expr, "actions": actions})
	if err != nil {
		return err.Error(), false
	}
	_, err = load([]json.RawMessage{rule}, event.Model())
	return verdict(err, c)
}
