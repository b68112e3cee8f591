package ruletest

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"nightjar/compiler"
	"nightjar/compiler/rulecheck"
	"nightjar/scheduler/reference"
	"nightjar/schema"
)

// suite is a file of tests.
type suite struct {
	place        `json:"-"`
	Rule         *ruleSource       `json:"rule"`
	Rules        []ruleSource      `json:"rules"`
	Start        *moment           `json:"start"`
	Defaults     json.RawMessage   `json:"defaults"`
	Tables       []tableSource     `json:"tables"`
	Suppressions []suppressionCase `json:"suppressions"`
	Tests        []testCase        `json:"tests"`

	folder folder
	plans  []*compiler.Plan
	// spend refuses an event of so many bytes that is too much; nil: none is.
	spend func(bytes int) error
}

// testCase is one test. What it lacks is the suite's; tables and suppressions
// are added to the suite's.
type testCase struct {
	place `json:"-"`
	Name  string  `json:"name"`
	Start *moment `json:"start"`
	// Until is the moment at which the test looks: later events are left out, and
	// silence is judged up to it.
	Until        *moment           `json:"until"`
	Tables       []tableSource     `json:"tables"`
	Suppressions []suppressionCase `json:"suppressions"`
	Events       []eventSource     `json:"events"`
	Signals      *[]expectation    `json:"signals"`
}

// maxFile is how large a file of tests may be, in bytes.
const maxFile = 16 << 20

// read reads a file of tests and compiles its rules. Errors are mistakes with
// their places, all there are.
func read(path string) (*suite, []string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	return parse(folder{dir: filepath.Dir(path)}, text, nil)
}

// parse reads the text of a file of tests. rule, unless nil, is instead of the one that it
// names.
func parse(in folder, text []byte, rule *schema.Rule) (*suite, []string, error) {
	if len(text) > maxFile {
		return nil, nil, fmt.Errorf("larger than %d bytes; split it", maxFile)
	}
	root, err := document(text)
	if err != nil {
		return nil, nil, err
	}
	s := &suite{folder: in}
	if err := decode(root, s); err != nil {
		return nil, nil, err
	}
	if rule != nil {
		s.Rule = &ruleSource{place: place{root}, rule: *rule}
	}
	warnings, err := s.compile()
	return s, warnings, errors.Join(err, s.check())
}

// document is the one document of a text.
func document(text []byte) (*yaml.Node, error) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	var doc, more yaml.Node
	if err := d.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, &MistakeError{1, 1, "the file is empty"}
		}
		return nil, fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("want one document in a file, and there is more behind the first")
	}
	return doc.Content[0], nil
}

func (s *suite) compile() (warnings []string, err error) {
	sources := s.Rules
	if s.Rule != nil {
		sources = append([]ruleSource{*s.Rule}, sources...)
	}
	if len(sources) == 0 {
		return nil, mistake(s.node, "which rule? write `rule:` with a file or a rule, or `rules:` with several")
	}
	for i := range sources {
		r := &sources[i]
		plan, more, err := r.compile(s.folder)
		if err != nil {
			return warnings, r.mistakes(err)
		}
		for _, w := range more {
			warnings = append(warnings, plan.Rule.Name+": "+w)
		}
		if slices.ContainsFunc(s.plans, func(p *compiler.Plan) bool { return p.Rule.Name == plan.Rule.Name }) {
			return warnings, mistake(r.node, "two rules are named %q; a signal could be of either", plan.Rule.Name)
		}
		s.plans = append(s.plans, plan)
	}
	for i, plan := range s.plans {
		for _, l := range plan.Labels {
			if plan.OfSignals && !slices.ContainsFunc(s.plans, func(p *compiler.Plan) bool { return p.Rule.ID == l.OfRule && !p.OfSignals }) {
				return warnings, mistake(sources[i].node, "the rule asks for signals of rule %q; list that rule too, with this `id:`", l.OfRule)
			}
		}
	}
	slices.SortStableFunc(s.plans, func(a, b *compiler.Plan) int { return overSignals(a) - overSignals(b) })
	return warnings, nil
}

// overSignals is 1 for a rule over signals, which needs those of the others.
func overSignals(p *compiler.Plan) int {
	if p.OfSignals {
		return 1
	}
	return 0
}

// check finds what is wrong with what could be read.
func (s *suite) check() error {
	var mistakes []error
	bad := func(n *yaml.Node, format string, args ...any) {
		mistakes = append(mistakes, mistake(n, format, args...))
	}
	if len(s.Tests) == 0 {
		bad(s.node, "there are no tests; write them under `tests:`")
	}
	if s.Defaults != nil && !bytes.HasPrefix(s.Defaults, []byte("{")) {
		bad(s.node, "defaults: want a mapping that every event begins with")
	}
	if s.Start != nil && s.Start.relative {
		bad(s.Start.node, "start: relative to what? write a time such as 2026-03-01T09:00:00Z")
	}
	names := map[string]bool{}
	for i := range s.Tests {
		t := &s.Tests[i]
		switch {
		case t.Name == "":
			bad(t.node, "a test needs a name: the fact that it shows")
		case names[t.Name]:
			bad(t.node, "two tests are named %q", t.Name)
		case t.Signals == nil:
			bad(t.node, "which signals are expected? `signals: []` is none")
		case t.Start != nil && t.Start.relative:
			bad(t.Start.node, "start: relative to what? write a time such as 2026-03-01T09:00:00Z")
		}
		names[t.Name] = true
		for j := range t.Events {
			if err := t.Events[j].check(); err != nil {
				mistakes = append(mistakes, err)
			}
		}
		if t.Signals == nil {
			continue
		}
		for _, e := range *t.Signals {
			if e.Rule != nil && !slices.ContainsFunc(s.plans, func(p *compiler.Plan) bool { return p.Rule.Name == *e.Rule }) {
				bad(e.node, "no rule here is named %q", *e.Rule)
			}
		}
	}
	return errors.Join(mistakes...)
}

// ruleSource is a rule: the path of a file, `file:` with one and perhaps the id
// that rules over its signals know it by, or the rule itself.
type ruleSource struct {
	place
	path, id string
	rule     schema.Rule
}

func (r *ruleSource) fromYAML(n *yaml.Node) error {
	var named struct {
		File string `json:"file"`
		ID   string `json:"id"`
	}
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == "!!str":
		r.path = n.Value
		return nil
	case n.Kind == yaml.MappingNode && child(n, "file") != nil:
		err := decode(n, &named)
		r.path, r.id = named.File, named.ID
		return err
	}
	return decode(n, &r.rule)
}

// compile makes the plan. A rule is evaluated whether or not it is enabled.
func (r *ruleSource) compile(in folder) (*compiler.Plan, []string, error) {
	rule := r.rule
	if r.path != "" {
		var err error
		if rule, err = in.rule(r.path); err != nil {
			return nil, nil, err
		}
		if r.id != "" {
			rule.ID = r.id
		}
	}
	checked := rulecheck.Check(rule, rulecheck.Surroundings{})
	err := checked.Uncompiled
	if err == nil && checked.Plan.Unsupported != "" {
		err = errors.New(checked.Plan.Unsupported)
	}
	if err != nil && r.path != "" {
		err = fmt.Errorf("%s: %w", r.path, err)
	}
	return checked.Plan, checked.Warnings, err
}

// mistakes says where in the file the rule is wrong.
func (r *ruleSource) mistakes(err error) error {
	var invalid *schema.InvalidError
	if r.path != "" || !errors.As(err, &invalid) {
		return mistake(r.node, "%v", err)
	}
	var out []error
	for _, d := range invalid.Details {
		out = append(out, mistake(at(r.node, d.Target), "%s: %s", d.Target, d.Message))
	}
	return errors.Join(out...)
}

// tableSource is a reference table: a CSV file, CSV text or rows.
type tableSource struct {
	place `json:"-"`
	Name  string     `json:"name"`
	File  string     `json:"file"`
	CSV   string     `json:"csv"`
	Rows  []tableRow `json:"rows"`
}

// tableRow is a row by the names of its columns, in their order.
type tableRow struct {
	place
	columns, cells []string
}

func (r *tableRow) fromYAML(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return mistake(n, "want a row as a mapping of columns to values, got %s", kindOf(n))
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if value.Kind != yaml.ScalarNode {
			return mistake(value, "column %s: want one value, got %s", key.Value, kindOf(value))
		}
		r.columns = append(r.columns, key.Value)
		r.cells = append(r.cells, value.Value)
	}
	return nil
}

// add reads the table into those of a test.
func (t *tableSource) add(to *reference.Memory, in folder, wanted []compiler.TableColumn) error {
	ways := 0
	for _, there := range []bool{t.File != "", t.CSV != "", t.Rows != nil} {
		if there {
			ways++
		}
	}
	if t.Name == "" || ways != 1 {
		return mistake(t.node, "a table needs a name and one of file, csv and rows")
	}
	text, err := t.text(in)
	if err != nil {
		return err
	}
	if _, err := to.Add(t.Name, strings.NewReader(text), wanted); err != nil {
		return mistake(t.node, "table %s: %s%s", t.Name, t.File, err)
	}
	return nil
}

func (t *tableSource) text(in folder) (string, error) {
	if t.CSV != "" {
		return t.CSV, nil
	}
	if t.File != "" {
		text, err := in.read(t.File)
		if err != nil {
			return "", mistake(t.node, "table %s: %v", t.Name, err)
		}
		return string(text), nil
	}
	var out strings.Builder
	w := csv.NewWriter(&out)
	for i, r := range t.Rows {
		if i == 0 {
			_ = w.Write(r.columns) // a Builder takes everything
		}
		if !slices.Equal(r.columns, t.Rows[0].columns) {
			return "", mistake(r.node, "table %s: this row has the columns %v, the first %v", t.Name, r.columns, t.Rows[0].columns)
		}
		_ = w.Write(r.cells)
	}
	w.Flush()
	if len(t.Rows) == 0 {
		return "", mistake(t.node, "table %s: a table without rows has no columns; give one as csv", t.Name)
	}
	return out.String(), nil
}

// suppressionCase is a suppression as a test has it: enabled unless it says
// otherwise, its times relative or not.
type suppressionCase struct {
	place      `json:"-"`
	ID         string  `json:"id"`
	Name       string  `json:"name"`
	Enabled    *bool   `json:"enabled"`
	RuleQuery  string  `json:"rule_query"`
	Signals    string  `json:"suppression_query"`
	Data       string  `json:"data_exclusion_query"`
	Start      *moment `json:"start_date"`
	Expiration *moment `json:"expiration_date"`
}

// document is the suppression as the API has it, in a test that starts at start.
func (s *suppressionCase) document(start schema.Millis) schema.Suppression {
	return schema.Suppression{
		ID: cmp.Or(s.ID, s.Name), Name: s.Name, Enabled: s.Enabled == nil || *s.Enabled,
		RuleQuery: s.RuleQuery, SuppressionQuery: s.Signals, DataExclusionQuery: s.Data,
		StartDate: s.Start.in(start), ExpirationDate: s.Expiration.in(start),
	}
}

func (s *suppressionCase) compile(start schema.Millis) (compiler.InForce, error) {
	p := s.document(start)
	c, err := compiler.CompileSuppression(p)
	if err != nil {
		return compiler.InForce{}, mistake(s.node, "suppression %s: %v", p.ID, err)
	}
	return compiler.Always(c), nil
}
