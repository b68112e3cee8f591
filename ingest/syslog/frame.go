package syslog

import (
	"bufio"
	"errors"
	"io"
)

// Causes for which a message is damaged. It is kept, with the cause in
// @syslog.problem.
const (
	tooLong    = "too_long"
	cutOff     = "cut_off"
	unreadable = "unreadable"
)

// frames takes a stream apart. Each message is preceded by its length and a blank,
// or followed by a line feed; which of them, each message tells by itself.
type frames struct {
	r   *bufio.Reader
	max int // bytes of a message; what is beyond is read and left out
	// room is asked before more than roomFree bytes of a message are kept, with how
	// many they will be.
	room func(total int) error

	buf     []byte
	started bool  // within a message
	broken  error // what ended the stream within a message
}

// roomFree is what a part of a message takes without asking.
const roomFree = 64 << 10

func newFrames(r io.Reader, limit int, room func(total int) error) *frames {
	return &frames{r: bufio.NewReaderSize(r, roomFree), max: limit, room: room}
}

// next is the next message and why it is not whole; empty: it is. The text is valid
// until the following call. What a stream that ends has begun is its last message;
// then comes io.EOF, or what else ended it.
func (f *frames) next() (text []byte, problem string, err error) {
	if f.broken != nil {
		return nil, "", f.broken
	}
	f.started = false
	if err := f.skip(); err != nil {
		return nil, "", err
	}
	f.started, f.buf = true, f.buf[:0]
	if cap(f.buf) > roomFree {
		f.buf = nil
	}
	if n, counted := f.count(); counted {
		return f.counted(n)
	}
	return f.line()
}

// skip passes what stands between messages.
func (f *frames) skip() error {
	for {
		c, err := f.r.ReadByte()
		if err != nil {
			return err
		}
		if c != '\n' && c != '\r' && c != 0 {
			return f.r.UnreadByte()
		}
	}
}

// maxDigits is how long a length may be.
const maxDigits = 8

// count reads the length that a message begins with. One that is longer than any
// message is a number in a line, unless a priority follows it. A stream that ends
// meanwhile ends again for whoever reads on.
func (f *frames) count() (n int, ok bool) {
	for digits := 0; digits <= maxDigits; digits++ {
		head, err := f.r.Peek(digits + 1)
		if err != nil {
			return 0, false
		}
		switch c := head[digits]; {
		case c >= '1' && c <= '9', c == '0' && digits > 0:
			n = n*10 + int(c-'0')
			continue
		case c != ' ' || digits == 0:
			return 0, false
		}
		if n > f.max {
			if next, err := f.r.Peek(digits + 2); err != nil || next[digits+1] != '<' {
				return 0, false
			}
		}
		_, err = f.r.Discard(digits + 1)
		return n, err == nil
	}
	return 0, false
}

// counted reads a message of n bytes.
func (f *frames) counted(n int) (text []byte, problem string, err error) {
	for left := n; left > 0; {
		if _, err := f.r.Peek(1); err != nil {
			return f.rest(err)
		}
		part, _ := f.r.Peek(min(left, f.r.Buffered())) // it is there
		if err := f.keep(part); err != nil {
			return f.rest(err)
		}
		left -= len(part)
		_, _ = f.r.Discard(len(part)) // it is there
	}
	return f.whole(n > f.max)
}

// line reads up to a line feed.
func (f *frames) line() (text []byte, problem string, err error) {
	long := false
	for {
		part, err := f.r.ReadSlice('\n')
		long = long || len(f.buf)+len(part) > f.max+1
		if err := f.keep(part); err != nil {
			return f.rest(err)
		}
		switch {
		case err == nil, errors.Is(err, io.EOF) && len(f.buf) > 0:
			return f.whole(long)
		case !errors.Is(err, bufio.ErrBufferFull):
			return f.rest(err)
		}
	}
}

// keep adds a part to the message, as far as it may be kept.
func (f *frames) keep(part []byte) error {
	part = part[:min(len(part), f.max+1-len(f.buf))]
	if total := len(f.buf) + len(part); total > roomFree {
		if err := f.room(total); err != nil {
			return err
		}
	}
	f.buf = append(f.buf, part...)
	return nil
}

func (f *frames) whole(long bool) (text []byte, problem string, err error) {
	text = trim(f.buf)
	if len(text) > f.max {
		text, long = text[:f.max], true
	}
	if long {
		problem = tooLong
	}
	return text, problem, nil
}

// rest is what came of a message before the stream broke.
func (f *frames) rest(err error) ([]byte, string, error) {
	f.broken = err
	text := trim(f.buf)
	if len(text) == 0 {
		return nil, "", err
	}
	return text, cutOff, nil
}

// trim leaves out what senders put behind a message.
func trim(text []byte) []byte {
	for len(text) > 0 {
		switch text[len(text)-1] {
		case '\n', '\r', 0:
			text = text[:len(text)-1]
		default:
			return text
		}
	}
	return text
}
