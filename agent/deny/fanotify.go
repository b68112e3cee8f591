package deny

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// decision is what fanotify's handler says of somebody who asks.
type decision bool

const (
	allow decision = false
	deny  decision = true
)

// fanotify asks about every opening and executing of the inodes that it has marks on.
type fanotify struct {
	file   *os.File
	fd     int // of file, whose method Fd would make it block
	decide func(*asking) (Denial, decision)
	denied func(Denial)     // before whoever asked gets the answer
	marks  map[inode]uint64 // masks
	ended  chan struct{}
	late   atomic.Uint64 // who was let through because no answer came in time
	alone  chan struct{} // closed when no stand-in is needed any more
	helped chan struct{} // closed when none is there any more
}

// asking is somebody who wants to open or execute a marked file, and waits.
type asking struct {
	op       Operation
	tid      uint32
	fd       int
	read     time.Time
	answered atomic.Bool
}

// mark is an inode that is to be asked about.
type mark struct {
	path string
	ops  []Operation
}

// openFanotify begins to answer with decide, which may take as long as Deadline.
func openFanotify(decide func(*asking) (Denial, decision), denied func(Denial)) (*fanotify, error) {
	const flags = unix.FAN_CLASS_CONTENT | unix.FAN_CLOEXEC | unix.FAN_NONBLOCK | unix.FAN_UNLIMITED_QUEUE | unix.FAN_UNLIMITED_MARKS | unix.FAN_REPORT_TID
	fd, err := unix.FanotifyInit(flags, unix.O_RDONLY|unix.O_LARGEFILE|unix.O_CLOEXEC|unix.O_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("this kernel, or user, has no permission events: %w", err)
	}
	f := &fanotify{file: os.NewFile(uintptr(fd), "fanotify"), fd: fd, decide: decide, denied: denied, marks: map[inode]uint64{}, ended: make(chan struct{}), alone: make(chan struct{}), helped: make(chan struct{})}
	go f.run()
	go func() {
		defer close(f.helped)
		if canStandIn.Load() {
			startStandIn(fd, f.alone, func(n uint64) { f.late.Add(n) })
		}
	}()
	return f, nil
}

func (f *fanotify) run() {
	defer close(f.ended)
	buffer := make([]byte, 4096)
	for {
		n, err := f.file.Read(buffer)
		if errors.Is(err, os.ErrClosed) {
			return
		}
		if err != nil {
			// The file of an event could not be opened for us: the kernel has denied it by
			// itself, and goes on with the next one.
			time.Sleep(time.Millisecond)
			continue
		}
		eachAsking(buffer[:n], func(a *asking) { go f.answer(a) })
	}
}

// eachAsking calls f for those who ask in the events of one read.
func eachAsking(b []byte, f func(*asking)) {
	const size = int(unsafe.Sizeof(unix.FanotifyEventMetadata{}))
	for len(b) >= size {
		length := int(binary.NativeEndian.Uint32(b))
		mask := binary.NativeEndian.Uint64(b[8:])
		a := &asking{op: Open, read: time.Now(), fd: int(int32(binary.NativeEndian.Uint32(b[16:]))), tid: binary.NativeEndian.Uint32(b[20:])}
		if length < size || length > len(b) {
			return
		}
		b = b[length:]
		if mask&unix.FAN_OPEN_EXEC_PERM != 0 {
			a.op = Exec
		}
		if a.fd >= 0 && mask&(unix.FAN_OPEN_EXEC_PERM|unix.FAN_OPEN_PERM) != 0 {
			f(a)
		} else if a.fd >= 0 {
			unix.Close(a.fd)
		}
	}
}

// answer decides, and lets through what takes too long. The descriptor names the
// event: it stays open until the decision is there, too.
func (f *fanotify) answer(a *asking) {
	late := time.AfterFunc(Deadline, func() {
		if !a.answered.Swap(true) {
			f.letThrough(a)
		}
	})
	denial, d := f.decide(a)
	late.Stop()
	if !a.answered.Swap(true) {
		switch {
		case d == allow:
			_ = f.say(a, unix.FAN_ALLOW)
		case time.Since(a.read) >= Deadline: // this process was stopped: the stand-in has answered
			f.letThrough(a)
		default:
			f.denied(denial)
			_ = f.say(a, unix.FAN_DENY)
		}
	}
	unix.Close(a.fd)
}

// letThrough answers who has waited for too long, if nobody else did.
func (f *fanotify) letThrough(a *asking) {
	if f.say(a, unix.FAN_ALLOW) == nil {
		f.late.Add(1)
	}
}

// say answers. It fails where nobody waits any more.
func (f *fanotify) say(a *asking, what uint32) error {
	_, err := f.file.Write(response(a.fd, what))
	return err
}

// response is what fanotify is told about the event of a descriptor.
func response(fd int, what uint32) []byte {
	r := unix.FanotifyResponse{Fd: int32(fd), Response: what}
	return (*[unsafe.Sizeof(r)]byte)(unsafe.Pointer(&r))[:]
}

// replace makes marks agree with what is wanted of the operations that are fanotify's.
// A mark that is left on a file without a path asks about what nobody denies.
func (f *fanotify) replace(wanted map[inode]mark, ours func(Operation) bool) error {
	var err error
	now := map[inode]uint64{}
	for i, m := range wanted {
		var mask uint64
		for _, op := range m.ops {
			switch {
			case !ours(op):
			case op == Exec:
				mask |= unix.FAN_OPEN_EXEC_PERM
			default:
				mask |= unix.FAN_OPEN_PERM
			}
		}
		if mask == 0 {
			continue
		}
		if f.marks[i] != mask {
			if failed := f.mark(i, m.path, mask); failed != nil {
				err = errors.Join(err, fmt.Errorf("mark %s: %w", m.path, failed))
				continue
			}
		}
		now[i] = mask
	}
	if len(now) == 0 && len(f.marks) > 0 {
		err = errors.Join(err, unix.FanotifyMark(f.fd, unix.FAN_MARK_FLUSH, 0, unix.AT_FDCWD, "/"))
	}
	f.marks = now
	return err
}

// mark asks about an inode, if it is still what stands at the path.
func (f *fanotify) mark(i inode, at string, mask uint64) error {
	fd, err := unix.Open(at, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var s unix.Stat_t
	if err := unix.Fstat(fd, &s); err != nil {
		return err
	}
	if inodeOf(&s) != i {
		return nil // it changed just now: the next look finds it
	}
	return unix.FanotifyMark(f.fd, unix.FAN_MARK_ADD, mask, unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(fd))
}

// close lets everybody through who waits.
func (f *fanotify) close() error {
	close(f.alone)
	<-f.helped // it holds the descriptor, too
	err := f.file.Close()
	<-f.ended
	return err
}

// decide is the guard's decision: no, unless it is sure.
func (g *Guard) decide(a *asking) (Denial, decision) {
	t := g.files.table.Load()
	d := Denial{At: bootTime(), TID: a.tid}
	if !t.armed || unix.Fstat(a.fd, &d.File) != nil {
		return d, allow
	}
	listed, pid := false, processOf(a.tid)
	d.PID = uint32(pid)
	d.Entry, listed = t.files[fileInode{inodeOf(&d.File), a.op}]
	if !listed || pid == os.Getpid() || pid <= 1 || a.op == Open && t.isSpared(d.PID) {
		return d, allow
	}
	at, _ := os.Readlink("/proc/self/fd/" + strconv.Itoa(a.fd))
	d.Path = strings.TrimSuffix(at, " (deleted)")
	return d, deny
}

// processOf is the process of a thread, which waits for our answer; 0 if /proc does not
// tell: it is of another pid namespace than the agent.
func processOf(tid uint32) int {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(int(tid)) + "/status")
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(status), "\nTgid:\t")
	line, _, _ := strings.Cut(after, "\n")
	pid, _ := strconv.Atoi(line)
	return pid
}

// isSpared reports whether a process runs a protected executable.
func (t *table) isSpared(pid uint32) bool {
	var s unix.Stat_t
	return unix.Stat("/proc/"+strconv.Itoa(int(pid))+"/exe", &s) == nil && t.spared[inodeOf(&s)]
}

// bootTime is now, in ns since boot.
func bootTime() uint64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &t)
	return uint64(t.Nano())
}
