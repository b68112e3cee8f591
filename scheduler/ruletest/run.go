package ruletest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"

	"nightjar/compiler"
	"nightjar/ingest"
	"nightjar/scheduler"
	"nightjar/scheduler/detect"
	"nightjar/scheduler/reference"
	"nightjar/schema"
)

// Options say how tests are run.
type Options struct {
	// Only are the tests to run, by "file: name"; nil: all.
	Only *regexp.Regexp
	// Locator says where the addresses of events are; nil: nobody does.
	Locator ingest.Locator
	// Pipelines change events as those of an engine do; nil: nothing does.
	Pipelines ingest.Pipelines
	// Ships are the files that a text can name (RunText).
	Ships fs.FS
	// Most bounds the events of all tests of a text together (RunText).
	Most Bounds
}

// Bounds are how many events there may be, and how many bytes they may have as JSON; 0: any
// number.
type Bounds struct{ Events, Bytes int }

// Report is what became of a file of tests.
type Report struct {
	Path string `json:"path"`
	// Error says why none of its tests could be run; empty when they were.
	Error    string   `json:"error,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
	Tests    []Result `json:"tests"`
}

// Result is what became of a test.
type Result struct {
	Name   string `json:"name"`
	Line   int    `json:"line"`
	Passed bool   `json:"passed"`
	// Problems say how what was found differs from what was expected, each in
	// some lines of text.
	Problems []string `json:"problems,omitempty"`
	// Expects is how many signals the test wants: one that wants none shows nothing of
	// what its rule finds.
	Expects int `json:"-"`
}

// Failed reports whether anything in the file is not as it should be.
func (r *Report) Failed() bool {
	for _, t := range r.Tests {
		if !t.Passed {
			return true
		}
	}
	return r.Error != ""
}

// Find is the files of tests: those of a folder and all below it whose names end
// in _test.yaml or _test.yml, or the file itself, whatever its name.
func Find(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	var out []string
	err = filepath.WalkDir(path, func(file string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && isTestFile(entry.Name()) {
			out = append(out, file)
		}
		return err
	})
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("%s: no file below it has a name that ends in _test.yaml", path)
	}
	return out, err
}

func isTestFile(name string) bool {
	return strings.HasSuffix(name, "_test.yaml") || strings.HasSuffix(name, "_test.yml")
}

// Run runs the tests of a file.
func Run(path string, o Options) Report {
	report := Report{Path: path, Tests: []Result{}}
	s, warnings, err := read(path)
	report.Warnings = warnings
	if err != nil {
		report.Error = indentLines(err.Error())
		return report
	}
	report.run(s, o)
	return report
}

// RunText runs the tests of a text on a rule, instead of the one that it names. Nothing of
// the disk is read. An error is that of the context, which is asked at each event.
func RunText(ctx context.Context, text []byte, rule schema.Rule, o Options) (Report, error) {
	report := Report{Tests: []Result{}}
	ships := o.Ships
	if ships == nil {
		ships = nothing{}
	}
	s, warnings, err := parse(folder{only: ships}, text, &rule)
	report.Warnings = warnings
	if err != nil {
		report.Error = indentLines(err.Error())
		return report, nil
	}
	s.spend = o.Most.spender(ctx)
	report.run(s, o)
	return report, ctx.Err()
}

// spender is told the bytes of each event, and refuses the one that is too much.
func (b Bounds) spender(ctx context.Context) func(bytes int) error {
	var spent Bounds
	return func(bytes int) error {
		spent.Events, spent.Bytes = spent.Events+1, spent.Bytes+bytes
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case b.Events > 0 && spent.Events > b.Events:
			return fmt.Errorf("too many events in one text, more than %d: run it with `nightjar test`, which has no such bound", b.Events)
		case b.Bytes > 0 && spent.Bytes > b.Bytes:
			return fmt.Errorf("too many events in one text, together more than %d bytes: run it with `nightjar test`, which has no such bound", b.Bytes)
		}
		return nil
	}
}

// Count is how many tests a text has; of one that can't be read, 0.
func Count(text []byte) int {
	root, err := document(text)
	if err != nil {
		return 0
	}
	if tests := child(root, "tests"); tests != nil {
		return len(tests.Content)
	}
	return 0
}

// nothing is a file system without files.
type nothing struct{}

func (nothing) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// run adds what becomes of the tests.
func (r *Report) run(s *suite, o Options) {
	for i := range s.Tests {
		t := &s.Tests[i]
		if o.Only != nil && !o.Only.MatchString(r.Path+": "+t.Name) {
			continue
		}
		one := run{suite: s, test: t, locator: o.Locator, pipelines: o.Pipelines, start: defaultStart}
		problems, err := one.run()
		if err != nil {
			problems = []string{err.Error()}
		}
		if told := one.left.String(); told != "" {
			r.Warnings = append(r.Warnings, t.Name+": "+told)
		}
		r.Tests = append(r.Tests, Result{Name: t.Name, Line: t.node.Line, Passed: len(problems) == 0, Problems: problems, Expects: len(*t.Signals)})
	}
}

// run is one test on its way.
type run struct {
	suite     *suite
	test      *testCase
	locator   ingest.Locator
	pipelines ingest.Pipelines
	start     schema.Millis
	horizon   detect.Horizon

	left      compiler.LeftOut
	found     []Signal
	published []scheduler.Published
}

// run evaluates the test, and says how what was found differs from what was
// expected.
func (r *run) run() ([]string, error) {
	for _, m := range []*moment{r.suite.Start, r.test.Start} {
		if m != nil {
			r.start = m.at
		}
	}
	events, err := r.events(r.test.Events)
	if err != nil {
		return nil, err
	}
	events, r.horizon = r.look(events)
	suppressions, err := r.suppressions()
	if err != nil {
		return nil, err
	}
	for _, plan := range r.suite.plans { // those over signals are last
		if err := r.evaluate(plan, events, suppressions); err != nil {
			return nil, fmt.Errorf("rule %s: %w", plan.Rule.Name, err)
		}
	}
	sort.SliceStable(r.found, func(i, j int) bool { return r.found[i].FirstSeen < r.found[j].FirstSeen })
	return r.compare(*r.test.Signals, r.found), nil
}

// evaluate adds what a rule finds in the events, or in the signals of the rules
// before it.
func (r *run) evaluate(compiled *compiler.Plan, events []schema.Event, suppressions []compiler.InForce) error {
	plan := compiled.Bind()
	tables, err := r.tables(plan)
	if err != nil {
		return err
	}
	plan.Tables = tables
	plan.Suppress(suppressions)
	var matches []compiler.Match
	if plan.OfSignals {
		events, matches = r.signalsFor(plan)
	} else {
		for i := range events {
			matches = append(matches, plan.MatchesCounting(&events[i], &r.left)...)
		}
	}
	published, err := scheduler.ReplayRendered(plan, matches, r.horizon, func(wanted []compiler.Match) ([]schema.Event, error) {
		out := make([]schema.Event, len(wanted))
		for i, m := range wanted {
			out[i] = events[m.Seq-1]
		}
		return out, nil
	})
	if err != nil {
		return err
	}
	for i := range published {
		r.found = append(r.found, signalOf(plan, &published[i]))
	}
	r.published = append(r.published, published...)
	return nil
}

// look leaves out the events after the moment at which the test looks, and gives
// the horizon there: that of until, or of the newest event.
func (r *run) look(events []schema.Event) ([]schema.Event, detect.Horizon) {
	if until := r.test.Until.in(r.start); until != nil {
		events = slices.DeleteFunc(events, func(e schema.Event) bool { return e.At > *until })
		for i := range events {
			events[i].Seq = uint64(i + 1)
		}
		return events, detect.Over(r.start, *until)
	}
	newest := schema.MinMillis
	for i := range events {
		newest = max(newest, events[i].At)
	}
	return events, detect.Over(r.start, newest)
}

// signalsFor are the signals that a rule over signals sees: those that stand.
func (r *run) signalsFor(plan *compiler.BoundPlan) (events []schema.Event, matches []compiler.Match) {
	standing := slices.DeleteFunc(slices.Clone(r.published), func(p scheduler.Published) bool { return p.Gone() || p.Suppression != "" })
	sort.SliceStable(standing, func(i, j int) bool { return standing[i].FirstSeen < standing[j].FirstSeen })
	for i := range standing {
		e := scheduler.SignalEvent(&standing[i], uint64(i+1))
		events = append(events, e)
		matches = append(matches, plan.SignalMatches(standing[i].RuleID, &e)...)
	}
	return events, matches
}

// tables are the reference tables of the test. A table that the rule asks and
// the test lacks is a mistake of the test: it would be empty in silence.
func (r *run) tables(plan *compiler.BoundPlan) (compiler.Tables, error) {
	wanted := plan.TableColumns()
	tables := reference.NewMemory()
	for _, list := range [][]tableSource{r.suite.Tables, r.test.Tables} {
		for i := range list {
			if err := list[i].add(tables, r.suite.folder, wanted); err != nil {
				return nil, err
			}
		}
	}
	var missing []error
	for _, text := range tables.Missing(wanted) {
		missing = append(missing, errors.New(text))
	}
	return tables, errors.Join(missing...)
}

func (r *run) suppressions() ([]compiler.InForce, error) {
	var out []compiler.InForce
	for _, list := range [][]suppressionCase{r.suite.Suppressions, r.test.Suppressions} {
		for i := range list {
			s, err := list[i].compile(r.start)
			if err != nil {
				return nil, err
			}
			out = append(out, s)
		}
	}
	return out, nil
}
