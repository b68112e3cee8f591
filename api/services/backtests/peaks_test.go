package backtests

import (
	"fmt"
	"testing"

	"nightjar/scheduler"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// Stretches cover the time, without a gap, and are bounded.
func TestStretchesCoverTheTime(t *testing.T) {
	got, err := stretches(scheduler.TimeSpan{From: schema.MinMillis, To: schema.MinMillis + 1000}, 4)
	for i := range got {
		got[i] -= schema.MinMillis
	}
	if want := []schema.Millis{0, 250, 500, 750, 1001}; err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %d, %v", got, err)
	}
	for _, n := range []int64{-1, maxStretches + 1} {
		if _, err := stretches(scheduler.TimeSpan{}, n); err == nil {
			t.Errorf("%d stretches", n)
		}
	}
	if got, err := stretches(scheduler.TimeSpan{To: 9}, 0); got != nil || err != nil {
		t.Errorf("none: %d, %v", got, err)
	}
}

// Of too many peaks those stay at which a case held, then the highest, in their order.
func TestTheHighestPeaksStay(t *testing.T) {
	var peaks []detect.Peak
	for i, v := range []float64{1, 9, 2, 8} {
		held := -1
		if v == 2 {
			held = 0
		}
		peaks = append(peaks, detect.Peak{CoursePoint: detect.CoursePoint{At: schema.Millis(i), Values: []float64{v}, Case: held}})
	}
	var got []float64
	for _, p := range highest(peaks, 2) {
		got = append(got, p.Values[0])
	}
	if fmt.Sprint(got) != "[9 2]" {
		t.Errorf("got %v", got)
	}
}
