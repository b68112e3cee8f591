package delivery

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Bounds of a batch, well below what the intake takes. An event longer than that
// is a batch of its own.
const (
	batchEvents = 1000
	batchBytes  = 1 << 20
)

// A batch is what one request carries. Neither its id nor its content ever changes,
// so that the server takes it once, however often it is sent and by which run of the
// agent.
type batch struct {
	id      string
	made    int64 // when, in ms since 1970: its events were seen before
	events  int   // that rules matched
	reports int   // of how the agent is: none or one, the last of the body
	body    []byte
	// stored is called when the batch is safe: in the spool, or with the server.
	stored func()
	size   int64 // in the queue's bytes
}

// newBatch makes the body, a JSON array.
func newBatch(id string, made int64, events [][]byte, report []byte) *batch {
	b := &batch{id: id, made: made, events: len(events)}
	all := events
	if report != nil {
		b.reports = 1
		all = append(events[:len(events):len(events)], report)
	}
	for _, e := range events {
		b.size += int64(len(e))
	}
	b.body = array(all)
	return b
}

func array(all [][]byte) []byte {
	return append(append([]byte{'['}, bytes.Join(all, []byte{','})...), ']')
}

// entries are the numbers that the batch takes in the spool's log.
func (b *batch) entries() int { return b.events + b.reports }

// record is the batch as the spool has it: a line of what it is, and the body.
func (b *batch) record() []byte {
	out := make([]byte, 0, len(b.id)+64+len(b.body)/4)
	if len(b.body) < worthIt {
		return append(fmt.Appendf(out, "%s %d %d %d plain\n", b.id, b.made, b.events, b.reports), b.body...)
	}
	out = fmt.Appendf(out, "%s %d %d %d zstd\n", b.id, b.made, b.events, b.reports)
	return packer().EncodeAll(b.body, out)
}

// worthIt is the size, in bytes, from which a body is compressed: events of one host are
// much alike, and take a twentieth of the room.
const worthIt = 4 << 10

var (
	packer = sync.OnceValue(func() *zstd.Encoder {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithLowerEncoderMem(true))
		if err != nil {
			panic(err) // the options are right
		}
		return e
	})
	unpacker = sync.OnceValue(func() *zstd.Decoder {
		const most = 64 << 20 // what a record has at most
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(most))
		if err != nil {
			panic(err)
		}
		return d
	})
)

var errRecord = errors.New("no batch is in the record")

// parseRecord reads a record. Its error is errRecord.
func parseRecord(text []byte) (*batch, error) {
	b, packed, err := parseHead(text)
	if err == nil && packed {
		if b.body, err = unpacker().DecodeAll(b.body, nil); err != nil {
			return nil, errRecord
		}
	}
	return b, err
}

// parseHead reads what a record says of its batch; the body is as it stands there, packed
// or not. Its error is errRecord.
func parseHead(text []byte) (b *batch, packed bool, err error) {
	line, body, ok := bytes.Cut(text, []byte{'\n'})
	fields := bytes.Split(line, []byte{' '})
	const parts = 5
	if !ok || len(fields) != parts || len(fields[0]) == 0 {
		return nil, false, errRecord
	}
	switch string(fields[4]) {
	case "zstd":
		packed = true
	case "plain":
	default:
		return nil, false, errRecord
	}
	var n [3]int64
	for i, f := range fields[1:4] {
		v, err := strconv.ParseInt(string(f), 10, 64)
		if err != nil || v < 0 {
			return nil, false, errRecord
		}
		n[i] = v
	}
	made, events, reports := n[0], n[1], n[2]
	if events > 1<<31 || reports > 1 || events+reports == 0 {
		return nil, false, errRecord
	}
	return &batch{id: string(fields[0]), made: made, events: int(events), reports: int(reports), body: body}, packed, nil
}

// halves are two batches of the events of one that the server refused, perhaps for
// one event: it is to get the others. They are the same whenever it is halved; nil
// where there is nothing to halve.
func (b *batch) halves() []*batch {
	var all []json.RawMessage
	if json.Unmarshal(b.body, &all) != nil || len(all) != b.entries() || len(all) < 2 {
		return nil
	}
	half := len(all) / 2
	out := []*batch{
		{id: b.id + "a", made: b.made, events: half},
		{id: b.id + "b", made: b.made, events: len(all) - half - b.reports, reports: b.reports},
	}
	for i, part := range [][]json.RawMessage{all[:half], all[half:]} {
		list := make([][]byte, len(part))
		for k, e := range part {
			list[k] = e
		}
		out[i].body = array(list)
	}
	return out
}
