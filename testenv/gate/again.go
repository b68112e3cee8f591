package main

import (
	"fmt"
	"io"
	"regexp"
	"strings"
)

// mostAgain is how many tests may be run again: where more fail, no moment of the
// machine is to blame.
const mostAgain = 2

// again runs what failed once more, each test by itself, and reports whether all of it
// passed. Both runs are printed: a test that fails now and then is to be mended, and who
// reads the end of the output learns its name.
func again(r *results, arguments []string, out io.Writer) bool {
	failed, alone := r.failed()
	if !alone || len(failed) == 0 || len(failed) > mostAgain {
		return false
	}
	for _, failure := range failed {
		fmt.Fprintf(out, "AGAIN, by itself: %s %s\n", failure.pkg, failure.name)
		one := append(flagsOf(arguments), "-count", "1", "-run", "^"+regexp.QuoteMeta(failure.name)+"$", "./"+failure.pkg)
		second, err := test(one, out)
		if err != nil || second.ended[failure] != "pass" {
			return false
		}
	}
	for _, failure := range failed {
		fmt.Fprintf(out, "FAILED ONCE, and passed by itself; to be mended: %s %s\n", failure.pkg, failure.name)
	}
	return true
}

// flagsOf leaves the packages out of the arguments of go test.
func flagsOf(arguments []string) []string {
	var out []string
	for _, a := range arguments {
		if !strings.HasPrefix(a, ".") {
			out = append(out, a)
		}
	}
	return out
}

// failed lists the tests that failed, without their subtests, and reports whether they
// are all that did: a package that could not be built, or whose tests died, has no end
// of a test to blame.
func (r *results) failed() ([]testName, bool) {
	var out []testName
	blamed := map[string]bool{}
	for _, test := range r.order {
		if r.ended[test] == "fail" {
			blamed[test.pkg] = true
			if !strings.Contains(test.name, "/") {
				out = append(out, test)
			}
		}
	}
	for test := range r.output {
		if test.name != "" && r.ended[test] == "" {
			return out, false
		}
	}
	for _, pkg := range r.packagesFailed {
		if !blamed[pkg] {
			return out, false
		}
	}
	return out, true
}
