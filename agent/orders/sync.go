package orders

import "encoding/json"

// Sync is what an agent posts. The answer is Signed as soon as it is to have other orders
// than those of Sequence, or nothing after WaitSeconds.
type Sync struct {
	Agent        string   `json:"agent"`
	Instance     string   `json:"instance"` // this run of the agent
	Host         string   `json:"host"`
	AgentVersion string   `json:"agent_version"`
	Kernel       string   `json:"kernel"` // its release and the architecture
	Tags         []string `json:"tags"`   // key:value
	// Sequence is that of the orders accepted last; 0: none.
	Sequence uint64 `json:"sequence"`
	// InForce is the version of the policies by which events are judged; 0: none of the
	// server's.
	InForce uint64 `json:"in_force"`
	// Refused are policies that were sent and are not in force; nil: none.
	Refused *Refusal `json:"refused,omitempty"`
	// OrdersRefused says why the orders sent last were refused; empty: they were not.
	OrdersRefused string `json:"orders_refused,omitempty"`
	// Abilities are, of kill, exec, open, connect and network_filter, the mechanism that
	// does it here, or "no: " and why none does.
	Abilities map[string]string `json:"abilities,omitempty"`
	Counts    Counts            `json:"counts"`
	// Disarmed says who has disarmed the agent: host, server or both; empty: nobody.
	Disarmed string `json:"disarmed,omitempty"`
	Isolated bool   `json:"isolated,omitempty"`
	// Leaving says that the agent stops now: silence from here on is no alarm.
	Leaving bool `json:"leaving,omitempty"`
	// Results are of commands; each is repeated until it has been answered.
	Results []Result `json:"results,omitempty"`
	// WaitSeconds is how long the agent waits for an answer: 0 (not at all) to MaxWait.
	WaitSeconds int64 `json:"wait_seconds"`
}

// MaxWait is how many seconds an answer is waited for at most; a server may let an agent
// wait for less.
const MaxWait = 30

// Refusal are policies that do not check; the last good ones stay in force.
type Refusal struct {
	Version uint64   `json:"version"`
	Errors  []string `json:"errors"`
}

// Counts are of this run of the agent.
type Counts struct {
	Generated  uint64            `json:"generated"`      // events in the kernel
	Delivered  uint64            `json:"delivered"`      // to the rules
	Lost       map[string]uint64 `json:"lost,omitempty"` // by cause
	Kills      uint64            `json:"kills"`
	Denials    uint64            `json:"denials"`
	CPUSeconds float64           `json:"cpu_seconds"`
	RSS        uint64            `json:"rss_bytes"`
}

// Result is what became of a command.
type Result struct {
	ID     string `json:"id"`     // of the command
	Status string `json:"status"` // performed, partially_performed, error, aborted, expired, unknown
	Error  string `json:"error,omitempty"`
	At     int64  `json:"at"` // milliseconds since 1970
	// Report says more, as JSON: reports of actions, or a process tree.
	Report json.RawMessage `json:"report,omitempty"`
}

// Enrolment is what a host posts with a token, to become an agent.
type Enrolment struct {
	Host         string   `json:"host"`
	AgentVersion string   `json:"agent_version"`
	Kernel       string   `json:"kernel"`
	Tags         []string `json:"tags"`
}

// Enrolled is the answer: what the agent keeps.
type Enrolled struct {
	Agent     string `json:"agent"`      // its id
	Key       string `json:"key"`        // its API key
	ServerKey []byte `json:"server_key"` // the Ed25519 public key that signs its orders
}
