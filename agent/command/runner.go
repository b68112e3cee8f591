package command

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"nightjar/agent/orders"
	"nightjar/agent/process"
	"nightjar/agent/respond"
)

// Deps are what a Runner needs of an agent.
type Deps struct {
	// Dir is the state folder.
	Dir    string
	Killer Killer
	Switch Switch
	// Isolator cuts the host off; nil: this agent can't.
	Isolator Isolator
	// Do calls a function with the processes, which are lent for the call.
	Do func(context.Context, func(*process.Cache)) error
	// Engine are the addresses by which the agent reaches its server.
	Engine func() []netip.AddrPort
	// Boot is the id of this boot.
	Boot string
	Now  func() time.Time
}

// Killer signals processes. *respond.Killer is one.
type Killer interface {
	Kill(ctx context.Context, t respond.Target, signal, scope string) respond.Report
}

// Switch stops all killing and blocking. *respond.Switch is one.
type Switch interface {
	Disarmed() string
	Disarm(by respond.By, why string, now time.Time) error
	Arm(by respond.By) error
	Watch(func(disarmed bool))
}

// Isolator cuts the host off, but for these addresses. *deny.Isolator is one.
type Isolator interface {
	Set(isolated bool, allow []netip.AddrPort) error
}

// Statuses of results that are no report's of a kill.
const (
	performed = "performed"
	failed    = "error"
	aborted   = "aborted"
	tooLate   = "expired"
	unknown   = "unknown"
)

// Runner follows orders. Methods may be called from several goroutines.
type Runner struct {
	deps   Deps
	ledger *ledger
	kick   chan struct{} // something is to be done

	mu       sync.Mutex
	orders   orders.Orders // the last ones
	isolated bool
	network  error         // why isolation is not as the orders want it
	waker    chan struct{} // closed at the next change
}

// Open makes a Runner that knows what was done before.
func Open(d Deps) (*Runner, error) {
	l, err := openLedger(d.Dir, d.Now())
	if err != nil {
		return nil, err
	}
	r := &Runner{deps: d, ledger: l, kick: make(chan struct{}, 1), waker: make(chan struct{})}
	d.Switch.Watch(func(bool) { r.poke() }) // isolation follows it
	return r, nil
}

// Obey follows orders that were accepted. It turns the switch before it returns; the rest
// is done by Run.
func (r *Runner) Obey(o orders.Orders) error {
	var err error
	if o.Disarmed {
		err = r.deps.Switch.Disarm(respond.Server, o.DisarmedWhy, r.deps.Now())
	} else {
		err = r.deps.Switch.Arm(respond.Server)
	}
	r.mu.Lock()
	anew := o.Sequence != r.orders.Sequence
	r.orders = o
	r.mu.Unlock()
	if anew && r.ledger.again(o.Commands) {
		r.changed()
	}
	r.poke()
	return err
}

func (r *Runner) poke() {
	select {
	case r.kick <- struct{}{}:
	default: // it will look anyway
	}
}

// Run does what is ordered until the context ends. What it is doing then it does not end.
func (r *Runner) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.kick:
			r.follow(ctx)
		}
	}
}

// follow brings the host to the state that the last orders want, and does their commands.
func (r *Runner) follow(ctx context.Context) {
	o := r.lastOrders()
	r.keepNetwork(o.Isolation)
	for _, c := range o.Commands {
		if ctx.Err() != nil {
			return
		}
		if r.ledger.knows(c.ID) {
			continue
		}
		r.once(ctx, c)
		r.changed()
	}
	r.ledger.forget(o.Commands, r.deps.Now())
}

func (r *Runner) lastOrders() orders.Orders {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.orders
}

// once does a command that was not done before.
func (r *Runner) once(ctx context.Context, c orders.Command) {
	now := r.deps.Now()
	if !now.Before(c.Expires) {
		r.ledger.end(c, orders.Result{Status: tooLate, Error: "it could be begun until " + c.Expires.UTC().Format(time.RFC3339)}, now)
		return
	}
	if c.Network == nil { // which only answers how the host stands
		if err := r.ledger.begin(c); err != nil {
			r.ledger.end(c, orders.Result{Status: failed, Error: fmt.Sprintf("not done, because it could not be kept that it begins: %v", err)}, now)
			return
		}
	}
	res := r.do(ctx, c)
	r.ledger.end(c, res, r.deps.Now())
}

// patience is how long a command may take.
const patience = 5 * time.Second

func (r *Runner) do(ctx context.Context, c orders.Command) orders.Result {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	switch {
	case c.Kill != nil:
		return r.kill(ctx, c.Kill)
	case c.Collect != nil:
		return r.collect(ctx, c.Collect)
	case c.Network != nil:
		return r.answerNetwork(c.Network)
	}
	return orders.Result{Status: failed, Error: "this version of the agent does not know what is asked for; update it"}
}

// Results are those that no server has taken yet.
func (r *Runner) Results() []orders.Result { return r.ledger.results() }

// Sent tells that a server has taken results.
func (r *Runner) Sent(results []orders.Result) { r.ledger.taken(results) }

// Changed is closed when there is a further result, or isolation changed.
func (r *Runner) Changed() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.waker
}

func (r *Runner) changed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.waker)
	r.waker = make(chan struct{})
}

// reportOf is a report as a result carries it.
func reportOf(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		text, _ = json.Marshal(map[string]string{"error": err.Error()})
	}
	return text
}
