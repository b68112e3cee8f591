package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"nightjar/schema"
)

// Kind is what is told of a signal.
type Kind string

// The kinds of news.
const (
	Opened    Kind = "opened"
	Changed   Kind = "changed"   // its severity
	Archived  Kind = "archived"  // by an analyst
	Resolved  Kind = "resolved"  // retracted, merged, withheld, or a silence that ended
	Escalated Kind = "escalated" // nobody triaged it in time
	Responded Kind = "responded" // something was done to a host about it, or could not be
)

// Ends reports whether nobody needs to care about the signal any more.
func (k Kind) Ends() bool { return k == Resolved || k == Archived }

// State is what became of news.
type State string

// The states of news.
const (
	Waiting State = "waiting"
	Sent    State = "sent"
	Failed  State = "failed" // the target refused it for good, or did not take it for a week
	Muted   State = "muted"
	Dropped State = "dropped" // it is no longer needed: a signal that was triaged before it escalated
)

// News is something that one target is told of one signal.
type News struct {
	ID      string // see newsID
	Version uint64
	Target  string // a handle
	Kind    Kind
	State   State
	// Digest is the key under which several are told in one; empty: alone.
	Digest  string
	Created schema.Millis
	Due     schema.Millis // not before then
	// Attempts, Tried and Answer are of the deliveries so far.
	Attempts uint32
	Tried    schema.Millis
	Answer   string
	About    About
	// Within is the key of the digest that the opening of its signal was told in, where it
	// was: what holds alerts or issues knows the signal by it. It is set when it is told,
	// and not kept.
	Within string
}

// About is a signal as it was when there was news of it.
type About struct {
	SignalID  string        `json:"signal_id"`
	Version   uint64        `json:"version"`
	Title     string        `json:"title"`
	Severity  string        `json:"severity"`
	RuleID    string        `json:"rule_id"`
	RuleName  string        `json:"rule_name"`
	Message   string        `json:"message"`
	Group     []string      `json:"group"`
	GroupBy   []string      `json:"group_by,omitempty"`
	FirstSeen schema.Millis `json:"first_seen"`
	LastSeen  schema.Millis `json:"last_seen"`
	Events    uint64        `json:"events"`
	State     string        `json:"state"`
	Reason    string        `json:"reason,omitempty"`
	Tags      []string      `json:"tags"`
	Samples   []string      `json:"samples,omitempty"` // messages of some events
	URL       string        `json:"url"`
	// Response is what Responded is about.
	Response *schema.SignalResponse `json:"response,omitempty"`
}

// newsID is the same whenever the same news is found: the n-th of its kind.
func newsID(signal, target string, kind Kind, n int) string {
	sum := sha256.Sum256([]byte(fmt.Sprintf("%s\x00%s\x00%s\x00%d", signal, target, kind, n)))
	return hex.EncodeToString(sum[:16])
}

// Key is what a delivery is known by, however often it is tried.
func (n *News) Key() string {
	if n.Digest == "" {
		return n.ID
	}
	sum := sha256.Sum256([]byte(n.Target + "\x00" + n.Digest))
	return hex.EncodeToString(sum[:16])
}
