package ingest

import (
	"strconv"
	"time"

	"github.com/valyala/fastjson"

	"nightjar/ingest/heads"
	"nightjar/ingest/record"
	"nightjar/ingest/times"
	"nightjar/schema"
)

// Headed is a message that came with a head: what its transport says of it.
type Headed struct {
	// Text is the message, and Line all of the line that it stood in: what the parser
	// of its source reads. An empty Line is the Text.
	Text, Line string
	// At is the time that the head says; zero: none.
	At time.Time
	// Written is that time as it stands there, where it could not be read.
	Written string
	// Source, Service, Host and Status are the reserved fields; any may be empty.
	Source, Service, Host, Status string
	// Attributes are what else the head says.
	Attributes []Attribute
}

// Headed is the event of such a message, within the size of an event. What the head
// says counts before what the message says of itself.
func (d *Decoder) Headed(h Headed) schema.Event {
	x := draft{line: h.Line, head: h.Attributes}
	x.rawMessage, x.cut = fitLine([]byte(h.Text))
	if len(x.line) > MaxEventBytes {
		x.line = x.rawMessage
	}
	var arena fastjson.Arena
	for _, f := range [...]struct {
		slot slot
		text string
	}{{slotDdsource, h.Source}, {slotService, h.Service}, {slotHost, h.Host}, {slotStatus, h.Status}} {
		if f.text != "" {
			x.named[f.slot] = toldBy(record.String(&arena, f.text))
		}
	}
	switch {
	case h.Written != "":
		x.named[slotTimestamp] = toldBy(record.String(&arena, h.Written))
	case !h.At.IsZero():
		x.named[slotTimestamp] = toldBy(arena.NewNumberString(strconv.FormatInt(h.At.UnixMilli(), 10)))
	}
	return d.built(&x, 0)
}

// Time reads a written time, such as heads have; one without a year or a zone as
// raw lines are read.
func (d *Decoder) Time(text string) (time.Time, bool) {
	at, err := d.times().Written(text)
	return at, err == nil
}

// Head reads the head of a line in any of the forms that raw lines have; a line
// without one is all Text.
func (d *Decoder) Head(line string) heads.Head { return heads.Read(line, d.times(), nil) }

// times is how the decoder reads times.
func (d *Decoder) times() times.Reader { return times.Reader{Zone: d.Zone, Now: d.Now, Year: d.Year} }

// StatusOfSeverity is the status of a severity of syslog, 0 to 7.
func StatusOfSeverity(n int) string { return statuses[n] }
