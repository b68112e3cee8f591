package ingest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"nightjar/schema"
	"nightjar/wal"
)

// A record of the log is a batch: version, batch id, arrival time, number of
// events, and per event its time, its strings (its attributes as canonical JSON, and
// since version 2 its original among them) and its tags. Leaves are not written: they
// follow from the JSON. Arrival numbers are the record's.
const (
	encodingVersion = 2
	withoutOriginal = 1
)

type buffer struct{ b []byte }

var buffers = sync.Pool{New: func() any { return new(buffer) }}

func (b *buffer) free() {
	if cap(b.b) <= 4<<20 {
		buffers.Put(b)
	}
}

func encodeBatch(batch Batch, seen schema.Millis) *buffer {
	buf := buffers.Get().(*buffer)
	b := append(buf.b[:0], encodingVersion)
	b = appendText(b, batch.ID)
	b = binary.AppendVarint(b, int64(seen))
	b = binary.AppendUvarint(b, uint64(len(batch.Events)))
	for i := range batch.Events {
		e := &batch.Events[i]
		b = binary.AppendVarint(b, int64(e.At))
		for _, s := range [...]string{e.Source, e.Service, e.Host, e.Status, e.Message, e.JSON, e.Original} {
			b = appendText(b, s)
		}
		b = binary.AppendUvarint(b, uint64(len(e.Tags)))
		for _, t := range e.Tags {
			b = appendText(b, t)
		}
	}
	buf.b = b
	return buf
}

func appendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// decodeBatch reads the events of a record, numbered.
func decodeBatch(r wal.Record) ([]schema.Event, error) {
	d := decoder{b: r.Payload}
	version, _, seen, n := d.batch()
	if d.err == nil && n != uint64(r.Count) {
		d.err = fmt.Errorf("%d events in a record of %d", n, r.Count)
	}
	if d.err != nil {
		return nil, fmt.Errorf("decode record %d: %w", r.First, d.err)
	}
	events := make([]schema.Event, n)
	for i := range events {
		e := &events[i]
		e.Seq, e.Seen, e.At = r.First+uint64(i), seen, schema.Millis(d.varint())
		for _, s := range [...]*string{&e.Source, &e.Service, &e.Host, &e.Status, &e.Message, &e.JSON} {
			*s = d.text()
		}
		if version > withoutOriginal {
			e.Original = d.text()
		}
		e.Tags = d.texts()
		if d.err != nil {
			return nil, fmt.Errorf("decode record %d: %w", r.First, d.err)
		}
		a, err := schema.ParseAttributes(e.JSON)
		if err != nil {
			return nil, fmt.Errorf("decode record %d: %w", r.First, err)
		}
		e.Attributes = a
	}
	return events, nil
}

// batchIDOf reads only the head of a record.
func batchIDOf(payload []byte) (id string, seen schema.Millis, err error) {
	d := decoder{b: payload}
	_, id, seen, _ = d.batch()
	return id, seen, d.err
}

type decoder struct {
	b   []byte
	err error
}

var errShort = errors.New("it ends early")

func (d *decoder) batch() (version byte, id string, seen schema.Millis, n uint64) {
	if len(d.b) == 0 || d.b[0] != encodingVersion && d.b[0] != withoutOriginal {
		d.err = errors.New("written by another version of nightjar")
		return 0, "", 0, 0
	}
	version = d.b[0]
	d.b = d.b[1:]
	id = d.text()
	seen = schema.Millis(d.varint())
	n = d.uvarint()
	if n > uint64(len(d.b)) && d.err == nil {
		d.err = errShort
	}
	return version, id, seen, n
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	d.skip(n)
	return v
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	d.skip(n)
	return v
}

func (d *decoder) skip(n int) {
	if n <= 0 {
		d.b, d.err = nil, errShort
		return
	}
	d.b = d.b[n:]
}

func (d *decoder) texts() []string {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.b, d.err = nil, errShort
	}
	if n == 0 || d.err != nil {
		return nil
	}
	out := make([]string, n)
	for i := range out {
		out[i] = d.text()
	}
	return out
}

func (d *decoder) text() string {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.b, d.err = nil, errShort
		return ""
	}
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}
