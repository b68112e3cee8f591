package control

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"nightjar/configuration"
	"nightjar/objects"
)

// PolicyText is the file that agents read: the enabled rules of the list, in its order, as
// YAML. Where a built-in rule is among them, what these are written with is, too.
func (d *Defaults) PolicyText(rules []objects.Versioned[configuration.AgentRule]) ([]byte, error) {
	file := policyFile{Version: "1.0.0", Type: "policy", Rules: []any{}}
	for _, r := range rules {
		if !r.Body.Enabled {
			continue
		}
		file.Rules = append(file.Rules, d.entry(r))
		if r.BuiltIn {
			file.Macros = d.macros
		}
	}
	return file.text()
}

// policyFile is a policy file as YAML. Its rules are nodes of the default policy, or
// policyRules.
type policyFile struct {
	Version string     `yaml:"version"`
	Type    string     `yaml:"type"`
	Macros  *yaml.Node `yaml:"macros,omitempty"`
	Rules   []any      `yaml:"rules"`
}

func (f policyFile) text() ([]byte, error) {
	text, err := yaml.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("write policy: %w", err)
	}
	return text, nil
}

type policyRule struct {
	ID           string                      `yaml:"id"`
	Version      string                      `yaml:"version"`
	Description  string                      `yaml:"description,omitempty"`
	Expression   string                      `yaml:"expression"`
	Filters      []string                    `yaml:"filters,omitempty"`
	AgentVersion string                      `yaml:"agent_version,omitempty"`
	ProductTags  []string                    `yaml:"product_tags,omitempty"`
	Silent       bool                        `yaml:"silent,omitempty"`
	Actions      []configuration.AgentAction `yaml:"actions,omitempty"`
}

// entry is a rule of a policy file: a built-in one as it ships.
func (d *Defaults) entry(r objects.Versioned[configuration.AgentRule]) any {
	if node := d.nodes[r.Body.Name]; r.BuiltIn && node != nil {
		return node
	}
	out := policyRule{
		ID: r.Body.Name, Version: fmt.Sprint(r.Version), Description: r.Body.Description, Expression: r.Body.Expression,
		Filters: r.Body.Filters(), AgentVersion: r.Body.AgentVersion, ProductTags: r.Body.ProductTags, Silent: r.Body.Silent,
	}
	for _, a := range r.Body.Actions {
		if !a.Disabled {
			out.Actions = append(out.Actions, a)
		}
	}
	return out
}
