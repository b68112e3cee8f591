package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"nightjar/agent/deny"
	"nightjar/agent/rehearsal"
	"nightjar/compiler/search"
	"nightjar/schema"
	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/policy"
	"nightjar/secl/ruleset"
	"nightjar/secl/sql"
)

// killsOf are the kill actions of a rule that are in force.
func killsOf(r *policy.Rule) []*policy.Action {
	var out []*policy.Action
	for _, a := range r.Actions {
		if a.Kill != nil && !a.ActionDef.Disabled {
			out = append(out, a)
		}
	}
	return out
}

// rehearsals are those of the rules that kill, by their ids.
type rehearsals map[string]*rehearsal.Rehearsal

func (o *seclBacktest) rehearse(rules []*policy.Rule) rehearsals {
	out := rehearsals{}
	for _, r := range rules {
		if len(killsOf(r)) > 0 {
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

// tell puts what would have been killed into the answer about its rule.
func (k rehearsals) tell(w *wouldHave) {
	one := k[w.Rule]
	if one == nil {
		return
	}
	out := one.Outcome()
	w.Kills = &out
	if out.Killed == 0 { // whatever its actions are
		kept := w.Actions[:0]
		for _, a := range w.Actions {
			if a != "killed" {
				kept = append(kept, a)
			}
		}
		w.Actions = kept
	}
}

// storedKills is how many stored matches of a rule are looked at, and how many of them at
// once: the engine answers with no more.
const (
	storedKills = 200_000
	atOnce      = 10_000
)

// askKills asks for the stored events that a rule would have killed because of, in their
// order, and decides about each.
func (o *seclBacktest) askKills(ctx context.Context, cl *client, r *policy.Rule, from, to schema.Millis, w *wouldHave) error {
	k := o.rehearse([]*policy.Rule{r})
	if len(k) == 0 {
		return nil
	}
	defer k.tell(w)
	after := [2]string{"0", "0"}
	for seen := 0; seen < storedKills; {
		rows, err := askKillRows(ctx, cl, r, from, to, after)
		var not *notAskedError
		if errors.As(err, &not) {
			w.Not = "what it would have killed: " + not.Error()
			delete(k, r.ID)
			return nil
		}
		if err != nil {
			return err
		}
		for _, row := range rows {
			row.rehearse(k[r.ID], killsOf(r))
			after = row.place
		}
		if seen += len(rows); len(rows) < atOnce {
			return nil
		}
	}
	fmt.Fprintf(os.Stderr, "rule `%s`: what it would have killed is told of its first %d matches; name a shorter time with --from and --to\n", r.ID, storedKills)
	return nil
}

// notAskedError is why stored events can't be asked.
type notAskedError struct{ error }

// killRow is a stored event that a rule matches: its time and arrival, its host, and what a
// decision needs to know of its process.
type killRow struct {
	place  [2]string // in the order of the events
	host   string
	event  event.Event
	filter []bool // of each kill action: it lets the event through
}

// killFields are what of a process a decision is about.
var killFields = []string{
	"process.pid", "process.file.path", "process.interpreter.file.path", "process.user", "process.uid", "container.id", "process.is_kworker",
}

// askKillRows asks for the next stored events that a rule matches.
func askKillRows(ctx context.Context, cl *client, r *policy.Rule, from, to schema.Millis, after [2]string) ([]killRow, error) {
	params := &search.Params{}
	condition, err := sql.Where(r.Rule, params)
	if err != nil {
		return nil, &notAskedError{err}
	}
	columns := []string{"toString(toUnixTimestamp64Milli(timestamp))", "toString(seq)", "toString(host)"}
	for _, name := range killFields {
		columns = append(columns, sql.First(event.Model().Field(name), params))
	}
	file := "''"
	if f := event.Model().Field(r.Event() + ".file.path"); f != nil {
		file = sql.First(f, params)
	}
	columns = append(columns, file)
	for _, a := range killsOf(r) {
		filter := "true"
		if a.When != nil {
			if filter, err = sql.Condition(a.When, params); err != nil {
				return nil, &notAskedError{err}
			}
		}
		columns = append(columns, "toString("+filter+")")
	}
	at := []string{"toUnixTimestamp64Milli(timestamp)", "seq"}
	query := "SELECT " + strings.Join(columns, ", ") + "\nFROM events\nWHERE " + at[0] + " >= " + params.Int(int64(from)) + " AND " + at[0] + " < " + params.Int(int64(to)) +
		" AND (" + at[0] + ", " + at[1] + ") > (toInt64(" + params.String(after[0]) + "), toUInt64(" + params.String(after[1]) + ")) AND " + condition +
		"\nORDER BY " + strings.Join(at, ", ") + "\nLIMIT " + strconv.Itoa(atOnce)
	rows, err := askStored(ctx, cl, query, params)
	if err != nil {
		return nil, err
	}
	out := make([]killRow, len(rows))
	for i, row := range rows {
		if err := out[i].read(row, len(columns)); err != nil {
			return nil, fmt.Errorf("the engine's answer is no result: %w", err)
		}
		out[i].event.Type = r.Event()
	}
	return out, nil
}

func (k *killRow) read(row []json.RawMessage, columns int) error {
	if len(row) != columns {
		return fmt.Errorf("%d columns instead of %d", len(row), columns)
	}
	texts := make([]string, columns)
	for i, text := range row {
		if err := json.Unmarshal(text, &texts[i]); err != nil {
			return err
		}
	}
	const beforeFields = 3
	k.place, k.host = [2]string{texts[0], texts[1]}, texts[2]
	millis, err := strconv.ParseInt(texts[0], 10, 64)
	if err != nil {
		return err
	}
	field := func(name string) string {
		for i, f := range killFields {
			if f == name {
				return texts[beforeFields+i]
			}
		}
		return ""
	}
	number := func(name string) int64 { n, _ := strconv.ParseInt(field(name), 10, 64); return n }
	p := &event.Process{
		PID: number("process.pid"), UID: number("process.uid"), User: field("process.user"), Container: field("container.id"), IsKworker: field("process.is_kworker") == "true",
	}
	p.File.SetPath(field("process.file.path"))
	p.Interpreter.SetPath(field("process.interpreter.file.path"))
	k.event = event.Event{Timestamp: millis * int64(time.Millisecond), Process: p}
	after := texts[beforeFields+len(killFields):]
	k.event.File.SetPath(after[0])
	for _, t := range after[1:] {
		k.filter = append(k.filter, t == "true" || t == "1")
	}
	return nil
}

func (k *killRow) rehearse(one *rehearsal.Rehearsal, kills []*policy.Action) {
	for i, a := range kills {
		if k.filter[i] {
			one.Add(k.host, a.Kill, &k.event)
		}
	}
}

// writeKills tells people what a rule would have killed.
func writeKills(to io.Writer, w *wouldHave) error {
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
