package journal

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// Bounds of what is kept of an entry, in bytes. An event is smaller, so that one which
// is cut says so itself; core dumps are entries of up to hundreds of megabytes. The
// fields that give an event its place have room of their own.
const (
	maxEntry     = 2 << 20
	maxOwn       = 1 << 20
	maxName      = 256
	maxFieldSize = 1 << 40 // a length beyond is none
)

// field is one field of an entry; names may come more than once.
type field struct {
	name  string
	value []byte
}

// entry is one entry of a journal.
type entry struct {
	fields  []field
	leftOut uint64 // bytes that were too much
	kept    int
	held    int
}

// smallEntry is what an entry may take without asking, in bytes.
const smallEntry = 32 << 10

// errBroken is an entry that is not in the export format.
var errBroken = errors.New("not in the journal's export format")

// reader reads entries. One that is broken is skipped up to the next empty line, and
// counted.
type reader struct {
	in      *bufio.Reader
	skipped int
	// hold asks for memory for an entry that grows to so many bytes.
	hold func(size int64) error
}

func newReader(in io.Reader, hold func(size int64) error) *reader {
	return &reader{in: bufio.NewReaderSize(in, 64<<10), hold: hold}
}

// next is the next entry; io.EOF behind the last one. Any other error is that of the
// stream, which has ended in the middle of something.
func (r *reader) next() (entry, error) {
	for {
		e, err := r.entry()
		switch {
		case errors.Is(err, errBroken):
			r.skipped++
			if err := r.skip(); err != nil {
				return entry{}, err
			}
		case err != nil && (!errors.Is(err, io.EOF) || len(e.fields) == 0):
			return entry{}, err
		case len(e.fields) > 0:
			return e, nil
		}
	}
}

// entry reads up to the empty line behind an entry, or up to the end.
func (r *reader) entry() (e entry, err error) {
	for {
		name, binaryValue, err := r.name()
		switch {
		case err != nil:
			return e, err
		case name == "" && binaryValue:
			return e, nil
		}
		if binaryValue {
			err = r.binary(&e, name)
		} else {
			err = r.text(&e, name)
		}
		if err != nil {
			return e, err
		}
	}
}

// name reads up to the = of a text, or to the end of the line behind which a length
// and bytes come. An empty line is an empty name.
func (r *reader) name() (name string, binaryValue bool, err error) {
	var buf [maxName]byte
	for n := 0; ; n++ {
		c, err := r.in.ReadByte()
		switch {
		case err != nil && n > 0:
			return "", false, unexpected(err)
		case err != nil:
			return "", false, err
		case c == '\n':
			return string(buf[:n]), true, nil
		case c == '=' && n > 0:
			return string(buf[:n]), false, nil
		case n == len(buf) || !isName(c):
			_ = r.in.UnreadByte() // it may end the line
			return "", false, errBroken
		}
		buf[n] = c
	}
}

func isName(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// text reads a value up to the end of its line.
func (r *reader) text(e *entry, name string) error {
	f := e.begin(name)
	for {
		part, err := r.in.ReadSlice('\n')
		end := err == nil
		if end {
			part = part[:len(part)-1]
		}
		if err := r.add(&f, part); err != nil {
			return err
		}
		switch {
		case end, errors.Is(err, io.EOF): // the last line may have no end
			f.end()
			return nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
}

// binary reads a length, that many bytes, and the end of the line.
func (r *reader) binary(e *entry, name string) error {
	var head [8]byte
	if _, err := io.ReadFull(r.in, head[:]); err != nil {
		return unexpected(err)
	}
	left := binary.LittleEndian.Uint64(head[:])
	if left > maxFieldSize {
		return errBroken
	}
	f := e.begin(name)
	for left > 0 {
		part, err := r.in.Peek(int(min(left, 32<<10)))
		if len(part) == 0 {
			return unexpected(err)
		}
		if err := r.add(&f, part); err != nil {
			return err
		}
		left -= uint64(len(part))
		_, _ = r.in.Discard(len(part)) // it is there
	}
	f.end()
	c, err := r.in.ReadByte()
	switch {
	case err != nil:
		return unexpected(err)
	case c != '\n':
		_ = r.in.UnreadByte()
		return errBroken
	}
	return nil
}

// skip reads the rest of a line, and on up to the next empty one.
func (r *reader) skip() error {
	for rest := true; ; rest = false {
		size := 0
		for {
			part, err := r.in.ReadSlice('\n')
			size += len(part)
			if err == nil {
				break
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				return err
			}
		}
		if size == 1 && !rest {
			return nil
		}
	}
}

// growing is a field while it is read.
type growing struct {
	e    *entry
	name string
	room int
	has  []byte
}

// begin begins a field. There is room for it as long as the entry is small enough; the
// first of each field that an event is made of has room of its own.
func (e *entry) begin(name string) growing {
	room := maxEntry - e.kept - len(name)
	if own[name] && !e.has(name) {
		room = max(room, maxOwn)
	}
	return growing{e: e, name: name, room: room}
}

func (e *entry) has(name string) bool {
	for _, f := range e.fields {
		if f.name == name {
			return true
		}
	}
	return false
}

// add adds to a field, as long as there is room for more of it.
func (r *reader) add(g *growing, part []byte) error {
	n := max(0, min(len(part), g.room-len(g.has)))
	e := g.e
	if size := e.kept + len(g.has) + n; size > max(e.held, smallEntry) {
		if err := r.hold(int64(2 * size)); err != nil {
			return err
		}
		e.held = 2 * size
	}
	g.has = append(g.has, part[:n]...)
	e.leftOut += uint64(len(part) - n)
	return nil
}

func (g *growing) end() {
	if g.room < 0 {
		g.e.leftOut += uint64(len(g.name))
		return
	}
	g.e.fields = append(g.e.fields, field{g.name, g.has})
	g.e.kept += len(g.name) + len(g.has)
}
