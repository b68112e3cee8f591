package backup

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"nightjar/wal"
)

// Run is a backup that was asked for.
type Run struct {
	Name   string    `json:"name"`
	By     string    `json:"by"` // who asked, by name
	Begun  time.Time `json:"begun"`
	Ended  time.Time `json:"ended"` // zero while it is written
	Error  string    `json:"error,omitempty"`
	Bytes  int64     `json:"bytes"` // that were sent
	Events uint64    `json:"events"`
}

// Diary remembers the latest backups in a file. Nothing depends on it.
type Diary struct {
	path string

	mu   sync.Mutex
	runs []Run // the latest first
}

// maxRuns is how many backups are remembered.
const maxRuns = 20

// OpenDiary reads the file. One that can't be read is begun anew, and one that is not there
// is empty. A backup that was being written when the engine ended has failed.
func OpenDiary(path string) (*Diary, error) {
	d := &Diary{path: path}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return d, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &d.runs)
	}
	for i := range d.runs {
		if r := &d.runs[i]; r.Ended.IsZero() && r.Error == "" {
			r.Error = "the engine ended while it was written"
		}
	}
	return d, err
}

// Runs are the backups that are remembered, the latest first.
func (d *Diary) Runs() []Run {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.runs)
}

// Note writes down how a backup is, which is told apart by when it was begun.
func (d *Diary) Note(r Run) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if at := slices.IndexFunc(d.runs, func(o Run) bool { return o.Begun.Equal(r.Begun) }); at >= 0 {
		d.runs[at] = r
	} else {
		d.runs = slices.Insert(d.runs, 0, r)
		d.runs = d.runs[:min(len(d.runs), maxRuns)]
	}
	text, err := json.MarshalIndent(d.runs, "", "  ")
	if err == nil {
		err = wal.ReplaceFile(d.path, append(text, '\n'))
	}
	return err
}

// Counter counts what is written through it.
type Counter struct {
	io.Writer
	Bytes int64
}

// Write implements io.Writer.
func (c *Counter) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	c.Bytes += int64(n)
	return n, err
}
