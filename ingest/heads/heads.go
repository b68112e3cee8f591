package heads

import (
	"strconv"
	"strings"
	"time"

	"nightjar/ingest/times"
)

// Head is the head of a line as syslog daemons write it, and the rest.
type Head struct {
	At            time.Time // zero: none
	Host, Program string    // empty: none
	PID           int64     // 0: none
	// Priority is the facility's number times 8 and the severity's; −1: none.
	Priority int
	// Text is what follows.
	Text string
}

// Read reads these heads, each with or without a priority `<n>` before it,
// the time in any form of times.Reader.Written:
//
//	Mar 27 13:06:56 host prog[pid]: text
//	2026-03-27T13:06:56.123+02:00 host prog[pid]: text
//	Tue Mar 27 13:06:56 2026 auth.info prog[pid]: text
//	1 2026-03-27T13:06:56Z host prog pid msgid - text        (RFC 5424)
//	host prog[pid]: text, prog[pid]: text
//
// What has none of them is all Text. In a text that the
// daemon is known to write nothing is taken for a head; nil: no daemon is expected.
func Read(line string, r times.Reader, d *Daemon) Head {
	priority, rest := cutPriority(line)
	h := read(rest, priority >= 0, r, d)
	if d != nil && h.Program == "" && !d.isText(h.Text) {
		h = d.behindName(line, h)
	}
	h.Priority = priority
	return h
}

func read(rest string, tagged bool, r times.Reader, d *Daemon) Head {
	if after, ok := strings.CutPrefix(rest, "1 "); ok {
		if s, ok := parse5424(after); ok {
			return s
		}
	}
	if d.isText(rest) {
		return Head{Text: rest}
	}
	at, rest, timed := cutTime(rest, r)
	s := Head{At: at, Text: rest}
	words := rest
	for range 3 { // a host, a facility, or both may stand before the program
		if d.isText(words) {
			s.Text = words
			return s
		}
		word, after, ok := strings.Cut(words, " ")
		if program, pid, is := programOf(word); is && (timed || tagged || pid != 0 || d.IsProgram(program)) {
			s.Program, s.PID, s.Text = program, pid, cutID(strings.TrimLeft(after, " "))
			return s
		}
		if !ok || !IsHeadWord(word) {
			break
		}
		if s.Host == "" && !isFacility(word) {
			s.Host = word
		}
		words = strings.TrimLeft(after, " ")
	}
	if !timed {
		return Head{Text: rest}
	}
	// No program is named: what follows the host is text.
	s.Host = ""
	if host, after, ok := strings.Cut(rest, " "); ok && IsHeadWord(host) {
		s.Host, s.Text = host, after
	}
	return s
}

// programOf reads prog[pid]: and prog:.
func programOf(word string) (program string, pid int64, ok bool) {
	tag, ok := strings.CutSuffix(word, ":")
	if !ok || tag == "" {
		return "", 0, false
	}
	program, pid = cutPID(tag)
	return program, pid, strings.IndexByte(program, ':') < 0 && !IsLevel(program)
}

// IsLevel reports whether a word is a level that OpenSSH writes before a text from a program.
func IsLevel(word string) bool {
	switch word {
	case "error", "fatal", "warning", "info", "verbose", "debug1", "debug2", "debug3":
		return true
	}
	return false
}

// IsHeadWord reports whether a word may be a host's name, its address or a facility.
func IsHeadWord(word string) bool {
	if word == "" || len(word) > 255 {
		return false
	}
	for i := range len(word) {
		c := word[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && strings.IndexByte("-_.:%", c) < 0 {
			return false
		}
	}
	return true
}

var facilities = map[string]bool{
	"auth": true, "authpriv": true, "daemon": true, "user": true, "syslog": true, "kern": true, "cron": true, "local0": true, "local1": true,
	"local2": true, "local3": true, "local4": true, "local5": true, "local6": true, "local7": true, "security": true, "audit": true,
}

var syslogLevels = map[string]bool{
	"emerg": true, "panic": true, "alert": true, "crit": true, "err": true, "error": true, "warning": true, "warn": true, "notice": true, "info": true, "debug": true,
}

// isFacility tells auth.info from a host.
func isFacility(word string) bool {
	name, level, ok := strings.Cut(word, ".")
	if !ok || !facilities[name] {
		return false
	}
	return ok && syslogLevels[level]
}

// cutID drops the "[ID 800047 auth.info] " that Solaris writes before a text.
func cutID(text string) string {
	if rest, ok := strings.CutPrefix(text, "[ID "); ok {
		if end := strings.Index(rest, "] "); end >= 0 && end < 40 {
			return rest[end+2:]
		}
	}
	return text
}

func cutPriority(s string) (priority int, rest string) {
	if i := strings.IndexByte(s, '>'); i > 1 && i < 5 && s[0] == '<' {
		if n, err := strconv.Atoi(s[1:i]); err == nil && n >= 0 {
			return n, strings.TrimLeft(s[i+1:], " ")
		}
	}
	return -1, s
}

func cutPID(tag string) (program string, pid int64) {
	if open := strings.IndexByte(tag, '['); open > 0 && strings.HasSuffix(tag, "]") {
		if n, err := strconv.ParseInt(tag[open+1:len(tag)-1], 10, 64); err == nil && n >= 0 {
			return tag[:open], n
		}
	}
	return tag, 0
}

// maxTimeWords is how many words a time at the start of a line has at most:
// Tue Mar 27 13:06:56 CEST 2026.
const maxTimeWords = 6

// cutTime reads the time at the start of s: the longest stretch of words that is
// one. An ISO time has at most three, of which the second begins with a digit.
func cutTime(s string, r times.Reader) (at time.Time, rest string, ok bool) {
	if s == "" || strings.IndexByte("0123456789ADFJMNOSTW", s[0]) < 0 {
		return time.Time{}, s, false
	}
	var ends [maxTimeWords]int
	words := 0
	for i := 0; i < len(s) && words < maxTimeWords && i < 64; {
		end := strings.IndexByte(s[i:], ' ')
		if end < 0 {
			break
		}
		if end > 0 {
			ends[words] = i + end
			words++
		}
		i += end + 1
	}
	for n := words; n > 0; n-- {
		head := s[:ends[n-1]]
		if !endsATime(head, n) {
			continue
		}
		if t, ok := headTime(r, head, n); ok {
			return t, strings.TrimLeft(s[ends[n-1]:], " "), true
		}
	}
	return time.Time{}, s, false
}

// endsATime tells whether the last of several words may belong to a time: a host
// may be called like a month or a zone, but for its letters' case.
func endsATime(head string, words int) bool {
	last := head[strings.LastIndexByte(head, ' ')+1:]
	if words == 1 {
		return true
	}
	if times.IsZone(last) {
		return true
	}
	c := last[0]
	return (c >= '0' && c <= '9' || c == '+' || c == '-') && !strings.HasSuffix(last, ":")
}

// headTime reads a time that stands before a host. The year is one that is stated, or
// the one that stands there; a stated one without such a day gives none.
func headTime(r times.Reader, s string, words int) (time.Time, bool) {
	if words == 1 {
		// Seconds since the epoch, as journalctl -o short-unix has them.
		if at, ok := times.ParseEpoch(s); ok && len(s) >= len("1700000000") && at >= times.Earliest {
			return at.Time(), true
		}
	}
	if strings.IndexByte(s, ':') < 0 {
		return time.Time{}, false
	}
	at, err := r.Written(s)
	if err != nil && r.Year != 0 {
		if _, any := (times.Reader{Zone: r.Zone, Now: r.Now}).Written(s); any == nil {
			return time.Time{}, true
		}
	}
	return at, err == nil
}

// parse5424 reads what follows the version.
func parse5424(s string) (out Head, ok bool) {
	f := strings.SplitN(s, " ", 6)
	if len(f) < 6 {
		return out, false
	}
	at, err := time.Parse(time.RFC3339Nano, f[0])
	if err != nil && f[0] != "-" {
		return out, false
	}
	out = Head{At: at, Host: unlessNil(f[1]), Program: unlessNil(f[2])}
	out.PID, _ = strconv.ParseInt(f[3], 10, 64)
	out.Text = strings.TrimPrefix(strings.TrimPrefix(cutStructured(f[5]), " "), "\ufeff")
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
