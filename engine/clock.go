package engine

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// testClock is the environment variable that moves the program's clock, for
// tests: it names a file that holds how far, as in `3m` or `-90s`, and is read
// again whenever the time is asked for. A program whose clock cannot be moved
// from outside needs this: libfaketime does not reach a Go program.
const testClock = "NIGHTJAR_TEST_CLOCK"

// now is the program's one clock. Only what measures how long something takes
// asks another.
var now = clock{file: os.Getenv(testClock), offset: new(atomic.Int64)}.now

// Now is the time by the program's clock.
func Now() time.Time { return now() }

// clock is the machine's, and what a file adds to it.
type clock struct {
	file   string        // "": none
	offset *atomic.Int64 // the last that could be read: a file may be asked while it is written
}

func (c clock) now() time.Time {
	if c.file == "" {
		return time.Now()
	}
	if by, err := readOffset(c.file); err == nil {
		c.offset.Store(int64(by))
	}
	return time.Now().Add(time.Duration(c.offset.Load()))
}

// readOffset is how far the file moves the clock: a duration, or a number of
// seconds.
func readOffset(file string) (time.Duration, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	word := strings.TrimSpace(string(text))
	by, err := time.ParseDuration(word)
	if err != nil {
		by, err = time.ParseDuration(word + "s")
	}
	if err != nil {
		return 0, fmt.Errorf("%s: want how far the clock is moved, as in 3m, -90s or 180 (seconds), got %q", file, word)
	}
	return by, nil
}

// checkClock reports a file that does not say how far the clock is moved.
func checkClock() error {
	file := os.Getenv(testClock)
	if file == "" {
		return nil
	}
	if _, err := readOffset(file); err != nil {
		return fmt.Errorf("%s: %w", testClock, err)
	}
	return nil
}
