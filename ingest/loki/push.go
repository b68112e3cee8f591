package loki

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/valyala/fastjson"
	"google.golang.org/protobuf/encoding/protowire"

	"nightjar/ingest"
	"nightjar/ingest/wire"
	"nightjar/schema"
)

// push is one request while it is read.
type push struct {
	d      *ingest.Decoder
	tenant string
	events []schema.Event
	// names are what makes entries one: stream, time and line.
	names  []string
	stream stream
	out    []byte
}

// entry is a line of a stream.
type entry struct {
	// nanos is the time since 1970, and when it is the time as it was written, where
	// that is no such number.
	nanos int64
	when  string
	line  []byte
	// metadata are further members, each with a comma behind it.
	metadata []byte
}

// batch is what was read. Entries that were acknowledged before are left out, as Loki
// leaves them out.
func (p *push) batch(err error) (ingest.Batch, error) {
	b := ingest.Batch{Events: p.events}
	if err == nil {
		b.Identify("loki\x00"+p.tenant, p.names)
	}
	return b, err
}

// add adds the event of an entry of the present stream.
func (p *push) add(e entry) error {
	name := ""
	p.out = append(p.out[:0], `{"timestamp":`...)
	if e.when != "" {
		p.out = schema.AppendJSON(p.out, e.when)
	} else {
		p.out = strconv.AppendInt(p.out, time.Unix(0, e.nanos).UnixMilli(), 10)
		name = fmt.Sprintf("%s\x00%d\x00%s", p.stream.name, e.nanos, e.line)
	}
	p.out = append(schema.AppendJSON(append(p.out, `,"message":`...), e.line), ',')
	p.out = append(append(p.out, p.stream.members...), e.metadata...)
	p.out[len(p.out)-1] = '}'
	events, err := p.d.Append(p.events, p.out)
	if err == nil {
		p.events, p.names = events, append(p.names, name)
	}
	return err
}

// protobuf reads a logproto.PushRequest.
func (p *push) protobuf(body []byte) error {
	err := wire.EachText(body, 1, func(message []byte) error {
		var labels []byte
		if err := wire.EachText(message, 1, func(text []byte) error { labels = text; return nil }); err != nil {
			return err
		}
		p.stream.ofText(string(labels))
		return wire.EachText(message, 2, p.entry)
	})
	if errors.Is(err, wire.ErrBroken) {
		return ingest.NewBadInput(body, len(p.events), 0, "broken protobuf; want a PushRequest packed by snappy, or JSON with Content-Type: application/json")
	}
	return err
}

func (p *push) entry(message []byte) error {
	var e entry
	err := wire.EachField(message, func(field protowire.Number, text []byte, _ uint64) (err error) {
		switch {
		case field == 1 && text != nil:
			e.nanos, err = nanosOf(text)
		case field == 2:
			e.line = text
		case field == 3 && text != nil:
			e.metadata, err = appendPair(e.metadata, text)
		}
		return err
	})
	if err != nil {
		return err
	}
	return p.add(e)
}

// nanosOf reads a google.protobuf.Timestamp.
func nanosOf(message []byte) (int64, error) {
	var seconds, nanos int64
	err := wire.EachField(message, func(field protowire.Number, _ []byte, number uint64) error {
		switch field {
		case 1:
			seconds = int64(number)
		case 2:
			nanos = int64(int32(number))
		}
		return nil
	})
	const most = 9_000_000_000 // seconds that nanoseconds have room for
	return max(-most, min(seconds, most))*int64(time.Second) + nanos, err
}

func appendPair(out, message []byte) ([]byte, error) {
	name, value, err := wire.Pair(message)
	return appendMetadata(out, string(name), string(value)), err
}

// maxJSONValues bounds a request in JSON, whose tree takes some hundred bytes for each.
const maxJSONValues = ingest.MaxRequestValues

const wanted = `want {"streams":[{"stream":{…},"values":[["<nanoseconds>","<line>"]]}]}`

// json reads the form in JSON, and that of the first versions.
func (p *push) json(body []byte) error {
	if n := wire.CountValues(body); n > maxJSONValues {
		bad := ingest.NewBadInput(body, -1, 0, fmt.Sprintf("more than %d values in a request; send smaller batches, or protobuf", maxJSONValues))
		bad.TooLarge = true
		return bad
	}
	v, err := fastjson.ParseBytes(body)
	if err != nil {
		return ingest.NewBadJSON(body, err, wanted)
	}
	streams := v.Get("streams")
	if streams == nil || streams.Type() != fastjson.TypeArray {
		return ingest.NewBadInput(body, -1, 0, wanted)
	}
	for i, s := range streams.GetArray() {
		if err := p.jsonStream(s); err != nil {
			if errors.Is(err, errValue) || errors.Is(err, errStream) {
				return ingest.NewBadInput(body, len(p.events), 0, fmt.Sprintf("stream %d: %s", i, err))
			}
			return err
		}
	}
	return nil
}

// errStream is a stream of which entries would be lost in silence.
var errStream = errors.New("labels are an object or, of old, a text; values and entries are arrays")

// isStream reports whether the parts of a stream that are there are what they should be.
func isStream(s *fastjson.Value) bool {
	is := func(name string, kind fastjson.Type) bool {
		part := s.Get(name)
		return part == nil || part.Type() == fastjson.TypeNull || part.Type() == kind
	}
	return s.Type() == fastjson.TypeObject && is("labels", fastjson.TypeString) && is("stream", fastjson.TypeObject) &&
		is("values", fastjson.TypeArray) && is("entries", fastjson.TypeArray)
}

func (p *push) jsonStream(s *fastjson.Value) error {
	if !isStream(s) {
		return errStream
	}
	if labels := s.Get("labels"); labels != nil {
		p.stream.ofText(string(labels.GetStringBytes()))
	} else {
		p.stream.ofObject(s.GetObject("stream"))
	}
	for _, v := range s.GetArray("values") {
		if err := p.jsonValue(v.GetArray()); err != nil {
			return err
		}
	}
	for _, v := range s.GetArray("entries") {
		if err := p.add(entry{when: string(v.GetStringBytes("ts")), line: v.GetStringBytes("line")}); err != nil {
			return err
		}
	}
	return nil
}

// errValue is an entry that is none.
var errValue = errors.New(`want entries as ["<nanoseconds>","<line>"], or with an object of metadata behind`)

func (p *push) jsonValue(v []*fastjson.Value) error {
	if len(v) < 2 || len(v) > 3 || v[1].Type() != fastjson.TypeString {
		return errValue
	}
	e := entry{line: v[1].GetStringBytes()}
	when := string(v[0].GetStringBytes())
	if v[0].Type() == fastjson.TypeNumber {
		when = v[0].String()
	}
	nanos, err := strconv.ParseInt(when, 10, 64)
	if e.nanos = nanos; err != nil {
		e.when = when
	}
	if len(v) == 3 {
		if o := v[2].GetObject(); o != nil {
			o.Visit(func(k []byte, v *fastjson.Value) { e.metadata = appendMetadata(e.metadata, string(k), scalar(v)) })
		}
	}
	return p.add(e)
}

// scalar is a label's value; senders write strings.
func scalar(v *fastjson.Value) string {
	if v.Type() == fastjson.TypeString {
		return string(v.GetStringBytes())
	}
	return v.String()
}
