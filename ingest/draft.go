package ingest

import (
	"strings"
	"unicode/utf8"

	"github.com/valyala/fastjson"

	"nightjar/ingest/record"
	"nightjar/ingest/times"
	"nightjar/schema"
)

// draft is an event while it is put together.
type draft struct {
	named
	// said are the members of the JSON object that the message is; nil: it is none.
	said         *named
	tags         []string
	pairs        []schema.Pair
	rawMessage   string // of a raw line
	line         string // what its parser reads, where that is more
	head         []Attribute
	hasDD, hasDT bool // ddtags and tags were there
	cut          *cut
	family       string          // a service, as the shape of the event has one
	arena        *fastjson.Arena // of what pipelines added; nil: they were not asked
	object       []byte          // the JSON that it came as
	guessed      bool            // its source was told by its shape
	untimed      bool            // it says no time, and was counted
	defaulted    bool            // it says no status
	applied      record.Applied

	// read, when not nil, is what reads the event without a tree; it has the
	// attributes, and pairs has none. places are the members that it has not; inlined,
	// windows and shaped tell of what it has. needsTree says that the tree must decide.
	read                                *schema.Reader
	places                              []place
	inlined, windows, shaped, needsTree bool
}

// Event is the event that a log object stands for. Names that senders use for the
// reserved fields give them their values (fields says which, in which order); the
// members of `attributes` and all that is not used up become attributes, as do
// the members of a message that is itself a JSON object. Of a key that comes
// twice, the last counts.
func (d *Decoder) Event(o *fastjson.Object) schema.Event {
	x := draft{pairs: make([]schema.Pair, 0, o.Len()+8)}
	d.members(&x, o)
	return d.build(&x)
}

// Raw is the event of a line of text.
func (d *Decoder) Raw(line string) schema.Event {
	return d.build(&draft{rawMessage: line})
}

func (d *Decoder) members(x *draft, o *fastjson.Object) {
	var ddtags, tags []string
	o.Visit(func(k []byte, v *fastjson.Value) {
		switch string(k) {
		case "ddtags":
			d.tags(x, &ddtags, &x.hasDD, "ddtags", v)
			return
		case "tags":
			d.tags(x, &tags, &x.hasDT, "tags", v)
			return
		case "attributes":
			if members, err := v.Object(); err == nil {
				x.pairs = append(x.pairs, schema.Pairs(members)...)
				return
			}
		}
		s := slotOf(k)
		if s >= 0 && own[s] && x.named[s].kind != 0 {
			d.Odd.DuplicateKeys++
		}
		x.take(s, k, v)
		if s < 0 || !own[s] {
			x.pairs = append(x.pairs, schema.Pair{Key: d.key(k), Value: v})
		}
	})
	x.tags = append(ddtags, tags...)
}

// maxKeys is how many keys a decoder remembers.
const maxKeys = 1000

// key is a key as a string that is held once for many events.
func (d *Decoder) key(k []byte) string {
	if known, ok := d.keys[string(k)]; ok {
		return known
	}
	s := string(k)
	if d.keys == nil {
		d.keys = map[string]string{}
	}
	if len(d.keys) < maxKeys {
		d.keys[s] = s
	}
	return s
}

func (d *Decoder) build(x *draft) schema.Event {
	e := schema.Event{At: schema.MillisOf(d.Now), Seen: schema.MillisOf(d.Now)}
	if d.Offline {
		e.At = NoTime
	}
	used := usedSlots{}
	e.Message = d.message(x, &used)
	e.Source = first(used.text(&x.named, fields.source), said(x.said, fields.source), d.Source)
	d.guessSource(&e, x)
	e.Source = first(e.Source, d.Fallback)
	e.Service = first(used.text(&x.named, fields.service), said(x.said, fields.service), d.Service, x.family)
	e.Host = first(used.text(&x.named, fields.host), said(x.said, fields.host))
	e.Status = d.status(x, &used)
	e.Tags = distinctTags(x.tags, d.Tags)
	// What an event says of itself counts before what its line says, and that
	// before what the request says.
	timed := d.setTime(&e, x, &used)
	used.left(x)
	if len(x.head) > 0 {
		x.pairs = append(x.pairs, pairsOf(x.head)...)
	}
	x.disown()
	defer giveBack(d.pipe(&e, x, timed))
	e.Host = first(e.Host, d.Host)
	d.finish(&e, x)
	return e
}

// finish makes the event's texts valid and its attributes of the pairs.
func (d *Decoder) finish(e *schema.Event, x *draft) {
	for _, s := range [...]*string{&e.Message, &e.Source, &e.Service, &e.Host, &e.Status} {
		*s = d.valid(*s)
	}
	for i, t := range e.Tags {
		e.Tags[i] = d.valid(t)
	}
	tooEarlyHere := d.Offline && e.At < times.Earliest && e.At != NoTime
	if x.read != nil {
		x.needsTree = x.needsTree || tooEarlyHere
		d.finishRead(e, x)
		return
	}
	if tooEarlyHere {
		x.pairs = append(x.pairs, ownPair(new(fastjson.Arena), x.pairs, ownMembers{originalTimestamp: millisValue(e.At), timestampProblem: textValue(tooEarly)}))
	}
	if x.cut != nil {
		x.pairs = append(x.pairs, ownPair(new(fastjson.Arena), x.pairs, ownMembers{cutAttribute: x.cut.value()}))
	}
	if x.guessed || len(x.applied.Names) > 0 {
		arena := x.arena
		if arena == nil {
			arena = new(fastjson.Arena)
		}
		x.pairs = append(x.pairs, ownPair(arena, x.pairs, x.reading(arena)))
	}
	a, odd := schema.NewAttributes(d.locate(x.pairs))
	d.Odd.Add(odd)
	e.Attributes = a
}

// message is the event's message; where it is a JSON object, or the text of one,
// its members are attributes too.
func (d *Decoder) message(x *draft, used *usedSlots) string {
	if x.rawMessage != "" {
		d.unfoldText(x, x.rawMessage)
		return x.rawMessage
	}
	text, at := x.first(fields.message)
	if at >= 0 {
		used[at] = true
		if x.named[at].kind == '"' {
			d.unfoldText(x, text)
		}
	}
	if v := x.named[slotMessage]; v.kind == '{' {
		used[slotMessage] = true
		d.unfold(x, v.v.GetObject())
	}
	return first(text, said(x.said, fields.message))
}

// cookie is what senders of syslog write before a message that is JSON.
const cookie = "@cee:"

// unfoldText unfolds a text that is one JSON object, and nothing else.
func (d *Decoder) unfoldText(x *draft, text string) {
	text = strings.TrimSpace(strings.TrimPrefix(text, cookie))
	if len(text) < 2 || text[0] != '{' || text[len(text)-1] != '}' {
		return
	}
	if x.read != nil {
		x.needsTree = true
		return
	}
	object := []byte(text)
	end, shape := scanObject(object, 0)
	if !shape.closed || end != len(object) {
		return
	}
	object, cut := d.fit(object, shape)
	v, err := d.inner.ParseBytes(object)
	if err != nil {
		return
	}
	if cut != nil && x.cut == nil {
		x.cut = cut
	}
	d.unfold(x, v.GetObject())
}

// unfold puts the members of a message before those of the event, which count
// before them where both have a key.
func (d *Decoder) unfold(x *draft, o *fastjson.Object) {
	pairs := make([]schema.Pair, 0, o.Len()+len(x.pairs)+8)
	if x.said == nil {
		x.said = new(named)
	}
	o.Visit(func(k []byte, v *fastjson.Value) {
		x.said.take(slotOf(k), k, v)
		pairs = append(pairs, schema.Pair{Key: d.key(k), Value: v})
	})
	x.pairs = append(pairs, x.pairs...)
}

func (d *Decoder) status(x *draft, used *usedSlots) string {
	text, sent, at := x.named.status(x.ofWindows)
	if at < 0 && x.said != nil {
		text, _, _ = x.said.status(x.ofWindows)
	}
	if at < 0 {
		x.defaulted = text == ""
		return first(text, defaultStatus)
	}
	// The word that the sender wrote is kept where another one stands for it.
	used[at] = strings.EqualFold(sent, text)
	return text
}

// usedSlots are those whose value went into a field of its own.
type usedSlots [slots]bool

// text is the field's text; where several names say the same, all are used.
func (u *usedSlots) text(n *named, of span) string {
	text, at := n.first(of)
	if at < 0 {
		return ""
	}
	u[at] = true
	for s := at + 1; s <= of.last; s++ {
		if n[s].kind != 0 && own[s] {
			same, _ := n[s].scalar()
			u[s] = same == text
		}
	}
	return text
}

func said(n *named, of span) string {
	text, _ := n.first(of)
	return text
}

// left adds what stands under a field's own name and was not used to the attributes.
func (u *usedSlots) left(x *draft) {
	if x.read != nil {
		x.leftRead(u)
		return
	}
	for s, t := range x.named {
		if own[s] && !u[s] && !t.isNothing() {
			x.pairs = append(x.pairs, schema.Pair{Key: ownNames[s], Value: t.v})
		}
	}
}

// setTime gives the event its own time: that of the first name under which one can
// be read. If none can, the event happened when it arrived, and what was sent is
// kept and counted.
func (d *Decoder) setTime(e *schema.Event, x *draft, used *usedSlots) (timed bool) {
	var bad told
	var problem error
	badAt := noSlot
	for i, n := range [...]*named{&x.named, x.said} {
		for s := fields.time.first; s <= fields.time.last && n != nil; s++ {
			t := n[s]
			if t.isNothing() {
				continue
			}
			r := d.times()
			r.Millis = s == slotTimestamp
			at, err := t.time(r)
			if err == nil {
				used[s] = used[s] || i == 0
				e.At = at
				return true
			}
			if bad.kind == 0 {
				bad, problem = t, err
				if i == 0 {
					badAt = s
				}
			}
		}
	}
	if bad.kind == 0 {
		d.Untimed++
		x.untimed = true
		return false
	}
	if x.read != nil {
		x.needsTree = true
		return false
	}
	if badAt >= 0 {
		used[badAt] = true
	}
	d.unreadable(e.Source)
	x.pairs = append(x.pairs, ownPair(new(fastjson.Arena), x.pairs, ownMembers{originalTimestamp: bad.v, timestampProblem: textValue(problem.Error())}))
	return false
}

// unreadable counts a time that could not be read, by source.
func (d *Decoder) unreadable(source string) {
	if d.BadTimes == nil {
		d.BadTimes = map[string]int{}
	}
	d.BadTimes[source]++
}

// tags reads "a:b,c:d", an array of such strings, or the members of an object.
// What is none of these is an attribute.
func (d *Decoder) tags(x *draft, field *[]string, has *bool, key string, v *fastjson.Value) {
	if *has {
		d.Odd.DuplicateKeys++
	}
	*has = true
	*field = nil
	rest := false
	add := func(name string, e *fastjson.Value) {
		text, ok := scalarText(e)
		if rest = rest || !ok; ok && name != "" {
			*field = append(*field, name+":"+text)
		} else if ok {
			*field = append(*field, SplitTags(text)...)
		}
	}
	switch v.Type() {
	case fastjson.TypeArray:
		for _, e := range v.GetArray() {
			add("", e)
		}
	case fastjson.TypeObject:
		v.GetObject().Visit(func(k []byte, e *fastjson.Value) { add(string(k), e) })
	case fastjson.TypeNull:
	default:
		add("", v)
	}
	if rest {
		x.pairs = append(x.pairs, schema.Pair{Key: key, Value: v})
	}
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

// fewTags are compared with one another; more are looked up.
const fewTags = 16

// distinctTags are the tags of the lists, each where it comes first.
func distinctTags(lists ...[]string) []string {
	var out []string
	var seen map[string]struct{}
	for _, list := range lists {
		for _, t := range list {
			if seen == nil && len(out) >= fewTags {
				seen = make(map[string]struct{}, len(list))
				for _, have := range out {
					seen[have] = struct{}{}
				}
			}
			if seen != nil {
				if _, known := seen[t]; known {
					continue
				}
				seen[t] = struct{}{}
			} else if contains(out, t) {
				continue
			}
			out = append(out, t)
		}
	}
	return out
}

func contains(few []string, s string) bool {
	for _, have := range few {
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
