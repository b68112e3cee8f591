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
	case r.Event() == string(Exec) && slices.ContainsFunc(r.Actions, dumps):
		return "its action coredump needs the process"
	case r.Iterator() != nil:
		return "it asks about ancestors one by one"
	}
	return ""
}

func dumps(a *policy.Action) bool { return a.ActionDef.CoreDump != nil && !a.ActionDef.Disabled }

// Foreseen are the files whose execution or opening a rule would deny before it happens, on
// a host whose kernel can, were its policy blocking.
func Foreseen(r *policy.Rule) []string {
	blocking := *r
	blocking.Mode = policy.Blocking
	op := Operation(r.Event())
	if wanted(&blocking) != "" || op != Exec && op != Open {
		return nil
	}
	paths, _ := reduceToFiles(&blocking, op)
	paths, _ = deniable(&blocking, paths, nil)
	return paths
}

// forbids reports whether an action says of everything that matches that it shall not
// be.
func forbids(a *policy.Action) bool {
	d := a.ActionDef
	return d.Kill != nil && !d.Disabled && d.Filter == "" && slices.Contains(ending, d.Kill.Signal)
}

// reduceToFiles finds the paths of which a rule says that an event about them matches,
// whatever else is true; and why there are none.
func reduceToFiles(r *policy.Rule, op Operation) (paths []string, why string) {
	names := false
	for _, text := range event.DecidingFiles(r.Rule, string(op)) {
		if path.IsAbs(text) {
			paths = append(paths, text)
		} else {
			names = true
		}
	}
	if len(paths) > 0 {
		return paths, ""
	}
	if names {
		return nil, "it names files by their last names, not by whole paths"
	}
	of := func(f *secl.Field) bool {
		for _, prefix := range []string{string(op), "process"} {
			rest, ok := strings.CutPrefix(f.Name, prefix+".file.")
			if ok && (prefix == string(op) || op == Exec) && slices.Contains([]string{"path", "name", "path.length", "name.length"}, rest) {
				return true
			}
		}
		return false
	}
	return nil, notReduced(r, of, "which file it is")
}

// notReduced says what a rule asks that can't be known before.
func notReduced(r *policy.Rule, known func(*secl.Field) bool, what string) string {
	var more []string
	for _, f := range r.Fields() {
		if !known(f) {
			more = append(more, f.Name)
		}
	}
	if len(more) > 0 {
		return fmt.Sprintf("it asks more than %s: %s", what, strings.Join(more, ", "))
	}
	return "it names none as a whole: " + what + " must be said by whole values"
}
