package agent

import (
	"fmt"
	"strings"
	"time"

	"nightjar/secl/event"
)

// TextLine is a match as a line to read: when, which rule, what happened, and the
// processes from the first to the one that did it. What events contain can't
// drive a terminal.
func TextLine(m Match) []byte {
	e := m.Event
	line := fmt.Sprintf("%s  %-24s %s", time.Unix(0, e.Timestamp).Format("15:04:05.000"), m.Rule.ID, e.Type)
	if what := subject(e); what != "" {
		line += " " + what
	}
	line += "  by " + user(e.Process)
	if e.Container.ID != "" {
		const short = 12
		line += " in " + e.Container.ID[:min(short, len(e.Container.ID))]
	}
	return []byte(quiet(line + "  " + tree(e.Process)))
}

func user(p *event.Process) string {
	if p.User != "" {
		return p.User
	}
	return fmt.Sprint(p.UID)
}

// subject is what the event is about.
func subject(e *event.Event) string {
	var out string
	switch {
	case e.Type == "exec":
		out = strings.Join(append([]string{e.Process.File.Path}, e.Process.Argv...), " ")
	case e.Type == "exit":
		out = fmt.Sprintf("%d", e.Exit.Code)
	case e.Type == "signal":
		out = fmt.Sprintf("%d to %d", e.Signal.Type, e.Signal.PID)
	case e.File.Path != "" && e.Destination.Path != "":
		out = e.File.Path + " → " + e.Destination.Path
	default:
		out = e.File.Path
	}
	const most = 200
	if len(out) > most {
		out = out[:most] + "…"
	}
	if e.Retval < 0 {
		out += fmt.Sprintf(" (error %d)", -e.Retval)
	}
	return out
}

// tree is the processes from the first that is known to p.
func tree(p *event.Process) string {
	const most = 8
	var names []string
	for ; p != nil && len(names) < most; p = p.Parent {
		name := p.File.Name
		if name == "" {
			name = p.Comm
		}
		names = append([]string{fmt.Sprintf("%s[%d]", name, p.PID)}, names...)
	}
	if p != nil {
		names = append([]string{"…"}, names...)
	}
	return strings.Join(names, " → ")
}

// quiet shows control characters rather than obeying them.
func quiet(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '�'
		}
		return r
	}, s)
}
