package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"nightjar/schema"
)

func identified(from, to int) (Batch, []string) {
	b, names := Batch{}, []string{}
	for i := from; i < to; i++ {
		a, _ := schema.ParseAttributes(`{}`)
		b.Events = append(b.Events, schema.Event{At: schema.MillisOf(testNow), Message: fmt.Sprint(i), Attributes: a})
		names = append(names, fmt.Sprint(i))
	}
	b.Identify("test", names)
	return b, names
}

// TestEventsWithNamesAreTakenOnce sends overlapping batches at once, as senders do
// that cut what they retry anew.
func TestEventsWithNamesAreTakenOnce(t *testing.T) {
	w := newWorld()
	in := run(t, t.TempDir(), w, func(d *Deps) { d.Config.BlockEvents = 1000 })
	var senders sync.WaitGroup
	for i := range 40 {
		senders.Go(func() {
			b, _ := identified(i, i+20)
			n := len(b.Events)
			r, err := in.Submit(context.Background(), b)
			if err != nil || !r.Duplicate && len(r.Known) != n {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
	senders.Wait()
	in.await()
	w.check(t, 59)
}

// TestWhatWasRefusedIsNotKnown refuses a batch and takes it the next time; one that
// waits for it takes it instead.
func TestWhatWasRefusedIsNotKnown(t *testing.T) {
	in := run(t, t.TempDir(), newWorld(), func(d *Deps) { d.Config.MaxBacklog = 1 })
	b, _ := identified(0, 3)
	var full *BackpressureError
	if _, err := in.Submit(context.Background(), b); !errors.As(err, &full) {
		t.Fatalf("%v", err)
	}
	in.config.MaxBacklog = 1 << 30
	b, _ = identified(0, 3)
	if r := in.submit(b); r.Duplicate || r.events() != 3 {
		t.Errorf("%+v", r)
	}
	known, settle, _ := in.known.claim(context.Background(), []batchKey{keyOf("x")}, 0)
	if known[0] {
		t.Error("x is known")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, _, err := in.known.claim(ctx, []batchKey{keyOf("x")}, 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a claim did not wait for another: %v", err)
	}
	settle(false)
	if known, settle, err := in.known.claim(context.Background(), []batchKey{keyOf("x")}, 0); err != nil || known[0] {
		t.Errorf("%v, %v", known, err)
	} else {
		settle(true)
	}
}

// TestNamesAreForgottenInTheEnd is what bounds their memory.
func TestNamesAreForgottenInTheEnd(t *testing.T) {
	k := newKnownEvents()
	take := func(name string, now schema.Millis) bool {
		known, settle, _ := k.claim(context.Background(), []batchKey{keyOf(name)}, now)
		settle(true)
		return known[0]
	}
	minute := schema.Millis(time.Minute.Milliseconds())
	if take("a", 20*minute) || !take("a", 29*minute) {
		t.Error("a is not known for ten minutes")
	}
	take("b", 31*minute) // begins a generation
	if !take("a", 40*minute) {
		t.Error("a is forgotten while its generation is the last but one")
	}
	take("c", 42*minute)
	if take("a", 43*minute) {
		t.Error("a is known for ever")
	}
}

// TestNamesOfManyBatchesDoNotUseUpTheRoomForIds fills the memory of ids: batches that
// are told by their events' names are then remembered for minutes, and never refused.
func TestNamesOfManyBatchesDoNotUseUpTheRoomForIds(t *testing.T) {
	in := run(t, t.TempDir(), newWorld(), func(d *Deps) { d.Config.MaxBatchIDs = 4 })
	for i := range 10 {
		if i == 5 { // the senders' own ids take what is left
			in.submit(batch("a", 1))
			in.submit(batch("b", 1))
		}
		b, _ := identified(i*10, i*10+2)
		in.submit(b)
	}
	if n := in.batches.len(); n != 4 {
		t.Errorf("%d ids of 4 are used up, want 2 by names", n)
	}
	b, _ := identified(90, 92)
	if r := in.submit(b); !r.Duplicate {
		t.Errorf("%+v", r)
	}
}

// FuzzMembers reads any text: of an object that encoding/json reads, it finds the
// members and the end.
func FuzzMembers(f *testing.F) {
	f.Add([]byte(`{"a":1, "b" : {"c":[]},"a":"\""}`))
	f.Add([]byte(`{"a":}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		n := 0
		end, ok := Members(text, 0, func(_ string, value []byte) {
			n++
			if len(value) == 0 {
				t.Error("an empty value")
			}
		})
		var want []json.RawMessage
		d := json.NewDecoder(bytes.NewReader(text))
		if len(text) == 0 || text[0] != '{' || !json.Valid(text) {
			return
		}
		_, _ = d.Token()
		for d.More() {
			var v json.RawMessage
			_, _ = d.Token()
			_ = d.Decode(&v)
			want = append(want, v)
		}
		if !ok || n != len(want) || skipSpace(text, end) != len(text) {
			t.Errorf("%d members to %d of %d, %t; want %d: %q", n, end, len(text), ok, len(want), text)
		}
	})
}
