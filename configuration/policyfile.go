package configuration

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"nightjar/objects"
)

// PolicyFile is the file that agents read: the enabled rules of the list, in its
// order, as YAML.
func PolicyFile(rules []objects.Versioned[AgentRule]) ([]byte, error) {
	file := policyFile{Version: "1.0.0", Type: "policy", Rules: []policyRule{}}
	for _, r := range rules {
		if !r.Body.Enabled {
			continue
		}
		entry := policyRule{
			ID: r.Body.Name, Version: fmt.Sprint(r.Version), Description: r.Body.Description, Expression: r.Body.Expression,
			Filters: r.Body.Filters(), AgentVersion: r.Body.AgentVersion, ProductTags: r.Body.ProductTags, Silent: r.Body.Silent,
		}
		for _, a := range r.Body.Actions {
			if !a.Disabled {
				entry.Actions = append(entry.Actions, a)
			}
		}
		file.Rules = append(file.Rules, entry)
	}
	text, err := yaml.Marshal(file)
	if err != nil {
		return nil, fmt.Errorf("write policy: %w", err)
	}
	return text, nil
}

type policyFile struct {
	Version string       `yaml:"version"`
	Type    string       `yaml:"type"`
	Rules   []policyRule `yaml:"rules"`
}

type policyRule struct {
	ID           string        `yaml:"id"`
	Version      string        `yaml:"version"`
	Description  string        `yaml:"description,omitempty"`
	Expression   string        `yaml:"expression"`
	Filters      []string      `yaml:"filters,omitempty"`
	AgentVersion string        `yaml:"agent_version,omitempty"`
	ProductTags  []string      `yaml:"product_tags,omitempty"`
	Silent       bool          `yaml:"silent,omitempty"`
	Actions      []AgentAction `yaml:"actions,omitempty"`
}
