package main

import (
	"strings"
	"testing"
)

// console is what a machine says, with the line ends of a terminal.
func console(lines ...string) []byte {
	return []byte(strings.Join(lines, "\r\n") + "\r\n")
}

const mark = "\x16" // what -test.v=test2json puts before its lines

func TestResultsAreWhatTheTestsOfAllPackagesSaid(t *testing.T) {
	r, err := readResults(t.Context(), console(
		"[    0.1] something of the firmware",
		"@@kernel 6.1.0, LSMs bpf",
		"@@begin agent", mark+"=== RUN   TestA", mark+"--- PASS: TestA (0.00s)",
		mark+"=== RUN   TestB", mark+"=== RUN   TestB/one", mark+"--- PASS: TestB/one (0.00s)",
		mark+"=== RUN   TestB/two", "    b_test.go:3: no such hook", mark+"--- SKIP: TestB/two (0.00s)", mark+"--- PASS: TestB (0.00s)", "PASS",
		"@@end 0",
		"@@begin agent/cache", mark+"=== RUN   TestC", "    c_test.go:9: lost 3", mark+"--- FAIL: TestC (0.00s)", "FAIL", "@@end 1",
		"@@done"))
	if err != nil {
		t.Fatal(err)
	}
	if r.passed != 2 || r.failed != 1 || r.skipped != 1 || r.ok() || r.kernel != "6.1.0, LSMs bpf" {
		t.Errorf("got %+v", r)
	}
	for _, want := range []string{"agent TestB/two", "no such hook", "agent/cache TestC", "lost 3"} {
		if !strings.Contains(strings.Join(r.printed, "\n"), want) {
			t.Errorf("%q is not among what is printed:\n%s", want, r.printed)
		}
	}
}

func TestWhatDidNotRunHasNotPassed(t *testing.T) {
	pass := mark + "--- PASS: TestA (0.00s)"
	for name, c := range map[string]struct {
		console []byte
		failed  int // -1: no results at all
	}{
		"a panic of the kernel":      {console("@@begin agent", mark+"=== RUN   TestA", pass, "Kernel panic - not syncing"), -1},
		"no tests":                   {console("@@begin agent", "PASS", "@@end 0", "@@done"), 0},
		"nothing at all":             {nil, -1},
		"a panic of a test":          {console("@@begin agent", mark+"=== RUN   TestA", pass, mark+"=== RUN   TestB", "panic: oh", "@@end 2", "@@done"), 1},
		"a binary that does not run": {console("@@begin agent", "./package.test: not found", "@@end 127", "@@done"), 1},
		"an end outside of tests":    {console("@@begin agent", mark+"=== RUN   TestA", pass, "FAIL", "@@end 1", "@@done"), 1},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := readResults(t.Context(), c.console)
			if (err != nil) != (c.failed < 0) {
				t.Fatalf("got the error %v", err)
			}
			if r.ok() || err == nil && r.failed != c.failed {
				t.Errorf("got %+v, want %d failures and not a success", r, c.failed)
			}
		})
	}
}
