package orders

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Orders are all that a server wants of one agent: a state, which replaces that of the
// orders before.
type Orders struct {
	// Agent is the id of the agent that they are for.
	Agent string `json:"agent"`
	// Sequence numbers this agent's orders, from 1; it only grows.
	Sequence uint64    `json:"sequence"`
	Issued   time.Time `json:"issued"`
	// Expires is until when they may be accepted. What was accepted stays in force
	// until other orders are.
	Expires  time.Time `json:"expires"`
	Policies Policies  `json:"policies"`
	// Disarmed says that no rule may kill or deny anything.
	Disarmed bool `json:"disarmed,omitempty"`
	// DisarmedWhy says who has said so, of which agents, and why.
	DisarmedWhy string `json:"disarmed_why,omitempty"`
	// Isolation cuts the host off the network; nil: it is not isolated.
	Isolation *Isolation `json:"isolation,omitempty"`
	// Commands are repeated until their results came; each is done at most once.
	Commands []Command `json:"commands,omitempty"`
}

// Policies are the whole set of an agent's policies, the first ones first.
type Policies struct {
	// Version only grows; an earlier set that is to be in force again has a new one.
	Version uint64   `json:"version"`
	Set     []Policy `json:"set"`
}

// Mode says what a policy's rules may do.
type Mode string

// The modes.
const (
	Monitoring Mode = "monitoring" // actions are recorded as what would have been done
	Blocking   Mode = "blocking"   // actions are performed
)

// Policy is one policy file. What one policy blocks and what it monitors are two files of
// its name.
type Policy struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Mode    Mode   `json:"mode"`
	Text    string `json:"text"` // YAML
	// Default says that it is what the server's product came with: other policies
	// override it.
	Default bool `json:"default,omitempty"`
}

// Isolation is how a host is cut off. Its connection to the server is always allowed.
type Isolation struct {
	Allow  []netip.AddrPort `json:"allow,omitempty"`
	Since  time.Time        `json:"since"`
	By     string           `json:"by,omitempty"`
	Reason string           `json:"reason,omitempty"`
}

// Command is something to be done once: one of its parts is not nil.
type Command struct {
	ID      string    `json:"id"`
	Expires time.Time `json:"expires"` // it is refused afterwards
	By      string    `json:"by,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Kill    *Kill     `json:"kill,omitempty"`
	Collect *Collect  `json:"collect,omitempty"`
	Network *Network  `json:"network,omitempty"`
}

// Network is answered with how the host stands after Orders.Isolation was followed: the
// state itself is there, and this only asks for it.
type Network struct {
	Isolated bool `json:"isolated"` // whether the host is to be cut off
}

// Kill sends a signal to a process.
type Kill struct {
	Process Process `json:"process"`
	Signal  string  `json:"signal"` // SIGKILL
	Scope   string  `json:"scope"`  // process, cgroup or container
}

// Collect answers with a process, its ancestors and its descendants.
type Collect struct {
	Process Process `json:"process"`
}

// Process is a process so that another one with a reused pid is not mistaken for it: all
// that is not zero must be so.
type Process struct {
	PID     uint32    `json:"pid"`
	Started time.Time `json:"started,omitzero"`
	// Boot is the host's boot id, and SinceBoot when the process started, in ns since that
	// boot: they are exact, where Started depends on the host's clock of then.
	Boot       string `json:"boot,omitempty"`
	SinceBoot  uint64 `json:"since_boot,omitempty"`
	Executable string `json:"executable,omitempty"`
	Inode      uint64 `json:"inode,omitempty"`
}

// MaxPayload is how many bytes orders have at most.
const MaxPayload = 8 << 20

// Check says what is wrong with orders that nobody could follow.
func (o *Orders) Check() error {
	switch {
	case o.Agent == "":
		return errors.New("agent: it is required")
	case o.Sequence == 0:
		return errors.New("sequence: want 1 or more")
	case !o.Issued.Before(o.Expires):
		return fmt.Errorf("expires: want a time after %s, when they were issued", o.Issued.Format(time.RFC3339))
	}
	for i, c := range o.Commands {
		if c.ID == "" {
			return fmt.Errorf("commands[%d].id: it is required", i)
		}
	}
	return o.Policies.check()
}

func (p *Policies) check() error {
	type part struct {
		name string
		mode Mode
	}
	parts := map[part]bool{}
	for i, one := range p.Set {
		this := part{one.Name, one.Mode}
		switch {
		case one.Name == "":
			return fmt.Errorf("policies[%d].name: it is required", i)
		case parts[this]:
			return fmt.Errorf("policies[%d].name: there are two named %q of one mode", i, one.Name)
		case one.Mode != Monitoring && one.Mode != Blocking:
			return fmt.Errorf("policies[%d].mode: want %s or %s, got %q", i, Monitoring, Blocking, one.Mode)
		}
		parts[this] = true
	}
	return nil
}

// read is the reverse of what Sign writes. Fields that are not known are passed over, so
// that an agent understands a newer server.
func read(payload []byte) (o Orders, err error) {
	if len(payload) > MaxPayload {
		return o, fmt.Errorf("they have %d bytes, and may have %d", len(payload), MaxPayload)
	}
	if err := json.Unmarshal(payload, &o); err != nil {
		return o, fmt.Errorf("read orders: %w", err)
	}
	return o, o.Check()
}
