package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"nightjar/agent/orders"
	"nightjar/wal"
)

// ledger keeps which commands were begun and done, in a file of the state folder.
type ledger struct {
	path string

	// unread is why what was done before is not known; nil: it is. Nothing is begun then, nor
	// is the file written over.
	unread error

	mu   sync.Mutex
	done map[string]*entry
}

// entry is a command that was begun.
type entry struct {
	Expires time.Time `json:"expires"`
	// Result is nil while it is being done.
	Result *orders.Result `json:"result,omitempty"`
	// Taken says that a server has the result.
	Taken bool `json:"taken,omitempty"`
}

// ledgerFile is where a state folder keeps it.
const ledgerFile = "commands"

func openLedger(dir string, now time.Time) (*ledger, error) {
	l := &ledger{path: filepath.Join(dir, ledgerFile), done: map[string]*entry{}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("keep which commands were done: %w", err)
	}
	text, err := os.ReadFile(l.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return l, nil
	case err == nil:
		err = json.Unmarshal(text, &l.done)
	}
	if err != nil {
		l.done = map[string]*entry{}
		l.unread = fmt.Errorf("what was done before can't be read, so that nothing is done again; remove %s once no response waits, and start the agent anew: %w", l.path, err)
		return l, nil
	}
	for id, e := range l.done {
		if e == nil {
			delete(l.done, id)
		} else if e.Result == nil {
			e.Result = &orders.Result{ID: id, Status: unknown, Error: "the agent was ended while it did this; it is not tried again", At: now.UnixMilli()}
		}
	}
	return l, l.keep()
}

// knows reports whether a command was begun.
func (l *ledger) knows(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.done[id] != nil
}

// begin keeps that a command begins.
func (l *ledger) begin(c orders.Command) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.unread != nil {
		return l.unread
	}
	l.done[c.ID] = &entry{Expires: c.Expires}
	return l.keep()
}

// end keeps what became of a command. Where that can't be written it is offered all the
// same; after a restart it is unknown then.
func (l *ledger) end(c orders.Command, res orders.Result, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	res.ID, res.At = c.ID, now.UnixMilli()
	l.done[c.ID] = &entry{Expires: c.Expires, Result: &res}
	_ = l.keep()
}

// results are those that no server has taken, in the order of their ids.
func (l *ledger) results() (out []orders.Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.done {
		if e.Result != nil && !e.Taken {
			out = append(out, *e.Result)
		}
	}
	slices.SortFunc(out, func(a, b orders.Result) int { return strings.Compare(a.ID, b.ID) })
	return out
}

func (l *ledger) taken(results []orders.Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, res := range results {
		if e := l.done[res.ID]; e != nil && e.Result != nil {
			e.Taken, e.Result = true, &orders.Result{ID: res.ID, Status: e.Result.Status, At: e.Result.At}
		}
	}
	if len(results) > 0 {
		_ = l.keep() // else they are offered again after a restart, which changes nothing
	}
}

// again offers results anew that a server took and asks for all the same: it was restored
// from a backup. It reports whether there are any.
func (l *ledger) again(ordered []orders.Command) (some bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range ordered {
		if e := l.done[c.ID]; e != nil && e.Taken {
			e.Taken, some = false, true
		}
	}
	return some
}

// keepFor is how long after its deadline a command is remembered: nobody accepts it then,
// whatever clock is wrong.
const keepFor = 24 * time.Hour

// forget lets go of commands that can't come again.
func (l *ledger) forget(ordered []orders.Command, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := len(l.done)
	for id, e := range l.done {
		still := slices.ContainsFunc(ordered, func(c orders.Command) bool { return c.ID == id })
		if e.Taken && !still && now.After(e.Expires.Add(keepFor)) {
			delete(l.done, id)
		}
	}
	if len(l.done) != before {
		_ = l.keep()
	}
}

// keep writes the file, whole or not at all.
func (l *ledger) keep() error {
	if l.unread != nil {
		return l.unread
	}
	text, err := json.Marshal(l.done)
	if err == nil {
		err = wal.ReplaceFile(l.path, text)
	}
	if err != nil {
		return fmt.Errorf("keep which commands were done: %w", err)
	}
	return nil
}
