package ingest

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"nightjar/schema"
)

// TestABodyThatIsSentAgainIsTakenOnce sends bodies of a protocol without batch ids
// again: those whose events have a time of their own are known again, for minutes,
// also after a restart.
func TestABodyThatIsSentAgainIsTakenOnce(t *testing.T) {
	now := testNow
	dir := t.TempDir()
	var waited atomic.Int64 // the intake asks for the time from goroutines of its own
	edit := func(d *Deps) { d.Now = func() time.Time { return now.Add(time.Duration(waited.Load())) } }
	in := run(t, dir, newWorld(), edit)
	send := func(body, scope string) (again bool) {
		t.Helper()
		taken, err := NewHandler(in.Intake).Accept(context.Background(), "", []byte(body), func(d *Decoder, body []byte) (Batch, error) {
			events, err := d.JSON(body)
			b := Batch{Events: events}
			b.Resendable(d, body, scope)
			return b, err
		})
		if err != nil {
			t.Fatal(err)
		}
		return taken.Receipt.Duplicate
	}
	exact := `{"message":"a","@timestamp":"` + now.UTC().Truncate(time.Second).Add(123*time.Millisecond).Format("2006-01-02T15:04:05.000Z") + `"}`
	coarse := `{"message":"a","@timestamp":"` + now.UTC().Truncate(time.Second).Format(time.RFC3339) + `"}`
	for _, step := range []struct {
		body, scope string
		again       bool
		wait        time.Duration
		restart     bool
	}{
		{body: exact, scope: "x"},
		{body: exact, scope: "x", again: true},
		{body: exact, scope: "y"},
		{body: coarse},
		{body: coarse},
		{body: `{"message":"a"}`},
		{body: `{"message":"a"}`},
		{body: exact, scope: "x", again: true, restart: true},
		{body: exact, scope: "x", wait: resentFor + time.Millisecond},
	} {
		waited.Add(int64(step.wait))
		if step.restart {
			in.stop()
			in = run(t, dir, newWorld(), edit)
		}
		if again := send(step.body, step.scope); again != step.again {
			t.Errorf("%+v: known again: %t", step, again)
		}
	}
}

// TestTheLatestBodiesAreKnownHoweverMany: more than there is room for make the oldest
// forgotten, and never the one that came just now.
func TestTheLatestBodiesAreKnownHoweverMany(t *testing.T) {
	b, err := openBatches(t.TempDir(), time.Hour, 1, testNow, nil)
	if err != nil {
		t.Fatal(err)
	}
	now := schema.MillisOf(testNow)
	for i := range 2*maxResent + 1000 {
		id := resentPrefix + strconv.Itoa(i)
		if b.add(id, now); !b.knownBriefly(keyOf(id), now) {
			t.Fatalf("body %d is not known", i)
		}
	}
	if b.knownBriefly(keyOf(resentPrefix+"0"), now) {
		t.Error("the first is still known: nothing bounds them")
	}
}
