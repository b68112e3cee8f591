package respond

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// By says who has turned the switch. What one has disarmed, the other can't arm.
type By string

// Who can.
const (
	Host   By = "host"   // `nightjar agent disarm`
	Server By = "server" // the engine's switch
)

// Disarming is a switch that was turned off.
type Disarming struct {
	Since time.Time `json:"since"`
	Why   string    `json:"why,omitempty"`
}

// Switch stops all killing and denying. The zero value is armed and keeps nothing.
type Switch struct {
	mu       sync.Mutex
	path     string
	off      map[By]Disarming
	watchers []func(disarmed bool)
}

// switchFile is where a state folder keeps it.
const switchFile = "disarmed"

// OpenSwitch is the switch of a state folder, as it was left; of no folder (""), one
// that is armed. A file that can't be read counts as disarmed, which its error says too:
// the switch can be used all the same.
func OpenSwitch(stateDir string) (*Switch, error) {
	s := &Switch{off: map[By]Disarming{}}
	if stateDir == "" {
		return s, nil
	}
	s.path = filepath.Join(stateDir, switchFile)
	text, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &s.off)
	}
	if err != nil {
		s.off = map[By]Disarming{Host: {Since: time.Now(), Why: "what was kept of the switch can't be read"}}
		return s, fmt.Errorf("read the switch %s, which now counts as disarmed: %w", s.path, err)
	}
	return s, nil
}

// Disarm stops all killing and denying. It is in force when Disarm returns, also where
// its error says that it can't be kept for the next start. Said again, it stays as it is,
// but for the reason.
func (s *Switch) Disarm(by By, why string, now time.Time) error {
	return s.change(func(off map[By]Disarming) {
		d, already := off[by]
		if !already {
			d.Since = now
		}
		d.Why = cmp.Or(why, d.Why)
		off[by] = d
	})
}

// Arm ends what the same one has disarmed.
func (s *Switch) Arm(by By) error {
	return s.change(func(off map[By]Disarming) { delete(off, by) })
}

// Disarmed says because of whom nothing is killed and denied, since when and why; empty:
// nobody has turned it off.
func (s *Switch) Disarmed() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, by := range []By{Host, Server} {
		if d, ok := s.off[by]; ok {
			text := fmt.Sprintf("disarmed by the %s since %s", by, d.Since.UTC().Format(time.RFC3339))
			if d.Why != "" {
				text += ": " + d.Why
			}
			return text
		}
	}
	return ""
}

// Watch calls f now, and whenever the switch is turned, before Disarm or Arm returns.
// f must not use the switch.
func (s *Switch) Watch(f func(disarmed bool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watchers = append(s.watchers, f)
	f(len(s.off) > 0)
}

func (s *Switch) change(turn func(map[By]Disarming)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.off == nil {
		s.off = map[By]Disarming{}
	}
	turn(s.off)
	for _, f := range s.watchers {
		f(len(s.off) > 0)
	}
	return s.keep()
}

// keep writes the switch down, whole or not at all.
func (s *Switch) keep() error {
	if s.path == "" {
		return nil
	}
	if len(s.off) == 0 {
		if err := os.Remove(s.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("keep the switch: %w", err)
		}
		return nil
	}
	text, err := json.Marshal(s.off)
	if err == nil {
		err = writeWhole(s.path, text)
	}
	if err != nil {
		return fmt.Errorf("keep the switch: %w", err)
	}
	return nil
}

func writeWhole(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), switchFile+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // where it was not renamed
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
