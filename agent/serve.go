package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"nightjar/agent/probe"
	"nightjar/agent/process"
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

// Ask asks the agent of a state folder for its status.
func Ask(stateDir string) (*Status, error) {
	c, err := net.DialTimeout("unix", Socket(stateDir), time.Second)
	if err != nil {
		return nil, fmt.Errorf("no agent answers in %s: %w", stateDir, err)
	}
	defer c.Close()
	const patience = 5 * time.Second
	_ = c.SetDeadline(time.Now().Add(patience))
	s := &Status{}
	if err := json.NewDecoder(c).Decode(s); err != nil {
		return nil, fmt.Errorf("read the agent's answer: %w", err)
	}
	return s, nil
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
		answer := make(chan *Status, 1)
		select {
		case a.asks <- func() { answer <- a.status() }:
			_ = c.SetDeadline(time.Now().Add(time.Second))
			_ = json.NewEncoder(c).Encode(<-answer)
		case <-ended:
		}
		c.Close()
	}
}

func (a *Agent) status() *Status {
	const most = 200
	s := &Status{PID: os.Getpid(), Hooks: a.probe.Hooks(), Filtering: a.filters.state, Top: a.account.top.most(most)}
	if r, err := a.Account(); err == nil {
		s.Report = r
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
