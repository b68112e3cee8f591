package configuration

import (
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"nightjar/configuration/outbound"
	"nightjar/objects"
	"nightjar/schema"
)

// NotificationTarget is somewhere that signals are told.
type NotificationTarget struct {
	Name string `json:"name"` // letters, digits, - and _
	// Type is webhook, slack, teams, pagerduty, opsgenie, jira, alertmanager or email.
	Type string `json:"type"`
	// URL is where requests go. It may be secret:NAME, as those of Slack and Teams are
	// secrets. PagerDuty and Opsgenie have one of their own.
	URL string `json:"url,omitempty"`
	// Secret signs a webhook's body, and is the key of PagerDuty (routing key), Opsgenie
	// and Jira (mail:token), and the password of SMTP. It is secret:NAME; what is given as
	// it is, is put into a secret.
	Secret  string            `json:"secret,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	// Template, of a webhook, is the body instead of nightjar's own: a document of JSON
	// in whose strings {{title}}, {{message}} and the like stand for what they name.
	Template string `json:"template,omitempty"`
	// On says what is told beside openings: changed (of severity), archived, and responded
	// (something was done to a host about it).
	On []string `json:"on,omitempty"`
	// Project and IssueType are Jira's.
	Project   string `json:"project,omitempty"`
	IssueType string `json:"issue_type,omitempty"`
	// Of e-mail: To, From, and the server as host:port; User, if it wants one, with Secret.
	// TLS is starttls (unless said), tls or none.
	To     []string `json:"to,omitempty"`
	From   string   `json:"from,omitempty"`
	Server string   `json:"server,omitempty"`
	User   string   `json:"user,omitempty"`
	TLS    string   `json:"tls,omitempty"`

	Enabled bool `json:"enabled"`
}

// TargetTypes are the types of targets.
var TargetTypes = []string{"webhook", "slack", "teams", "pagerduty", "opsgenie", "jira", "alertmanager", "email"}

// Handle is how rules name the target: @webhook-soc.
func (t *NotificationTarget) Handle() string { return "@" + t.Type + "-" + t.Name }

// Resolves reports whether the target keeps an alert that has to be ended.
func (t *NotificationTarget) Resolves() bool {
	return slices.Contains([]string{"pagerduty", "opsgenie", "alertmanager"}, t.Type)
}

// Wants reports whether the target asked for a kind of news.
func (t *NotificationTarget) Wants(kind string) bool { return slices.Contains(t.On, kind) }

// HideSecrets has keep put what is secret of the target into secrets, and the target refer
// to them: its Secret, and the URL of Slack and Teams, by which anybody may post.
func (t *NotificationTarget) HideSecrets(keep func(name, value string) (reference string, err error)) (err error) {
	hide := func(value *string, name string) {
		if err == nil && *value != "" && !outbound.IsSecret(*value) {
			*value, err = keep(t.keptName()+name, *value)
		}
	}
	hide(&t.Secret, "")
	if t.HasSecretURL() {
		hide(&t.URL, keptURL)
	}
	return err
}

// keptName is the name of the secret that is kept for the target, and keptURL what the name
// of that of its URL has more. No name of a target has a dot. Before, it was keptURLOnce.
func (t *NotificationTarget) keptName() string { return outbound.Kept + t.Type + "-" + t.Name }

const (
	keptURL     = ".url"
	keptURLOnce = "-url"
)

// checkKept says where the target refers to what is kept for another.
func (t *NotificationTarget) checkKept(bad *faults) {
	own := "secret:" + t.keptName()
	if outbound.IsKept(t.Secret) && t.Secret != own {
		bad.Add("secret", "this secret is kept for another target: write the value, or a secret of another name")
	}
	if outbound.IsKept(t.URL) && t.URL != own+keptURL && t.URL != own+keptURLOnce {
		bad.Add("url", "this secret is kept for another target: write the address, or a secret of another name")
	}
}

// Goes reports whether what it is told goes where it goes for another target, and as safely.
func (t *NotificationTarget) Goes(as *NotificationTarget) bool {
	return t.URL == as.URL && t.Server == as.Server && t.TLS == as.TLS
}

// Where requests go that the target names no URL for.
const (
	pagerdutyURL = "https://events.pagerduty.com/v2/enqueue"
	opsgenieURL  = "https://api.opsgenie.com/v2/alerts"
)

// Address is where the target is: its URL or that of its type, or its mail server as
// smtps://host:port, or smtp://host:port without TLS.
func (t *NotificationTarget) Address() string {
	switch {
	case t.Type == "email" && t.TLS == "none":
		return "smtp://" + t.Server
	case t.Type == "email":
		return "smtps://" + t.Server
	case t.URL == "" && t.Type == "pagerduty":
		return pagerdutyURL
	case t.URL == "" && t.Type == "opsgenie":
		return opsgenieURL
	}
	return t.URL
}

// Named are the secrets of the operator's that the target names.
func (t *NotificationTarget) Named() outbound.Named {
	out := outbound.Named{}
	out.Add("secret", t.Secret)
	out.Add("url", t.URL)
	out.AddHeaders(t.Headers)
	return out
}

// HasSecretURL reports whether whoever knows the target's URL may post to it.
func (t *NotificationTarget) HasSecretURL() bool {
	return slices.Contains([]string{"slack", "teams"}, t.Type)
}

// NotificationTargets are a kind.
var NotificationTargets = objects.Kind[NotificationTarget]{
	Name: "notification target", NewID: schema.NewID, Check: (*NotificationTarget).Check,
	Label: func(t *NotificationTarget) string { return t.Handle() },
}

// Check completes a target and says what is wrong with it, as *schema.InvalidError.
func (t *NotificationTarget) Check() error {
	var bad faults
	if !listName.MatchString(t.Name) {
		bad.Add("name", fmt.Sprintf("want letters, digits, - and _, at most 64, got %q", t.Name))
	}
	bad.oneOf("type", t.Type, TargetTypes...)
	for i, kind := range t.On {
		bad.oneOf(fmt.Sprintf("on[%d]", i), kind, "changed", "archived", "responded")
	}
	for name, value := range t.Headers {
		if err := outbound.CheckHeader(name, value); err != nil {
			bad.Add("headers."+name, err.Error())
		}
	}
	if t.Secret != "" && !outbound.IsSecret(t.Secret) {
		bad.Add("secret", "what is written here is stored and shown: put it into a secret, and write secret:NAME")
	} else if err := outbound.CheckReference(t.Secret); err != nil {
		bad.Add("secret", err.Error())
	}
	t.checkKept(&bad)
	switch {
	case t.Template != "" && t.Type != "webhook":
		bad.Add("template", "a webhook has a template, and no other type")
	case t.Template != "":
		if err := checkTemplate(t.Template); err != nil {
			bad.Add("template", err.Error())
		}
	}
	t.address(&bad)
	return bad.Err()
}

// address checks where the target is.
func (t *NotificationTarget) address(bad *faults) {
	switch t.Type {
	case "email":
		t.mail(bad)
		return
	case "pagerduty", "opsgenie":
		if t.Secret == "" {
			bad.Add("secret", "it is required: the key of the integration, as secret:NAME")
		}
	case "jira":
		bad.required("project", t.Project)
		if t.Secret == "" {
			bad.Add("secret", "it is required: the mail address and token, as secret:NAME for mail:token")
		}
		if t.IssueType == "" {
			t.IssueType = "Task"
		}
		fallthrough
	default:
		bad.required("url", t.URL)
	}
	if t.URL == "" {
		return
	}
	if err := outbound.CheckReference(t.URL); err != nil {
		bad.Add("url", err.Error())
	}
	if outbound.IsSecret(t.URL) {
		return
	}
	u, err := url.Parse(t.URL)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		bad.Add("url", "want http:// or https:// with a host")
	case u.User != nil:
		bad.Add("url", "want no user and no password in it")
	}
}

func (t *NotificationTarget) mail(bad *faults) {
	if len(t.To) == 0 {
		bad.Add("to", "name at least one address")
	}
	for i, a := range t.To {
		if _, err := mail.ParseAddress(a); err != nil {
			bad.Add(fmt.Sprintf("to[%d]", i), fmt.Sprintf("%q is no address of e-mail", a))
		}
	}
	if _, err := mail.ParseAddress(t.From); err != nil {
		bad.Add("from", "want the address that mails come from")
	}
	if !strings.Contains(t.Server, ":") {
		bad.Add("server", "want the SMTP server as host:port")
	}
	if t.TLS == "" {
		t.TLS = "starttls"
	}
	bad.oneOf("tls", t.TLS, "starttls", "tls", "none")
	if t.User != "" && t.Secret == "" {
		bad.Add("secret", "a user has a password, as secret:NAME")
	}
}

// Mute is a time in which nobody is told of some signals.
type Mute struct {
	Query  string        `json:"query"` // over signals
	From   schema.Millis `json:"from"`
	Until  schema.Millis `json:"until"` // required
	Reason string        `json:"reason"`
}

// maxMute is how long a mute may last.
const maxMute = 90 * 24 * time.Hour

// Mutes are a kind.
var Mutes = objects.Kind[Mute]{
	Name: "mute", NewID: schema.NewID,
	Label: func(m *Mute) string { return m.Reason },
	Check: func(m *Mute) error {
		var bad faults
		bad.search("query", m.Query)
		bad.required("reason", m.Reason)
		switch {
		case m.Until == 0:
			bad.Add("until", "a mute has an end")
		case m.Until <= m.From:
			bad.Add("until", "it must be after from")
		case m.Until-m.From > schema.Millis(maxMute.Milliseconds()):
			bad.Add("until", "90 days are the most")
		}
		return bad.Err()
	},
}
