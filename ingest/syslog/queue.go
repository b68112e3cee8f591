package syslog

import (
	"context"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/uuid"
	"golang.org/x/sync/semaphore"

	"nightjar/ingest"
	"nightjar/schema"
)

// sender is who sent a message.
type sender struct {
	address     string
	certificate string // the name in the certificate that was shown; empty: none
}

// message is a message on its way to the intake.
type message struct {
	text    []byte
	from    sender
	problem string
	door    *door
}

// Bounds of one batch.
const (
	batchMessages = 1000
	batchBytes    = 1 << 20
)

// Longest and shortest wait before a refused batch is sent again.
const (
	minBackoff = 50 * time.Millisecond
	maxBackoff = 2 * time.Second
)

// queue takes messages from sockets to the intake. What waits in it is bounded.
type queue struct {
	receiver *Receiver
	room     *semaphore.Weighted // bytes
	messages chan message
	reader   *reader
	ids      string // before the number of a batch, in its id
	batches  uint64
}

func newQueue(r *Receiver, room int64) *queue {
	return &queue{receiver: r, room: semaphore.NewWeighted(room), messages: make(chan message, room/minWeight), reader: newReader(), ids: "syslog-" + uuid.NewString() + "-"}
}

// minWeight is what a message takes of the room beside its text. The channel has
// place for as many as there is room for.
const minWeight = 512

func weight(m message) int64 { return int64(len(m.text)) + minWeight }

// put waits until there is room, as long as that takes: what is in the queue goes on
// to the intake or, when the engine stops, is lost and counted.
func (q *queue) put(m message) {
	_ = q.room.Acquire(context.Background(), weight(m)) // it cannot end
	q.messages <- m
}

// offer does not wait, and reports whether there was room.
func (q *queue) offer(m message) bool {
	if !q.room.TryAcquire(weight(m)) {
		return false
	}
	q.messages <- m
	return true
}

// run submits until the channel is closed and empty. When ctx ends, a batch that is
// refused is lost.
func (q *queue) run(ctx context.Context) {
	for {
		batch := q.collect()
		if len(batch) == 0 {
			return
		}
		q.submit(ctx, batch)
	}
}

// collect waits for a message, and a little for others.
func (q *queue) collect() []message {
	first, ok := <-q.messages
	if !ok {
		return nil
	}
	batch, size := []message{first}, len(first.text)
	linger := time.NewTimer(q.receiver.config.Linger)
	defer linger.Stop()
	for len(batch) < batchMessages && size < batchBytes {
		select {
		case m, ok := <-q.messages:
			if !ok {
				return batch
			}
			batch, size = append(batch, m), size+len(m.text)
		case <-linger.C:
			return batch
		}
	}
	return batch
}

// submit hands a batch to the intake.
func (q *queue) submit(ctx context.Context, batch []message) {
	q.batches++
	q.deliver(ctx, fmt.Sprint(q.ids, q.batches), batch, putAside)
	for _, m := range batch {
		q.room.Release(weight(m))
	}
}

// What becomes of a batch that could not be delivered before the stop.
const (
	leave    = false // it is where it was
	putAside = true
)

// deliver tries again and again while the intake refuses for now; the batch's id
// makes a second time of the same a no-op. When ctx ends, what is refused is put
// aside, if it is to be. It reports whether nothing is left to be done.
func (q *queue) deliver(ctx context.Context, id string, batch []message, aside bool) bool {
	var body []byte
	for _, m := range batch {
		body = append(body, m.text...)
	}
	damages := make([]string, len(batch))
	decode := func(d *ingest.Decoder, _ []byte) (ingest.Batch, error) {
		return ingest.Batch{Events: q.events(d, batch, damages)}, nil
	}
	pauses := backoff.ExponentialBackOff{InitialInterval: minBackoff, Multiplier: 2, MaxInterval: maxBackoff}
	for {
		_, err := q.receiver.intake.Accept(context.WithoutCancel(ctx), id, body, decode)
		if err == nil {
			q.count(batch, damages)
			return true
		}
		if _, _, again := ingest.RetryAfter(err); !again {
			q.lose(batch, refusedByIntake, err)
			return true
		}
		select {
		case <-time.After(pauses.NextBackOff()):
		case <-ctx.Done():
			if aside {
				q.putAside(id, batch, err)
			}
			return aside
		}
	}
}

func (q *queue) events(d *ingest.Decoder, batch []message, damages []string) []schema.Event {
	d.Zone, d.Fallback = q.receiver.config.Zone, defaultSource
	events := make([]schema.Event, len(batch))
	for i, m := range batch {
		events[i], damages[i] = q.reader.event(d, string(m.text), m.from, m.problem)
	}
	return events
}

func (q *queue) count(batch []message, damages []string) {
	for i, m := range batch {
		m.door.taken(len(m.text))
		if damages[i] != "" {
			m.door.note(damaged, damages[i], m.from.address, nil)
		}
	}
}

func (q *queue) lose(batch []message, cause string, err error) {
	for _, m := range batch {
		m.door.note(lost, cause, m.from.address, err)
	}
}
