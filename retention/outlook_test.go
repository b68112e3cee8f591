package retention

import (
	"cmp"
	"context"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"nightjar/schema"
)

// TestTheOutlookIsWhatIsDroppedThen compares what is said with what a later round drops.
func TestTheOutlookIsWhatIsDroppedThen(t *testing.T) {
	conn := database(t)
	events(t, conn, 3)
	later := now
	k, _ := keeper(t, conn, func(d *Deps) {
		d.Policy.Events, d.Now = 5*day, func() time.Time { return later }
	})
	ahead, err := k.Outlook(t.Context())
	if err != nil || len(ahead.Next) != 3 || ahead.Policy.Events != 5*day {
		t.Fatalf("%+v %v", ahead, err)
	}
	if e := ahead.Tables[0]; e.Name != schema.Events.Name || e.Rows != 3000 || e.Bytes == 0 || e.Parts != 3 {
		t.Errorf("the largest table is %+v", e)
	}
	for _, next := range ahead.Next {
		later = next.At.Add(-time.Second)
		if drops := enforce(t, k); len(drops) != 0 {
			t.Errorf("before %v: %+v", next.At, drops)
		}
		later = next.At
		drops := enforce(t, k)
		if len(drops) != 1 || drops[0].What != next.What || drops[0].Rows != next.Rows || drops[0].Bytes != next.Bytes {
			t.Errorf("%+v was to be dropped, and %+v was", next, drops)
		}
	}
}

// TestWhatAnotherPolicyWouldDropIsWhatItDrops compares what is said of a change with the round
// after it: for the age, for the quota, row by row, and of responses.
func TestWhatAnotherPolicyWouldDropIsWhatItDrops(t *testing.T) {
	conn := database(t)
	events(t, conn, 6)
	exec(t, conn, "INSERT INTO signals (key, id, version, last_seen) VALUES (1, 'old', 1, '2025-01-01 00:00:00'), (1, 'old', 2, '2025-01-02 00:00:00'), (2, 'new', 1, '2026-05-01 00:00:00')")
	exec(t, conn, "INSERT INTO notifications (id, version, target, signal, created) VALUES ('a', 1, '@t', 'old', '2025-01-01 00:00:00'), ('b', 1, '@t', 'new', '2025-01-01 00:00:00')")
	asked := &ended{at: []schema.Millis{schema.MillisOf(now.AddDate(-1, 0, 0)), schema.MillisOf(now)}}
	var inForce Policy
	k, _ := keeper(t, conn, func(d *Deps) {
		d.InForce, d.Responses = func() Policy { return inForce }, asked
		d.Evaluated = func() uint64 { return 1500 }
	})
	if drops := enforce(t, k); len(drops) != 0 {
		t.Fatalf("for ever, and dropped %+v", drops)
	}
	used := k.Report().Used
	for name, policy := range map[string]Policy{
		"age": {Events: 3 * day}, "quota": {DiskQuota: used / 2}, "rows": {Signals: 90 * day}, "responses": {Responses: 90 * day}, "nothing": {Events: 90 * day},
	} {
		would, err := k.Would(t.Context(), policy)
		if err != nil {
			t.Fatal(err)
		}
		if (len(would.Drops) == 0) != (name == "nothing") {
			t.Errorf("%s would drop %+v", name, would.Drops)
		}
		if got := days(t, conn); len(got) != 6 || len(asked.at) != 2 {
			t.Fatalf("%s: looking dropped something: %v", name, got)
		}
	}
	inForce = Policy{Events: 3 * day, DiskQuota: used / 3, Signals: 90 * day, Responses: 90 * day}
	would, err := k.Would(t.Context(), inForce)
	if err != nil {
		t.Fatal(err)
	}
	drops := enforce(t, k)
	byName := func(a, b Drop) int { return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.What, b.What)) }
	slices.SortFunc(drops, byName)
	slices.SortFunc(would.Drops, byName)
	if diff := gocmp.Diff(would.Drops, drops); diff != "" {
		t.Errorf("what was said (-) and what was dropped (+):\n%s", diff)
	}
	if r := k.Report(); r.Used != would.Used || r.OverQuota != would.OverQuota || r.Quota != inForce.DiskQuota {
		t.Errorf("said %+v, and it is %+v", would, r)
	}
	if len(drops) < 6 || len(asked.at) != 1 {
		t.Errorf("dropped %+v, responses %v", drops, asked.at)
	}
}

// ended are responses, by when they ended.
type ended struct{ at []schema.Millis }

func (e *ended) Old(before schema.Millis) (n int) {
	for _, at := range e.at {
		if at < before {
			n++
		}
	}
	return n
}

func (e *ended) LetGo(_ context.Context, before schema.Millis) (int, error) {
	n := e.Old(before)
	e.at = slices.DeleteFunc(e.at, func(at schema.Millis) bool { return at < before })
	return n, nil
}

func TestWithoutLeavesWhatIsNew(t *testing.T) {
	got := Without(
		[]Drop{{Table: "events", What: "20260101", Rows: 5, Bytes: 1}, {Table: "events", What: "20260102", Rows: 6, Bytes: 1}, {Table: "signals", Rows: 9}, {Table: "responses", Rows: 2}},
		[]Drop{{Table: "events", What: "20260101", Rows: 5, Bytes: 1}, {Table: "signals", Rows: 4}, {Table: "responses", Rows: 2}},
	)
	want := []Drop{{Table: "events", What: "20260102", Rows: 6, Bytes: 1}, {Table: "signals", Rows: 5}}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
