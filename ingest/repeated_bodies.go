package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"nightjar/schema"
)

// Many protocols have no batch ids: a sender that got no answer sends the same
// bytes again. A body that was acknowledged is therefore known again for a while,
// but only where it can't be a second event that looks like the first: all its
// events say their time, and one of them to the millisecond.
const (
	resentPrefix = "resent:"
	resentFor    = 10 * time.Minute
	maxResent    = 200_000 // in each of two generations: of ten minutes at 300 a second
)

// Resendable gives the batch an id made of the body and of what else tells two
// requests apart (the protocol, the tenant), unless it has one, or an event in it
// has no time of its own.
func (b *Batch) Resendable(d *Decoder, body []byte, scope ...string) {
	if b.ID != "" || d.Untimed > 0 || len(d.BadTimes) > 0 || !anyToTheMillisecond(b.Events) {
		return
	}
	h := sha256.New()
	for _, s := range scope {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	h.Write(body)
	b.ID = resentPrefix + hex.EncodeToString(h.Sum(nil))
}

func anyToTheMillisecond(events []schema.Event) bool {
	for i := range events {
		if events[i].At%1000 != 0 {
			return true
		}
	}
	return false
}

// isBrief reports whether the id is that of a body: remembered for minutes, not
// for a day, and not counted against the limit of ids.
func isBrief(id string) bool { return strings.HasPrefix(id, resentPrefix) }

// knownBriefly reports whether the body came within the last minutes.
func (b *batches) knownBriefly(key batchKey, now schema.Millis) bool {
	seen, ok := b.brief.get(key)
	return ok && seen >= now.Add(-resentFor)
}
