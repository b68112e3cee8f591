package signals

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strconv"
	"strings"

	pb "nightjar/api/v1"
	"nightjar/configuration"
	"nightjar/objects"
	"nightjar/schema"
	"nightjar/secl"
)

// AgentRules are what agents are given to watch for.
type AgentRules struct {
	Rules    *objects.Store[configuration.AgentRule]
	Policies *objects.Store[configuration.AgentPolicy]
}

// Bounds of what is told of agent rules.
const (
	maxAgentRules  = 10 // of a signal
	maxClauseTexts = 10 // values of a field
)

// explain tells of each rule that the agents' samples name, in the order of the samples: its
// expression as it was when the first of them matched.
func (r *AgentRules) explain(ctx context.Context, doc *signalDocument) (out []*pb.AgentRuleExplanation, err error) {
	if r == nil {
		return nil, nil
	}
	for _, sample := range schema.ReadSamples(string(doc.Samples)) {
		a, err := schema.ParseAttributes(string(sample.Content.Custom))
		if err != nil {
			continue // it was shown as it came
		}
		name := first(a, "agent.rule_id")
		same := func(o *pb.AgentRuleExplanation) bool { return o.Rule == name }
		if name == "" || slices.ContainsFunc(out, same) || len(out) == maxAgentRules {
			continue
		}
		one := &pb.AgentRuleExplanation{
			Rule: name, Version: first(a, "agent.rule_version"), Policy: first(a, "agent.policy_name"), PolicyVersion: first(a, "agent.policy_version"),
			Description: first(a, "agent.rule_description"), Host: sample.Content.Host,
		}
		if err := r.find(ctx, one); err != nil {
			return nil, err
		}
		one.Clauses = clausesOf(one.Expression, a)
		out = append(out, one)
	}
	return out, nil
}

// find looks the rule and the policy up by the names that agents know them by.
func (r *AgentRules) find(ctx context.Context, one *pb.AgentRuleExplanation) error {
	rules, err := r.Rules.List(ctx)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(rules, func(v objects.Versioned[configuration.AgentRule]) bool { return v.Body.Name == one.Rule }); i >= 0 {
		if err := r.asItWas(ctx, rules[i], one); err != nil {
			return err
		}
	}
	policies, err := r.Policies.List(ctx)
	if err != nil {
		return err
	}
	for _, p := range policies {
		if p.Body.Name == one.Policy || p.ID != "" && strings.HasSuffix(one.Policy, " "+p.ID) {
			one.PolicyId = p.ID
		}
	}
	return nil
}

// asItWas fills in the version of a rule that the agent had. A built-in one has no other.
func (r *AgentRules) asItWas(ctx context.Context, now objects.Versioned[configuration.AgentRule], one *pb.AgentRuleExplanation) error {
	one.RuleId, one.Enabled = now.ID, now.Body.Enabled
	had, err := strconv.ParseInt(one.Version, 10, 64)
	if now.BuiltIn || err != nil || had == now.Version {
		one.Expression, one.Description = now.Body.Expression, cmp.Or(one.Description, now.Body.Description)
		return nil
	}
	versions, err := r.Rules.Versions(ctx, now.ID)
	if err != nil {
		return err
	}
	one.NewestVersion = now.Version
	for _, v := range versions {
		if v.Version == had {
			one.Expression = v.Body.Expression
		}
	}
	return nil
}

// clausesOf are what must hold together in an expression, with what the event has of the
// fields that each asks for. All of them held: an agent sends what matches only.
func clausesOf(expression string, a schema.Attributes) (out []*pb.AgentRuleClause) {
	if expression == "" {
		return nil
	}
	tree, err := secl.Parse(expression)
	if err != nil {
		return []*pb.AgentRuleClause{{Text: expression}}
	}
	for _, node := range conjuncts(tree) {
		clause := &pb.AgentRuleClause{Text: secl.Format(node)}
		for _, name := range fieldsIn(node) {
			if values := valuesOf(a, name); len(values) > 0 {
				clause.Values = append(clause.Values, &pb.AgentRuleValue{Field: name, Values: values})
			}
		}
		out = append(out, clause)
	}
	return out
}

// conjuncts are the parts of a tree that are joined by and.
func conjuncts(n secl.Node) []secl.Node {
	switch n := n.(type) {
	case *secl.Binary:
		if n.Op == secl.And {
			return append(conjuncts(n.L), conjuncts(n.R)...)
		}
	case *secl.Paren:
		if inner := conjuncts(n.X); len(inner) > 1 {
			return inner
		}
	}
	return []secl.Node{n}
}

// fieldsIn are the names in a tree that can be fields, each once.
func fieldsIn(n secl.Node) (out []string) {
	add := func(names ...string) {
		for _, name := range names {
			if strings.Contains(name, ".") && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	switch n := n.(type) {
	case *secl.Binary:
		add(fieldsIn(n.L)...)
		add(fieldsIn(n.R)...)
	case *secl.Unary:
		add(fieldsIn(n.X)...)
	case *secl.Paren:
		add(fieldsIn(n.X)...)
	case *secl.List:
		for _, m := range n.Members {
			add(fieldsIn(m)...)
		}
	case *secl.Ident:
		add(n.Name)
	case *secl.Reference:
		add(n.Name)
	}
	return out
}

// valuesOf are the texts that an event has of a field of an expression. Of the process that was
// begun the event says under process, of files the path, and of arguments the whole line.
func valuesOf(a schema.Attributes, field string) []string {
	at := field
	if rest, ok := strings.CutPrefix(field, "exec."); ok {
		at = "process." + rest
	}
	for _, p := range []string{field, at} {
		if texts := textsAt(a, p); len(texts) > 0 {
			return texts
		}
	}
	if of, isArgv := strings.CutSuffix(at, ".argv"); isArgv {
		return textsAt(a, of+".args")
	}
	dir, isName := strings.CutSuffix(at, ".name")
	if !isName {
		return nil
	}
	texts := textsAt(a, dir+".path")
	for i := range texts {
		texts[i] = path.Base(texts[i])
	}
	return texts
}

func textsAt(a schema.Attributes, at string) (out []string) {
	for _, l := range a.Lookup(at) {
		if text := l.Text(); len(out) < maxClauseTexts && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}
