package schema

import (
	"strings"
	"unicode/utf8"

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
	length := utf8.RuneCountInString(folded)
	for _, c := range candidates {
		other := fold(c)
		if n := utf8.RuneCountInString(other); max(n, length)-min(n, length) >= distance {
			continue // a long name costs no more than a short one
		}
		// Without levenshtein's MaxCost, with which distances come out too small.
		if d := levenshtein.Distance(folded, other, nil); d < distance {
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
func fold(name string) string { return strings.ToLower(parting.Replace(name)) }

var parting = strings.NewReplacer("_", "", "-", "")
