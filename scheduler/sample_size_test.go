package scheduler

import (
	"encoding/json"
	"strings"
	"testing"

	"nightjar/schema"
)

// TestSignalsOfAWideEventShowABoundedPartOfIt: an event in ten thousand groups is
// a signal for each, and is not stored ten thousand times over.
func TestSignalsOfAWideEventShowABoundedPartOfIt(t *testing.T) {
	t.Parallel()
	const n = 10_000
	w := newWorld(1)
	w.recent = NewRecent(1 << 30)
	s := schedulerOf(t, w, wideRule())
	w.give(wideEvent(n))
	for s.step(t.Context()) {
	}
	if len(w.whole) != n {
		t.Fatalf("%d signals, want %d", len(w.whole), n)
	}
	size := 0
	for _, p := range w.whole {
		size += len(p.Samples) + len(p.Attributes.JSON)
		if got := p.Attributes.Lookup("ip"); len(got) != 1 || got[0].Str != p.Group[0] {
			t.Fatalf("the signal of %s shows the address %v", p.Group, got)
		}
		list := schema.ReadSamples(p.Samples)
		if len(list) != 1 || list[0].Content.Cut == nil || list[0].Content.Cut.CustomBytes != len(w.events[0].JSON) {
			t.Fatalf("the sample does not say that it was cut: %.200s", p.Samples)
		}
		if cut := p.Attributes.Lookup("nightjar.samples_cut"); len(cut) != 1 || cut[0].Int != 1 {
			t.Fatalf("the signal does not say that its sample was cut: %.200s", p.Attributes.JSON)
		}
	}
	if limit := 2*shownInAll + n*8<<10; size > limit {
		t.Errorf("the signals take %d bytes, want at most %d", size, limit)
	}
}

func TestAnEventOfUsualSizeIsShownWhole(t *testing.T) {
	t.Parallel()
	e := wideEvent(100)
	s := newSample(&e, 0, shownMost)
	if s.Content.Cut != nil || string(s.Content.Custom) != e.JSON {
		t.Errorf("cut: %+v", s.Content)
	}
}

func FuzzCutJSON(f *testing.F) {
	f.Add(`{"a":["x","y","z"],"b":{"c":1.5,"d":[true,null,"é\u0022"]},"":{}}`, 20)
	f.Add(`{"`+strings.Repeat("k", 60)+`":1,"m":2}`, 30)
	f.Add(`{"a":[[[[["deep"]]]]]}`, 9)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		a, err := schema.ParseAttributes(text)
		if err != nil || limit < 2 || limit > 1<<20 {
			return
		}
		got := cutJSON(a.JSON, limit)
		var doc map[string]any
		if err := json.Unmarshal(got, &doc); err != nil {
			t.Fatalf("%s cut to %d is %s: %v", a.JSON, limit, got, err)
		}
		if len(a.JSON) <= limit && string(got) != a.JSON {
			t.Fatalf("%s fits into %d and is cut to %s", a.JSON, limit, got)
		}
		if len(got) > limit {
			t.Fatalf("%d bytes of %d, limit %d", len(got), len(a.JSON), limit)
		}
	})
}
