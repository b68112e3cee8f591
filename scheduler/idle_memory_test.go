package scheduler

import (
	"testing"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

func TestRestKeepsWhatTheCachePromises(t *testing.T) {
	t.Parallel()
	c := newCache()
	plan := &compiler.BoundPlan{Plan: &compiler.Plan{}, Key: "k"}
	p := c.of(plan, true)
	group := func(n int) (uint64, []string) { return uint64(n), []string{string(rune('a' + n))} }
	for n := range 3 {
		key, values := group(n)
		c.add(p, key, values, false, compiler.Match{At: schema.Millis(100 * n), Seq: uint64(n + 1), Group: values})
	}
	key, values := group(1)
	p.published(key, schema.Signal{ID: "s", Group: values, LastSeen: 100})
	c.rest()
	if c.matches != 0 || p.count != 0 || len(p.groups) != 1 || len(p.groups[key].signals) != 1 {
		t.Errorf("after a rest: %d matches, groups %v", c.matches, p.groups)
	}
	if p.from != 201 || p.ended != detect.Always {
		t.Errorf("all matches are held from %d on and all signals from %d, want 201 and always", p.from, p.ended)
	}
	c.add(p, key, values, false, compiler.Match{At: 150, Seq: 9, Group: values}) // before what is held
	c.add(p, key, values, false, compiler.Match{At: 300, Seq: 10, Group: values})
	if got := p.groups[key].matches; len(got) != 1 || got[0].Seq != 10 || c.matches != 1 {
		t.Errorf("held %v", got)
	}
	c.rest() // and again
	if p.from != 301 || c.matches != 0 {
		t.Errorf("after another: from %d, %d matches", p.from, c.matches)
	}
}

func TestRecentForgetsWhatWasEvaluated(t *testing.T) {
	t.Parallel()
	r := NewRecent(1 << 20)
	var events []schema.Event
	for n := range 10 {
		events = append(events, schema.Event{Seq: uint64(n + 1), Message: "m"})
	}
	r.Add(events)
	r.Forget(4)
	if _, ok := r.Between(Interval{From: 3, To: 5}); ok {
		t.Error("an interval that is held in part is given")
	}
	if got, ok := r.Between(Interval{From: 4, To: 10}); !ok || len(got) != 6 || r.bytes != 6*sizeOf(&events[0]) {
		t.Errorf("%d events, %v, %d bytes", len(got), ok, r.bytes)
	}
	r.Forget(10)
	if r.bytes != 0 || r.find(10) != nil {
		t.Errorf("%d bytes are held", r.bytes)
	}
	r.Add([]schema.Event{{Seq: 11}})
	if got, ok := r.Between(Interval{From: 10, To: 11}); !ok || len(got) != 1 {
		t.Errorf("what comes after: %v, %v", got, ok)
	}
	r.Forget(5) // long gone
	if _, ok := r.Between(Interval{From: 10, To: 11}); !ok {
		t.Error("what is not meant was forgotten")
	}
}
