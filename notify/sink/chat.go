package sink

import "strings"

// slackText is a text as Slack's mrkdwn shows it: no value mentions a channel or a person,
// or links. (Slack's documentation, "Formatting text for app surfaces": & < > are escaped.)
func slackText(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

func slack(t *telling) ([]Request, error) {
	lines := details(t)
	for i, l := range lines {
		lines[i] = slackText(l)
	}
	head := slackText(subject(t))
	text := strings.Join(lines, "\n")
	if r := []rune(text); len(r) > 2900 { // a section holds 3,000
		text = string(r[:2900]) + "…"
	}
	blocks := []any{
		map[string]any{"type": "section", "text": map[string]any{"type": "mrkdwn", "text": head, "verbatim": true}},
		map[string]any{"type": "section", "text": map[string]any{"type": "mrkdwn", "text": text, "verbatim": true}},
		map[string]any{"type": "context", "elements": []any{map[string]any{"type": "mrkdwn", "text": "<" + t.first().About.URL + "|Open in nightjar>  " + slackText(t.key), "verbatim": true}}},
	}
	return only(post(t.target.URL, map[string]any{"text": head, "blocks": blocks}, map[string]string{"Idempotency-Key": t.key}))
}

// cardText is a text in a TextBlock of an Adaptive Card, which reads some Markdown.
func cardText(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune("\\`*_{}[]()#+-.!~|<>", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

func teams(t *telling) ([]Request, error) {
	blocks := []any{map[string]any{"type": "TextBlock", "text": cardText(subject(t)), "weight": "bolder", "size": "medium", "wrap": true}}
	for _, l := range details(t) {
		if l != "" {
			blocks = append(blocks, map[string]any{"type": "TextBlock", "text": cardText(l), "wrap": true, "spacing": "small"})
		}
	}
	card := map[string]any{
		"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4", "body": blocks,
		"actions": []any{map[string]any{"type": "Action.OpenUrl", "title": "Open in nightjar", "url": t.first().About.URL}},
	}
	body := map[string]any{"type": "message", "attachments": []any{map[string]any{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}}}
	return only(post(t.target.URL, body, map[string]string{"Idempotency-Key": t.key}))
}
