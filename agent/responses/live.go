package responses

import (
	"maps"
	"slices"
	"sync"
)

// live are the responses that something is still to be done about, or that say how a host
// stands: by agent, so that an agent which asks is not answered by reading all that was ever
// done. The zero value is ready.
type live struct {
	mu      sync.Mutex
	byAgent map[string]map[string]Versioned // and by id
}

// lives reports whether a response waits, rules whether its host is isolated, or ended and
// was not written into the history of its signal yet.
func (r *Response) lives() bool {
	return r.State == Waiting || r.rules() || r.Signal != "" && r.Told != r.State
}

// see takes a version of a response.
func (l *live) see(v Versioned) {
	l.mu.Lock()
	defer l.mu.Unlock()
	agent := v.Body.Agent
	if v.Deleted || !v.Body.lives() {
		delete(l.byAgent[agent], v.ID)
		if len(l.byAgent[agent]) == 0 {
			delete(l.byAgent, agent)
		}
		return
	}
	if l.byAgent == nil {
		l.byAgent = map[string]map[string]Versioned{}
	}
	if l.byAgent[agent] == nil {
		l.byAgent[agent] = map[string]Versioned{}
	}
	l.byAgent[agent][v.ID] = v
}

// forget lets go of responses.
func (l *live) forget(all []Versioned) {
	for _, v := range all {
		v.Deleted = true
		l.see(v)
	}
}

// of are those of an agent, the oldest first.
func (l *live) of(agent string) []Versioned {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.SortedFunc(maps.Values(l.byAgent[agent]), byAge)
}

// all are those of all agents, the oldest first.
func (l *live) all() []Versioned {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []Versioned
	for _, of := range l.byAgent {
		out = slices.AppendSeq(out, maps.Values(of))
	}
	slices.SortFunc(out, byAge)
	return out
}
