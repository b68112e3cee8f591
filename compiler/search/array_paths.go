package search

import (
	"slices"
	"strings"

	"nightjar/schema"
)

const several = schema.ManyStrings | schema.ManyInts | schema.ManyFloats | schema.ManyBools | schema.ManyMixed

// JoinedPaths finds two paths under one array that the query asks of together, so that
// they may be of different elements; array is "" where there are none. shapes says what
// arrays there are: schema.Catalogue.Shapes.
func (q *Query) JoinedPaths(shapes func(path string) schema.Shapes) (array string, paths []string) {
	return joinedPaths(q.Root, shapes)
}

// joinedPaths finds two paths under one array that some conjunction asks of together.
func joinedPaths(n Node, shapes func(path string) schema.Shapes) (array string, paths []string) {
	switch n := n.(type) {
	case Negation:
		return joinedPaths(n.Node, shapes)
	case Disjunction:
		for _, inner := range n.Nodes {
			if array, paths = joinedPaths(inner, shapes); array != "" {
				return array, paths
			}
		}
	case Conjunction:
		under := map[string][]string{}
		for _, inner := range n.Nodes {
			if array, paths = joinedPaths(inner, shapes); array != "" {
				return array, paths
			}
			path := askedPath(inner)
			at := strings.LastIndexByte(path, '.')
			if at <= 0 || shapes(path)&several == 0 || shapes(path) == schema.AllShapes {
				continue
			}
			array := path[:at]
			if !slices.Contains(under[array], path) {
				under[array] = append(under[array], path)
			}
			if len(under[array]) == 2 {
				return array, under[array]
			}
		}
	}
	return "", nil
}

// askedPath is the attribute that a term, denied or not, or a choice of terms is
// about; "" for none, or more than one.
func askedPath(n Node) string {
	switch n := n.(type) {
	case Negation:
		return askedPath(n.Node)
	case Disjunction:
		path := askedPath(n.Nodes[0])
		for _, inner := range n.Nodes[1:] {
			if askedPath(inner) != path {
				return ""
			}
		}
		return path
	}
	if f, ok := FieldOf(n); ok && f.Kind == schema.FieldAttribute {
		return f.Name
	}
	return ""
}
