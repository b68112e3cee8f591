package clickhouse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/cenkalti/backoff/v5"
)

const (
	// The time before the first restart. It doubles with every failure, and with
	// every crash soon after a start, up to the longest.
	firstBackoff   = 100 * time.Millisecond
	longestBackoff = 5 * time.Second
	// A server that was up this long is trusted again.
	goodRun = 30 * time.Second
	// The time that Close gives the server before it is killed.
	closeTime = 15 * time.Second
	// The console file is cut when it is longer than this at a start. The
	// server's own log is kept short by the server.
	maxConsole = 1 << 20
)

// leftoverTime is how long a server of a killed parent may take to end.
var leftoverTime = 2 * dyingTime

// supervise keeps a server up until ctx ends. However often it crashes or does not
// start, it is started again: what the intake has taken waits for it.
func (e *Embedded) supervise(ctx context.Context, c *child) {
	defer close(e.gone)
	pause := newBackoff()
	for {
		began := time.Now()
		watching, stop := context.WithCancel(ctx)
		go e.watch(watching, c)
		select {
		case <-ctx.Done():
			stop()
			c.close()
			return
		case <-c.exited:
		}
		stop()
		if time.Since(began) > goodRun {
			pause.Reset()
		}
		e.setDown(fmt.Errorf("the embedded ClickHouse ended: %s", c.exit()))
		e.log.Error("the embedded ClickHouse ended; starting it again", "pid", c.cmd.Process.Pid, "exit", c.exit())
		if c = e.restart(ctx, pause); c == nil {
			return
		}
		e.log.Info("the embedded ClickHouse answers again", "pid", c.cmd.Process.Pid)
	}
}

func newBackoff() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier, b.RandomizationFactor = firstBackoff, longestBackoff, 2, 0.1
	b.Reset()
	return b
}

// restart starts a server after one that ended, however long it takes. It
// returns nil when ctx ended first.
func (e *Embedded) restart(ctx context.Context, pause backoff.BackOff) *child {
	for attempt := 1; ; attempt++ {
		wait := pause.NextBackOff()
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		c, err := e.launch(ctx)
		if err == nil {
			e.mu.Lock()
			e.restarts++
			e.mu.Unlock()
			e.setReady(c)
			return c
		}
		if ctx.Err() != nil {
			return nil
		}
		e.setDown(fmt.Errorf("the embedded ClickHouse does not start: %w", err))
		e.log.Error("the embedded ClickHouse does not start; trying again", "attempt", attempt, "error", err)
	}
}

// launch starts a child and waits until it answers. When the kernel refuses a
// network to the child it takes the machine's loopback interface instead.
func (e *Embedded) launch(ctx context.Context) (*child, error) {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.StartTimeout)
	defer cancel()
	lock, err := e.lockServer(ctx)
	if err != nil {
		return nil, err
	}
	defer lock.close() // the child has it by then

	c, err := e.spawn(lock)
	if err != nil && e.private && e.port == 0 {
		e.log.Warn("the embedded ClickHouse listens on loopback: this system gives it no network of its own", "reason", err)
		e.private = false
		c, err = e.spawn(lock)
	}
	if err != nil {
		return nil, err
	}
	if err := c.waitReady(ctx, e.adminOver(c)); err != nil {
		c.kill()
		<-c.exited
		return nil, fmt.Errorf("%w\n%s", err, c.said())
	}
	return c, nil
}

// lockServer takes the server's lock, and so waits for a server whose parent
// was killed. One that does not end in time is ended.
func (e *Embedded) lockServer(ctx context.Context) (*lockFile, error) {
	lock, err := openLock(e.at.lock())
	if err != nil {
		return nil, err
	}
	patience := time.After(leftoverTime)
	for {
		err := lock.try()
		if err == nil {
			if err := e.awaitStatus(ctx); err != nil {
				lock.close()
				return nil, err
			}
			return lock, nil
		}
		if !errors.Is(err, errLocked) {
			lock.close()
			return nil, fmt.Errorf("lock the server's folder: %w", err)
		}
		select {
		case <-ctx.Done():
			lock.close()
			return nil, fmt.Errorf("wait for the previous server (pid %d) to end: %w", lock.owner(), ctx.Err())
		case <-patience:
			if err := e.endLeftover(lock.owner()); err != nil {
				lock.close()
				return nil, err
			}
			patience = time.After(leftoverTime)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// awaitStatus waits until the server's own lock is free as well: of a process that was
// killed, the kernel closes one file after the other. Whatever else holds it, or stands in
// its way, is for the server to tell.
func (e *Embedded) awaitStatus(ctx context.Context) error {
	file, err := os.OpenFile(e.at.status(), os.O_RDWR, 0)
	if err != nil {
		return nil
	}
	status := &lockFile{file}
	defer status.close()
	for limit := time.Now().Add(leftoverTime); errors.Is(status.try(), errLocked) && time.Now().Before(limit); {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the server that holds %s: %w", e.at.status(), ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// endLeftover kills the server that pid is, if it is one of this folder: a
// process id may have passed to another process since it was written down. The
// process is held before it is looked at, so it cannot change in between.
func (e *Embedded) endLeftover(pid int) error {
	process, err := os.FindProcess(pid)
	if err != nil {
		return nil // it has ended
	}
	defer func() { _ = process.Release() }()
	args := argumentsOf(pid)
	if args == nil {
		return nil // it holds the folder a moment longer, while it is taken apart
	}
	if !isServer(args, e.at.root) {
		return fmt.Errorf("the folder %s is in use, and process %d, which its lock names, is not a server of ours", e.at.root, pid)
	}
	e.log.Warn("the previous embedded ClickHouse does not end; killing it", "pid", pid)
	if err := process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill the previous server: %w", err)
	}
	return nil
}

// isServer reports whether a process with these arguments was started as a server of the folder.
func isServer(args []string, root string) bool {
	var spec childSpec
	return len(args) == 3 && (args[1] == serveArg || args[1] == confineArg) &&
		json.Unmarshal([]byte(args[2]), &spec) == nil && spec.Root == root
}

// argumentsOf are those that a process was started with; nil: it has ended.
func argumentsOf(pid int) []string {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || len(line) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
}

// child is one process of the server.
type child struct {
	cmd     *exec.Cmd
	stdin   io.Closer // closing it asks the server to end
	status  childStatus
	dialer  dialer
	console string
	log     string
	began   int64 // length of the log when the child started

	exited  chan struct{}
	exitErr error
}

// spawn writes the configuration and starts a child on it.
func (e *Embedded) spawn(lock *lockFile) (*child, error) {
	if err := e.choosePort(); err != nil {
		return nil, fmt.Errorf("find a free port: %w", err)
	}
	if err := writeConfig(e.at, e.cfg, e.port, e.passwords); err != nil {
		return nil, fmt.Errorf("write the server's configuration: %w", err)
	}
	spec, err := json.Marshal(childSpec{Library: e.library, Root: e.at.root, Port: e.port, Private: e.private})
	if err != nil {
		return nil, err
	}
	self, err := selfPath()
	if err != nil {
		return nil, err
	}
	c := &child{
		cmd:     exec.Command(self, confineArg, string(spec)),
		console: e.at.console(),
		log:     e.at.log(),
		exited:  make(chan struct{}),
	}
	c.cmd.Args[0] = os.Args[0]
	c.cmd.Dir = e.at.data()
	c.cmd.Env = childEnv(e.at)
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if e.private {
		isolate(c.cmd)
	}
	if err := c.start(lock, e.private, e.port); err != nil {
		if e.private {
			e.port = 0
		}
		return nil, err
	}
	return c, nil
}

// privatePort is the port in a network where every port is free.
const privatePort = 9000

// choosePort finds a port once, and keeps it over restarts.
func (e *Embedded) choosePort() error {
	if e.port != 0 {
		return nil
	}
	if e.private {
		e.port = privatePort
		return nil
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	e.port = listener.Addr().(*net.TCPAddr).Port
	return listener.Close()
}

// childEnv is all the environment that the server gets. What nightjar itself
// was given, keys among it, stays here: SQL could read it there.
func childEnv(at layout) []string {
	return []string{
		"HOME=" + at.data(),
		"PATH=/usr/bin:/bin",
		"LANG=C.UTF-8",
		"TZ=UTC",
		"TMPDIR=" + at.data(),
	}
}

// start runs the command with the descriptors that a child expects, and reads
// how it is confined.
func (c *child) start(lock *lockFile, private bool, port int) error {
	console, err := openConsole(c.console)
	if err != nil {
		return err
	}
	defer console.Close()
	if info, err := os.Stat(c.log); err == nil {
		c.began = info.Size()
	}
	statusRead, statusWrite, err := os.Pipe()
	if err != nil {
		return err
	}
	defer statusRead.Close()
	c.cmd.Stdout, c.cmd.Stderr = console, console
	c.cmd.ExtraFiles = []*os.File{lock.file, statusWrite}
	var far *os.File
	if private {
		if c.dialer, far, err = newPrivateDialer(); err != nil {
			statusWrite.Close()
			return err
		}
		defer far.Close()
		c.cmd.ExtraFiles = append(c.cmd.ExtraFiles, far)
	} else {
		c.dialer = loopbackDialer{port}
	}
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		statusWrite.Close()
		c.dialer.close()
		return err
	}
	err = c.cmd.Start()
	statusWrite.Close()
	if err != nil {
		c.dialer.close()
		return err
	}
	go func() {
		c.exitErr = c.cmd.Wait()
		c.dialer.close()
		close(c.exited)
	}()
	if err := json.NewDecoder(statusRead).Decode(&c.status); err != nil {
		c.kill()
		<-c.exited
		return fmt.Errorf("the child ended before it was confined (%v)\n%s", c.exit(), c.said())
	}
	return nil
}

// openConsole opens the file for what the process prints outside its log.
func openConsole(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err == nil && info.Size() > maxConsole {
		if err := file.Truncate(0); err != nil {
			file.Close()
			return nil, err
		}
	}
	return file, nil
}

// adminOver are the options for reaching one child, ready or not.
func (e *Embedded) adminOver(c *child) *ch.Options {
	options := e.Options(Admin)
	options.DialContext = func(ctx context.Context, _ string) (net.Conn, error) { return c.dial(ctx) }
	options.MaxOpenConns, options.MaxIdleConns = 1, 1
	return options
}

// waitReady returns when the child answers the engine's own user, which no
// other server on that port could do.
func (c *child) waitReady(ctx context.Context, options *ch.Options) error {
	conn, err := ch.Open(options)
	if err != nil {
		return err
	}
	defer conn.Close()
	for {
		err := conn.Ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-c.exited:
			return fmt.Errorf("the server ended (%v)", c.exit())
		case <-ctx.Done():
			return fmt.Errorf("the server does not answer: %w (last error: %w)", ctx.Err(), err)
		case <-time.After(25 * time.Millisecond):
		}
	}
}

func (c *child) dial(ctx context.Context) (net.Conn, error) { return c.dialer.dial(ctx) }

// close asks the server to end, and kills it when it does not.
func (c *child) close() {
	c.stdin.Close()
	select {
	case <-c.exited:
	case <-time.After(closeTime):
		c.kill()
		<-c.exited
	}
}

func (c *child) ended() bool {
	select {
	case <-c.exited:
		return true
	default:
		return false
	}
}

func (c *child) kill() { _ = c.cmd.Process.Kill() }

// exit says how an ended child ended.
func (c *child) exit() string {
	if c.exitErr == nil {
		return "exit status 0"
	}
	return c.exitErr.Error()
}

// said is the end of what the child printed and logged since it started.
func (c *child) said() string {
	const most = 4 << 10
	var out strings.Builder
	for _, file := range []struct {
		path string
		from int64
	}{{c.console, 0}, {c.log, c.began}} {
		text, err := os.ReadFile(file.path)
		if err != nil {
			continue
		}
		if int64(len(text)) >= file.from {
			text = text[file.from:]
		}
		text = text[max(0, len(text)-most):]
		if trimmed := strings.TrimSpace(string(text)); trimmed != "" {
			fmt.Fprintf(&out, "the end of %s:\n%s\n", file.path, trimmed)
		}
	}
	return strings.TrimRight(out.String(), "\n")
}
