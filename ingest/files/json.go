package files

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// jsonReader cuts JSON into its objects without looking at more of it than
// strings and brackets: whether an object is well formed, its reader says.
type jsonReader struct {
	*reading
	path string
	in   *bufio.Reader
	line int
	live bool   // more may be long in coming
	text []byte // of the value that is read
}

// values reads values one after the other: objects, arrays of them, wrappers.
func (s *jsonReader) values() error {
	for {
		c, err := s.skip()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return placed(s.path, s.line, err)
		}
		switch c {
		case '{':
			err = s.object(atTop)
		case '[':
			_, _ = s.in.Discard(1)
			err = s.elements()
		default:
			err = s.fail("want a JSON object or an array of them here, got %q", c)
		}
		if err != nil {
			return err
		}
	}
}

// elements reads what an array holds, behind its bracket, and the bracket that
// ends it.
func (s *jsonReader) elements() error {
	for first := true; ; first = false {
		c, err := s.skip()
		if err != nil {
			return s.cut(err)
		}
		if c == ']' {
			_, _ = s.in.Discard(1)
			return nil
		}
		if !first {
			if c != ',' {
				return s.fail("the array does not go on with , or ] here, but with %q", c)
			}
			_, _ = s.in.Discard(1)
			if c, err = s.skip(); err != nil {
				return s.cut(err)
			}
		}
		if c != '{' {
			return s.fail("want a JSON object in the array, got %q", c)
		}
		if err := s.object(inArray); err != nil {
			return err
		}
	}
}

// Where an object stands.
const (
	inArray = false
	atTop   = true
)

// object reads one, which begins here; at the top it may be a wrapper.
func (s *jsonReader) object(top bool) error {
	if top {
		ahead := 4096
		if s.live {
			ahead = s.in.Buffered()
		}
		head, _ := s.in.Peek(ahead) // what there is
		if w, ok := wrapped(head); ok {
			return s.unwrapped(w)
		}
	}
	at := Place{s.path, s.line}
	if err := s.value(); err != nil {
		return err
	}
	return s.use(Record{Place: at, JSON: true, Text: unwrap(s.text)})
}

// unwrapped reads the elements of a wrapper, and goes behind it.
func (s *jsonReader) unwrapped(w wrapper) error {
	head, _ := s.in.Peek(w.begin) // it was looked at
	s.line += bytes.Count(head, []byte("\n"))
	_, _ = s.in.Discard(w.begin)
	if err := s.elements(); err != nil {
		return err
	}
	for range w.depth {
		if err := s.rest(); err != nil {
			return err
		}
	}
	return nil
}

// rest skips the members of an object that are left, and its end.
func (s *jsonReader) rest() error {
	for {
		c, err := s.skip()
		if err != nil {
			return s.cut(err)
		}
		switch c {
		case '}':
			_, _ = s.in.Discard(1)
			return nil
		case ',', ':':
			_, _ = s.in.Discard(1)
		default:
			if err := s.value(); err != nil {
				return err
			}
		}
	}
}

// skip goes to the next byte that is no space, and tells it.
func (s *jsonReader) skip() (byte, error) {
	for {
		c, err := s.in.ReadByte()
		if err != nil {
			return 0, err
		}
		switch c {
		case '\n':
			s.line++
		case ' ', '\t', '\r':
		default:
			return c, s.in.UnreadByte()
		}
	}
}

// value reads the value that begins here into text.
func (s *jsonReader) value() error {
	s.text = s.text[:0]
	depth, quoted, escaped := 0, false, false
	for {
		c, err := s.in.ReadByte()
		if err != nil {
			return s.cut(err)
		}
		if len(s.text) >= s.options.MaxRecord {
			return s.fail("the object is larger than %d bytes; split or shorten it", s.options.MaxRecord)
		}
		s.text = append(s.text, c)
		switch {
		case c == '\n':
			s.line++
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
		if depth > 0 || quoted || escaped {
			continue
		}
		if c == '}' || c == ']' || c == '"' {
			return nil
		}
		if next, err := s.in.Peek(1); err != nil || bytes.IndexByte([]byte(" \t\r\n,:]}"), next[0]) >= 0 {
			return nil // a number or a word is over
		}
	}
}

func (s *jsonReader) fail(format string, args ...any) error {
	return placed(s.path, s.line, fmt.Errorf(format, args...))
}

func (s *jsonReader) cut(err error) error {
	if errors.Is(err, io.EOF) {
		return s.fail("the JSON ends before it is over; is the file cut off?")
	}
	return placed(s.path, s.line, err)
}
