package evtx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// Magic is how a file begins.
const Magic = "ElfFile\x00"

// Record is one event.
type Record struct {
	// ID is the record's number in its log.
	ID uint64
	// JSON is the event; valid until the next record.
	JSON []byte
}

// Sizes of the format, in bytes.
const (
	fileHeader  = 128
	chunkSize   = 64 << 10
	chunkHeader = 512
	recordHead  = 24
	recordTail  = 4
)

// flagDirty says that the log was not closed: its headers may be older than its
// records.
const flagDirty = 1

// DamageError is a part of a log that could not be read and was passed over.
type DamageError struct {
	// Chunk counts from 0; −1: the head of the file.
	Chunk int
	// Offset is that of the part in the file, in bytes.
	Offset int64
	Detail string
}

// Error begins with the offset.
func (e *DamageError) Error() string {
	if e.Chunk < 0 {
		return e.Detail
	}
	return fmt.Sprintf("chunk %d, byte %d: %s", e.Chunk, e.Offset, e.Detail)
}

// ErrNoLog is what has no head of an event log.
var ErrNoLog = errors.New("no EVTX file: its head is missing or cut off")

// Each calls use with every record of the log, in the order of the file, and
// damaged with what is passed over. It ends with the first error of either; a log
// whose head is none is refused.
func Each(in io.Reader, use func(Record) error, damaged func(*DamageError) error) error {
	l := &log{use: use, damaged: damaged}
	start, err := l.head(in)
	if err != nil {
		return err
	}
	block := make([]byte, chunkSize)
	for n := 0; ; n++ {
		got, err := io.ReadFull(in, block)
		cut := errors.Is(err, io.ErrUnexpectedEOF)
		if errors.Is(err, io.EOF) {
			return l.end(n, start+int64(n)*chunkSize)
		}
		if err != nil && !cut {
			return err
		}
		clear(block[got:])
		at := start + int64(n)*chunkSize
		if err := l.chunk(n, at, block, cut); err != nil {
			return err
		}
		if cut {
			return l.tell(n, at+int64(got), "the file ends within the chunk; what stood behind is missing")
		}
	}
}

// log is one call of Each.
type log struct {
	use     func(Record) error
	damaged func(*DamageError) error
	dirty   bool
	chunks  int // as the head of the file counts them
	out     []byte
}

// end is where the file ends after n chunks. The head of a log that is still written
// may count others.
func (l *log) end(n int, offset int64) error {
	if n < l.chunks && !l.dirty {
		return l.tell(n, offset, "the file ends after %d of %d chunks; what stood behind is missing", n, l.chunks)
	}
	return nil
}

// head reads the head of the file and goes to the first chunk, whose offset it
// returns.
func (l *log) head(in io.Reader) (int64, error) {
	head := make([]byte, fileHeader)
	if _, err := io.ReadFull(in, head); err != nil || string(head[:8]) != Magic {
		return 0, ErrNoLog
	}
	l.dirty = binary.LittleEndian.Uint32(head[120:])&flagDirty != 0
	if binary.LittleEndian.Uint32(head[124:]) != crc32.ChecksumIEEE(head[:120]) {
		l.dirty = true
		if err := l.damaged(&DamageError{Chunk: -1, Detail: "the head of the file does not have its checksum; the records are read all the same"}); err != nil {
			return 0, err
		}
	}
	start := int64(binary.LittleEndian.Uint16(head[40:]))
	l.chunks = int(binary.LittleEndian.Uint16(head[42:]))
	if start < fileHeader {
		start = 4096
	}
	if _, err := io.CopyN(io.Discard, in, start-fileHeader); err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	return start, nil
}

func (l *log) tell(chunk int, offset int64, format string, args ...any) error {
	return l.damaged(&DamageError{Chunk: chunk, Offset: offset, Detail: fmt.Sprintf(format, args...)})
}

var chunkMagic = []byte("ElfChnk\x00")

// chunk reads the records of a chunk that is whole, and of one that Windows was
// writing those that are.
func (l *log) chunk(n int, offset int64, block []byte, cut bool) error {
	if !bytes.HasPrefix(block, chunkMagic) {
		if len(bytes.Trim(block, "\x00")) == 0 {
			return nil // room that is not used yet
		}
		return l.tell(n, offset, "no chunk of a log begins here; its 64 KiB are skipped")
	}
	le := binary.LittleEndian
	sum := crc32.Update(crc32.ChecksumIEEE(block[:120]), crc32.IEEETable, block[128:chunkHeader])
	headOK := sum == le.Uint32(block[124:])
	free := int(le.Uint32(block[48:]))
	if free < chunkHeader || free > chunkSize {
		headOK, free = false, chunkSize
	}
	whole := headOK && crc32.ChecksumIEEE(block[chunkHeader:free]) == le.Uint32(block[52:])
	switch {
	case whole:
	case cut || l.dirty:
		free = chunkSize // its head is older than its records
	case !headOK:
		return l.tell(n, offset, "the head of the chunk does not have its checksum; its records (about %d) are skipped", records(block))
	default:
		return l.tell(n, offset, "the records of the chunk do not have their checksum; they (about %d) are skipped", records(block))
	}
	return l.records(n, offset, newChunk(block), free, whole)
}

// records is how many the head of a chunk promises.
func records(block []byte) uint64 {
	first, last := binary.LittleEndian.Uint64(block[8:]), binary.LittleEndian.Uint64(block[16:])
	if n := last - first + 1; first > 0 && last >= first && n < chunkSize/recordHead {
		return n
	}
	return 0
}

var recordMagic = []byte{0x2a, 0x2a, 0, 0}

// records reads the records up to an offset. In a chunk that is not whole they end
// where the next one is none.
func (l *log) records(n int, offset int64, c *chunk, free int, whole bool) error {
	le := binary.LittleEndian
	var last uint64
	for at := chunkHeader; at+recordHead+recordTail <= free; {
		size := int(le.Uint32(c.data[at+4:]))
		intact := bytes.HasPrefix(c.data[at:], recordMagic) && size >= recordHead+recordTail && size <= free-at &&
			int(le.Uint32(c.data[at+size-recordTail:])) == size
		if !intact {
			if !whole && len(bytes.Trim(c.data[at:free], "\x00")) == 0 {
				return nil
			}
			if !whole && last != 0 && !bytes.HasPrefix(c.data[at:], recordMagic) {
				return nil // remains of what stood here before
			}
			return l.tell(n, offset+int64(at), "no whole record begins here; the rest of the chunk is skipped")
		}
		id := le.Uint64(c.data[at+8:])
		if !whole && last != 0 && id <= last {
			return nil // a record that is left of what the log held before it wrapped around
		}
		last = id
		out, err := c.event(l.out[:0], at+recordHead, at+size-recordTail)
		if err != nil {
			if err := l.tell(n, offset+int64(at), "record %d is skipped: %v", id, err); err != nil {
				return err
			}
		} else {
			l.out = out
			if err := l.use(Record{ID: id, JSON: out}); err != nil {
				return err
			}
		}
		at += size
	}
	return nil
}
