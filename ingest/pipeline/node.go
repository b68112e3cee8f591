package pipeline

import (
	"fmt"
	"strings"
)

// node is a value of a document, and where it stands in its text.
type node struct {
	kind         nodeKind
	text         string // of a scalar, as it is written
	items        []*node
	members      []member
	line, column int
	// indent is, of a literal block of YAML, by how much its lines are indented; −1: it is
	// none.
	indent int
}

// place is that of a line and column, both from 1, within a text that a node is.
func (n *node) place(line, column int) (int, int) {
	if n.indent < 0 {
		return n.line, n.column
	}
	return n.line + line, n.indent + column
}

type member struct {
	key          string
	value        *node
	line, column int
}

type nodeKind uint8

const (
	nullNode nodeKind = iota
	textNode
	numberNode
	flagNode
	listNode
	objectNode
)

func (k nodeKind) String() string {
	return [...]string{"null", "text", "a number", "true or false", "a list", "an object"}[k]
}

// Bounds of a document: they bound the memory of reading it.
const (
	MaxDocumentBytes = 1 << 20
	maxNodes         = 100_000
	maxNesting       = 32
)

// readNodes reads a text as JSON, when it begins like it, or as YAML.
func readNodes(text string) (*node, *Problem) {
	if len(text) > MaxDocumentBytes {
		return nil, &Problem{Message: fmt.Sprintf("the document has %d bytes; %d are the most", len(text), MaxDocumentBytes)}
	}
	trimmed := strings.TrimLeft(text, " \t\r\n\ufeff")
	if strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[") {
		return readJSON(text)
	}
	return readYAML(text)
}
