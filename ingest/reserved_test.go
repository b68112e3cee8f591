package ingest

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"nightjar/schema"
)

// TestNobodyForgesWhatTheEngineSaysOfItself: a batch with an event of a source of the engine's
// own is refused whole and counted, whichever way it came; what the engine submits is taken.
func TestNobodyForgesWhatTheEngineSaysOfItself(t *testing.T) {
	in := run(t, t.TempDir(), newWorld()).Intake
	h := NewHandler(in)
	for _, source := range []string{"nightjar", "nightjar-audit", "NightJar-Audit", "nightjar2"} {
		body := `[{"ddsource":"app","message":"a"},{"ddsource":"` + source + `","message":"a key was made"}]`
		r := httptest.NewRequest(http.MethodPost, "/api/v2/logs", strings.NewReader(body))
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		if answer.Code != http.StatusBadRequest || !strings.Contains(answer.Body.String(), "event 1") || !strings.Contains(answer.Body.String(), "is for what this engine says of itself") {
			t.Errorf("%s: %d %s", source, answer.Code, answer.Body)
		}
		var bad *BadInputError
		if _, err := h.Accept(t.Context(), "", []byte(body), AsJSON); !errors.As(err, &bad) || bad.Element != 1 {
			t.Errorf("%s through another door: %v", source, err)
		}
	}
	if n := in.Counts(); n.Refused["reserved_source"] != 8 || n.Acknowledged != 0 {
		t.Errorf("counted: %+v", n)
	}
	for _, source := range []string{"night", "my-nightjar", "app"} {
		if _, err := h.Accept(t.Context(), "", []byte(`[{"ddsource":"`+source+`","message":"a"}]`), AsJSON); err != nil {
			t.Errorf("%s: %v", source, err)
		}
	}
	if _, err := in.Submit(t.Context(), Batch{Events: []schema.Event{{Source: "nightjar-audit", Message: "a key was made"}}}); err != nil {
		t.Errorf("the engine's own: %v", err)
	}
}
