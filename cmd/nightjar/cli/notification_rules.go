package cli

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nightjar/schema"
)

const notificationRulesPath = "/api/v2/security/signals/notification_rules"

// notificationRule is a notification rule as the API has it.
type notificationRule struct {
	ID         string                     `json:"id,omitempty"`
	Type       string                     `json:"type"`
	Attributes notificationRuleAttributes `json:"attributes"`
}

type notificationRuleAttributes struct {
	Name      string   `json:"name"`
	Targets   []string `json:"targets"`
	Enabled   bool     `json:"enabled"`
	Selectors struct {
		TriggerSource string   `json:"trigger_source"`
		Severities    []string `json:"severities,omitempty"`
		RuleTypes     []string `json:"rule_types,omitempty"`
		Query         string   `json:"query"`
	} `json:"selectors"`
	Interval      int64    `json:"time_aggregation"`
	EscalateAfter int64    `json:"escalate_after,omitempty"`
	EscalateTo    []string `json:"escalate_to,omitempty"`
}

func newNotificationRulesCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "rules", Short: "List, add and remove notification rules: who is told of which signals",
		Example: "  nightjar notifications rules list", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newNotificationRulesList(), newNotificationRulesAdd(), newNotificationRulesRemove())
	return c
}

func newNotificationRulesList() *cobra.Command {
	c := &cobra.Command{
		Use: "list", Short: "List the notification rules", Example: "  nightjar notifications rules list", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			var answer struct{ Data []notificationRule }
			if err := cl.do(c.Context(), http.MethodGet, notificationRulesPath, nil, nil, &answer); err != nil {
				return err
			}
			r := result{data: answer.Data, header: []string{"ID", "NAME", "ENABLED", "TARGETS", "SEVERITIES", "QUERY", "ESCALATES"}, none: "no notification rules"}
			for _, n := range answer.Data {
				a, escalates := n.Attributes, ""
				if a.EscalateAfter > 0 {
					escalates = fmt.Sprintf("after %s to %s", time.Duration(a.EscalateAfter)*time.Second, strings.Join(a.EscalateTo, " "))
				}
				r.rows = append(r.rows, []string{n.ID, a.Name, fmt.Sprint(a.Enabled), strings.Join(a.Targets, " "), strings.Join(a.Selectors.Severities, " "), a.Selectors.Query, escalates})
			}
			return r.print(c)
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	return c
}

func newNotificationRulesAdd() *cobra.Command {
	rule := notificationRule{Type: "notification_rules"}
	a := &rule.Attributes
	a.Enabled, a.Selectors.TriggerSource = true, "security_signals"
	var interval, escalate string
	c := &cobra.Command{
		Use: "add NAME --notify HANDLE", Short: "Add a notification rule",
		Example: "  nightjar notifications rules add nights --notify @slack-soc --severity critical,high --escalate-after 15m --escalate-to @pagerduty-duty",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			a.Name = args[0]
			for name, into := range map[string]*int64{"time-aggregation": &a.Interval, "escalate-after": &a.EscalateAfter} {
				text, _ := c.Flags().GetString(name)
				if text == "" {
					continue
				}
				d, err := schema.ParseDuration(text)
				if err != nil {
					return &usageError{c.CommandPath(), fmt.Errorf("--%s: %w", name, err)}
				}
				*into = int64(d / time.Second)
			}
			var made struct{ Data notificationRule }
			if err := cl.send(c.Context(), http.MethodPost, notificationRulesPath, map[string]any{"data": rule}, &made); err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, "notification rule %s\n", made.Data.ID)
			return nil
		},
	}
	addClientFlags(c)
	f := c.Flags()
	f.StringSliceVar(&a.Targets, "notify", nil, "a handle that is told, such as @webhook-soc; several with commas; required")
	f.StringSliceVar(&a.Selectors.Severities, "severity", nil, "of these severities only: critical, high, medium, low, info")
	f.StringSliceVar(&a.Selectors.RuleTypes, "rule-type", nil, "of rules of these types only, such as log_detection")
	f.StringVar(&a.Selectors.Query, "query", "", "of signals only that this search finds")
	f.StringVar(&interval, "time-aggregation", "", "tell of all that opened in such a time at once (1h)")
	f.StringVar(&escalate, "escalate-after", "", "if nobody triaged a signal in such a time (15m), tell those of --escalate-to")
	f.StringSliceVar(&a.EscalateTo, "escalate-to", nil, "a handle that is told then")
	return c
}

func newNotificationRulesRemove() *cobra.Command {
	c := &cobra.Command{
		Use: "remove ID", Short: "Delete a notification rule", Example: "  nightjar notifications rules remove abc-def-ghi", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			return cl.do(c.Context(), http.MethodDelete, notificationRulesPath+"/"+url.PathEscape(args[0]), nil, nil, nil)
		},
	}
	addClientFlags(c)
	return c
}
