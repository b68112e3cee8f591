package agent

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// priority lets the goroutine that reads the ring run before everybody else where rules
// kill: what is killed from here runs until then. While there is more to read than it
// gets done, it runs as everybody does, so that a flood of events takes no processor from
// the host. Where the kernel does not let it, it runs as it may.
type priority struct {
	wanted, high bool
}

// want says whether rules kill. Call it from the goroutine that reads the ring, and keep
// to it.
func (p *priority) want(wanted bool) {
	if wanted && !p.wanted {
		runtime.LockOSThread()
	}
	p.wanted = wanted
	p.set(wanted)
}

// flooded tells that there is more to read than was done, or that everything is done.
func (p *priority) flooded(flooded bool) { p.set(p.wanted && !flooded) }

// set asks the kernel for what is left to others: the thread's children run as
// everybody does.
func (p *priority) set(high bool) {
	if high == p.high {
		return
	}
	p.high = high
	attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL, Flags: unix.SCHED_FLAG_RESET_ON_FORK}
	if high {
		attr.Policy, attr.Priority = unix.SCHED_RR, 1 // the least of those that run first
	}
	if unix.SchedSetAttr(0, &attr, 0) == nil || !high {
		return
	}
	const soon = -15 // of -20, the most, to 19
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), soon)
}
