package control

import (
	"errors"
	"strings"

	"nightjar/secl"
	"nightjar/secl/event"
)

// Mistakes are all that is wrong with an expression of an agent rule, in the order of their
// places. Variables are set by other rules, which are not known here: an expression that
// has some is checked for its syntax only. The macros of the built-in rules may be used.
func (d *Defaults) Mistakes(text string) []*secl.Error {
	if strings.TrimSpace(text) == "" {
		return []*secl.Error{{Line: 1, Column: 1, Message: "there is no expression", Hint: `write one such as exec.file.name == "nc"`}}
	}
	var err error
	if strings.Contains(text, "${") {
		_, err = secl.Parse(text)
	} else {
		_, err = secl.Check(text, &secl.Env{Model: event.Model(), Macros: d.Macros})
	}
	var all secl.Errors
	switch {
	case err == nil:
		return nil
	case errors.As(err, &all) && len(all) > 0:
		return all
	}
	return []*secl.Error{{Line: 1, Column: 1, Message: err.Error()}}
}
