package respond

import (
	"encoding/json"
	"time"
)

// Status is what became of an action.
type Status string

// The statuses. Of a kill: Performed means that the signal was sent to all that it was
// for, ExitedAt tells whether they are gone.
const (
	Performed          Status = "performed"
	PartiallyPerformed Status = "partially_performed" // of several processes some, Error says why not all
	Failed             Status = "error"
	Queued             Status = "queued"               // it goes on: what came of it is not in this event
	Aborted            Status = "aborted"              // it must not be: a protected process, or not the one of the event any more
	RuleDisarmed       Status = "rule_disarmed"        // the rule has killed too much too fast of this executable, or in this container
	RuleDismantled     Status = "rule_dismantled"      // the rule, or everything, was taken out of service until somebody arms it
	WouldHavePerformed Status = "would_have_performed" // the policy only monitors
)

// Mechanism is what acted.
type Mechanism string

// The mechanisms of kills. Denials have their own, see agent/deny.
const (
	// SendSignal is bpf_send_signal at exec: the program ran no instruction.
	SendSignal Mechanism = "bpf_send_signal"
	// PidFD is a signal from the agent, after the fact.
	PidFD Mechanism = "pidfd"
)

// Report is what became of one action, as it stands in agent.rule_actions of the event.
// Times that are not known are zero, and left out.
type Report struct {
	Type         string    `json:"type"` // of the action: kill, hash, …
	Status       Status    `json:"status"`
	Mechanism    Mechanism `json:"mechanism,omitempty"`
	Error        string    `json:"error,omitempty"` // why it was not done, or not all of it
	Note         string    `json:"note,omitempty"`  // what else is to be known: nothing failed
	Signal       string    `json:"signal,omitempty"`
	Scope        string    `json:"scope,omitempty"`
	DisarmerType string    `json:"disarmer_type,omitempty"` // executable or container: whose limit was reached
	Killed       []int     `json:"killed,omitempty"`        // the processes that were signalled, where they may be several
	Spared       []string  `json:"spared,omitempty"`        // those that were not, and why
	CreatedAt    time.Time `json:"created_at,omitzero"`     // when the process began
	DetectedAt   time.Time `json:"detected_at,omitzero"`    // when the rule matched
	KilledAt     time.Time `json:"killed_at,omitzero"`      // when the signal was sent
	ExitedAt     time.Time `json:"exited_at,omitzero"`      // when the process was gone
	TTR          string    `json:"ttr,omitempty"`           // from CreatedAt to ExitedAt
	TimeToReact  int64     `json:"time_to_react,omitempty"` // ns from the event to the signal
	Already      string    `json:"already_happened,omitempty"`
	// Detail are further members, which must have none of the names above.
	Detail map[string]any `json:"-"`
	// Finish changes the finished JSON of the event; nil: nothing does.
	Finish func(json []byte) []byte `json:"-"`
}

// MarshalJSON writes the report and its detail as one object.
func (r Report) MarshalJSON() ([]byte, error) {
	type plain Report
	out, err := json.Marshal(plain(r))
	if err != nil || len(r.Detail) == 0 {
		return out, err
	}
	more, err := json.Marshal(r.Detail)
	if err != nil {
		return nil, err
	}
	return append(append(out[:len(out)-1], ','), more[1:]...), nil
}

// exited says when the process was gone.
func (r *Report) exited(at time.Time) {
	r.ExitedAt = at
	if !r.CreatedAt.IsZero() {
		r.TTR = at.Sub(r.CreatedAt).String()
	}
}
