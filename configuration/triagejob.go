package configuration

import (
	"nightjar/objects"
	"nightjar/schema"
)

// TriageJob changes many signals, and can be undone.
type TriageJob struct {
	// Request is what the caller calls it: a second job of the same name is the first one.
	Request string `json:"request,omitempty"`
	By      string `json:"by"` // the handle of who wants it
	// Query is what selected the signals, IDs are those that it found.
	Query string   `json:"query"`
	IDs   []string `json:"ids"`
	// Versions are those of the signals' triages that were read, in the order of IDs; nil:
	// they are changed whatever became of them.
	Versions []uint64 `json:"versions,omitempty"`
	// What is made of them; what is nil stays.
	Assign    *schema.User  `json:"assign,omitempty"`
	Triage    *TriageChange `json:"triage,omitempty"`
	State     string        `json:"state"` // running, done, undoing, undone or failed
	Began     schema.Millis `json:"began"`
	Ended     schema.Millis `json:"ended,omitempty"`
	Changed   int           `json:"changed"`
	Left      int           `json:"left"`                // the engine archived them, they are gone, or were overtaken
	Overtaken int           `json:"overtaken,omitempty"` // somebody changed them since their version was read
	UndoneBy  string        `json:"undone_by,omitempty"`
	Undone    int           `json:"undone,omitempty"`
	LeftUndo  int           `json:"left_undo,omitempty"` // somebody changed them since
	Problem   string        `json:"problem,omitempty"`
	UndoBegan schema.Millis `json:"undo_began,omitempty"`
}

// TriageChange is a state, with why.
type TriageChange struct {
	State   *string `json:"state,omitempty"` // nil: the present one
	Reason  string  `json:"reason,omitempty"`
	Comment string  `json:"comment,omitempty"`
}

// TriageJobs are a kind. Older versions are not looked at.
var TriageJobs = objects.Kind[TriageJob]{Name: "triage job", NewID: schema.NewID, NoLog: true}
