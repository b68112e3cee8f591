package engine

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// TestAFileMovesTheClock moves it both ways while it runs, by all forms that a
// file may have, and keeps it where it was while the file says nothing.
func TestAFileMovesTheClock(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock")
	c := clock{file: file, offset: new(atomic.Int64)}
	for _, step := range []struct {
		text string
		want time.Duration
	}{{"", 0}, {"3m\n", 3 * time.Minute}, {"", 3 * time.Minute}, {"-90s", -90 * time.Second}, {"+86400", 24 * time.Hour}, {"tomorrow", 24 * time.Hour}, {"0", 0}} {
		if err := os.WriteFile(file, []byte(step.text), 0o600); err != nil {
			t.Fatal(err)
		}
		before := time.Now()
		got := c.now()
		if after := time.Now(); got.Before(before.Add(step.want)) || got.After(after.Add(step.want)) {
			t.Errorf("%q: the clock is %v off, want %v", step.text, got.Sub(before), step.want)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	t.Setenv(testClock, file)
	if err := checkClock(); err == nil {
		t.Error("a file that is not there is no error")
	}
}
