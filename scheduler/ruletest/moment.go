package ruletest

import (
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"nightjar/schema"
)

// defaultStart is what relative times are relative to, unless a file says.
var defaultStart = schema.MillisOf(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))

// moment is a time: relative to the test's start (+5m, -1d12h), or absolute
// (RFC 3339, or milliseconds).
type moment struct {
	place
	relative bool
	offset   time.Duration
	at       schema.Millis
}

func (m *moment) fromYAML(n *yaml.Node) error {
	text := strings.TrimSpace(n.Value)
	if n.Kind != yaml.ScalarNode || text == "" {
		return mistake(n, "want a time here, such as +5m or 2026-03-01T09:00:00Z, got %s", kindOf(n))
	}
	if text[0] == '+' || text[0] == '-' {
		offset, err := schema.ParseDuration(text[1:])
		if err != nil {
			return mistake(n, "%v", err)
		}
		if text[0] == '-' {
			offset = -offset
		}
		m.relative, m.offset = true, offset
		return nil
	}
	at, ok := schema.ParseEpoch(text)
	if !ok {
		at, ok = schema.ParseClock(text)
	}
	if !ok || !at.Storable() {
		return mistake(n, "%q is no time; write +5m after the start, 2026-03-01T09:00:00Z or milliseconds", text)
	}
	m.at = at
	return nil
}

// in is the moment, where the test starts at start; nil where there is none.
func (m *moment) in(start schema.Millis) *schema.Millis {
	if m == nil {
		return nil
	}
	at := m.at
	if m.relative {
		at = start.Add(m.offset)
	}
	return &at
}

// show writes a time as it would be written in the file.
func show(at, start schema.Millis, relative bool) string {
	if !relative {
		return at.String()
	}
	d := time.Duration(at-start) * time.Millisecond
	sign := "+"
	if d < 0 {
		sign, d = "-", -d
	}
	text := sign
	if n := d / schema.Day; n > 0 {
		text += fmt.Sprintf("%dd", n)
		if d %= schema.Day; d == 0 {
			return text
		}
	}
	text += d.String()
	for _, nothing := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, nothing) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// span is a duration.
type span time.Duration

func (s *span) fromYAML(n *yaml.Node) error {
	d, err := schema.ParseDuration(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || d < 0 {
		return mistake(n, "want a duration here, such as 30s or 1d12h, got %s", kindOf(n))
	}
	*s = span(d)
	return nil
}

func (s span) millis() int64 { return time.Duration(s).Milliseconds() }
