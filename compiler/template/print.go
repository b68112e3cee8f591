package template

import "strings"

// String is the template as it would be written today: parsing it renders the
// same. Own text, comments and raw blocks are kept to the letter.
func (t *Template) String() string {
	var b strings.Builder
	printNodes(&b, t.nodes)
	return b.String()
}

func printNodes(b *strings.Builder, nodes []node) {
	for _, n := range nodes {
		switch n := n.(type) {
		case *ownText:
			b.WriteString(n.source)
		case *comment:
			b.WriteString(n.source)
		case *variable:
			if n.triple {
				b.WriteString("{{{" + n.ref.source + "}}}")
			} else {
				b.WriteString("{{" + n.ref.source + "}}")
			}
		case *evaluation:
			b.WriteString("{{eval " + quote(n.source) + "}}")
		case *localTime:
			b.WriteString("{{local_time " + quote(n.ref.source) + " " + quote(n.zoneName) + "}}")
		case *urlEncode:
			b.WriteString("{{urlencode " + quote(n.ref.source) + "}}")
		case *block:
			n.print(b)
		}
	}
}

func (n *block) print(b *strings.Builder) {
	open, end := "{{#", "}}"
	switch {
	case n.raw:
		open, end = "{{{{", "}}}}"
	case n.negated:
		open = "{{^"
	}
	b.WriteString(open + n.test.name)
	switch n.test.name {
	case "raw":
	case "if":
		b.WriteString(" " + n.test.ref.source)
	default:
		b.WriteString(" " + quote(n.test.ref.source))
	}
	for _, w := range n.test.words {
		b.WriteString(" " + quote(w))
	}
	b.WriteString(end)
	printNodes(b, n.yes)
	if n.hasElse {
		b.WriteString("{{else}}")
		printNodes(b, n.no)
	}
	b.WriteString(strings.Repeat("{", len(end)) + "/" + n.test.name + end)
}

var quoting = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// quote writes a text as an argument.
func quote(s string) string { return `"` + quoting.Replace(s) + `"` }
