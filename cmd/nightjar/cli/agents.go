package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nightjar/schema"
)

// agentAnswer is what is listed of an agent.
type agentAnswer struct {
	Host, Kernel, State                           string
	LastReport                                    string `json:"last_report"`
	Generated, Filtered, Delivered, Matches, Sent uint64
	Lost, Undelivered                             map[string]uint64
	Unsupported                                   []schema.AgentUnsupported
}

func newAgents() *cobra.Command {
	var within string
	c := &cobra.Command{
		Use:   "agents",
		Short: "List the agents on hosts, what they see and what they lost",
		Long: `Lists the agents that reported to the engine, by host: how many events the kernel
made, what became of them, and which types of events the host's kernel does not
show. Filtered events were left out in the kernel, since no rule could match them;
delivered ones were looked at by the rules. --output json has more: what is on its
way, why a type of events is not seen, and how the others are.

What was lost is also a gap in the coverage of the rules that could have matched
it (nightjar coverage RULE).`,
		Example: `  nightjar agents
  nightjar agents --within 7d --output json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			back, err := schema.ParseDuration(within)
			if err != nil || back < time.Second {
				return &usageError{c.CommandPath(), errors.Join(fmt.Errorf("--within: want a time such as 24h or 7d, got %q", within), err)}
			}
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			var answer struct{ Agents json.RawMessage }
			path := fmt.Sprintf("/api/nightjar/v1/agents?within_seconds=%d", int64(back.Seconds()))
			if err := cl.do(c.Context(), http.MethodGet, path, nil, nil, &answer); err != nil {
				return err
			}
			for _, w := range cl.armingWarnings(c.Context()) {
				fmt.Fprintf(os.Stderr, "warning: %s\n", w)
			}
			return printAgents(c, answer.Agents)
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	c.AddCommand(newAgentsDisarm(), newAgentsArm())
	c.Flags().StringVar(&within, "within", "24h", "agents that reported within this time")
	return c
}

func printAgents(c *cobra.Command, raw json.RawMessage) error {
	var all []agentAnswer
	if err := json.Unmarshal(raw, &all); err != nil {
		return fmt.Errorf("read the engine's answer: %w", err)
	}
	var rows [][]string
	for _, a := range all {
		var unseen []string
		for _, u := range a.Unsupported {
			unseen = append(unseen, u.Event)
		}
		rows = append(rows, []string{
			a.Host, a.State, a.LastReport, a.Kernel, fmt.Sprint(a.Generated), fmt.Sprint(a.Filtered), fmt.Sprint(a.Delivered), lostText(a.Lost),
			fmt.Sprint(a.Matches), fmt.Sprint(a.Sent), lostText(a.Undelivered), strings.Join(unseen, " "),
		})
	}
	return result{data: raw, header: []string{"HOST", "STATE", "LAST REPORT", "KERNEL", "GENERATED", "FILTERED", "DELIVERED", "LOST", "MATCHES", "SENT", "UNDELIVERED", "NOT SEEN"}, rows: rows}.print(c)
}

// lostText is the sum, and the causes where there are any.
func lostText(lost map[string]uint64) string {
	var sum uint64
	var parts []string
	for _, cause := range slices.Sorted(maps.Keys(lost)) {
		if n := lost[cause]; n > 0 {
			sum += n
			parts = append(parts, fmt.Sprintf("%s %d", cause, n))
		}
	}
	if sum == 0 {
		return "0"
	}
	return fmt.Sprintf("%d (%s)", sum, strings.Join(parts, ", "))
}
