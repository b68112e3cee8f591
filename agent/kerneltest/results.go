package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
)

// results are what came of the tests in one kernel. A test with subtests is
// counted by them.
type results struct {
	passed, failed, skipped int
	kernel                  string   // what it says of itself
	printed                 []string // by failed tests, and the reasons of skips
}

func (r results) ok() bool { return r.failed == 0 && r.passed > 0 }

func (r results) String() string {
	return fmt.Sprintf("passed %d, failed %d, skipped %d", r.passed, r.failed, r.skipped)
}

func (r results) printFailures(w io.Writer) {
	_, _ = fmt.Fprintln(w, r.kernel)
	for _, text := range r.printed {
		_, _ = fmt.Fprintln(w, strings.TrimSpace(text))
	}
}

// readResults reads the console of a machine whose init was init.sh. A machine
// that did not come to its last line, or a binary that ended without a word about
// a test, is an error: what it did not run must not look like passed.
func readResults(ctx context.Context, console []byte) (results, error) {
	var r results
	var pkg string
	var printed bytes.Buffer
	done := false
	for line := range bytes.Lines(bytes.ReplaceAll(console, []byte("\r"), nil)) {
		text := strings.TrimSpace(string(line))
		switch word, rest, _ := strings.Cut(text, " "); word {
		case "@@kernel":
			r.kernel = rest
		case "@@begin":
			pkg = rest
			printed.Reset()
		case "@@end":
			if err := r.add(ctx, pkg, printed.Bytes(), rest); err != nil {
				return results{}, err
			}
		case "@@done":
			done = true
		default:
			printed.Write(line)
		}
	}
	if !done {
		return results{}, fmt.Errorf("it ended in the middle (a panic?); this is the end of what it said:\n%s", tail(console))
	}
	return r, nil
}

// testEvent is one line of test2json.
type testEvent struct{ Action, Test, Output string }

// add counts what the test binary of a package printed, which ended with a code.
func (r *results) add(ctx context.Context, pkg string, printed []byte, code string) error {
	c := exec.CommandContext(ctx, "go", "tool", "test2json", "-p", pkg)
	c.Stdin = bytes.NewReader(printed)
	out, err := c.Output()
	if err != nil {
		return fmt.Errorf("test2json: %w", err)
	}
	outcome, output, err := readEvents(out)
	if err != nil {
		return err
	}
	failed := 0
	for test, action := range outcome {
		if test == "" || hasSubtests(outcome, test) {
			continue
		}
		switch action {
		case "pass":
			r.passed++
			continue
		case "skip":
			r.skipped++
		default: // also a test that began and did not end
			failed++
		}
		r.printed = append(r.printed, fmt.Sprintf("--- %s %s %s\n%s", action, pkg, test, output[test]))
	}
	if code != "0" && failed == 0 {
		failed++ // outside of a test: a panic, a time-out, a TestMain
		r.printed = append(r.printed, fmt.Sprintf("--- fail %s: ended with %s\n%s", pkg, code, tail(printed)))
	}
	r.failed += failed
	slices.Sort(r.printed)
	return nil
}

// readEvents returns the last action and the output of each test.
func readEvents(lines []byte) (outcome map[string]string, output map[string]string, err error) {
	outcome, output = map[string]string{}, map[string]string{}
	for d := json.NewDecoder(bytes.NewReader(lines)); ; {
		var e testEvent
		if err := d.Decode(&e); errors.Is(err, io.EOF) {
			return outcome, output, nil
		} else if err != nil {
			return nil, nil, fmt.Errorf("read test2json: %w", err)
		}
		switch e.Action {
		case "output":
			output[e.Test] += e.Output
		default:
			outcome[e.Test] = e.Action
		}
	}
}

func hasSubtests(outcome map[string]string, test string) bool {
	for other := range outcome {
		if strings.HasPrefix(other, test+"/") {
			return true
		}
	}
	return false
}
