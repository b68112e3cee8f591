package schema

import (
	"strings"

	"github.com/agext/levenshtein"
)

// Closest is the candidate that was probably meant by a name: one that is
// written in another style, that contains it or is contained in it, or that
// differs from it by at most so many slips. It is empty when there is none.
func Closest(name string, candidates []string, slips int) string {
	folded := fold(name)
	for _, c := range candidates {
		if fold(c) == folded {
			return c
		}
	}
	best, distance := "", min(slips, len(name)/3)+1
	for _, c := range candidates {
		// Without levenshtein's MaxCost, with which distances come out too small.
		if d := levenshtein.Distance(folded, fold(c), nil); d < distance {
			best, distance = c, d
		}
	}
	return best
}

// Containing is the shortest candidate that has the name in it, or else the
// longest that is in the name: enabled is found in isEnabled.
func Containing(name string, candidates []string) string {
	const least = 4
	outer, inner, folded := "", "", fold(name)
	for _, c := range candidates {
		switch f := fold(c); {
		case len(folded) >= least && strings.Contains(f, folded):
			if outer == "" || len(c) < len(outer) {
				outer = c
			}
		case len(f) >= least && strings.Contains(folded, f) && len(c) > len(inner):
			inner = c
		}
	}
	if outer != "" {
		return outer
	}
	return inner
}

// fold leaves out of a name what styles of writing differ in.
func fold(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
}
