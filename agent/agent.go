package agent

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"sync"
	"time"

	"nightjar/agent/bpf"
	"nightjar/agent/decode"
	"nightjar/agent/probe"
	"nightjar/agent/process"
	"nightjar/agent/respond"
	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/policy"
	"nightjar/secl/ruleset"
	"nightjar/secl/vars"
)

// Config says what an agent does.
type Config struct {
	Policies  []*policy.Policy
	Sink      Sink          // gets what is found
	Hostname  string        // empty: that of the machine
	Version   string        // of the agent, which policies may ask for; empty: they may not
	StateDir  string        // of the socket that answers `agent status`; empty: there is none
	RingBytes int           // see probe.Options
	Report    time.Duration // between two reports to the Sink; 0: ten seconds
	Limits    process.Limits
	Events    []string // types of events to subscribe to even where no rule is about them: for recordings
	Protect   []string // programs, by absolute paths, that are never killed, beside those that respond.NewProtected protects
	Disarmer  respond.Limits
	NoDeny    bool   // blocking rules kill, and keep nothing from happening before
	CGroup    string // whose processes rules keep from connecting: a folder of version 2; empty: its root
}

// Agent monitors the host. It is inert until Run.
type Agent struct {
	config  Config
	rules   *ruleset.Set
	set     *policy.Set
	cache   *process.Cache
	decoder *decode.Decoder
	probe   *probe.Probe
	filters filters
	asks    chan func()

	replacing sync.Mutex // held by who replaces the policies
	responder *respond.Responder
	held      held
	priority  priority
	denials   denials
	network   *networkFilter

	context secl.Context
	event   event.Event
	scratch []byte // the last match: the next one may be as long
	account account
	boot    string // the boot's id: with a pid and when it started, a process for good
}

// New checks the policies. Rules that are wrong are left out: Problems tells.
func New(c Config) (*Agent, error) {
	if c.Hostname == "" {
		c.Hostname, _ = os.Hostname()
	}
	if c.Report == 0 {
		c.Report = 10 * time.Second
	}
	clock := newClock()
	a := &Agent{config: c, cache: process.New(c.Limits, clock.at), asks: make(chan func()), boot: BootID()}
	set, rules, err := a.load(c.Policies)
	if err != nil {
		return nil, err
	}
	a.set, a.rules, a.filters = set, rules, newFilters(rules, c.Events)
	a.decoder = &decode.Decoder{Cache: a.cache, Clock: clock.at, Hostname: c.Hostname}
	a.decoder.Functions = functionsOf(set)
	a.cache.Ended = a.ended
	a.cache.ContainerEnded = func(id string) { a.rules.Vars.Forget(vars.Container, event.ContainerKey(id)) }
	a.context.Event = &a.event
	a.account.start()
	return a, a.prepareResponder()
}

// Problems are what is wrong in the policies, and what in them can never fire.
func (a *Agent) Problems() []*policy.DefinitionError { return a.set.Problems }

// Never says of each rule that can never fire with this agent why that is.
func (a *Agent) Never() []string {
	var out []string
	for _, r := range a.set.Rules {
		for _, why := range r.Never {
			out = append(out, fmt.Sprintf("rule `%s` never fires: %s", r.ID, why))
		}
	}
	return out
}

// readDeadline is how long an event that nobody must act on waits at most.
const readDeadline = 50 * time.Millisecond

// Run monitors until the context is done, then takes everything out of the kernel
// and looks at what is still in the ring. Its error is probe.ErrUnavailable where
// no events can be seen.
func (a *Agent) Run(ctx context.Context) (err error) {
	p, err := probe.Open(a.options(a.set, a.rules, a.decoder.Functions))
	if err != nil {
		return err
	}
	a.probe = p
	defer p.Close()
	defer a.priority.want(false)
	ended := make(chan struct{})
	defer close(ended)
	a.cache.Packages = process.NewPackages("/", ended)
	stop, err := a.serve()
	if err != nil {
		return err
	}
	defer stop()
	stopEvidence, err := a.takeEvidence()
	if err != nil {
		return err
	}
	defer stopEvidence()
	defer func() { err = errors.Join(err, a.undeny(), a.network.dropper.Close()) }()
	if err := a.begin(); err != nil {
		return err
	}
	for next := time.Now().Add(a.config.Report); ctx.Err() == nil; {
		if err := a.step(time.Now().Add(readDeadline)); err != nil {
			return err
		}
		if now := time.Now(); now.After(next) {
			next = now.Add(a.config.Report)
			a.report()
		}
	}
	return a.drain()
}

// begin tells the kernel what to filter, and takes in the processes there are.
func (a *Agent) begin() error {
	if err := a.filters.install(a.probe); err != nil {
		return err
	}
	if err := a.enforce(a.rules, a.set); err != nil {
		return err
	}
	if err := a.probe.Snapshot(a.cache.Start); err != nil {
		return err
	}
	a.cache.Link()
	if ready, ok := a.config.Sink.(interface{ Ready(hooks []probe.Hook) }); ok {
		ready.Ready(a.probe.Hooks())
	}
	return nil
}

// step looks at the records that are there, answers who asks, and waits for
// further ones until the deadline.
func (a *Agent) step(deadline time.Time) error {
	const many = 4096
	through := time.Time{}
	for range many {
		r, err := a.probe.Read(deadline)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			through = deadline // the ring was empty after it
			break
		}
		if err != nil {
			return fmt.Errorf("read events: %w", err)
		}
		a.handle(r)
	}
	a.priority.flooded(through.IsZero())
	if !through.IsZero() {
		a.takeDenials(sinceBoot(through))
	}
	if through.IsZero() && a.event.Timestamp > 0 {
		through = time.Unix(0, a.event.Timestamp).Add(-inOrder)
	}
	if len(a.held.queue) > 0 {
		through = earlier(through, time.Unix(0, a.held.queue[0].event.Timestamp))
	}
	a.account.reached(through)
	select {
	case ask := <-a.asks:
		ask()
	default:
	}
	a.cache.Shed(liveHeap())
	a.responder.Tick(time.Now())
	a.release(time.Now())
	return nil
}

// drain lets no more events come and looks at those that came.
func (a *Agent) drain() error {
	end := time.Now()
	if err := errors.Join(a.undeny(), a.probe.Detach()); err != nil {
		return err
	}
	for {
		r, err := a.probe.Read(time.Now())
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil {
			return fmt.Errorf("read the last events: %w", err)
		}
		a.handle(r)
	}
	a.takeDenials(math.MaxUint64)
	a.releaseAll()
	a.account.reached(end)
	a.report()
	return nil
}

// handle evaluates the rules on one record.
func (a *Agent) handle(r bpf.Record) {
	a.account.delivered[r.Type]++
	a.takeDenials(r.Time)
	if a.toldAlready(r) {
		return
	}
	a.event.Reset()
	done, isEvent := a.decoder.Event(&a.event, r)
	defer done()
	if !isEvent {
		return
	}
	a.account.seen(&a.event)
	a.exited(r)
	if r.Has(bpf.Denied) {
		a.deniedRecord(r)
		return
	}
	seen := a.seen(r)
	found := a.evaluate(seen)
	if owner := a.responder.Owner(seen); owner != nil && !slices.Contains(found, owner.ID) {
		a.killedOtherwise(seen)
	}
	if bucket := a.rules.For(a.event.Type); bucket != nil && len(found) == 0 {
		a.filters.learn(a.probe, bucket, r)
	}
}

// matched counts a match, takes the rule's actions, and hands it to the sink. What the
// limit of a rule holds back is told all the same if the rule killed something, or would
// have: of that, every case is in the events.
func (a *Agent) matched(rule *ruleset.Rule, report bool, seen respond.Seen) {
	m := a.account.rule(rule.ID)
	m.Matches++
	taken := a.responder.Act(rule, &a.context, seen)
	if !report && (rule.Silent || !taken.Kills()) {
		if !rule.Silent {
			m.HeldBack++
		}
		return
	}
	if a.config.Sink != nil {
		a.tell(rule, taken)
	}
}

// ended forgets the variables of a process, and its filter of packets.
func (a *Agent) ended(p *event.Process) {
	_ = a.network.dropper.Ended(int(p.PID), p.Key)
	if key, ok := (event.World{}).Ancestor(&secl.Context{Event: &event.Event{Process: p}}, 0); ok {
		a.rules.Vars.Forget("process", key)
	}
}
