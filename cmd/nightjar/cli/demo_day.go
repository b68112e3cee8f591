package cli

import (
	"fmt"
	"net/http"
	"os"

	"github.com/spf13/cobra"
)

// demoPath is where an engine has its demo.
const demoPath = "/api/nightjar/v1/demo"

// demoState is what an engine says of its demo.
type demoState struct {
	State   string   `json:"state"`
	Events  int64    `json:"events"`
	RuleIDs []string `json:"rule_ids"`
	Query   string   `json:"query"`
	Job     string   `json:"triage_job_id"`
}

func newDemo() *cobra.Command {
	c := &cobra.Command{
		Use: "demo", Short: "Show a day of made-up activity with three attacks in it",
		Long: `Has an engine that runs make the rules and take in the events of a demo: the bundled
sample log, and a day of ordinary activity with three attacks in it. Each event and signal
has the tag env:demo. An engine has one demo; asked again, nothing is added.`,
		Example: `  nightjar demo
  nightjar signals list env:demo
  nightjar demo remove`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var d demoState
			if err := askDemo(c, http.MethodPost, []byte("{}"), &d); err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, "%d events of the demo are taken in, and %d rules made for it. In a moment:\n", d.Events, len(d.RuleIDs))
			fmt.Fprintf(os.Stderr, "  nightjar signals list %s\n", d.Query)
			return nil
		},
	}
	addClientFlags(c)
	c.AddCommand(newDemoRemove())
	return c
}

func newDemoRemove() *cobra.Command {
	c := &cobra.Command{
		Use: "remove", Short: "Remove the demo: its rules, and its signals from the list",
		Long: `Deletes the rules that the demo made, and archives its signals. Its events stay until they
are old, or until an administrator deletes them.`,
		Example: `  nightjar demo remove`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var d demoState
			if err := askDemo(c, http.MethodDelete, nil, &d); err != nil {
				return err
			}
			if d.State == "none" {
				fmt.Fprintln(os.Stderr, "There is no demo.")
				return nil
			}
			fmt.Fprintf(os.Stderr, "The demo's rules are gone, and its signals are archived. Its events:  nightjar delete %s\n", d.Query)
			return nil
		},
	}
	addClientFlags(c)
	return c
}

func askDemo(c *cobra.Command, method string, body []byte, into *demoState) error {
	cl, err := newClient(c)
	if err != nil {
		return err
	}
	return cl.do(c.Context(), method, demoPath, nil, body, into)
}
