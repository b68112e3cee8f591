package ingest

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"

	"nightjar/schema"
)

// deadLetters keeps the events that the sink refuses for good, one JSON object
// a line, with the reason.
type deadLetters struct {
	file *os.File

	mu   sync.Mutex
	seqs map[uint64]bool
}

func openDeadLetters(path string) (*deadLetters, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open dead letters: %w", err)
	}
	content, err := io.ReadAll(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("read dead letters: %w", err)
	}
	return &deadLetters{file: f, seqs: readSeqs(content)}, nil
}

// has reports whether an event is there.
func (d *deadLetters) has(seq uint64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.seqs[seq]
}

// spans are the arrivals that are there.
func (d *deadLetters) spans() []Span {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []Span
	for seq := range d.seqs {
		out = append(out, Span{seq, seq})
	}
	return out
}

func (d *deadLetters) put(e *schema.Event, reason error) error {
	said := map[string]any{
		"seq": e.Seq, "timestamp": e.At, "seen": e.Seen, "source": e.Source, "service": e.Service,
		"host": e.Host, "status": e.Status, "message": e.Message, "tags": e.Tags,
		"attributes": json.RawMessage(e.JSON), "reason": reason.Error(),
	}
	if e.Original != "" {
		said["original"] = e.Original
	}
	line, err := json.Marshal(said)
	if err != nil {
		return fmt.Errorf("write dead letter: %w", err)
	}
	if _, err := d.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write dead letter: %w", err)
	}
	if err := d.file.Sync(); err != nil {
		return fmt.Errorf("write dead letter: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seqs[e.Seq] = true
	return nil
}

func (d *deadLetters) close() error { return d.file.Close() }
