package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"nightjar/agent/probe"
	"nightjar/agent/process"
	"nightjar/agent/respond"
	"nightjar/secl/policy"
)

// Status is what `nightjar agent status` tells.
type Status struct {
	Report
	PID       int                  `json:"pid"`
	Hooks     []probe.Hook         `json:"hooks"`
	Policies  []PolicyStatus       `json:"policies"`
	Filtering map[string]Filtering `json:"filtering"`
	Top       []Cause              `json:"top"`
	Protect   Protection           `json:"protection"`
	Delivery  *Delivery            `json:"delivery,omitempty"` // nil: matches are printed
	Orders    *OrdersStatus        `json:"orders,omitempty"`   // nil: no server holds its policies
}

// OrdersStatus is how it is with the orders of a server.
type OrdersStatus struct {
	Agent    string   `json:"agent"`             // its id there
	Sequence uint64   `json:"sequence"`          // of the orders accepted last
	InForce  uint64   `json:"in_force"`          // the version of the server's policies in force; 0: others are
	From     string   `json:"policies_from"`     // server, flags or program
	Refused  []string `json:"refused,omitempty"` // why its last policies are not in force
	Away     string   `json:"away,omitempty"`    // why no orders come now
}

// Delivery is how it is with the way to a server.
type Delivery struct {
	Server      string        `json:"server"`
	Delivered   uint64        `json:"delivered"`         // events of this run that the server has
	Waiting     uint64        `json:"waiting"`           // events of this run that it does not have
	Earlier     uint64        `json:"waiting_earlier"`   // of the runs before
	AwaySince   *time.Time    `json:"away_since"`        // since when the server takes none; nil: it does
	Reason      string        `json:"reason,omitempty"`  // why
	Spool       string        `json:"spool"`             // where they wait
	SpoolBytes  int64         `json:"spool_bytes"`       // what the spool takes on disk
	SpoolLimit  int64         `json:"spool_limit_bytes"` // what it may take
	Disk        string        `json:"spool_trouble,omitempty"`
	Syncs       uint64        `json:"syncs"` // of the disk, one for each batch
	SyncTime    time.Duration `json:"sync_time_ns"`
	LongestSync time.Duration `json:"longest_sync_ns"`
}

// PolicyStatus is a policy that is in force.
type PolicyStatus struct {
	Name    string      `json:"name"`
	Version string      `json:"version"`
	Mode    policy.Mode `json:"mode"`
	Rules   int         `json:"rules"`
	Errors  int         `json:"errors"`
}

// Socket is where an agent answers.
func Socket(stateDir string) string { return filepath.Join(stateDir, "agent.sock") }

// Order is what an agent is told or asked on its socket: one JSON object.
type Order struct {
	Do   string `json:"do"`             // status, disarm or arm
	Why  string `json:"why,omitempty"`  // of disarm
	Rule string `json:"rule,omitempty"` // of arm: the rule that is to be in service again; empty: all, and the switch
}

// answer is what an agent says to an Order.
type answer struct {
	*Status
	Error string `json:"error,omitempty"`
}

// ErrNoAgent is the error of a state folder in which no agent answers.
var ErrNoAgent = errors.New("no agent answers")

// Ask asks the agent of a state folder for its status.
func Ask(stateDir string) (*Status, error) { return Tell(stateDir, Order{Do: "status"}) }

// Tell tells the agent of a state folder something, and returns its status after that.
func Tell(stateDir string, o Order) (*Status, error) {
	c, err := net.DialTimeout("unix", Socket(stateDir), time.Second)
	if err != nil {
		return nil, fmt.Errorf("%w in %s: %w", ErrNoAgent, stateDir, err)
	}
	defer c.Close()
	const patience = 5 * time.Second
	_ = c.SetDeadline(time.Now().Add(patience))
	if err := json.NewEncoder(c).Encode(o); err != nil {
		return nil, fmt.Errorf("tell the agent: %w", err)
	}
	a := answer{Status: &Status{}}
	if err := json.NewDecoder(c).Decode(&a); err != nil {
		return nil, fmt.Errorf("read the agent's answer: %w", err)
	}
	if a.Error != "" {
		return a.Status, fmt.Errorf("the agent: %s", a.Error)
	}
	return a.Status, nil
}

// Do calls do with the processes, from the goroutine that they belong to: it must not
// wait for anything, and they are lent for the call. Its error is the context's, where the
// agent does not come to it before that ends.
func (a *Agent) Do(ctx context.Context, do func(*process.Cache)) error {
	done := make(chan struct{})
	select {
	case a.asks <- func() { defer close(done); do(a.cache) }:
	case <-ctx.Done():
		return ctx.Err()
	}
	<-done
	return nil
}

// serve answers on the socket until it is stopped. Whoever may open the socket,
// which is the owner of the folder only, may ask.
func (a *Agent) serve() (stop func(), err error) {
	if a.config.StateDir == "" {
		return func() {}, nil
	}
	if err := os.MkdirAll(a.config.StateDir, 0o700); err != nil {
		return nil, err
	}
	at := Socket(a.config.StateDir)
	if c, err := net.Dial("unix", at); err == nil {
		c.Close()
		return nil, fmt.Errorf("an agent is running in %s; stop it, or give this one another --state-dir", a.config.StateDir)
	}
	_ = os.Remove(at) // left by an agent that crashed
	l, err := net.Listen("unix", at)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(at, 0o600); err != nil {
		l.Close()
		return nil, err
	}
	ended := make(chan struct{})
	go a.answer(l, ended)
	return func() { close(ended); l.Close() }, nil
}

func (a *Agent) answer(l net.Listener, ended chan struct{}) {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		go a.serveOne(c, ended)
	}
}

// serveOne answers one connection.
func (a *Agent) serveOne(c net.Conn, ended chan struct{}) {
	defer c.Close()
	const patience = 2 * time.Second
	_ = c.SetDeadline(time.Now().Add(patience))
	var o Order
	if err := json.NewDecoder(io.LimitReader(c, maxOrder)).Decode(&o); err != nil {
		_ = json.NewEncoder(c).Encode(answer{Error: fmt.Sprintf("read the order: %s", err)})
		return
	}
	done := make(chan answer, 1)
	select {
	case a.asks <- func() { done <- a.obey(o) }:
		_ = json.NewEncoder(c).Encode(<-done)
	case <-ended:
	}
}

// maxOrder bounds what is read of an order, in bytes.
const maxOrder = 64 << 10

// obey does what an order says. It is called by the goroutine that reads the ring.
func (a *Agent) obey(o Order) answer {
	var err error
	switch o.Do {
	case "status":
	case "disarm":
		err = a.responder.Switch.Disarm(respond.Host, o.Why, time.Now())
	case "arm":
		a.responder.Arm(o.Rule)
		if o.Rule == "" {
			err = a.responder.Switch.Arm(respond.Host)
		}
	default:
		err = fmt.Errorf("%q is no order; status, disarm and arm are", o.Do)
	}
	out := answer{Status: a.status()}
	if err != nil {
		out.Error = err.Error()
	}
	return out
}

func (a *Agent) status() *Status {
	const most = 200
	s := &Status{PID: os.Getpid(), Hooks: a.probe.Hooks(), Filtering: a.filters.state, Top: a.account.top.most(most), Protect: a.protection()}
	if r, err := a.Account(); err == nil {
		s.Report = r
	}
	if to, ok := a.config.Sink.(interface{ Delivery() *Delivery }); ok {
		s.Delivery = to.Delivery()
	}
	if from, ok := a.config.Sink.(interface{ Orders() *OrdersStatus }); ok {
		s.Orders = from.Orders()
	}
	for _, p := range a.config.Policies {
		one := PolicyStatus{Name: p.Name, Version: p.Version, Mode: p.Mode, Rules: len(p.Rules)}
		for _, problem := range a.set.Errors() {
			if problem.Where.File == p.Name {
				one.Errors++
			}
		}
		s.Policies = append(s.Policies, one)
	}
	return s
}
