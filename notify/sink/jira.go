package sink

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"nightjar/notify"
)

// label is what an issue is found again by.
func label(t *telling) string { return strings.ReplaceAll(alertKey(t), " ", "_") }

// macro begins what ends a block that is shown as it is, with or without parameters.
var macro = regexp.MustCompile(`(?i)\{(noformat)`)

// unformatted is a text that stays within such a block.
func unformatted(s string) string { return macro.ReplaceAllString(s, "{ $1") }

// issue makes an issue of Jira (REST API 2), whose description is shown as it is.
func issue(t *telling) Request {
	text := unformatted(strings.Join(details(t), "\n"))
	r, _ := post(strings.TrimSuffix(t.target.URL, "/")+"/rest/api/2/issue", map[string]any{"fields": map[string]any{
		"project": map[string]string{"key": t.target.Project}, "issuetype": map[string]string{"name": t.target.IssueType},
		"summary": line(subject(t), 250), "description": "{noformat}\n" + text + "\n{noformat}\n" + t.first().About.URL, "labels": []string{"nightjar", label(t)},
	}}, nil) // plain values: cannot fail
	return r
}

// jira opens an issue where there is none of the signal, and comments on it after that. It
// knows no idempotency key: what may have been written is looked for.
func (t Teller) jira(ctx context.Context, what *telling) notify.Outcome {
	auth := map[string]string{"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(what.secret))}
	base := strings.TrimSuffix(what.target.URL, "/")
	var found struct {
		Issues []struct{ Key string }
	}
	query := url.Values{"jql": {`labels = "` + label(what) + `"`}, "fields": {"labels"}, "maxResults": {"1"}}
	o := t.send(ctx, what, Request{Method: http.MethodGet, URL: base + "/rest/api/2/search?" + query.Encode(), Headers: auth}, &found)
	if !o.Done {
		return o
	}
	if len(found.Issues) == 0 {
		if ends(what) {
			return notify.Outcome{Done: true, Answer: "there is no issue to end"}
		}
		r := issue(what)
		r.Headers = auth
		return t.send(ctx, what, r, nil)
	}
	if what.first().Kind == notify.Opened {
		return o // it is there
	}
	r, err := post(base+"/rest/api/2/issue/"+url.PathEscape(found.Issues[0].Key)+"/comment", map[string]string{"body": "{noformat}" + unformatted(headline(what)) + "{noformat}"}, auth)
	if err != nil {
		return notify.Outcome{Answer: err.Error(), Refused: true}
	}
	return t.send(ctx, what, r, nil)
}
