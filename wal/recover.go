package wal

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sort"
)

// Report is what Open found that should not be there.
type Report struct {
	// TornBytes followed the last whole record: an append that never finished.
	TornBytes int64
	// DamagedRegions were acknowledged once and cannot be read.
	DamagedRegions, DamagedBytes int64
	// LostEntries is how many numbers are missing because of that, Lost which.
	LostEntries uint64
	Lost        []Range
	// Missing are segments that are not there, although a later one follows them.
	Missing int
	// Next is above every number that was found.
	Next uint64
	// Quarantined are files without a readable header, renamed.
	Quarantined []string
}

// Range is a stretch of numbers, both ends included.
type Range struct{ First, Last uint64 }

// Clean tells whether nothing acknowledged is missing.
func (r Report) Clean() bool {
	return r.DamagedRegions == 0 && len(r.Quarantined) == 0 && r.Missing == 0
}

func (r *Report) lose(first, last uint64) {
	r.LostEntries += last - first + 1
	r.Lost = append(r.Lost, Range{first, last})
}

// String says it for the log.
func (r Report) String() string {
	return fmt.Sprintf("torn bytes %d, damaged regions %d (%d bytes), files missing %d, entries lost %d, files set aside %v",
		r.TornBytes, r.DamagedRegions, r.DamagedBytes, r.Missing, r.LostEntries, r.Quarantined)
}

// recover reads every segment. Only a folder that cannot be listed stops it.
func (l *Log) recover() (Report, error) {
	var report Report
	names, err := l.fs.List(l.opts.Dir)
	if err != nil {
		return report, fmt.Errorf("list segments: %w", err)
	}
	limits := map[uint64]int64{} // segment → how far it had been acknowledged
	for _, name := range names {
		num, ok := segmentNumber(name)
		if !ok {
			continue
		}
		l.number = max(l.number, num)
		seg, ok := l.readHeader(name)
		if !ok || seg.num != num {
			l.setAside(name, &report)
			continue
		}
		limits[seg.prev] = seg.prevLength
		l.segments = append(l.segments, seg)
	}
	sort.Slice(l.segments, func(i, j int) bool { return l.segments[i].num < l.segments[j].num })
	kept, hole := l.segments[:0], false
	for i, seg := range l.segments {
		if i > 0 && seg.prev != l.segments[i-1].num {
			report.Missing++
			hole = true
		}
		if hole && seg.first > l.next {
			report.lose(l.next, seg.first-1)
		}
		limit, finished := limits[seg.num]
		b, err := l.readAll(seg.path)
		if err != nil { // a disk that does not give it back now: keep the file for a better day
			l.setAside(filepath.Base(seg.path), &report)
			hole = true
			continue
		}
		hole = l.scan(seg, b, limit, finished, &report)
		l.next = max(l.next, seg.next)
		kept = append(kept, seg)
	}
	l.segments = kept
	report.Next = l.next
	l.damaged.Store(uint64(report.DamagedRegions) + uint64(len(report.Quarantined)))
	return report, nil
}

// sector is the unit in which disks fail.
const sector = 4096

// readAll is the content of a segment. Sectors that the disk does not give back
// are zeros in it, so that they cost the records in them and no others.
func (l *Log) readAll(path string) ([]byte, error) {
	b, err := l.fs.ReadFile(path, -1)
	if err == nil {
		return b, nil
	}
	f, open := l.fs.Open(path)
	if open != nil {
		return nil, err
	}
	defer f.Close()
	b = b[:0]
	readable := false
	for most := l.opts.SegmentBytes + 2*int64(l.opts.MaxRecord); int64(len(b)) < most; {
		at := len(b)
		b = append(b, make([]byte, sector)...)
		n, e := f.ReadAt(b[at:], int64(at))
		readable = readable || n > 0
		switch {
		case errors.Is(e, io.EOF):
			if !readable {
				return nil, err
			}
			return b[:at+n], nil
		case e != nil:
			clear(b[at+n:])
		}
	}
	return nil, err // no end in sight: it is not the segment that it says it is
}

func (l *Log) readHeader(name string) (*segment, bool) {
	path := filepath.Join(l.opts.Dir, name)
	b, err := l.fs.ReadFile(path, segmentHeader)
	if err != nil {
		return nil, false
	}
	seg, id, ok := parseHeader(b)
	if !ok {
		return nil, false
	}
	seg.path = path
	l.id = id
	return seg, true
}

// setAside renames a file that cannot be understood. One that is too short to
// hold a record is the trace of a crash and is removed.
func (l *Log) setAside(name string, report *Report) {
	path := filepath.Join(l.opts.Dir, name)
	if b, err := l.fs.ReadFile(path, segmentHeader+1); err == nil && len(b) <= segmentHeader {
		report.TornBytes += int64(len(b))
		_ = l.fs.Remove(path)
		return
	}
	aside := path + ".damaged"
	_ = l.fs.Rename(path, aside)
	report.Quarantined = append(report.Quarantined, aside)
}

// scan walks the records of a segment. limit is how far a finished one had been
// acknowledged; in the last one, whatever is whole counts. It tells whether the
// segment ends in a hole.
func (l *Log) scan(seg *segment, b []byte, limit int64, finished bool, report *Report) (hole bool) {
	missing := int64(0)
	if finished {
		missing = max(0, limit-int64(len(b)))
		b = b[:min(limit, int64(len(b)))]
	}
	at := min(segmentHeader, len(b))
	for at < len(b) {
		r, ok := seg.parse(b[at:], l.opts.MaxRecord)
		if !ok {
			next, ok := seg.resync(b, at+1, l.opts.MaxRecord)
			if !ok {
				break
			}
			report.DamagedRegions++
			report.DamagedBytes += int64(next - at)
			at, hole = next, true
			continue
		}
		if hole && r.First > seg.next {
			report.lose(seg.next, r.First-1)
		}
		hole = false
		seg.next = r.First + uint64(r.Count)
		if l.opts.Visit != nil {
			l.opts.Visit(r)
		}
		at += int(r.Size)
	}
	seg.length = int64(at)
	tail := int64(len(b)-at) + missing
	if tail > 0 && finished {
		report.DamagedRegions++
		report.DamagedBytes += tail
		return true
	}
	report.TornBytes += tail
	return false
}
