package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"nightjar/schema"
)

// Some senders name each event, and send those of which they don't know what became
// again, in batches cut anew. Names are remembered in memory, for ten minutes at
// least and until there are a million of them; the batch as a whole is remembered as
// any other is, so that sending just that again is a no-op after a crash, too.
const (
	identifiedPrefix = "events:"
	knownFor         = 10 * time.Minute
	maxKnown         = 500_000 // in each of two generations
)

// Identify says under which names the sender knows the events, one for each; ""
// where it has none. Names are told apart by their scope, the protocol. An event
// whose name was acknowledged before is left out; and so is the batch, when all of
// its events have names and it came as it is.
func (b *Batch) Identify(scope string, names []string) {
	b.names = make([]batchKey, len(names))
	all := sha256.New()
	for i, name := range names {
		if name == "" {
			continue
		}
		b.names[i] = keyOf(scope + "\x00" + name)
		all.Write(b.names[i][:])
	}
	if b.ID == "" && len(names) > 0 && !slices.Contains(b.names, batchKey{}) {
		b.ID = identifiedPrefix + hex.EncodeToString(all.Sum(nil))
	}
}

// isIdentified reports whether the id was made of names: remembered for a day as
// long as there is room for more ids, and then for minutes.
func isIdentified(id string) bool { return strings.HasPrefix(id, identifiedPrefix) }

// knownEvents are the names of single events.
type knownEvents struct {
	mu       sync.Mutex
	names    recent[struct{}]
	inFlight map[batchKey]chan struct{}
}

func newKnownEvents() *knownEvents {
	return &knownEvents{names: newRecent[struct{}](knownFor, maxKnown), inFlight: map[batchKey]chan struct{}{}}
}

// claim tells which events were acknowledged before, or come twice in the batch. The
// others are the caller's, who must settle them; other callers with one of them wait
// for that.
func (k *knownEvents) claim(ctx context.Context, names []batchKey, now schema.Millis) (known []bool, settle func(acknowledged bool), err error) {
	for {
		k.mu.Lock()
		other := k.other(names)
		if other == nil {
			defer k.mu.Unlock()
			known, settle = k.take(names, now)
			return known, settle, nil
		}
		k.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, nil, fmt.Errorf("wait for the same event in another request: %w", ctx.Err())
		}
	}
}

// other is the claim of another request to one of the names. Nothing is claimed while one
// waits for another, so that two never wait for each other.
func (k *knownEvents) other(names []batchKey) chan struct{} {
	for _, name := range names {
		if c := k.inFlight[name]; c != nil {
			return c
		}
	}
	return nil
}

func (k *knownEvents) take(names []batchKey, now schema.Millis) (known []bool, settle func(bool)) {
	known = make([]bool, len(names))
	done := make(chan struct{})
	var taken []batchKey
	for i, name := range names {
		if name == (batchKey{}) {
			continue
		}
		_, acknowledged := k.names.get(name)
		if known[i] = acknowledged || k.inFlight[name] == done; !known[i] {
			k.inFlight[name] = done
			taken = append(taken, name)
		}
	}
	return known, func(acknowledged bool) {
		k.mu.Lock()
		defer k.mu.Unlock()
		for _, name := range taken {
			delete(k.inFlight, name)
			if acknowledged {
				k.names.add(name, struct{}{}, now)
			}
		}
		close(done)
	}
}

// unknown are the events that were not acknowledged before.
func unknown(events []schema.Event, known []bool) []schema.Event {
	if !slices.Contains(known, true) {
		return events
	}
	left := make([]schema.Event, 0, len(events))
	for i := range events {
		if !known[i] {
			left = append(left, events[i])
		}
	}
	return left
}
