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

func (b *block) print(out *strings.Builder) {
	open, end := "{{#", "}}"
	switch {
	case b.raw:
		open, end = "{{{{", "}}}}"
	case b.negated:
		open = "{{^"
	}
	out.WriteString(open + b.test.name)
	switch b.test.name {
	case "raw":
	case "if":
		out.WriteString(" " + b.test.ref.source)
	default:
		out.WriteString(" " + quote(b.test.ref.source))
	}
	for _, w := range b.test.words {
		out.WriteString(" " + quote(w))
	}
	out.WriteString(end)
	printNodes(out, b.yes)
	if b.hasElse {
		out.WriteString("{{else}}")
		printNodes(out, b.no)
	}
	out.WriteString(strings.Repeat("{", len(end)) + "/" + b.test.name + end)
}

var quoting = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// quote writes a text as an argument.
func quote(s string) string { return `"` + quoting.Replace(s) + `"` }
