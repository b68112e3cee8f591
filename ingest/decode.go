package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/valyala/fastjson"

	"nightjar/schema"
)

// Limits of one event and of one request. They bound memory: a value costs far
// more in memory than the two bytes it may take in JSON.
const (
	MaxEventBytes    = 1 << 20
	MaxEventValues   = 1 << 16
	MaxRequestValues = 1 << 20
)

// Decoder reads events as the logs intake takes them. Its fields are what is
// known from outside the body.
type Decoder struct {
	// Now is the time of events that have none, and bounds one without a year.
	Now time.Time
	// Source, Service and Host stand in where an event has none; Tags are added.
	Source, Service, Host string
	Tags                  []string
	// Year and Zone are Line's.
	Year int
	Zone *time.Location
	// Locator, when not nil, adds where the client's address is.
	Locator Locator

	// What had to be resolved on the way in, so far.
	Odd schema.Oddities
	// BadTimes counts timestamps that could not be read.
	BadTimes int
	// Located counts what came of clients' addresses.
	Located Located

	parser fastjson.Parser
	values int
}

// BadInput is a body that is refused, and where in it the reason is.
type BadInput struct {
	Element  int // of the array or of the lines, from 0; −1: the body as a whole
	Offset   int // in bytes
	Line     int
	Column   int
	Detail   string
	TooLarge bool
}

func (e *BadInput) Error() string {
	place := fmt.Sprintf("byte %d (line %d, column %d)", e.Offset, e.Line, e.Column)
	if e.Element >= 0 {
		place = fmt.Sprintf("event %d at %s", e.Element, place)
	}
	return place + ": " + e.Detail
}

func (d *Decoder) bad(body []byte, element, offset int, detail string) *BadInput {
	offset = min(offset, len(body))
	before := body[:offset]
	return &BadInput{
		Element: element, Offset: offset, Detail: detail,
		Line:   bytes.Count(before, []byte("\n")) + 1,
		Column: utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1,
	}
}

// JSON reads an array of objects, one object, or objects one after the other.
// One bad element refuses all.
func (d *Decoder) JSON(body []byte) ([]schema.Event, error) {
	at := skipSpace(body, len(body)-len(bytes.TrimPrefix(body, []byte("\ufeff"))))
	if at == len(body) {
		return nil, d.bad(body, -1, at, "the body is empty; send a JSON array of log objects")
	}
	if body[at] != '[' {
		return d.sequence(body, at)
	}
	var events []schema.Event
	at = skipSpace(body, at+1)
	if at < len(body) && body[at] == ']' {
		return events, d.end(body, at+1)
	}
	for {
		end, err := d.object(body, at, len(events), &events)
		if err != nil {
			return nil, err
		}
		at = skipSpace(body, end)
		switch {
		case at < len(body) && body[at] == ']':
			return events, d.end(body, at+1)
		case at < len(body) && body[at] == ',':
			at = skipSpace(body, at+1)
		default:
			return nil, d.bad(body, len(events)-1, at, "the array does not go on with , or ] here; is the body cut off?")
		}
	}
}

func (d *Decoder) sequence(body []byte, at int) ([]schema.Event, error) {
	var events []schema.Event
	for at < len(body) {
		end, err := d.object(body, at, len(events), &events)
		if err != nil {
			return nil, err
		}
		at = skipSpace(body, end)
	}
	return events, nil
}

func (d *Decoder) end(body []byte, at int) error {
	if at = skipSpace(body, at); at < len(body) {
		return d.bad(body, -1, at, "there is something behind the array; send one array")
	}
	return nil
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// object reads the object at body[at:] and returns where it ends.
func (d *Decoder) object(body []byte, at, element int, events *[]schema.Event) (end int, err error) {
	if at >= len(body) || body[at] != '{' {
		return 0, d.bad(body, element, at, "want a log object here, as in {\"message\": \"…\"}"+orPlain(element))
	}
	end, values, closed := scanObject(body, at)
	d.values += values
	switch {
	case end-at > MaxEventBytes:
		err := d.bad(body, element, at, fmt.Sprintf("the event is larger than %d bytes; split or shorten it", MaxEventBytes))
		err.TooLarge = true
		return 0, err
	case values > MaxEventValues || d.values > MaxRequestValues:
		err := d.bad(body, element, at, fmt.Sprintf("more than %d values in an event or %d in a request; send fewer", MaxEventValues, MaxRequestValues))
		err.TooLarge = true
		return 0, err
	}
	v, err := d.parser.ParseBytes(body[at:end])
	if err != nil && closed {
		if text, n := quoteInfinities(body[at:end]); n > 0 {
			if again, e := d.parser.ParseBytes(text); e == nil {
				d.Odd.HugeNumbers += n
				v, err = again, nil
			}
		}
	}
	if err != nil || !closed {
		offset, why := explainJSON(body[at:end], err)
		return 0, d.bad(body, element, at+offset, why)
	}
	o, err := v.Object()
	if err != nil {
		return 0, d.bad(body, element, at, "want a log object, got "+v.Type().String())
	}
	*events = append(*events, d.Event(o))
	return end, nil
}

func orPlain(element int) string {
	if element > 0 {
		return ""
	}
	return "; lines of text go with Content-Type: text/plain"
}

// scanObject finds where the object ends, without looking at more of JSON than
// strings and brackets, and counts the values in it.
func scanObject(b []byte, at int) (end, values int, closed bool) {
	depth := 0
	for i := at; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
			values++
		case ',':
			values++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1, values, true
			}
		}
	}
	return len(b), values, false
}

// quoteInfinities makes strings of the bare words Infinity and -Infinity, which
// some writers of JSON use and no reader has to know. Like every number that a
// double does not hold, they are the text that was sent.
func quoteInfinities(text []byte) (out []byte, n int) {
	inString := false
	for i := 0; i < len(text); {
		if !inString && (text[i] == 'I' || text[i] == '-') {
			if word := infinity.Find(text[i:]); word != nil {
				out = append(append(append(out, '"'), word...), '"')
				i += len(word)
				n++
				continue
			}
		}
		c := text[i]
		if inString && c == '\\' && i+1 < len(text) {
			out = append(out, c, text[i+1])
			i += 2
			continue
		}
		if c == '"' {
			inString = !inString
		}
		out = append(out, c)
		i++
	}
	return out, n
}

var infinity = regexp.MustCompile(`^-?Infinity\b`)

// explainJSON says what is wrong, and where, in text that fastjson refused.
func explainJSON(text []byte, err error) (offset int, why string) {
	if err != nil && strings.Contains(err.Error(), "too big depth") {
		return 0, fmt.Sprintf("the object is nested more than %d levels deep; flatten it", fastjson.MaxDepth)
	}
	var syntax *json.SyntaxError
	if e := json.Unmarshal(text, new(json.RawMessage)); errors.As(e, &syntax) {
		if int(syntax.Offset) >= len(text) && strings.Contains(syntax.Error(), "unexpected end") {
			return len(text), "the JSON ends before the object does; is the body cut off?"
		}
		return max(0, int(syntax.Offset)-1), "broken JSON: " + syntax.Error()
	}
	return 0, fmt.Sprintf("broken JSON: %v", err)
}

// Lines reads one event a line. Empty lines are none.
func (d *Decoder) Lines(body []byte) ([]schema.Event, error) {
	var events []schema.Event
	for at := 0; at < len(body); {
		end := at + len(body[at:])
		if i := bytes.IndexByte(body[at:], '\n'); i >= 0 {
			end = at + i
		}
		line := bytes.TrimSuffix(body[at:end], []byte("\r"))
		if len(line) > MaxEventBytes {
			err := d.bad(body, len(events), at, fmt.Sprintf("the line is longer than %d bytes; split or shorten it", MaxEventBytes))
			err.TooLarge = true
			return nil, err
		}
		if len(bytes.TrimSpace(line)) > 0 {
			if len(events) >= MaxRequestValues {
				err := d.bad(body, len(events), at, fmt.Sprintf("more than %d lines in a request; send fewer", MaxRequestValues))
				err.TooLarge = true
				return nil, err
			}
			events = append(events, d.Raw(string(line)))
		}
		at = end + 1
	}
	if len(events) == 0 {
		return nil, d.bad(body, -1, 0, "the body is empty; send one log a line")
	}
	return events, nil
}

// Raw is the event of a line of text.
func (d *Decoder) Raw(line string) schema.Event {
	return d.build(&draft{message: line})
}

// Event is the event that a log object stands for. Reserved keys become
// reserved fields; the members of `attributes` and all other keys become
// attributes. Of a key that comes twice, the last counts.
func (d *Decoder) Event(o *fastjson.Object) schema.Event {
	x := draft{pairs: make([]schema.Pair, 0, o.Len()+8)}
	o.Visit(func(k []byte, v *fastjson.Value) {
		switch string(k) {
		case "message":
			d.text(&x.message, &x.has.message, v)
		case "ddsource":
			d.text(&x.ddsource, &x.has.ddsource, v)
		case "source":
			d.text(&x.source, &x.has.source, v)
		case "service":
			d.text(&x.service, &x.has.service, v)
		case "hostname":
			d.text(&x.hostname, &x.has.hostname, v)
		case "host":
			d.text(&x.host, &x.has.host, v)
		case "status":
			d.text(&x.status, &x.has.status, v)
		case "ddtags":
			d.tags(&x.ddtags, &x.has.ddtags, v)
		case "tags":
			d.tags(&x.tags, &x.has.tags, v)
		case "timestamp":
			d.once(&x.has.timestamp)
			x.timestamp = v
		case "date":
			d.once(&x.has.date)
			x.date = v
		case "attributes":
			if members, err := v.Object(); err == nil {
				x.pairs = append(x.pairs, schema.Pairs(members)...)
				return
			}
			fallthrough
		default:
			x.pairs = append(x.pairs, schema.Pair{Key: string(k), Value: v})
		}
	})
	return d.build(&x)
}

// draft is an event while it is put together.
type draft struct {
	message, ddsource, source, service, hostname, host, status string

	ddtags, tags    []string
	timestamp, date *fastjson.Value
	pairs           []schema.Pair
	has             struct {
		message, ddsource, source, service, hostname, host, status, ddtags, tags, timestamp, date bool
	}
}

func (d *Decoder) build(x *draft) schema.Event {
	e := schema.Event{
		At:      schema.MillisOf(d.Now),
		Seen:    schema.MillisOf(d.Now),
		Source:  first(x.ddsource, x.source, d.Source),
		Service: first(x.service, d.Service),
		Host:    first(x.hostname, x.host),
		Status:  first(x.status, "info"),
		Message: x.message,
		Tags:    distinctTags(x.ddtags, x.tags, d.Tags),
	}
	// What an event says of itself counts before what its line says, and that
	// before what the request says.
	timed := d.setTime(&e, x)
	if parse := Parsers[e.Source]; parse != nil && onlyMessage(x.pairs) {
		p := parse(Line{Text: e.Message, Now: d.Now, Year: d.Year, Zone: d.Zone})
		x.pairs = append(x.pairs, p.pairs()...)
		e.Host = first(e.Host, p.Host)
		if !timed && !p.At.IsZero() {
			e.At = schema.MillisOf(p.At)
		}
	}
	e.Host = first(e.Host, d.Host)
	e.Message = d.valid(e.Message)
	e.Source, e.Service, e.Host, e.Status = d.valid(e.Source), d.valid(e.Service), d.valid(e.Host), d.valid(e.Status)
	for i, t := range e.Tags {
		e.Tags[i] = d.valid(t)
	}
	a, odd := schema.NewAttributes(d.locate(x.pairs))
	d.Odd.Add(odd)
	e.Attributes = a
	return e
}

// setTime gives the event its own time, if it can be read. If not, the event
// happened when it arrived, and what was sent is kept.
func (d *Decoder) setTime(e *schema.Event, x *draft) (timed bool) {
	v := x.timestamp
	if v == nil || v.Type() == fastjson.TypeNull {
		v = x.date
	}
	if v == nil || v.Type() == fastjson.TypeNull {
		return false
	}
	at, ok := parseTime(v, d.Zone)
	if !ok {
		d.BadTimes++
		x.pairs = append(x.pairs, originalPair(x.pairs, v))
		return false
	}
	e.At = at
	return true
}

// onlyMessage tells whether an event came without attributes; an id is the
// sender's name for it and says nothing about it.
func onlyMessage(pairs []schema.Pair) bool {
	for _, p := range pairs {
		if p.Key != "id" {
			return false
		}
	}
	return true
}

// text reads a reserved field: a string is itself, null is nothing, and
// anything else is its JSON.
func (d *Decoder) text(field *string, has *bool, v *fastjson.Value) {
	d.once(has)
	*field = asText(v)
}

func asText(v *fastjson.Value) string {
	switch v.Type() {
	case fastjson.TypeString:
		s, _ := v.StringBytes()
		return string(s)
	case fastjson.TypeNull:
		return ""
	case fastjson.TypeObject, fastjson.TypeArray:
		a, _ := schema.NewAttributes([]schema.Pair{{Key: "v", Value: v}})
		return strings.TrimSuffix(strings.TrimPrefix(a.JSON, `{"v":`), "}")
	}
	return string(v.MarshalTo(nil))
}

// tags reads "a:b,c:d", or an array of such strings.
func (d *Decoder) tags(field *[]string, has *bool, v *fastjson.Value) {
	d.once(has)
	*field = nil
	if elements, err := v.Array(); err == nil {
		for _, e := range elements {
			*field = append(*field, SplitTags(asText(e))...)
		}
		return
	}
	*field = SplitTags(asText(v))
}

// once counts a key that comes again.
func (d *Decoder) once(has *bool) {
	if *has {
		d.Odd.DuplicateKeys++
	}
	*has = true
}

func (d *Decoder) valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	d.Odd.InvalidUTF8++
	return strings.ToValidUTF8(s, "\uFFFD")
}

// SplitTags reads a list of tags, as ddtags and the command line have it.
func SplitTags(s string) []string {
	var out []string
	for t := range strings.SplitSeq(s, ",") {
		if t = strings.TrimSpace(t); t != "" {
			out = append(out, t)
		}
	}
	return out
}

func distinctTags(lists ...[]string) []string {
	var out []string
	for _, list := range lists {
		for _, t := range list {
			if !contains(out, t) {
				out = append(out, t)
			}
		}
	}
	return out
}

// contains is for lists of a few; MaxEventBytes bounds the worst.
func contains(list []string, s string) bool {
	for _, have := range list {
		if have == s {
			return true
		}
	}
	return false
}

func first(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}
