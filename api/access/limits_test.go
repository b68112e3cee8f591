package access

import (
	"fmt"
	"testing"
	"time"
)

func TestAKeyThatAsksTooMuchWaitsAndTheOthersDoNot(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	l := NewLimits(10, func() time.Time { return now })
	greedy, modest, slow := Caller{ID: "a"}, Caller{ID: "b"}, Caller{ID: "c", Rate: 0.5}
	taken := func(c Caller, calls int) (n int) {
		for range calls {
			if l.Take(c) == 0 {
				n++
			}
		}
		return n
	}
	if n := taken(greedy, 100); n != 20 {
		t.Errorf("%d calls at once", n)
	}
	if wait := l.Take(greedy); wait <= 0 || wait > 100*time.Millisecond {
		t.Errorf("wait %s", wait)
	}
	if n := taken(modest, 5); n != 5 {
		t.Errorf("%d calls of the other", n)
	}
	if n := taken(slow, 5); n != 1 {
		t.Errorf("%d calls of the slow one", n)
	}
	now = now.Add(time.Second)
	if n := taken(greedy, 100); n != 10 {
		t.Errorf("%d calls a second later", n)
	}
	if n := taken(slow, 5); n != 0 {
		t.Errorf("%d calls of the slow one a second later", n)
	}
	slow.Rate = 100 // it was changed
	if n := taken(slow, 300); n != 200 {
		t.Errorf("%d calls after a change", n)
	}
	if free := NewLimits(0, time.Now); free.Take(greedy) != 0 {
		t.Error("no limit is one")
	}
}

// TestWhoIsGoneIsForgotten and who has called just now is not.
func TestWhoIsGoneIsForgotten(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	l := NewLimits(1, func() time.Time { return now })
	for i := range maxCallers {
		l.Take(Caller{ID: fmt.Sprint("session ", i)})
	}
	now = now.Add(time.Hour)
	busy := Caller{ID: "session 0"}
	for range 3 {
		l.Take(busy)
	}
	l.Take(Caller{ID: "another"})
	if len(l.of) != 2 || l.Take(busy) == 0 {
		t.Errorf("%d callers are remembered", len(l.of))
	}
}
