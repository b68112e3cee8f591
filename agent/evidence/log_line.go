package evidence

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
)

// line is what a rule writes in the log.
type line struct {
	level      slog.Level
	rule, text string
}

// maxLine bounds a line, in bytes.
const maxLine = 4096

// levels are those that a policy may name (secl/policy checks them).
var levels = map[string]slog.Level{
	"trace": slog.LevelDebug - 4, "debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "warning": slog.LevelWarn,
	"error": slog.LevelError, "critical": slog.LevelError + 4,
}

// Line writes a line, soon. What an event contains can't drive a terminal, nor begin
// another line. The text that is written is returned.
func (c *Collector) Line(rule, level, text string) (string, error) {
	at, known := levels[strings.ToLower(level)]
	if !known {
		return "", fmt.Errorf("%q is no level", level)
	}
	if text = quiet(text); len(text) > maxLine {
		text = strings.ToValidUTF8(text[:maxLine], "") + "…"
	}
	if !c.lineRate.Allow() {
		return text, fmt.Errorf("%w: %d lines in a second", ErrTooOften, c.config.Limits.LogRate)
	}
	select {
	case c.lines <- line{level: at, rule: rule, text: text}:
		return text, nil
	default:
		return text, ErrTooMany
	}
}

func (c *Collector) writeLines() {
	defer close(c.ended)
	for l := range c.lines {
		c.config.Log.Log(context.Background(), l.level, l.text, "rule", l.rule)
	}
}

// quiet shows control characters rather than obeying them.
func quiet(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			return '�'
		}
		return r
	}, s)
}
