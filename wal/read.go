package wal

import (
	"errors"
	"fmt"
	"io"
)

// Reader reads durable records in order.
type Reader struct {
	log  *Log
	from uint64 // the lowest entry still wanted
	seg  *segment
	off  int64
	file ReadFile
	head [recordHeader]byte
}

// ReadFrom reads from the record that holds this entry, or the next there is.
func (l *Log) ReadFrom(number uint64) *Reader { return &Reader{log: l, from: number} }

// Next is the next record; io.EOF when nothing more is durable yet. The payload
// is the caller's.
func (r *Reader) Next() (Record, error) {
	for {
		length, ok := r.position()
		if !ok {
			return Record{}, io.EOF
		}
		if r.off >= length {
			if !r.advance() {
				return Record{}, io.EOF
			}
			continue
		}
		rec, err := r.read(length)
		if errors.Is(err, errDamaged) {
			if err = r.skip(length); err == nil {
				continue
			}
		}
		if err != nil {
			return Record{}, fmt.Errorf("read log: %w", err)
		}
		r.off += rec.Size
		if rec.Last() < r.from {
			continue
		}
		r.from = rec.Last() + 1
		return rec, nil
	}
}

// position makes sure that there is a segment to read, and says how far it is
// durable.
func (r *Reader) position() (int64, bool) {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	if r.seg == nil {
		for i, s := range r.log.segments {
			if s.next > r.from || i == len(r.log.segments)-1 {
				r.seg, r.off = s, segmentHeader
				break
			}
		}
	}
	if r.seg == nil {
		return 0, false
	}
	return r.seg.length, true
}

// advance moves to the next segment, if there is one.
func (r *Reader) advance() bool {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	for _, s := range r.log.segments {
		if s.num > r.seg.num {
			// The old one may have grown between the two looks.
			if r.off < r.seg.length {
				return true
			}
			r.close()
			r.seg, r.off = s, segmentHeader
			return true
		}
	}
	return false
}

var errDamaged = errors.New("damaged record")

func (r *Reader) read(length int64) (Record, error) {
	if r.file == nil {
		f, err := r.log.fs.Open(r.seg.path)
		if err != nil {
			return Record{}, err
		}
		r.file = f
	}
	if _, err := r.file.ReadAt(r.head[:], r.off); err != nil {
		return Record{}, damagedAt(err)
	}
	n, ok := recordLength(r.head[:], r.log.opts.MaxRecord)
	if !ok || r.off+int64(recordHeader+n) > length {
		return Record{}, errDamaged
	}
	b := make([]byte, recordHeader+n)
	if _, err := r.file.ReadAt(b, r.off); err != nil {
		return Record{}, damagedAt(err)
	}
	rec, ok := r.seg.parse(b, r.log.opts.MaxRecord)
	if !ok {
		return Record{}, errDamaged
	}
	return rec, nil
}

// damagedAt tells a file that is too short from a disk that does not answer.
func damagedAt(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errDamaged
	}
	return err
}

// SkipUnreadable gives up what Next cannot read because the disk does not
// answer, and goes on behind it, at the next record that can be read. Whatever
// of the region is lost is so for good; the caller says when.
func (r *Reader) SkipUnreadable() error {
	length, ok := r.position()
	if !ok || r.off >= length {
		return nil
	}
	r.close()
	return r.skip(length)
}

// skip moves past a damaged region, to the next whole record or to the end of
// the segment.
func (r *Reader) skip(length int64) error {
	b, err := r.log.readAll(r.seg.path)
	if err != nil {
		// Nothing of the file can be read: no more than the file is given up.
		b = nil
	}
	b = b[:min(int64(len(b)), length)]
	r.log.damaged.Add(1)
	if at, ok := r.seg.resync(b, int(r.off)+1, r.log.opts.MaxRecord); ok {
		r.off = int64(at)
		return nil
	}
	r.off = length
	return nil
}

// Close frees the file.
func (r *Reader) Close() { r.close() }

func (r *Reader) close() {
	if r.file != nil {
		_ = r.file.Close()
		r.file = nil
	}
}
