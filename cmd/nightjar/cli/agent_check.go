package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"nightjar/agent"
	"nightjar/agent/probe"
	"nightjar/secl/policy"
)

func newAgentCheck() *cobra.Command {
	var policies, protect []string
	c := &cobra.Command{
		Use:   "check",
		Short: "Say which events this kernel shows an agent, and what it can deny",
		Long: `Puts every program of the agent into the kernel, for a moment, and says of each type
of events whether it is seen, through which hooks, and what is missing. The exit
code is 1 where no events can be seen at all.

With --policy, it says of every rule that kills what will happen on this host to what
it matches, where the policy is blocking: denied before it happens (by which mechanism,
and what of it), killed, or only reacted to, when it has happened. Nothing is denied
meanwhile.`,
		Example: "  nightjar agent check\n  nightjar agent check --policy custom.policy\n  nightjar agent check --output json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if len(policies) > 0 {
				return checkProtection(c, policies, protect)
			}
			return checkSupport(c)
		},
	}
	addOutput(c, tableFormats...)
	c.Flags().StringArrayVar(&policies, "policy", nil, "say what will happen to what the rules of this file kill; several are merged in their order")
	c.Flags().StringArrayVar(&protect, "protect", nil, "a program, by its absolute path, that the agent will be told to protect")
	return c
}

func checkSupport(c *cobra.Command) error {
	p, err := probe.Open(probe.Options{Events: probe.Everything(), Functions: []string{"security_inode_rmdir"}})
	if err != nil {
		return err
	}
	support := append(probe.SupportOf(p.Hooks()), probe.NotYet()...)
	if err := p.Close(); err != nil {
		return err
	}
	var rows [][]string
	for _, s := range support {
		seen := map[bool]string{true: "yes", false: "no"}[s.Seen]
		rows = append(rows, []string{s.Event, seen, strings.Join(s.Hooks, ", "), strings.Join(s.Without, "; ")})
	}
	return result{data: support, header: []string{"EVENT", "SEEN", "THROUGH", "WITHOUT"}, rows: rows}.print(c)
}

func checkProtection(c *cobra.Command, paths, protect []string) error {
	policies, problems, err := readPolicies(paths, nil)
	if err != nil {
		return err
	}
	for _, p := range policies {
		p.Mode = policy.Blocking
	}
	outlook, more, err := agent.CheckProtection(policies, protect)
	for _, p := range append(problems, more...) {
		fmt.Fprintln(os.Stderr, p)
	}
	if err != nil {
		return err
	}
	var rows [][]string
	for _, o := range outlook {
		rows = append(rows, []string{o.Rule, o.Event, o.Text()})
	}
	return result{data: outlook, header: []string{"RULE", "EVENT", "WHAT WILL HAPPEN"}, rows: rows}.print(c)
}
