package files

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// What lines are taken for that begin like an object.
const (
	asText = false
	asJSON = true
)

// lines reads one record a line, and several of a line that is an array or a
// wrapper. Where the file is one of JSON a line that begins like an object is
// taken for one, broken or not: the reader of events says what is wrong with it.
func (r *reading) lines(path string, in *bufio.Reader, isJSON bool) error {
	return r.eachLine(path, in, func(n int, line []byte, open bool) error {
		return r.oneLine(Record{Place: Place{path, n}, Text: line, Open: open}, isJSON)
	})
}

// eachLine calls use with every line that is not blank, its number, and whether it
// lacks an end.
func (r *reading) eachLine(path string, in *bufio.Reader, use func(n int, line []byte, open bool) error) error {
	var held []byte
	for n := 1; ; n++ {
		line, err := r.line(in, &held)
		if errors.Is(err, errTooLong) {
			return placed(path, n, fmt.Errorf("the line is longer than %d bytes; split or shorten it", r.options.MaxRecord))
		}
		if text := bytes.TrimRight(line, "\r\n"); len(bytes.TrimSpace(text)) > 0 {
			if err := use(n, text, !bytes.HasSuffix(line, []byte("\n"))); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return placed(path, n, err)
		}
	}
}

var errTooLong = errors.New("the record is too long")

// line is the next line with its end. It is valid until the next one; held is the
// memory of those that the reader's own does not hold.
func (r *reading) line(in *bufio.Reader, held *[]byte) ([]byte, error) {
	line, err := in.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	*held = (*held)[:0]
	for errors.Is(err, bufio.ErrBufferFull) {
		*held = append(*held, line...)
		if len(*held) > r.options.MaxRecord {
			return nil, errTooLong
		}
		line, err = in.ReadSlice('\n')
	}
	*held = append(*held, line...)
	return *held, err
}

// oneLine reads a line that is given as if it were raw.
func (r *reading) oneLine(line Record, isJSON bool) error {
	begin := bytes.TrimLeft(line.Text, " \t")
	switch begin[0] {
	case '[':
		// A raw line may begin with a bracket as well.
		if next := bytes.TrimLeft(begin[1:], " \t"); len(next) > 0 && (next[0] == '{' || next[0] == ']') && (isJSON || json.Valid(begin)) {
			return r.within(line.Place, begin)
		}
	case '{':
		if !isJSON && !json.Valid(begin) {
			break
		}
		if _, ok := wrapped(begin); ok {
			return r.within(line.Place, begin)
		}
		return r.use(Record{Place: line.Place, JSON: true, Text: unwrap(begin), Open: line.Open && !json.Valid(begin)})
	}
	return r.use(line)
}

// within reads the JSON of one line.
func (r *reading) within(at Place, text []byte) error {
	s := &jsonReader{reading: r, path: at.Path, in: bufio.NewReaderSize(bytes.NewReader(text), min(lookAhead, max(len(text), 16))), line: at.Line}
	return s.values()
}
