package files

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// csv gives each row as the object of its columns, which the first row names. A
// value is a string; one that is empty is no member.
func (r *reading) csv(path string, in *bufio.Reader, delimiter rune) error {
	bounded := &bound{in: in, limit: r.options.MaxRecord}
	rows := csv.NewReader(bounded)
	rows.Comma, rows.ReuseRecord, rows.LazyQuotes, rows.FieldsPerRecord = delimiter, true, true, -1
	var names [][]byte // as JSON
	var text []byte
	line := 1
	for {
		bounded.read = 0
		row, err := rows.Read()
		var mistake *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &mistake):
			return placed(path, mistake.StartLine, mistake.Err)
		case err != nil:
			return placed(path, line, err)
		}
		line, _ = rows.FieldPos(0)
		if names == nil {
			if names, err = columns(row); err != nil {
				return placed(path, line, err)
			}
			continue
		}
		if len(row) > len(names) {
			return placed(path, line, fmt.Errorf("%d values for %d columns", len(row), len(names)))
		}
		text = append(text[:0], '{')
		for i, value := range row {
			if value == "" {
				continue
			}
			if len(text) > 1 {
				text = append(text, ',')
			}
			text = append(append(text, names[i]...), ':')
			text = appendText(text, value)
		}
		text = append(text, '}')
		if err := r.use(Record{Place: Place{path, line}, JSON: true, Text: text}); err != nil {
			return err
		}
	}
}

// columns are the names of the first row.
func columns(row []string) ([][]byte, error) {
	out := make([][]byte, len(row))
	for i, name := range row {
		if name = strings.TrimSpace(name); name == "" {
			return nil, fmt.Errorf("column %d has no name in the first row", i+1)
		}
		out[i] = appendText(nil, name)
	}
	return out, nil
}

func appendText(to []byte, s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string: cannot fail
	return append(to, bytes.TrimRight(b.Bytes(), "\n")...)
}

// bound ends the reading of a row that is larger than any record may be: a quote
// that is not closed takes in all the rest of a file.
type bound struct {
	in          io.Reader
	read, limit int
}

func (b *bound) Read(p []byte) (int, error) {
	if b.read > b.limit+lookAhead {
		return 0, fmt.Errorf("the row is longer than %d bytes; is a quote not closed?", b.limit)
	}
	n, err := b.in.Read(p)
	b.read += n
	return n, err
}
