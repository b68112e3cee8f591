package sink

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// alertKey is what a pager knows an alert by: the signal, or the digest.
func alertKey(t *telling) string {
	n := t.first()
	if n.Within != "" {
		return "nightjar-" + n.Within
	}
	if len(t.news) == 1 && n.Digest == "" {
		return "nightjar-" + n.About.SignalID
	}
	return "nightjar-" + t.key
}

// ends reports whether what is told ends an alert.
func ends(t *telling) bool { return t.first().Kind.Ends() }

// pagerduty speaks its Events API v2.
func pagerduty(t *telling) ([]Request, error) {
	at := t.target.Address()
	body := map[string]any{"routing_key": t.secret, "event_action": "trigger", "dedup_key": alertKey(t)}
	if ends(t) {
		body["event_action"] = "resolve"
	} else {
		a := t.first().About
		body["payload"] = map[string]any{
			"summary": subject(t), "source": cmp.Or(line(strings.Join(a.Group, ", "), 200), "nightjar"),
			"severity":  map[string]string{"critical": "critical", "high": "error", "medium": "warning", "low": "warning", "info": "info"}[severity(t)],
			"timestamp": a.FirstSeen.String(), "component": a.RuleName, "custom_details": map[string]any{"details": strings.Join(details(t), "\n"), "signal_id": a.SignalID},
		}
		body["links"] = []any{map[string]any{"href": a.URL, "text": "Open in nightjar"}}
		body["client"], body["client_url"] = "nightjar", a.URL
	}
	return only(post(at, body, map[string]string{"Idempotency-Key": t.key}))
}

// opsgenie speaks its Alert API; an alias is one open alert.
func opsgenie(t *telling) ([]Request, error) {
	base := strings.TrimSuffix(t.target.Address(), "/")
	headers := map[string]string{"Authorization": "GenieKey " + t.secret, "Idempotency-Key": t.key}
	if ends(t) {
		return only(post(base+"/"+url.PathEscape(alertKey(t))+"/close?identifierType=alias", map[string]any{"source": "nightjar", "note": headline(t)}, headers))
	}
	a := t.first().About
	body := map[string]any{
		"message": line(subject(t), 125), "alias": alertKey(t), "source": "nightjar", "entity": line(strings.Join(a.Group, ", "), 500),
		"description": strings.Join(append(details(t), "", a.URL), "\n"),
		"priority":    map[string]string{"critical": "P1", "high": "P2", "medium": "P3", "low": "P4", "info": "P5"}[severity(t)],
		"details":     map[string]string{"signal_id": a.SignalID, "rule_id": a.RuleID, "url": a.URL},
	}
	return only(post(base, body, headers))
}

// firing is how long Alertmanager takes an alert for firing that is not ended.
const firing = 30 * 24 * time.Hour

// alertmanager speaks its API v2.
func alertmanager(t *telling) ([]Request, error) {
	var alerts []any
	for i := range t.news {
		a := t.news[i].About
		until := t.now.Add(firing)
		if ends(t) {
			until = t.now
		}
		alerts = append(alerts, map[string]any{
			"labels":      map[string]string{"alertname": line(a.RuleName, 200), "severity": a.Severity, "signal_id": a.SignalID, "rule_id": a.RuleID, "source": "nightjar"},
			"annotations": map[string]string{"summary": line(a.Title, 300), "description": a.Message, "group": strings.Join(a.Group, ", ")},
			"startsAt":    a.FirstSeen.String(), "endsAt": until.UTC().Format(time.RFC3339), "generatorURL": a.URL,
		})
	}
	at := strings.TrimSuffix(t.target.URL, "/")
	if !strings.HasSuffix(at, "/api/v2/alerts") {
		at += "/api/v2/alerts"
	}
	r, err := post(at, alerts, map[string]string{"Idempotency-Key": t.key})
	if t.secret != "" {
		r.Headers["Authorization"] = "Bearer " + t.secret
	}
	return only(Request{Method: http.MethodPost, URL: r.URL, Headers: r.Headers, Body: r.Body}, err)
}
