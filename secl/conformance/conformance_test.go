package conformance

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"nightjar/testenv"
)

// TestEveryCaseIsAsExpected runs cases of every category that were written for the
// project, and those of the language's origin where they are.
func TestEveryCaseIsAsExpected(t *testing.T) {
	of := holds(t, "testdata/cases.json", 150)
	for category := range categories {
		if of[category] == 0 {
			t.Errorf("no case has the category %s", category)
		}
	}
	t.Run("shared", func(t *testing.T) { holds(t, testenv.Shared(t, "conformance/secl.json"), 400) })
}

// holds runs the cases of a file, and counts them by category.
func holds(t *testing.T, path string, atLeast int) map[string]int {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	results, err := Run(text, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixNano())
	if err != nil {
		t.Fatal(err)
	}
	if len(results) < atLeast {
		t.Errorf("only %d cases in %s", len(results), path)
	}
	for _, r := range results {
		if !r.Equal {
			t.Errorf("%s: got %v", r.ID, r.Got)
		}
	}
	var file struct{ Cases []Case }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	of := map[string]int{}
	for _, c := range file.Cases {
		of[c.Category]++
	}
	return of
}
