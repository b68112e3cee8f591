package ingest

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"nightjar/schema"
	"nightjar/wal"
)

// A block that is set aside is a file of a line that says what it is, as JSON, and
// of records as the log has them, each of events that arrived at one moment with
// consecutive numbers:
//
//	length u32 checksum u32 first u64 count u32 payload[length]
//
// and a record of length 0, so that a file that was cut short is known.
const asideRecord = 4 + 4 + 8 + 4

func writeAside(path string, head asideHead, events []schema.Event) (size int64, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "writing-*")
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	line, err := json.Marshal(head)
	if err != nil {
		return 0, err
	}
	_, _ = w.Write(append(line, '\n'))
	for len(events) > 0 {
		n := 1
		for n < len(events) && events[n].Seen == events[0].Seen && events[n].Seq == events[n-1].Seq+1 {
			n++
		}
		buf := encodeBatch(Batch{Events: events[:n]}, events[0].Seen)
		_, _ = w.Write(asideRecordOf(buf.b, events[0].Seq, n))
		_, _ = w.Write(buf.b)
		buf.free()
		events = events[n:]
	}
	_, _ = w.Write(asideRecordOf(nil, 0, 0))
	if err = w.Flush(); err != nil { // it tells of the first error
		return 0, err
	}
	if err = f.Sync(); err != nil {
		return 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if err = f.Close(); err != nil {
		return 0, err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return 0, err
	}
	return info.Size(), wal.SyncDir(filepath.Dir(path))
}

func asideRecordOf(payload []byte, first uint64, count int) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(payload)))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(payload, crc32.MakeTable(crc32.Castagnoli)))
	b = binary.LittleEndian.AppendUint64(b, first)
	return binary.LittleEndian.AppendUint32(b, uint32(count))
}

// readAsideHead reads what a block is, without its events.
func readAsideHead(path string) (*asideBlock, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	b := &asideBlock{path: path, bytes: info.Size()}
	line, err := bufio.NewReader(f).ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(line, &b.asideHead); err != nil {
		return nil, err
	}
	if b.First == 0 || b.Last < b.First || b.Events < 1 {
		return nil, errors.New("it says of no events")
	}
	return b, nil
}

// errDamagedAside says that the file of a block is not what was written.
var errDamagedAside = errors.New("damaged")

// readAside reads the events of a block.
func readAside(path string) ([]schema.Event, error) {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("read a block that was set aside: %w: %w", errDamagedAside, err)
	case err != nil:
		return nil, fmt.Errorf("read a block that was set aside: %w", err)
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<20)
	if _, err := r.ReadBytes('\n'); err != nil {
		return nil, fmt.Errorf("read %s: %w: %w", path, errDamagedAside, err)
	}
	var events []schema.Event
	for {
		var head [asideRecord]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return nil, fmt.Errorf("read %s: %w: %w", path, errDamagedAside, err)
		}
		length := binary.LittleEndian.Uint32(head[:])
		if length == 0 {
			return events, nil
		}
		if length > 1<<30 {
			return nil, fmt.Errorf("read %s: %w", path, errDamagedAside)
		}
		payload := make([]byte, length)
		if _, err := io.ReadFull(r, payload); err != nil {
			return nil, fmt.Errorf("read %s: %w: %w", path, errDamagedAside, err)
		}
		if crc32.Checksum(payload, crc32.MakeTable(crc32.Castagnoli)) != binary.LittleEndian.Uint32(head[4:]) {
			return nil, fmt.Errorf("read %s: %w", path, errDamagedAside)
		}
		some, err := decodeBatch(wal.Record{First: binary.LittleEndian.Uint64(head[8:]), Count: binary.LittleEndian.Uint32(head[16:]), Payload: payload})
		if err != nil {
			return nil, fmt.Errorf("read %s: %w: %w", path, errDamagedAside, err)
		}
		events = append(events, some...)
	}
}
