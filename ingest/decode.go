package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/valyala/fastjson"

	"nightjar/ingest/w3c"
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
	// Fallback is the source of events of which not even their form tells one.
	Fallback string
	Tags     []string
	// Year and Zone are Line's.
	Year int
	Zone *time.Location
	// Locator, when not nil, adds where the client's address is.
	Locator Locator
	// Pipelines, when not nil, change events while they are made.
	Pipelines Pipelines

	// Offline reads events of a file that nobody sent: each arrives at its own
	// time, and one without has NoTime.
	Offline bool

	// What had to be resolved on the way in, so far.
	Odd schema.Oddities
	// BadTimes counts events by source whose time could not be read, and Untimed
	// those that say none.
	BadTimes map[string]int
	Untimed  int
	// Cut counts events that were larger or deeper than events may be, and Warnings
	// tell of the first of them.
	Cut      int
	Warnings []string
	// Late counts events that came too late for rules to see them.
	Late      int
	allowance time.Duration
	// Located counts what came of clients' addresses.
	Located Located

	// room asks for memory for this many bytes of objects in all; nil: there is some.
	// held is what it was asked for, appended what Append has read.
	room           func(total int64) error
	held, appended int64

	parser, inner fastjson.Parser
	keys          map[string]string
	pairs         []schema.Pair
	values        int
	asked         schema.Event
	piped         bool // pipelines ran over the event before this one
	onlyTrees     bool // for tests: that both ways give the same
}

// BadInputError is a body that is refused, and where in it the reason is.
type BadInputError struct {
	Element  int // of the array or of the lines, from 0; −1: the body as a whole
	Offset   int // in bytes
	Line     int
	Column   int
	Detail   string
	TooLarge bool
}

func (e *BadInputError) Error() string {
	place := fmt.Sprintf("byte %d (line %d, column %d)", e.Offset, e.Line, e.Column)
	if e.Element >= 0 {
		place = fmt.Sprintf("event %d at %s", e.Element, place)
	}
	return place + ": " + e.Detail
}

func (d *Decoder) bad(body []byte, element, offset int, detail string) *BadInputError {
	return NewBadInput(body, element, offset, detail)
}

// NewBadInput says what is wrong at an element of a body. The element is that of the
// array or of the lines, from 0; −1: the body as a whole.
func NewBadInput(body []byte, element, offset int, detail string) *BadInputError {
	offset = min(offset, len(body))
	before := body[:offset]
	return &BadInputError{
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
		end, err := d.objects(body, at, &events)
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

// Append adds the event of one log object, the JSON text that a protocol's record was
// made into. It refuses only what takes a request beyond its bounds, and text that is
// no object. What records share is in the object of each, so that a small body may
// stand for much: memory is asked for as it is needed.
func (d *Decoder) Append(events []schema.Event, object []byte) ([]schema.Event, error) {
	if err := d.more(len(object)); err != nil {
		return events, err
	}
	_, err := d.object(object, 0, len(events), &events)
	return events, err
}

// more asks for memory when the events take more than was asked for.
func (d *Decoder) more(n int) error {
	if d.appended += int64(n); d.room == nil || d.appended <= d.held {
		return nil
	}
	d.held = d.appended + d.appended/4
	return d.room(d.held)
}

// another asks for what the request says of all its events, which each of them has:
// of a body of empty lines it may be a thousand times as much.
func (d *Decoder) another() error {
	n := len(d.Source) + len(d.Service) + len(d.Host)
	for _, t := range d.Tags {
		n += len(t) + tagSize
	}
	return d.more(n)
}

// tagSize is what a tag takes in memory beside its text.
const tagSize = 16

func (d *Decoder) sequence(body []byte, at int) ([]schema.Event, error) {
	var events []schema.Event
	for at < len(body) {
		end, err := d.objects(body, at, &events)
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
	if err := d.another(); err != nil {
		return 0, err
	}
	// Events that pipelines are for come in rows: reading each without a tree first, for
	// nothing, would cost as much as a small pipeline.
	byTree := d.piped
	d.piped = false
	if !byTree {
		if end, ok := d.read(body, at, events); ok {
			return end, nil
		}
	}
	end, shape := scanObject(body, at)
	text, cut := body[at:end], (*cut)(nil)
	if shape.closed {
		text, cut = d.fit(text, shape)
	}
	if d.values += min(shape.values, MaxEventValues); d.values > MaxRequestValues {
		err := d.bad(body, element, at, fmt.Sprintf("more than %d values in a request; send smaller batches", MaxRequestValues))
		err.TooLarge = true
		return 0, err
	}
	v, err := d.parser.ParseBytes(text)
	if err != nil && shape.closed {
		if again, n := quoteInfinities(text); n > 0 {
			if w, e := d.parser.ParseBytes(again); e == nil {
				d.Odd.HugeNumbers += n
				v, err = w, nil
			}
		}
	}
	if err != nil || !shape.closed {
		offset, why := explainJSON(body[at:end], err)
		return 0, d.bad(body, element, at+offset, why)
	}
	o, err := v.Object()
	if err != nil {
		return 0, d.bad(body, element, at, "want a log object, got "+v.Type().String())
	}
	x := draft{pairs: slices.Grow(d.pairs[:0], o.Len()+8), cut: cut, object: text}
	d.members(&x, o)
	*events = append(*events, d.built(&x, element))
	d.pairs = x.pairs // nothing of the event is in their memory
	return end, nil
}

// built is the event, with a warning where it was cut.
func (d *Decoder) built(x *draft, element int) schema.Event {
	e := d.build(x)
	if x.cut != nil {
		d.Cut++
		d.Odd.Flattened += x.cut.deep
		if len(d.Warnings) < maxWarnings {
			d.Warnings = append(d.Warnings, fmt.Sprintf("event %d: %s", element, x.cut))
		}
	}
	return e
}

// late notes how many events no rule sees, and what to do.
func (d *Decoder) late(n int, allowance time.Duration) {
	d.Late, d.allowance = n, allowance
}

// lateWarning says how many events came too late, and what to do.
func lateWarning(n int, allowance time.Duration) string {
	return fmt.Sprintf("%s%d events are more than %s behind their time: stored, searchable, and not evaluated; a backtest (nightjar backtest --from … --to …, or a job) finds their signals", LatePrefix, n, allowance)
}

// LatePrefix begins that warning.
const LatePrefix = "late: "

// warnings tell which events were cut, and how many came too late.
func (d *Decoder) warnings() []string {
	out := slices.Clone(d.Warnings)
	if more := d.Cut - len(d.Warnings); more > 0 {
		out = append(out, fmt.Sprintf("%d more events were cut (@nightjar.cut)", more))
	}
	if d.Late > 0 {
		out = append(out, lateWarning(d.Late, d.allowance))
	}
	return out
}

// maxWarnings is how many events that were cut a request is told of one by one.
const maxWarnings = 20

func orPlain(element int) string {
	if element > 0 {
		return ""
	}
	return "; lines of text go with Content-Type: text/plain"
}

// shape is what is known of an object before it is parsed.
type shape struct {
	values, depth int
	closed        bool // its end is there
}

// scanObject finds where the object ends, without looking at more of JSON than
// strings and brackets, and counts the values in it and how deep they nest.
func scanObject(b []byte, at int) (end int, s shape) {
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
			s.values++
			s.depth = max(s.depth, depth)
		case ',':
			s.values++
		case '}', ']':
			if depth--; depth == 0 {
				s.closed = true
				return i + 1, s
			}
		}
	}
	return len(b), s
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
	var syntax *json.SyntaxError
	if e := json.Unmarshal(text, new(json.RawMessage)); errors.As(e, &syntax) {
		if int(syntax.Offset) >= len(text) && strings.Contains(syntax.Error(), "unexpected end") {
			return len(text), "the JSON ends before the object does; is the body cut off?"
		}
		return max(0, int(syntax.Offset)-1), "broken JSON: " + syntax.Error()
	}
	return 0, fmt.Sprintf("broken JSON: %v", err)
}

// NewBadJSON says where a body stops being JSON, or why else it could not be read, and
// what was wanted.
func NewBadJSON(body []byte, err error, want string) *BadInputError {
	offset, why := explainJSON(body, err)
	return NewBadInput(body, -1, offset, want+"; "+why)
}

// Lines reads one event a line. Empty lines are none. A first line that names the fields
// of a VPC flow log is none, but says what the others mean; so do the directives of a
// body that begins as logs of W3C's format do.
func (d *Decoder) Lines(body []byte) ([]schema.Event, error) {
	var events []schema.Event
	flow, head := flowOf(body)
	rows := w3cRows{is: w3c.IsHead(string(body[:min(len(body), maxFlowHead)]))}
	for at := head; at < len(body); {
		end := at + len(body[at:])
		if i := bytes.IndexByte(body[at:], '\n'); i >= 0 {
			end = at + i
		}
		line := bytes.TrimSuffix(body[at:end], []byte("\r"))
		if len(bytes.TrimSpace(line)) > 0 && !rows.directive(line) {
			if len(events) >= MaxRequestValues {
				err := d.bad(body, len(events), at, fmt.Sprintf("more than %d lines in a request; send fewer", MaxRequestValues))
				err.TooLarge = true
				return nil, err
			}
			if err := d.another(); err != nil {
				return nil, err
			}
			object, ok := flow.Append(nil, string(line))
			if !ok {
				object, ok = rows.fields.Append(nil, string(line))
			}
			if ok {
				var err error
				if events, err = d.Append(events, object); err != nil {
					return nil, err
				}
			} else {
				x := draft{}
				x.rawMessage, x.cut = fitLine(line)
				events = append(events, d.built(&x, len(events)))
			}
		}
		at = end + 1
	}
	if len(events) == 0 {
		return nil, d.bad(body, -1, 0, "the body is empty; send one log a line")
	}
	return events, nil
}
