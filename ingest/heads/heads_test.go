package heads

import (
	"strings"
	"testing"
	"time"

	"nightjar/ingest/times"
)

var reader = times.Reader{Now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}

func TestHeadsAreReadWithAndWithoutADaemon(t *testing.T) {
	daemon := NewDaemon([]string{"gated", "gated-*"}, []string{"Open ", "scan from "})
	for _, c := range []struct {
		line                string
		d                   *Daemon
		host, program, text string
		pid                 int64
		priority            int
	}{
		{"Apr 30 13:06:56 h prog[7]: text", nil, "h", "prog", "text", 7, -1},
		{"<165>Apr 30 13:06:56 h prog: text", nil, "h", "prog", "text", 0, 165},
		{"<165>1 2026-04-30T13:06:56Z h prog 7 - - text", nil, "h", "prog", "text", 7, 165},
		{"<13>prog: text", nil, "", "prog", "text", 0, 13},
		{"prog: text", nil, "", "", "prog: text", 0, -1},
		{"gated: Open x", daemon, "", "gated", "Open x", 0, -1},
		{"a=b c=d|gated-2[9]: Open x", daemon, "", "gated-2", "Open x", 9, -1},
		{"Apr 30 13:06:56 Open sesame x[1]: y", daemon, "", "", "Open sesame x[1]: y", 0, -1},
		{"Apr 30 13:06:56 scan from x[1]: y", daemon, "", "", "scan from x[1]: y", 0, -1},
	} {
		h := Read(c.line, reader, c.d)
		if h.Host != c.host || h.Program != c.program || h.Text != c.text || h.PID != c.pid || h.Priority != c.priority {
			t.Errorf("%s: %+v", c.line, h)
		}
	}
}

func FuzzRead(f *testing.F) {
	daemon := NewDaemon([]string{"gated", "gated-*"}, []string{"Open "})
	f.Add("<165>1 2026-04-30T13:06:56Z h prog 7 - [a b=\"]\"] text")
	f.Add("Apr 30 13:06:56 h gated[7]: Open x")
	f.Add("x|gated[1]: message repeated 2 times: [ Open ]")
	f.Fuzz(func(t *testing.T, line string) {
		for _, d := range []*Daemon{nil, daemon} {
			h := Read(line, reader, d)
			// Nothing is made up: what was read stands in the line.
			for _, part := range []string{h.Host, h.Program, h.Text} {
				if !strings.Contains(line, part) {
					t.Fatalf("%q: %q", line, part)
				}
			}
		}
	})
}
