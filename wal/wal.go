package wal

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Errors of Append.
var (
	ErrClosed   = errors.New("the log is closed")
	ErrTooLarge = errors.New("the record is larger than the log takes")
)

// Options say where the log is and how it is cut.
type Options struct {
	Dir string
	// SegmentBytes is the size at which a segment file is finished; 0: 32 MiB.
	SegmentBytes int64
	// MaxRecord bounds one payload; 0: 64 MiB.
	MaxRecord int
	// FS is the file system; nil: the operating system's.
	FS FS
	// Visit is shown every record that Open finds, in order.
	Visit func(Record)
	// Synced is told how long each fsync took, and whether it failed.
	Synced func(took time.Duration, err error)
}

// Record is one appended payload and the numbers of its entries.
type Record struct {
	First   uint64
	Count   uint32
	Payload []byte
	// Size is what the record takes on disk.
	Size int64
}

// Last is the number of the record's last entry.
func (r Record) Last() uint64 { return r.First + uint64(r.Count) - 1 }

// Log is an append log. Its methods may be called concurrently.
type Log struct {
	opts Options
	fs   FS
	lock File
	id   [16]byte

	queueMu sync.Mutex
	queue   []*pending

	// commit is held by the one append that writes for all that are queued.
	commit sync.Mutex
	active File   // file of the newest segment; nil: open one first
	number uint64 // highest segment number ever tried
	buf    []byte

	mu       sync.Mutex // guards what follows
	segments []*segment
	next     uint64
	grown    chan struct{}

	closed  atomic.Bool
	damaged atomic.Uint64
}

type pending struct {
	payload []byte
	count   uint32
	first   uint64
	done    bool
	err     error
}

// Open reads the folder, creating it when absent, and leaves the log ready to
// append. A folder in use by another process is refused.
func Open(opts Options) (*Log, Report, error) {
	if opts.SegmentBytes == 0 {
		opts.SegmentBytes = 32 << 20
	}
	if opts.MaxRecord == 0 {
		opts.MaxRecord = 64 << 20
	}
	if opts.FS == nil {
		opts.FS = OS{}
	}
	l := &Log{opts: opts, fs: opts.FS, next: 1, grown: make(chan struct{})}
	if err := l.fs.MkdirAll(opts.Dir); err != nil {
		return nil, Report{}, fmt.Errorf("create log folder: %w", err)
	}
	lock, err := l.fs.Lock(filepath.Join(opts.Dir, "LOCK"))
	if err != nil {
		return nil, Report{}, fmt.Errorf("lock log folder %s: %w", opts.Dir, err)
	}
	l.lock = lock
	if _, err := rand.Read(l.id[:]); err != nil {
		return nil, Report{}, fmt.Errorf("name the log: %w", err)
	}
	report, err := l.recover()
	if err != nil {
		lock.Close()
		return nil, report, fmt.Errorf("open log: %w", err)
	}
	return l, report, nil
}

// Append writes the payload as a record of count entries, and returns the
// number of the first of them when all of it is durable. After an error the
// record is not in the log, unless the process dies before the next append.
func (l *Log) Append(payload []byte, count int) (first uint64, err error) {
	if len(payload) > l.opts.MaxRecord {
		return 0, fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, len(payload), l.opts.MaxRecord)
	}
	p := &pending{payload: payload, count: uint32(max(count, 1))}
	l.queueMu.Lock()
	l.queue = append(l.queue, p)
	l.queueMu.Unlock()

	// Whoever gets the lock first writes everything queued by then; the others
	// find their record written already when they get the lock.
	l.commit.Lock()
	defer l.commit.Unlock()
	if !p.done {
		l.flush()
	}
	return p.first, p.err
}

// flush writes what is queued, in order, with one fsync. commit is held.
func (l *Log) flush() {
	l.queueMu.Lock()
	group := l.queue
	l.queue = nil
	l.queueMu.Unlock()

	err := l.write(group)
	for _, p := range group {
		p.done = true
		if err != nil {
			p.err = fmt.Errorf("append to log: %w", err)
		}
	}
}

func (l *Log) write(group []*pending) error {
	if l.closed.Load() {
		return ErrClosed
	}
	if err := l.ensureActive(); err != nil {
		return err
	}
	seg := l.newest()
	next, size := l.Next(), int64(0)
	for _, p := range group {
		p.first = next
		next += uint64(p.count)
		n, err := l.put(seg, p)
		if err != nil {
			l.abandon(seg)
			return err
		}
		size += n
	}
	if err := l.sync(); err != nil {
		// The kernel may have dropped the pages and called them clean: another
		// fsync of this file proves nothing.
		l.abandon(seg)
		return fmt.Errorf("fsync: %w", err)
	}
	l.publish(seg, seg.length+size, next)
	if seg.length >= l.opts.SegmentBytes {
		err := l.active.Close()
		l.active = nil
		_ = err // everything in it is synced
	}
	return nil
}

// put writes one record; large payloads are not copied.
func (l *Log) put(seg *segment, p *pending) (int64, error) {
	l.buf = seg.appendHeader(l.buf[:0], p)
	if len(p.payload) <= 64<<10 {
		l.buf = append(l.buf, p.payload...)
		_, err := l.active.Write(l.buf)
		return int64(len(l.buf)), err
	}
	if _, err := l.active.Write(l.buf); err != nil {
		return 0, err
	}
	_, err := l.active.Write(p.payload)
	return int64(recordHeader + len(p.payload)), err
}

func (l *Log) sync() error {
	start := time.Now()
	err := l.active.Sync()
	if l.opts.Synced != nil {
		l.opts.Synced(time.Since(start), err)
	}
	return err
}

// abandon gives up the file of the newest segment. What was acknowledged stays
// readable; the header of the next segment says how far that reaches, so what
// came after is ignored even when it could not be cut off.
func (l *Log) abandon(seg *segment) {
	_ = l.active.Truncate(seg.length) // best effort, see above
	_ = l.active.Close()
	l.active = nil
	if seg.next > seg.first {
		return
	}
	// Nothing was acknowledged in it: a disk that stays full shall not collect
	// empty files.
	_ = l.fs.Remove(seg.path)
	l.mu.Lock()
	l.segments = slices.DeleteFunc(l.segments, func(have *segment) bool { return have == seg })
	l.mu.Unlock()
}

// ensureActive opens a new segment when there is no file to append to.
func (l *Log) ensureActive() error {
	if l.active != nil {
		return nil
	}
	l.number++
	seg := &segment{num: l.number, first: l.Next(), length: segmentHeader}
	seg.next = seg.first
	if prev := l.newest(); prev != nil {
		seg.prev, seg.prevLength = prev.num, prev.length
	}
	var salt [8]byte
	if _, err := rand.Read(salt[:]); err != nil {
		return fmt.Errorf("salt segment: %w", err)
	}
	seg.salt = binary.LittleEndian.Uint64(salt[:])
	seg.path = filepath.Join(l.opts.Dir, segmentName(seg.num))
	f, err := l.create(seg)
	if err != nil {
		return fmt.Errorf("open segment: %w", err)
	}
	l.active = f
	l.mu.Lock()
	l.segments = append(l.segments, seg)
	l.mu.Unlock()
	return nil
}

func (l *Log) create(seg *segment) (File, error) {
	f, err := l.fs.Create(seg.path)
	if err != nil {
		return nil, err
	}
	if _, err = f.Write(seg.header(l.id)); err == nil {
		if err = f.Sync(); err == nil {
			err = l.fs.SyncDir(l.opts.Dir)
		}
	}
	if err != nil {
		_ = f.Close()
		_ = l.fs.Remove(seg.path) // an empty segment left behind does no harm
		return nil, err
	}
	return f, nil
}

func (l *Log) newest() *segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.segments) == 0 {
		return nil
	}
	return l.segments[len(l.segments)-1]
}

func (l *Log) publish(seg *segment, length int64, next uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	seg.length, seg.next, l.next = length, next, next
	close(l.grown)
	l.grown = make(chan struct{})
}

// Next is the number that the next entry will get; all below it are durable.
func (l *Log) Next() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next
}

// Grown is closed when entries become durable after this call.
func (l *Log) Grown() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.grown
}

// SkipTo makes next the number of the next entry, unless it is past that. It returns
// what that number was before: those from it on were not given.
func (l *Log) SkipTo(next uint64) (was uint64) {
	l.commit.Lock()
	defer l.commit.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	was = l.next
	l.next = max(l.next, next)
	return was
}

// Begin opens a segment where there is none: numbering, and the name of the log,
// are remembered from here on.
func (l *Log) Begin() error {
	l.commit.Lock()
	defer l.commit.Unlock()
	if err := l.ensureActive(); err != nil {
		return fmt.Errorf("begin log: %w", err)
	}
	return nil
}

// ID names the log: it is made with the folder and stays.
func (l *Log) ID() string { return hex.EncodeToString(l.id[:]) }

// Damaged counts the regions that were found unreadable, at Open and since.
func (l *Log) Damaged() uint64 { return l.damaged.Load() }

// Fresh tells whether the folder held no segment.
func (l *Log) Fresh() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.segments) == 0
}

// First is the lowest number that the log may hold; 0: it holds no segment.
func (l *Log) First() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.segments) == 0 {
		return 0
	}
	return l.segments[0].first
}

// Size is what the log takes on disk.
func (l *Log) Size() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	var size int64
	for _, s := range l.segments {
		size += s.length
	}
	return size
}

// Release deletes the segments whose entries all have numbers up to through.
// The newest stays: it remembers where numbering is.
func (l *Log) Release(through uint64) error {
	for _, s := range l.Releasable(through) {
		if err := l.fs.Remove(filepath.Join(l.opts.Dir, segmentName(s))); err != nil {
			return fmt.Errorf("release segment: %w", err)
		}
		l.mu.Lock()
		l.segments = slices.DeleteFunc(l.segments, func(have *segment) bool { return have.num == s })
		l.mu.Unlock()
	}
	return nil
}

// Releasable are the segments that Release would delete, oldest first.
func (l *Log) Releasable(through uint64) []uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []uint64
	for i, s := range l.segments {
		if i == len(l.segments)-1 || s.next > through+1 {
			break
		}
		out = append(out, s.num)
	}
	return out
}

// Close waits for the append that is under way and frees the folder.
func (l *Log) Close() error {
	l.closed.Store(true)
	l.commit.Lock()
	defer l.commit.Unlock()
	if l.lock == nil {
		return nil
	}
	var err error
	if l.active != nil {
		err = l.active.Close()
		l.active = nil
	}
	if e := l.lock.Close(); err == nil {
		err = e
	}
	l.lock = nil
	return err
}
