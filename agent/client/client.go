package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"nightjar/agent/orders"
	"nightjar/wal"
)

// Agent follows orders, and says how it is. It is declared here because this is who
// calls it.
type Agent interface {
	// About is how the agent is: all of Sync but what the Client knows itself.
	About() orders.Sync
	// Obey turns switches and queues commands; it does not wait.
	Obey(orders.Orders) error
	// Follow brings policies into force. Its error is a *PoliciesError where they do not
	// check, and nothing has changed then.
	Follow(ctx context.Context, p orders.Policies) error
	// Results are those that no server has taken yet; Sent says that it has these.
	Results() []orders.Result
	Sent([]orders.Result)
	// Changed is closed when there are further results, or the agent is otherwise.
	Changed() <-chan struct{}
}

// PoliciesError are policies that do not check.
type PoliciesError struct{ Errors []string }

func (p *PoliciesError) Error() string { return fmt.Sprint("the policies do not check: ", p.Errors) }

// Config is what a Client needs. Zero values of the last ones are defaults.
type Config struct {
	Server   Server
	Identity *Identity
	Dir      string // the state folder
	Log      *slog.Logger
	Wait     time.Duration // for an answer; orders.MaxWait by default
	Pause    time.Duration // after the first failure, doubled up to MaxPause; half a second
	MaxPause time.Duration // five seconds
}

// Client keeps an agent's orders. Its methods belong to one goroutine, but for State.
type Client struct {
	config Config
	gate   *orders.Gate

	mu    sync.Mutex // for State; who writes needs it, who reads in the client's goroutine does not
	state State
}

// State is how it is with orders.
type State struct {
	Sequence uint64          // of the orders accepted last
	InForce  uint64          // the version of the policies in force; 0: none of the server's
	Refused  *orders.Refusal // policies that were sent and are not in force
	Unsigned string          // why the orders sent last were refused
	Away     string          // why no orders come now
}

// State is that of now.
func (c *Client) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

func (c *Client) set(change func(*State)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.state)
	c.state.Sequence = c.gate.Last().Sequence
}

// New makes a client that goes on from the orders that were kept, if there are any. Kept
// orders that are damaged are told, and are as good as none.
func New(c Config) *Client {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	set := func(d *time.Duration, to time.Duration) {
		if *d == 0 {
			*d = to
		}
	}
	set(&c.Wait, orders.MaxWait*time.Second)
	set(&c.Pause, 500*time.Millisecond)
	set(&c.MaxPause, 5*time.Second)
	out := &Client{config: c, gate: orders.NewGate(c.Identity.ID, c.Identity.ServerKey)}
	// The older ones first: the gate takes nothing older than what it has.
	for _, name := range []string{inForceFile, ordersFile} {
		if s, err := out.kept(name); err == nil {
			_, err = out.gate.Resume(s)
			out.tellDamage(name, err)
		} else if !errors.Is(err, os.ErrNotExist) {
			out.tellDamage(name, err)
		}
	}
	out.set(func(*State) {})
	return out
}

func (c *Client) tellDamage(name string, err error) {
	if err != nil {
		c.config.Log.Error("kept orders are of no use", "file", filepath.Join(c.config.Dir, name), "reason", err)
	}
}

func (c *Client) kept(name string) (s orders.Signed, err error) {
	text, err := os.ReadFile(filepath.Join(c.config.Dir, name))
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(text, &s)
}

// Orders are those that were accepted last; their Sequence is 0 where none were.
func (c *Client) Orders() orders.Orders { return c.gate.Last() }

// Good are the policies that were in force last, and false where none were: those of the
// last orders may not check.
func (c *Client) Good() (orders.Policies, bool) {
	s, err := c.kept(inForceFile)
	if err != nil {
		return orders.Policies{}, false
	}
	o, err := orders.NewGate(c.config.Identity.ID, c.config.Identity.ServerKey).Resume(s)
	return o.Policies, err == nil
}

// First asks for orders once, without waiting, and keeps what it gets. The orders are not
// followed yet: an agent that starts does that itself, and says so with InForce or Refuse.
func (c *Client) First(ctx context.Context, about orders.Sync) error {
	s, err := c.ask(ctx, about, 0)
	if err != nil || s.Payload == nil {
		return err
	}
	return c.accept(s)
}

// InForce takes that an agent has started with the policies of this version.
func (c *Client) InForce(version uint64) {
	c.set(func(s *State) { s.InForce, s.Refused = version, nil })
	if c.gate.Last().Policies.Version == version {
		c.keepInForce()
	}
}

// Refuse takes that it did not start with those of the last orders.
func (c *Client) Refuse(why ...string) {
	c.set(func(s *State) { s.Refused = &orders.Refusal{Version: c.gate.Last().Policies.Version, Errors: why} })
}

// Run asks for orders and has them followed until the context ends; then it says goodbye.
func (c *Client) Run(ctx context.Context, a Agent) {
	pauses := backoff.ExponentialBackOff{InitialInterval: c.config.Pause, Multiplier: 2, MaxInterval: c.config.MaxPause, RandomizationFactor: 0.2}
	for ctx.Err() == nil {
		wait, err := c.round(ctx, a)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			pause(ctx, max(wait, pauses.NextBackOff()))
		default:
			pauses.Reset()
		}
	}
	const patience = 2 * time.Second
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	about := a.About()
	about.Leaving = true
	about.Results = some(a.Results())
	if _, err := c.ask(ending, about, 0); err == nil {
		a.Sent(about.Results)
	}
}

// round asks once, waits for the answer, and has it followed. Its error is one after which
// it is better to wait, at least as long as the server says.
func (c *Client) round(ctx context.Context, a Agent) (wait time.Duration, err error) {
	asking, stop := context.WithCancel(ctx)
	defer stop()
	changed := a.Changed()
	about := a.About()
	all := a.Results()
	about.Results = some(all)
	patience := c.config.Wait
	if len(about.Results) < len(all) {
		patience = 0 // the others follow
	}
	ended := make(chan struct{})
	defer close(ended)
	go func() { // what is new is said at once
		select {
		case <-changed:
			stop()
		case <-ended:
		}
	}()
	s, err := c.ask(asking, about, patience)
	switch {
	case ctx.Err() != nil:
		return 0, nil
	case asking.Err() != nil: // it may have got there: results are repeated until it says so
		return 0, nil
	case err != nil:
		return c.tellAway(err), err
	}
	c.tellBack()
	a.Sent(about.Results)
	if s.Payload == nil {
		return 0, nil
	}
	if err := c.accept(s); err != nil {
		return 0, err
	}
	return 0, c.follow(ctx, a)
}

// maxResults is how many bytes of reports are sent at once: servers refuse bodies of 10 MiB
// and more, and what has to come through with them is how the agent is.
const maxResults = 1 << 20

// some are as many of the first results as fit, and at least one.
func some(results []orders.Result) []orders.Result {
	size := 0
	for i, r := range results {
		if size += len(r.Report) + len(r.Error); size > maxResults && i > 0 {
			return results[:i]
		}
	}
	return results
}

// ask posts how the agent is, and waits for the answer as long as it says.
func (c *Client) ask(ctx context.Context, about orders.Sync, wait time.Duration) (s orders.Signed, err error) {
	const beyond = 15 * time.Second
	ctx, cancel := context.WithTimeout(ctx, wait+beyond)
	defer cancel()
	about.Agent, about.Sequence, about.InForce = c.config.Identity.ID, c.gate.Last().Sequence, c.state.InForce
	about.Refused, about.OrdersRefused, about.WaitSeconds = c.state.Refused, c.state.Unsigned, int64(wait/time.Second)
	return s, c.config.Server.post(ctx, "/api/nightjar/v1/agents/sync", c.config.Identity.Key, about, &s)
}

// accept takes orders that the gate takes, and keeps them before they are followed.
func (c *Client) accept(s orders.Signed) error {
	before := c.gate.Last().Sequence
	o, err := c.gate.Accept(s, time.Now())
	if err != nil {
		if c.state.Unsigned != err.Error() {
			c.config.Log.Error("orders are not followed", "reason", err)
		}
		c.set(func(s *State) { s.Unsigned = err.Error() })
		return err
	}
	c.set(func(s *State) { s.Unsigned = "" })
	if o.Sequence == before {
		return nil
	}
	text, err := json.Marshal(s)
	if err == nil {
		err = wal.ReplaceFile(filepath.Join(c.config.Dir, ordersFile), text)
	}
	if err != nil {
		// They hold all the same: a disk must not keep a server from disarming an agent.
		c.config.Log.Error("orders can't be kept; after a restart the agent begins from older ones", "error", err)
	}
	return nil
}

// follow has the last orders followed.
func (c *Client) follow(ctx context.Context, a Agent) error {
	o := c.gate.Last()
	err := a.Obey(o)
	if err != nil {
		c.config.Log.Error("orders can't be followed", "error", err)
	}
	version := o.Policies.Version
	if version == c.state.InForce || c.state.Refused != nil && c.state.Refused.Version == version {
		return err
	}
	followed := a.Follow(ctx, o.Policies)
	var wrong *PoliciesError
	switch {
	case followed == nil:
		c.InForce(version)
		c.config.Log.Info("policies of the server are in force", "version", version, "policies", len(o.Policies.Set))
	case errors.As(followed, &wrong):
		c.set(func(s *State) { s.Refused = &orders.Refusal{Version: version, Errors: wrong.Errors} })
		c.config.Log.Error("policies of the server are refused; the last good ones stay in force", "version", version, "errors", wrong.Errors)
	default:
		c.config.Log.Error("policies of the server can't be brought into force; it is tried again", "version", version, "error", followed)
	}
	return errors.Join(err, followed)
}

// keepInForce keeps the last orders as those whose policies are in force.
func (c *Client) keepInForce() {
	s, err := c.kept(ordersFile)
	if err == nil {
		var text []byte
		if text, err = json.Marshal(s); err == nil {
			err = wal.ReplaceFile(filepath.Join(c.config.Dir, inForceFile), text)
		}
	}
	if err != nil {
		c.config.Log.Error("policies can't be kept; after a restart the agent begins from older ones", "error", err)
	}
}

// tellAway says, once, why the server gives no orders, and returns how long it asks to wait.
func (c *Client) tellAway(err error) time.Duration {
	var refused *RefusalError
	text, wait := err.Error(), time.Duration(0)
	if errors.As(err, &refused) {
		wait = refused.After
		if refused.Status == http.StatusUnauthorized || refused.Status == http.StatusForbidden {
			text = fmt.Sprintf("the key of this agent (%s) is not valid any more (%s): it was revoked, or the server is another one; to enroll again, stop the agent and remove %s",
				c.config.Identity.ID, text, filepath.Join(c.config.Dir, idFile))
		}
	}
	if before := c.state.Away; before == "" || refused != nil && before != text {
		c.config.Log.Warn("no orders come from the server; the last ones hold", "server", c.config.Server.Base, "reason", text)
	}
	c.set(func(s *State) { s.Away = text })
	return wait
}

func (c *Client) tellBack() {
	if c.state.Away != "" {
		c.set(func(s *State) { s.Away = "" })
		c.config.Log.Info("orders come from the server again")
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
