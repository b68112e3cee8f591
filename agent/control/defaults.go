package control

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"

	"go.yaml.in/yaml/v3"

	"nightjar/configuration"
	"nightjar/objects"
	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/policy"
)

// DefaultPolicyID is the id of the built-in policy, which has the built-in rules.
const DefaultPolicyID = "def-000-pol"

// Defaults are the policy file that ships with the server, as built-in rules and as the
// text that agents are given.
type Defaults struct {
	Text   string
	Rules  []objects.Versioned[configuration.AgentRule]
	Policy objects.Versioned[configuration.AgentPolicy]
	// Macros are what expressions of other rules may use, too.
	Macros map[string]*secl.Macro

	macros *yaml.Node
	nodes  map[string]*yaml.Node // of rules, by id
}

// ReadDefaults reads a policy file. One with a mistake in it is an error.
func ReadDefaults(text string) (*Defaults, error) {
	set, problems := load([]source{{name: "default.policy", text: text}})
	if len(problems) > 0 {
		return nil, fmt.Errorf("read the default policy: %s", problems[0])
	}
	d, err := splitPolicy(text)
	if err != nil {
		return nil, err
	}
	d.Macros = set.Env.Macros
	d.Policy = objects.Versioned[configuration.AgentPolicy]{ID: DefaultPolicyID, Body: configuration.AgentPolicy{
		Name: "default", Description: "what ships with nightjar", Enabled: true, HostTags: [][]string{},
	}}
	return d, nil
}

// splitPolicy reads a policy file as parts that can be put into others.
func splitPolicy(text string) (*Defaults, error) {
	var file struct {
		Macros yaml.Node   `yaml:"macros"`
		Rules  []yaml.Node `yaml:"rules"`
	}
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		return nil, fmt.Errorf("read the default policy: %w", err)
	}
	d := &Defaults{Text: text, nodes: map[string]*yaml.Node{}}
	if file.Macros.Kind == yaml.SequenceNode {
		d.macros = &file.Macros
	}
	for i := range file.Rules {
		var rule struct {
			policyRule `yaml:",inline"`
			Disabled   bool `yaml:"disabled"`
		}
		if err := file.Rules[i].Decode(&rule); err != nil {
			return nil, fmt.Errorf("read the default policy: %w", err)
		}
		d.nodes[rule.ID] = without(&file.Rules[i], "disabled")
		d.Rules = append(d.Rules, objects.Versioned[configuration.AgentRule]{ID: builtInID(rule.ID), Body: configuration.AgentRule{
			Name: rule.ID, Description: rule.Description, Expression: rule.Expression, Enabled: !rule.Disabled,
			AgentVersion: rule.AgentVersion, ProductTags: rule.ProductTags, Silent: rule.Silent, Actions: rule.Actions,
			Monitoring: []string{DefaultPolicyID},
		}})
	}
	return d, nil
}

// builtInID is the id of a built-in rule, which is the same in every version of the
// product.
func builtInID(name string) string {
	sum := sha256.Sum256([]byte(name))
	const six = 36 * 36 * 36 * 36 * 36 * 36
	text := fmt.Sprintf("%06s", strconv.FormatUint(binary.BigEndian.Uint64(sum[:])%six, 36))
	return "def-" + text[:3] + "-" + text[3:]
}

// without is a mapping without a key.
func without(n *yaml.Node, key string) *yaml.Node {
	out := *n
	out.Content = nil
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != key {
			out.Content = append(out.Content, n.Content[i], n.Content[i+1])
		}
	}
	return &out
}

// source is a policy file.
type source struct {
	name, text string
	mode       policy.Mode
	isDefault  bool
}

// load reads and merges policy files, and says what is wrong with them, warnings apart.
func load(files []source) (set *policy.Set, problems []string) {
	var all []*policy.Policy
	var wrong []*policy.DefinitionError
	for _, f := range files {
		p, errs := policy.Read(f.name, []byte(f.text))
		wrong = append(wrong, errs...)
		if p != nil {
			p.Mode, p.Default = f.mode, f.isDefault
			all = append(all, p)
		}
	}
	set, err := policy.Load(all, policy.Options{
		Model: event.Model(), World: event.World{},
		Support: &policy.Support{Events: event.Supported, Actions: event.SupportedActions}, // an agent would refuse what it can't do
	})
	if err != nil {
		return nil, []string{err.Error()}
	}
	for _, e := range append(wrong, set.Errors()...) {
		if !e.Warning {
			problems = append(problems, e.Error())
		}
	}
	return set, problems
}
