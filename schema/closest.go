package schema

import "strings"

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
		if d := edits(folded, fold(c), distance); d < distance {
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

// edits is the number of insertions, deletions and replacements between a and
// b, or limit where it is at least that.
func edits(a, b string, limit int) int {
	if max(len(a), len(b))-min(len(a), len(b)) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return min(row[len(b)], limit)
}
