package ingest

import (
	"strconv"
	"strings"
	"time"
)

// syslog is the head of a line as syslog daemons write it, and the rest.
type syslog struct {
	at            time.Time // zero: none
	host, program string
	pid           int64 // 0: none
	text          string
}

// parseSyslog reads these heads, each with or without a priority `<n>`:
//
//	Mar 27 13:06:56 host prog[pid]: text
//	2026-03-27T13:06:56.123+02:00 host prog[pid]: text
//	1 2026-03-27T13:06:56Z host prog pid msgid - text        (RFC 5424)
//
// What has none of them is all text.
func parseSyslog(l Line) syslog {
	rest := cutPriority(l.Text)
	if after, ok := strings.CutPrefix(rest, "1 "); ok {
		if s, ok := parse5424(after); ok {
			return s
		}
	}
	at, rest, ok := cutTime(rest, l)
	if !ok {
		return syslog{text: l.Text}
	}
	s := syslog{at: at, text: rest}
	host, rest, ok := strings.Cut(rest, " ")
	if !ok {
		return s
	}
	s.host, s.text = host, rest
	tag, text, ok := strings.Cut(rest, ": ")
	if !ok {
		tag, ok = strings.CutSuffix(rest, ":")
	}
	if ok && tag != "" && !strings.Contains(tag, " ") {
		s.program, s.pid = cutPID(tag)
		s.text = text
	}
	return s
}

func cutPriority(s string) string {
	if i := strings.IndexByte(s, '>'); i > 1 && i < 5 && s[0] == '<' {
		if _, err := strconv.Atoi(s[1:i]); err == nil {
			return s[i+1:]
		}
	}
	return s
}

func cutPID(tag string) (program string, pid int64) {
	if open := strings.IndexByte(tag, '['); open > 0 && strings.HasSuffix(tag, "]") {
		if n, err := strconv.ParseInt(tag[open+1:len(tag)-1], 10, 64); err == nil && n >= 0 {
			return tag[:open], n
		}
	}
	return tag, 0
}

// cutTime reads the time at the start of s.
func cutTime(s string, l Line) (at time.Time, rest string, ok bool) {
	zone := l.Zone
	if zone == nil {
		zone = time.UTC
	}
	if head, rest, ok := strings.Cut(s, " "); ok && len(head) >= len("2006-01-02T15:04:05") && head[4] == '-' {
		if at, err := time.Parse(time.RFC3339Nano, head); err == nil {
			return at, rest, true
		}
		if at, err := time.ParseInLocation("2006-01-02T15:04:05.999999999", head, zone); err == nil {
			return at, rest, true
		}
		return time.Time{}, s, false
	}
	const stamp = len("Jan _2 15:04:05")
	if len(s) <= stamp || s[stamp] != ' ' {
		return time.Time{}, s, false
	}
	// The leap year stands for all: 29 February is sorted out below.
	parsed, err := time.ParseInLocation("2006 Jan _2 15:04:05", "2000 "+s[:stamp], time.UTC)
	if err != nil {
		return time.Time{}, s, false
	}
	return inYear(parsed, l, zone), s[stamp+1:], true
}

// inYear gives the time its year: the one that was stated, or the newest that
// leaves it no more than a day ahead of now. It is zero when the stated year
// has no such day.
func inYear(t time.Time, l Line, zone *time.Location) time.Time {
	in := func(year int) (time.Time, bool) {
		at := time.Date(year, t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, zone)
		return at, at.Day() == t.Day()
	}
	if l.Year != 0 {
		if at, ok := in(l.Year); ok {
			return at
		}
		return time.Time{}
	}
	for year := l.Now.Year() + 1; year >= l.Now.Year()-8; year-- {
		if at, ok := in(year); ok && !at.After(l.Now.Add(24*time.Hour)) {
			return at
		}
	}
	return time.Time{}
}

// parse5424 reads what follows the version.
func parse5424(s string) (out syslog, ok bool) {
	f := strings.SplitN(s, " ", 6)
	if len(f) < 6 {
		return out, false
	}
	at, err := time.Parse(time.RFC3339Nano, f[0])
	if err != nil && f[0] != "-" {
		return out, false
	}
	out = syslog{at: at, host: unlessNil(f[1]), program: unlessNil(f[2])}
	out.pid, _ = strconv.ParseInt(f[3], 10, 64)
	out.text = strings.TrimPrefix(strings.TrimPrefix(cutStructured(f[5]), " "), "\ufeff")
	return out, true
}

func unlessNil(s string) string {
	if s == "-" {
		return ""
	}
	return s
}

// cutStructured drops the structured data in front of the text.
func cutStructured(s string) string {
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		return rest
	}
	inQuotes := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && inQuotes:
			i++
		case c == '"':
			inQuotes = !inQuotes
		case c == ']' && !inQuotes && (i+1 == len(s) || s[i+1] == ' '):
			return s[i+1:]
		}
	}
	return s
}
