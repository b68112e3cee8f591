package deny

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/policy"
)

// Operation is what is denied.
type Operation string

// The operations, by the names of their events.
const (
	Exec    Operation = "exec"
	Open    Operation = "open"
	Connect Operation = "connect"
)

// Entry is one thing that is denied, and the rules because of which it is.
type Entry struct {
	ID        uint32
	Operation Operation
	Path      string // of exec and open
	Net       Net    // of connect
	Rules     []string
}

// String is what the entry stands for.
func (e *Entry) String() string {
	if e.Operation == Connect {
		return e.Net.String()
	}
	return e.Path
}

// ending are the signals of a kill action that say that what matches shall not be.
var ending = []string{"SIGKILL", "SIGTERM", "SIGABRT", "SIGINT", "SIGQUIT", "SIGHUP"}

// wanted says why nothing of a rule is denied, whatever it asks; empty if it may be.
func wanted(r *policy.Rule) string {
	kills := slices.ContainsFunc(r.Actions, func(a *policy.Action) bool { return a.ActionDef.Kill != nil })
	switch {
	case !kills:
		return "it has no action kill"
	case r.Mode != policy.Blocking:
		return "no policy that has it is blocking"
	case !slices.ContainsFunc(r.Actions, forbids):
		return "its action kill has a filter, or sends a signal that ends nothing"
	case r.Iterator() != nil:
		return "it asks about ancestors one by one"
	}
	return ""
}

// forbids reports whether an action says of everything that matches that it shall not
// be.
func forbids(a *policy.Action) bool {
	d := a.ActionDef
	return d.Kill != nil && !d.Disabled && d.Filter == "" && slices.Contains(ending, d.Kill.Signal)
}

// fileFields are the fields of which the file says everything.
func fileFields(m *secl.Model, op Operation) []*secl.Field {
	var out []*secl.Field
	prefixes := []string{string(op)}
	if op == Exec {
		prefixes = append(prefixes, "process")
	}
	for _, p := range prefixes {
		for _, name := range []string{".file.path", ".file.name", ".file.path.length", ".file.name.length"} {
			if f := m.Field(p + name); f != nil {
				out = append(out, f)
			}
		}
	}
	return out
}

// reduceToFiles finds the paths of which a rule says that an event about them matches,
// whatever else is true; and why there are none.
func reduceToFiles(r *policy.Rule, m *secl.Model, op Operation) (paths []string, why string) {
	known := fileFields(m, op)
	partial := secl.CompilePartial(r.Rule, known...)
	patterns := false
	for _, f := range known {
		if !f.Path {
			continue
		}
		for _, v := range secl.Values(r.Expr, f) {
			at := v.Value.Text
			if v.Kind != secl.KindScalar || !path.IsAbs(at) {
				patterns = true
				continue
			}
			e := eventOf(op, at)
			if !slices.Contains(paths, at) && partial.Verdict(&secl.Context{Event: e}) == secl.Certain {
				paths = append(paths, at)
			}
		}
	}
	if len(paths) > 0 {
		return paths, ""
	}
	return nil, notReduced(r, known, patterns, "which file it is")
}

// eventOf is an event about a file.
func eventOf(op Operation, at string) *event.Event {
	e := &event.Event{Type: string(op), Process: &event.Process{}}
	e.File.SetPath(at)
	if op == Exec {
		e.Process.File = e.File
	}
	return e
}

// notReduced says what a rule asks that can't be known before.
func notReduced(r *policy.Rule, known []*secl.Field, patterns bool, what string) string {
	var more []string
	for _, f := range r.Fields() {
		if !slices.Contains(known, f) {
			more = append(more, f.Name)
		}
	}
	switch {
	case len(more) > 0:
		return fmt.Sprintf("it asks more than %s: %s", what, strings.Join(more, ", "))
	case patterns:
		return "it names files by patterns, not by whole paths"
	}
	return "it does not say " + what
}
