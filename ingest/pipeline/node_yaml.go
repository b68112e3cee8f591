package pipeline

import (
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readYAML reads a text that is one YAML document.
func readYAML(text string) (*node, *Problem) {
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var root, more yaml.Node
	if err := decoder.Decode(&root); errors.Is(err, io.EOF) {
		return nil, &Problem{Message: "the document is empty"}
	} else if err != nil {
		return nil, yamlProblem(err)
	}
	if err := decoder.Decode(&more); err == nil {
		return nil, &Problem{Line: more.Line, Column: 1, Message: "a second document follows", Hint: "write one pipeline to a file, or a list of them"}
	}
	r := yamlReader{lines: strings.Split(text, "\n")}
	n, problem := r.value(root.Content[0], 0)
	return n, problem
}

// yamlLine finds the line in what the parser says.
var yamlLine = regexp.MustCompile(`line (\d+): `)

func yamlProblem(err error) *Problem {
	p := &Problem{Message: "this is no YAML: " + strings.TrimPrefix(err.Error(), "yaml: ")}
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		p.Line, _ = strconv.Atoi(m[1])
		p.Column = 1
		p.Message = strings.Replace(p.Message, m[0], "", 1)
	}
	return p
}

type yamlReader struct {
	lines []string
	nodes int
}

// indent is that of the block that begins after a line, from 1.
func (r *yamlReader) indent(line int) int {
	for _, l := range r.lines[min(line, len(r.lines)):] {
		if text := strings.TrimLeft(l, " "); strings.TrimSpace(text) != "" {
			return len(l) - len(text)
		}
	}
	return 0
}

func (r *yamlReader) value(y *yaml.Node, depth int) (*node, *Problem) {
	line, column := y.Line, y.Column
	for y.Kind == yaml.AliasNode {
		y = y.Alias
	}
	fail := func(message, hint string) (*node, *Problem) {
		return nil, &Problem{Line: line, Column: column, Message: message, Hint: hint}
	}
	if r.nodes++; r.nodes > maxNodes {
		return fail("the document has too many values", "")
	}
	if depth > maxNesting {
		return fail("the document is nested too deep", "")
	}
	n := &node{line: line, column: column, indent: -1}
	switch y.Kind {
	case yaml.ScalarNode:
		n.kind, n.text = yamlKind(y), y.Value
		if y.Style&yaml.LiteralStyle != 0 {
			n.indent = r.indent(y.Line)
		}
		if n.kind == flagNode {
			n.text = strings.ToLower(n.text)
		}
	case yaml.SequenceNode:
		n.kind = listNode
		for _, item := range y.Content {
			inner, problem := r.value(item, depth+1)
			if problem != nil {
				return nil, problem
			}
			n.items = append(n.items, inner)
		}
	case yaml.MappingNode:
		n.kind = objectNode
		for i := 0; i+1 < len(y.Content); i += 2 {
			key := y.Content[i]
			if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge" {
				return fail("a key is not a plain name", "write the members out")
			}
			inner, problem := r.value(y.Content[i+1], depth+1)
			if problem != nil {
				return nil, problem
			}
			n.members = append(n.members, member{key: key.Value, value: inner, line: key.Line, column: key.Column})
		}
	}
	return n, nil
}

func yamlKind(y *yaml.Node) nodeKind {
	switch y.ShortTag() {
	case "!!null":
		return nullNode
	case "!!bool":
		return flagNode
	case "!!int", "!!float":
		return numberNode
	}
	return textNode
}
