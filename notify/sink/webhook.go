package sink

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"nightjar/configuration"
	"nightjar/notify"
	"nightjar/schema"
)

// webhookBody is what a webhook is sent: a signal, or a digest of several.
type webhookBody struct {
	Kind string `json:"kind"`
	notify.About
	// Digest lists the signals that are told in one.
	Digest  bool           `json:"digest,omitempty"`
	Signals []notify.About `json:"signals,omitempty"`
	Sent    schema.Millis  `json:"sent"`
}

func bodyOf(t *telling) webhookBody {
	n := t.first()
	b := webhookBody{Kind: string(n.Kind), About: n.About, Sent: schema.MillisOf(t.now)}
	if len(t.news) > 1 || n.Digest != "" {
		b.Digest, b.Title, b.Severity = true, headline(t), severity(t)
		for _, n := range t.news {
			b.Signals = append(b.Signals, n.About)
		}
	}
	return b
}

func webhook(t *telling) ([]Request, error) {
	r, err := post(t.target.URL, bodyOf(t), map[string]string{"Idempotency-Key": t.key})
	if err == nil && t.target.Template != "" {
		r.Body, err = fill(t.target.Template, bodyOf(t))
	}
	if err == nil && t.secret != "" {
		mac := hmac.New(sha256.New, []byte(t.secret))
		mac.Write(r.Body)
		r.Headers["Nightjar-Signature"] = "sha256=" + hex.EncodeToString(mac.Sum(nil))
	}
	return only(r, err)
}

// fill puts what there is of the news into a target's template.
func fill(template string, b webhookBody) (json.RawMessage, error) {
	values := map[string]string{
		"kind": b.Kind, "signal_id": b.SignalID, "title": b.Title, "severity": b.Severity, "rule_id": b.RuleID, "rule_name": b.RuleName,
		"message": b.Message, "group": strings.Join(b.Group, ", "), "first_seen": b.FirstSeen.String(), "last_seen": b.LastSeen.String(),
		"events": fmt.Sprint(b.Events), "url": b.URL, "tags": strings.Join(b.Tags, ", "), "state": b.State, "response": "",
	}
	if r := b.Response; r != nil {
		values["response"] = strings.TrimSpace(strings.Join(responseLines(r), "\n"))
	}
	return configuration.FillTemplate(template, func(field string) (string, bool) {
		text, known := values[field]
		return text, known
	})
}
