package agent

import (
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"nightjar/agent/bpf"
	"nightjar/agent/deny"
	"nightjar/agent/respond"
	"nightjar/secl/event"
	"nightjar/secl/policy"
	"nightjar/secl/ruleset"
)

// denials are what was denied, on its way to the rules.
type denials struct {
	guard *deny.Guard
	// queue has what fanotify denied; what does not fit is counted.
	queue chan deny.Denial
	next  *deny.Denial // taken from the queue; nil: none is
	// recent are the denials of which the return of the system call may still be told,
	// which would be the same event again.
	recent []recentDenial
	why    string // nothing can be denied
}

type recentDenial struct {
	tid  uint32
	kind string
	at   uint64 // ns since boot
}

// maxDenials is how many denials wait for the goroutine that reads the ring.
const maxDenials = 4096

// deny makes the blocking rules of a set the ones that are denied. That it can't is told
// with the status: what they match is killed then.
func (a *Agent) deny(set *policy.Set) {
	d := &a.denials
	if a.config.NoDeny {
		d.why = "the agent was told to deny nothing"
		return
	}
	if d.guard == nil {
		if !slices.ContainsFunc(set.Rules, deny.Concerns) {
			return
		}
		d.queue = make(chan deny.Denial, maxDenials)
		guard, err := deny.NewGuard(deny.Options{
			Shared: a.probe.Maps(), CGroup: a.config.CGroup, Denied: a.denied,
			Protected: a.responder.Protected.Programs, Protects: a.responder.Protected.Program,
		})
		if err != nil {
			d.why = err.Error()
			return
		}
		d.guard = guard
		a.responder.Switch.Watch(func(disarmed bool) { _ = guard.Arm(!disarmed) })
	}
	d.why = ""
	if err := d.guard.Replace(set.Rules); err != nil {
		d.why = err.Error()
	}
}

// undeny ends all denying.
func (a *Agent) undeny() error {
	if a.denials.guard == nil {
		return nil
	}
	return a.denials.guard.Close()
}

// denied keeps what fanotify denied for the goroutine that reads the ring.
func (a *Agent) denied(d deny.Denial) {
	select {
	case a.denials.queue <- d:
	default:
		a.account.lostDenials.Add(1)
	}
}

// takeDenials looks at what fanotify has denied up to a time, in ns since boot: that of the
// next record, or one up to which the ring has nothing left. So who it was is known, and
// not forgotten again.
func (a *Agent) takeDenials(until uint64) {
	d := &a.denials
	for {
		if d.next == nil {
			select {
			case one := <-d.queue:
				d.next = &one
			default:
				return
			}
		}
		one := d.next
		if one.At > until {
			return
		}
		d.next = nil
		if entry := d.guard.Entry(one.Entry); entry != nil { // else its rules are not in force any more
			a.event.Reset()
			a.decoder.Denied(&a.event, string(entry.Operation), one.At, one.PID, one.Path, &one.File)
			a.tellDenial(entry, deny.ByFanotify, one.TID, one.At)
		}
	}
}

// sinceBoot is a moment in ns since boot.
func sinceBoot(at time.Time) uint64 {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &now)
	return uint64(now.Nano() - time.Since(at).Nanoseconds())
}

// deniedRecord looks at the event of a record of what a program denied.
func (a *Agent) deniedRecord(r bpf.Record) {
	by := map[uint64]string{1: deny.ByLSM, 2: deny.ByCGroup}[r.Num[0]]
	if a.denials.guard == nil {
		return
	}
	if entry := a.denials.guard.Entry(uint32(r.Num[1])); entry != nil {
		a.tellDenial(entry, by, r.Who.Tid, r.Time)
	}
}

// tellDenial evaluates the rules on what was denied. Those because of which it was are
// found also where they do not match: another name of the same file has another path.
func (a *Agent) tellDenial(entry *deny.Entry, by string, tid uint32, at uint64) {
	d := &a.denials
	d.recent = slices.DeleteFunc(d.recent, func(r recentDenial) bool { return r.at+uint64(time.Second) < at })
	d.recent = append(d.recent, recentDenial{tid, a.event.Type, at})
	seen := respond.Seen{Time: time.Unix(0, a.event.Timestamp), Denied: &respond.Denied{
		By: respond.Mechanism(by), What: entry.String(), Rules: entry.Rules,
	}}
	found := a.evaluate(seen)
	for _, id := range entry.Rules {
		if slices.Contains(found, id) {
			continue
		}
		if rule, err := a.rules.Find(id); err == nil {
			a.matched(rule, true, seen)
		}
	}
}

// toldAlready reports whether a record is the return of a call that was denied, of which
// the denial has told.
func (a *Agent) toldAlready(r bpf.Record) bool {
	kind := r.Kind().Name()
	if r.Ret != -int64(unix.EPERM) || a.denials.guard == nil || kind != string(deny.Open) && kind != string(deny.Connect) {
		return false
	}
	at := slices.IndexFunc(a.denials.recent, func(d recentDenial) bool {
		return d.tid == r.Who.Tid && d.kind == kind && d.at <= r.Time && r.Time < d.at+uint64(time.Second)
	})
	if at < 0 {
		return false
	}
	a.denials.recent = slices.Delete(a.denials.recent, at, at+1)
	return true
}

// evaluate calls matched for the rules that the event at hand matches, and returns their
// ids.
func (a *Agent) evaluate(seen respond.Seen) (found []string) {
	if rec, ok := a.config.Sink.(Recorder); ok {
		rec.Event(&a.event)
	}
	bucket := a.rules.For(a.event.Type)
	if bucket == nil {
		return nil
	}
	a.context.Now = a.event.Timestamp
	a.context.Scope = nil
	bucket.Evaluate(&a.context, func(rule *ruleset.Rule, report bool) {
		found = append(found, rule.ID)
		a.matched(rule, report, seen)
	})
	return found
}

// Protection is what will happen to what rules match that kill.
type Protection struct {
	Rules []deny.Outlook  `json:"rules"`
	Drops []deny.Dropping `json:"dropping"`        // packets, because of network_filter
	Error string          `json:"error,omitempty"` // because of which not everything is denied that could be
	Lost  uint64          `json:"lost_denials"`    // of which no event tells: too many at once
	// LetThrough is what should perhaps have been denied, and was not, because the agent did
	// not answer in time: it was stopped, or had no time.
	LetThrough uint64 `json:"let_through,omitempty"`
}

func (a *Agent) protection() Protection {
	out := Protection{Error: a.denials.why, Lost: a.account.lostDenials.Load()}
	out.Drops = a.network.dropper.List()
	if a.denials.guard != nil {
		out.Rules, out.LetThrough = a.denials.guard.Outlook(), a.denials.guard.LetThrough()
	}
	return out
}

// CheckProtection says of the rules of policies that kill what would happen on this
// host, and denies nothing.
func CheckProtection(policies []*policy.Policy, protect []string) ([]deny.Outlook, []*policy.DefinitionError, error) {
	set, err := policy.Load(policies, policy.Options{
		Model: event.Model(), World: event.World{}, Host: thisHost(),
		Support: &policy.Support{Events: event.Supported, Actions: event.SupportedActions},
	})
	if err != nil {
		return nil, nil, err
	}
	protected := respond.NewProtected(protect)
	outlook, err := deny.Foresee(set.Rules, protected.Programs, protected.Program)
	if err != nil {
		return nil, set.Problems, fmt.Errorf("find out what this kernel denies: %w", err)
	}
	return outlook, set.Problems, nil
}
