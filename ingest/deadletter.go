package ingest

import (
	"encoding/json"
	"fmt"
	"os"

	"nightjar/schema"
)

// deadLetters keeps the events that the sink refuses for good, one JSON object
// a line, with the reason. Nothing reads it but people.
type deadLetters struct{ file *os.File }

func openDeadLetters(path string) (*deadLetters, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open dead letters: %w", err)
	}
	return &deadLetters{f}, nil
}

func (d *deadLetters) put(e *schema.Event, reason error) error {
	line, err := json.Marshal(map[string]any{
		"seq": e.Seq, "timestamp": e.At, "seen": e.Seen, "source": e.Source, "service": e.Service,
		"host": e.Host, "status": e.Status, "message": e.Message, "tags": e.Tags,
		"attributes": json.RawMessage(e.JSON), "reason": reason.Error(),
	})
	if err != nil {
		return fmt.Errorf("write dead letter: %w", err)
	}
	if _, err := d.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write dead letter: %w", err)
	}
	if err := d.file.Sync(); err != nil {
		return fmt.Errorf("write dead letter: %w", err)
	}
	return nil
}

func (d *deadLetters) close() error { return d.file.Close() }
