package files

import (
	"bufio"
	"bytes"

	"nightjar/ingest/auditd"
)

// isAudit reports whether a line is one that auditd writes to its log.
func isAudit(line []byte) bool {
	if !bytes.HasPrefix(line, []byte("type=")) && !bytes.HasPrefix(line, []byte("node=")) {
		return false
	}
	_, ok := auditd.Parse(string(line))
	return ok
}

// auditd gives each event of an audit log as one record: the object of its lines,
// which the intake reads as it does lines that come one by one.
func (r *reading) auditd(path string, in *bufio.Reader) error {
	var text []byte
	joiner := auditd.NewJoiner(func(e auditd.Event) error {
		text = append(appendText(append(text[:0], `{"ddsource":"auditd","message":`...), e.Text), '}')
		return r.use(Record{Place: Place{path, e.Line}, JSON: true, Text: text, Open: e.Open})
	})
	if r.follow != nil {
		r.follow.idle = joiner.Rest
	}
	err := r.eachLine(path, in, func(n int, line []byte, _ bool) error { return joiner.Add(string(line), n) })
	if err != nil {
		return err
	}
	return joiner.Close()
}
