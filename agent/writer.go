package agent

import (
	"io"
	"sync"
	"sync/atomic"
)

// Writer is a Sink that writes lines, in a goroutine of its own.
type Writer struct {
	line    func(Match) []byte
	final   func(Report)
	lines   chan []byte
	queued  atomic.Int64 // bytes
	dropped atomic.Uint64
	done    sync.WaitGroup
	err     error
}

// maxQueued bounds what waits for the output, in bytes.
const maxQueued = 16 << 20

// NewWriter writes what line makes of each match, and a newline, to w. Report is
// called for every report, if it is not nil.
func NewWriter(w io.Writer, line func(Match) []byte, report func(Report)) *Writer {
	const many = 1 << 16
	out := &Writer{line: line, final: report, lines: make(chan []byte, many)}
	out.done.Go(func() { out.write(w) })
	return out
}

// JSONLine is a match as it is stored.
func JSONLine(m Match) []byte { return m.JSON }

func (w *Writer) write(to io.Writer) {
	var batch []byte
	for line := range w.lines {
		batch = append(append(batch[:0], line...), '\n')
		const enough = 64 << 10
		for more := true; more && len(batch) < enough; {
			select {
			case line, more = <-w.lines:
				if more {
					batch = append(append(batch, line...), '\n')
				}
			default:
				more = false
			}
		}
		if w.err == nil {
			_, w.err = to.Write(batch)
		}
		w.queued.Add(-int64(len(batch)))
	}
}

// Match queues a match, or drops it where too much waits.
func (w *Writer) Match(m Match) { w.queue(w.line(m)) }

func (w *Writer) queue(line []byte) {
	n := int64(len(line)) + 1
	if w.queued.Load()+n > maxQueued {
		w.dropped.Add(1)
		return
	}
	select {
	case w.lines <- line:
		w.queued.Add(n)
	default:
		w.dropped.Add(1)
	}
}

// Report tells whoever wanted it.
func (w *Writer) Report(r Report) {
	if w.final != nil {
		w.final(r)
	}
}

// Dropped is how many matches there was no room for.
func (w *Writer) Dropped() uint64 { return w.dropped.Load() }

// Close waits until all that is queued is written. Its error is the first of the
// writes.
func (w *Writer) Close() error {
	close(w.lines)
	w.done.Wait()
	return w.err
}
