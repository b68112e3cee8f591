package scheduler

import (
	"nightjar/compiler"
	"nightjar/schema"
)

// gradedHits takes every alert of a vendor as a hit of the case that grades it.
func gradedHits(group []compiler.Match, from schema.Millis) []hit {
	var out []hit
	for _, m := range group {
		if m.At >= from {
			out = append(out, hit{m.At, int(m.Number)})
		}
	}
	return out
}

// travelHits finds the moments at which somebody was further away from where
// they last were than anybody travels.
func travelHits(group []compiler.Match, from schema.Millis) []hit {
	var out []hit
	var before []compiler.Match // at the nearest earlier moment
	for i := 0; i < len(group); {
		j := i
		for j < len(group) && group[j].At == group[i].At {
			j++
		}
		if group[i].At >= from && impossible(before, group[i:j]) {
			out = append(out, hit{group[i].At, 0})
		}
		before, i = group[i:j], j
	}
	return out
}

func impossible(before, now []compiler.Match) bool {
	for i := range now {
		for j := range before {
			gap := now[i].At - before[j].At
			if gap > schema.Millis(compiler.TravelWithin.Milliseconds()) {
				return false
			}
			km := now[i].Place().Km(before[j].Place())
			if km > compiler.TravelKm && km/(float64(gap)/3_600_000) > compiler.TravelKmh {
				return true
			}
		}
	}
	return false
}
