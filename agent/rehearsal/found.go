package rehearsal

import (
	"slices"

	"nightjar/schema"
	"nightjar/secl/policy"
)

// Found is what a rule would have found and done.
type Found struct {
	Rule    string        `json:"rule"`
	Events  uint64        `json:"events"`
	First   schema.Millis `json:"first_seen,omitempty"`
	Last    schema.Millis `json:"last_seen,omitempty"`
	Hosts   []string      `json:"hosts,omitempty"`
	Actions []string      `json:"would_have,omitempty"`
	// Kills are what the rule would have killed; nil: it kills nothing.
	Kills   *Outcome `json:"kills,omitempty"`
	Not     string   `json:"not_asked,omitempty"` // why the rule was not asked, or not what it would have killed
	Partial string   `json:"partial,omitempty"`   // of what Kills does not tell
}

// Add adds an event that the rule matches.
func (f *Found) Add(r *policy.Rule, when schema.Millis, host string) {
	if f.Events == 0 {
		f.First = when
		f.Actions = ActionsOf(r)
	}
	f.Events++
	f.Last = max(f.Last, when)
	if host != "" && !slices.Contains(f.Hosts, host) {
		f.Hosts = append(f.Hosts, host)
	}
}

// Tell adds what would have been killed.
func (f *Found) Tell(r *Rehearsal) {
	if r == nil {
		return
	}
	out := r.Outcome()
	f.Kills = &out
	if out.Killed == 0 { // whatever its actions are
		f.Actions = slices.DeleteFunc(f.Actions, func(a string) bool { return a == killed })
	}
}

const killed = "killed"

// ActionsOf are what a rule would have done.
func ActionsOf(r *policy.Rule) []string {
	var out []string
	for _, a := range r.Actions {
		switch {
		case a.ActionDef.Disabled:
		case a.Kill != nil:
			out = append(out, killed)
		case a.ActionDef.Set == nil:
			out = append(out, a.Kind())
		}
	}
	return out
}

// KillsOf are the kill actions of a rule that are in force.
func KillsOf(r *policy.Rule) []*policy.Action {
	var out []*policy.Action
	for _, a := range r.Actions {
		if a.Kill != nil && !a.ActionDef.Disabled {
			out = append(out, a)
		}
	}
	return out
}
