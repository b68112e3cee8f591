package elastic

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/valyala/fastjson"

	"nightjar/ingest"
	"nightjar/schema"
)

// Limits of a request. Those of names are Elasticsearch's, in bytes.
const (
	maxActions = 250_000
	maxIndex   = 255
	maxID      = 512
	maxAction  = 64 << 10
	maxHint    = 1 << 10
)

// known are the actions.
var known = []string{"index", "create", "update", "delete"}

// item is an action of a bulk request, and what became of it.
type item struct {
	action, index, id string
	// fault, when not empty, is why it can never be stored.
	fault string
}

// bulk is the body of a bulk request while it is read.
type bulk struct {
	d     *ingest.Decoder
	items []item
	// events are those of the items that have no fault, names the senders' for them.
	events []schema.Event
	names  []string

	index     string // of actions that name none
	lines     parser
	source    string // what the request says of all events
	service   string
	tags      []string
	lastIndex string
	lastTags  []string
	action    fastjson.Parser
}

// parser reads lines.
type parser struct {
	rest   []byte
	line   int
	offset int
}

// next is the next line that is not empty; nil at the end.
func (p *parser) next() []byte {
	for len(p.rest) > 0 {
		line, rest, _ := bytes.Cut(p.rest, []byte("\n"))
		p.offset += len(p.rest) - len(rest)
		p.rest = rest
		p.line++
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line
		}
	}
	return nil
}

// readBulk reads the actions and their documents. What makes the body as a whole
// unreadable is an error; what is wrong with a document is its item's fault.
func readBulk(d *ingest.Decoder, body []byte, index string) (*bulk, error) {
	b := &bulk{d: d, index: index, lines: parser{rest: body}, source: d.Source, service: d.Service, tags: d.Tags}
	for {
		line := b.lines.next()
		if line == nil {
			break
		}
		if len(b.items) == maxActions {
			err := b.bad(fmt.Sprintf("more than %d actions in a request; send smaller batches", maxActions))
			err.TooLarge = true
			return nil, err
		}
		it, err := b.readAction(line)
		if err != nil {
			return nil, err
		}
		if err := b.read(it); err != nil {
			return nil, err
		}
	}
	d.Source, d.Service, d.Tags = b.source, b.service, b.tags
	if len(b.items) == 0 {
		return nil, b.bad("the body is empty; send an action and a document in lines of their own")
	}
	return b, nil
}

func (b *bulk) bad(detail string) *ingest.BadInputError {
	return &ingest.BadInputError{Element: -1, Offset: b.lines.offset, Line: max(1, b.lines.line), Column: 1, Detail: detail}
}

// readAction reads a line such as {"create":{"_index":"logs","_id":"1"}}.
func (b *bulk) readAction(line []byte) (item, error) {
	const want = `want an action here, as in {"create":{"_index":"logs"}}`
	if len(line) > maxAction {
		return item{}, b.bad(fmt.Sprintf("%s: this line is longer than %d bytes", want, maxAction))
	}
	v, err := b.action.ParseBytes(line)
	if err != nil {
		return item{}, b.bad(want + ": " + err.Error())
	}
	o, err := v.Object()
	if err != nil {
		return item{}, b.bad(want)
	}
	it := item{index: b.index}
	var meta *fastjson.Value
	actions := 0
	o.Visit(func(k []byte, v *fastjson.Value) {
		if slices.Contains(known, string(k)) { // some senders put their own notes beside it
			it.action, meta = string(k), v
			actions++
		}
	})
	if actions != 1 || meta.Type() != fastjson.TypeObject {
		return item{}, b.bad(want)
	}
	if index := text(meta.Get("_index")); index != "" {
		it.index = index
	}
	it.id = text(meta.Get("_id"))
	return it, nil
}

// text is a string or number as text.
func text(v *fastjson.Value) string {
	switch {
	case v == nil:
	case v.Type() == fastjson.TypeString:
		return string(v.GetStringBytes())
	case v.Type() == fastjson.TypeNumber:
		return string(v.MarshalTo(nil))
	}
	return ""
}

// read reads the document that belongs to an action.
func (b *bulk) read(it item) error {
	if it.action == "delete" {
		it.fault = "events stay what they were; delete has no effect"
		b.items = append(b.items, it)
		return nil
	}
	doc := b.lines.next()
	if doc == nil {
		return b.bad("an action without its document at the end; is the body cut off?")
	}
	if it.action == "update" {
		if doc = b.updated(doc); doc == nil {
			it.fault = `want {"doc":{…}}: events are written once, scripts do nothing to them`
			b.items = append(b.items, it)
			return nil
		}
	}
	if len(it.index) > maxIndex || len(it.id) > maxID {
		it.fault = fmt.Sprintf("_index is longer than %d bytes, or _id than %d", maxIndex, maxID)
		it.index, it.id = it.index[:min(len(it.index), maxIndex)], it.id[:min(len(it.id), maxID)]
		b.items = append(b.items, it)
		return nil
	}
	return b.take(it, doc)
}

// updated is the document of an update, which is written anew.
func (b *bulk) updated(line []byte) (doc []byte) {
	_, ok := ingest.Members(line, 0, func(name string, value []byte) {
		if value[0] == '{' && (name == "doc" || name == "upsert" && doc == nil) {
			doc = value
		}
	})
	if !ok {
		return nil
	}
	return doc
}

// take makes an event of a document.
func (b *bulk) take(it item, doc []byte) error {
	if doc[0] != '{' {
		it.fault = fmt.Sprintf("line %d: want one JSON object", b.lines.line)
		b.items = append(b.items, it)
		return nil
	}
	b.d.Source, b.d.Service = b.hints(doc)
	b.d.Tags = b.tagged(it.index)
	events, err := b.d.JSON(doc)
	var bad *ingest.BadInputError
	switch {
	case errors.As(err, &bad) && !bad.TooLarge:
		it.fault = fmt.Sprintf("line %d: %s", b.lines.line, bad.Detail)
	case err != nil:
		return err
	case len(events) != 1:
		it.fault = fmt.Sprintf("line %d: want one JSON object", b.lines.line)
	default:
		b.events = append(b.events, events[0])
		name := ""
		if it.id != "" {
			name = it.index + "\x00" + it.id
		}
		b.names = append(b.names, name)
	}
	b.items = append(b.items, it)
	return nil
}

// tagged are the request's tags and that of the index, which is mostly the last one.
func (b *bulk) tagged(index string) []string {
	if index == "" {
		return b.tags
	}
	if b.lastTags == nil || index != b.lastIndex {
		b.lastIndex, b.lastTags = index, append(slices.Clip(b.tags), "index:"+index)
	}
	return b.lastTags
}

// hints are the source and service of a document that does not say them under the
// names that everybody uses, but where Elastic's own senders and those of Kubernetes
// do.
func (b *bulk) hints(doc []byte) (source, service string) {
	source, service = b.source, b.service
	if !bytes.Contains(doc, []byte(`"event`)) && !bytes.Contains(doc, []byte(`"kubernetes`)) {
		return source, service
	}
	found := find(doc, "event.module", "event.dataset", "kubernetes.labels.app")
	module, dataset, app := found[0], found[1], found[2]
	return cmp.Or(source, module, dataset), cmp.Or(service, app, dataset)
}

// find is the texts that stand at paths, whether they are written as objects or with
// dots. It makes no tree of the document, which may be large, and walks it once.
func find(object []byte, paths ...string) []string {
	found := make([]string, len(paths))
	findBelow("", object, paths, found)
	return found
}

func findBelow(prefix string, object []byte, paths, found []string) {
	_, _ = ingest.Members(object, 0, func(name string, value []byte) {
		name = prefix + name
		below := false
		for i, path := range paths {
			switch {
			case found[i] != "":
			case name != path:
				below = below || len(path) > len(name) && path[len(name)] == '.' && path[:len(name)] == name
			case len(value) <= maxHint && value[0] == '"':
				_ = json.Unmarshal(value, &found[i]) // what is no string says nothing
			}
		}
		if below {
			findBelow(name+".", value, paths, found)
		}
	})
}

// receive takes a bulk request in.
func (d *Door) receive(w http.ResponseWriter, r *http.Request, index string, readAs func([]byte) []byte) (*bulk, ingest.Taken, error) {
	var read *bulk
	taken, err := d.handler.Receive(w, r, func(dec *ingest.Decoder, body []byte) (ingest.Batch, error) {
		var err error
		if read, err = readBulk(dec, readAs(body), index); err != nil {
			return ingest.Batch{}, err
		}
		batch := ingest.Batch{Events: read.events}
		batch.Identify("elastic", read.names)
		batch.Resendable(dec, body, "elastic", r.URL.Path, r.URL.RawQuery)
		return batch, nil
	})
	return read, taken, err
}
