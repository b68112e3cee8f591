package ingest

import (
	"strconv"
	"strings"

	"nightjar/schema"
)

// defaultStatus is that of an event that says none.
const defaultStatus = "info"

// statuses are the words of status, from syslog's most severe on, and ok.
var statuses = [...]string{"emergency", "alert", "critical", "error", "warn", "notice", "info", "debug"}

// words are what senders write for them, in lower case. Words for an outcome, such
// as failed, are none: under status they stay what they are.
var words = map[string]string{
	"emerg": "emergency", "panic": "emergency", "fatal": "emergency", "f": "emergency", "a": "alert",
	"crit": "critical", "c": "critical", "err": "error", "severe": "error", "e": "error", "eror": "error",
	"warning": "warn", "w": "warn", "n": "notice", "information": "info", "informational": "info", "i": "info", "inf": "info",
	"d": "debug", "dbg": "debug", "trace": "debug", "t": "debug", "verbose": "debug", "v": "debug", "fine": "debug", "finer": "debug", "finest": "debug",
	"ok":            "ok",
	"audit success": "info", "audit failure": "warn", "success audit": "info", "failure audit": "warn",
}

func init() {
	for _, s := range statuses {
		words[s] = s
	}
}

// Numbers of status. Syslog's severities are statuses' own order; Windows' levels
// and those of Bunyan and Pino are told by where they stand and by their size.
var (
	windowsLevels = [...]string{"info", "critical", "error", "warn", "info", "debug"}
	tens          = [...]string{"", "debug", "debug", "info", "warn", "error", "emergency"}
)

// wordOf is the status that a text stands for; not ok: none that is known.
func wordOf(text string, windows bool) (status string, ok bool) {
	if status, ok = words[text]; ok {
		return status, true
	}
	text = strings.TrimSpace(text)
	if text == "" || len(text) > len("informational") {
		return "", false
	}
	if c := text[0]; c >= '0' && c <= '9' || c == '-' || c == '+' {
		n, err := strconv.Atoi(text)
		if err != nil {
			return "", false
		}
		return statusOfNumber(n, windows)
	}
	status, ok = words[strings.ToLower(text)]
	return status, ok
}

func statusOfNumber(n int, windows bool) (string, bool) {
	switch {
	case n < 0:
		return "", false
	case windows && n < len(windowsLevels):
		return windowsLevels[n], true
	case n < len(statuses):
		return statuses[n], true
	case n%10 == 0 && n/10 < len(tens):
		return tens[n/10], true
	}
	return "", false
}

// status reads the first member that holds a known word or number, and what was
// sent there. Where there is none, what stands under the field's own name counts
// as it is.
func (n *named) status(ofWindows func() bool) (text, sent string, at slot) {
	for s := fields.status.first; s <= fields.status.last; s++ {
		sent, ok := n[s].scalar()
		if !ok {
			continue
		}
		windows := n[s].kind == '0' && s == slotLevel && ofWindows()
		if word, ok := wordOf(sent, windows); ok {
			return word, sent, s
		}
	}
	if sent, ok := n[slotStatus].scalar(); ok && sent != "" {
		return sent, sent, slotStatus
	}
	return "", "", noSlot
}

// ofWindows tells whether an event has what those of Windows have.
func ofWindows(pairs []schema.Pair) bool {
	for _, p := range pairs {
		if p.Key == eventLog {
			return p.Value.Get("System") != nil
		}
		if isOfWindows(p.Key) {
			return true
		}
	}
	return false
}

func isOfWindows(key string) bool {
	switch key {
	case "Computer", "Channel", "EventID", "EventId", "event_id", "ProviderName", "SourceName", "winlog":
		return true
	}
	return false
}
