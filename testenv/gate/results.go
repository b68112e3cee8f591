package main

import (
	"fmt"
	"io"
	"strings"
)

// event is a line of `go test -json`.
type event struct {
	Action, Package, Test, Output string
}

// results is what became of the tests, by package and name.
type results struct {
	out    io.Writer
	order  []testName
	ended  map[testName]string   // pass, fail or skip
	output map[testName][]string // of what is not known to have passed

	packagesFailed []string
}

type testName struct{ pkg, name string }

func newResults(out io.Writer) *results {
	return &results{out: out, ended: map[testName]string{}, output: map[testName][]string{}}
}

func (r *results) add(e event) {
	key := testName{strings.TrimPrefix(e.Package, "nightjar/"), e.Test}
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "output":
		r.output[key] = append(r.output[key], e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.packageEnded(key, e.Action)
			return
		}
		r.order, r.ended[key] = append(r.order, key), e.Action
		if e.Action == "pass" {
			delete(r.output, key)
		}
	}
}

// packageEnded prints what go test says of a package: one line where it passed, else
// what the tests said that failed.
func (r *results) packageEnded(key testName, action string) {
	for _, test := range r.order {
		if test.pkg == key.pkg && r.ended[test] == "fail" {
			r.print(r.output[test])
		}
	}
	// A test that has not ended was running when the binary died: it says why.
	for test, lines := range r.output {
		if test.pkg == key.pkg && test.name != "" && r.ended[test] == "" {
			r.print(lines)
		}
	}
	lines := r.output[key]
	if action == "fail" {
		r.packagesFailed = append(r.packagesFailed, key.pkg)
	} else if len(lines) > 0 {
		lines = lines[len(lines)-1:]
	}
	r.print(lines)
}

func (r *results) print(lines []string) {
	for _, line := range lines {
		if !strings.HasPrefix(line, "=== ") {
			fmt.Fprint(r.out, line)
		}
	}
}

// skip is a test or subtest that was skipped.
type skip struct {
	testName
	reason string
}

// skips lists the tests and subtests that were skipped, in their order.
func (r *results) skips() []skip {
	var out []skip
	for _, test := range r.order {
		if r.ended[test] == "skip" {
			out = append(out, skip{test, r.reason(test)})
		}
	}
	return out
}

// reason is what a skipped test said last: `    file_test.go:12: reason`.
func (r *results) reason(test testName) string {
	said := ""
	for _, line := range r.output[test] {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") {
			said = line
		}
	}
	if _, after, ok := strings.Cut(said, "_test.go:"); ok {
		_, said, _ = strings.Cut(after, ": ")
	} else if _, after, ok := strings.Cut(said, ".go:"); ok {
		_, said, _ = strings.Cut(after, ": ")
	}
	return said
}

// empty says why a test showed nothing, and reports whether it did: it was skipped, or
// it has subtests and all of them were. One of the name shared is beside the test's own.
func (r *results) empty(test testName) (string, bool) {
	if r.ended[test] == "skip" {
		return r.reason(test), true
	}
	why, below := "", 0
	for _, sub := range r.order {
		part, within := strings.CutPrefix(sub.name, test.name+"/")
		if sub.pkg != test.pkg || !within || part == "shared" || strings.HasPrefix(part, "shared/") {
			continue
		}
		below++
		if r.ended[sub] != "skip" {
			return "", false
		}
		why = r.reason(sub)
	}
	return why, below > 0
}
