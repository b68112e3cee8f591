package template

import (
	"strconv"
	"strings"
	"time"

	"nightjar/schema"
)

// Render fills in the signal's data, escaped for where the text goes. Names
// that the signal lacks render as nothing. Truncated says that the text ends
// early, with a mark, because of MaxOutput or of the bound on work.
func (t *Template) Render(d Data, to Destination) (text string, truncated bool) {
	r := t.run(d)
	return escape(r.pieces, to, r.stopped)
}

// piece is a part of the rendered text, with where it comes from.
type piece struct {
	text   string
	origin origin
}

type origin uint8

const (
	fromTemplate origin = iota
	fromData
	fromURLEncode // data, but without a character that could mean anything
)

// renderer walks a template once. What it writes is never read again.
type renderer struct {
	lookups
	pieces  []piece
	size    int
	stopped bool
}

func (t *Template) run(d Data) *renderer {
	r := &renderer{lookups: lookups{data: &d, known: map[string][]schema.Leaf{}, work: maxWork}}
	r.nodes(t.nodes)
	r.stopped = r.spent()
	return r
}

func (r *renderer) nodes(nodes []node) {
	for _, n := range nodes {
		if r.spent() {
			return
		}
		switch n := n.(type) {
		case *ownText:
			r.write(n.shown, fromTemplate)
		case *variable:
			r.write(joined(r.values(n.ref)), fromData)
		case *evaluation:
			if v, ok := n.expr.value(r.number); ok {
				r.write(formatNumber(v), fromData)
			}
		case *localTime:
			if at, ok := r.time(n.ref); ok {
				r.write(at.In(n.zone).Format("2006-01-02 15:04:05-07:00"), fromData)
			}
		case *urlEncode:
			r.write(percentEncode(joined(r.values(n.ref))), fromURLEncode)
		case *block:
			if r.holds(n.test) != n.negated {
				r.nodes(n.yes)
			} else {
				r.nodes(n.no)
			}
		}
	}
}

// spent reports whether there is more than can be shown, or looked at, already.
func (r *renderer) spent() bool { return r.work < 0 || r.size > MaxOutput }

func (r *renderer) write(s string, from origin) {
	if s == "" {
		return
	}
	r.size += len(s)
	r.pieces = append(r.pieces, piece{s, from})
}

// maxShown is how many values of one name are listed.
const maxShown = 100

// joined lists values: `a, b, c`.
func joined(list []schema.Leaf) string {
	var b strings.Builder
	for i, leaf := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		if i == maxShown {
			b.WriteString("… and " + strconv.Itoa(len(list)-maxShown) + " more")
			break
		}
		text := leaf.Text()
		if len(text) > MaxOutput {
			text = text[:MaxOutput+1] // renders too long, and is cut at a character there
		}
		if b.WriteString(text); b.Len() > MaxOutput {
			break
		}
	}
	return b.String()
}

// holds reports whether a condition does.
func (r *renderer) holds(t test) bool {
	if t.name == "raw" {
		return true
	}
	list := r.values(t.ref)
	if t.name == "if" {
		return len(list) > 0
	}
	same := contains
	if t.name == "is_exact_match" {
		same = equals
	}
	for _, w := range t.words {
		if w == "" && t.name == "is_exact_match" && len(list) == 0 {
			return true
		}
		for _, leaf := range list {
			if r.work -= len(leaf.Str) + 8; r.work < 0 {
				return false
			}
			if same(leaf, w) {
				return true
			}
		}
	}
	return false
}

// contains is is_match: any value contains the text; the empty text asks
// whether there is a value at all.
func contains(leaf schema.Leaf, word string) bool {
	text := leaf.Text()
	return text != "" && strings.Contains(text, word)
}

// equals is is_exact_match. A number equals what is written differently but is
// the same number; text that looks like one does not.
func equals(leaf schema.Leaf, word string) bool {
	if leaf.Text() == word {
		return true
	}
	n, isNumber := leaf.Number()
	f, err := strconv.ParseFloat(word, 64)
	return leaf.Kind != schema.KindString && isNumber && err == nil && n == f
}

// number is a name's value in arithmetic: dates count in milliseconds, and a
// text counts that is a number, because the sender may have quoted it.
func (r *renderer) number(name ref) (float64, bool) {
	if name.kind == refBuiltin && builtins[name.name] == builtinDate {
		return float64(r.moment(name.name)), true
	}
	list := r.values(name)
	if len(list) != 1 {
		return 0, false
	}
	return list[0].Number()
}

// time is a name's value as a moment: of an attribute, milliseconds or RFC 3339.
func (r *renderer) time(name ref) (time.Time, bool) {
	if name.kind == refBuiltin {
		return r.moment(strings.TrimSuffix(name.name, "_epoch")).Time(), true
	}
	list := r.values(name)
	if len(list) != 1 {
		return time.Time{}, false
	}
	if at, err := time.Parse(time.RFC3339Nano, list[0].Str); err == nil {
		return at, true
	}
	n, ok := r.number(name)
	if !ok || n < float64(schema.MinMillis) || n > float64(schema.MaxMillis) {
		return time.Time{}, false
	}
	return schema.Millis(n).Time(), true
}
