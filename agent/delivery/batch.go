package delivery

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Bounds of a batch, well below what the intake takes. An event longer than that
// is a batch of its own.
const (
	batchEvents = 1000
	batchBytes  = 1 << 20
)

// A batch is sent, under its id, until it is acknowledged or refused.
type batch struct {
	id     string
	events [][]byte
	report []byte // besides the events; nil: none
	// acknowledged is called when the server has the report.
	acknowledged func()
}

// next is the oldest batch that was made, or a new one of what waits; nil when
// nothing does. It stays the next one until settle or split.
func (s *Sender) next() *batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.made) > 0 {
		return s.made[0]
	}
	n, size := 0, 0
	for n < len(s.queue) && n < batchEvents && (n == 0 || size+len(s.queue[n]) <= batchBytes) {
		size += len(s.queue[n])
		n++
	}
	if n == 0 && !s.due {
		return nil
	}
	s.batches++
	b := &batch{id: fmt.Sprintf("%s-%d", s.id, s.batches), events: s.queue[:n:n]}
	s.queue, s.made = s.queue[n:], append(s.made, b)
	if s.due {
		s.due = false
		s.mu.Unlock() // Report may ask for Counts
		b.report, b.acknowledged = s.config.Report()
		s.mu.Lock()
	}
	return b
}

// deliver sends the next batch until the server answers or the context ends.
func (s *Sender) deliver(ctx context.Context, b *batch) {
	away := time.Time{}
	pauses := backoff.ExponentialBackOff{InitialInterval: s.config.Pause, Multiplier: 2, MaxInterval: s.config.MaxPause, RandomizationFactor: 0.2}
	for ctx.Err() == nil {
		answer := s.post(ctx, b)
		switch {
		case answer.taken:
			s.settle(b, "")
			if !away.IsZero() {
				s.config.Log.Info("the server takes events again", "after", time.Since(away).Round(time.Second), "waiting", s.Counts().Waiting)
			}
			return
		case answer.refused && b.divisible():
			s.split(b)
			return
		case answer.refused:
			s.settle(b, LostRefused)
			s.config.Log.Error("the server refused an event", "reason", answer.reason, "batch", b.id)
			return
		case away.IsZero() && ctx.Err() == nil:
			away = time.Now()
			s.config.Log.Warn("the server does not take events; they wait", "server", s.config.Server, "reason", answer.reason)
		}
		pause(ctx, max(answer.after, pauses.NextBackOff()))
	}
}

// settle lets go of the next batch, whose events were delivered unless there is a
// cause for which they are lost.
func (s *Sender) settle(b *batch, lost string) {
	if lost == "" && b.acknowledged != nil {
		b.acknowledged()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := uint64(len(b.events))
	s.made = s.made[1:]
	s.waiting -= n
	for _, e := range b.events {
		s.bytes -= int64(len(e))
	}
	if lost == "" {
		s.counts.Delivered += n
	} else {
		s.counts.Lost[lost] += n
	}
}

func (b *batch) divisible() bool {
	return len(b.events) > 1 || len(b.events) == 1 && b.report != nil
}

// split replaces the next batch by its halves: the server refused it, perhaps for
// one event, and is to get the others.
func (s *Sender) split(b *batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	half := len(b.events) / 2
	halves := []*batch{
		{id: b.id + "a", events: b.events[:half:half], report: b.report, acknowledged: b.acknowledged},
		{id: b.id + "b", events: b.events[half:]},
	}
	s.made = append(halves, s.made[1:]...)
}

// An answer is the server's, or that there was none.
type answer struct {
	taken, refused bool
	reason         string
	after          time.Duration // what the server asks to wait
}

func (s *Sender) post(ctx context.Context, b *batch) answer {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(b.body()))
	if err != nil {
		return answer{reason: err.Error()}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("DD-API-KEY", s.config.Key)
	req.Header.Set("Nightjar-Batch-Id", b.id)
	resp, err := s.config.Client.Do(req)
	if err != nil {
		return answer{reason: err.Error()}
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10)) // what there is of it explains
	a := answer{taken: resp.StatusCode < 300, reason: reason(resp.Status, text)}
	switch resp.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		a.refused = true
	}
	if d, err := time.ParseDuration(resp.Header.Get("Retry-After") + "s"); err == nil {
		a.after = min(d, s.config.MaxPause)
	}
	return a
}

// reason is the server's status and the first of its errors.
func reason(status string, body []byte) string {
	var said struct{ Errors []json.RawMessage }
	if json.Unmarshal(body, &said) != nil || len(said.Errors) == 0 {
		return status
	}
	return status + ": " + string(said.Errors[0])
}

// body is the batch as a JSON array.
func (b *batch) body() []byte {
	all := b.events
	if b.report != nil {
		all = append(all[:len(all):len(all)], b.report)
	}
	out := append(make([]byte, 0, batchBytes/4), '[')
	for i, e := range all {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, e...)
	}
	return append(out, ']')
}
