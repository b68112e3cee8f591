package retention

import (
	"testing"
	"time"

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
