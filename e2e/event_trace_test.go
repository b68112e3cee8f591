package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestAStoredEventIsTracedThroughThePipelinesInForce stores an event, and traces it before
// and after its pipeline is changed, and where it is gone.
func TestAStoredEventIsTracedThroughThePipelinesInForce(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	file := filepath.Join(t.TempDir(), "app.yaml")
	apply := func(member string) {
		t.Helper()
		if err := os.WriteFile(file, fmt.Appendf(nil, appPipeline, "our app", member), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, errs, code := p.run("pipelines", "apply", file); code != 0 {
			t.Fatal(errs)
		}
	}
	apply("what")
	p.call(http.MethodPost, "/api/v2/logs", []byte(`[{"ddsource":"app","message":"user=u1 from 192.0.2.1 error","extra":7}]`), nil)
	id := fmt.Sprint(p.stored("@usr.name:u1")["id"])

	var got eventTrace
	trace := func() {
		t.Helper()
		got = eventTrace{}
		p.call(http.MethodGet, "/api/nightjar/v1/events/"+id+"/trace", nil, &got)
	}
	trace()
	if len(got.Changes) > 0 || len(got.Differs) > 0 || got.Raw == "" {
		t.Errorf("nothing has changed: %+v", got)
	}
	ours := got.pipeline("our app")
	if ours == nil || !ours.Matched || ours.Microseconds <= 0 || len(ours.Steps) != 2 {
		t.Fatalf("our pipeline did %+v", ours)
	}
	for _, s := range ours.Steps {
		if s.Outcome != "applied" || len(s.Set) == 0 || s.Microseconds <= 0 {
			t.Errorf("step %+v", s)
		}
	}
	if other := got.pipeline("nginx"); other == nil || other.Matched || other.Microseconds != 0 {
		t.Errorf("one that is for others did %+v", other)
	}

	apply("changed")
	trace()
	if !slices.Equal(got.Differs, []string{"status", "@changed", "@what"}) {
		t.Errorf("it differs in %v", got.Differs)
	}
	if len(got.Changes) != 1 || got.Changes[0] != (pipelineChange{ID: ours.ID, Name: "our app", Change: "changed", StoredVersion: 1, Version: 2}) {
		t.Errorf("changes %+v", got.Changes)
	}
	if got.Stored.Attributes.Attributes["what"] != "error" || got.Now.Attributes.Attributes["changed"] != "error" {
		t.Errorf("stored %v, now %v", got.Stored, got.Now)
	}
	if _, errs, code := p.run("pipelines", "delete", "our app"); code != 0 {
		t.Fatal(errs)
	}
	trace()
	if len(got.Changes) != 1 || got.Changes[0] != (pipelineChange{ID: ours.ID, Change: "removed", StoredVersion: 1}) || !slices.Contains(got.Differs, "@usr.name") {
		t.Errorf("without it: %+v, %v", got.Changes, got.Differs)
	}
}

type eventTrace struct {
	Stored, Now tracedEvent
	Raw         string
	Trace       struct{ Pipelines []tracedPipeline }
	Changes     []pipelineChange
	Differs     []string
}

type tracedEvent struct {
	Attributes struct{ Attributes map[string]any }
}

type pipelineChange struct {
	ID, Name, Change string
	StoredVersion    int64 `json:"stored_version"`
	Version          int64
}

type tracedPipeline struct {
	ID, Name     string
	Matched      bool
	Microseconds float64
	Steps        []struct {
		Outcome      string
		Set          []any
		Microseconds float64
	}
}

func (e *eventTrace) pipeline(name string) *tracedPipeline {
	i := slices.IndexFunc(e.Trace.Pipelines, func(p tracedPipeline) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return &e.Trace.Pipelines[i]
}
