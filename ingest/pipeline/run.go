package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"nightjar/ingest/pipeline/grok"
	"nightjar/ingest/pipeline/value"
	"nightjar/ingest/record"
	"nightjar/schema"
)

// run is one record on its way through a set.
type run struct {
	*record.Record
	set  *Set
	grok grok.Context
	came came
	// given says which fields a remapper has given already: the first counts, over all
	// pipelines.
	given [givenFields]bool
	// said says that the event itself said its time.
	said bool
	// keeps says that the pipeline keeps what the event says itself, and says which of
	// eventPaths it does; looked at when the first such pipeline begins.
	keeps, askedOfEvent bool
	says                [len(eventNames)]bool
	// headed says that a syslog-parser has read the message's head, and body is what
	// follows that.
	headed bool
	body   string
	// made is how much was added to the record, in bytes.
	made int
	// reserved is the event that filters on reserved fields alone are asked of.
	reserved schema.Event
	// viewed is the event that was asked last for attributes, at which number of changes.
	viewed      *schema.Event
	viewedAt    int
	viewedPaths []string
	singles     singles
	// trace is where what happens is written down; nil: nowhere.
	trace *Step
	// failures are what failed in the pipeline, in short texts.
	failures []string
	spent    stopwatch
	steps    int
	redacted int
	// redact are what takes out of other texts of the event what was redacted in it.
	redact []func(string) string
	// stopped says that the time is up: only what redacts goes on.
	stopped bool
	// looked says that it was told that paths lead through too many elements.
	looked bool
}

// givenField is a reserved field of which the first remapper counts.
type givenField uint8

const (
	givenStatus givenField = iota
	givenService
	givenHost
	givenMessage
	givenTrace
	givenSpan
	givenFields
)

// Outcome is what came of a processor.
type Outcome string

// The outcomes.
const (
	Applied  Outcome = "applied"
	Skipped  Outcome = "skipped"  // there was nothing for it to do
	Failed   Outcome = "failed"   // and the record is as it was before
	Disabled Outcome = "disabled" // it or its pipeline is
)

type outcome struct {
	Outcome
	why  string // of what was skipped
	rule string // of grok, the rule that matched
	err  error  // of what failed
}

var applied = outcome{Outcome: Applied}

func skipped(why string) outcome { return outcome{Outcome: Skipped, why: why} }

func failed(err error) outcome { return outcome{Outcome: Failed, err: err} }

// maxMade is how much pipelines may add to a record, in bytes: processors that copy
// could else make gigabytes of it.
const maxMade = 4 << 20

// errTooLarge says that a record has grown enough.
var errTooLarge = errors.New("pipelines have added more to the record than 4 MiB")

// errTooManyElements says why a path seems to lead nowhere.
var errTooManyElements = fmt.Errorf("paths have led through more than %d elements of lists; what is behind them counts as missing", record.MostLooked)

// errStopped says that the pipeline's time was up within a processor.
var errStopped = errors.New("the pipeline's time was up")

// noSource is why most processors are skipped.
const noSource = "none of its sources is there"

// get is what stands at the path. The names of reserved fields lead to what the event
// came with where there is no such attribute: the intake has taken their values out of
// the attributes.
func (x *run) get(p record.Path) *fastjson.Value {
	if v := x.attribute(p); v != nil {
		return v
	}
	if p.String() == "message" && x.Message != "" {
		return x.String(x.Message)
	}
	return nil
}

// attribute is get without the message, which is no attribute that can be moved.
func (x *run) attribute(p record.Path) *fastjson.Value {
	if v := x.Get(p); v != nil {
		return v
	}
	text := x.came.text(p.String())
	if text == "" {
		return nil
	}
	return x.String(text)
}

// came is what an event came with in reserved fields.
type came struct{ service, host, status, source string }

// cameNames are the names of attributes that lead to what an event came with.
var cameNames = []string{"service", "host", "status", "source", "ddsource"}

func (c *came) text(name string) string {
	switch name {
	case "service":
		return c.service
	case "host":
		return c.host
	case "status":
		return c.status
	case "source", "ddsource":
		return c.source
	}
	return ""
}

// defaultStatus is that of events that say none.
const defaultStatus = "info"

func cameWith(r *record.Record) came {
	c := came{service: r.Service, host: r.Host, status: r.Status, source: r.Source}
	if c.status == defaultStatus {
		c.status = "" // it is likely that nobody said it
	}
	return c
}

// eventNames are the attributes that say what happened, and eventPaths lead there.
var (
	eventNames = [...]string{"evt.name", "evt.outcome", "evt.category"}
	eventPaths = func() (out [len(eventNames)]record.Path) {
		for i, name := range eventNames {
			out[i], _ = record.ParsePath(name) // they are paths
		}
		return out
	}()
)

// begin prepares for a pipeline.
func (x *run) begin(p *Pipeline) {
	if x.keeps = p.KeepSaid; !x.keeps || x.askedOfEvent {
		return
	}
	x.askedOfEvent = true
	for i, path := range eventPaths {
		x.says[i] = x.Get(path) != nil
	}
}

// saidItself reports whether the event says itself what stands at a path, and the
// pipeline keeps that.
func (x *run) saidItself(p record.Path) bool {
	if !x.keeps {
		return false
	}
	i := slices.Index(eventNames[:], p.String())
	return i >= 0 && x.says[i]
}

// firstOf is what stands at the first of the paths at which something does; nil: there
// is none.
func (x *run) firstOf(paths []record.Path) (*fastjson.Value, record.Path) {
	for _, p := range paths {
		if v := x.get(p); v != nil {
			return v, p
		}
	}
	return nil, record.Path{}
}

// make counts what is added, and refuses what would be too much.
func (x *run) make(v *fastjson.Value) error {
	x.made += weight(v)
	if x.made > maxMade {
		return errTooLarge
	}
	return nil
}

// weight is about the bytes of a value.
func weight(v *fastjson.Value) int {
	n := 16
	switch v.Type() {
	case fastjson.TypeString:
		n += len(v.GetStringBytes())
	case fastjson.TypeArray:
		for _, e := range v.GetArray() {
			n += weight(e)
		}
	case fastjson.TypeObject:
		v.GetObject().Visit(func(k []byte, v *fastjson.Value) { n += len(k) + weight(v) })
	}
	return n
}

// copyOf is a value that may be put elsewhere while the record keeps its own.
func (x *run) copyOf(v *fastjson.Value) (*fastjson.Value, error) {
	if err := x.make(v); err != nil {
		return nil, err
	}
	return x.Clone(v), nil
}

// put writes an attribute.
func (x *run) put(p record.Path, v *fastjson.Value) {
	x.Set(p, v)
	if x.trace != nil {
		x.trace.set(p.String(), v)
	}
}

// putNew writes an attribute that was made now.
func (x *run) putNew(p record.Path, v *fastjson.Value) outcome {
	if x.saidItself(p) {
		return skipped("the event says " + p.String() + " itself")
	}
	if err := x.make(v); err != nil {
		return failed(err)
	}
	x.put(p, v)
	return applied
}

// take removes an attribute.
func (x *run) take(p record.Path) {
	if x.Delete(p) && x.trace != nil {
		x.trace.Removed = append(x.trace.Removed, p.String())
	}
}

// give sets a reserved field, once; it reports whether it was the first to.
func (x *run) give(f givenField, field *string, name, text string) outcome {
	if x.given[f] {
		return skipped("an earlier remapper has set the " + name)
	}
	if x.keeps && (f == givenStatus && x.came.status != "" || f == givenService && x.came.service != "") {
		return skipped("the event says its " + name + " itself")
	}
	x.given[f] = true
	*field = text
	x.tell(name, text)
	return applied
}

// tell notes a reserved field that was set.
func (x *run) tell(name, text string) {
	if x.trace != nil {
		x.trace.Set = append(x.trace.Set, Change{Path: name, Value: value.AppendString(nil, text)})
	}
}

// event is the record as filters see it: with the attributes that they read. The fields
// are those of now; the event is for the next question only.
func (x *run) event(r *reads) *schema.Event {
	if r.one != nil {
		return x.single(r)
	}
	if r.all || len(r.paths) > 0 {
		e := x.view(r.paths, r.all)
		for _, name := range r.reserved {
			if text := x.came.text(name); text != "" && !e.Has(name) {
				e.Leaves = append(e.Leaves, schema.Leaf{Path: name, Kind: schema.KindString, Str: text})
				slices.SortStableFunc(e.Leaves, func(a, b schema.Leaf) int { return strings.Compare(a.Path, b.Path) })
			}
		}
		return e
	}
	e := &x.reserved
	e.At, e.Source, e.Service, e.Host, e.Status, e.Message, e.Tags = x.At, x.Source, x.Service, x.Host, x.Status, x.Message, x.Tags
	return e
}

// view is the event with these attributes. That of the last question serves the next one
// of the same attributes, for most pipelines ask what the one before them has asked.
func (x *run) view(paths []string, all bool) *schema.Event {
	e := x.viewed
	if e == nil || all || x.viewedAt != x.Changes() || !slices.Equal(x.viewedPaths, paths) {
		e = x.Record.Event(paths, all)
		x.viewed, x.viewedAt, x.viewedPaths = e, x.Changes(), paths
		if all {
			x.viewed = nil
		}
		return e
	}
	e.At, e.Source, e.Service, e.Host, e.Status, e.Message, e.Tags = x.At, x.Source, x.Service, x.Host, x.Status, x.Message, x.Tags
	return e
}

// singles are the views of one attribute each that were asked last: pipelines of many
// parts ask the same one of each part, while the others change.
type singles struct {
	of [4]struct {
		path  string
		value *fastjson.Value
		event *schema.Event
	}
	next int
}

// single is the view of one attribute. While that is the same text or number, it is the
// same view, whatever else has changed.
func (x *run) single(r *reads) *schema.Event {
	v := x.Get(*r.one)
	if v == nil || v.Type() == fastjson.TypeObject || v.Type() == fastjson.TypeArray {
		return x.view(r.paths, record.Asked)
	}
	for i := range x.singles.of {
		if s := &x.singles.of[i]; s.value == v && s.path == r.paths[0] {
			e := s.event
			e.At, e.Source, e.Service, e.Host, e.Status, e.Message, e.Tags = x.At, x.Source, x.Service, x.Host, x.Status, x.Message, x.Tags
			return e
		}
	}
	s := &x.singles.of[x.singles.next%len(x.singles.of)]
	x.singles.next++
	s.path, s.value, s.event = r.paths[0], v, x.Record.Event(r.paths, record.Asked)
	return s.event
}

// maxFailures is how many failures of a pipeline are told; they are counted all.
const maxFailures = 5

// process runs processors one after the other. When the pipeline's time is up, it is
// only those that redact: what was to be hidden is never stored for want of time.
func (x *run) process(list []Processor, told *[]*Step) {
	for _, p := range list {
		b := p.base()
		var step *Step
		if told != nil {
			step = &Step{Place: b.place, Type: b.Type, Name: b.Name}
			*told = append(*told, step)
			x.trace = step
		}
		switch {
		case !b.enabled():
			step.ended(outcome{Outcome: Disabled})
		case x.overdue(b.dear) && !redacts(p):
			step.ended(skipped("the pipeline's time is up"))
		default:
			out := x.timed(p, step)
			if out.Outcome == Failed {
				x.fail(b, out.err)
			}
			if x.LookedTooMuch() && !x.looked {
				x.looked = true
				x.fail(b, errTooManyElements)
			}
			step.ended(out)
		}
	}
}

// redacts reports whether a processor is one that redacts, or holds one.
func redacts(p Processor) bool {
	if n, ok := p.(*Nested); ok {
		return slices.ContainsFunc(n.Processors, redacts)
	}
	_, ok := p.(*Scrub)
	return ok
}

// timed runs one processor, and writes into its step, if there is one, how long that took.
func (x *run) timed(p Processor, told *Step) outcome {
	if told == nil {
		return x.step(p)
	}
	began := time.Now()
	out := x.step(p)
	told.Microseconds = micros(time.Since(began))
	return out
}

// step runs one processor. A fault of ours in it is its failure, and no other's.
func (x *run) step(p Processor) (out outcome) {
	defer func() {
		if e := recover(); e != nil {
			out = failed(fmt.Errorf("a fault of nightjar: %v", e))
		}
	}()
	return p.run(x)
}

// fail notes what failed.
func (x *run) fail(b *Base, err error) {
	if len(x.failures) < maxFailures {
		name := b.place
		if b.Name != "" {
			name += " (" + shortened(b.Name) + ")"
		}
		x.failures = append(x.failures, fmt.Sprintf("%s: %v", name, err))
	}
}

// What a processor costs that comes next.
const (
	cheap     = false
	expensive = true
)

// overdue reports whether the pipeline has had its time. The clock is not asked before
// each of the cheap processors.
func (x *run) overdue(dear bool) bool {
	x.steps++
	if !x.stopped && (dear || x.steps%4 == 0) {
		x.stopped = x.spent.over(x.set.budget)
	}
	return x.stopped
}
