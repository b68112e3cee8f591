package files

import (
	"bufio"

	"nightjar/ingest/w3c"
)

// w3c gives each line of such a log as the object of its fields, which a directive names;
// directives are no records. A line that does not fit the fields is as it is.
func (r *reading) w3c(path string, in *bufio.Reader) error {
	var fields w3c.Fields
	var text []byte
	return r.eachLine(path, in, func(n int, line []byte, open bool) error {
		if named, is := w3c.IsDirective(string(line)); is {
			if named != nil {
				fields = named
			}
			return nil
		}
		var ok bool
		if text, ok = fields.Append(text[:0], string(line)); !ok {
			text = line
		}
		return r.use(Record{Place: Place{path, n}, JSON: ok, Text: text, Open: open})
	})
}
