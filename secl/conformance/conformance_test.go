package conformance

import (
	"os"
	"testing"
	"time"

	"nightjar/testenv"
)

// TestEveryCaseIsAsExpected runs the cases of the language's origin.
func TestEveryCaseIsAsExpected(t *testing.T) {
	text, err := os.ReadFile(testenv.Shared(t, "conformance/secl.json"))
	if err != nil {
		t.Fatal(err)
	}
	results, err := Run(text, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixNano())
	if err != nil {
		t.Fatal(err)
	}
	if len(results) < 400 {
		t.Errorf("only %d cases", len(results))
	}
	for _, r := range results {
		if !r.Equal {
			t.Errorf("%s: got %v", r.ID, r.Got)
		}
	}
}
