package respond

import (
	"path"
	"slices"

	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/policy"
	"nightjar/secl/ruleset"
)

// maxText is the length of the longest path that the kernel looks up.
const maxText = 255

// The fields that the file of a program says everything about, and those of which its
// last name alone does.
var (
	nameFields = []string{"exec.file.name", "process.file.name", "exec.file.name.length", "process.file.name.length"}
	pathFields = append([]string{"exec.file.path", "process.file.path", "exec.file.path.length", "process.file.path.length"}, nameFields...)
)

// decided are the paths, and the last names of paths, that alone make a rule about exec
// match, whatever else an event says. A rule with further conditions has none; neither
// has one with a register, which asks about as many things as there are.
func decided(r *ruleset.Rule) []string {
	if r.Event() != "exec" || r.Iterator() != nil {
		return nil
	}
	var out []string
	for _, names := range [][]string{nameFields, pathFields} {
		known := fieldsOf(names)
		partial := secl.CompilePartial(r.Rule.Rule, known...)
		for _, f := range known {
			for _, v := range secl.Values(r.Expr, f) {
				text := v.Value.Text
				isName := path.Base(text) == text && text != "/" && text != "."
				if v.Kind != secl.KindScalar || text == "" || len(text) > maxText || !isName && path.Clean("/"+text) != text {
					continue
				}
				if isName != (len(names) == len(nameFields)) || slices.Contains(out, text) {
					continue
				}
				if partial.Verdict(&secl.Context{Event: execOf(text)}) == secl.Certain {
					out = append(out, text)
				}
			}
		}
	}
	return out
}

func fieldsOf(names []string) []*secl.Field {
	var out []*secl.Field
	for _, name := range names {
		if f := event.Model().Field(name); f != nil {
			out = append(out, f)
		}
	}
	return out
}

// execOf is the exec of a file that is known by its path, or only by its name.
func execOf(text string) *event.Event {
	e := &event.Event{Type: "exec", Process: &event.Process{}}
	e.File.SetPath(text)
	e.Process.File = e.File
	return e
}

// atExec are the kills that the kernel can do by itself for a rule, by the texts that
// decide it; the action has no condition of its own.
func atExec(r *ruleset.Rule) (*policy.KillDef, []string) {
	if r.Mode != policy.Blocking {
		return nil, nil
	}
	return wouldAtExec(r)
}

// wouldAtExec is atExec if the policy were blocking. A rule that wants the memory of the
// process has none: it must live until that is written.
func wouldAtExec(r *ruleset.Rule) (*policy.KillDef, []string) {
	if slices.ContainsFunc(r.Actions, func(a *policy.Action) bool { return a.CoreDump != nil && !a.ActionDef.Disabled }) {
		return nil, nil
	}
	for _, a := range r.Actions {
		if a.ActionDef.Kill != nil && a.When == nil && !a.ActionDef.Disabled {
			return a.ActionDef.Kill, decided(r)
		}
	}
	return nil, nil
}
