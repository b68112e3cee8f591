package schema

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
)

// Triage is what analysts made of a signal. The zero value is that of a signal
// that nobody has touched. The engine carries it along through every version of
// the signal, withdrawn ones too.
type Triage struct {
	// Version counts the changes, so that nobody overwrites what they did not
	// see.
	Version uint64 `json:"version"`
	// State is StateOpen, StateUnderReview or StateArchived; empty is open.
	State string `json:"state,omitempty"`
	// Reason and Comment say why it is archived; see ArchiveReasons.
	Reason    string  `json:"reason,omitempty"`
	Comment   string  `json:"comment,omitempty"`
	CommentAt Millis  `json:"comment_at,omitempty"`
	StateAt   Millis  `json:"state_at,omitempty"`
	StateBy   string  `json:"state_by,omitempty"` // the handle of who changed it
	Assignee  User    `json:"assignee,omitzero"`
	Incidents []int64 `json:"incidents,omitempty"`
	// Responses are what people had done about it to hosts, the first ones first.
	Responses []SignalResponse `json:"responses,omitempty"`
	// Changes are the changes of state, assignee and incidents, the first ones first: the
	// last MaxChanges of them, after ChangesCut that were let go of.
	Changes    []TriageChange `json:"changes,omitempty"`
	ChangesCut int            `json:"changes_cut,omitempty"`
}

// TriageChange is a line of a signal's history: what somebody made of it, and how it stood
// before.
type TriageChange struct {
	At     Millis       `json:"at"`
	By     string       `json:"by"`            // the handle of who did
	Job    string       `json:"job,omitempty"` // the id of the triage job that did it
	Before TriageStands `json:"before"`
	After  TriageStands `json:"after"`
}

// TriageStands is how a signal stands.
type TriageStands struct {
	State     string  `json:"state,omitempty"` // empty: open
	Reason    string  `json:"reason,omitempty"`
	Comment   string  `json:"comment,omitempty"`
	Assignee  User    `json:"assignee,omitzero"`
	Incidents []int64 `json:"incidents,omitempty"`
}

// Equal reports whether both are the same.
func (s TriageStands) Equal(o TriageStands) bool {
	return cmp.Or(s.State, StateOpen) == cmp.Or(o.State, StateOpen) && s.Reason == o.Reason && s.Comment == o.Comment &&
		s.Assignee == o.Assignee && slices.Equal(s.Incidents, o.Incidents)
}

// MaxChanges is how many changes the history of a signal has.
const MaxChanges = 100

// Stands is how the signal stands.
func (t *Triage) Stands() TriageStands {
	return TriageStands{State: t.State, Reason: t.Reason, Comment: t.Comment, Assignee: t.Assignee, Incidents: t.Incidents}
}

// Note writes a line into the history: the change from how it stood before to now. One that
// changed nothing has none, unless a job made it.
func (t *Triage) Note(c TriageChange) {
	c.After = t.Stands()
	if c.Before.Equal(c.After) && c.Job == "" {
		return
	}
	t.Changes = append(slices.Clip(t.Changes), c)
	if more := len(t.Changes) - MaxChanges; more > 0 {
		t.Changes, t.ChangesCut = slices.Clone(t.Changes[more:]), t.ChangesCut+more
	}
}

// SignalResponse is a line of a signal's history: something that somebody had done to a
// host, and what became of it.
type SignalResponse struct {
	Action string `json:"action"` // kill, isolate, release or collect
	At     Millis `json:"at"`
	By     string `json:"by"` // the handle of who asked for it
	Ended  Millis `json:"ended,omitempty"`
	Error  string `json:"error,omitempty"` // with Status
	Host   string `json:"host"`
	ID     string `json:"id"`
	Reason string `json:"reason"`
	State  string `json:"state"`            // waiting, done, failed, expired or cancelled
	Status string `json:"status,omitempty"` // the agent's answer
	Target string `json:"target"`           // in words
}

// MaxResponses is how many responses the history of a signal has.
const MaxResponses = 100

// Responded writes a line into the history, in the place of the same response's last one.
func (t *Triage) Responded(line SignalResponse) {
	i := slices.IndexFunc(t.Responses, func(r SignalResponse) bool { return r.ID == line.ID })
	if i >= 0 {
		t.Responses = slices.Clone(t.Responses)
		t.Responses[i] = line
		return
	}
	t.Responses = append(slices.Clip(t.Responses), line)
}

// User is somebody that a signal is assigned to: nobody, when UUID is empty.
type User struct {
	UUID   string `json:"uuid"`
	Handle string `json:"handle,omitempty"`
	Name   string `json:"name,omitempty"`
	ID     int64  `json:"id,omitempty"`
}

// ArchiveReasons are an analyst's reasons for archiving a signal.
var ArchiveReasons = []string{
	"none", "false_positive", "testing_or_maintenance", "remediated", "investigated_case_opened",
	"true_positive_benign", "true_positive_malicious", "other",
}

// SetState moves the signal to a state at a moment; by is the handle of who does.
// What was said of the state before is gone with it.
func (t *Triage) SetState(state, reason, comment, by string, at Millis) error {
	switch {
	case !slices.Contains([]string{StateOpen, StateUnderReview, StateArchived}, state):
		return fmt.Errorf("state: want open, under_review or archived, got %q", state)
	case reason != "" && !slices.Contains(ArchiveReasons, reason):
		return fmt.Errorf("archive_reason: want one of %v, got %q", ArchiveReasons, reason)
	case state != StateArchived && reason != "" && reason != "none":
		return fmt.Errorf("archive_reason: only an archived signal has one; this one becomes %s", state)
	}
	t.State, t.Reason, t.Comment, t.CommentAt, t.StateAt, t.StateBy = state, "", comment, 0, at, by
	if state == StateArchived {
		t.Reason = reason
	}
	if comment != "" {
		t.CommentAt = at
	}
	return nil
}

// Text is how a triage is stored; that of a signal that nobody touched is empty.
func (t Triage) Text() string {
	if t.Version == 0 {
		return ""
	}
	text, _ := json.Marshal(t) // strings and numbers
	return string(text)
}

// ParseTriage is the inverse of Text.
func ParseTriage(text string) (Triage, error) {
	var t Triage
	if text == "" {
		return t, nil
	}
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return t, fmt.Errorf("read triage: %w", err)
	}
	return t, nil
}

// Label is how the user is shown: the handle, or else the name or the id.
func (u User) Label() string { return cmp.Or(u.Handle, u.Name, u.UUID) }

// Standing is the state of a signal as it is shown, and the reason where that is
// archived or suppressed: the engine's, where the engine withdrew or withheld it,
// else the analyst's.
func (s *Signal) Standing() (state, reason string) {
	switch {
	case s.Reason == ReasonSuppressed:
		return StateSuppressed, s.Reason
	case s.State == StateArchived:
		return s.State, s.Reason
	case s.Triage.State == "":
		return StateOpen, ""
	}
	return s.Triage.State, s.Triage.Reason
}
