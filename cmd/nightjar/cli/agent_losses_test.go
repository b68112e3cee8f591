package cli

import (
	"strings"
	"testing"
	"time"

	"nightjar/agent"
)

// TestWhatIsHeldBackIsToldOnceAMinute holds that an agent whose account comes every second
// does not say so each time, and that every number is told in the end.
func TestWhatIsHeldBackIsToldOnceAMinute(t *testing.T) {
	var said strings.Builder
	l := &lossTeller{to: &said}
	began := time.Now()
	for second := range 150 {
		n := uint64(second)
		l.report(agent.Report{
			Time: began.Add(time.Duration(second) * time.Second), HeldBack: 10 * n, Dropped: n / 100, Lost: map[string]uint64{"ring_full": n / 75},
		})
	}
	l.end()
	const want = `10 matches held back by limits of rules
600 matches held back by limits of rules
1 events lost (ring_full)
1 matches dropped: where they go is too slow, or away
600 matches held back by limits of rules
280 matches held back by limits of rules
`
	if said.String() != want {
		t.Errorf("it said\n%s\nwant\n%s", said.String(), want)
	}
	l.end()
	if said.String() != want {
		t.Error("something is told twice")
	}
}
