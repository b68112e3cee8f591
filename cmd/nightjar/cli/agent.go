package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"nightjar/agent"
	"nightjar/agent/delivery"
	"nightjar/agent/probe"
	"nightjar/secl/policy"
)

func newAgent() *cobra.Command {
	var o agentRun
	c := &cobra.Command{
		Use:   "agent",
		Short: "Watch this host through eBPF, with rules in SECL",
		Long: `Watches this host (Linux 5.10 or newer with BTF, as root) and evaluates the SECL
rules of policies on what it sees. What matches goes to an engine (--server), which
makes signals of it; with --standalone it is printed: one JSON object per line, or,
on a terminal, a line to read with the process tree.

With an enrolment token (--enroll, at the first start) the host becomes an agent of the
engine: it gets a key of its own, and fetches its policies and switches, signed, at the
start and whenever they change. It begins with the last ones when the engine is away,
and policies that don't check are refused whole. Local files (--policy, --default) take
their place: such an agent follows none of the engine's policies, and says so there.
Without a token it sends with the key of the flags, and looks for what these files, or
the policy that ships, say.

Rules with a kill action only record what they would kill, unless their policy is
blocking (--block; from a server, as it is assigned). What such a rule says of a file
alone, or of an address and port, is not even begun: it is denied. "nightjar agent check
--policy FILE" says for every rule what will happen on this host; "nightjar agent disarm"
stops all killing and denying on it.

The agent never waits for the engine: while that is away, matches wait on disk
(--spool-size), and are sent in their order when it is back, each once, also by an
agent that was killed and started again. What there is no room for is counted as lost.
What is lost, held back by a rule's limit or can't be seen on this kernel is told on
standard error and to the engine, where it is a gap in the coverage of rules, as is the
time in which no agent ran.`,
		Example: `  nightjar agent --standalone --policy custom.policy
  NIGHTJAR_ENROLL=… nightjar agent --server https://nightjar.example:8420 --tag env:prod
  nightjar agent --standalone --policy custom.policy --block --protect /opt/backup/bin/run
  nightjar agent --standalone --policy custom.policy --output json | jq .agent.rule_id
  nightjar agent check`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c) },
	}
	f := c.Flags()
	f.BoolVar(&o.standalone, "standalone", false, "print what matches, instead of sending it to a server")
	f.StringArrayVar(&o.policies, "policy", nil, "a policy file; several are merged in their order, and a server's are not followed then")
	f.StringArrayVar(&o.defaults, "default", nil, "a policy that ships with the agent; custom ones override it")
	f.BoolVar(&o.block, "block", false, "the policies are blocking: their rules kill and deny, where else they record what they would have done")
	o.killFlags.add(c)
	f.BoolVar(&o.noDeny, "no-deny", false, "blocking rules kill what they match, and keep nothing from happening before")
	f.StringVar(&o.cgroup, "cgroup", "", "a folder of cgroup version 2: blocking rules keep only its processes from connecting, and isolation cuts only them off (all of the host, if empty)")
	f.StringVar(&o.version, "agent-version", "", "load what is for this version of the agent (everything, if empty)")
	f.StringVar(&o.state, "state-dir", agentState, "where the agent keeps what must outlive it, and `nightjar agent status` finds it")
	f.StringVar(&o.spool, "spool-dir", "", "where matches wait for the engine (the folder spool in --state-dir, if empty)")
	f.IntVar(&o.spoolSize, "spool-size", delivery.DefaultSpool>>20, "how much may wait there, in MiB")
	f.String("enroll", "", "an enrolment token, which makes this host an agent of the engine; not needed again afterwards (better in NIGHTJAR_ENROLL or a file, where other users of the host don't see it)")
	f.String("enroll-file", "", "a file with the enrolment token; NIGHTJAR_ENROLL_FILE")
	f.StringArrayVar(&o.tags, "tag", nil, "a tag of this host, key:value, by which the engine chooses its policies; may be given again")
	f.StringVar(&o.hostname, "hostname", "", "the name of this host in events (that of the machine, if empty)")
	f.IntVar(&o.ring, "ring", probe.DefaultRing>>20, "size of the ring between kernel and agent, in MiB: a power of two")
	f.DurationVar(&o.report, "report", agentReport, "time between two reports to the server")
	addClientFlags(c)
	addTerminalOutput(c, asTable, asJSON, asTable, asJSON, asLines)
	c.AddCommand(newAgentStatus(), newAgentCheck(), newAgentTop(), newAgentRecord(), newAgentCleanup(), newAgentDisarm(), newAgentArm())
	return c
}

// agentState is where an agent keeps what must outlive it, and a reboot, and where it
// answers, unless it is told otherwise.
const agentState = "/var/lib/nightjar-agent"

// agentRun are the flags of the command.
type agentRun struct {
	standalone         bool
	policies, defaults []string
	version            string
	state, hostname    string
	tags               []string
	spool              string // folder
	spoolSize          int    // MiB
	block              bool   // the policies of the flags
	killFlags
	noDeny bool
	cgroup string
	ring   int
	report time.Duration
}

// agentMemory is how much memory the agent's heap may take before the collector
// works harder, in bytes: with the ring, which is mapped beside it, the process
// stays below 200 MiB.
const agentMemory = 104 << 20

func (o *agentRun) run(c *cobra.Command) error {
	if o.standalone && c.Flags().Changed("server") || !o.standalone && !toServer(c) {
		return &usageError{c.CommandPath(), errors.New("say where matches go: --server URL sends them, --standalone prints them")}
	}
	if o.standalone && len(o.policies)+len(o.defaults) == 0 {
		return &usageError{c.CommandPath(), errors.New("no rules to watch for: give --policy FILE")}
	}
	if o.ring <= 0 || o.ring&(o.ring-1) != 0 {
		return &usageError{c.CommandPath(), fmt.Errorf("--ring: want a power of two in MiB, got %d", o.ring)}
	}
	if err := o.killFlags.check(c); err != nil {
		return err
	}
	if o.spoolSize <= 0 {
		return &usageError{c.CommandPath(), fmt.Errorf("--spool-size: want a number of MiB above 0, got %d", o.spoolSize)}
	}
	if err := o.checkTags(); err != nil {
		return &usageError{c.CommandPath(), err}
	}
	debug.SetMemoryLimit(agentMemory)
	out, m, err := o.output(c)
	if err != nil {
		return err
	}
	sink := &agentSink{agentOutput: out, managed: m}
	err = o.watch(c.Context(), sink)
	return errors.Join(err, sink.Close())
}

// watch runs the agent until the context ends.
func (o *agentRun) watch(ctx context.Context, sink *agentSink) error {
	config := agent.Config{
		Sink: sink, Hostname: o.hostname, Version: o.version, StateDir: o.state, RingBytes: o.ring << 20,
		Report: min(o.report, o.local()), Protect: o.protect, Disarmer: o.limits, CGroup: o.cgroup, NoDeny: o.noDeny,
	}
	make := o.makeAgent
	if m := sink.managed; m != nil {
		make = func(c agent.Config) (*agent.Agent, []*policy.DefinitionError, error) { return m.begin(ctx, c, o) }
	}
	a, problems, err := make(config)
	if err != nil {
		return err
	}
	for _, p := range problems {
		fmt.Fprintln(os.Stderr, p)
	}
	sink.agent = a
	if m := sink.managed; m != nil {
		m.agent = a
		stop, err := m.run(ctx, o)
		if err != nil {
			return err
		}
		defer stop()
	}
	return a.Run(ctx)
}

// local is the time between two reports of the agent to its output.
func (o *agentRun) local() time.Duration {
	if o.standalone {
		return localReport
	}
	return soonReport
}

// output is where the command's flags want matches to go, and who holds the agent's
// policies: a server where it has enrolled, else nobody.
func (o *agentRun) output(c *cobra.Command) (agentOutput, *managed, error) {
	if !o.standalone {
		m, err := o.join(c)
		if err != nil {
			return nil, nil, err
		}
		out, err := newServerOutput(c, o, m)
		if err != nil {
			return nil, nil, err
		}
		if m != nil {
			m.output, out.acted = out, m.wake
		}
		return out, m, nil
	}
	line := agent.JSONLine // also for json: matches never end, so that they can be no one document
	if outputOf(c) == asTable {
		line = agent.TextLine
	}
	losses := &lossTeller{to: os.Stderr}
	return &printedOutput{agent.NewWriter(c.OutOrStdout(), line, losses.report), losses}, nil, nil
}

// printedOutput prints matches, and says on standard error what is lost.
type printedOutput struct {
	*agent.Writer
	losses *lossTeller
}

// Close says what was lost at the end.
func (p *printedOutput) Close() error {
	defer p.losses.end()
	return p.Writer.Close()
}

func newAgentStatus() *cobra.Command {
	state := agentState
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
		fmt.Fprintf(w, "agent %d, since %s: %d processes, %d matches, %d held back, %d lost\n",
			s.PID, s.Started.Format(time.DateTime), s.Processes.Living, s.Matches, s.HeldBack, s.LostAll())
		tellProtection(w, s)
		fmt.Fprintln(w)
		if s.Orders != nil {
			fmt.Fprintln(w, ordersText(s.Orders))
		}
		if s.Delivery != nil {
			fmt.Fprintln(w, deliveryText(s.Delivery))
		}
		return printTable(w, header, rows)
	}}
}

// deliveryText says how it is with the way to the server, and what waits where.
func deliveryText(d *agent.Delivery) string {
	const mega = 1 << 20
	text := fmt.Sprintf("%s has %d matches; %d wait, and %d of earlier runs (%d of %d MiB in %s)\n",
		d.Server, d.Delivered, d.Waiting, d.Earlier, (d.SpoolBytes+mega-1)/mega, d.SpoolLimit/mega, d.Spool)
	if d.AwaySince != nil {
		text += fmt.Sprintf("it takes none since %s: %s\n", d.AwaySince.Format(time.DateTime), d.Reason)
	}
	if d.Disk != "" {
		text += fmt.Sprintf("nothing more goes to the disk: %s\n", d.Disk)
	}
	return text
}
