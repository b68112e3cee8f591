package configuration

import (
	"strings"

	"nightjar/objects"
	"nightjar/schema"
)

// SavedView is a named address of a list, or a named statement.
type SavedView struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"` // signals, search or sql
	Owner string `json:"owner"`
	// Shared is seen by everybody; else it is its owner's.
	Shared bool `json:"shared"`
	// Address is the page's, from its first slash on, of signals and search; Statement is
	// that of sql.
	Address   string `json:"address,omitempty"`
	Statement string `json:"statement,omitempty"`
}

// maxViewText bounds an address and a statement, in bytes.
const maxViewText = 32 << 10

// SavedViews are a kind.
var SavedViews = objects.Kind[SavedView]{
	Name: "saved view", NewID: schema.NewID, NoLog: true,
	Check: func(v *SavedView) error {
		var bad faults
		bad.required("name", v.Name)
		bad.oneOf("kind", v.Kind, "signals", "search", "sql")
		switch {
		case len(v.Name) > 200:
			bad.Add("name", "at most 200 bytes")
		case len(v.Address) > maxViewText || len(v.Statement) > maxViewText:
			bad.Add("address", "at most 32768 bytes, as a statement")
		case v.Kind == "sql" && (v.Statement == "" || v.Address != ""):
			bad.Add("statement", "a view of sql has a statement, and no address")
		case v.Kind != "sql" && (!strings.HasPrefix(v.Address, "/"+v.Kind) || v.Statement != ""):
			bad.Add("address", "want a path of the page that begins with /"+v.Kind+", and no statement")
		}
		return bad.Err()
	},
}

// Demo is what was made to show something where there is nothing yet.
type Demo struct {
	State   string        `json:"state"` // shown or removed
	By      string        `json:"by"`
	Began   schema.Millis `json:"began"`
	RuleIDs []string      `json:"rule_ids"` // those that it made
	Events  int           `json:"events"`
}

// Demos are a kind, of which there is one object at most.
var Demos = objects.Kind[Demo]{Name: "demo", NewID: schema.NewID, NoLog: true}
