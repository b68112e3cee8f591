package clickhouse

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
	"unsafe"

	"github.com/ebitengine/purego"
	"golang.org/x/sys/unix"
)

// The hidden first arguments by which this binary knows that it is a child. The
// second argument of either is a childSpec.
const (
	confineArg = "__clickhouse-confine"
	serveArg   = "__clickhouse-serve"
)

// The descriptors that a child inherits beside the standard three.
const (
	lockFD   = 3 // the server's lock, held for as long as the child lives
	statusFD = 4 // where the child says how it is confined, then closed
	dialFD   = 5 // where the parent asks for connections; private network only
)

// dyingTime is how long a child whose parent is gone may take to end its
// queries, before it ends itself the hard way.
const dyingTime = 10 * time.Second

// childSpec is what a child is told. Anyone who may list processes can read it,
// so it holds no secret.
type childSpec struct {
	Library string
	Root    string // of the layout
	Port    int
	Private bool // the child has a network of its own
}

// childStatus is what a child says of itself before it loads the library.
type childStatus struct {
	Confined bool
	Reason   string `json:",omitempty"` // why it is not
}

// RunChild is to be called before anything else in main, and in the tests of
// packages that start a server. It returns at once in an ordinary process; in a
// child of StartEmbedded it becomes ClickHouse and never returns.
func RunChild() {
	childAware = true
	if len(os.Args) != 3 || (os.Args[1] != confineArg && os.Args[1] != serveArg) {
		return
	}
	var spec childSpec
	err := json.Unmarshal([]byte(os.Args[2]), &spec)
	switch {
	case err != nil:
	case os.Args[1] == confineArg:
		err = confineStage(spec)
	default:
		err = serveStage(spec)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "nightjar: embedded ClickHouse:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// childAware is true in a program that calls RunChild. In any other, starting a
// child would only run that program again, which might start another.
var childAware bool

// confineStage gives up what the server does not need, says so to the parent,
// and becomes the second stage. Landlock binds a thread and what comes of it,
// so the thread that was bound must be the one that executes the next stage.
func confineStage(spec childSpec) error {
	runtime.LockOSThread()
	lock := &lockFile{os.NewFile(lockFD, "lock")}
	if err := lock.sign(os.Getpid()); err != nil {
		return fmt.Errorf("sign the lock: %w", err)
	}
	if spec.Private {
		if err := raiseLoopback(); err != nil {
			return fmt.Errorf("set up the private network: %w", err)
		}
	}

	status := childStatus{Confined: true}
	for _, err := range []error{confine(spec), dropCapabilities(layout{spec.Root}.data()), refuseCalls(forbiddenCalls, thisThread)} {
		if err != nil {
			status = childStatus{Reason: strings.TrimPrefix(status.Reason+"; "+err.Error(), "; ")}
		}
	}
	if err := json.NewEncoder(os.NewFile(statusFD, "status")).Encode(status); err != nil {
		return fmt.Errorf("report to the parent: %w", err)
	}
	unix.CloseOnExec(statusFD)

	self, err := selfPath()
	if err != nil {
		return err
	}
	err = unix.Exec(self, []string{os.Args[0], serveArg, os.Args[2]}, os.Environ())
	return fmt.Errorf("execute the second stage: %w", err)
}

// serveStage is ClickHouse. The last query of its command line reads standard
// input to its end, which is when the server ends; so standard input becomes a
// pipe that this process closes when its parent's side of the old one closes.
func serveStage(spec childSpec) error {
	runtime.LockOSThread()
	parent, hold, err := replaceStdin()
	if err != nil {
		return fmt.Errorf("take over standard input: %w", err)
	}
	go func() {
		_, _ = io.Copy(io.Discard, parent) // until it ends
		hold.Close()
		time.Sleep(dyingTime)
		_ = unix.Kill(os.Getpid(), unix.SIGKILL) // can't fail
	}()
	if spec.Private {
		go serveDials(os.NewFile(dialFD, "dial"), spec.Port)
	}
	if err := refuseCalls(executing, allThreads); err != nil {
		fmt.Fprintln(os.Stderr, "nightjar: embedded ClickHouse:", err) // it has no rights to gain by executing
	}
	at := layout{spec.Root}
	return clickhouseLocal(spec.Library,
		"--config-file", at.config(),
		"--path", at.data()+"/",
		"--log-level", "warning", // of the configuration it does not take this
		"--input-format", "LineAsString",
		"--structure", "line String",
		"--query", "SYSTEM START LISTEN TCP; SELECT count() FROM table")
}

// replaceStdin makes a new pipe the standard input. It returns the
// old input and the new pipe's writing end.
func replaceStdin() (parent, hold *os.File, err error) {
	old, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 10)
	if err != nil {
		return nil, nil, err
	}
	read, hold, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	if err := duplicate(int(read.Fd()), 0); err != nil {
		return nil, nil, err
	}
	return os.NewFile(uintptr(old), "parent"), hold, read.Close()
}

// clickhouseLocal runs the library's main function to its end.
func clickhouseLocal(library string, args ...string) error {
	handle, err := purego.Dlopen(library, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return fmt.Errorf("load %s: %w", library, err)
	}
	entry, err := purego.Dlsym(handle, "query_stable_v2")
	if err != nil {
		return fmt.Errorf("%s is not the ClickHouse library: %w", library, err)
	}

	argv := make([]*byte, 0, len(args)+2)
	for _, arg := range append([]string{"clickhouse"}, args...) {
		text, err := unix.BytePtrFromString(arg)
		if err != nil {
			return fmt.Errorf("argument %q: %w", arg, err)
		}
		argv = append(argv, text)
	}
	count := len(argv)
	argv = append(argv, nil)

	// Whatever went wrong in there, the library has printed it by itself.
	purego.SyscallN(entry, uintptr(count), uintptr(unsafe.Pointer(&argv[0])))
	runtime.KeepAlive(argv)
	return nil
}

// threads are those of the process that a filter of system calls is for.
type threads bool

const (
	thisThread threads = false // and what comes of it
	allThreads threads = true
)
