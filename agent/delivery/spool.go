package delivery

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"nightjar/wal"
)

// errFull is the error of a spool that has no room for a batch.
var errFull = errors.New("the spool is full")

// spool keeps batches on disk until they are settled. Appending belongs to one goroutine,
// next and settle to another.
type spool struct {
	log    *wal.Log
	reader *wal.Reader
	limit  int64
	own    uint64 // the first number of this run
	tell   *slog.Logger
	read   uint64 // the number that next expects
	last   int64  // when the batch before that was made

	mu     sync.Mutex
	marks  *marks
	now    mark   // to be written
	old    int    // events of earlier runs that wait
	newest uint64 // the last number that the log has
	syncs  Syncs
}

// Syncs are what it cost to make batches durable.
type Syncs struct {
	Count   uint64        `json:"count"`
	Took    time.Duration `json:"took_ns"`
	Longest time.Duration `json:"longest_ns"`
}

// openSpool opens the folder, which is the agent's alone. What a crash or a bad disk has
// damaged there is told, and does not keep it from opening.
func openSpool(dir string, limit int64, fs wal.FS, tell *slog.Logger) (*spool, error) {
	const pieces, least, most = 16, 64 << 10, 8 << 20
	s := &spool{limit: limit, tell: tell}
	if err := (wal.OS{}).MkdirAll(dir); err != nil {
		return nil, fmt.Errorf("make the spool's folder: %w", err)
	}
	// The mark says from where on records count, and is read under the log's lock.
	var found []wal.Record
	log, report, err := wal.Open(wal.Options{
		Dir: dir, FS: fs, SegmentBytes: min(max(limit/pieces, least), most), Synced: s.synced,
		Visit: func(r wal.Record) {
			r.Payload = bytes.Clone(r.Payload[:min(len(r.Payload), 256)]) // its first line
			found = append(found, r)
		},
	})
	if err != nil {
		return nil, fmt.Errorf("open the spool: %w", err)
	}
	if s.marks, err = openMarks(dir); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	if !report.Clean() {
		tell.Error("the spool is damaged", "folder", dir, "found", report.String())
	}
	s.log, s.now = log, s.marks.last
	s.resume(found)
	return s, nil
}

// resume goes on where the run before ended.
func (s *spool) resume(found []wal.Record) {
	s.newest = s.log.SkipTo(s.now.next) - 1 // what the mark knows of and is not there is damaged
	s.own = s.log.Next()
	first := s.own
	for _, r := range found {
		if r.Last() > s.now.settled {
			first = min(first, r.First)
			s.old += eventsOf(r)
		}
	}
	if s.now.sequence == 0 {
		// Without a mark nobody knows what is settled: the server tells.
		s.now.settled = first - 1
	}
	s.read, s.last = s.now.settled+1, s.now.made
	s.reader = s.log.ReadFrom(s.read)
}

// eventsOf is how many events a record has, of which the first line is there.
func eventsOf(r wal.Record) int {
	b, _, err := parseHead(r.Payload)
	if err != nil {
		return 0
	}
	return b.events
}

func (s *spool) synced(took time.Duration, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.syncs.Count++
	s.syncs.Took += took
	s.syncs.Longest = max(s.syncs.Longest, took)
}

// append makes a batch durable. Its error is errFull where it has no room.
func (s *spool) append(b *batch) error {
	record := b.record()
	if s.log.Size()+wal.RecordSize(len(record)) > s.limit {
		return errFull
	}
	first, err := s.log.Append(record, b.entries())
	if err == nil {
		s.mu.Lock()
		s.newest = first + uint64(b.entries()) - 1
		s.mu.Unlock()
	}
	return err
}

// next is the next batch that is not settled, its last number, and how many entries
// before it are damaged; nil when there is none.
func (s *spool) next() (b *batch, last, damaged uint64, err error) {
	for {
		r, err := s.reader.Next()
		if errors.Is(err, io.EOF) {
			return nil, 0, 0, nil
		}
		if err != nil {
			return nil, 0, 0, err
		}
		b, err := parseRecord(r.Payload)
		if err != nil { // it has a right checksum, so somebody else wrote it
			s.tell.Error("what is in the spool is no batch", "entry", r.First)
			continue
		}
		damaged = r.First - min(s.read, r.First)
		s.read = r.Last() + 1
		return b, r.Last(), damaged, nil
	}
}

// settle lets go of the batch that next returned.
func (s *spool) settle(b *batch, last uint64) error {
	s.mu.Lock()
	s.last, s.now.settled, s.now.made, s.now.next = b.made, last, b.made, s.log.Next()
	if last < s.own {
		s.old -= b.events
	}
	err := s.marks.write(s.now)
	s.mu.Unlock()
	return errors.Join(err, s.log.Release(last))
}

// reached writes that everything up to a time is in the log or settled; ended says that
// the agent said goodbye then. Zero is a time that is not known: that before holds.
func (s *spool) reached(through time.Time, ended bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.now
	s.now.next = s.log.Next()
	if !through.IsZero() {
		s.now.through, s.now.ended = through.UnixMilli(), 0
	}
	if ended {
		s.now.ended = 1
	}
	if s.now == before {
		return nil
	}
	return s.marks.write(s.now)
}

// settledAll reports whether every batch is settled.
func (s *spool) settledAll() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now.settled >= s.newest
}

// earlier is how many events of earlier runs wait, and what syncing has cost.
func (s *spool) earlier() (events int, syncs Syncs) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.old, s.syncs
}

func (s *spool) close() error {
	s.reader.Close()
	return errors.Join(s.log.Close(), s.marks.close())
}
