package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nightjar/schema"
)

const agentsPath = "/api/nightjar/v1/agents"

// agentAnswer is what is listed of an agent.
type agentAnswer struct {
	ID, Host, Kernel, State, Version              string
	Tags, Refused                                 []string
	LastReport                                    string `json:"last_report"`
	LastContact                                   string `json:"last_contact"`
	InForce                                       uint64 `json:"policies_in_force"`
	Wanted                                        uint64 `json:"policies_wanted"`
	Generated, Filtered, Delivered, Matches, Sent uint64
	Kills, Denials                                uint64
	CPU                                           float64 `json:"cpu_percent"`
	Disarmed                                      string
	Isolated                                      bool
	Lost, Undelivered                             map[string]uint64
	Unsupported                                   []schema.AgentUnsupported
}

func newAgents() *cobra.Command {
	var within string
	c := &cobra.Command{
		Use:   "agents",
		Short: "List the agents on hosts, what they follow, see and lost; roll policies out",
		Long: `Lists the enrolled agents, and others that reported to the engine, by host: whether
each is heard of, which version of the policies it follows and is to follow, why it
refuses what it was sent, how many events the kernel made and what became of them,
what it killed and denied, and which types of events the host's kernel does not show.
Filtered events were left out in the kernel, since no rule could match them; delivered
ones were looked at by the rules. --output json has more: tags, what is on its way,
why a type of events is not seen, what the agent can do and by which mechanism.

What was lost is also a gap in the coverage of the rules that could have matched
it (nightjar coverage RULE).`,
		Example: `  nightjar agents
  nightjar agents --within 7d --output json
  nightjar agents token web --uses 20 --expires-in 1d
  nightjar agents rollout --stage ring:canary=30m --stage 25%=1h
  nightjar agents revoke web-3`,
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
			path := fmt.Sprintf(agentsPath+"?within_seconds=%d", int64(back.Seconds()))
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
	c.Flags().StringVar(&within, "within", "24h", "agents that reported within this time; enrolled ones are always listed")
	c.AddCommand(newAgentsToken(), newAgentsRevoke(), newAgentsRollout(), newAgentsDisarm(), newAgentsArm())
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
			a.Host, a.state(), max(a.LastContact, a.LastReport), a.Version, a.Kernel, a.policies(), fmt.Sprint(a.Generated), fmt.Sprint(a.Filtered), fmt.Sprint(a.Delivered), lostText(a.Lost),
			fmt.Sprint(a.Matches), fmt.Sprint(a.Sent), lostText(a.Undelivered), fmt.Sprintf("%d/%d", a.Kills, a.Denials), fmt.Sprintf("%.0f%%", a.CPU), strings.Join(unseen, " "), a.ID,
		})
	}
	return result{data: raw, header: []string{"HOST", "STATE", "LAST CONTACT", "VERSION", "KERNEL", "POLICIES", "GENERATED", "FILTERED", "DELIVERED", "LOST", "MATCHES", "SENT", "UNDELIVERED", "KILLS/DENIALS", "CPU", "NOT SEEN", "ID"}, rows: rows}.print(c)
}

// state is whether the agent is heard of, and what keeps it or its host from working.
func (a agentAnswer) state() string {
	parts := []string{a.State}
	if a.Disarmed != "" {
		parts = append(parts, "disarmed by "+a.Disarmed)
	}
	if a.Isolated {
		parts = append(parts, "isolated")
	}
	return strings.Join(parts, ", ")
}

// policies are the versions in force and wanted, and why these differ.
func (a agentAnswer) policies() string {
	switch {
	case a.ID == "":
		return "its own"
	case len(a.Refused) > 0:
		return fmt.Sprintf("%d, wanted %d: %s", a.InForce, a.Wanted, a.Refused[0])
	case a.InForce != a.Wanted:
		return fmt.Sprintf("%d, wanted %d", a.InForce, a.Wanted)
	}
	return fmt.Sprint(a.InForce)
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

func newAgentsToken() *cobra.Command {
	var expires string
	var uses int64
	c := &cobra.Command{
		Use: "token NAME", Short: "Make a token with which hosts enrol as agents, and print it this once",
		Long: `Makes an enrolment token: a key of role enroll, which is listed, rotated and revoked
with nightjar keys. A host that starts with it (NIGHTJAR_ENROLL=TOKEN nightjar agent
--server URL) is given an id and a key of its own, and needs the token no more. Whoever has
the token can enrol a host, and nothing else.`,
		Example: "  nightjar agents token web --uses 20 --expires-in 1d", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			var made keyShown
			if err := cl.send(c.Context(), http.MethodPost, keysPath, map[string]any{"name": args[0], "role": "enroll", "expires_in": expires, "uses": uses}, &made); err != nil {
				return err
			}
			return printKey(c, made)
		},
	}
	addClientFlags(c)
	addOutput(c, textFormats...)
	c.Flags().StringVar(&expires, "expires-in", "1d", "how long hosts may enrol with it; empty: until it is revoked")
	c.Flags().Int64Var(&uses, "uses", 0, "how many hosts may enrol with it (0: any number)")
	return c
}

func newAgentsRevoke() *cobra.Command {
	c := &cobra.Command{
		Use: "revoke HOST|ID", Short: "End an agent's key at once, and forget the agent",
		Long: `Ends the key of an agent at once: it is refused from then on, goes on with the policies
that it has, and sends nothing more. To be an agent again, its host enrols anew.`,
		Example: "  nightjar agents revoke web-3", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			var answer struct{ Agents []agentAnswer }
			if err := cl.do(c.Context(), http.MethodGet, agentsPath, nil, nil, &answer); err != nil {
				return err
			}
			named := slices.DeleteFunc(answer.Agents, func(a agentAnswer) bool { return a.ID == "" || a.ID != args[0] && a.Host != args[0] })
			switch {
			case len(named) == 0:
				return fmt.Errorf("no agent %q is enrolled; nightjar agents lists them", args[0])
			case len(named) > 1:
				return fmt.Errorf("%d agents are enrolled on %q; name one by its id, which nightjar agents lists", len(named), args[0])
			}
			return cl.do(c.Context(), http.MethodDelete, agentsPath+"/"+url.PathEscape(named[0].ID), nil, nil, nil)
		},
	}
	addClientFlags(c)
	return c
}
