package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// TestSearchShowsTheShapesOfMessages groups two lines that differ in a number, and says of the
// one that is not shown that it is there.
func TestSearchShowsTheShapesOfMessages(t *testing.T) {
	t.Parallel() // it waits more than it works
	p := startEngine(t)
	p.call(http.MethodPost, "/api/v2/logs", []byte(`[{"ddsource":"shape","message":"knock 1"},{"ddsource":"shape","message":"knock 22"},{"ddsource":"shape","message":"bye"}]`), nil)
	var found []struct {
		Pattern, Query string
		Count          int
	}
	p.await("three events", func() bool {
		out, said, code := p.run("search", "source:shape", "--patterns", "--limit", "1", "--output", "json")
		if code != 0 {
			t.Fatal(said)
		}
		return json.Unmarshal([]byte(out), &found) == nil && len(found) == 1 && found[0].Count == 2 && strings.Contains(said, "1 more patterns have 1 events")
	})
	if found[0].Pattern != "knock <number>" || !strings.Contains(found[0].Query, "knock") {
		t.Errorf("%+v", found)
	}
	if out, said, code := p.run("search", found[0].Query, "--output", "jsonl"); code != 0 || strings.Count(out, "\n") != 2 {
		t.Errorf("%q finds %s%s", found[0].Query, out, said)
	}
	if _, said, code := p.run("search", "x", "--patterns", "--raw"); code != 2 || !strings.Contains(said, "--patterns") {
		t.Errorf("%d: %s", code, said)
	}
}
