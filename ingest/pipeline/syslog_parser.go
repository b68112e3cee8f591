package pipeline

import (
	"strconv"
	"strings"

	"nightjar/ingest/heads"
	"nightjar/ingest/record"
	"nightjar/ingest/times"
	"nightjar/schema"
)

// SyslogParser is ours: it reads the head that syslog daemons write before a line, in
// the forms that are in use, which are more than a grok rule should say.
//
// It gives the event its time, its host and, by the program, its service, unless the
// event itself said them, the
// attributes process.name and process.pid, evt.repeat of what syslog says was repeated,
// and the status that a priority says. What follows is the source $text of the grok
// parsers behind it. A head that another one has read is not read again.
type SyslogParser struct {
	Base
	// Programs are those of the daemon whose lines are expected, * at the end for any
	// rest, and Texts how its texts begin: in them nothing is taken for a head, whatever
	// its clients write.
	Programs []string `json:"programs,omitempty"`
	Texts    []string `json:"texts,omitempty"`
	// RequireProgram says that a head counts only where it names one of the programs:
	// what their lines begin with may look like a head.
	RequireProgram bool `json:"require_program,omitempty"`

	daemon *heads.Daemon
}

var (
	programPath = mustPath("process.name")
	pidPath     = mustPath("process.pid")
	repeatPath  = mustPath("evt.repeat")

	identifierPath = mustPath("SYSLOG_IDENTIFIER")
	syslogPIDPath  = mustPath("SYSLOG_PID")
	journalPIDPath = mustPath("_PID")
)

// longestBody is what a daemon's line has at most, several times over. What is longer
// was written by nobody that is known, and nothing is read of it but its head.
const longestBody = 16 << 10

func readSyslogParser(o *object, b Base) Processor {
	s := &SyslogParser{Base: b, Programs: o.texts("programs"), Texts: o.texts("texts"), RequireProgram: o.flagOr("require_program", false)}
	if len(s.Programs) > 0 || len(s.Texts) > 0 {
		s.daemon = heads.NewDaemon(s.Programs, s.Texts)
	}
	if s.RequireProgram && len(s.Programs) == 0 {
		o.problem("require_program", "no programs are named", "name them in programs")
	}
	return s
}

func (s *SyslogParser) run(x *run) outcome {
	if x.headed {
		return s.again(x)
	}
	line := x.Line
	if line == "" {
		line = x.Message
	}
	h, ok := journalHead(x, line)
	if !ok {
		h = heads.Read(line, times.Reader{Zone: x.Zone, Now: x.Received, Year: x.Year}, s.daemon)
	}
	if s.RequireProgram && !s.daemon.IsProgram(h.Program) {
		return skipped("no head names one of its programs")
	}
	x.headed = true
	s.take(x, h)
	s.cut(x, h.Text)
	return applied
}

// journalHead is what systemd's journal says beside a message, in the place of a head: in
// the message itself there is none, whatever it looks like.
func journalHead(x *run, line string) (heads.Head, bool) {
	program, ok := record.Text(x.Get(identifierPath))
	if !ok || program == "" {
		return heads.Head{}, false
	}
	h := heads.Head{Text: strings.TrimLeft(line, " "), Program: program, Priority: -1}
	for _, p := range [...]record.Path{syslogPIDPath, journalPIDPath} {
		if text, ok := record.Text(x.Get(p)); ok && h.PID == 0 {
			h.PID, _ = strconv.ParseInt(text, 10, 64)
		}
	}
	return h, true
}

// again leaves out a daemon's level that the one who read the head did not know of.
func (s *SyslogParser) again(x *run) outcome {
	if level, rest, ok := strings.Cut(x.body, ": "); ok && s.daemon != nil && heads.IsLevel(level) {
		x.body = rest
		return applied
	}
	return skipped("its head is read")
}

// take gives the record what the head says.
func (s *SyslogParser) take(x *run, h heads.Head) {
	if !h.At.IsZero() && !x.said {
		x.At, x.Timed = schema.MillisOf(h.At), true
		x.tell("timestamp", x.At.String())
	}
	if h.Host != "" && x.Host == "" {
		x.Host = h.Host
		x.tell("host", x.Host)
	}
	if h.Program != "" && x.Service == "" {
		x.Service = serviceOf(h.Program)
		x.tell("service", x.Service)
	}
	if h.Program != "" && !x.Has(programPath) {
		x.put(programPath, x.String(h.Program))
	}
	if h.PID != 0 && !x.Has(pidPath) {
		x.put(pidPath, x.Arena.NewNumberString(strconv.FormatInt(h.PID, 10)))
	}
	if h.Priority >= 0 && h.Priority < 192 && (x.Status == "" || x.Status == "info") {
		x.Status = severities[h.Priority&7]
		x.tell("status", x.Status)
	}
}

// serviceOf is the service that a program is of: since OpenSSH 9.8, sshd is several.
func serviceOf(program string) string {
	if strings.HasPrefix(program, "sshd-") {
		return "sshd"
	}
	return program
}

// cut leaves of the text what the daemon wrote: without what syslog and OpenSSH put
// around it.
func (s *SyslogParser) cut(x *run, text string) {
	text = strings.TrimRight(text, " \r\n")
	if inner, n, ok := heads.CutRepeated(text); ok {
		x.put(repeatPath, x.Arena.NewNumberString(strconv.FormatInt(n, 10)))
		text = inner
	}
	if s.daemon != nil {
		if level, rest, ok := strings.Cut(text, ": "); ok && heads.IsLevel(level) {
			text = rest
		}
	}
	x.body = text
}
