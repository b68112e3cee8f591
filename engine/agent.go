package engine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"

	"nightjar/agent/client"
	"nightjar/api/access"
)

// agentProcess is the agent beside the engine: a process of its own, the same program,
// which is started again when it ends. Whatever becomes of it, the engine goes on.
type agentProcess struct {
	engine *engine
	stop   context.CancelFunc
	ended  chan struct{}
	ready  chan struct{} // closed when it sees events
	once   sync.Once
	last   string // of what it said
}

// AgentWatches is the line that an agent says when it sees events.
const AgentWatches = "watching"

// startAgent starts an agent that sends to the engine, if that is wanted.
func startAgent(e *engine) *agentProcess {
	if e.config.Agent == "false" || e.config.Agent == "" && !e.config.Demo {
		return nil
	}
	ctx, stop := context.WithCancel(context.Background())
	a := &agentProcess{engine: e, stop: stop, ended: make(chan struct{}), ready: make(chan struct{})}
	go func() {
		defer close(a.ended)
		a.keep(ctx)
	}()
	return a
}

// close stops the agent, which first sends what it still has.
func (a *agentProcess) close() {
	if a != nil {
		a.stop()
		<-a.ended
	}
}

// keep runs the agent again and again. One that never saw an event will see none
// the next time either: this host, or this user, can't.
func (a *agentProcess) keep(ctx context.Context) {
	pauses := backoff.ExponentialBackOff{InitialInterval: time.Second, Multiplier: 2, MaxInterval: time.Minute}
	for {
		err := a.run(ctx)
		if ctx.Err() != nil {
			return
		}
		select {
		case <-a.ready:
		default:
			fmt.Fprintf(os.Stderr, "nightjar watches no events of this host: %s\n", a.why(err))
			return
		}
		pause := pauses.NextBackOff()
		a.engine.log.Error("the agent ended; it is started again", "reason", a.why(err), "in", pause)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// why is what the agent said last, or how it ended.
func (a *agentProcess) why(err error) string {
	if a.last != "" {
		return strings.TrimPrefix(a.last, "nightjar: ")
	}
	return fmt.Sprint(err)
}

// run runs the agent until it ends or is stopped.
func (a *agentProcess) run(ctx context.Context) error {
	token, spent, err := a.enrolment(ctx)
	if err != nil {
		return err
	}
	defer spent()
	// The thread that starts a process is the parent whose end it is told of.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c := exec.CommandContext(ctx, "/proc/self/exe", a.arguments()...)
	c.Args[0] = "nightjar"
	c.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, EnvName("api-key")+"=") }) // the engine's own
	if token != "" {
		c.Env = append(c.Env, EnvName("enroll")+"="+token)
	}
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 10 * time.Second
	says, err := c.StderrPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	for lines := bufio.NewScanner(says); lines.Scan(); {
		a.hear(lines.Text())
	}
	return c.Wait()
}

// state is the agent's folder.
func (a *agentProcess) state() string { return filepath.Join(a.engine.config.DataDir, "agent") }

// enrolment is a token for an agent that has no key of its own, or one that the engine does
// not know any more, as after a backup was restored; else none. It is good for one agent,
// and until spent.
func (a *agentProcess) enrolment(ctx context.Context) (token string, spent func(), err error) {
	keys, none := a.engine.keys, func() {}
	identity, err := client.Load(a.state())
	if err == nil {
		if _, err := keys.Admit(access.Sent{Keys: []string{identity.Key}}); err == nil {
			return "", none, nil
		}
		a.engine.log.Warn("the agent's key is not known any more; it enrolls again", "agent", identity.ID)
		err = client.Forget(a.state())
	}
	if err != nil && !errors.Is(err, client.ErrNotEnrolled) {
		return "", none, err
	}
	const soon = 10 * time.Minute
	made, token, err := keys.Create(ctx, access.Key{
		Name: "agent beside the engine " + now().UTC().Format("2006-01-02T15:04:05.000Z"), Role: access.Enroll, Uses: 1, Expires: keys.In(soon),
	})
	if err != nil {
		return "", none, fmt.Errorf("make a token for the agent: %w", err)
	}
	return token, func() {
		if _, err := keys.Revoke(context.WithoutCancel(ctx), made.ID); err != nil {
			a.engine.log.Warn("the agent's token is not revoked; it ends by itself", "error", err)
		}
	}, nil
}

func (a *agentProcess) arguments() []string {
	e := a.engine
	args := []string{"agent", "--server", e.url(), "--state-dir", a.state()}
	if ca, name, err := e.trust(); err == nil && ca != "" { // it was read at the start
		args = append(args, "--ca", ca, "--server-name", name)
	}
	for _, p := range e.config.AgentPolicies {
		args = append(args, "--policy", p)
	}
	return args
}

func (a *agentProcess) hear(line string) {
	a.last = line
	if line == AgentWatches {
		a.once.Do(func() { close(a.ready) })
	}
	fmt.Fprintln(os.Stderr, "agent:", line)
}

// watches waits until the agent sees events, and reports whether it does.
func (a *agentProcess) watches(ctx context.Context, within time.Duration) bool {
	if a == nil {
		return false
	}
	select {
	case <-a.ready:
		return true
	case <-a.ended:
	case <-ctx.Done():
	case <-time.After(within):
	}
	return false
}
