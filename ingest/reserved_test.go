package ingest

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/schema"
)

// TestNobodyForgesWhatTheEngineSaysOfItself: an event of a source of the engine's own is stored
// under one that says so, is told and counted, whichever way it came, and costs none of the
// others their place; what the engine submits is taken as it is.
func TestNobodyForgesWhatTheEngineSaysOfItself(t *testing.T) {
	w := newWorld()
	in := run(t, t.TempDir(), w).Intake
	h := NewHandler(in)
	var want []string
	for _, source := range []string{"nightjar", "nightjar-audit", "NightJar-Audit", "nightjar2"} {
		body := `[{"ddsource":"app","message":"a"},{"ddsource":"` + source + `","message":"a key was made"}]`
		r := httptest.NewRequest(http.MethodPost, "/api/v2/logs", strings.NewReader(body))
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		if answer.Code != http.StatusAccepted || !strings.Contains(answer.Body.String(), "1 events say a source that begins with nightjar") {
			t.Errorf("%s: %d %s", source, answer.Code, answer.Body)
		}
		said := `{"message":"{\"source\":\"` + source + `\",\"message\":\"a key was made\"}"}` // by a line of a log
		if taken, err := h.Accept(t.Context(), "", []byte(`[{"ddsource":"app","message":"a"},`+said+`]`), AsJSON); err != nil || len(taken.Warnings) != 1 {
			t.Errorf("%s through another door: %v, %v", source, taken.Warnings, err)
		}
		want = append(want, "app", "claims-"+source, "app", "claims-"+source)
	}
	for _, source := range []string{"night", "my-nightjar", "app"} {
		if taken, err := h.Accept(t.Context(), "", []byte(`[{"ddsource":"`+source+`","message":"a"}]`), AsJSON); err != nil || len(taken.Warnings) > 0 {
			t.Errorf("%s: %v, %v", source, taken.Warnings, err)
		}
		want = append(want, source)
	}
	if _, err := in.Submit(t.Context(), Batch{Events: []schema.Event{{Source: "nightjar-audit", Message: "a key was made"}}}); err != nil {
		t.Errorf("the engine's own: %v", err)
	}
	want = append(want, "nightjar-audit")
	if n := byLabel(in.metrics.oddities)["reserved_source"]; n != 8 || in.Counts().Acknowledged != uint64(len(want)) {
		t.Errorf("counted %v, %+v", n, in.Counts())
	}
	for end := time.Now().Add(time.Minute); in.Stored() < in.Acknowledged() && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	var got []string
	w.set(func(w *world) {
		for _, e := range w.events {
			got = append(got, e.Source)
		}
	})
	if !slices.Equal(got, want) {
		t.Errorf("stored\n got %q\nwant %q", got, want)
	}
}

// TestWhatClaimedToBeTheEnginesIsReadAgainAsThat: the event as it came still says so.
func TestWhatClaimedToBeTheEnginesIsReadAgainAsThat(t *testing.T) {
	const line = `{"ddsource":"nightjar-audit","message":"a key was made"}`
	for source, want := range map[string]string{"claims-nightjar-audit": "claims-nightjar-audit", "nightjar-audit": "nightjar-audit"} {
		again, err := (&Decoder{}).Reread(&schema.Event{Source: source, Message: "a key was made", Original: line})
		if err != nil || again.Source != want {
			t.Errorf("%s became %s, %v", source, again.Source, err)
		}
	}
}
