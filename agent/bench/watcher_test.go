package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"nightjar/agent"
	"nightjar/agent/probe"
	"nightjar/secl/policy"
)

// A watcher is an agent in a process of its own.
type watcher struct {
	command *exec.Cmd
	stop    io.Closer
	says    *bufio.Reader
}

// account is what an agent says at its end.
type account struct {
	agent.Report
	CPU  time.Duration // user and system, from the moment it watched
	Peak string        // resident memory at most
}

// startWatcher starts an agent, and waits until it watches.
func startWatcher(rules string) (*watcher, error) {
	c := child("agent", rules)
	in, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	w := &watcher{command: c, stop: in, says: bufio.NewReader(out)}
	if line, err := w.says.ReadString('\n'); err != nil {
		return nil, fmt.Errorf("the agent said %q: %w (%w)", line, err, c.Wait())
	}
	return w, nil
}

// end stops the agent and reads its account.
func (w *watcher) end() (account, error) {
	var a account
	if err := w.stop.Close(); err != nil {
		return a, err
	}
	if err := json.NewDecoder(w.says).Decode(&a); err != nil {
		return a, fmt.Errorf("read the agent's account: %w", err)
	}
	if err := w.command.Wait(); err != nil {
		return a, err
	}
	return a, nil
}

// lines writes matches to nowhere, as JSON.
type lines struct {
	*agent.Writer
	last  agent.Report
	ready chan struct{}
}

func (l *lines) Report(r agent.Report) { l.last = r }

func (l *lines) Ready([]probe.Hook) { close(l.ready) }

// runAgent is the agent: it watches until standard input ends.
func runAgent(args []string) error {
	p, problems := policy.Read("bench.policy", []byte(args[0]))
	for _, problem := range problems {
		return problem
	}
	debug.SetMemoryLimit(120 << 20) // as the command does
	l := &lines{Writer: agent.NewWriter(io.Discard, agent.JSONLine, nil), ready: make(chan struct{})}
	a, err := agent.New(agent.Config{Policies: []*policy.Policy{p}, Sink: l})
	if err != nil {
		return err
	}
	for _, problem := range a.Problems() {
		return problem
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	select {
	case err := <-ended:
		return err
	case <-l.ready:
	}
	before := cpu()
	fmt.Println("watching")
	_, _ = io.Copy(io.Discard, os.Stdin) // until it ends
	after := cpu()
	cancel()
	if err := <-ended; err != nil {
		return err
	}
	if err := l.Close(); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(account{Report: l.last, CPU: after - before, Peak: peak()})
}

// cpu is the user and system time of this process.
func cpu() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peak is the most resident memory of this process so far.
func peak() string {
	text, _ := os.ReadFile("/proc/self/status") // on Linux it is there
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(line)
}
