package files

import (
	"bufio"

	"nightjar/ingest/flowlog"
)

// flows gives each line of a VPC flow log as the object of its fields, which the first
// line names. A line that does not fit them, and is no such line itself, is as it is.
func (r *reading) flows(path string, in *bufio.Reader) error {
	var fields flowlog.Fields
	var text []byte
	return r.eachLine(path, in, func(n int, line []byte, open bool) error {
		if named := flowlog.Head(string(line)); named != nil {
			fields = named
			return nil
		}
		var ok bool
		if text, ok = fields.Append(text[:0], string(line)); !ok {
			text = line
		}
		return r.use(Record{Place: Place{path, n}, JSON: ok, Text: text, Open: open})
	})
}
