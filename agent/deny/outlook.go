package deny

import (
	"fmt"
	"slices"
	"strings"

	"nightjar/secl/policy"
)

// Outlook is what will happen to what a rule matches that has the action kill.
type Outlook struct {
	Rule  string      `json:"rule"`
	Event string      `json:"event"`
	Mode  policy.Mode `json:"mode"`
	By    string      `json:"denied_by,omitempty"` // the mechanism; empty: it is not denied before it happens
	What  []string    `json:"denied,omitempty"`    // the files, or networks with ports
	Why   string      `json:"why,omitempty"`       // it is not denied
	Notes []string    `json:"notes,omitempty"`     // of what is denied, what is not
}

// undone are the types of events at which a process can be killed before it has
// anything of what it did.
var undone = []string{"exec", "open", "connect", "ptrace", "mmap", "mprotect", "bind", "accept", "signal"}

// Text says it to a person.
func (o *Outlook) Text() string {
	var out string
	switch {
	case o.By != "":
		out = "denied by " + o.By + ": " + shortened(o.What)
	case o.Mode != policy.Blocking:
		out = "recorded only"
	case slices.Contains(undone, o.Event):
		out = "killed, not denied"
	default:
		out = "reaction only: it has happened when the process is killed"
	}
	if o.Why != "" {
		out += " (" + o.Why + ")"
	}
	const most = 4
	for i, n := range o.Notes {
		if i == most {
			return out + fmt.Sprintf("; and %d further notes", len(o.Notes)-most)
		}
		out += "; " + n
	}
	return out
}

// shortened lists a few, and says how many more there are.
func shortened(list []string) string {
	const most = 4
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return strings.Join(list[:most], ", ") + ", …"
}
