package deny

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A stand-in is a small process beside the agent's that holds fanotify's descriptor, too,
// and answers while the agent can't: while it is stopped (SIGSTOP), or gets no time. It lets
// through whoever waits. It is a second process because a stopped one keeps no deadline.
//
// The agent sends it a byte every beat; after Deadline without one it takes over, and gives
// back at the next. It ends with the agent, however that ends.

// beat is the time between two signs of life.
const beat = 100 * time.Millisecond

// standInArg makes a process a stand-in.
const standInArg = "nightjar-answers-for-a-stopped-agent"

// The descriptors of a stand-in, beside the standard ones.
const (
	standInGroup  = 3 // fanotify's
	standInSocket = 4 // to the agent
)

// canStandIn is true in a program that calls RunStandIn. Any other would only run once more.
var canStandIn atomic.Bool

// RunStandIn is to be called before anything else in main. It returns at once in an ordinary
// process; in a stand-in it never returns.
func RunStandIn() {
	canStandIn.Store(true)
	if len(os.Args) != 2 || os.Args[1] != standInArg {
		return
	}
	if err := standIn(); err != nil {
		fmt.Fprintln(os.Stderr, "nightjar: answering for a stopped agent:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// startStandIn keeps a stand-in for a group until ended is closed. Every opening that one
// let through is told to letThrough.
func startStandIn(group int, ended <-chan struct{}, letThrough func(n uint64)) {
	for {
		began := time.Now()
		if err := oneStandIn(group, ended, letThrough); err != nil {
			fmt.Fprintln(os.Stderr, "nobody answers for the agent if it is stopped:", err)
		}
		// Whoever ends it again and again does not keep the agent busy.
		pause := max(0, time.Second-time.Since(began))
		select {
		case <-ended:
			return
		case <-time.After(pause):
		}
	}
}

// oneStandIn starts a stand-in and sends it signs of life until one of both ends.
func oneStandIn(group int, ended <-chan struct{}, letThrough func(n uint64)) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	theirs := pair[1]
	if err := unix.SetNonblock(pair[0], true); err != nil {
		unix.Close(pair[0])
		unix.Close(theirs)
		return err
	}
	ours := os.NewFile(uintptr(pair[0]), "stand-in")
	defer ours.Close()
	// The signal that ends a child with its parent is tied to the parent's thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	pid, err := syscall.ForkExec("/proc/self/exe", []string{"nightjar", standInArg}, &syscall.ProcAttr{
		Env:   []string{"GOMAXPROCS=1"},
		Files: []uintptr{2, 2, 2, uintptr(group), uintptr(theirs)},
		Sys:   &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL},
	})
	unix.Close(theirs)
	if err != nil {
		return fmt.Errorf("start it: %w", err)
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = io.Copy(counter(letThrough), ours)
	}()
	sendBeats(ours, gone, ended)
	ours.Close()
	return endStandIn(pid)
}

// sendBeats sends signs of life until the stand-in is gone or the agent ends.
func sendBeats(to *os.File, gone, ended <-chan struct{}) {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		_ = to.SetWriteDeadline(time.Now()) // one that reads no more has signs enough
		_, _ = to.Write([]byte{1})
		select {
		case <-tick.C:
		case <-gone:
			return
		case <-ended:
			return
		}
	}
}

// endStandIn ends a stand-in and waits until it is gone.
func endStandIn(pid int) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	_ = p.Kill()
	_, err = p.Wait()
	return err
}

// counter takes a byte for each opening that was let through.
type counter func(uint64)

func (c counter) Write(b []byte) (int, error) {
	c(uint64(len(b)))
	return len(b), nil
}

// standIn is what a stand-in does.
func standIn() error {
	unix.CloseOnExec(standInGroup)
	unix.CloseOnExec(standInSocket)
	keepNumbersApart()
	s := &substitute{agent: os.Getppid()}
	fds := []unix.PollFd{{Fd: standInSocket, Events: unix.POLLIN}, {Fd: standInGroup, Events: unix.POLLIN}}
	for {
		watched, wait := fds[:1], int((Deadline + beat).Milliseconds())
		if s.answering {
			watched, wait = fds, -1
		}
		n, err := unix.Poll(watched, wait)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return err
		case n == 0:
			s.takeOver()
		case fds[0].Revents != 0:
			if !s.agentLives() {
				return nil
			}
		default:
			s.answer()
		}
	}
}

// keepNumbersApart takes the low descriptors. The kernel knows an event by the number that
// its descriptor has where it was read: what the agent reads and what the stand-in reads
// must not have the same.
//
// It leaves half of what it may have: the kernel denies what it has no descriptor for.
func keepNumbersApart() {
	const agents = 4096 // as many as an agent may have open
	limit := unix.Rlimit{Cur: 2 * agents}
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return
	}
	most := int(min(agents, limit.Cur/2))
	null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	for err == nil && null < most {
		null, err = unix.FcntlInt(uintptr(null), unix.F_DUPFD_CLOEXEC, 0)
	}
}

// substitute answers in the agent's place.
type substitute struct {
	agent     int // its pid
	answering bool
	buffer    [4096]byte
}

// agentLives takes a sign of life, and reports whether there was one: else the agent has
// ended.
func (s *substitute) agentLives() bool {
	s.answering = false
	n, err := unix.Read(standInSocket, s.buffer[:])
	return n > 0 && err == nil
}

// takeOver lets through whom the agent had begun to decide about, too: an event that it has
// read and not answered has the number of one of its descriptors.
func (s *substitute) takeOver() {
	s.answering = true
	entries, _ := os.ReadDir(filepath.Join("/proc", strconv.Itoa(s.agent), "fd"))
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && allowed(fd) {
			s.tell()
		}
	}
}

// answer lets through everybody who waits.
func (s *substitute) answer() {
	n, err := unix.Read(standInGroup, s.buffer[:])
	if err != nil {
		return // the agent was faster, or the file could not be opened: that is denied by itself
	}
	eachAsking(s.buffer[:n], func(a *asking) {
		if allowed(a.fd) {
			s.tell()
		}
		unix.Close(a.fd)
	})
}

// tell counts one who was let through.
func (s *substitute) tell() {
	_ = unix.Send(standInSocket, []byte{1}, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
}

// allowed lets the event of a descriptor through, and reports whether somebody waited.
func allowed(fd int) bool {
	_, err := unix.Write(standInGroup, response(fd, unix.FAN_ALLOW))
	return err == nil
}
