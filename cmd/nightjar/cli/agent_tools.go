package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nightjar/agent"
	"nightjar/agent/probe"
	"nightjar/secl/event"
)

// burst is what happened between two looks at an agent.
type burst struct {
	Event      string  `json:"event,omitempty"`
	Executable string  `json:"executable,omitempty"`
	Rule       string  `json:"rule,omitempty"`
	PerSecond  float64 `json:"per_second"`
	Total      uint64  `json:"total"` // since the agent began
}

func newAgentTop() *cobra.Command {
	state, every, lines := agentState, 2*time.Second, 20
	c := &cobra.Command{
		Use:   "top",
		Short: "Show which executables and rules cause the most events",
		Long: `Asks the running agent twice and shows what caused events in between: executables
by type of events (of those that left the kernel), and rules by matches. It goes on
until it is interrupted; where the output is no terminal, it shows one look.`,
		Example: "  nightjar agent top\n  nightjar agent top --interval 10s --output json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if every <= 0 {
				return &usageError{c.CommandPath(), fmt.Errorf("--interval: want a time above 0, got %s", every)}
			}
			for {
				if err := showTop(c, state, every, lines); err != nil {
					return err
				}
				if outputOf(c) != asTable || !isTerminal(os.Stdout) {
					return nil
				}
			}
		},
	}
	addOutput(c, tableFormats...)
	c.Flags().StringVar(&state, "state-dir", state, "of the agent")
	c.Flags().DurationVar(&every, "interval", every, "between two looks")
	c.Flags().IntVar(&lines, "lines", lines, "how many are shown")
	return c
}

func showTop(c *cobra.Command, state string, every time.Duration, lines int) error {
	before, err := agent.Ask(state)
	if err != nil {
		return err
	}
	select {
	case <-time.After(every):
	case <-c.Context().Done():
		return interrupted(c.Context().Err())
	}
	after, err := agent.Ask(state)
	if err != nil {
		return err
	}
	list := bursts(before, after)
	list = list[:min(len(list), lines)]
	var rows [][]string
	for _, b := range list {
		rows = append(rows, []string{b.Event, cmp.Or(b.Executable, "rule "+b.Rule), fmt.Sprintf("%.1f", b.PerSecond), fmt.Sprint(b.Total)})
	}
	if isTerminal(os.Stdout) && outputOf(c) == asTable {
		const clear = "\x1b[H\x1b[2J"
		fmt.Fprint(os.Stdout, clear)
	}
	return result{data: list, header: []string{"EVENT", "CAUSE", "PER SECOND", "TOTAL"}, rows: rows}.print(c)
}

// bursts are the causes of events between two answers, the most frequent first.
func bursts(before, after *agent.Status) []burst {
	seconds := after.Time.Sub(before.Time).Seconds()
	type cause struct{ event, executable, rule string }
	was, out := map[cause]uint64{}, []burst{}
	for _, t := range before.Top {
		was[cause{event: t.Event, executable: t.Executable, rule: ""}] = t.Events
	}
	for id, r := range before.Rules {
		was[cause{event: "match", executable: "", rule: id}] = r.Matches
	}
	add := func(k cause, total uint64) {
		if grown := total - min(was[k], total); grown > 0 && seconds > 0 {
			out = append(out, burst{Event: k.event, Executable: k.executable, Rule: k.rule, PerSecond: float64(grown) / seconds, Total: total})
		}
	}
	for _, t := range after.Top {
		add(cause{event: t.Event, executable: t.Executable, rule: ""}, t.Events)
	}
	for _, id := range slices.Sorted(maps.Keys(after.Rules)) {
		add(cause{event: "match", executable: "", rule: id}, after.Rules[id].Matches)
	}
	slices.SortStableFunc(out, func(a, b burst) int { return cmp.Compare(b.PerSecond, a.PerSecond) })
	return out
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func newAgentRecord() *cobra.Command {
	var events []string
	var length time.Duration
	c := &cobra.Command{
		Use:   "record FILE",
		Short: "Record the events of this host, to try rules on",
		Long: `Writes every event of the types that are asked for to a file, a line of JSON each,
until it is interrupted. Recordings are read by nightjar secl backtest, and by tests
of policies (events: {file: …}). They are for whoever may see what this host does:
arguments of programs are in them, the values of their environment are not.`,
		Example: "  nightjar agent record host.jsonl --events exec,open --for 1m",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			for _, e := range events {
				if !slices.Contains(probe.Everything(), e) {
					return &usageError{c.CommandPath(), fmt.Errorf("--events: no %q events can be recorded; there are %s", e, strings.Join(probe.Everything(), ", "))}
				}
			}
			return recordEvents(c, args[0], events, length)
		},
	}
	c.Flags().StringSliceVar(&events, "events", []string{"exec", "exit"}, "types of events, with commas")
	c.Flags().DurationVar(&length, "for", 0, "how long (until interrupted, if 0)")
	return c
}

func recordEvents(c *cobra.Command, name string, events []string, length time.Duration) error {
	const private = 0o600
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_EXCL, private)
	if err != nil {
		return err
	}
	ctx := c.Context()
	if length > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, length)
		defer stop()
	}
	losses := &lossTeller{to: os.Stderr}
	sink := &recordingSink{agent.NewRecording(file, losses.report), events}
	a, err := agent.New(agent.Config{Sink: sink, Events: events})
	if err != nil {
		return errors.Join(err, file.Close())
	}
	err = errors.Join(a.Run(ctx), sink.Close(), file.Close())
	fmt.Fprintf(os.Stderr, "%d events lost, %d not written\n", losses.last.LostAll(), losses.last.Dropped)
	return err
}

// recordingSink keeps the types that were asked for, and says when it begins.
type recordingSink struct {
	*agent.Recording
	events []string
}

// Event implements agent.Recorder.
func (s *recordingSink) Event(e *event.Event) {
	if slices.Contains(s.events, e.Type) {
		s.Recording.Event(e)
	}
}

// Ready says so.
func (s *recordingSink) Ready([]probe.Hook) { fmt.Fprintln(os.Stderr, "recording") }

func newAgentCleanup() *cobra.Command {
	state := agentState
	c := &cobra.Command{
		Use:   "cleanup",
		Short: "Take away what an agent that crashed left behind",
		Long: `An agent pins nothing in the kernel: when it ends, in whatever way, its programs and
maps are gone. This looks whether that is so, and takes away the socket that a crash
leaves in --state-dir. It refuses while an agent runs.`,
		Example: "  nightjar agent cleanup",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if s, err := agent.Ask(state); err == nil {
				return fmt.Errorf("agent %d is running; stop it first", s.PID)
			}
			if err := os.Remove(agent.Socket(state)); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
			left, err := probe.Leftovers()
			if err != nil {
				return err
			}
			if len(left) > 0 {
				return fmt.Errorf("programs of an agent that runs elsewhere are in the kernel: %s", strings.Join(left, ", "))
			}
			_, err = io.WriteString(c.OutOrStdout(), "nothing is left\n")
			return err
		},
	}
	c.Flags().StringVar(&state, "state-dir", state, "of the agent")
	return c
}
