package responses

import (
	"encoding/json"
	"slices"
	"time"

	"nightjar/agent/orders"
	"nightjar/schema"
)

// Candidate is a host, and a process of it, that an event of an agent is about.
type Candidate struct {
	Host    string
	Process *Process // nil: the event names none
	// Event is the id of the event, and At when it happened.
	Event string
	At    string
	Rule  string // of the agent
}

// Targets are the hosts and processes that a signal's events are about, each once, those
// of the newest events first. Events of other sources name none.
func Targets(samples []schema.Sample) []Candidate {
	var out []Candidate
	for _, s := range samples {
		c, ok := candidate(s)
		if !ok {
			continue
		}
		same := slices.IndexFunc(out, func(o Candidate) bool { return o.Host == c.Host && sameProcess(o.Process, c.Process) })
		switch {
		case same < 0:
			out = append(out, c)
		case out[same].At < c.At:
			out[same] = c
		}
	}
	slices.SortStableFunc(out, func(a, b Candidate) int {
		switch {
		case a.At > b.At:
			return -1
		case a.At < b.At:
			return 1
		}
		return 0
	})
	return out
}

// sameProcess compares what tells a process from others.
func sameProcess(a, b *Process) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a.SinceBoot != 0 && b.SinceBoot != 0 {
		return a.PID == b.PID && a.Boot == b.Boot && a.SinceBoot == b.SinceBoot && a.Executable == b.Executable
	}
	return a.PID == b.PID && a.Started.Equal(b.Started) && a.Executable == b.Executable
}

// stored is what is read of an event of an agent.
type stored struct {
	Agent struct {
		RuleID       string          `json:"rule_id"`
		BootID       string          `json:"boot_id"`
		ProcessStart uint64          `json:"process_start"`
		Report       json.RawMessage `json:"report"`
	} `json:"agent"`
	Process struct {
		PID       uint32 `json:"pid"`
		CreatedAt int64  `json:"created_at"`
		Args      string `json:"args"`
		Argv0     string `json:"argv0"`
		User      string `json:"user"`
		File      struct {
			Path  string `json:"path"`
			Inode uint64 `json:"inode"`
		} `json:"file"`
		CGroup struct {
			ID string `json:"id"`
		} `json:"cgroup"`
	} `json:"process"`
	Container struct {
		ID string `json:"id"`
	} `json:"container"`
}

// candidate is what an event is about; not ok where it is none of an agent's, or is a
// report of one.
func candidate(s schema.Sample) (c Candidate, ok bool) {
	if s.Content.Source != schema.AgentSource {
		return c, false
	}
	var e stored
	if json.Unmarshal(s.Content.Custom, &e) != nil || e.Agent.RuleID == "" || e.Agent.Report != nil {
		return c, false
	}
	c = Candidate{Host: s.Content.Host, Event: s.EventID, At: s.Content.Timestamp, Rule: e.Agent.RuleID}
	if e.Process.PID != 0 {
		c.Process = &Process{
			Process: orders.Process{
				PID: e.Process.PID, Boot: e.Agent.BootID, SinceBoot: e.Agent.ProcessStart,
				Executable: e.Process.File.Path, Inode: e.Process.File.Inode,
			},
			Args: e.Process.Args, User: e.Process.User, Container: e.Container.ID, CGroup: e.Process.CGroup.ID,
		}
		if e.Process.CreatedAt != 0 {
			c.Process.Started = time.Unix(0, e.Process.CreatedAt).UTC()
		}
	}
	return c, c.Host != ""
}
