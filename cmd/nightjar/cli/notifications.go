package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"nightjar/schema"
)

const (
	notificationsPath = "/api/nightjar/v1/notifications"
	targetsPath       = "/api/nightjar/v1/notification-targets"
	mutesPath         = "/api/nightjar/v1/mutes"
)

func newNotificationsCommand() *cobra.Command {
	var signal, target, state string
	var limit int
	c := &cobra.Command{
		Use:   "notifications",
		Short: "List who was told of which signals, and say where signals are told",
		Long: `Lists what was told of signals and what is still to be told, the newest first, with
what the targets answered. Who is told, rules say: in their cases (@webhook-soc), in
their messages, and in notification rules (nightjar notifications rules).`,
		Example: `  nightjar notifications
  nightjar notifications --state failed --output json
  nightjar notifications targets add webhook soc --url https://hooks.example/nightjar --secret secret:soc`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			values := url.Values{"signal_id": {signal}, "target": {target}, "state": {state}, "limit": {fmt.Sprint(limit)}}
			all, raw, err := listed[notificationShown](c.Context(), cl, notificationsPath+"?"+values.Encode(), "notifications")
			if err != nil {
				return err
			}
			return printNotifications(c, all, raw)
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	c.Flags().StringVar(&signal, "signal", "", "of this signal only")
	c.Flags().StringVar(&target, "target", "", "to this handle only, such as @webhook-soc")
	c.Flags().StringVar(&state, "state", "", "waiting, sent, failed, muted or dropped only")
	c.Flags().IntVar(&limit, "limit", 100, "how many at most")
	c.AddCommand(newTargetsCommand(), newNotificationRulesCommand(), newMuteCommand(), newMutesCommand(), newUnmuteCommand())
	return c
}

// notificationShown is a notification as the API shows it.
type notificationShown struct {
	Created, Target, Kind, State, Title, Answer string
	SignalID                                    string `json:"signal_id"`
	Attempts                                    int
}

func printNotifications(c *cobra.Command, all []notificationShown, raw []json.RawMessage) error {
	r := result{data: raw, header: []string{"CREATED", "TARGET", "KIND", "STATE", "ATTEMPTS", "SIGNAL", "TITLE", "ANSWER"}, none: "nobody was told of anything", widest: 60}
	for _, n := range all {
		r.rows = append(r.rows, []string{n.Created, n.Target, n.Kind, n.State, fmt.Sprint(n.Attempts), n.SignalID, n.Title, n.Answer})
	}
	return r.print(c)
}

// targetShown is a target as the API shows it.
type targetShown struct {
	ID, Handle, Name, Type, URL, Server string
	To                                  []string
	On                                  []string
	Enabled                             *bool
}

func newTargetsCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "targets", Short: "Say where signals are told: webhooks, chats, pagers, trackers, mail",
		Example: "  nightjar notifications targets list\n  nightjar notifications targets test @webhook-soc",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newTargetsList(), newTargetsAdd(), newTargetsRemove(), newTargetsTest(), newTargetsPreview())
	return c
}

func newTargetsList() *cobra.Command {
	c := &cobra.Command{
		Use: "list", Short: "List the targets", Example: "  nightjar notifications targets list --output json", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			all, raw, err := cl.targets(c.Context())
			if err != nil {
				return err
			}
			r := result{data: raw, header: []string{"HANDLE", "TO", "ALSO TOLD", "ENABLED", "ID"}, none: "no targets: nobody is told of signals"}
			for _, t := range all {
				r.rows = append(r.rows, []string{t.Handle, t.URL + strings.Join(t.To, ", "), strings.Join(t.On, ", "), fmt.Sprint(t.Enabled == nil || *t.Enabled), t.ID})
			}
			return r.print(c)
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	return c
}

func (c *client) targets(ctx context.Context) (all []targetShown, raw []json.RawMessage, err error) {
	return listed[targetShown](ctx, c, targetsPath, "targets")
}

// targetID is the id of a target that a user named by its handle, its name or its id.
func (c *client) targetID(ctx context.Context, name string) (string, error) {
	all, _, err := c.targets(ctx)
	if err != nil {
		return "", err
	}
	for _, t := range all {
		if t.Handle == "@"+strings.TrimPrefix(name, "@") || t.ID == name {
			return t.ID, nil
		}
	}
	return "", fmt.Errorf("there is no target %q; nightjar notifications targets list shows them", name)
}

func newTargetsAdd() *cobra.Command {
	t := struct {
		Name      string            `json:"name"`
		Type      string            `json:"type"`
		URL       string            `json:"url,omitempty"`
		Secret    string            `json:"secret,omitempty"`
		Headers   map[string]string `json:"headers,omitempty"`
		Template  string            `json:"template,omitempty"`
		On        []string          `json:"on,omitempty"`
		Project   string            `json:"project,omitempty"`
		IssueType string            `json:"issue_type,omitempty"`
		To        []string          `json:"to,omitempty"`
		From      string            `json:"from,omitempty"`
		Server    string            `json:"server,omitempty"`
		User      string            `json:"user,omitempty"`
		TLS       string            `json:"tls,omitempty"`
	}{}
	var headers []string
	c := &cobra.Command{
		Use: "add TYPE NAME", Short: "Add a target, whose handle is @TYPE-NAME",
		Long: `Adds a target: webhook, slack, teams, pagerduty, opsgenie, jira, alertmanager or
email. Rules name it by its handle.

Secrets are written as secret:NAME: the value is in the file secrets/NAME of the engine's
data folder, or in its environment as NIGHTJAR_SECRET_NAME. Where it may be sent, the
operator says (nightjar up --outbound-secret); else only administrators may name it. A
secret that is written as it is, is kept for this target alone. A webhook's body is signed
with its secret (Nightjar-Signature: sha256=HMAC). The secret of pagerduty is its routing
key, that of opsgenie its key, that of jira mail:token, that of email the password.`,
		Example: `  nightjar notifications targets add webhook soc --url https://hooks.example/nightjar --secret secret:soc
  nightjar notifications targets add slack soc --url secret:slack-soc
  nightjar notifications targets add pagerduty oncall --secret secret:pagerduty
  nightjar notifications targets add email soc --mail-to soc@example.org --mail-from nightjar@example.org --mail-server mail.example.org:587`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			t.Type, t.Name = args[0], args[1]
			var err error
			if t.Headers, err = headersOf(c, headers); err != nil {
				return err
			}
			if file, _ := c.Flags().GetString("template"); file != "" {
				text, err := readFile(file)
				if err != nil {
					return err
				}
				t.Template = string(text)
			}
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			var made targetShown
			if err := cl.send(c.Context(), http.MethodPost, targetsPath, t, &made); err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, "target %s (%s); try it: nightjar notifications targets test %s\n", made.Handle, made.ID, made.Handle)
			return nil
		},
	}
	addClientFlags(c)
	f := c.Flags()
	f.StringVar(&t.URL, "url", "", "where requests go")
	f.StringVar(&t.Secret, "secret", "", "its key, as secret:NAME")
	f.StringArrayVar(&headers, "header", nil, "a header of each request, as NAME: VALUE")
	f.String("template", "", "a file with the body of a webhook: JSON with {{title}}, {{severity}}, {{message}}, {{signal_id}}, {{url}} and the like in its strings")
	f.StringSliceVar(&t.On, "on", nil, "what is told beside openings: changed, archived, responded")
	f.StringVar(&t.Project, "project", "", "key of Jira's project")
	f.StringVar(&t.IssueType, "issue-type", "", "of Jira's issues (default: Task)")
	f.StringSliceVar(&t.To, "mail-to", nil, "addresses of e-mail")
	f.StringVar(&t.From, "mail-from", "", "the address that mails come from")
	f.StringVar(&t.Server, "mail-server", "", "the SMTP server, as host:port")
	f.StringVar(&t.User, "mail-user", "", "its user, if it wants one")
	f.StringVar(&t.TLS, "mail-tls", "", "starttls, tls or none (default: starttls)")
	return c
}

func newTargetsRemove() *cobra.Command {
	c := &cobra.Command{
		Use: "remove HANDLE|ID", Short: "Delete a target", Example: "  nightjar notifications targets remove @webhook-soc", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			id, err := cl.targetID(c.Context(), args[0])
			if err != nil {
				return err
			}
			return cl.do(c.Context(), http.MethodDelete, targetsPath+"/"+url.PathEscape(id), nil, nil, nil)
		},
	}
	addClientFlags(c)
	return c
}

// aboutTarget asks for a preview or a test.
func aboutTarget(c *cobra.Command, path, name string, into any) error {
	cl, err := newClient(c)
	if err != nil {
		return err
	}
	id, err := cl.targetID(c.Context(), name)
	if err != nil {
		return err
	}
	signal, _ := c.Flags().GetString("signal")
	return cl.send(c.Context(), http.MethodPost, targetsPath+":"+path, map[string]string{"target_id": id, "signal_id": signal}, into)
}

func newTargetsTest() *cobra.Command {
	c := &cobra.Command{
		Use: "test HANDLE|ID", Short: "Send something to a target, and show what it answers", Example: "  nightjar notifications targets test @webhook-soc", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var answer struct {
				Delivered bool
				Answer    string
			}
			if err := aboutTarget(c, "test", args[0], &answer); err != nil {
				return err
			}
			if !answer.Delivered {
				return errors.New("not delivered: " + answer.Answer)
			}
			fmt.Fprintln(os.Stderr, "delivered: "+answer.Answer)
			return nil
		},
	}
	addClientFlags(c)
	c.Flags().String("signal", "", "of this signal (default: one that is made up)")
	return c
}

func newTargetsPreview() *cobra.Command {
	c := &cobra.Command{
		Use: "preview HANDLE|ID", Short: "Show what a target would be sent", Example: "  nightjar notifications targets preview @webhook-soc --signal AAABoi…", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var answer struct{ Requests []json.RawMessage }
			if err := aboutTarget(c, "preview", args[0], &answer); err != nil {
				return err
			}
			return result{data: answer.Requests}.print(c)
		},
	}
	addClientFlags(c)
	addOutput(c, asJSON, asLines)
	c.Flags().String("signal", "", "of this signal (default: one that is made up)")
	return c
}

func newMuteCommand() *cobra.Command {
	var from, until, reason string
	c := &cobra.Command{
		Use: "mute QUERY", Short: "Tell nobody of some signals for a time; they are made all the same",
		Example: `  nightjar notifications mute 'host:web-1' --until now+2h --reason 'upgrade of web-1'`, Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			var made struct{ ID, Until string }
			if err := cl.send(c.Context(), http.MethodPost, mutesPath, map[string]string{"query": args[0], "from": from, "until": until, "reason": reason}, &made); err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, "mute %s until %s\n", made.ID, made.Until)
			return nil
		},
	}
	addClientFlags(c)
	c.Flags().StringVar(&from, "from", "", "from then on (default: now): "+schema.MomentForms)
	c.Flags().StringVar(&until, "until", "", "when it ends; required: "+schema.MomentForms+"; now+2h")
	c.Flags().StringVar(&reason, "reason", "", "why; required")
	return c
}

func newMutesCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "mutes", Short: "List the mutes", Example: "  nightjar notifications mutes", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			var answer struct {
				Mutes []struct {
					ID     string `json:"id"`
					Query  string `json:"query"`
					From   string `json:"from"`
					Until  string `json:"until"`
					Reason string `json:"reason"`
				}
			}
			if err := cl.do(c.Context(), http.MethodGet, mutesPath, nil, nil, &answer); err != nil {
				return err
			}
			r := result{data: answer.Mutes, header: []string{"ID", "QUERY", "FROM", "UNTIL", "REASON"}, none: "no mutes"}
			for _, m := range answer.Mutes {
				r.rows = append(r.rows, []string{m.ID, m.Query, m.From, m.Until, m.Reason})
			}
			return r.print(c)
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	return c
}

func newUnmuteCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "unmute ID", Short: "End a mute", Example: "  nightjar notifications unmute abc-def-ghi", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			return cl.do(c.Context(), http.MethodDelete, mutesPath+"/"+url.PathEscape(args[0]), nil, nil, nil)
		},
	}
	addClientFlags(c)
	return c
}
