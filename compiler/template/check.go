package template

import (
	"slices"
	"strings"

	"nightjar/schema"
)

// Check tells what renders, but probably not as meant: names that no signal
// has, divisions by zero, and what ParseLenient let pass. Where the names of
// the rule's queries are given, it knows a query that the rule lacks.
func (t *Template) Check(queries ...string) []Warning {
	c := checker{text: t.source, queries: queries, warnings: slices.Clone(t.warnings)}
	c.nodes(t.nodes)
	slices.SortStableFunc(c.warnings, func(a, b Warning) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return c.warnings
}

type checker struct {
	text     string
	queries  []string
	warnings []Warning
}

func (c *checker) warn(offset int, message, hint string) {
	if len(c.warnings) < maxWarnings {
		c.warnings = append(c.warnings, Warning(*schema.SyntaxErrorAt(c.text, offset, message, hint)))
	}
}

func (c *checker) nodes(nodes []node) {
	for _, n := range nodes {
		switch n := n.(type) {
		case *variable:
			c.ref(n.ref)
		case *localTime:
			c.ref(n.ref)
		case *urlEncode:
			c.ref(n.ref)
		case *evaluation:
			c.expr(n.expr)
		case *block:
			if n.test.name != "raw" {
				c.ref(n.test.ref)
			}
			c.nodes(n.yes)
			c.nodes(n.no)
		}
	}
}

// ref doubts a name. Any bare name can be a tag; one that looks like a variable
// of the reference, or like an attribute that lacks its @, probably is that.
func (c *checker) ref(r ref) {
	switch {
	case r.kind == refPerQuery && len(c.queries) > 0 && !slices.Contains(c.queries, r.name):
		c.warn(r.at, "the rule has no query "+r.name, "it has "+strings.Join(c.queries, ", "))
	case r.kind != refField || r.field.Kind != schema.FieldTag:
	case closest(r.source, builtinNames) != "":
		c.warn(r.at, "no variable is called "+r.source, "did you mean "+closest(r.source, builtinNames)+"?")
	case !strings.HasSuffix(r.source, ".name"):
		c.warn(r.at, "no variable is called "+r.source+", so it is looked for among the tags",
			"write "+r.source+".name for a tag, @"+r.source+" for an attribute")
	}
}

func (c *checker) expr(x expr) {
	switch x := x.(type) {
	case name:
		c.ref(x.ref)
	case negation:
		c.expr(x.inner)
	case call:
		c.expr(x.inner)
	case binary:
		c.expr(x.left)
		c.expr(x.right)
		unknown := func(ref) (float64, bool) { return 0, false }
		if v, ok := x.right.value(unknown); ok && v == 0 && (x.op == '/' || x.op == '%') {
			c.warn(x.at, "this divides by zero, and renders nothing", "")
		}
	}
}
