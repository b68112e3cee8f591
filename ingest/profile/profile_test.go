package profile

import (
	"fmt"
	"slices"
	"testing"

	"nightjar/schema"
)

// events are n events of a source that arrive in a minute and have these paths.
func events(source string, minute, n int, paths ...string) []schema.Event {
	out := make([]schema.Event, n)
	for i := range out {
		out[i] = schema.Event{Source: source, Seen: schema.Millis(minute * 60_000)}
		for _, p := range paths {
			out[i].Leaves = append(out[i].Leaves, schema.Leaf{Path: p, Kind: schema.KindInt})
		}
	}
	return out
}

// add adds them block by block, so that all are looked at.
func add(p *Profile, all []schema.Event) {
	for block := range slices.Chunk(all, PerBlock) {
		p.Add(block)
	}
}

func TestAnAttributeThatVanishesIsToldOnce(t *testing.T) {
	var p Profile
	told := func(minute int) string {
		out := ""
		for _, d := range p.Drifts(schema.Millis(minute * 60_000)) {
			for _, a := range d.Vanished {
				out += fmt.Sprintf("%s lost %s since %d; ", d.Source, a.Path, d.Since/60_000)
			}
			for _, a := range d.Returned {
				out += fmt.Sprintf("%s has %s; ", d.Source, a.Path)
			}
		}
		return out
	}
	for minute := 0; minute < 60; minute += 10 {
		add(&p, events("okta", minute, 100, "evt.name", "usr.id"))
		add(&p, events("sshd", minute, 100, "usr.name"))
		add(&p, events("rare", minute, 100, "a")[:50])
		add(&p, events("rare", minute, 100, "a", "b")[:50]) // b is in half of them
		if got := told(minute); got != "" {
			t.Fatalf("minute %d: nothing changed, and told was %q", minute, got)
		}
	}
	add(&p, events("okta", 60, 60, "evt.name"))
	add(&p, events("rare", 60, 200, "a"))
	if got := told(60); got != "" {
		t.Fatalf("too few events to say anything, and told was %q", got)
	}
	add(&p, events("okta", 61, 60, "evt.name"))
	if got := told(61); got != "" {
		t.Fatalf("told before it lasts: %q", got)
	}
	if got, want := told(66), "okta lost usr.id since 60; "; got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
	add(&p, events("okta", 70, 200, "evt.name"))
	if got := told(70); got != "" {
		t.Fatalf("told again: %q", got)
	}
	add(&p, events("okta", 80, 200, "evt.name", "usr.id"))
	if got, want := told(80), "okta has usr.id; "; got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func TestASourceThatIsSilentDoesNotDrift(t *testing.T) {
	var p Profile
	for minute := 0; minute < 60; minute += 10 {
		add(&p, events("okta", minute, 100, "usr.id"))
	}
	if got := p.Drifts(24 * 60 * 60_000); len(got) > 0 {
		t.Errorf("got %v", got)
	}
}

func TestOneInAHundredDoesNotHideALoss(t *testing.T) {
	var p Profile
	for minute := 0; minute < 60; minute += 10 {
		add(&p, events("okta", minute, 99, "usr.id"))
		add(&p, events("okta", minute, 1))
	}
	add(&p, events("okta", 60, 99))
	add(&p, events("okta", 60, 1, "usr.id"))
	p.Drifts(60 * 60_000)
	if got := p.Drifts(65 * 60_000); len(got) != 1 || len(got[0].Vanished) != 1 {
		t.Errorf("got %v", got)
	}
}

// TestEventsOfAnotherKindAreNoDrift that come many at a time, once an hour.
func TestEventsOfAnotherKindAreNoDrift(t *testing.T) {
	var p Profile
	for minute := range 600 {
		if minute%60 == 0 && minute > 0 {
			add(&p, events("windows", minute, 150, "b"))
			if got := p.Drifts(schema.Millis(minute * 60_000)); len(got) > 0 {
				t.Errorf("minute %d: got %v", minute, got)
			}
		}
		add(&p, events("windows", minute, 1000, "a"))
		if got := p.Drifts(schema.Millis(minute * 60_000)); len(got) > 0 {
			t.Errorf("minute %d: got %v", minute, got)
		}
	}
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	var p Profile
	for i := range MaxSources + 10 {
		p.Add(events(fmt.Sprint(i), i, 1, "a"))
	}
	if len(p.sources) != MaxSources || p.HasSource(fmt.Sprint(MaxSources+1)) {
		t.Errorf("%d sources", len(p.sources))
	}
	for i := range MaxPaths + 10 {
		p.Add(events("0", i*10, 1, fmt.Sprintf("p%d", i)))
	}
	if s := p.sources["0"]; len(s.paths) != MaxPaths || len(s.frames) != frames {
		t.Errorf("%d paths, %d frames", len(s.paths), len(s.frames))
	}
	p.Add(events("0", 0, 1, "late"))
	if s := p.sources["0"]; len(s.frames) != frames {
		t.Errorf("%d frames after a late event", len(s.frames))
	}
}

func TestWhatASourceHas(t *testing.T) {
	var p Profile
	p.Add(events("okta", 0, 1, "evt.name", "usr.id", "nightjar.pipelines"))
	for path, want := range map[string]bool{"usr.id": true, "usr": true, "us": false, "evt.name.x": false, "nightjar.pipelines": false} {
		if got := p.HasAttribute("okta", path); got != want {
			t.Errorf("%s: got %v", path, got)
		}
	}
	if p.HasAttribute("sshd", "usr.id") || !p.HasSource("okta") || p.HasSource("sshd") {
		t.Error("sources are mixed")
	}
}
