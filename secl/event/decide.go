package event

import (
	"path"
	"slices"

	"nightjar/secl"
)

// ends are what can be asked of a file's name, of which the name says everything, and of
// its path.
var (
	nameEnds = []string{".file.name", ".file.name.length"}
	pathEnds = []string{".file.path", ".file.path.length"}
)

// DecidingFiles are the paths, and the last names of paths, that alone make a rule match:
// an event of the type about such a file matches, whatever else it says. A rule with
// further conditions has none; neither has one with a register, which asks about as many
// things as there are. For exec, the process is the one that executes the file.
func DecidingFiles(r *secl.Rule, kind string) []string {
	if r.Event() != kind || r.Iterator() != nil {
		return nil
	}
	names := fieldsOfFile(kind, nameEnds)
	paths := append(fieldsOfFile(kind, pathEnds), names...)
	out := decidingTexts(r, kind, names, isName)
	return append(out, decidingTexts(r, kind, paths, func(text string) bool { return path.IsAbs(text) && path.Clean(text) == text })...)
}

// decidingTexts are those, of the form that is wanted, that alone make the rule match
// when these fields are known.
func decidingTexts(r *secl.Rule, kind string, known []*secl.Field, form func(string) bool) []string {
	var out []string
	partial := secl.CompilePartial(r, known...)
	for _, f := range known {
		for _, v := range secl.Values(r.Expr, f) {
			text := v.Value.Text
			if v.Kind == secl.KindScalar && form(text) && !slices.Contains(out, text) && partial.Verdict(&secl.Context{Event: about(kind, text)}) == secl.Certain {
				out = append(out, text)
			}
		}
	}
	return out
}

func isName(text string) bool {
	return text != "" && text != "." && text != "/" && path.Base(text) == text
}

// fieldsOfFile are the fields with these ends: of the event, and where it is exec, of its
// process.
func fieldsOfFile(kind string, ends []string) []*secl.Field {
	prefixes := []string{kind}
	if kind == "exec" {
		prefixes = append(prefixes, "process")
	}
	var out []*secl.Field
	for _, prefix := range prefixes {
		for _, end := range ends {
			if f := Model().Field(prefix + end); f != nil {
				out = append(out, f)
			}
		}
	}
	return out
}

// about is an event about a file that is known by its path, or only by its name.
func about(kind, text string) *Event {
	e := &Event{Type: kind, Process: &Process{}}
	e.File.SetPath(text)
	if kind == "exec" {
		e.Process.File = e.File
	}
	return e
}
