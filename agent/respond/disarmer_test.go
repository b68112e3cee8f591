package respond

import (
	"fmt"
	"testing"
	"time"
)

// TestTheDisarmerTrips holds the limits: five kills a minute of one executable, and in
// one container; the sixth different one dismantles the rule.
func TestTheDisarmerTrips(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	ask := func(executable, container string, after time.Duration) Ask {
		return Ask{Rule: "r", Executable: executable, Container: container, At: at.Add(after)}
	}
	status := func(r *Refusal) Status {
		if r == nil {
			return Performed
		}
		return r.Status
	}
	expect := func(d *Disarmer, a Ask, want Status, kind string) {
		t.Helper()
		r := d.Allow(a)
		if got := status(r); got != want || r != nil && r.Type != kind {
			t.Errorf("%+v: %+v, want %s", a, r, want)
		}
	}
	t.Run("of one executable", func(t *testing.T) {
		d := NewDisarmer(Limits{})
		for i := range 5 {
			expect(d, ask("/a", "", time.Duration(i)*time.Second), Performed, "")
		}
		expect(d, ask("/a", "", 5*time.Second), RuleDisarmed, "executable")
		expect(d, ask("/b", "", 6*time.Second), Performed, "") // for another it is not
		expect(d, Ask{Rule: "other", Executable: "/a", At: at}, Performed, "")
		expect(d, ask("/a", "", 64*time.Second), RuleDisarmed, "executable") // a minute since it tripped
		expect(d, ask("/a", "", 66*time.Second), Performed, "")
	})
	t.Run("in one container", func(t *testing.T) {
		d := NewDisarmer(Limits{Spread: 100})
		for i := range 5 {
			expect(d, ask(fmt.Sprint("/", i), "c", 0), Performed, "")
		}
		expect(d, ask("/6", "c", 0), RuleDisarmed, "container")
		expect(d, ask("/6", "d", 0), Performed, "")
		expect(d, ask("/6", "", 0), Performed, "") // the host is no container
	})
	t.Run("of too many different ones", func(t *testing.T) {
		d := NewDisarmer(Limits{})
		for i := range 5 {
			expect(d, ask(fmt.Sprint("/", i), "", 0), Performed, "")
		}
		expect(d, ask("/5", "", 0), RuleDismantled, "executable")
		expect(d, ask("/0", "", 2*time.Hour), RuleDismantled, "executable") // until somebody arms it
		if list := d.Disarmed(at); len(list) != 1 || list[0].Status != RuleDismantled || !list[0].Since.Equal(at) {
			t.Errorf("%+v", list)
		}
		d.Arm("r")
		expect(d, ask("/5", "", 3*time.Hour), Performed, "")
	})
	t.Run("slowly", func(t *testing.T) {
		d := NewDisarmer(Limits{})
		for i := range 1000 { // five a minute, for ever
			expect(d, ask("/a", "", time.Duration(i)*13*time.Second), Performed, "")
		}
	})
	t.Run("turned off by the action", func(t *testing.T) {
		d := NewDisarmer(Limits{})
		for i := range 100 {
			a := ask(fmt.Sprint("/", i%50), "c", 0)
			a.NoExecutableDisarmer, a.NoContainerDisarmer = true, true
			expect(d, a, Performed, "")
		}
		a := ask("/a", "c", 0)
		a.NoExecutableDisarmer = true
		for range 5 {
			expect(d, a, Performed, "")
		}
		expect(d, a, RuleDisarmed, "container")
	})
}

// TestNoMoreIsLentThanMayBeKilled holds that what the kernel may kill by itself is what
// is left of the limits.
func TestNoMoreIsLentThanMayBeKilled(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	d := NewDisarmer(Limits{})
	left := func(want ...int) {
		t.Helper()
		got := []int{d.left("r", leaseFile, "/x/a", at), d.left("r", leaseFile, "a", at), d.left("r", leaseRule, "", at), d.left("r", leaseContainer, "", at)}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v are left, want %v", got, want)
		}
	}
	left(5, 5, 5, 5)
	d.Allow(Ask{Rule: "r", Executable: "/x/a", Container: "c", At: at})
	left(4, 4, 4, 4)
	d.Allow(Ask{Rule: "r", Executable: "/y/a", At: at})
	left(4, 4, 3, 4)
	for range 5 {
		d.Allow(Ask{Rule: "r", Executable: "/y/a", At: at})
	}
	left(4, 0, 3, 4)
	for i := range 6 {
		d.Allow(Ask{Rule: "r", Executable: fmt.Sprint(i), At: at})
	}
	left(0, 0, 0, 0)
}
