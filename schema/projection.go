package schema

import (
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
// Every path is written in the safe alphabet of StoredPath.

// Projection is the text that is inserted into the JSON column. The insert runs
// with ProjectionSettings.
func (a *Attributes) Projection() string {
	dst := make([]byte, 0, len(a.JSON)+16)
	dst = append(dst, '{')
	for i := 0; i < len(a.Leaves); {
		j := i + 1
		for j < len(a.Leaves) && a.Leaves[j].Path == a.Leaves[i].Path {
			j++
		}
		dst = appendStored(dst, a.Leaves[i:j])
		i = j
	}
	return string(append(dst, '}'))
}

// ProjectionSettings keep the server from reading more into a text than is
// there: strings that look like dates stay strings.
var ProjectionSettings = map[string]string{
	"input_format_try_infer_dates":     "0",
	"input_format_try_infer_datetimes": "0",
}

// appendStored writes the leaves of one path.
func appendStored(dst []byte, leaves []Leaf) []byte {
	path := leaves[0].Path
	if len(leaves) == 1 {
		return appendLeaf(appendKey(dst, StoredPath(path)), leaves[0])
	}
	if _, typed := typedPaths[path]; typed {
		return appendLeaves(appendKey(dst, ManyPath(path)), leaves)
	}
	if shapeOf(leaves) != ManyMixed {
		return appendLeaves(appendKey(dst, StoredPath(path)), leaves)
	}
	texts := make([]Leaf, len(leaves))
	tagged := make([]Leaf, len(leaves))
	for i, l := range leaves {
		texts[i] = Leaf{Kind: KindString, Str: l.Text()}
		tagged[i] = Leaf{Kind: KindString, Str: kindLetters[l.Kind:l.Kind+1] + l.Text()}
	}
	dst = appendLeaves(appendKey(dst, StoredPath(path)), texts)
	return appendLeaves(appendKey(dst, MixedPath(path)), tagged)
}

// Shapes is a set of the forms in which a path's leaves are stored. A reader
// that knows which forms a path has ever had need not look for the others.
type Shapes uint16

// The forms: one leaf of a kind, several of one kind, several of many. At a
// typed path every leaf is a string, and several are ManyStrings.
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

	AllShapes = ManyMixed<<1 - 1
)

// Shapes gives the form of every path that the attributes have.
func (a *Attributes) Shapes(yield func(path string, s Shapes)) {
	for i := 0; i < len(a.Leaves); {
		j := i + 1
		for j < len(a.Leaves) && a.Leaves[j].Path == a.Leaves[i].Path {
			j++
		}
		yield(a.Leaves[i].Path, shapeOf(a.Leaves[i:j]))
		i = j
	}
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
func ManyPath(path string) string { return StoredPath(path) + "%many" }

// MixedPath is where the leaves of a path are stored with their kinds when they
// are of several.
func MixedPath(path string) string { return StoredPath(path) + "%mixed" }

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
