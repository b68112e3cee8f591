package schema

import (
	"fmt"
	"strconv"
	"strings"
)

// The column `attributes` holds the projection of the leaves that searches
// read; what is shown comes from `raw`. Its paths are flat:
//
//   - a path with one leaf holds that leaf, as String, Int64, Float64 or Bool;
//   - a path with several leaves holds an array of them where all are of one
//     kind, else an array of their texts, and at MixedPath the same texts with
//     a letter for the kind before each, so that a range can tell `"5"` from 5;
//   - a typed path is a Nullable(String) column: several leaves at such a path
//     are at ManyPath, an Array(String) column.
//
// Every path is written in the safe alphabet of StoredPath. What is beyond the
// paths that a table can hold is in column rest: see Leaf.RestText.

// Projection is the text that is inserted into the JSON column. The insert runs
// with ProjectionSettings.
func (a *Attributes) Projection() string {
	dst := make([]byte, 0, len(a.JSON)+16)
	dst = append(dst, '{')
	a.Paths(func(leaves []Leaf, s Shapes) { dst = appendStored(dst, leaves, s) })
	return string(append(dst, '}'))
}

// Paths gives the leaves of every path that has any, and their form.
func (a *Attributes) Paths(yield func(leaves []Leaf, s Shapes)) {
	for i := 0; i < len(a.Leaves); {
		j := i + 1
		for j < len(a.Leaves) && a.Leaves[j].Path == a.Leaves[i].Path {
			j++
		}
		yield(a.Leaves[i:j], shapeOf(a.Leaves[i:j]))
		i = j
	}
}

// ProjectionSettings keep the server from reading more into a text than is
// there: strings that look like dates stay strings.
var ProjectionSettings = map[string]string{
	"input_format_try_infer_dates":     "0",
	"input_format_try_infer_datetimes": "0",
}

// appendStored writes the leaves of one path.
func appendStored(dst []byte, leaves []Leaf, s Shapes) []byte {
	path := leaves[0].Path
	if len(leaves) == 1 {
		return appendLeaf(appendKey(dst, StoredPath(path)), leaves[0])
	}
	if _, typed := typedPaths[path]; typed {
		return appendLeaves(appendKey(dst, ManyPath(path)), leaves)
	}
	if s != ManyMixed {
		return appendLeaves(appendKey(dst, StoredPath(path)), leaves)
	}
	texts := make([]Leaf, len(leaves))
	tagged := make([]Leaf, len(leaves))
	for i, l := range leaves {
		texts[i] = Leaf{Kind: KindString, Str: l.Text()}
		tagged[i] = Leaf{Kind: KindString, Str: l.Tagged()}
	}
	dst = appendLeaves(appendKey(dst, StoredPath(path)), texts)
	return appendLeaves(appendKey(dst, MixedPath(path)), tagged)
}

// Tagged is the leaf's text after a letter for its kind, as a MixedPath has it.
func (l Leaf) Tagged() string { return kindLetters[l.Kind:l.Kind+1] + l.Text() }

// Shapes is a set of the forms in which a path's leaves are stored. A reader
// that knows which forms a path has ever had need not look for the others.
type Shapes uint16

// The forms: one leaf of a kind, several of one kind, several of many; and,
// which is no form of its own, leaves at paths below. At a typed path every leaf
// is a string, and several are ManyStrings.
const (
	OneString Shapes = 1 << iota
	OneInt
	OneFloat
	OneBool
	ManyStrings
	ManyInts
	ManyFloats
	ManyBools
	ManyMixed
	Below
	// InRest: leaves of the path, or of paths below it, are in column rest.
	InRest

	AllShapes = InRest<<1 - 1
	// Alone are the forms of a path's own leaves in column attributes.
	Alone = Below - 1
)

// WithoutRest are the forms in a table that has no column rest: those of signals.
func WithoutRest(string) Shapes { return AllShapes &^ InRest }

// Shapes gives the form of every path that has leaves.
func (a *Attributes) Shapes(yield func(path string, s Shapes)) {
	a.Paths(func(leaves []Leaf, s Shapes) { yield(leaves[0].Path, s) })
}

func shapeOf(leaves []Leaf) Shapes {
	if len(leaves) == 1 {
		return OneString << leaves[0].Kind
	}
	for _, l := range leaves[1:] {
		if l.Kind != leaves[0].Kind {
			return ManyMixed
		}
	}
	return ManyStrings << leaves[0].Kind
}

// A leaf whose path attributes does not hold is in column rest, which is a list of
// texts: the stored path, an equals sign, and the value as a MixedPath has it.
// Senders that write ever new keys would else make a column of each.

// RestText is the leaf as column rest has it.
func (l Leaf) RestText() string { return RestPrefix(l.Path) + l.Tagged() }

// RestPrefix is how the texts of a path's leaves begin in column rest, and those
// of no other path.
func RestPrefix(path string) string { return StoredPath(path) + "=" }

// RestBelow is how those of the paths below it begin.
func RestBelow(path string) string { return StoredPath(path) + "." }

// RestPath is the path of a text in column rest.
func RestPath(text string) (path string, err error) {
	stored, _, ok := strings.Cut(text, "=")
	if !ok {
		return "", fmt.Errorf("column rest has no text like %q", text)
	}
	return unstoredPath(stored)
}

// kindLetters stand for string, integer, float and boolean at a MixedPath.
const kindLetters = "sifb"

func appendKey(dst []byte, stored string) []byte {
	if len(dst) > 1 {
		dst = append(dst, ',')
	}
	dst = append(dst, '"')
	dst = append(dst, stored...)
	return append(dst, '"', ':')
}

func appendLeaves(dst []byte, leaves []Leaf) []byte {
	dst = append(dst, '[')
	for i, l := range leaves {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendLeaf(dst, l)
	}
	return append(dst, ']')
}

// appendLeaf writes a scalar so that the server gives it the leaf's kind: a
// number with an exponent is a Float64, even where its value is whole.
func appendLeaf(dst []byte, l Leaf) []byte {
	text := l.Text()
	switch {
	case l.Kind == KindString:
		return appendString(dst, text)
	case l.Kind == KindFloat && strings.IndexByte(text, '.') < 0 && strings.IndexByte(text, 'e') < 0:
		return append(append(dst, text...), "e0"...)
	}
	return append(dst, text...)
}

// StoredPath is the name of an attribute path inside the JSON column: ASCII
// letters, digits, `_`, `-` and the dots between segments stay, every other
// byte is %XX, and an empty segment is `%-`. It is one to one, and its result
// is safe wherever an identifier can stand, although the path is any text.
func StoredPath(path string) string {
	if isSafePath(path) {
		return path
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i, segment := range strings.Split(path, ".") {
		if i > 0 {
			b.WriteByte('.')
		}
		if segment == "" {
			b.WriteString("%-")
		}
		for j := range len(segment) {
			c := segment[j]
			if isSafe(c) {
				b.WriteByte(c)
				continue
			}
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

// ManyPath is where the values of a typed path are stored when there are
// several. No StoredPath is equal to it: there a % has two digits or a dash.
func ManyPath(path string) string { return StoredPath(path) + manySuffix }

// MixedPath is where the leaves of a path are stored with their kinds when they
// are of several.
func MixedPath(path string) string { return StoredPath(path) + mixedSuffix }

const (
	manySuffix  = "%many"
	mixedSuffix = "%mixed"
)

// StoredShapes are the forms at a path of the JSON column, whose name and types
// are given as the server spells them. At a typed path the type says nothing,
// and what is at its ManyPath is at the path itself.
func StoredShapes(stored string, types []string) (path string, s Shapes, err error) {
	mixed := strings.HasSuffix(stored, mixedSuffix)
	many := strings.HasSuffix(stored, manySuffix)
	path, err = unstoredPath(strings.TrimSuffix(strings.TrimSuffix(stored, mixedSuffix), manySuffix))
	if err != nil {
		return "", 0, err
	}
	switch _, typed := typedPaths[path]; {
	case mixed:
		return path, ManyMixed, nil
	case typed || many:
		return path, 0, nil
	}
	for _, t := range types {
		shape, known := shapeOfType[t]
		if !known {
			return "", 0, fmt.Errorf("attribute %s is stored as %s, which nightjar never writes", path, t)
		}
		s |= shape
	}
	return path, s, nil
}

// shapeOfType has the types in which the JSON column stores what Projection
// makes. A list of texts may be one of mixed leaves, which MixedPath tells.
var shapeOfType = map[string]Shapes{
	"String": OneString, "Int64": OneInt, "Float64": OneFloat, "Bool": OneBool,
	"Array(Nullable(String))": ManyStrings, "Array(Nullable(Int64))": ManyInts,
	"Array(Nullable(Float64))": ManyFloats, "Array(Nullable(Bool))": ManyBools,
}

// unstoredPath is the inverse of StoredPath.
func unstoredPath(stored string) (string, error) {
	var b strings.Builder
	for rest := stored; rest != ""; {
		before, after, found := strings.Cut(rest, "%")
		b.WriteString(before)
		if !found {
			break
		}
		if strings.HasPrefix(after, "-") {
			rest = after[1:]
			continue
		}
		c, err := strconv.ParseUint(after[:min(2, len(after))], 16, 8)
		if err != nil || len(after) < 2 {
			return "", fmt.Errorf("no path is stored as %q", stored)
		}
		b.WriteByte(byte(c))
		rest = after[2:]
	}
	return b.String(), nil
}

func isSafe(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

func isSafePath(path string) bool {
	if path == "" || path[0] == '.' || path[len(path)-1] == '.' {
		return false
	}
	for i := range len(path) {
		c := path[i]
		if !isSafe(c) && (c != '.' || path[i-1] == '.') {
			return false
		}
	}
	return true
}
