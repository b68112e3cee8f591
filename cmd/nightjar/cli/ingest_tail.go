package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"syscall"
	"time"

	"nightjar/ingest/files"
)

// tail reads one file that may grow, be truncated, or have been rotated away.
type tail struct {
	*follower
	ctx  context.Context
	file *os.File
	of   *followed
	at   look // when it was last read to its end

	sender    *fileSender
	truncated bool
	// last is what stood before the place up to which the file was read: when that
	// has changed, the file was truncated and written anew.
	last   []byte
	lastAt int64
	quiet  time.Time // since when nothing was written
	failed error
}

// maxLast is how much of what was read is compared.
const maxLast = 256

// run reads the file until it is finished. One that is truncated is another one.
func (t *tail) run() {
	for first := true; first || t.truncated && t.ctx.Err() == nil; first = false {
		t.truncated, t.last, t.lastAt, t.quiet = false, nil, 0, time.Now()
		if _, err := t.file.Seek(0, io.SeekStart); err != nil {
			t.passOver(err)
			return
		}
		t.read()
	}
}

func (t *tail) read() {
	path := t.told(t.of).path
	t.sender = &fileSender{shipper: t.shipper, ctx: t.ctx, name: path, mend: true, file: t.file}
	options := files.Options{Skipped: t.passOver}
	head := make([]byte, 512)
	if n, _ := t.file.ReadAt(head, 0); files.Followable(head[:n]) {
		options.Follow = t.more
	}
	if info, err := t.file.Stat(); err == nil {
		t.at = lookOf(info)
	}
	err := files.Read(path, t.file, options, t.sender.record)
	if t.ctx.Err() != nil {
		return
	}
	if t.failed == nil {
		t.failed = t.sender.flush()
	}
	var refused *httpError
	switch {
	case errors.As(err, &refused), t.failed != nil:
		t.fail(errors.Join(t.failed, err))
	case err != nil:
		t.passOver(err)
	}
}

// more waits at the end of the file for something to be written. What was read is
// sent before.
func (t *tail) more() bool {
	if t.failed = t.sender.flush(); t.failed != nil {
		return false
	}
	for begun := time.Now(); t.ctx.Err() == nil; {
		info, err := t.file.Stat()
		if err != nil {
			t.failed = err
			return false
		}
		if look := lookOf(info); look != t.at {
			t.at, t.quiet = look, time.Now()
		}
		offset, err := t.file.Seek(0, io.SeekCurrent)
		if err != nil {
			t.failed = err
			return false
		}
		switch {
		case info.Size() < offset || !t.unchanged(offset):
			t.truncated = true
			return false
		case info.Size() > offset, time.Since(begun) > followGrace/2 && !t.isOver(info):
			return true
		case t.isOver(info):
			return false
		}
		select {
		case <-t.ctx.Done():
		case <-time.After(followEvery):
		}
	}
	return false
}

// unchanged reports whether what stood before the place still does, and looks at
// what stands before it now.
func (t *tail) unchanged(offset int64) bool {
	before := make([]byte, len(t.last))
	if _, err := t.file.ReadAt(before, t.lastAt-int64(len(before))); err != nil || !bytes.Equal(before, t.last) {
		return false
	}
	if offset != t.lastAt {
		last := make([]byte, min(offset, maxLast))
		if _, err := t.file.ReadAt(last, offset-int64(len(last))); err != nil {
			return false
		}
		t.last, t.lastAt = last, offset
	}
	return true
}

// isOver reports whether nothing more is to be expected: the file has no name that
// is followed, and nothing was written for a while.
func (t *tail) isOver(info os.FileInfo) bool {
	grace := followGrace
	if s, ok := info.Sys().(*syscall.Stat_t); ok && s.Nlink == 0 {
		grace = followEvery // its writers have a name for it no more
	}
	return t.told(t.of).rotated && time.Since(t.quiet) >= grace
}
