package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"nightjar/agent"
	"nightjar/agent/respond"
)

func newAgentDisarm() *cobra.Command {
	state, why := agentState, ""
	c := &cobra.Command{
		Use:   "disarm",
		Short: "Stop all killing and denying on this host",
		Long: `Turns off whatever rules, and commands from the engine, would kill, deny or cut off on this
host, until "nightjar agent arm". Events go on, and say what would have been done. It
is kept over restarts of the agent, and works where none is running: the next one
starts disarmed.`,
		Example: "  nightjar agent disarm --why 'rule shells kills our backup'",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := agent.Tell(state, agent.Order{Do: "disarm", Why: why})
			if errors.Is(err, agent.ErrNoAgent) {
				off, opened := respond.OpenSwitch(state)
				if err = errors.Join(opened, off.Disarm(respond.Host, why, time.Now())); err == nil {
					fmt.Fprintln(c.OutOrStdout(), "no agent is running; the next one starts disarmed")
					return nil
				}
			}
			if err == nil {
				fmt.Fprintln(c.OutOrStdout(), "disarmed")
			}
			return err
		},
	}
	c.Flags().StringVar(&state, "state-dir", state, "of the agent")
	c.Flags().StringVar(&why, "why", why, "the reason, which events and the status tell")
	return c
}

func newAgentArm() *cobra.Command {
	state, rule := agentState, ""
	c := &cobra.Command{
		Use:   "arm",
		Short: "Let rules of blocking policies kill and deny again",
		Long: `Ends "nightjar agent disarm", and puts rules into service again that have killed too much
too fast. With --rule, only that rule. What the engine has disarmed stays so.`,
		Example: "  nightjar agent arm\n  nightjar agent arm --rule miners",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := agent.Tell(state, agent.Order{Do: "arm", Rule: rule})
			switch {
			case errors.Is(err, agent.ErrNoAgent) && rule == "":
				off, opened := respond.OpenSwitch(state)
				if err = off.Arm(respond.Host); err != nil {
					return errors.Join(opened, err)
				}
				fmt.Fprintln(c.OutOrStdout(), "no agent is running; the next one starts armed")
			case err != nil:
				return err
			case s.Switch != "":
				fmt.Fprintln(c.OutOrStdout(), "still", s.Switch)
			default:
				fmt.Fprintln(c.OutOrStdout(), "armed")
			}
			return nil
		},
	}
	c.Flags().StringVar(&state, "state-dir", state, "of the agent")
	c.Flags().StringVar(&rule, "rule", rule, "only this one")
	return c
}

// tellProtection says what was killed and denied, and what is not any more.
func tellProtection(w io.Writer, s *agent.Status) {
	state := "armed"
	if s.Switch != "" {
		state = s.Switch
	}
	fmt.Fprintf(w, "protection: %s; %d killed, %d denied\n", state, s.Kills, s.Denials)
	if s.Untold > 0 {
		fmt.Fprintf(w, "  %d more were killed in the kernel: their events are on their way, or were lost\n", s.Untold)
	}
	for _, id := range slices.Sorted(maps.Keys(s.Rules)) {
		n := s.Rules[id].Counts
		if n != (respond.Counts{}) {
			fmt.Fprintf(w, "  rule %s: %d killed, %d denied, %d would have been, %d spared, %d not for being disarmed, %d failed\n",
				id, n.Kills, n.Denials, n.WouldHave, n.Spared, n.Disarmed, n.Failed)
		}
	}
	for _, o := range s.Protect.Rules {
		fmt.Fprintf(w, "  rule %s: %s\n", o.Rule, o.Text())
	}
	if s.Protect.Error != "" {
		fmt.Fprintf(w, "  not everything is denied that could be: %s\n", s.Protect.Error)
	}
	if n := s.Protect.LetThrough; n > 0 {
		fmt.Fprintf(w, "  %d openings of listed files were let through: the agent was stopped, or had no time to answer\n", n)
	}
	for _, d := range s.Disarmed {
		switch {
		case d.Status == respond.RuleDismantled:
			fmt.Fprintf(w, "  rule %s is dismantled since %s: %s (`nightjar agent arm --rule %s`)\n", d.Rule, d.Since.Format(time.DateTime), d.Why, d.Rule)
		default:
			fmt.Fprintf(w, "  rule %s is disarmed for the %s %s until %s: %s\n", d.Rule, d.Type, d.Target, d.Until.Format(time.DateTime), d.Why)
		}
	}
}
