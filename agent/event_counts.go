package agent

import (
	"runtime/metrics"
	"sync/atomic"
	"time"

	"nightjar/agent/bpf"
	"nightjar/agent/process"
	"nightjar/agent/respond"
	"nightjar/secl/event"
)

// Report is what became of all events since the start. For each type, and for all
// together, Generated = Filtered + Delivered + Lost + Waiting.
type Report struct {
	Time       time.Time               `json:"time"`
	Through    time.Time               `json:"through"` // everything that happened until then was delivered, filtered or lost
	Started    time.Time               `json:"started"`
	Generated  uint64                  `json:"generated"`  // by system calls, and by processes that start and end
	Filtered   uint64                  `json:"filtered"`   // in the kernel, because no rule can match them
	Delivered  uint64                  `json:"delivered"`  // to the rules
	Waiting    uint64                  `json:"waiting"`    // in the ring, at this moment
	Lost       map[string]uint64       `json:"lost"`       // by cause
	Incomplete map[string]uint64       `json:"incomplete"` // what rules could not be asked with, by what
	Events     map[string]Account      `json:"events"`
	Rules      map[string]*RuleAccount `json:"rules"`
	Matches    uint64                  `json:"matches"`
	HeldBack   uint64                  `json:"held_back"` // matches over the limits of their rules
	Dropped    uint64                  `json:"dropped"`   // matches for which the output had no room
	Processes  process.Stats           `json:"processes"`
	Kills      uint64                  `json:"kills"`                  // by rules; what else became of actions is in Rules
	Untold     uint64                  `json:"kills_untold,omitempty"` // in the kernel, whose events are on their way or were lost
	Denials    uint64                  `json:"denials"`                // likewise
	Disarmed   []respond.DisarmedRule  `json:"disarmed_rules"`
	Switch     string                  `json:"switch,omitempty"` // because of whom nothing is killed and denied; empty: armed
}

// Account is what became of one type of events.
type Account struct {
	Generated uint64 `json:"generated"`
	Filtered  uint64 `json:"filtered"`
	Delivered uint64 `json:"delivered"`
	Lost      uint64 `json:"lost"`
	Waiting   uint64 `json:"waiting"`
}

// RuleAccount is what a rule found.
type RuleAccount struct {
	Matches  uint64 `json:"matches"`
	HeldBack uint64 `json:"held_back"`
	respond.Counts
	about []byte // see appendAbout
}

// The causes of losses.
const (
	lostRing   = "ring_full"
	lostBuffer = "no_buffer"
	lostOwner  = "no_process" // a packet of a socket that was there before the agent
)

// account counts on the agent's side of the ring.
type account struct {
	started   time.Time
	through   time.Time
	delivered [bpf.Types]uint64
	rules     map[string]*RuleAccount
	top       top
	// denials of which no event tells
	lostDenials atomic.Uint64
}

func (a *account) start() {
	a.started = time.Now()
	a.rules = map[string]*RuleAccount{}
	a.top.start()
}

func (a *account) rule(id string) *RuleAccount {
	r := a.rules[id]
	if r == nil {
		r = &RuleAccount{}
		a.rules[id] = r
	}
	return r
}

// reached takes that everything until a time was looked at.
func (a *account) reached(at time.Time) {
	if at.After(a.through) {
		a.through = at
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// inOrder bounds, in time, how far records are out of order in the ring.
const inOrder = time.Second

func (a *account) seen(e *event.Event) { a.top.add(e) }

// report hands the account to the sink. An account that can't be read is told
// the next time.
func (a *Agent) report() {
	if a.config.Sink == nil {
		return
	}
	if r, err := a.Account(); err == nil {
		a.config.Sink.Report(r)
	}
}

// Account is the account so far.
func (a *Agent) Account() (Report, error) {
	counts, err := a.probe.Counts()
	if err != nil {
		return Report{}, err
	}
	r := Report{
		Time: time.Now(), Through: a.account.through, Started: a.account.started, Lost: map[string]uint64{}, Incomplete: map[string]uint64{},
		Events: map[string]Account{}, Rules: map[string]*RuleAccount{}, Processes: a.cache.Stats,
	}
	for t, n := range counts {
		if n[bpf.Generated] > 0 {
			r.add(bpf.Type(t), n, a.account.delivered[t])
		}
	}
	for id, n := range a.responder.Counts() {
		a.account.rule(id).Counts = n
		r.Kills += n.Kills
		r.Denials += n.Denials
	}
	r.Untold = a.responder.Untold()
	r.Disarmed, r.Switch = a.responder.Disarmed(), a.responder.Switch.Disarmed()
	for id, n := range a.account.rules {
		of := *n
		r.Rules[id] = &of
		r.Matches += n.Matches
		r.HeldBack += n.HeldBack
	}
	if a.config.Sink != nil {
		r.Dropped = a.config.Sink.Dropped()
	}
	for what, n := range map[string]uint64{
		"path": a.decoder.Unresolved, "process": a.cache.Stats.Unknown, "arguments": a.cache.Stats.PiecesLost,
		"variable_evicted": a.rules.Vars.Evicted(), "variable_not_set": a.rules.Failed(), // of types that do not fit
	} {
		r.incomplete(what, n)
	}
	return r, nil
}

func (r *Report) add(t bpf.Type, n [bpf.Counts]uint64, delivered uint64) {
	lost := n[bpf.LostRing] + n[bpf.LostScratch] + n[bpf.LostOwner]
	one := Account{
		Generated: n[bpf.Generated], Filtered: n[bpf.Filtered], Delivered: delivered, Lost: lost,
		Waiting: n[bpf.Sent] - min(delivered, n[bpf.Sent]),
	}
	have := r.Events[t.Name()]
	r.Events[t.Name()] = Account{
		have.Generated + one.Generated, have.Filtered + one.Filtered, have.Delivered + one.Delivered, have.Lost + one.Lost, have.Waiting + one.Waiting,
	}
	r.Generated += one.Generated
	r.Filtered += one.Filtered
	r.Delivered += one.Delivered
	r.Waiting += one.Waiting
	for cause, k := range map[string]uint64{lostRing: n[bpf.LostRing], lostBuffer: n[bpf.LostScratch], lostOwner: n[bpf.LostOwner]} {
		if k > 0 {
			r.Lost[cause] += k
		}
	}
	r.incomplete("too_long", n[bpf.CutShort])
	r.incomplete("unreadable", n[bpf.Faulted])
}

func (r *Report) incomplete(what string, n uint64) {
	if n > 0 {
		r.Incomplete[what] += n
	}
}

// LostAll is how many events were lost, for whatever cause.
func (r *Report) LostAll() uint64 {
	var n uint64
	for _, k := range r.Lost {
		n += k
	}
	return n
}

// liveHeap is how many bytes of the heap were in use when it was last cleaned.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}
