package scheduler

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"nightjar/schema"
)

// TestTimersWakeEveryGroupOnceAtItsEarliest compares with a map that is looked
// through each time.
func TestTimersWakeEveryGroupOnceAtItsEarliest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		var timers timers
		plain := map[string]schema.Millis{}
		now := schema.Millis(0)
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			if rapid.Bool().Draw(r, "arm") {
				n := rapid.IntRange(0, 9).Draw(r, "group")
				group, due := []string{fmt.Sprint(n)}, now+schema.Millis(rapid.IntRange(1, 5000).Draw(r, "in"))
				timers.arm(uint64(n), group, due)
				if have, ok := plain[group[0]]; !ok || due < have {
					plain[group[0]] = due
				}
				continue
			}
			now += schema.Millis(rapid.IntRange(0, 3000).Draw(r, "pass"))
			enough := rapid.IntRange(1, 5).Draw(r, "enough")
			for {
				woken, taken := timers.take(now, enough)
				got := map[string]schema.Millis{}
				for _, w := range woken {
					got[w.group[0]] = w.due
				}
				want := maps.Clone(plain)
				maps.DeleteFunc(want, func(_ string, due schema.Millis) bool { return due > taken })
				if !maps.Equal(got, want) || len(got) != len(woken) || taken > now {
					r.Fatalf("through %d, taken through %d: woke %v, want %v", now, taken, got, want)
				}
				for group := range got {
					delete(plain, group)
				}
				if taken == now {
					break
				}
			}
		}
		if left := slices.Collect(maps.Values(timers.groups)); len(left) != len(plain) {
			r.Errorf("%d groups are armed, want %d", len(left), len(plain))
		}
	})
}

// TestGroupsOfOneKeyAreAllWoken: keys are hashes, and may be equal by chance.
func TestGroupsOfOneKeyAreAllWoken(t *testing.T) {
	t.Parallel()
	var timers timers
	for n := range 3 {
		timers.arm(7, []string{fmt.Sprint(n)}, schema.Millis(1000+n))
	}
	woken, _ := timers.take(2000, 10)
	got := map[string]schema.Millis{}
	for _, w := range woken {
		got[w.group[0]] = w.due
	}
	if want := map[string]schema.Millis{"0": 1000, "1": 1001, "2": 1002}; !maps.Equal(got, want) {
		t.Errorf("woke %v, want %v", got, want)
	}
}
