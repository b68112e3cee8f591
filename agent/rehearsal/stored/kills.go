package stored

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"nightjar/agent/rehearsal"
	"nightjar/compiler/search"
	"nightjar/secl/event"
	"nightjar/secl/policy"
	"nightjar/secl/sql"
)

// storedKills is how many stored matches of a rule are looked at, and how many of them at
// once: the engine answers with no more.
const (
	storedKills = 200_000
	atOnce      = 10_000
)

// kills asks for the stored events that a rule would have killed because of, in their
// order, and decides about each.
func kills(ctx context.Context, ask Ask, r *policy.Rule, span Span, one *rehearsal.Rehearsal, out *rehearsal.Found) error {
	after := [2]string{"0", "0"}
	for seen := 0; seen < storedKills; {
		rows, err := killRows(ctx, ask, r, span, after)
		var not *notAskedError
		if errors.As(err, &not) {
			out.Not = "what it would have killed: " + not.Error()
			return nil
		}
		if err != nil {
			return err
		}
		for _, row := range rows {
			row.rehearse(one, rehearsal.KillsOf(r))
			after = row.place
		}
		if seen += len(rows); len(rows) < atOnce {
			out.Tell(one)
			return nil
		}
	}
	out.Tell(one)
	out.Partial = fmt.Sprintf("what it would have killed is told of its first %d matches; name a shorter time", storedKills)
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

// killRows asks for the next stored events that a rule matches.
func killRows(ctx context.Context, ask Ask, r *policy.Rule, span Span, after [2]string) ([]killRow, error) {
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
	for _, a := range rehearsal.KillsOf(r) {
		filter := "true"
		if a.When != nil {
			if filter, err = sql.Condition(a.When, params); err != nil {
				return nil, &notAskedError{err}
			}
		}
		columns = append(columns, "toString("+filter+")")
	}
	at := []string{"toUnixTimestamp64Milli(timestamp)", "seq"}
	query := "SELECT " + strings.Join(columns, ", ") + "\nFROM events\nWHERE " + span.sql(params) + " AND (" + at[0] + ", " + at[1] + ") > (toInt64(" + params.String(after[0]) + "), toUInt64(" + params.String(after[1]) + ")) AND " + condition +
		"\nORDER BY " + strings.Join(at, ", ") + "\nLIMIT " + strconv.Itoa(atOnce)
	rows, err := ask(ctx, query, params)
	if err != nil {
		return nil, err
	}
	out := make([]killRow, len(rows))
	for i, row := range rows {
		if err := out[i].read(row, len(columns)); err != nil {
			return nil, fmt.Errorf("%w: %w", errNoResult, err)
		}
		out[i].event.Type = r.Event()
	}
	return out, nil
}

func (k *killRow) read(texts []string, columns int) error {
	if len(texts) != columns {
		return fmt.Errorf("%d columns instead of %d", len(texts), columns)
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
