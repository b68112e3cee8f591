package bench

import (
	"math"
	"slices"
)

// bestF1 is the highest F1 of all thresholds on the score. With allowance < 0
// each point counts for itself. Otherwise an anomaly whose first 1 + allowance
// points reach the threshold somewhere is found with all its points, and is
// missed with all of them when they do not.
func bestF1(score []float64, label []bool, allowance int) float64 {
	type entry struct {
		score  float64
		points int
		wanted bool
	}
	var entries []entry
	wanted := 0
	for i := 0; i < len(score); {
		if !label[i] || allowance < 0 {
			entries = append(entries, entry{score[i], 1, label[i]})
			if label[i] {
				wanted++
			}
			i++
			continue
		}
		end := i
		for end < len(label) && label[end] {
			end++
		}
		entries = append(entries, entry{slices.Max(score[i:min(end, i+1+allowance)]), end - i, true})
		wanted += end - i
		i = end
	}
	slices.SortFunc(entries, func(a, b entry) int { return descending(a.score, b.score) })
	best := 0.0
	right, wrong := 0, 0
	for i, e := range entries {
		if e.wanted {
			right += e.points
		} else {
			wrong += e.points
		}
		if i+1 == len(entries) || entries[i+1].score < e.score {
			best = max(best, 2*float64(right)/float64(right+wrong+wanted))
		}
	}
	return best
}

func descending(a, b float64) int {
	switch {
	case a > b:
		return -1
	case a < b:
		return 1
	}
	return 0
}

// areaPR is the area under the curve of precision over recall, as the average
// precision: the precision at each threshold, weighted by the recall that it adds.
func areaPR(score []float64, label []bool) float64 {
	order := make([]int, len(score))
	wanted := 0
	for i := range order {
		order[i] = i
		if label[i] {
			wanted++
		}
	}
	slices.SortFunc(order, func(a, b int) int { return descending(score[a], score[b]) })
	area, right, counted := 0.0, 0, 0
	for k, i := range order {
		if label[i] {
			right++
		}
		if k+1 == len(order) || score[order[k+1]] < score[i] {
			area += float64(right-counted) / float64(wanted) * float64(right) / float64(k+1)
			counted = right
		}
	}
	return area
}

// profile is what the Numenta benchmark gives and takes: for a window found, for
// a point flagged outside of all, for a window missed (Lavin and Ahmad, "Evaluating
// real-time anomaly detection algorithms", 2015).
type profile struct{ found, wrong, unmet float64 }

var (
	standard = profile{found: 1, wrong: 0.11, unmet: 1}
	lowFP    = profile{found: 1, wrong: 0.22, unmet: 1}
	lowFN    = profile{found: 1, wrong: 0.11, unmet: 2}
)

// worth is what a point is worth at a place relative to a window: −1 at its begin,
// 0 at its end, growing after it.
func worth(place float64) float64 {
	if place > 3 {
		return -1
	}
	return 2/(1+math.Exp(5*place)) - 1
}

// nabPoint is a point whose threshold is passed, and what that is worth.
type nabPoint struct {
	score, worth float64
	window       int // −1: none
}

// nabPoints are the points of a series that count: those after the probation.
// Windows are numbered from first on.
func nabPoints(l labelled, score []float64, p profile, first int) (out []nabPoint) {
	next := 0
	for i := range l.at {
		for next < len(l.windows) && l.windows[next].last < i {
			next++
		}
		q := nabPoint{score[i], -p.wrong, -1}
		switch {
		case next < len(l.windows) && i >= l.windows[next].first:
			w := l.windows[next]
			q.window = first + next
			q.worth = p.found * worth(-float64(w.last-i+1)/float64(w.last-w.first+1)) / worth(-1)
		case next > 0:
			w := l.windows[next-1]
			q.worth = p.wrong * worth(float64(i-w.last)/float64(w.last-w.first))
		}
		if i >= min(len(l.at)*15/100, 750) {
			out = append(out, q)
		}
	}
	return out
}

// outcome is how a threshold does over some series.
type outcome struct {
	score      float64 // 0: nothing flagged, 100: perfect
	threshold  float64
	hit, wrong int // windows found, points flagged outside of all
}

// nabScore is the outcome of the best threshold, or of a given one (0: the best).
func nabScore(all []labelled, scores [][]float64, p profile, fixed float64) outcome {
	var points []nabPoint
	windows := 0
	for i, l := range all {
		points = append(points, nabPoints(l, scores[i], p, windows)...)
		windows += len(l.windows)
	}
	slices.SortStableFunc(points, func(a, b nabPoint) int { return descending(a.score, b.score) })
	got := map[int]float64{}
	raw := -p.unmet * float64(windows)
	none, now := raw, outcome{threshold: 2}
	best := now
	for k, q := range points {
		if q.score < fixed {
			break
		}
		if q.window < 0 {
			raw += q.worth
			now.wrong++
		} else if before, found := got[q.window]; !found || q.worth > before {
			if !found {
				before = -p.unmet
				now.hit++
			}
			got[q.window] = q.worth
			raw += q.worth - before
		}
		now.threshold = q.score
		now.score = 100 * (raw - none) / ((p.found + p.unmet) * max(float64(windows), 1))
		if last := k+1 == len(points) || points[k+1].score < q.score; last && (fixed > 0 || now.score > best.score) {
			best = now
		}
	}
	return best
}
