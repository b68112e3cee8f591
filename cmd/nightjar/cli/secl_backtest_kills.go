package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"nightjar/agent/deny"
	"nightjar/agent/rehearsal"
	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/policy"
	"nightjar/secl/ruleset"
)

// rehearsals are those of the rules that kill, by their ids.
type rehearsals map[string]*rehearsal.Rehearsal

func (o *seclBacktest) rehearse(rules []*policy.Rule) rehearsals {
	out := rehearsals{}
	for _, r := range rules {
		if len(rehearsal.KillsOf(r)) > 0 {
			out[r.ID] = rehearsal.Of(r.ID, rehearsal.Config{Protect: o.protect, Limits: o.limits, Denied: deny.Foreseen(r)})
		}
	}
	return out
}

// add adds the kills that a rule wants because of the event that it matches.
func (k rehearsals) add(r *ruleset.Rule, c *secl.Context) {
	if one := k[r.ID]; one != nil {
		e := c.Event.(*event.Event)
		for _, a := range r.Pending(c) {
			if a.Kill != nil {
				one.Add(e.Hostname, a.Kill, e)
			}
		}
	}
}

// writeKills tells people what a rule would have killed.
func writeKills(to io.Writer, w *rehearsal.Found) error {
	k := w.Kills
	if k == nil || k.Asked == 0 {
		return nil
	}
	lines := []string{fmt.Sprintf("In a blocking policy, rule %s would have killed %d of %d times: %s", w.Rule, k.Killed, k.Asked, counts(k.Executables))}
	add := func(list []rehearsal.Count, before string) {
		if len(list) > 0 {
			lines = append(lines, before+counts(list))
		}
	}
	if k.Deniable > 0 {
		lines = append(lines, fmt.Sprintf("  where a host can, %d would have been denied before they happened: nothing is killed then, and nothing stops that", k.Deniable))
	}
	add(k.Users, "  as: ")
	add(k.Containers, "  in: ")
	add(k.Spared, "  spared: ")
	for _, t := range k.Trips {
		what := "the " + t.Type + " " + t.Target
		if t.Target == "" {
			what = "everything: too many different " + t.Type + "s"
		}
		lines = append(lines, fmt.Sprintf("  stopped on %s at %s for %s (%s), which spared %d", t.Host, t.At.UTC().Format(time.RFC3339), what, t.Status, t.Spared))
	}
	if k.MoreTrips > 0 {
		lines = append(lines, fmt.Sprintf("  stopped later as well, which spared %d", k.MoreTrips))
	}
	if k.Scope != "" {
		lines = append(lines, "  and whatever else was in the same "+k.Scope+", which events don't tell")
	}
	for i := range lines {
		lines[i] = printable(lines[i])
	}
	_, err := io.WriteString(to, "\n"+strings.Join(lines, "\n")+"\n")
	return err
}

func counts(list []rehearsal.Count) string {
	parts := make([]string, len(list))
	for i, c := range list {
		parts[i] = fmt.Sprintf("%s ×%d", c.Name, c.Times)
	}
	return strings.Join(parts, ", ")
}
