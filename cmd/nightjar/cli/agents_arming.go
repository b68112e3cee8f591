package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
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
	Alone          []armed  `json:"alone"`
}

// armed is how the switch of one agent stands.
type armed struct {
	ID          string `json:"id"`
	Host        string `json:"host"`
	Disarmed    bool   `json:"disarmed"`
	By          string `json:"by"`
	Reason      string `json:"reason"`
	Since       string `json:"since"`
	TakenBack   int64  `json:"taken_back"`
	AllDisarmed bool   `json:"all_disarmed"`
}

func (a *armed) text() string {
	switch {
	case a.Disarmed:
		return fmt.Sprintf("the agent of %s is disarmed, by %s since %s (%s): it kills and blocks nothing", a.Host, a.By, a.Since, a.Reason)
	case a.AllDisarmed:
		return fmt.Sprintf("the agent of %s is armed by itself, and all agents are disarmed: it kills and blocks nothing", a.Host)
	}
	return fmt.Sprintf("the agent of %s is armed: it kills and blocks as its policies say", a.Host)
}

func newAgentsDisarm() *cobra.Command {
	return newSwitch(&cobra.Command{
		Use:   "disarm [HOST|ID]",
		Short: "Stop all killing and blocking of all agents, or of one, at once",
		Long: `Stops all killing and blocking of all agents, or of the one that is named, isolation of
hosts too, whatever policies say, until nightjar agents arm. Agents that are connected hear of it at once;
those that are away are named, and hear of it when they are back. What was asked of
agents and would kill or isolate is taken back. On a host, nightjar agent disarm does the
same for its agent.`,
		Example: "  nightjar agents disarm --reason 'a rule kills backups'\n  nightjar agents disarm web-3 --reason 'a rule kills its backup'",
	})
}

func newAgentsArm() *cobra.Command {
	return newSwitch(&cobra.Command{
		Use:   "arm [HOST|ID]",
		Short: "Let agents kill and block again, as their policies say",
		Long: `Ends nightjar agents disarm, of all agents or of the one that is named: one that was
disarmed by itself stays so until it is armed by itself. Hosts that were isolated then are isolated again. An agent
that was disarmed on its host stays so.`,
		Example: "  nightjar agents arm --reason 'the rule was mended'\n  nightjar agents arm web-3 --reason 'the rule was mended'",
	})
}

// newSwitch is a command that turns the switch.
func newSwitch(c *cobra.Command) *cobra.Command {
	var reason string
	verb, _, _ := strings.Cut(c.Use, " ")
	c.Args = cobra.MaximumNArgs(1)
	c.RunE = func(c *cobra.Command, args []string) error {
		if strings.TrimSpace(reason) == "" {
			return &usageError{c.CommandPath(), errors.New("say why, with --reason; it is kept, and shown")}
		}
		cl, err := newClient(c)
		if err != nil {
			return err
		}
		if len(args) == 1 {
			return switchOne(c, cl, url.PathEscape(args[0])+"/"+verb, reason)
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

// switchOne turns the switch of one agent.
func switchOne(c *cobra.Command, cl *client, path, reason string) error {
	var a armed
	if err := cl.send(c.Context(), http.MethodPost, armingPath+path, map[string]string{"reason": reason}, &a); err != nil {
		return err
	}
	return result{data: a, text: func(w io.Writer) error {
		lines := []string{a.text()}
		if a.TakenBack > 0 {
			lines = append(lines, fmt.Sprintf("%d responses that waited were taken back", a.TakenBack))
		}
		_, err := fmt.Fprintln(w, strings.Join(lines, "\n"))
		return err
	}}.print(c)
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
	for _, one := range a.Alone {
		out = append(out, one.text())
	}
	if len(a.Isolated) > 0 {
		out = append(out, a.notes()[len(a.notes())-1])
	}
	return out
}
