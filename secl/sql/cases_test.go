package sql

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"nightjar/compiler/search"
	"nightjar/compiler/searchtest"
	"nightjar/schema"
	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/secltest"
	"nightjar/testenv"
)

// TestStoredEventsAnswerTheSECLCases asks the stored form of the events the cases of
// ../testdata: each gives what it says there, or can't be asked, and `unstored`
// says why.
func TestStoredEventsAnswerTheSECLCases(t *testing.T) {
	asked := 0
	for _, f := range testenv.ReadCases(t, "../testdata/*.txtar", "matches", "error", "unstored") {
		t.Run(f.Name, func(t *testing.T) {
			cases, err := secltest.New(f.Lines(t, "events"), f.Lines(t, "macros"), f.Lines(t, "vars"))
			if err != nil {
				t.Fatal(err)
			}
			w := searchtest.NewWorld(t, storedOf(t, cases))
			for _, c := range f.Cases {
				if c.Has("error") {
					continue
				}
				rule, err := secl.Check(c.Text, cases.Env)
				if err != nil {
					t.Fatalf("%s: %v", c.Where, err)
				}
				params := &search.Params{Shapes: w.Again.Shapes}
				sql, err := Where(rule, params)
				if c.Has("unstored") || err != nil {
					if why := c.Said("unstored"); err == nil || why == "" || !strings.Contains(err.Error(), why) {
						t.Errorf("%s: %.200s\ngot  %v\nwant %s", c.Where, c.Text, err, why)
					}
					continue
				}
				asked++
				seqs, err := w.Seqs(t, "SELECT seq FROM events WHERE "+sql, params)
				if err != nil {
					t.Errorf("%s: %s: %v", c.Where, c.Text, err)
				}
				var got []string
				for _, seq := range seqs {
					got = append(got, cases.Names[seq-1])
				}
				slices.Sort(got)
				if want := c.Names("matches"); !slices.Equal(got, want) {
					t.Errorf("%s: %.200s\nstored %v\nwant   %v", c.Where, c.Text, got, want)
				}
			}
		})
	}
	if asked < 250 {
		t.Errorf("only %d cases were asked of stored events", asked)
	}
}

// storedOf are the events as the agent's are stored.
func storedOf(t *testing.T, w *secltest.World) []schema.Event {
	t.Helper()
	at := schema.MillisOf(secltest.Now)
	out := make([]schema.Event, len(w.Events))
	for i := range w.Events {
		text, err := json.Marshal(event.Attributes(w.Context(i)))
		if err != nil {
			t.Fatal(err)
		}
		out[i] = schema.Event{At: at, Seen: at, Source: event.Source}
		if out[i].Attributes, err = schema.ParseAttributes(string(text)); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	return out
}
