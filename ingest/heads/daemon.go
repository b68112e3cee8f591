package heads

import (
	"slices"
	"strconv"
	"strings"
)

// Daemon is what is known of the lines of one, where they are expected.
type Daemon struct {
	programs, prefixes, stems []string
	texts                     [256][]string
}

// NewDaemon returns a daemon of these names, where a trailing * stands for any rest,
// whose texts begin with one of these. A level, as OpenSSH writes one before a text,
// begins a text too.
func NewDaemon(programs, texts []string) *Daemon {
	d := &Daemon{}
	for _, p := range programs {
		stem, open := strings.CutSuffix(p, "*")
		if open {
			d.prefixes = append(d.prefixes, stem)
		} else {
			d.programs = append(d.programs, p)
		}
		if stem = strings.TrimRight(stem, "-"); stem != "" && !slices.Contains(d.stems, stem) {
			d.stems = append(d.stems, stem)
		}
	}
	for _, t := range texts {
		if t != "" {
			d.texts[t[0]] = append(d.texts[t[0]], t)
		}
	}
	return d
}

// IsProgram reports whether a program is the daemon.
func (d *Daemon) IsProgram(program string) bool {
	if d == nil {
		return false
	}
	for _, p := range d.programs {
		if p == program {
			return true
		}
	}
	for _, p := range d.prefixes {
		if strings.HasPrefix(program, p) {
			return true
		}
	}
	return false
}

// isText reports whether a text begins as one of the daemon's.
func (d *Daemon) isText(text string) bool {
	if d == nil {
		return false
	}
	if inner, _, ok := CutRepeated(text); ok {
		text = inner
	}
	if level, _, ok := strings.Cut(text, ": "); ok && IsLevel(level) {
		return true // no head begins with a level
	}
	if text == "" {
		return false
	}
	for _, t := range d.texts[text[0]] {
		if strings.HasPrefix(text, t) {
			return true
		}
	}
	return false
}

// longestHead is how far into a line the daemon's name is looked for.
const longestHead = 160

// behindName reads what follows the daemon's name, where the head before it is in
// no form that is known.
func (d *Daemon) behindName(line string, h Head) Head {
	for _, stem := range d.stems {
		if found, ok := d.behindStem(line, stem); ok {
			found.At, found.Host = h.At, h.Host
			return found
		}
	}
	return h
}

func (d *Daemon) behindStem(line, stem string) (h Head, ok bool) {
	head := line[:min(len(line), longestHead)]
	for at := 0; at < len(head); {
		i := strings.Index(head[at:], stem)
		if i < 0 {
			return h, false
		}
		at += i
		word, after, ok := strings.Cut(line[at:], " ")
		program, pid, is := programOf(word)
		if ok && is && d.IsProgram(program) && (at == 0 || strings.IndexByte(" ]>|\t", head[at-1]) >= 0) {
			return Head{Program: program, PID: pid, Text: cutID(after)}, true
		}
		// A client's text may be in quotes from here on; heads have none.
		if strings.ContainsAny(head[:at], `'"`) {
			return h, false
		}
		at += len(stem)
	}
	return h, false
}

// CutRepeated reads syslog's "message repeated 3 times: [ …]".
func CutRepeated(text string) (inner string, n int64, ok bool) {
	rest, ok := strings.CutPrefix(text, "message repeated ")
	if !ok {
		return "", 0, false
	}
	times, inner, ok := strings.Cut(rest, " times: [ ")
	if !ok {
		return "", 0, false
	}
	n, err := strconv.ParseInt(times, 10, 64)
	return strings.TrimSuffix(inner, "]"), n, err == nil
}
