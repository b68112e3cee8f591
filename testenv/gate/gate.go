package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// Excuse begins the reason of a skip that this machine, and no lack of ours, is to blame
// for.
const Excuse = "needs root or another kernel"

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "gate:", err)
		os.Exit(1)
	}
}

// run is the gate: `go test` with these arguments, and what it left out.
func run(arguments []string, out io.Writer) error {
	pages, err := namedTests(".")
	if err != nil {
		return err
	}
	results, failed := test(arguments, out)
	problems := judge(results, pages, os.Getenv("REQUIRE_ALL") != "")
	printSkips(out, results, pages)
	if failed != nil && os.Getenv("RUN_FAILED_AGAIN") != "" && again(results, arguments, out) {
		failed = nil
	}
	for _, p := range problems {
		fmt.Fprintln(out, "FAIL", p)
	}
	if len(problems) > 0 {
		failed = errors.Join(failed, fmt.Errorf("%d promises are not shown", len(problems)))
	}
	return failed
}

// test runs go test, prints what it would print, and returns what became of each test.
func test(arguments []string, out io.Writer) (*results, error) {
	c := exec.Command("go", append([]string{"test", "-json"}, arguments...)...)
	c.Stderr = os.Stderr
	stdout, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	r := newResults(out)
	for d := json.NewDecoder(stdout); ; {
		var e event
		if err := d.Decode(&e); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return r, fmt.Errorf("read the output of go test: %w", err)
		}
		r.add(e)
	}
	return r, c.Wait()
}
