package cli

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// responseActions are the actions, and what they do in words.
var responseActions = map[string]string{
	"kill": "send a signal to a process", "isolate": "cut the host off the network, but for its way to the engine",
	"release": "end that", "collect": "read the process, its ancestors and its descendants",
}

// respondFlags are the flags of what asks for a response.
type respondFlags struct {
	reason, host, agent, executable, started, signal, scope string
	pid                                                     int64
	deadline, wait                                          time.Duration
	yes                                                     bool
}

func (f *respondFlags) add(c *cobra.Command) {
	fs := c.Flags()
	fs.StringVar(&f.reason, "reason", "", "why; it is required, and kept")
	fs.StringVar(&f.host, "host", "", "the host")
	fs.StringVar(&f.agent, "agent", "", "the agent's id, where a host has several")
	fs.Int64Var(&f.pid, "pid", 0, "the process")
	fs.StringVar(&f.signal, "signal", "SIGKILL", "of kill: what is sent")
	fs.StringVar(&f.scope, "scope", "process", "of kill: process, or all of its cgroup or container")
	fs.DurationVar(&f.deadline, "deadline", 15*time.Minute, "how long the agent may be away; then nothing is done")
	fs.DurationVar(&f.wait, "wait", 30*time.Second, "how long to wait for the agent's answer; 0 does not")
	fs.BoolVar(&f.yes, "yes", false, "do not ask")
}

// body is what the API is asked for.
func (f *respondFlags) body(action string) map[string]any {
	body := map[string]any{"action": action, "reason": f.reason, "deadline_seconds": int64(f.deadline.Seconds())}
	set := func(key, value string) {
		if value != "" {
			body[key] = value
		}
	}
	set("host", f.host)
	set("agent", f.agent)
	if action == "kill" {
		set("signal_name", f.signal)
		set("scope", f.scope)
	}
	return body
}

// check says what is wrong with the command line.
func (f *respondFlags) check(c *cobra.Command, action string) error {
	var err error
	switch {
	case responseActions[action] == "":
		err = fmt.Errorf("want kill, isolate, release or collect, got %q", action)
	case strings.TrimSpace(f.reason) == "":
		err = errors.New("say why: --reason 'a miner, ticket 4711'; it is kept with what was done")
	case f.deadline < time.Second:
		err = errors.New("--deadline: at least a second")
	case f.wait < 0:
		err = errors.New("--wait: 0 or more")
	}
	if err != nil {
		return &usageError{c.CommandPath(), err}
	}
	return nil
}

// responseTarget is what a signal's events are about.
type responseTarget struct {
	Host      string
	Agents    []struct{ ID, LastContact, Disarmed string }
	Process   *responseProcess
	EventAt   string `json:"event_at"`
	AgentRule string `json:"agent_rule"`
}

func newSignalsRespond() *cobra.Command {
	var f respondFlags
	c := &cobra.Command{
		Use:   "respond ID kill|isolate|release|collect",
		Short: "Have something done about a signal: kill, isolate, end the isolation, collect the process tree",
		Long: `Has the agent of the host that a signal is about do something, once:

  kill     send a signal to the process (--scope cgroup or container: to all in it)
  isolate  cut the host off the network, but for its way to the engine
  release  end that
  collect  read the process, its ancestors and its descendants; it changes nothing

Whom it is about is read from the signal's events: the host, and the process by its pid,
its start and what it executes, so that another process with that pid is never hit. Where
the events are about several, --host and --pid say which one. What it touches is shown and
asked for, unless --yes is given. An agent that is away is waited for until --deadline.
What becomes of it is in the signal (nightjar signals get), in nightjar responses, and in
the audit log.`,
		Example: `  nightjar signals respond 7cP1I9tDnaT_fd07FLiCwDPO collect --reason 'what is this'
  nightjar signals respond 7cP1I9tDnaT_fd07FLiCwDPO kill --reason 'a miner' --pid 4711
  nightjar signals respond 7cP1I9tDnaT_fd07FLiCwDPO isolate --reason 'ticket 12' --yes --wait 0`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			id, action := args[0], args[1]
			if err := f.check(c, action); err != nil {
				return err
			}
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			path := "/api/nightjar/v1/signals/" + url.PathEscape(id) + "/respond"
			var found struct {
				Targets  []responseTarget
				LookedAt int64 `json:"looked_at"`
				Events   int64
			}
			if err := cl.do(c.Context(), http.MethodGet, path, nil, nil, &found); err != nil {
				return err
			}
			if found.LookedAt < found.Events {
				fmt.Fprintf(os.Stderr, "of the signal's %d events, %d were looked at\n", found.Events, found.LookedAt)
			}
			body := f.body(action)
			target, err := f.choose(action, found.Targets)
			if err != nil {
				return err
			}
			body["host"] = target.Host
			if action == "kill" || action == "collect" {
				body["process"] = target.Process
			}
			return f.run(c, cl, path, body, target.text(action))
		},
	}
	addClientFlags(c)
	addOutput(c, textFormats...)
	f.add(c)
	return c
}

// choose is the one target that the flags leave; where there are several, the error lists
// them.
func (f *respondFlags) choose(action string, all []responseTarget) (responseTarget, error) {
	aboutHost := action == "isolate" || action == "release"
	var fitting []responseTarget
	for _, t := range all {
		switch {
		case f.host != "" && t.Host != f.host, !aboutHost && t.Process == nil, !aboutHost && f.pid != 0 && t.Process.PID != f.pid:
		case aboutHost && slices.ContainsFunc(fitting, func(o responseTarget) bool { return o.Host == t.Host }):
		default:
			fitting = append(fitting, t)
		}
	}
	switch len(fitting) {
	case 1:
		return fitting[0], nil
	case 0:
		return responseTarget{}, errors.New("no event of an agent that was looked at is about such a target; `nightjar responses create` takes any")
	}
	lines := []string{"the signal's events are about several targets: say which one by --pid, or --host"}
	for _, t := range fitting {
		lines = append(lines, "  "+t.text(action))
	}
	return responseTarget{}, errors.New(strings.Join(lines, "\n"))
}

// text is the target in words.
func (t *responseTarget) text(action string) string {
	if action == "isolate" || action == "release" || t.Process == nil {
		return "host " + t.Host
	}
	return t.Process.text() + " on " + t.Host + ", seen " + t.EventAt + " by " + t.AgentRule
}

func (p *responseProcess) text() string {
	words := []string{fmt.Sprintf("%s[%d]", p.Executable, p.PID)}
	for _, x := range []struct{ name, value string }{{"", p.Args}, {"by ", p.User}, {"in container ", p.Container}, {"started ", p.Started}} {
		if x.value != "" {
			words = append(words, x.name+x.value)
		}
	}
	return strings.Join(words, " ")
}

// run shows what a response touches, asks, and has it done.
func (f *respondFlags) run(c *cobra.Command, cl *client, path string, body map[string]any, target string) error {
	action := fmt.Sprint(body["action"])
	if action != "collect" {
		if err := confirmResponse(f, action, target); err != nil {
			return err
		}
	}
	var r response
	if err := cl.send(c.Context(), http.MethodPost, path, body, &r); err != nil {
		return err
	}
	if err := cl.awaitResponse(c.Context(), &r, f.wait); err != nil {
		return err
	}
	if err := r.shown().print(c); err != nil {
		return err
	}
	if r.State != "done" && (r.State != "waiting" || f.wait > 0) {
		return fmt.Errorf("response %s is %s: %s", r.ID, r.State, r.outcome())
	}
	return nil
}

// confirmResponse asks the person at the terminal.
func confirmResponse(f *respondFlags, action, target string) error {
	what := responseActions[action]
	if action == "kill" {
		what = "send " + f.signal + " to a " + f.scope
	}
	fmt.Fprintf(os.Stderr, "%s: %s\n  %s\n", action, what, printable(target))
	if f.yes {
		return nil
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return errors.New("nothing was done: say --yes, or answer at a terminal")
	}
	fmt.Fprintf(os.Stderr, "Write %s to go on: ", action)
	answer, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	if strings.TrimSpace(answer) != action {
		return errors.New("nothing was done")
	}
	return nil
}

func newResponsesCreate() *cobra.Command {
	var f respondFlags
	c := &cobra.Command{
		Use:   "create kill|isolate|release|collect",
		Short: "Have something done to a host, without a signal",
		Long: `Has the agent of a host do something, as nightjar signals respond does, to a host and
process that you say. A pid alone may be another process's by now: kill needs what it
executes and when it started, which collect tells.`,
		Example: `  nightjar responses create collect --host web-1 --pid 4711 --reason 'what is this'
  nightjar responses create kill --host web-1 --pid 4711 --executable /tmp/x --started 2026-11-29T13:00:00.123456789Z --reason 'a miner'
  nightjar responses create release --host web-1 --reason mended`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			action := args[0]
			if err := f.check(c, action); err != nil {
				return err
			}
			if f.host == "" && f.agent == "" {
				return &usageError{c.CommandPath(), errors.New("say which host: --host, or --agent")}
			}
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			body, target := f.body(action), "host "+f.host
			if f.host == "" {
				target = "the host of agent " + f.agent
			}
			if action == "kill" || action == "collect" {
				p := f.process()
				body["process"], target = p, p.text()+" on "+target
			}
			return f.run(c, cl, responsesPath, body, target)
		},
	}
	addClientFlags(c)
	addOutput(c, textFormats...)
	f.add(c)
	c.Flags().StringVar(&f.executable, "executable", "", "of kill and collect: the path of what the process executes")
	c.Flags().StringVar(&f.started, "started", "", "when it started: RFC 3339, or BOOT:NS as collect shows it (boot, since_boot)")
	return c
}

// process is the one that the flags say.
func (f *respondFlags) process() *responseProcess {
	p := &responseProcess{PID: f.pid, Executable: f.executable, Started: f.started}
	if boot, ns, ok := strings.Cut(f.started, ":"); ok {
		if _, err := strconv.ParseUint(ns, 10, 64); err == nil && len(boot) > 4 {
			p.Boot, p.SinceBoot, p.Started = boot, ns, ""
		}
	}
	return p
}
