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
	blocks := []any{slackSection(head)}
	for _, text := range slackSections(lines) {
		blocks = append(blocks, slackSection(text))
	}
	blocks = append(blocks, map[string]any{"type": "context", "elements": []any{map[string]any{"type": "mrkdwn", "text": "<" + t.first().About.URL + "|Open in nightjar>  " + slackText(t.key), "verbatim": true}}})
	return only(post(t.target.URL, map[string]any{"text": head, "blocks": blocks}, map[string]string{"Idempotency-Key": t.key}))
}

// A section holds 3,000 characters, and a message 50 blocks.
const slackCharacters, slackBlocks = 2900, 45

func slackSection(text string) any {
	return map[string]any{"type": "section", "text": map[string]any{"type": "mrkdwn", "text": text, "verbatim": true}}
}

// slackSections are the lines in as many sections as they need.
func slackSections(lines []string) []string {
	var out []string
	var now []rune
	for _, l := range lines {
		r := []rune(l)
		if len(r) > slackCharacters {
			r = append(r[:slackCharacters-1], '…')
		}
		if len(now) > 0 && len(now)+len(r)+1 > slackCharacters {
			out = append(out, string(now))
			now = nil
		}
		if len(now) > 0 || len(r) == 0 {
			now = append(now, '\n')
		}
		now = append(now, r...)
	}
	if out = append(out, string(now)); len(out) > slackBlocks {
		out = append(out[:slackBlocks-1], "… (cut)")
	}
	return out
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
