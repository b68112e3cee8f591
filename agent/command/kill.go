package command

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"nightjar/agent/orders"
	"nightjar/agent/process"
	"nightjar/agent/respond"
	"nightjar/secl/event"
)

// kill signals the process of a command, if it is that one.
func (r *Runner) kill(ctx context.Context, k *orders.Kill) orders.Result {
	if why := r.deps.Switch.Disarmed(); why != "" {
		return orders.Result{Status: aborted, Error: why}
	}
	t, err := r.target(ctx, k.Process)
	if err != nil {
		return orders.Result{Status: aborted, Error: err.Error()}
	}
	report := r.deps.Killer.Kill(ctx, t, k.Signal, k.Scope)
	return orders.Result{Status: string(report.Status), Error: report.Error, Report: reportOf(report)}
}

// target is the process as it can be hit: where the agent knows it, exactly; else as the
// command describes it.
func (r *Runner) target(ctx context.Context, p orders.Process) (t respond.Target, err error) {
	b, err := r.birthOf(p)
	if err != nil {
		return t, err
	}
	if b.since == 0 || p.Executable == "" && p.Inode == 0 {
		return t, fmt.Errorf("a pid alone is nobody's: the command does not say when process %d started, and what it executes", p.PID)
	}
	t = respond.Target{
		PID: int(p.PID), Start: b.since, SlackNS: b.slack, Exe: respond.Exe{Inode: p.Inode, Path: p.Executable}, Executable: p.Executable, Created: p.Started,
	}
	err = r.deps.Do(ctx, func(c *process.Cache) {
		if known := c.Get(p.PID); known != nil && b.fits(known) && runs(known, p) {
			t = targetOf(known)
		}
	})
	return t, err
}

// slack is by how much a start may be wrong that is told by the time of day.
const slack = 50 * time.Millisecond

// birth is when a process started, in ns since this boot.
type birth struct{ since, slack uint64 }

// birthOf is when the command says that the process started; zero where it does not.
func (r *Runner) birthOf(p orders.Process) (birth, error) {
	if p.Boot != "" && p.SinceBoot != 0 {
		if p.Boot != r.deps.Boot {
			return birth{}, fmt.Errorf("process %d is of an earlier boot of the host", p.PID)
		}
		return birth{since: p.SinceBoot}, nil
	}
	if p.Started.IsZero() {
		return birth{}, nil
	}
	since := p.Started.UnixNano() - r.deps.Now().UnixNano() + sinceBoot()
	if since <= 0 {
		return birth{}, fmt.Errorf("process %d is of an earlier boot of the host", p.PID)
	}
	return birth{since: uint64(since), slack: uint64(slack)}, nil
}

// sinceBoot is how long the kernel runs, in ns.
func sinceBoot() int64 {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &t) != nil {
		return 0
	}
	return t.Nano()
}

// fits reports whether a process was born then.
func (b birth) fits(p *event.Process) bool {
	return p.Key+b.slack >= b.since && p.Key <= b.since+b.slack
}

// runs reports whether a process executes what the command says.
func runs(p *event.Process, said orders.Process) bool {
	return said.Executable == p.File.Path || said.Inode != 0 && said.Inode == uint64(p.File.Inode)
}

// targetOf is a process that the agent knows.
func targetOf(p *event.Process) respond.Target {
	program := p.File
	if p.Interpreter.Path != "" {
		program = p.Interpreter
	}
	return respond.Target{
		PID: int(p.PID), Start: p.Key, Exe: respond.Exe{Inode: uint64(program.Inode), Path: program.Path}, Executable: p.File.Path,
		Created: time.Unix(0, p.CreatedAt), CGroup: respond.CGroup{Path: p.CGroup.ID, Inode: uint64(p.CGroup.Inode)},
	}
}
