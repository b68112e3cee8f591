package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nightjar/agent"
	"nightjar/agent/probe"
)

func newAgent() *cobra.Command {
	var o agentRun
	c := &cobra.Command{
		Use:   "agent",
		Short: "Watch this host through eBPF, with rules in SECL",
		Long: `Watches this host (Linux 5.10 or newer with BTF, as root) and evaluates the SECL
rules of policies on what it sees. With --standalone it prints what matches: one
JSON object per line, or, on a terminal, a line to read with the process tree.

What is lost, held back by a rule's limit or can't be seen on this kernel is told
on standard error.`,
		Example: `  nightjar agent --standalone --policy custom.policy
  nightjar agent --standalone --policy custom.policy --output json | jq .agent.rule_id
  nightjar agent check`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c) },
	}
	f := c.Flags()
	f.BoolVar(&o.standalone, "standalone", false, "print what matches, instead of sending it to a server")
	f.StringArrayVar(&o.policies, "policy", nil, "a policy file; several are merged in their order")
	f.StringArrayVar(&o.defaults, "default", nil, "a policy that ships with the agent; custom ones override it")
	f.StringVar(&o.version, "agent-version", "", "load what is for this version of the agent (everything, if empty)")
	f.StringVar(&o.state, "state-dir", "/run/nightjar-agent", "where `nightjar agent status` finds this agent")
	f.StringVar(&o.hostname, "hostname", "", "the name of this host in events (that of the machine, if empty)")
	f.IntVar(&o.ring, "ring", probe.DefaultRing>>20, "size of the ring between kernel and agent, in MiB: a power of two")
	addTerminalOutput(c, asTable, asJSON, asTable, asJSON, asLines)
	c.AddCommand(newAgentStatus())
	return c
}

// agentRun are the flags of the command.
type agentRun struct {
	standalone         bool
	policies, defaults []string
	version            string
	state, hostname    string
	ring               int
}

// agentMemory is how much memory the agent's heap may take before the collector
// works harder, in bytes: with the ring, which is mapped beside it, the process
// stays below 200 MiB.
const agentMemory = 120 << 20

func (o *agentRun) run(c *cobra.Command) error {
	if !o.standalone {
		return &usageError{c.CommandPath(), errors.New("say where matches go: --standalone prints them")}
	}
	if len(o.policies)+len(o.defaults) == 0 {
		return &usageError{c.CommandPath(), errors.New("no rules to watch for: give --policy FILE")}
	}
	if o.ring <= 0 || o.ring&(o.ring-1) != 0 {
		return &usageError{c.CommandPath(), fmt.Errorf("--ring: want a power of two in MiB, got %d", o.ring)}
	}
	line := agent.JSONLine // also for json: matches never end, so that they can be no one document
	if outputOf(c) == asTable {
		line = agent.TextLine
	}
	policies, problems, err := readPolicies(o.policies, o.defaults)
	if err != nil {
		return err
	}
	debug.SetMemoryLimit(agentMemory)
	var last agent.Report
	sink := &agentSink{Writer: agent.NewWriter(c.OutOrStdout(), line, func(r agent.Report) { last = tellLosses(last, r) })}
	a, err := agent.New(agent.Config{
		Policies: policies, Sink: sink, Hostname: o.hostname, Version: o.version, StateDir: o.state, RingBytes: o.ring << 20,
	})
	if err != nil {
		return err
	}
	for _, p := range append(problems, a.Problems()...) {
		fmt.Fprintln(os.Stderr, p)
	}
	sink.rules = a.Never()
	err = a.Run(c.Context())
	return errors.Join(err, sink.Close())
}

// agentSink also says when the agent watches, and what it can't see.
type agentSink struct {
	*agent.Writer
	rules []string
}

// Ready says so.
func (s *agentSink) Ready(hooks []probe.Hook) {
	for _, h := range hooks {
		if !h.Attached {
			fmt.Fprintf(os.Stderr, "not on this kernel: %s (%s)\n", h.Name, h.Reason)
		}
	}
	for _, line := range s.rules {
		fmt.Fprintln(os.Stderr, line)
	}
	fmt.Fprintln(os.Stderr, "watching")
}

// tellLosses says what was lost since the last report.
func tellLosses(last, now agent.Report) agent.Report {
	var parts []string
	for cause, n := range now.Lost {
		if d := n - last.Lost[cause]; d > 0 {
			parts = append(parts, fmt.Sprintf("%d events lost (%s)", d, cause))
		}
	}
	if d := now.Dropped - last.Dropped; d > 0 {
		parts = append(parts, fmt.Sprintf("%d matches not printed: the output is too slow", d))
	}
	if d := now.HeldBack - last.HeldBack; d > 0 {
		parts = append(parts, fmt.Sprintf("%d matches held back by limits of rules", d))
	}
	if len(parts) > 0 {
		slices.Sort(parts)
		fmt.Fprintln(os.Stderr, strings.Join(parts, "; "))
	}
	return now
}

func newAgentStatus() *cobra.Command {
	state := "/run/nightjar-agent"
	c := &cobra.Command{
		Use:   "status",
		Short: "Tell what the running agent sees, filters and loses",
		Long: `Asks the agent that runs with the same --state-dir. For every type of events,
generated = filtered (in the kernel) + delivered (to the rules) + lost + waiting.`,
		Example: "  nightjar agent status\n  nightjar agent status --output json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := agent.Ask(state)
			if err != nil {
				return err
			}
			return agentStatus(s).print(c)
		},
	}
	addOutput(c, textFormats...)
	c.Flags().StringVar(&state, "state-dir", state, "of the agent")
	return c
}

func agentStatus(s *agent.Status) result {
	var rows [][]string
	for _, name := range slices.Sorted(maps.Keys(s.Events)) {
		e := s.Events[name]
		row := []string{name}
		for _, n := range []uint64{e.Generated, e.Filtered, e.Delivered, e.Lost, e.Waiting} {
			row = append(row, fmt.Sprint(n))
		}
		rows = append(rows, row)
	}
	header := []string{"EVENT", "GENERATED", "FILTERED", "DELIVERED", "LOST", "WAITING"}
	return result{data: s, header: header, rows: rows, text: func(w io.Writer) error {
		fmt.Fprintf(w, "agent %d, since %s: %d processes, %d matches, %d held back, %d lost\n\n",
			s.PID, s.Started.Format(time.DateTime), s.Processes.Living, s.Matches, s.HeldBack, s.LostAll())
		return printTable(w, header, rows)
	}}
}
