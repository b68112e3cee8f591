package pipeline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Text is the document in YAML as people write it: without what goes without saying. Parse
// makes the same pipeline of it, with ParseOptions.Enabled; comments are not kept.
func (p *Pipeline) Text() (string, error) {
	said := *p
	said.ID, said.Type, said.ReadOnly = "", "", false
	document, err := json.Marshal(&said)
	if err != nil {
		return "", fmt.Errorf("write pipeline %s: %w", p.Name, err)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(document, &root); err != nil { // JSON is YAML
		return "", fmt.Errorf("write pipeline %s: %w", p.Name, err)
	}
	plain(root.Content[0])
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := e.Encode(&root); err != nil {
		return "", fmt.Errorf("write pipeline %s: %w", p.Name, err)
	}
	return out.String(), nil
}

// longestInLine is how many characters a list or an object has at most that stands in one
// line.
const longestInLine = 100

// plain leaves out what is so anyway, and has the rest written as people write it.
func plain(n *yaml.Node) {
	n.Style = 0
	if n.Kind == yaml.MappingNode {
		var kept []*yaml.Node
		for i := 0; i+1 < len(n.Content); i += 2 {
			if key, v := n.Content[i], n.Content[i+1]; !goesWithoutSaying(key.Value, v) {
				kept = append(kept, key, v)
			}
		}
		n.Content = kept
	}
	for i, c := range n.Content {
		if i > 0 && n.Kind == yaml.MappingNode && n.Content[i-1].Value == "fallback" {
			continue // its members have the names of attributes
		}
		plain(c)
	}
	if n.Kind != yaml.ScalarNode && isShort(n) {
		n.Style = yaml.FlowStyle
	}
}

// absentMeans are the members of a document whose absence means the same, by what they are.
var absentMeans = map[string][]string{
	"is_enabled": {"true"}, "name": {""}, "type": {""}, "is_read_only": {"false"}, "override_on_conflict": {"false"}, "is_replace_missing": {"false"},
	"support_rules": {""}, "normalize_ending_slashes": {"false"}, "is_encoded": {"false"},
}

func goesWithoutSaying(key string, v *yaml.Node) bool {
	switch v.Kind {
	case yaml.ScalarNode:
		return slices.Contains(absentMeans[key], v.Value)
	case yaml.SequenceNode:
		return len(v.Content) == 0 && (key == "samples" || key == "tags")
	}
	return false
}

// isShort reports whether what is in it are a few short values.
func isShort(n *yaml.Node) bool {
	length := 0
	for _, c := range n.Content {
		if c.Kind != yaml.ScalarNode || slices.Contains([]byte(c.Value), '\n') {
			return false
		}
		length += len(c.Value) + 2
	}
	return length <= longestInLine
}
