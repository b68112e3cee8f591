package ingest

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"

	"nightjar/wal"
)

// mark is how far the log has been carried into the sink.
type mark struct {
	// Stored: every event up to here is in the sink.
	Stored uint64
	// To > Stored: the block (Stored, To] may be there too. Until it surely is,
	// no other block may begin behind Stored.
	To uint64
}

// checkpoint keeps the mark in a file of two slots that are written alternately,
// in place: a torn write leaves the other one, and a full disk has room.
type checkpoint struct {
	file  *os.File
	name  [16]byte // of the log
	turn  uint64
	state mark
	// found is false when the file told nothing.
	found bool
}

const slotSize = 512

func openCheckpoint(path, logID string) (*checkpoint, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open checkpoint: %w", err)
	}
	c := &checkpoint{file: f}
	copy(c.name[:], logID)
	for slot := range 2 {
		b := make([]byte, slotSize)
		if _, err := f.ReadAt(b, int64(slot)*slotSize); err != nil {
			continue
		}
		turn, state, ok := c.parse(b)
		if ok && turn >= c.turn {
			c.turn, c.state, c.found = turn, state, true
		}
	}
	if c.found {
		return c, nil
	}
	for range 2 { // reserve both slots
		if err := c.save(mark{}); err != nil {
			f.Close()
			return nil, err
		}
	}
	c.found = false
	return c, wal.SyncDir(filepath.Dir(path))
}

func (c *checkpoint) parse(b []byte) (turn uint64, state mark, ok bool) {
	sum := binary.LittleEndian.Uint32(b[40:])
	if [16]byte(b[:16]) != c.name || crc32.Checksum(b[:40], crc32.MakeTable(crc32.Castagnoli)) != sum {
		return 0, mark{}, false
	}
	return binary.LittleEndian.Uint64(b[16:]),
		mark{binary.LittleEndian.Uint64(b[24:]), binary.LittleEndian.Uint64(b[32:])}, true
}

// save makes the mark durable.
func (c *checkpoint) save(state mark) error {
	turn := c.turn + 1
	b := append(make([]byte, 0, slotSize), c.name[:]...)
	for _, v := range []uint64{turn, state.Stored, state.To} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
	if _, err := c.file.WriteAt(b[:slotSize], int64(turn%2)*slotSize); err != nil {
		return fmt.Errorf("save checkpoint: %w", err)
	}
	if err := c.file.Sync(); err != nil {
		return fmt.Errorf("save checkpoint: %w", err)
	}
	c.turn, c.state, c.found = turn, state, true
	return nil
}

func (c *checkpoint) close() error { return c.file.Close() }
