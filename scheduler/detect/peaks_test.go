package detect

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"nightjar/schema"
)

// TestPeaksAreTheHighestOfEachGroupAndStretch has two groups over two stretches: in the
// first of them a lower value at which the case holds would count before a higher one, if
// there were any.
func TestPeaksAreTheHighestOfEachGroupAndStretch(t *testing.T) {
	plan := lettersPlan(t, "a > 1")
	matches := lettersMatches(plan, []letter{{0, "a"}, {5, "a"}, {10, "a"}, {200, "a"}})
	other := lettersMatches(plan, []letter{{30, "a"}, {150, "b"}})
	for i := range other {
		other[i].Group, other[i].Seq = []string{"v"}, other[i].Seq+100
	}
	matches, bounds, goOn := append(matches, other...), []schema.Millis{0, 100_000, 300_000}, func() error { return nil }
	columns, peaks, err := Peaks(plan, matches, bounds, goOn)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range peaks {
		got = append(got, fmt.Sprint(int64(p.At)/1000, p.Group, p.Values, p.Case))
	}
	if want := []string{"10 [u] [3 0 0] 0", "30 [v] [1 0 0] -1", "150 [v] [0 1 0] -1", "200 [u] [1 0 0] -1"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if len(columns) != 3 || columns[0].Window != 60_000 {
		t.Errorf("columns: %+v", columns)
	}
	if columns, peaks, err := Peaks(plan, nil, nil, goOn); columns != nil || peaks != nil || err != nil {
		t.Error("without a stretch there is nothing")
	}
	if _, _, err := Peaks(plan, matches, bounds, func() error { return io.ErrClosedPipe }); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("nobody waits for it any more: %v", err)
	}
}
