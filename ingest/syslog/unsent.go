package syslog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// unsent is a file of what the intake had refused until the engine stopped: syslog
// has nobody who would send it again. It is handed over at the next start, each batch
// under the id that it had.
type unsent struct {
	path string // empty: nothing is kept

	mu   sync.Mutex
	file *os.File
}

type unsentBatch struct {
	ID       string
	Messages []unsentMessage
}

type unsentMessage struct {
	Text                                    []byte
	Protocol, Address, Certificate, Problem string
}

func newUnsent(dir string) *unsent {
	if dir == "" {
		return &unsent{}
	}
	return &unsent{path: filepath.Join(dir, "unsent.jsonl")}
}

// Waits reports whether an earlier stop left something to hand over.
func (r *Receiver) Waits() bool {
	_, err := os.Stat(r.unsent.path)
	return err == nil
}

// errNotKept: there is no folder to keep unsent messages in.
var errNotKept = errors.New("there is no folder for what is unsent")

// keep writes a batch, durably.
func (u *unsent) keep(id string, batch []message) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.path == "" {
		return errNotKept
	}
	if u.file == nil {
		if err := os.MkdirAll(filepath.Dir(u.path), 0o700); err != nil {
			return err
		}
		file, err := os.OpenFile(u.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		u.file = file
	}
	b := unsentBatch{ID: id}
	for _, m := range batch {
		b.Messages = append(b.Messages, unsentMessage{Text: m.text, Protocol: m.door.protocol, Address: m.from.address, Certificate: m.from.certificate, Problem: m.problem})
	}
	line, err := json.Marshal(b)
	if err != nil {
		return err
	}
	if _, err := u.file.Write(append(line, '\n')); err != nil {
		return err
	}
	return u.file.Sync()
}

func (u *unsent) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.file != nil {
		_ = u.file.Close() // it is synced
		u.file = nil
	}
}

// resume hands over what an earlier stop left, and forgets it when all of it is
// taken. What can't be read is put aside.
func (r *Receiver) resume(ctx context.Context) {
	f, err := os.Open(r.unsent.path)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			r.log.Error("syslog: what an earlier stop left unsent can't be read", "error", err)
		}
		return
	}
	defer f.Close()
	messages := 0
	for in := json.NewDecoder(f); ; {
		var b unsentBatch
		err := in.Decode(&b)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			aside := r.unsent.path + ".damaged"
			r.log.Error("syslog: what an earlier stop left unsent is damaged, and its rest is lost", "aside", aside, "error", errors.Join(err, os.Rename(r.unsent.path, aside)))
			return
		}
		if !r.resumed.deliver(ctx, b.ID, r.messagesOf(b), leave) {
			return // the file stays
		}
		messages += len(b.Messages)
	}
	r.log.Info("syslog: what an earlier stop left unsent is taken in", "messages", messages)
	if err := r.unsent.forget(); err != nil {
		r.log.Error("syslog: what was unsent is taken in, and its file can't be removed", "error", err)
	}
}

// forget removes the file, unless this stop has put something into it already: then all
// of it is handed over at the next start, what was before under the ids that it had.
func (u *unsent) forget() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.file != nil {
		return nil
	}
	return os.Remove(u.path)
}

func (r *Receiver) messagesOf(b unsentBatch) (out []message) {
	doors := map[string]*door{}
	for _, d := range r.doors {
		doors[d.protocol] = d
	}
	for _, m := range b.Messages {
		d := doors[m.Protocol]
		if d == nil { // it is not served any more
			d = newDoor(m.Protocol, "", r.log, r.now)
			doors[m.Protocol] = d
		}
		out = append(out, message{text: m.Text, from: sender{address: m.Address, certificate: m.Certificate}, problem: m.Problem, door: d})
	}
	return out
}

// putAside keeps a batch that the intake refused until the engine stopped; where it
// can't be kept, it is lost.
func (q *queue) putAside(id string, batch []message, refusal error) {
	if err := q.receiver.unsent.keep(id, batch); err != nil {
		q.lose(batch, stopping, fmt.Errorf("%w; %w", refusal, err))
		return
	}
	q.receiver.log.Warn("syslog: the intake refuses, and the engine stops: messages are kept for its next start", "messages", len(batch), "error", refusal)
}
