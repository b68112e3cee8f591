package schema

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"
)

// Event is one thing that happened, as stored and as rules see it.
type Event struct {
	// Seq is the arrival sequence: the intake numbers events 1, 2, 3, … in the
	// order in which it acknowledged them. Reading (X, Y] reads every event
	// that arrived after X, whatever its clock says.
	Seq uint64
	// At is the event's own time, the one that windows slide over.
	At Millis
	// Seen is when the intake took it in.
	Seen Millis

	Source, Service, Host, Status, Message string
	// Tags are `key:value` or bare words, without duplicates.
	Tags []string
	Attributes
	// Original is the event as it came, where pipelines changed it and the message
	// alone does not say everything: a line of text, or a JSON object. No rule and no
	// search looks at it; it is shown, and read again by better pipelines.
	Original string
}

// ID names the event to users. It carries the event's time and sequence, so
// that a look-up by id prunes like any other look-up by time.
func (e *Event) ID() string { return EventID(e.At, e.Seq) }

// EventID is the id of the event with this time and sequence.
func EventID(at Millis, seq uint64) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(at))
	binary.BigEndian.PutUint64(b[8:], seq)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// ParseEventID is the inverse of EventID.
func ParseEventID(id string) (at Millis, seq uint64, err error) {
	b, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil || len(b) != 16 {
		return 0, 0, errors.New("not an event id: want 22 characters of base64url")
	}
	return Millis(binary.BigEndian.Uint64(b[:8])), binary.BigEndian.Uint64(b[8:]), nil
}

// Millis is a moment in milliseconds since the Unix epoch, the resolution of
// every clock in the system.
type Millis int64

// MillisOf is t, truncated to the millisecond.
func MillisOf(t time.Time) Millis { return Millis(t.UnixMilli()) }

// Time is m in UTC.
func (m Millis) Time() time.Time { return time.UnixMilli(int64(m)).UTC() }

// Add is m moved by d.
func (m Millis) Add(d time.Duration) Millis { return m + Millis(d.Milliseconds()) }

// String is m as RFC 3339 with milliseconds, the form of the API.
func (m Millis) String() string { return m.Time().Format("2006-01-02T15:04:05.000Z07:00") }

// MinMillis and MaxMillis bound what ClickHouse's DateTime64(3) can hold; the
// intake moves anything outside to the event's arrival time.
var (
	MinMillis = MillisOf(time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC))
	MaxMillis = MillisOf(time.Date(2299, 12, 31, 23, 59, 59, 999e6, time.UTC))
)
