package evtx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
)

var errCut = errors.New("its binary XML ends too soon")

// cursor reads a stretch of a chunk. Offsets are those of the chunk, since names
// and templates are found by them. The first error stays.
type cursor struct {
	data    []byte
	at, end int
	err     error
}

func (c *cursor) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
	c.at = c.end
}

func (c *cursor) done() bool { return c.err != nil || c.at >= c.end }

// take is the next n bytes; nil, with an error, where there are fewer.
func (c *cursor) take(n int) []byte {
	if c.err != nil || n < 0 || n > c.end-c.at {
		if c.err == nil {
			c.err = errCut
		}
		c.at = c.end
		return nil
	}
	b := c.data[c.at : c.at+n]
	c.at += n
	return b
}

func (c *cursor) byte() byte {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) uint16() int {
	if b := c.take(2); b != nil {
		return int(binary.LittleEndian.Uint16(b))
	}
	return 0
}

func (c *cursor) uint32() int {
	if b := c.take(4); b != nil {
		return int(binary.LittleEndian.Uint32(b))
	}
	return 0
}

// text is a string behind its length.
func (c *cursor) text() string { return string(utf16.Decode(units(c.take(2 * c.uint16())))) }

// utf16Text is the text up to the first NUL, without the blanks at its end.
func utf16Text(b []byte) string {
	return strings.TrimRightFunc(string(utf16.Decode(units(b))), unicode.IsSpace)
}

// units are the code units of UTF-16 up to the first NUL.
func units(b []byte) []uint16 {
	out := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		u := binary.LittleEndian.Uint16(b)
		if u == 0 {
			break
		}
		out = append(out, u)
	}
	return out
}
