package audit

import (
	"encoding/json"
	"fmt"
	"slices"

	"nightjar/schema"
)

// Source is that of the events. Whoever may send events may send some that look like
// these: the record is the table.
const Source = "nightjar-audit"

// events are what the entries of a record become, those of the kinds that are to.
func (l *Log) events(rec record) (out []schema.Event) {
	for i, e := range rec.entries {
		if l.deps.Submit != nil && slices.Contains(l.deps.Events, e.Kind) {
			out = append(out, e.event(rec.first+uint64(i)))
		}
	}
	return out
}

func (e Entry) event(seq uint64) schema.Event {
	out := schema.Event{At: e.At, Source: Source, Service: "nightjar", Status: "info", Message: e.message()}
	if e.Outcome == Refused || e.Outcome == Failed {
		out.Status = "warn"
	}
	text, err := json.Marshal(map[string]any{
		"evt":     map[string]any{"name": e.Action, "outcome": e.Outcome, "category": e.Kind},
		"usr":     map[string]any{"id": e.CallerID, "name": e.Caller, "role": e.Role},
		"network": map[string]any{"client": map[string]any{"ip": e.Address}},
		"audit":   map[string]any{"seq": seq, "request": e.Request, "object": e.Object, "detail": e.Detail, "count": e.Count},
	})
	if err == nil {
		out.Attributes, err = schema.ParseAttributes(string(text))
	}
	if err != nil {
		panic(err) // cannot be: plain values
	}
	return out
}

func (e Entry) message() string {
	who := e.Caller
	if who == "" {
		who = "somebody at " + e.Address
	}
	text := fmt.Sprintf("%s by %s: %s", e.Action, who, e.Outcome)
	if e.Object != "" {
		text += " (" + e.Object + ")"
	}
	if e.Count > 1 {
		text += fmt.Sprintf(", %d times", e.Count)
	}
	return text
}
