package schema

// AgentSource is the source of the events that agents send.
const AgentSource = "runtime-security-agent"

// Agents report how they are in events of AgentSource, whose agent.rule_id is
// AgentLost where events were lost since the report before, or nobody watched before this
// run, and AgentHeartbeat
// elsewhere. The report is at agent.report.
const (
	AgentHeartbeat = "heartbeat"
	AgentLost      = "lost_events"
)

// AgentReport is how an agent is. Its counts are since Started. Of kernel events,
// Generated is the sum of Filtered, Delivered, Waiting and all that is Lost; of
// matches, Matches is the sum of HeldBack, Sent, Unsent, all that is Undelivered, and
// the matches of silent rules, which are not sent.
type AgentReport struct {
	Instance string `json:"instance"` // unlike that of any other run of an agent
	Version  string `json:"version"`
	Kernel   string `json:"kernel"` // release and architecture
	Started  Millis `json:"started"`

	Generated  uint64            `json:"generated"`
	Filtered   uint64            `json:"filtered"`   // in the kernel, since no rule could match them
	Delivered  uint64            `json:"delivered"`  // to the rules
	Waiting    uint64            `json:"waiting"`    // on the way to the rules
	Lost       map[string]uint64 `json:"lost"`       // by cause
	Incomplete map[string]uint64 `json:"incomplete"` // what rules could not be asked with, by what

	Matches     uint64            `json:"matches"`
	HeldBack    uint64            `json:"held_back"`   // over the limit of their rule
	Sent        uint64            `json:"sent"`        // the server has them
	Unsent      uint64            `json:"unsent"`      // on the way to the server
	Undelivered map[string]uint64 `json:"undelivered"` // lost on that way, by cause

	// Blind is the time before this run in which nobody watched the host; nil in all
	// reports but the first, and where nobody ever did before.
	Blind *AgentGap `json:"blind,omitempty"`

	// LostSince is what was lost in (From, To], events and matches, since the last
	// report that the server acknowledged; reports of one instance leave no time out.
	From      Millis            `json:"from"`
	To        Millis            `json:"to"`
	LostSince map[string]uint64 `json:"lost_since"`

	// Hooks are how events are seen, and Unsupported the types of events that this
	// kernel does not show.
	Hooks       []AgentHook        `json:"hooks"`
	Unsupported []AgentUnsupported `json:"unsupported"`
	Policies    []string           `json:"policies"`
	// Stopping is said by the last report.
	Stopping bool `json:"stopping"`
}

// AgentGap is a time of which an agent saw nothing, or may have seen nothing.
type AgentGap struct {
	From   Millis `json:"from"`
	To     Millis `json:"to"`
	Reason string `json:"reason"`
}

// AgentHook is how events of a type are seen.
type AgentHook struct {
	Event    string `json:"event"`
	Provider string `json:"provider"`
	Without  string `json:"without,omitempty"` // what of them is not seen, and why
}

// AgentUnsupported is a type of events that is not seen, and why.
type AgentUnsupported struct {
	Event  string `json:"event"`
	Reason string `json:"reason"`
}

// RuleID is the agent.rule_id of the event that carries the report.
func (r *AgentReport) RuleID() string {
	if r.Blind != nil {
		return AgentLost
	}
	for _, n := range r.LostSince {
		if n > 0 {
			return AgentLost
		}
	}
	return AgentHeartbeat
}
