package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"sync"
	"time"

	"nightjar/schema"
	"nightjar/wal"
)

// usageEvery is how often the file is written, and how exactly the times are known.
const usageEvery = time.Minute

// Usage knows when each key was last used. A nil Usage knows nothing.
type Usage struct {
	path string
	log  *slog.Logger

	mu      sync.Mutex
	last    map[string]schema.Millis // by id of the key
	changed bool
}

// OpenUsage reads what was known before. A file that can't be read is told and begun
// anew: nothing depends on it.
func OpenUsage(path string, log *slog.Logger) *Usage {
	u := &Usage{path: path, log: log, last: map[string]schema.Millis{}}
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &u.last)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Warn("when keys were last used is not known any more", "error", err)
		u.last = map[string]schema.Millis{}
	}
	return u
}

func (u *Usage) note(id string, now schema.Millis) {
	if u == nil {
		return
	}
	now -= now % schema.Millis(usageEvery.Milliseconds())
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.last[id] < now {
		u.last[id], u.changed = now, true
	}
}

func (u *Usage) at(id string) schema.Millis {
	if u == nil {
		return 0
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.last[id]
}

// Run writes the file once a minute, and in the end.
func (u *Usage) Run(ctx context.Context) error {
	for {
		select {
		case <-time.After(usageEvery):
		case <-ctx.Done():
			u.save()
			return nil
		}
		u.save()
	}
}

// save writes the file where there is news.
func (u *Usage) save() {
	u.mu.Lock()
	last, changed := maps.Clone(u.last), u.changed
	u.changed = false
	u.mu.Unlock()
	if !changed {
		return
	}
	text, err := json.Marshal(last)
	if err == nil {
		err = wal.ReplaceFile(u.path, text)
	}
	if err != nil {
		u.log.Warn("cannot note when keys were last used", "error", fmt.Errorf("write %s: %w", u.path, err))
		u.mu.Lock()
		u.changed = true
		u.mu.Unlock()
	}
}
