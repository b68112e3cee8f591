package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"nightjar/scheduler/ruletest"
)

func newTest() *cobra.Command {
	var only, junit, pipelines string
	var geo []string
	c := &cobra.Command{
		Use:   "test PATH…",
		Short: "Run the tests of rules and the samples of pipelines, offline",
		Long: `Runs the tests that stand beside rules: YAML files whose names end in _test.yaml,
in the folders named and all below, or the files named. A file has a rule, events
with their times, reference tables and suppressions, and the signals that they
must give, with as much of each signal as the test is about:

  rule: ssh-brute-force.json
  defaults: {source: sshd}
  tests:
    - name: ten failures in five minutes
      events:
        - at: +0s
          count: 10
          every: 30s
          event: "Failed password for root from 203.0.113.66 port 4{n} ssh2"
      signals:
        - {group: 203.0.113.66, severity: high, first_seen: +4m30s}

content/README.md describes the format, and content/rules has examples. Samples of
pipelines, files whose names end in .test.yaml, are run, too, as "nightjar pipelines
test" does; the events of rules' tests go through the built-in pipelines, or those of
--pipelines.

Nothing is asked but the files: the plan and the windows are those of the live
evaluation, on a clock that the test sets. It exits with 1 when a test fails.`,
		Example: `  nightjar test content/rules
  nightjar test content/rules/ssh-brute-force_test.yaml --run 'silence'
  nightjar test rules/ --junit report.xml --output json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, paths []string) error {
			var o ruletest.Options
			var err error
			if only != "" {
				if o.Only, err = regexp.Compile(only); err != nil {
					return &usageError{c.CommandPath(), fmt.Errorf("--run: %w", err)}
				}
			}
			if o.Locator, err = openGeoIP(geo); err != nil {
				return err
			}
			if o.Pipelines, err = offlinePipelines(pipelines, o.Locator); err != nil {
				return err
			}
			reports, err := testRules(paths, o)
			if err != nil {
				return err
			}
			if junit != "" {
				if err := writeJUnit(junit, reports); err != nil {
					return err
				}
			}
			err = result{data: reports, text: func(w io.Writer) error { return printReports(w, reports) }}.print(c)
			return errors.Join(err, verdict(reports))
		},
	}
	addOutput(c, textFormats...)
	addGeoIP(c.Flags(), &geo)
	addPipelines(c.Flags(), &pipelines)
	c.Flags().StringVar(&only, "run", "", "run only tests whose \"file: name\" this regular expression matches")
	c.Flags().StringVar(&junit, "junit", "", "write the results to this file, as JUnit's XML")
	return c
}

func testRules(paths []string, o ruletest.Options) ([]ruletest.Report, error) {
	reports := []ruletest.Report{}
	seen := map[string]bool{}
	for _, path := range paths {
		samples, err := sampleFiles([]string{path})
		if err != nil {
			return nil, err
		}
		for _, f := range samples {
			if !seen[f] {
				reports = append(reports, testSamples(f, sampleOptions{Options: o}))
			}
			seen[f] = true
		}
		files, err := ruletest.Find(path)
		if len(samples) > 0 && (err != nil || slices.Equal(files, []string{path})) {
			continue // a folder of samples alone, or a file of them, or their pipeline
		}
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if !seen[f] {
				reports = append(reports, ruletest.Run(f, o))
			}
			seen[f] = true
		}
	}
	for i := range reports {
		for _, w := range reports[i].Warnings {
			fmt.Fprintf(os.Stderr, "%s: warning: %s\n", reports[i].Path, w)
		}
	}
	return reports, nil
}

func writeJUnit(path string, reports []ruletest.Report) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(ruletest.WriteJUnit(file, reports), file.Close())
}

func printReports(w io.Writer, reports []ruletest.Report) error {
	var out strings.Builder
	for i := range reports {
		r := &reports[i]
		switch {
		case r.Error != "":
			fmt.Fprintf(&out, "FAIL  %s\n  %s\n", r.Path, printableLines(r.Path+":"+r.Error))
		case r.Failed():
			fmt.Fprintf(&out, "FAIL  %s\n", r.Path)
		case len(r.Tests) > 0:
			fmt.Fprintf(&out, "ok    %s  %s\n", r.Path, counted(len(r.Tests), "test"))
		}
		for _, t := range r.Tests {
			if t.Passed {
				continue
			}
			fmt.Fprintf(&out, "  %s:%d: %s\n", r.Path, t.Line, printable(t.Name))
			for _, p := range t.Problems {
				fmt.Fprintf(&out, "    %s\n", strings.ReplaceAll(printableLines(p), "\n", "\n    "))
			}
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// printableLines is printable, line by line.
func printableLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = printable(lines[i])
	}
	return strings.Join(lines, "\n")
}

// verdict is an error when a test failed, or when there was none to run.
func verdict(reports []ruletest.Report) error {
	tests, failed, unreadable := 0, 0, 0
	for _, r := range reports {
		if r.Error != "" {
			unreadable++
		}
		for _, t := range r.Tests {
			if tests++; !t.Passed {
				failed++
			}
		}
	}
	switch {
	case unreadable > 0:
		return fmt.Errorf("%s failed of %d, and %s can't be run", counted(failed, "test"), tests, counted(unreadable, "file"))
	case failed > 0:
		return fmt.Errorf("%s failed of %d", counted(failed, "test"), tests)
	case tests == 0:
		return errors.New("no test was run: --run matches none")
	}
	return nil
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
