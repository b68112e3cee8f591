package testcase

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/policy"
	"nightjar/secl/ruleset"
)

// File is a file of tests.
type File struct {
	Policies     []string // paths of policies, merged in their order
	Defaults     []string // paths of policies that the agent ships with
	AgentVersion string   `json:"agent_version"`
	Tests        []Test
}

// Test is a story: events in their order, in steps or in a recording.
type Test struct {
	Name    string
	Steps   []Step
	Events  Recording
	Matches map[string]int // of a recording: how often each rule matches; no other rule does
}

// Recording is a file that `nightjar agent record` wrote: an event in JSON on every
// line, evaluated at the time it happened.
type Recording struct{ File string }

// Step is one event, and what is expected of it.
type Step struct {
	After     string         // the time since the step before: 5s; nothing: at the same moment
	Event     map[string]any // type, and fields
	Matches   []string       // ids of the rules that match, no others
	Reported  []string       // ids of those of them that are reported; nothing: not looked at
	Variables map[string]any // by their full names, after the event
	// Actions are what the rules that match have taken beside setting variables, where
	// their policy is blocking: kinds of actions by the id of the rule, and no others; of
	// kinds whose filter lets them through. Nothing: not looked at.
	Actions map[string][]string
}

// Failure is an expectation that did not hold.
type Failure struct {
	Test    string `json:"test"`
	Step    int    `json:"step"` // from 1
	Message string `json:"message"`
}

// Read reads a file of tests, in YAML or JSON.
func Read(text []byte) (*File, error) {
	var any any
	if err := yaml.Unmarshal(text, &any); err != nil {
		return nil, err
	}
	object, err := json.Marshal(any)
	if err != nil {
		return nil, fmt.Errorf("keys are strings: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber()
	d.DisallowUnknownFields()
	f := &File{}
	if err := d.Decode(f); err != nil {
		return nil, err
	}
	if len(f.Tests) == 0 {
		return nil, errors.New("there are no tests in it")
	}
	return f, nil
}

// begin is the moment at which every test begins.
var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Run runs the tests of a file against policies that have been read. Recordings are
// opened with open.
func (f *File) Run(policies []*policy.Policy, open func(name string) (io.ReadCloser, error)) ([]Failure, error) {
	out := []Failure{}
	for _, t := range f.Tests {
		// Every test has variables of its own.
		set, err := policy.Load(policies, policy.Options{Model: event.Model(), World: event.World{}, AgentVersion: f.AgentVersion})
		if err != nil {
			return nil, err
		}
		for _, p := range set.Errors() {
			return nil, p
		}
		rules := ruleset.New(set, event.World{})
		failures, err := t.run(rules)
		if t.Events.File != "" {
			failures, err = t.runRecording(rules, open)
		}
		if err != nil {
			return nil, fmt.Errorf("test %q: %w", t.Name, err)
		}
		out = append(out, failures...)
	}
	return out, nil
}

func (t *Test) run(rules *ruleset.Set) ([]Failure, error) {
	var out []Failure
	now := begin
	for i, s := range t.Steps {
		if s.After != "" {
			d, err := time.ParseDuration(s.After)
			if err != nil || d < 0 {
				return nil, fmt.Errorf("step %d: %q is no time to wait; write 5s", i+1, s.After)
			}
			now = now.Add(d)
		}
		problems, err := s.run(rules, now.UnixNano())
		if err != nil {
			return nil, fmt.Errorf("step %d: %w", i+1, err)
		}
		for _, p := range problems {
			out = append(out, Failure{t.Name, i + 1, p})
		}
	}
	return out, nil
}

// runRecording compares how often each rule matches in a recording.
func (t *Test) runRecording(rules *ruleset.Set, open func(string) (io.ReadCloser, error)) ([]Failure, error) {
	if len(t.Steps) > 0 {
		return nil, errors.New("it has steps and a recording; write two tests")
	}
	file, err := open(t.Events.File)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	got := map[string]int{}
	err = Play(file, rules, func(r *ruleset.Rule, _ *secl.Context, _ bool) { got[r.ID]++ })
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.Events.File, err)
	}
	var out []Failure
	all := maps.Clone(got)
	maps.Copy(all, t.Matches)
	for _, id := range slices.Sorted(maps.Keys(all)) {
		if got[id] != t.Matches[id] {
			out = append(out, Failure{t.Name, 1, fmt.Sprintf("rule %s matches %d events, want %d", id, got[id], t.Matches[id])})
		}
	}
	return out, nil
}

// maxLine bounds an event of a recording, in bytes.
const maxLine = 16 << 20

// Play evaluates rules over the events of a recording, each at its own time, and
// calls found for every match. The context, whose event is an *event.Event, is lent.
func Play(recording io.Reader, rules *ruleset.Set, found func(r *ruleset.Rule, c *secl.Context, report bool)) error {
	lines := bufio.NewScanner(recording)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		e, err := event.Decode(lines.Bytes(), 0)
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if bucket := rules.For(e.Type); bucket != nil {
			c := &secl.Context{Event: e, Now: e.Timestamp}
			bucket.Evaluate(c, func(r *ruleset.Rule, report bool) { found(r, c, report) })
		}
	}
	return lines.Err()
}

func (s *Step) run(rules *ruleset.Set, now int64) ([]string, error) {
	e := &event.Event{}
	if err := e.Fill(s.Event, now); err != nil {
		return nil, err
	}
	c := &secl.Context{Event: e, Now: now}
	matched, reported, acts := []string{}, []string{}, []string{}
	if bucket := rules.For(e.Type); bucket != nil {
		bucket.Evaluate(c, func(r *ruleset.Rule, report bool) {
			matched = append(matched, r.ID)
			for _, a := range r.Pending(c) {
				acts = append(acts, r.ID+": "+a.Kind())
			}
			if report {
				reported = append(reported, r.ID)
			}
		})
	}
	problems := difference("match", s.Matches, matched)
	if s.Reported != nil {
		problems = append(problems, difference("be reported", s.Reported, reported)...)
	}
	if s.Actions != nil {
		problems = append(problems, difference("be taken", s.wantedActions(), acts)...)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Variables)) {
		v := rules.Vars.Get(name)
		if v == nil {
			return nil, fmt.Errorf("no rule sets a variable %q", name)
		}
		got, err := json.Marshal(secl.Printable(v.Value(c)))
		want, err2 := json.Marshal(s.Variables[name])
		if err := errors.Join(err, err2); err != nil {
			return nil, err
		}
		if string(got) != string(want) && !(string(got) == "null" && string(want) == "[]") {
			problems = append(problems, fmt.Sprintf("${%s} is %s, want %s", name, got, want))
		}
	}
	return problems, nil
}

// wantedActions are the expected ones, as `rule: kind`.
func (s *Step) wantedActions() []string {
	var out []string
	for _, id := range slices.Sorted(maps.Keys(s.Actions)) {
		for _, kind := range s.Actions[id] {
			out = append(out, id+": "+kind)
		}
	}
	return out
}

// difference tells which ids are in only one of two lists.
func difference(verb string, want, got []string) []string {
	var out []string
	for _, id := range want {
		if !slices.Contains(got, id) {
			out = append(out, fmt.Sprintf("rule %s should %s and does not", id, verb))
		}
	}
	for _, id := range got {
		if !slices.Contains(want, id) {
			out = append(out, fmt.Sprintf("rule %s should not %s and does", id, verb))
		}
	}
	return out
}
