package schema

import "strings"

// Handle is a handle of somebody to tell, in one form: with the @ before it. An address
// of e-mail stands for itself: @soc@example.org.
func Handle(text string) string {
	text = strings.Trim(strings.TrimSpace(text), "@")
	if text == "" {
		return ""
	}
	return "@" + text
}
