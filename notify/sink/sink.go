package sink

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"nightjar/configuration"
	"nightjar/configuration/outbound"
	"nightjar/notify"
	"nightjar/schema"
)

// Teller implements notify.Teller.
type Teller struct {
	Client  *outbound.Client
	Secrets outbound.Secrets
	Now     func() time.Time
}

// Request is one that a target is sent.
type Request struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

// telling is what is told, and to whom.
type telling struct {
	target configuration.NotificationTarget
	key    string
	news   []notify.News
	secret string // the target's, if it has one
	named  outbound.Named
	now    time.Time
	// hiddenURL says that the target's URL is a secret, too.
	hiddenURL bool
}

// first is the news, or the first of several.
func (t *telling) first() *notify.News { return &t.news[0] }

// makers make the requests of the types that are told over HTTP.
var makers = map[string]func(*telling) ([]Request, error){
	"webhook": webhook, "slack": slack, "teams": teams, "pagerduty": pagerduty, "opsgenie": opsgenie, "alertmanager": alertmanager,
}

// Tell implements notify.Teller.
func (t Teller) Tell(ctx context.Context, target configuration.NotificationTarget, key string, news []notify.News) notify.Outcome {
	what, err := t.telling(target, key, news)
	if err != nil {
		return notify.Outcome{Answer: err.Error(), Refused: errors.Is(err, outbound.ErrRefused)} // a secret that is missing may come
	}
	switch target.Type {
	case "email":
		return t.mail(ctx, what)
	case "jira":
		return t.jira(ctx, what)
	}
	requests, err := makers[target.Type](what)
	if err != nil {
		return notify.Outcome{Answer: err.Error(), Refused: true}
	}
	var last notify.Outcome
	for _, r := range requests {
		if last = t.send(ctx, what, r, nil); !last.Done {
			return last
		}
	}
	return last
}

func (t Teller) telling(target configuration.NotificationTarget, key string, news []notify.News) (*telling, error) {
	out := &telling{target: target, key: key, news: news, named: target.Named(), now: t.Now(), hiddenURL: outbound.IsSecret(target.URL) || target.HasSecretURL()}
	_, err := t.Secrets.Check(out.named, target.Address())
	if err != nil {
		return nil, err
	}
	if out.secret, err = t.Secrets.Value(target.Secret); err != nil {
		return nil, err
	}
	if out.target.URL, err = t.Secrets.Value(target.URL); err != nil {
		return nil, err
	}
	return out, nil
}

// Preview is what would be sent, with secrets left out.
func (t Teller) Preview(target configuration.NotificationTarget, key string, news []notify.News) ([]Request, error) {
	what := &telling{target: target, key: key, news: news, now: t.Now()}
	switch target.Type {
	case "email":
		text, _ := json.Marshal(mailText(what))
		return []Request{{Method: "SMTP", URL: target.Server, Headers: map[string]string{"To": strings.Join(target.To, ", "), "From": target.From, "Subject": subject(what)}, Body: text}}, nil
	case "jira":
		return []Request{issue(what)}, nil
	}
	return makers[target.Type](what)
}

// maxAnswer is how much of an answer is kept, and maxBody how much is read.
const (
	maxAnswer = 300
	maxBody   = 1 << 20
)

// send sends a request; into takes the answer where it is a success.
func (t Teller) send(ctx context.Context, what *telling, r Request, into any) notify.Outcome {
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return notify.Outcome{Answer: "the URL can't be used", Refused: true} // it may be a secret
	}
	ctx, err = t.Secrets.Carry(ctx, what.named, req.URL)
	if err != nil {
		return notify.Outcome{Answer: err.Error(), Refused: true}
	}
	req = req.WithContext(ctx)
	if what.target.Type == "pagerduty" {
		req.GetBody = nil // the key is in it: no redirect takes it along
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "nightjar")
	if err := t.Secrets.SetHeaders(req, what.target.Headers); err != nil {
		return notify.Outcome{Answer: err.Error()}
	}
	for name, value := range r.Headers {
		req.Header.Set(name, value)
	}
	resp, err := t.Client.HTTP().Do(req)
	if err != nil {
		return notify.Outcome{Answer: what.hide(why(err), req), Refused: errors.Is(err, outbound.ErrRefused)}
	}
	defer resp.Body.Close()
	text, err := outbound.Read(resp.Body, maxBody)
	if err != nil && resp.StatusCode < 300 {
		return notify.Outcome{Answer: what.hide(why(err), req)}
	}
	out := notify.Outcome{Answer: strings.TrimSpace(resp.Status + " " + line(what.hide(string(text), req), maxAnswer))}
	switch code := resp.StatusCode; {
	case code < 300:
		out.Done = true
		if into != nil {
			_ = json.Unmarshal(text, into)
		}
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code == http.StatusTooEarly, code >= 500:
		out.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), what.now)
	default:
		out.Refused = true
	}
	return out
}

// hide takes what the target was sent as secrets out of what it answered: some say which
// key they refuse, and others echo.
func (t *telling) hide(answer string, r *http.Request) string {
	secrets := []string{t.secret}
	for name, value := range t.target.Headers {
		if outbound.IsSecret(value) {
			secrets = append(secrets, r.Header.Get(name))
		}
	}
	if _, credentials, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok {
		secrets = append(secrets, credentials)
	}
	if t.hiddenURL {
		secrets = append(secrets, t.target.URL, r.URL.RequestURI())
	}
	for _, s := range secrets {
		if len(s) > 1 {
			answer = strings.ReplaceAll(answer, s, "[secret]")
		}
	}
	return answer
}

// why is an error without the URL, which may be a secret.
func why(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return line(err.Error(), maxAnswer)
}

func retryAfter(text string, now time.Time) time.Duration {
	if n, err := strconv.Atoi(text); err == nil && n >= 0 {
		return time.Duration(min(n, 3600)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// line is a text in one line, cut.
func line(s string, most int) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool { return r < 0x20 || r == 0x7f || r == '\u2028' || r == '\u2029' }), " ")
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// headline is what is told, in a line.
func headline(t *telling) string {
	n := t.first()
	if len(t.news) > 1 || n.Digest != "" {
		what := map[notify.Kind]string{notify.Changed: " changed", notify.Archived: " were archived", notify.Resolved: " are resolved"}[n.Kind]
		return line(fmt.Sprintf("%d signals of rule %s%s", len(t.news), n.About.RuleName, what), 200)
	}
	prefix := map[notify.Kind]string{notify.Changed: "now " + n.About.Severity + ": ", notify.Archived: "archived: ", notify.Resolved: "resolved: ", notify.Escalated: "nobody took care of: "}[n.Kind]
	if r := n.About.Response; n.Kind == notify.Responded && r != nil {
		prefix = fmt.Sprintf("%s of %s: %s: ", r.Action, r.Target, r.State)
	}
	return line(prefix+n.About.Title, 300)
}

// subject is the headline with the severity.
func subject(t *telling) string { return "[" + severity(t) + "] " + headline(t) }

// severities from the lowest to the highest.
var severities = []string{"info", "low", "medium", "high", "critical"}

// severity is the highest of what is told.
func severity(t *telling) string {
	best := 0
	for _, n := range t.news {
		best = max(best, slices.Index(severities, n.About.Severity))
	}
	return severities[best]
}

// details are lines of plain text: what is told of a signal, or of several.
func details(t *telling) []string {
	if len(t.news) > 1 || t.first().Digest != "" {
		out := []string{"Too many at once to be told one by one. All of them:"}
		for _, n := range t.news {
			out = append(out, fmt.Sprintf("%s  %s  %s  %s", n.About.SignalID, n.About.Severity, line(strings.Join(n.About.Group, ", "), 100), n.About.URL))
		}
		return out
	}
	a := t.first().About
	out := []string{
		"Rule: " + a.RuleName, "Group: " + cmp.Or(strings.Join(a.Group, ", "), "-"),
		fmt.Sprintf("First seen: %s, last seen: %s, events: %d", a.FirstSeen, a.LastSeen, a.Events), "",
	}
	if r := a.Response; r != nil {
		out = append(out, responseLines(r)...)
	}
	out = append(out, strings.Split(strings.ReplaceAll(a.Message, "\r", ""), "\n")...)
	if len(a.Samples) > 0 {
		out = append(out, "", "First events:")
	}
	for _, s := range a.Samples {
		out = append(out, "  "+line(s, 500))
	}
	return out
}

// responseLines tell what was done about the signal.
func responseLines(r *schema.SignalResponse) []string {
	out := []string{line(fmt.Sprintf("Response: %s %s", r.Action, r.Target), 500), line(fmt.Sprintf("Asked for by %s: %s", r.By, r.Reason), 500)}
	became := "What became of it: " + r.State
	if r.Status != "" {
		became += ", " + r.Status
	}
	if r.Error != "" {
		became += ": " + r.Error
	}
	return append(out, line(became, 500), "")
}

func post(u string, body any, headers map[string]string) (Request, error) {
	text, err := json.Marshal(body)
	if headers == nil {
		headers = map[string]string{}
	}
	return Request{Method: http.MethodPost, URL: u, Headers: headers, Body: text}, err
}

func only(r Request, err error) ([]Request, error) { return []Request{r}, err }
