package compiler

import (
	"fmt"
	"slices"
	"strings"

	"nightjar/schema"
)

// Joined warns of queries that ask two things of one array: @a.p:x @a.g:y holds of an
// event in which two elements have them, too. What arrays there are the stored
// events say: shapes is schema.Catalogue.Shapes.
func (p *Plan) Joined(shapes func(path string) schema.Shapes) []string {
	var out []string
	for i := range p.Labels {
		for _, part := range p.Labels[i].Filter {
			if array, paths := part.Query.JoinedPaths(shapes); array != "" && !part.Negated {
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
