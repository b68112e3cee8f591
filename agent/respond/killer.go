package respond

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"nightjar/agent/process"
)

// Target is a process that is to be signalled, and by what it is recognised: a pid alone
// may be another's by now.
type Target struct {
	PID   int
	Start uint64 // ns since boot; 0 is no process's
	// SlackNS is by how much Start may be wrong, for who knows it by the time of day.
	SlackNS    uint64
	Exe        Exe
	Executable string    // for messages: its path
	Created    time.Time // for the report; zero: it is not known
	CGroup     CGroup    // of the event: where the process itself is gone, its cgroup may still have others
}

// Exe is what a process executes (of a script the interpreter): one of its inode and its
// path must be that; the inode of a file system that is laid over others is not always
// the same to everybody. The zero Exe is any.
type Exe struct {
	Inode uint64
	Path  string
}

// CGroup is a control group.
type CGroup struct {
	Path  string
	Inode uint64
}

// The scopes of a kill.
const (
	ScopeProcess   = "process"
	ScopeCGroup    = "cgroup"
	ScopeContainer = "container"
)

// Killer signals processes. Any goroutine may use it.
type Killer struct {
	protected *Protected
	off       *Switch
	births    atomic.Pointer[births]
	// send sends a signal: what is below is real, but for tests of what must never be hit.
	send func(pidfd int, pid int, signal unix.Signal) error
}

// births tell when living processes began.
type births struct {
	Births
	since uint64
}

// Births knows exactly, in ns since boot, when the living processes that began after
// Since did; probe.Probe does.
type Births interface {
	// Born is when the living process of a pid began; false: there is none. Its error
	// says that it can't tell.
	Born(pid int) (start uint64, ok bool, err error)
	Since() uint64
}

// Know makes the killer ask when processes began; until then, the hundredths of a second
// of /proc must do.
func (k *Killer) Know(b Births) { k.births.Store(&births{b, b.Since()}) }

// NewKiller makes a killer that spares what is protected, and does nothing while the
// switch is off.
func NewKiller(p *Protected, off *Switch) *Killer {
	return &Killer{protected: p, off: off, send: func(fd, _ int, s unix.Signal) error { return unix.PidfdSendSignal(fd, s, nil, 0) }}
}

// ErrSignal is the error of a signal that does not exist.
var ErrSignal = errors.New("no such signal; write SIGKILL")

// ErrNamespace is the error of an agent that sees other pids than the kernel.
var ErrNamespace = errors.New("the agent is in a PID namespace of its own, and can't reach the processes of the host: run it with the host's (hostPID)")

// Why a process is not signalled.
var (
	errGone    = errors.New("the process is gone")
	errAnother = errors.New("the pid is another process's by now")
	errExec    = errors.New("the process executes another program by now")
)

// Kill signals a process, or all of its cgroup or container, and waits, as long as the
// context lets it, until the process is gone.
func (k *Killer) Kill(ctx context.Context, t Target, signal, scope string) Report {
	r := Report{Type: "kill", Signal: signal, Scope: scope, CreatedAt: t.Created, DetectedAt: time.Now()}
	fd := k.signal(&r, t)
	if fd < 0 {
		return r
	}
	defer unix.Close(fd)
	if waitGone(ctx, fd) {
		r.exited(time.Now())
	}
	return r
}

// signal signals a target as its report says, and completes the report. It returns the
// pidfd of the process, which its caller closes; -1: the process itself was not reached.
func (k *Killer) signal(r *Report, t Target) int {
	r.Mechanism = PidFD
	if why := k.off.Disarmed(); why != "" {
		r.Status, r.Error = RuleDismantled, why
		return -1
	}
	s := unix.SignalNum(r.Signal)
	if s == 0 {
		r.Status, r.Error = Failed, fmt.Sprintf("%q: %s", r.Signal, ErrSignal)
		return -1
	}
	if err := rightNamespace(); err != nil {
		r.Status, r.Error = Failed, err.Error()
		return -1
	}
	fd, err := k.open(t)
	if err == nil {
		if why, ok := k.protected.Live(t.PID); ok {
			unix.Close(fd)
			fd, err = -1, protectedError(why)
		}
	}
	if r.Scope == ScopeCGroup || r.Scope == ScopeContainer {
		k.signalGroup(r, t, s, fd, err)
		return fd
	}
	if err == nil {
		err = k.send(fd, t.PID, s)
		r.KilledAt = time.Now()
	}
	if err != nil {
		r.fail(err)
		if fd >= 0 {
			unix.Close(fd)
		}
		return -1
	}
	r.Status = Performed
	return fd
}

// protectedError is the error of a process that must not be hit.
type protectedError string

func (e protectedError) Error() string { return "protected: " + string(e) }

// fail says why nothing was done.
func (r *Report) fail(err error) {
	var protected protectedError
	r.Status, r.Error, r.KilledAt = Failed, err.Error(), time.Time{}
	if errors.Is(err, unix.ESRCH) {
		r.Error = errGone.Error()
	}
	if errors.As(err, &protected) || errors.Is(err, errGone) || errors.Is(err, errAnother) || errors.Is(err, errExec) || errors.Is(err, unix.ESRCH) {
		r.Status = Aborted
	}
}

// open opens the pidfd of a target, and reports an error where the process that has the
// pid is not the target. What was looked at while the pidfd is held was of its process:
// unless that is gone, and then a signal reaches nobody.
func (k *Killer) open(t Target) (int, error) {
	if t.PID <= 0 || t.Start == 0 {
		return -1, fmt.Errorf("%w: it is not known when process %d began", errGone, t.PID)
	}
	fd, err := unix.PidfdOpen(t.PID, 0)
	if errors.Is(err, unix.ESRCH) || errors.Is(err, unix.EINVAL) { // EINVAL: a thread has the number
		return -1, errGone
	}
	if err != nil {
		return -1, fmt.Errorf("open process %d: %w", t.PID, err)
	}
	if err := k.recognise(t); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// recognise reports an error where the process that has the pid now is not the target.
func (k *Killer) recognise(t Target) error {
	s, err := process.StatOf(t.PID)
	living := process.LivingThread(t.PID, s)
	if err != nil || living == "" {
		return errGone
	}
	const tick = uint64(time.Second) / process.Ticks
	if first, last := (t.Start-min(t.SlackNS, t.Start))/tick, (t.Start+t.SlackNS)/tick; s.Start < first || s.Start > last {
		return errAnother
	}
	if b := k.births.Load(); b != nil && t.Start > b.since && t.SlackNS == 0 {
		switch start, ok, err := b.Born(t.PID); {
		case err != nil: // what /proc says must do
		case !ok:
			return errGone
		case start != t.Start:
			return errAnother
		}
	}
	if t.Exe == (Exe{}) {
		return nil
	}
	at := living + "/exe"
	id, _ := identityOf(at)
	program, err := os.Readlink(at)
	switch {
	case err != nil:
		return errGone
	case id.inode == t.Exe.Inode, strings.TrimSuffix(program, " (deleted)") == t.Exe.Path:
		return nil
	}
	return errExec
}

// waitGone waits until the process of a pidfd is gone.
func waitGone(ctx context.Context, fd int) bool {
	const look = 20 * time.Millisecond
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(look.Milliseconds()))
		switch {
		case n > 0:
			return true
		case err != nil && !errors.Is(err, unix.EINTR), ctx.Err() != nil:
			return false
		}
	}
}
