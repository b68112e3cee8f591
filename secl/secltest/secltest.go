// Package secltest reads what cases of the language need: events of the agent, macros
// and variables, a line each. It is imported by tests only, of the evaluator and of the
// SQL that is asked of stored events. Start at New.
package secltest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"nightjar/secl"
	"nightjar/secl/event"
)

// Now is when the cases are evaluated.
var Now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// World is what the cases of a file are asked of.
type World struct {
	Env    *secl.Env
	Names  []string // of the events
	Events []*event.Event
}

// New reads events, macros and variables: names, and what stands behind each. Events are
// JSON as event.Decode reads it, variables a value of JSON, macros expressions, which
// may use those before them.
func New(events, macros, vars [][2]string) (*World, error) {
	w := &World{Env: &secl.Env{Model: event.Model(), Macros: map[string]*secl.Macro{}, Vars: map[string]*secl.Var{}}}
	for _, line := range events {
		e, err := event.Decode([]byte(line[1]), Now.UnixNano())
		if err != nil {
			return nil, fmt.Errorf("event %s: %w", line[0], err)
		}
		w.Names, w.Events = append(w.Names, line[0]), append(w.Events, e)
	}
	for _, line := range vars {
		v, err := variable(line[0], line[1])
		if err != nil {
			return nil, fmt.Errorf("variable %s: %w", line[0], err)
		}
		w.Env.Vars[line[0]] = v
	}
	for _, line := range macros {
		m, err := secl.CheckMacro(line[0], line[1], w.Env)
		if err != nil {
			return nil, fmt.Errorf("macro %s: %w", line[0], err)
		}
		w.Env.Macros[line[0]] = m
	}
	return w, nil
}

// Context is that of one of the events.
func (w *World) Context(i int) *secl.Context {
	return &secl.Context{Event: w.Events[i], Now: Now.UnixNano()}
}

// Matches are the names of the events that a rule matches, by the evaluator.
func (w *World) Matches(rule *secl.Rule) []string {
	program := secl.Compile(rule)
	var out []string
	for i, e := range w.Events {
		if (rule.Event() == "" || e.Type == rule.Event()) && program.Match(w.Context(i)) {
			out = append(out, w.Names[i])
		}
	}
	return out
}

// variable is one that always has the value.
func variable(name, text string) (*secl.Var, error) {
	v := &secl.Var{Name: name}
	var one int64
	var many []int64
	var word string
	var words []string
	var yes bool
	read := func(into any) bool { return json.NewDecoder(strings.NewReader(text)).Decode(into) == nil }
	switch {
	case read(&one):
		v.Read = func(*secl.Context) int64 { return one }
	case read(&word):
		v.Read = func(*secl.Context) string { return word }
	case read(&yes):
		v.Read = func(*secl.Context) bool { return yes }
	case read(&many):
		v.Read = func(*secl.Context) []int64 { return many }
	case read(&words):
		v.Read = func(*secl.Context) []string { return words }
	default:
		return nil, fmt.Errorf("%s is no value", text)
	}
	return v, nil
}
