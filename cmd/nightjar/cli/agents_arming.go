package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"
)

const armingPath = "/api/nightjar/v1/agents/"

// arming is how the switch stands that stops all killing and blocking.
type arming struct {
	Disarmed       bool     `json:"disarmed"`
	By             string   `json:"by"`
	Reason         string   `json:"reason"`
	Since          string   `json:"since"`
	AgentsDisarmed int64    `json:"agents_disarmed"`
	Agents         int64    `json:"agents"`
	Away           []string `json:"away"`
	Isolated       []string `json:"isolated"`
	TakenBack      int64    `json:"taken_back"`
}

func newAgentsDisarm() *cobra.Command {
	return newSwitch(&cobra.Command{
		Use:   "disarm",
		Short: "Stop all killing and blocking of all agents, at once",
		Long: `Stops all killing and blocking of all agents, isolation of hosts too, whatever
policies say, until nightjar agents arm. Agents that are connected hear of it at once;
those that are away are named, and hear of it when they are back. What was asked of
agents and would kill or isolate is taken back. On a host, nightjar agent disarm does the
same for its agent.`,
		Example: "  nightjar agents disarm --reason 'a rule kills backups'",
	})
}

func newAgentsArm() *cobra.Command {
	return newSwitch(&cobra.Command{
		Use:   "arm",
		Short: "Let agents kill and block again, as their policies say",
		Long: `Ends nightjar agents disarm. Hosts that were isolated then are isolated again. An agent
that was disarmed on its host stays so.`,
		Example: "  nightjar agents arm --reason 'the rule was mended'",
	})
}

// newSwitch is a command that turns the switch.
func newSwitch(c *cobra.Command) *cobra.Command {
	var reason string
	verb := c.Use
	c.Args = cobra.NoArgs
	c.RunE = func(c *cobra.Command, _ []string) error {
		if strings.TrimSpace(reason) == "" {
			return &usageError{c.CommandPath(), errors.New("say why, with --reason; it is kept, and shown")}
		}
		cl, err := newClient(c)
		if err != nil {
			return err
		}
		var a arming
		if err := cl.send(c.Context(), http.MethodPost, armingPath+verb, map[string]string{"reason": reason}, &a); err != nil {
			return err
		}
		return result{data: a, text: func(w io.Writer) error {
			_, err := fmt.Fprintln(w, strings.Join(append([]string{a.text()}, a.notes()...), "\n"))
			return err
		}}.print(c)
	}
	addClientFlags(c)
	addOutput(c, textFormats...)
	c.Flags().StringVar(&reason, "reason", "", "why; it is required")
	return c
}

// text says how the switch stands.
func (a *arming) text() string {
	if !a.Disarmed {
		return "agents are armed: they kill and block as their policies say"
	}
	return fmt.Sprintf("all agents are disarmed, by %s since %s (%s): nothing is killed or blocked", a.By, a.Since, a.Reason)
}

// notes are what else there is to say.
func (a *arming) notes() (out []string) {
	if a.TakenBack > 0 {
		out = append(out, fmt.Sprintf("%d responses that waited were taken back", a.TakenBack))
	}
	if len(a.Away) > 0 {
		out = append(out, "away, and told when they are back: "+strings.Join(a.Away, ", "))
	}
	if len(a.Isolated) > 0 {
		when := "isolated: "
		if a.Disarmed {
			when = "isolated again when agents are armed: "
		}
		out = append(out, when+strings.Join(a.Isolated, ", "))
	}
	return out
}

// armingWarnings are what the switch has for people to know; an engine that can't say is
// passed over.
func (c *client) armingWarnings(ctx context.Context) (out []string) {
	var a arming
	if c.do(ctx, http.MethodGet, armingPath+"arming", nil, nil, &a) != nil {
		return nil
	}
	if a.Disarmed {
		out = append(out, a.text())
	}
	if len(a.Isolated) > 0 {
		out = append(out, a.notes()[len(a.notes())-1])
	}
	return out
}
