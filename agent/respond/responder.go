package respond

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/policy"
	"nightjar/secl/ruleset"
)

// Actor takes actions of a kind that is not kill. Act is called from the goroutine that
// reads the kernel's ring and returns at once; the context and its event are lent for
// the call. It calls done exactly once, from any goroutine, perhaps before it returns:
// the event waits for that, for a bounded time.
type Actor interface {
	Act(rule *ruleset.Rule, a *policy.Action, c *secl.Context, done func(Report))
}

// Config is what a Responder works with.
type Config struct {
	Switch    *Switch    // nil: it is armed, for good
	Protected *Protected // nil: what NewProtected protects
	Killer    *Killer    // nil: one that sends signals
	Limits    Limits     // of the disarmer; zero: DefaultLimits
	Now       func() time.Time
}

// Responder takes the actions of rules that matched. Act, Exited, Tick and Install
// belong to the goroutine that reads the ring.
type Responder struct {
	Config
	actors   map[string]Actor
	disarmer *Disarmer
	waiting  map[birth][]*waiting
	later    []*postponed
	counts   map[string]*Counts
	kernel   kernelState
	// definitions are those of the rules in force, and of those that the disarmer knows,
	// by their ids.
	definitions map[string]string
	told        uint64 // kills by the kernel whose records were seen
}

// New makes a responder that knows kill actions; others are registered.
func New(c Config) *Responder {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Switch == nil {
		c.Switch = &Switch{}
	}
	if c.Protected == nil {
		c.Protected = NewProtected(nil)
	}
	if c.Killer == nil {
		c.Killer = NewKiller(c.Protected, c.Switch)
	}
	return &Responder{
		Config: c, actors: map[string]Actor{}, disarmer: NewDisarmer(c.Limits), waiting: map[birth][]*waiting{}, counts: map[string]*Counts{},
	}
}

// Register says who takes the actions of a kind.
func (r *Responder) Register(kind string, a Actor) { r.actors[kind] = a }

// Seen is what the kernel says of an event beside what rules can ask.
type Seen struct {
	Time   time.Time // of the event
	Kernel *Kernel   // what the kernel has done about it; nil: nothing
	Denied *Denied   // it was kept from happening; nil: it was not
}

// Taken are the actions of a match: what is known of them, and what is still to come.
type Taken struct {
	mu      sync.Mutex
	reports []Report
	left    int
}

// Done reports whether everything is known. It is, where no actions were taken (nil).
func (t *Taken) Done() bool {
	if t == nil {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.left == 0
}

// Reports are what is known so far, in the order of the actions. What is still to come
// is Queued.
func (t *Taken) Reports() []Report {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.reports)
}

// Kills reports whether one of the actions is to kill.
func (t *Taken) Kills() bool {
	return slices.ContainsFunc(t.Reports(), func(r Report) bool { return r.Type == "kill" })
}

// promise makes room for the report of one action.
func (t *Taken) promise(first Report) func(Report) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := len(t.reports)
	t.reports = append(t.reports, first)
	t.left++
	var once sync.Once
	return func(r Report) {
		once.Do(func() {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.reports[at] = r
			t.left--
		})
	}
}

// Act takes the actions of a rule that has matched, whose filters let them through; nil
// if it has none. What needs the process alive comes before what kills it, and is waited
// for where it takes a while; the reports are in the order of the rule. An action that fails keeps none from being taken.
func (r *Responder) Act(rule *ruleset.Rule, c *secl.Context, seen Seen) *Taken {
	actions := rule.Pending(c)
	if len(actions) == 0 {
		return nil
	}
	t := &Taken{}
	last := &postponed{}
	for _, a := range actions {
		if a.Kill != nil && seen.Denied != nil {
			report, nobody := seen.Denied.report(rule, c.Event.(*event.Event))
			r.counted(rule, t.promise(report))(report)
			if nobody {
				continue
			}
		}
		done := r.counted(rule, t.promise(Report{Type: a.Kind(), Status: Queued}))
		if a.Kill != nil {
			last.kills = append(last.kills, func(c *secl.Context) { guarded(a.Kind(), done, func() { r.kill(rule, a, c, seen, done) }) })
			continue
		}
		if a.CoreDump != nil && rule.Mode == policy.Blocking {
			done = last.after(done)
		}
		guarded(a.Kind(), done, func() { r.pass(rule, a, c, done) })
	}
	r.killAfter(last, c)
	return t
}

// pass hands an action to who has registered for it.
func (r *Responder) pass(rule *ruleset.Rule, a *policy.Action, c *secl.Context, done func(Report)) {
	actor := r.actors[a.Kind()]
	if actor == nil {
		done(Report{Type: a.Kind(), Status: Failed, Error: "the agent has no action " + a.Kind()})
		return
	}
	actor.Act(rule, a, c, done)
}

// guarded makes a failure of an action its report.
func guarded(kind string, done func(Report), act func()) {
	defer func() {
		if failure := recover(); failure != nil {
			done(Report{Type: kind, Status: Failed, Error: fmt.Sprint(failure)})
		}
	}()
	act()
}

// Counts are what became of the actions of a rule.
type Counts struct {
	Kills     uint64 `json:"kills,omitempty"`      // performed, also in part
	Denials   uint64 `json:"denials,omitempty"`    // what was kept from happening
	WouldHave uint64 `json:"would_have,omitempty"` // in monitoring
	Spared    uint64 `json:"spared,omitempty"`     // aborted: protected, gone, or another by now
	Disarmed  uint64 `json:"disarmed,omitempty"`   // not done: the rule is disarmed or dismantled
	Failed    uint64 `json:"failed,omitempty"`
}

// Add adds what became of one action.
func (n *Counts) Add(r Report) {
	switch r.Status {
	case Performed, PartiallyPerformed:
		switch r.Type {
		case "kill":
			n.Kills++
		case "deny":
			n.Denials++
		}
	case WouldHavePerformed:
		n.WouldHave++
	case Aborted:
		n.Spared++
	case RuleDisarmed, RuleDismantled:
		n.Disarmed++
	case Failed:
		n.Failed++
	}
}

var countsMu sync.Mutex // of all responders: actors report from their goroutines

// counted counts a report under its rule before it is handed on.
func (r *Responder) counted(rule *ruleset.Rule, done func(Report)) func(Report) {
	return func(report Report) {
		r.Count(rule.ID, report)
		done(report)
	}
}

// Count counts what became of an action of a rule, also of one that the responder was
// not asked to take: a denial.
func (r *Responder) Count(rule string, report Report) {
	countsMu.Lock()
	defer countsMu.Unlock()
	n := r.counts[rule]
	if n == nil {
		n = &Counts{}
		r.counts[rule] = n
	}
	n.Add(report)
}

// Counts are what became of the actions of every rule that had any, since the start.
func (r *Responder) Counts() map[string]Counts {
	countsMu.Lock()
	defer countsMu.Unlock()
	out := map[string]Counts{}
	for id, n := range r.counts {
		out[id] = *n
	}
	return out
}

// Disarmed are the rules that are out of service, and why.
func (r *Responder) Disarmed() []DisarmedRule { return r.disarmer.Disarmed(r.Now()) }

// Arm puts a rule that was disarmed or dismantled into service again; of "", all rules.
func (r *Responder) Arm(rule string) {
	r.disarmer.Arm(rule)
	r.renew(rule)
}

// executable is what an event's process executes: for a script the script.
func executable(p *event.Process) string { return p.File.Path }
