package syslog

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leodido/go-syslog/v4/common"
	"github.com/leodido/go-syslog/v4/rfc3164"
	"github.com/leodido/go-syslog/v4/rfc5424"

	gosyslog "github.com/leodido/go-syslog/v4"

	"nightjar/ingest"
	"nightjar/schema"
)

// defaultSource is that of events that nothing else says a source of.
const defaultSource = "syslog"

// defaultPriority is that of a message that has none: notice, of a user's program.
const defaultPriority = 13

// reader makes events of messages. It is not for several goroutines at once.
type reader struct {
	rfc5424, rfc3164 gosyslog.Machine
}

func newReader() *reader {
	return &reader{
		rfc5424: rfc5424.NewMachine(),
		rfc3164: rfc3164.NewMachine(rfc3164.WithRFC3339(), rfc3164.WithSecondFractions(), rfc3164.WithLenientDay(), rfc3164.WithEmbeddedNewlines()),
	}
}

// head is what was read of a message.
type head struct {
	at                   time.Time
	written              string // the time, where it can't be read
	host, app, pid, text string
	msgID                string
	data                 map[string]map[string]string
	rawData              string // where data does not have all of it
	sequence             string
	problem              string
}

// event is the event of a message from this peer. The problem is why it is not
// whole; when it is empty and no head can be read, it is unreadable.
func (r *reader) event(d *ingest.Decoder, line string, from sender, problem string) (e schema.Event, damage string) {
	priority, rest, ok := cutPriority(line)
	h := r.head(d, priority, rest)
	if !ok {
		priority = defaultPriority
		h.withoutPriority(line)
	}
	if h.problem != "" && problem == "" {
		problem = unreadable
	}
	attributes := h.attributes(from)
	if ok {
		attributes = append(attributes, ingest.Attribute{Path: "syslog.priority", Value: int64(priority)})
	}
	attributes = append(attributes,
		ingest.Attribute{Path: "syslog.facility", Value: facility(priority >> 3)}, ingest.Attribute{Path: "syslog.severity", Value: int64(priority & 7)})
	if problem != "" {
		attributes = append(attributes, ingest.Attribute{Path: "syslog.problem", Value: cmp.Or(detailOf(problem, h.problem), problem)})
	}
	d.Host = from.address
	return d.Headed(ingest.Headed{
		Text: cmp.Or(h.text, line), Line: line, At: h.at, Written: h.written, Source: ingest.SourceOf(h.app), Service: h.app, Host: h.host,
		Status: ingest.StatusOfSeverity(priority & 7), Attributes: attributes,
	}), problem
}

// withoutPriority judges a head that has none that is read.
func (h *head) withoutPriority(line string) {
	switch {
	case strings.HasPrefix(line, "<"):
		h.problem, h.text = "no priority from 0 to 191", line
	case h.problem == "" && h.at.IsZero() && h.app == "":
		h.problem = "no head of syslog could be read"
	}
}

func detailOf(problem, detail string) string {
	if detail == "" {
		return problem
	}
	return problem + ": " + detail
}

// cutPriority reads <n>. What is none is text like any other.
func cutPriority(line string) (priority int, rest string, ok bool) {
	if len(line) < 3 || line[0] != '<' {
		return 0, line, false
	}
	end := strings.IndexByte(line[:min(len(line), 5)], '>')
	if end < 2 {
		return 0, line, false
	}
	n, err := strconv.ParseUint(line[1:end], 10, 8)
	if err != nil || n > 191 {
		return 0, line, false
	}
	return int(n), strings.TrimLeft(line[end+1:], " "), true
}

func facility(code int) string {
	if word, ok := common.FacilityKeywords[uint8(code)]; ok {
		return word
	}
	return strconv.Itoa(code)
}

// head reads what follows the priority.
func (r *reader) head(d *ingest.Decoder, priority int, rest string) head {
	if version, after, ok := strings.Cut(rest, " "); ok && isVersion(version) {
		if h, ok := r.read5424(d, priority, after); ok {
			return h
		}
	}
	if h, ok := readCisco(d, rest); ok {
		return h
	}
	if h, ok := r.read3164(d, priority, rest); ok {
		return h
	}
	s := d.Head(rest)
	h := head{at: s.At, host: s.Host, app: s.Program, text: s.Text}
	if s.PID != 0 {
		h.pid = strconv.FormatInt(s.PID, 10)
	}
	return h
}

func isVersion(s string) bool {
	return len(s) > 0 && len(s) < 3 && s[0] >= '1' && s[0] <= '9' && s[len(s)-1] >= '0' && s[len(s)-1] <= '9'
}

// read5424 reads what follows the version. Times are read as everywhere: many
// senders write more digits than the standard has. Not ok: this is something else.
func (r *reader) read5424(d *ingest.Decoder, priority int, rest string) (head, bool) {
	written, after, _ := strings.Cut(rest, " ")
	at, timed := d.Time(written)
	unread := !timed && written != "-"
	if unread && (written == "" || written[0] < '0' || written[0] > '9') {
		return head{}, false
	}
	parsed, err := r.rfc5424.Parse([]byte("<" + strconv.Itoa(priority) + ">1 - " + after))
	m, ok := parsed.(*rfc5424.SyslogMessage) // it is nil, at times without an error, for what ends early
	switch {
	case (err != nil || !ok) && unread: // a line that begins with numbers
		return head{}, false
	case err != nil || !ok:
		return loose5424(at, after, err), true
	}
	h := head{at: at, host: text(m.Hostname), app: text(m.Appname), pid: text(m.ProcID), msgID: text(m.MsgID), text: text(m.Message)}
	if unread {
		h.written = written
	}
	if m.StructuredData != nil {
		h.data = *m.StructuredData
		h.rawData = rawData(after, h)
	}
	// rsyslog hands on the blank that stood behind a tag.
	h.text = strings.TrimPrefix(strings.TrimPrefix(h.text, "\ufeff"), " ")
	return h, true
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// rawData is the structured data as it was sent, if it has a parameter more than
// once: the parser keeps the last.
func rawData(after string, h head) string {
	fields := strings.SplitN(after, " ", 5)
	raw := strings.TrimSuffix(strings.TrimSuffix(fields[len(fields)-1], h.text), " ")
	parameters := 0
	for _, element := range h.data {
		parameters += len(element)
	}
	if strings.Count(raw, `="`) <= parameters {
		return ""
	}
	return raw
}

// loose5424 reads the words of a head that is not as the standard has it. All that
// follows them is text.
func loose5424(at time.Time, after string, err error) head {
	problem := "the head is not whole"
	if err != nil {
		problem = err.Error()
	}
	words := strings.SplitN(after, " ", 5)
	for len(words) < 5 {
		words = append(words, "")
	}
	for i := range words[:4] {
		if words[i] == "-" {
			words[i] = ""
		}
	}
	return head{at: at, host: words[0], app: words[1], pid: words[2], msgID: words[3], text: words[4], problem: problem}
}

// read3164 reads a head that is as the RFC has it: a time, a host and a program. Not
// ok: one of them is missing, or written in another way.
func (r *reader) read3164(d *ingest.Decoder, priority int, rest string) (head, bool) {
	parsed, err := r.rfc3164.Parse([]byte("<" + strconv.Itoa(priority) + ">" + rest))
	m, ok := parsed.(*rfc3164.SyslogMessage)
	if err != nil || !ok {
		return head{}, false
	}
	h := head{host: text(m.Hostname), app: text(m.Appname), pid: text(m.ProcID), text: text(m.Message)}
	before, whole := strings.CutSuffix(rest, h.text)
	if m.Timestamp == nil || h.host == "" || h.app == "" || !whole || !strings.HasSuffix(before, ": ") {
		return head{}, false
	}
	h.at = *m.Timestamp
	if h.at.Year() == 0 {
		at, ok := d.Time(h.at.Format("Jan _2 15:04:05.999999999"))
		if !ok {
			return head{}, false
		}
		h.at = at
	}
	return h, true
}

func (h *head) attributes(from sender) []ingest.Attribute {
	var out []ingest.Attribute
	for _, a := range [...]struct{ path, value string }{
		{"syslog.appname", h.app}, {"syslog.procid", h.pid}, {"syslog.msgid", h.msgID}, {"syslog.sequence", h.sequence},
		{"syslog.peer", from.address}, {"syslog.peer_certificate", from.certificate}, {"syslog.structured_data_text", h.rawData},
	} {
		if a.value != "" {
			out = append(out, ingest.Attribute{Path: a.path, Value: a.value})
		}
	}
	var data []ingest.Attribute
	for id, element := range h.data {
		for name, value := range element {
			data = append(data, ingest.Attribute{Path: "syslog.structured_data." + id + "." + name, Value: value})
		}
		if len(element) == 0 {
			data = append(data, ingest.Attribute{Path: "syslog.structured_data." + id, Value: true})
		}
	}
	slices.SortFunc(data, func(a, b ingest.Attribute) int { return cmp.Compare(a.Path, b.Path) })
	return append(out, data...)
}
