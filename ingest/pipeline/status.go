package pipeline

import (
	"strings"

	"github.com/valyala/fastjson"

	"nightjar/ingest/record"
)

// severities are those of syslog, by their numbers.
var severities = [...]string{"emergency", "alert", "critical", "error", "warn", "notice", "info", "debug"}

// prefixes are how words of a status begin, in the order in which they are looked at.
var prefixes = []struct{ prefix, status string }{
	{"emerg", "emergency"}, {"f", "emergency"}, {"a", "alert"}, {"c", "critical"}, {"e", "error"}, {"w", "warn"},
	{"n", "notice"}, {"i", "info"}, {"d", "debug"}, {"t", "debug"}, {"v", "debug"}, {"o", "ok"}, {"s", "ok"},
}

// statusOf is the status that a word or a number of syslog stands for; info, where it
// is none that is known.
func statusOf(v *fastjson.Value) string {
	if v.Type() == fastjson.TypeArray {
		if elements := v.GetArray(); len(elements) > 0 {
			return statusOf(elements[0])
		}
		return "info"
	}
	text, _ := record.Text(v)
	text = strings.ToLower(strings.TrimSpace(text))
	if v.Type() != fastjson.TypeString && v.Type() != fastjson.TypeNumber {
		return "info"
	}
	if len(text) == 1 && text[0] >= '0' && text[0] <= '7' {
		return severities[text[0]-'0']
	}
	for _, p := range prefixes {
		if strings.HasPrefix(text, p.prefix) {
			return p.status
		}
	}
	return "info"
}
