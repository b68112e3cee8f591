package responses

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"nightjar/agent/orders"
	"nightjar/objects"
	"nightjar/schema"
)

// Action is what is to be done.
type Action string

// The actions.
const (
	Kill    Action = "kill"    // send a signal to a process, or to all of its cgroup or container
	Isolate Action = "isolate" // cut a host off the network, but for its way to the engine
	Release Action = "release" // end that
	Collect Action = "collect" // read a process, its ancestors and its descendants
)

// Actions are all of them.
var Actions = []Action{Kill, Isolate, Release, Collect}

// AboutProcess reports whether the action is about one process of a host.
func (a Action) AboutProcess() bool { return a == Kill || a == Collect }

// State is how a response stands.
type State string

// The states of a response.
const (
	Waiting   State = "waiting"   // for the agent
	Done      State = "done"      // the agent did it, all or a part: see its result
	Failed    State = "failed"    // the agent could not, or would not: see its result
	Expired   State = "expired"   // the agent did not answer before the deadline
	Cancelled State = "cancelled" // somebody took it back before the agent answered
)

// States are all of them.
var States = []State{Waiting, Done, Failed, Expired, Cancelled}

// Response is one thing to be done by one agent.
type Response struct {
	Action Action `json:"action"`
	// Signal is the id of the signal that it answers; empty: none.
	Signal string `json:"signal,omitempty"`
	Agent  string `json:"agent"` // its id
	Host   string `json:"host"`
	// Process is whom it is about; nil where that is the host.
	Process *Process `json:"process,omitempty"`
	// SignalName and Scope are a kill's: SIGKILL, and process, cgroup or container.
	SignalName string `json:"signal_name,omitempty"`
	Scope      string `json:"scope,omitempty"`
	Reason     string `json:"reason"`
	By         string `json:"by"` // the handle of who asked for it
	// Deadline is until when the agent may begin.
	Deadline schema.Millis `json:"deadline"`
	State    State         `json:"state"`
	// Ended is when it took another state than Waiting, by the engine's clock.
	Ended       schema.Millis `json:"ended,omitempty"`
	CancelledBy string        `json:"cancelled_by,omitempty"`
	// Result is the agent's answer; nil: there is none. One that comes after the deadline,
	// or after the response was taken back, is kept all the same.
	Result *Result `json:"result,omitempty"`
	// Also are, of a release, the earlier agents of its host that it holds for too.
	Also []string `json:"also,omitempty"`
	// Told is the state that the signal's history says.
	Told State `json:"told,omitempty"`
}

// Process is a process as events, and so people, know it.
type Process struct {
	orders.Process
	Args      string `json:"args,omitempty"`
	User      string `json:"user,omitempty"`
	Container string `json:"container,omitempty"`
	CGroup    string `json:"cgroup,omitempty"`
}

// Result is what an agent answered.
type Result struct {
	Status string        `json:"status"`
	Error  string        `json:"error,omitempty"`
	At     schema.Millis `json:"at"` // by the host's clock
	// Report says more, as JSON.
	Report json.RawMessage `json:"report,omitempty"`
}

// Target is what the response touches, in words.
func (r *Response) Target() string {
	if r.Process == nil {
		return "host " + r.Host
	}
	return fmt.Sprintf("%s on %s", r.Process, r.Host)
}

// String is the process in words: /usr/bin/x[123].
func (p *Process) String() string {
	return fmt.Sprintf("%s[%d]", cmp.Or(p.Executable, "process"), p.PID)
}

// Bounds of what people say of a response.
const (
	MaxReason   = 2000 // bytes
	MaxDeadline = 7 * 24 * time.Hour
)

// signals are what may be sent to a process.
var signals = []string{"SIGKILL", "SIGTERM", "SIGSTOP", "SIGCONT", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"}

// scopes are whom a signal may be sent to, beside the process that is named.
var scopes = []string{"process", "cgroup", "container"}

// Check completes a response and says what is wrong with it, as *schema.InvalidError.
func (r *Response) Check() error {
	var bad schema.InvalidError
	if !slices.Contains(Actions, r.Action) {
		bad.Add("action", fmt.Sprintf("want kill, isolate, release or collect, got %.60q", r.Action))
	}
	if r.Agent == "" {
		bad.Add("agent", "it is required")
	}
	switch {
	case strings.TrimSpace(r.Reason) == "":
		bad.Add("reason", "it is required: say why, it is kept with what was done")
	case len(r.Reason) > MaxReason:
		bad.Add("reason", fmt.Sprintf("longer than %d bytes", MaxReason))
	}
	r.checkProcess(&bad)
	return bad.Err()
}

func (r *Response) checkProcess(bad *schema.InvalidError) {
	p := r.Process
	switch {
	case !r.Action.AboutProcess():
		r.Process, r.SignalName, r.Scope = nil, "", ""
		return
	case p == nil || p.PID == 0:
		bad.Add("process.pid", "it is required")
		return
	case r.Action == Collect:
		r.SignalName, r.Scope = "", ""
		return
	}
	if !p.Exact() {
		bad.Add("process", "say which one it is by its executable and by when it started (started, or boot and since_boot): the pid may be another's by now. `collect` tells both")
	}
	r.SignalName, r.Scope = cmp.Or(r.SignalName, "SIGKILL"), cmp.Or(r.Scope, "process")
	if !slices.Contains(signals, r.SignalName) {
		bad.Add("signal_name", fmt.Sprintf("want one of %s, got %.60q", strings.Join(signals, ", "), r.SignalName))
	}
	if !slices.Contains(scopes, r.Scope) {
		bad.Add("scope", fmt.Sprintf("want process, cgroup or container, got %.60q", r.Scope))
	}
	if r.Scope == "container" && p.Container == "" {
		bad.Add("scope", "the process is in no container")
	}
}

// Exact reports whether no other process with the same pid can be mistaken for it.
func (p *Process) Exact() bool {
	return p.Executable != "" && (!p.Started.IsZero() || p.Boot != "" && p.SinceBoot != 0)
}

// command is what the agent is told.
func (r *Response) command(id string) orders.Command {
	c := orders.Command{ID: id, Expires: r.Deadline.Time(), By: r.By, Reason: r.Reason}
	switch r.Action {
	case Kill:
		c.Kill = &orders.Kill{Process: r.Process.Process, Signal: r.SignalName, Scope: r.Scope}
	case Collect:
		c.Collect = &orders.Collect{Process: r.Process.Process}
	case Isolate, Release:
		c.Network = &orders.Network{Isolated: r.Action == Isolate}
	}
	return c
}

// kind is that of responses among objects.
var kind = objects.Kind[Response]{Name: "response", NewID: schema.NewID, Check: (*Response).Check, NoLog: true}
