package control

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"nightjar/agent/orders"
	"nightjar/configuration"
	"nightjar/objects"
	"nightjar/schema"
)

// Deps are what a Registry is made of.
type Deps struct {
	// Objects keeps agents and the rollout.
	Objects objects.Table
	// Stores have the rules and policies, and are loaded.
	Stores   *configuration.Stores
	Defaults *Defaults
	Keys     Keys
	// Key signs orders.
	Key ed25519.PrivateKey
	// Responses are what people do to hosts beside policies; nil: nothing.
	Responses Responses
	// Watch makes the rules that make signals of what happens to agents. It is called once,
	// when there is a first agent, and again only after an error; nil: nobody does.
	Watch func(context.Context) error
	// Tell is told of what happened to agents; it must not wait.
	Tell func(Happening)
	Now  func() time.Time
	Log  *slog.Logger
}

// Keys are the API keys of agents.
type Keys interface {
	// Bind makes a key that only this agent uses.
	Bind(ctx context.Context, agent, host string) (keyID, secret string, err error)
	// Revoke ends a key at once.
	Revoke(ctx context.Context, keyID string) error
}

// Responses say what is to be done to a host.
type Responses interface {
	For(agent string) Response
	// Answer takes results of commands. One that can't be kept is an error, and comes
	// again.
	Answer(ctx context.Context, agent string, results []orders.Result) error
	// Enrolled has what holds for the host hold for the agent that is enrolled on it now.
	Enrolled(ctx context.Context, agent, host string) error
}

// Response is the part of orders that is no policy.
type Response struct {
	Disarmed  bool
	Why       string // it is disarmed
	Isolation *orders.Isolation
	Commands  []orders.Command
}

// Agent is an enrolled agent as it is kept. What changes with every sync is in memory.
type Agent struct {
	Host     string   `json:"host"`
	Tags     []string `json:"tags"`
	Version  string   `json:"version"`
	Kernel   string   `json:"kernel"`
	KeyID    string   `json:"key_id"`
	Token    string   `json:"token"` // the id of the token's key
	Instance string   `json:"instance,omitempty"`
	State    State    `json:"state,omitempty"`
	// Contact is when it was heard of, as of State's last change.
	Contact schema.Millis `json:"contact,omitempty"`
}

// State is whether an agent is heard of.
type State string

// The states.
const (
	Enrolled  State = ""          // it never synced
	Reporting State = "reporting" // it syncs
	Stopped   State = "stopped"   // it said that it stops
	Silent    State = "silent"    // it said nothing, and does not sync
)

// Registry knows all agents. Its methods may be called from several goroutines.
type Registry struct {
	deps    Deps
	agents  *objects.Store[Agent]
	rollout *objects.Store[Rollout]
	started schema.Millis

	mu      sync.Mutex
	members map[string]*member
	changed chan struct{} // closed when somebody may get other orders
	sets    map[string]effective
	order   []string // ids, in the order in which stages take agents in; nil: to be made
	seen    seen
}

// member is an agent as it is in memory; guarded by Registry.mu.
type member struct {
	Agent
	enrolled schema.Millis
	last     *orders.Sync // nil: none since the start
	contact  schema.Millis
	polls    int // that wait for an answer
	silent   schema.Millis
	meter    meter
	doubles  doubles
	issued   *issued
	caught   bool // the policies were numbered anew because of it, since the start
}

// New makes a Registry. Load must return before anything else is asked of it.
func New(deps Deps) *Registry {
	if deps.Tell == nil {
		deps.Tell = func(Happening) {}
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	return &Registry{
		deps:    deps,
		agents:  objects.New(objects.Kind[Agent]{Name: "agent", NewID: schema.NewID, NoLog: true}, deps.Objects, deps.Now),
		rollout: objects.New(rolloutKind, deps.Objects, deps.Now),
		started: schema.MillisOf(deps.Now()),
		members: map[string]*member{}, changed: make(chan struct{}), sets: map[string]effective{},
	}
}

// Load reads what is stored.
func (r *Registry) Load(ctx context.Context) error {
	if err := errors.Join(r.agents.Load(ctx), r.rollout.Load(ctx)); err != nil {
		return err
	}
	all, err := r.agents.List(ctx)
	if err != nil {
		return err
	}
	r.mu.Lock()
	for _, v := range all {
		r.members[v.ID] = &member{Agent: v.Body, enrolled: v.CreatedAt, contact: r.started}
	}
	r.mu.Unlock()
	return r.adopt(ctx)
}

// PublicKey is what agents check orders with.
func (r *Registry) PublicKey() ed25519.PublicKey { return r.deps.Key.Public().(ed25519.PublicKey) }

// CheckEnrolment says what is wrong with what a host says of itself, as
// *schema.InvalidError.
func CheckEnrolment(in orders.Enrolment) error { return checkAbout(in.Host, in.Tags) }

// Enrol makes a host an agent, and gives it a key of its own.
func (r *Registry) Enrol(ctx context.Context, token string, in orders.Enrolment) (orders.Enrolled, error) {
	if err := CheckEnrolment(in); err != nil {
		return orders.Enrolled{}, err
	}
	body := Agent{Host: in.Host, Tags: in.Tags, Version: in.AgentVersion, Kernel: in.Kernel, Token: token}
	var secret string
	v, err := r.agents.Write(ctx, objects.Ref{}, func(next *objects.Versioned[Agent]) (err error) {
		if r.deps.Responses != nil {
			if err := r.deps.Responses.Enrolled(ctx, next.ID, in.Host); err != nil {
				return err
			}
		}
		body.KeyID, secret, err = r.deps.Keys.Bind(ctx, next.ID, in.Host)
		next.Body = body
		return err
	})
	if err != nil && body.KeyID != "" { // nobody has the key: it is to let nobody in
		err = errors.Join(err, r.deps.Keys.Revoke(context.WithoutCancel(ctx), body.KeyID))
	}
	if err != nil {
		return orders.Enrolled{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.members[v.ID] = &member{Agent: v.Body, enrolled: v.CreatedAt, contact: schema.MillisOf(r.deps.Now())}
	r.order = nil
	r.wakeAll()
	return orders.Enrolled{Agent: v.ID, Key: secret, ServerKey: r.PublicKey()}, nil
}

// Revoke ends an agent's key at once, and forgets the agent.
func (r *Registry) Revoke(ctx context.Context, id string) error {
	v, err := r.agents.Get(ctx, id)
	if err != nil {
		return err
	}
	// A key that an administrator revoked before is what is wanted.
	if err := r.deps.Keys.Revoke(ctx, v.Body.KeyID); err != nil && !errors.As(err, new(*schema.NotFoundError)) {
		return fmt.Errorf("revoke agent %s: %w", id, err)
	}
	if err := r.agents.Delete(ctx, id); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.members, id)
	r.order = nil
	r.wakeAll()
	return nil
}

// Wake has all agents asked anew which orders they are to have, as after responses changed.
func (r *Registry) Wake(...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wakeAll()
}

func (r *Registry) wakeAll() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// Respond sets what says what is to be done to hosts, before Run.
func (r *Registry) Respond(with Responses) { r.deps.Responses = with }

func invalid(target, message string) error {
	return &schema.InvalidError{Details: []schema.Detail{{Target: target, Message: message}}}
}
