package search

import (
	"fmt"
	"strconv"
	"strings"

	"nightjar/schema"
)

// readable is a JSON text as the server's parser takes it: a whole number of more
// digits than 64 bits hold is written as a double. What the parser gives of a text is
// written as an integer again, so every text has to be made readable. Without escaped
// quotes every second piece between quotes is outside of strings.
func (e *emitter) readable(x string) string {
	escaped := "replaceAll(replaceAll(" + x + ", " + e.p.String(`\\`) + ", " + e.p.String(`\u005c`) + "), " + e.p.String(`\"`) + ", " + e.p.String(`\u0022`) + ")"
	pieces := "splitByChar(" + e.p.String(`"`) + ", " + escaped + ")"
	doubled := "replaceRegexpAll(s, " + e.p.String(`([:\[,]`+beyond64+`)\b`) + ", " + e.p.String(`\1.0`) + ")"
	return "if(match(" + x + ", " + e.p.String(`[0-9]{19}`) + "), arrayStringConcat(arrayMap((s, i) -> if((i % 2) = 1, " + doubled + ", s), " +
		pieces + ", arrayEnumerate(" + pieces + ")), " + e.p.String(`"`) + "), " + x + ")"
}

// beyond64 is the form of whole numbers that neither 64 bits hold: of 20 digits and
// more, which are doubles, and of those below the least integer of 64 bits.
var beyond64 = func() string {
	const least = "9223372036854775" // 808; the next double is 2,048 below
	forms := []string{`-?[0-9]{20,}`}
	for i := range len(least) {
		if least[i] < '9' {
			forms = append(forms, fmt.Sprintf("-%s[%c-9][0-9]{%d}", least[:i], least[i]+1, len("9223372036854775808")-i-1))
		}
	}
	return "(?:" + strings.Join(forms, "|") + ")"
}()

// The values of JSON as they are written there.
const (
	jsonStringForm = `"(?:[^"\\]|\\.)*"`
	// hasLeaf finds a scalar that is not null in an object: it looks from the start, so
	// that it knows what is a string.
	hasLeaf = `(?s)\A(?:[^"]*` + jsonStringForm + `)*?[^"]*?[:\[,](?:-?[0-9]|true|false|` + jsonStringForm + `[,\]}])`
)

// elementEmitter writes queries about a value in the JSON, x.
type elementEmitter struct {
	*emitter
	x     string
	depth int
}

// ofDocumentValue writes queries about the whole document, which ofDocument calls d.
func (e *emitter) ofDocumentValue() elementEmitter { return elementEmitter{emitter: e, x: "d"} }

// elements holds when the query does for an element of the array.
func (e *emitter) elements(n Any) (string, error) {
	test, err := e.ofDocumentValue().any(n)
	return e.ofDocument(test), err
}

// countOf is the number of elements at the path.
func (e *emitter) countOf(f schema.Field) string {
	return e.ofDocument(e.ofDocumentValue().count(f))
}

// ofDocument is an expression of the document, d, which is made once.
func (e *emitter) ofDocument(expression string) string {
	return "arrayMap(d -> " + expression + ", [raw])[1]"
}

func (e elementEmitter) any(n Any) (string, error) {
	name := "e" + strconv.Itoa(e.depth)
	inner, err := elementEmitter{emitter: e.emitter, x: name, depth: e.depth + 1}.node(n.Node)
	if err != nil {
		return "", err
	}
	return "arrayExists(" + name + " -> (" + name + " != 'null') AND NOT startsWith(" + name + ", '[') AND " + inner + ", " + e.flatten(e.at(n.Field, e.flatten)) + ")", nil
}

func (e elementEmitter) node(n Node) (string, error) {
	switch n := n.(type) {
	case MatchAll:
		return "true", nil
	case Conjunction:
		parts, err := eachNode(n.Nodes, e.node)
		return AllSQL(parts...), err
	case Disjunction:
		parts, err := eachNode(n.Nodes, e.node)
		return AnySQL(parts...), err
	case Negation:
		inner, err := e.node(n.Node)
		return NotSQL(inner), err
	case Any:
		return e.any(n)
	case Regexp:
		test, err := e.regexpTest(n.Expr)
		if err != nil {
			return "", err
		}
		return e.exists(n.Field, test(e.scalar("v"))), nil
	}
	return e.leaf(n)
}

func (e elementEmitter) leaf(n Node) (string, error) {
	text := e.scalar("v")
	switch n := n.(type) {
	case Equals:
		return e.exists(n.Field, e.in(text, equalTexts(n.Field, n.Value))), nil
	case Like:
		return e.exists(n.Field, e.fits(text, []Pattern{n.Pattern})), nil
	case Folded:
		return e.exists(n.Field, e.foldedTest(text, n.Patterns)), nil
	case Network:
		return e.exists(n.Field, e.addressIn(text, n)), nil
	case Range:
		return e.exists(n.Field, e.inRange(n)), nil
	case Exists:
		return "arrayExists(v -> if(startsWith(v, '{'), match(v, " + e.p.String(hasLeaf) + "), (v != 'null') AND NOT startsWith(v, '[')), " + e.flattenAll(e.along(n.Field, pathWalk{into: e.flattenAll, below: true})) + ")", nil
	case Same:
		return haveSame(e.texts(n.Field), e.texts(n.Other)), nil
	case Measured:
		if n.Measure == MeasureLength {
			return e.exists(n.Field, e.compared(n, "lengthUTF8("+text+")")), nil
		}
		return e.compared(n, e.count(n.Field)), nil
	}
	return "", fmt.Errorf("emit: no SQL for %T of an element", n)
}

// exists holds when the test does for a scalar at the field's path.
func (e elementEmitter) exists(f schema.Field, test string) string {
	return "arrayExists(v -> " + isScalar("v") + " AND " + NotNullSQL(test) + ", " + e.values(f) + ")"
}

// texts are the texts of the scalars at the field's path.
func (e elementEmitter) texts(f schema.Field) string {
	return "arrayMap(v -> " + e.scalar("v") + ", arrayFilter(v -> " + isScalar("v") + ", " + e.values(f) + "))"
}

func isScalar(v string) string {
	return "((" + v + " != 'null') AND NOT startsWith(" + v + ", '{') AND NOT startsWith(" + v + ", '['))"
}

// scalar is the text of a value.
func (e *emitter) scalar(v string) string {
	return "if(startsWith(" + v + ", " + e.p.String(`"`) + "), JSONExtractString(" + v + "), " + v + ")"
}

// inRange tells texts, integers and doubles apart, as leaves do.
func (e elementEmitter) inRange(r Range) string {
	v := newInterval(r, parseNumber)
	text := e.textBetween(r, v, "JSONExtractString(v)")
	ints, floats := "false", "false"
	if v.quoted {
		ints = e.between(r, "v", e.p.String)
		floats = ints
	} else if v.numeric && !v.ints.empty() {
		ints = NotNullSQL(e.betweenInts(v.ints, "toInt64OrNull(v)"))
	}
	if v.numeric && !v.quoted {
		floats = NotNullSQL(e.betweenFloats(v, "toFloat64OrNull(v)"))
	}
	return "if(startsWith(v, " + e.p.String(`"`) + "), " + text + ", if((v = 'true') OR (v = 'false'), false, if(toInt64OrNull(v) IS NOT NULL, " + ints + ", " + floats + ")))"
}

// values are the values at a path in x, as they are written: arrays looked into, and
// those in arrays, as leaves are made of both.
func (e elementEmitter) values(f schema.Field) string { return e.flattenAll(e.at(f, e.flattenAll)) }

// count adds up what is at the path.
func (e elementEmitter) count(f schema.Field) string {
	return "arraySum(v -> if(startsWith(v, '['), length(" + e.elementsOf("v") + "), v != 'null'), " + e.at(f, e.flatten) + ")"
}

// at are the values at the path. Without a dot it is a key; with dots, each may be
// in a key or between two: what is left of the path goes with the value that it
// begins at, a dot before it, until nothing is left. Arrays on the way are put in
// their place by into.
func (e elementEmitter) at(f schema.Field, into func(list string) string) string {
	if path := f.Name; !f.AnyCase && !strings.Contains(path, ".") {
		return "arrayFilter(v -> v != '', arrayMap(v -> JSONExtractRaw(" + e.readable("v") + ", " + e.p.String(path) + "), [" + e.x + "]))"
	}
	return e.along(f, pathWalk{into: into})
}

// pathWalk is how a path is followed: how arrays on the way are put in their place, and
// whether what lies below the path is its end, too. Names are compared in any case where
// the field's are.
type pathWalk struct {
	into    func(list string) string
	below   bool
	anyCase bool
}

// along are the values that the path leads to.
func (e elementEmitter) along(f schema.Field, walk pathWalk) string {
	path := f.Name
	if walk.anyCase = f.AnyCase; f.AnyCase {
		path = lowerASCII(path)
	}
	list := "[(" + e.p.String("."+path) + ", " + e.x + ")]"
	for range strings.Count(path, ".") + 1 {
		list = e.step(list, walk)
	}
	return "arrayMap(t -> t.2, arrayFilter(t -> t.1 = '', " + list + "))"
}

// step goes from each value that has a rest of the path to those of its members
// that the rest begins with.
func (e elementEmitter) step(list string, walk pathWalk) string {
	dot := e.p.String(".")
	elements := "if(t.1 != '', " + walk.into("[t.2]") + ", [])"
	key := "m.1"
	if walk.anyCase {
		key = "lower(m.1)"
	}
	begins := "((t.1 = concat(" + dot + ", " + key + ")) OR startsWith(t.1, concat(" + dot + ", " + key + ", " + dot + ")))"
	if walk.below {
		begins = "(" + begins + " OR startsWith(concat(" + dot + ", " + key + "), concat(t.1, " + dot + ")))"
	}
	members := "arrayFilter(m -> " + begins + ", arrayFlatten(arrayMap(v -> JSONExtractKeysAndValuesRaw(" + e.readable("v") + "), " + elements + ")))"
	next := "arrayMap(m -> (substring(t.1, length(m.1) + 2), m.2), " + members + ")"
	return "arrayFlatten(arrayMap(t -> if(t.1 = '', [t], " + next + "), " + list + "))"
}

// flatten puts the elements of arrays in their place.
func (e elementEmitter) flatten(list string) string {
	return "arrayFlatten(arrayMap(v -> if(startsWith(v, '['), " + e.elementsOf("v") + ", [v]), " + list + "))"
}

// flattenAll is flatten until no array is left, of those that have arrays in them. No
// event is deeper than its bound.
func (e elementEmitter) flattenAll(list string) string {
	rounds := "if(match(v, " + e.p.String(`[\[,]\[`) + "), least(countSubstrings(v, '['), " + strconv.Itoa(schema.MaxDepth) + "), 0)"
	next := "arrayFlatten(arrayMap(w -> if(startsWith(w, '['), " + e.elementsOf("w") + ", [w]), l))"
	all := "arrayFold((l, i) -> if(arrayExists(w -> startsWith(w, '['), l), " + next + ", l), range(" + rounds + "), " + e.elementsOf("v") + ")"
	return "arrayFlatten(arrayMap(v -> if(startsWith(v, '['), " + all + ", [v]), " + list + "))"
}

// elementsOf are the elements of an array, as they are written.
func (e elementEmitter) elementsOf(x string) string {
	return "JSONExtractArrayRaw(" + e.readable(x) + ")"
}
