package respond

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"nightjar/agent/process"
	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/policy"
	"nightjar/secl/ruleset"
)

// patience is how long a report waits for the process to be gone.
const patience = time.Second

// birth tells a process from others of the same pid.
type birth struct {
	pid   int64
	start uint64
}

// waiting is a report of a kill whose process is not gone yet.
type waiting struct {
	report Report
	done   func(Report)
	until  time.Time
}

// kill takes a kill action. Everything is decided as in blocking mode also where the
// policy only monitors.
func (r *Responder) kill(rule *ruleset.Rule, a *policy.Action, c *secl.Context, seen Seen, done func(Report)) {
	e := c.Event.(*event.Event)
	report := Report{
		Type: "kill", Signal: a.Kill.Signal, Scope: a.Kill.Scope, CreatedAt: time.Unix(0, e.Process.CreatedAt), DetectedAt: r.Now(),
	}
	if report.Scope == "" {
		report.Scope = ScopeProcess
	}
	ask := AskOf(rule.ID, a.Kill, e)
	ask.Mode = rule.Mode
	if byKernel := rule.Mode == policy.Blocking && seen.Kernel.killed(a.Kill.Signal); byKernel {
		r.killedInKernel(&report, ask, e, seen)
	} else {
		r.killFromHere(&report, rule, ask, e, seen)
	}
	if !report.KilledAt.IsZero() {
		report.TimeToReact = report.KilledAt.Sub(seen.Time).Nanoseconds()
	}
	r.await(report, e, done)
}

// await completes a report when the process that was killed is gone.
func (r *Responder) await(report Report, e *event.Event, done func(Report)) {
	if report.KilledAt.IsZero() || unix.SignalNum(report.Signal) != unix.SIGKILL {
		done(report)
		return
	}
	key := birth{e.Process.PID, e.Process.Key}
	r.waiting[key] = append(r.waiting[key], &waiting{report, done, r.Now().Add(patience)})
}

// killedInKernel completes the report of a process to which the kernel sent the signal
// at exec, and signals the rest of its scope.
func (r *Responder) killedInKernel(report *Report, ask Ask, e *event.Event, seen Seen) {
	var no *Refusal
	if owner := r.Owner(seen); owner != nil && owner.ID == ask.Rule {
		r.disarmer.Allow(ask) // the kernel had leave for it: it is only counted
		r.settle(seen.Kernel, ask.At)
	} else if report.Scope != ScopeProcess { // this rule had no leave for what is left
		no = r.disarmer.Allow(ask)
	}
	report.Mechanism, report.Status, report.KilledAt = SendSignal, Performed, seen.Kernel.At
	report.Already = "nothing: the program ran no instruction"
	if report.Scope == ScopeProcess {
		return
	}
	if no != nil {
		report.Status, report.DisarmerType, report.Error = PartiallyPerformed, no.Type, "only the process was signalled: "+no.Why
		return
	}
	rest := *report
	r.Killer.signal(&rest, targetOf(e))
	if rest.Status != Aborted { // nothing was left
		report.Status, report.Error, report.Note = rest.Status, rest.Error, rest.Note
		report.Killed, report.Spared, report.Scope = rest.Killed, rest.Spared, rest.Scope
	}
	if report.Status == Failed || report.Status == RuleDismantled {
		report.Status = PartiallyPerformed
	}
}

// killFromHere decides about a kill, and does it.
func (r *Responder) killFromHere(report *Report, rule *ruleset.Rule, ask Ask, e *event.Event, seen Seen) {
	if why := r.Switch.Disarmed(); why != "" {
		report.Status, report.Error = RuleDismantled, why
		return
	}
	if no := Decide(ask, func() (string, bool) { return r.spared(e.Process) }, r.disarmer); no != nil {
		report.Status, report.DisarmerType, report.Error = no.Status, no.Type, no.Why
		if no.first {
			r.renew(ask.Rule)
		}
		return
	}
	report.Mechanism, report.Already = PidFD, already(e, report.DetectedAt.Sub(seen.Time))
	if rule.Mode != policy.Blocking {
		report.Status = WouldHavePerformed
		if r.kernel.reduces(rule, e) {
			report.Mechanism, report.Already = SendSignal, ""
		}
		return
	}
	if fd := r.Killer.signal(report, targetOf(e)); fd >= 0 {
		_ = unix.Close(fd)
	}
	if !report.KilledAt.IsZero() {
		report.Already = already(e, report.KilledAt.Sub(seen.Time))
	}
}

// spared says why the process of an event is protected: by what /proc says of it while
// it is there, else by what the event says.
func (r *Responder) spared(p *event.Process) (string, bool) {
	if why, ok := r.Protected.Live(int(p.PID)); ok {
		return why, true
	}
	stat, err := process.StatOf(int(p.PID))
	if living := process.LivingThread(int(p.PID), stat); err == nil && living != "" {
		if runs, _ := identityOf(living + "/exe"); runs != (identity{}) {
			return "", false
		}
	}
	return r.Protected.Of(p) // it is about to be gone
}

// targetOf is the process of an event.
func targetOf(e *event.Event) Target {
	p := e.Process
	runs := p.File
	if p.Interpreter.Path != "" {
		runs = p.Interpreter
	}
	return Target{
		PID: int(p.PID), Start: p.Key, Exe: Exe{Inode: uint64(runs.Inode), Path: runs.Path}, Executable: p.File.Path,
		Created: time.Unix(0, p.CreatedAt), CGroup: CGroup{Path: p.CGroup.ID, Inode: uint64(p.CGroup.Inode)},
	}
}

// already says what a signal from here, so long after the event, comes too late for.
func already(e *event.Event, after time.Duration) string {
	after = after.Round(time.Microsecond)
	switch {
	case e.Type == "exec":
		return fmt.Sprintf("the program had been running for %s", after)
	case e.Type == "exit":
		return "the process had ended"
	case e.Async:
		return fmt.Sprintf("the %s was asked for %s before", e.Type, after)
	case e.Retval < 0:
		return fmt.Sprintf("the %s had failed, %s before (error %d)", e.Type, after, -e.Retval)
	}
	return fmt.Sprintf("the %s had been done, %s before", e.Type, after)
}

// Exited tells that a process is gone.
func (r *Responder) Exited(pid int64, start uint64, at time.Time) {
	key := birth{pid, start}
	for _, w := range r.waiting[key] {
		w.report.exited(at)
		w.done(w.report)
	}
	delete(r.waiting, key)
}

// Tick ends waiting that has taken too long, kills what waited for its memory to be
// written, and looks after what the kernel was told. Call it now and then, when the ring
// is empty.
func (r *Responder) Tick(now time.Time) {
	r.killPostponed(now)
	if r.kernel.table != nil && now.Sub(r.kernel.looked) >= refreshEvery {
		_ = r.refresh(now) // what failed is tried again
		r.renew("")
	}
	for key, list := range r.waiting {
		if list[0].until.After(now) {
			continue
		}
		for _, w := range list {
			if w.report.Note == "" {
				w.report.Note = fmt.Sprintf("the process was not gone %s later", patience)
			}
			w.done(w.report)
		}
		delete(r.waiting, key)
	}
}
