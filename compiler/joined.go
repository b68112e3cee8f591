package compiler

import (
	"fmt"
	"slices"
	"strings"

	"nightjar/schema"
)

const several = schema.ManyStrings | schema.ManyInts | schema.ManyFloats | schema.ManyBools | schema.ManyMixed

// Joined warns of queries that ask two things of one array: @a.p:x @a.g:y holds of an
// event in which two elements have them, too. What arrays there are the stored
// events say: shapes is schema.Catalogue.Shapes.
func (p *Plan) Joined(shapes func(path string) schema.Shapes) []string {
	var out []string
	for i := range p.Labels {
		for _, part := range p.Labels[i].Parts {
			if array, paths := joinedPaths(part.Query.Root, shapes); array != "" && !part.Negated {
				text := fmt.Sprintf("query %s: @%s and @%s may be of different elements of the array @%s; ANY(@%s, @%s:… @%s:…) asks of one",
					p.Labels[i].Name, paths[0], paths[1], array, array, strings.TrimPrefix(paths[0], array+"."), strings.TrimPrefix(paths[1], array+"."))
				if !slices.Contains(out, text) {
					out = append(out, text)
				}
			}
		}
	}
	return out
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
	if f, ok := askedField(n); ok && f.Kind == schema.FieldAttribute {
		return f.Name
	}
	return ""
}
