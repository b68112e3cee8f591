package delivery

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"

	"nightjar/wal"
)

// A mark is how far an agent has come, for the run after this one.
type mark struct {
	sequence uint64 // of marks: the one that was written last is the highest
	// through is the time up to which everything that was seen, and everything that was
	// lost, is in the spool or with the server; ms since 1970, 0: never.
	through int64
	ended   uint64 // 1: the run said goodbye then
	next    uint64 // all numbers below were given to entries that are durable
	settled uint64 // of these, all up to this one are done with
	made    int64  // when the batch of that one was made
}

const (
	markFile   = "mark"
	markFields = 6
	markSize   = 8*markFields + 4
	markSlot   = 512 // a sector, which is written whole or not at all
)

var markTable = crc32.MakeTable(crc32.Castagnoli)

func (m *mark) bytes() []byte {
	var b []byte
	for _, v := range []uint64{m.sequence, uint64(m.through), m.ended, m.next, m.settled, uint64(m.made)} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, markTable))
}

func parseMark(b []byte) (m mark, ok bool) {
	if len(b) < markSize || crc32.Checksum(b[:markSize-4], markTable) != binary.LittleEndian.Uint32(b[markSize-4:]) {
		return m, false
	}
	at := func(i int) uint64 { return binary.LittleEndian.Uint64(b[8*i:]) }
	m = mark{sequence: at(0), through: int64(at(1)), ended: at(2), next: at(3), settled: at(4), made: int64(at(5))}
	return m, m.sequence > 0
}

// marks is the file of two slots that are written in turn, in place and without a sync:
// what is written is there after the agent was killed, and takes no room on a full disk.
// A power failure may bring an older one back, which costs that more is sent again, and
// that a longer time counts as blind.
type marks struct {
	file *os.File
	last mark
}

// openMarks opens the file, or makes it. A file of which neither slot can be read is as
// good as none.
func openMarks(dir string) (*marks, error) {
	path := filepath.Join(dir, markFile)
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read the spool's mark: %w", err)
	}
	out := &marks{}
	for at := 0; at+markSize <= len(text); at += markSlot {
		if m, ok := parseMark(text[at:]); ok && m.sequence > out.last.sequence {
			out.last = m
		}
	}
	if len(text) != 2*markSlot {
		fresh := make([]byte, 2*markSlot)
		if out.last.sequence > 0 {
			copy(fresh[out.last.slot():], out.last.bytes())
		}
		if err := wal.ReplaceFile(path, fresh); err != nil {
			return nil, fmt.Errorf("make the spool's mark: %w", err)
		}
	}
	out.file, err = os.OpenFile(path, os.O_RDWR, 0)
	return out, err
}

func (m *mark) slot() int { return int(m.sequence%2) * markSlot }

// write makes m the last mark.
func (f *marks) write(m mark) error {
	m.sequence = f.last.sequence + 1
	if _, err := f.file.WriteAt(m.bytes(), int64(m.slot())); err != nil {
		return fmt.Errorf("write the spool's mark: %w", err)
	}
	f.last = m
	return nil
}

// close makes the last mark durable.
func (f *marks) close() error { return errors.Join(f.file.Sync(), f.file.Close()) }
