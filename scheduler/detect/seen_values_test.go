package detect

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"nightjar/compiler"
	"nightjar/schema"
)

// TestKnowledgeDoesNotDependOnTheOrderOfLearning learns the same sightings in
// two orders, one of them with repeats.
func TestKnowledgeDoesNotDependOnTheOrderOfLearning(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 5))
		n := &compiler.Novelty{Forget: 24 * time.Hour, First: 1 + r.IntN(3)}
		sightings := make([]Arrival, 30)
		for i := range sightings {
			sightings[i] = Arrival{schema.Millis(r.IntN(200)) * 6 * anHour, uint64(i + 1)}
		}
		a, b := NewSeenValues(n), NewSeenValues(n)
		value, group := LabelKey(0, "g", "v"), LabelKey(0, "g")
		for _, s := range sightings {
			a.see(value, s.At)
			a.begin(group, s)
		}
		for range 2 {
			for _, i := range r.Perm(len(sightings)) {
				b.see(value, sightings[i].At)
				b.begin(group, sightings[i])
			}
		}
		for at := schema.Millis(0); at < 200*6*anHour; at += 6 * anHour {
			if a.starts(value, at) != b.starts(value, at) || a.learning(group, at) != b.learning(group, at) {
				t.Fatalf("seed %d: the two differ at %d", seed, at)
			}
		}
	}
}

// TestForgottenKnowledgeTakesNoMemory lets days pass: what no event can reach
// any more is dropped, and told to the store.
func TestForgottenKnowledgeTakesNoMemory(t *testing.T) {
	seen := NewSeenValues(&compiler.Novelty{Forget: 24 * time.Hour, First: 1})
	const perDay, days = 1000, 60
	gone := 0
	for d := range schema.Millis(days) {
		for i := range perDay {
			seen.see(LabelKey(0, "g", string(rune(int(d)*perDay+i))), d*24*anHour)
		}
		seen.Arrived(d * 24 * anHour)
		seen.newest = seen.seen
		seen.Settle(24 * time.Hour)
		values, groups := seen.Unstored()
		for _, v := range values {
			if v.Gone {
				gone++
			}
		}
		seen.Stored(values, groups)
	}
	// Forgotten after a day, a late event may be a day late, and signals that
	// are looked at again reach back three days more.
	if most := 7 * perDay; len(seen.one) > most || gone < (days-7)*perDay {
		t.Errorf("%d values are held, want at most %d; %d were let go of", len(seen.one), most, gone)
	}
	if isNew, _, _ := seen.see(LabelKey(0, "g", string(rune((days-1)*perDay))), (days-1)*24*anHour+1); isNew {
		t.Error("a value of yesterday is not known")
	}
}

// TestWhatWasStoredHalfwayIsPutRight: a stretch that grew together with another was
// stored, and that the other is no more was not. It is told from the other's start on,
// and what is to be stored says last what is no more.
func TestWhatWasStoredHalfwayIsPutRight(t *testing.T) {
	k := NewSeenValues(&compiler.Novelty{Forget: 24 * time.Hour, First: 1})
	value := LabelKey(0, "g", "v")
	k.Restore(SeenValue{Key: value, Start: 10 * anHour, End: 40 * anHour})
	k.Restore(SeenValue{Key: value, Start: 20 * anHour, End: 20 * anHour})
	isNew, differs, from := k.see(value, 40*anHour)
	if isNew || !differs || from != 20*anHour {
		t.Errorf("new %t, differs %t, from hour %d; want from hour 20", isNew, differs, from/anHour)
	}
	values, _ := k.Unstored()
	want := []SeenValue{{Key: value, Start: 10 * anHour, End: 40 * anHour}, {Key: value, Start: 20 * anHour, End: 20 * anHour, Gone: true}}
	if !slices.Equal(values, want) {
		t.Errorf("to be stored: %v, want %v", values, want)
	}
	k.Stored(values, nil)
	if again, _ := k.Unstored(); len(again) > 0 {
		t.Errorf("to be stored again: %v", again)
	}
}
