package ingest

import (
	"sync"

	"nightjar/schema"
)

// Nearly all events are read in one pass, by a schema.Reader that writes the
// canonical text of the attributes as it reads. Where something has to be decided
// that it does not know how to (what is odd, too large, unfolded, or read by a
// parser), it gives up before anything is counted, and the event goes by way of a
// tree. Both ways are one meaning: they share build, and FuzzParsersAgree compares
// them.

var eventReaders = sync.Pool{New: func() any { return schema.NewReader(useOf) }}

// read reads the object at body[at:] without a tree, and returns where it ends; not
// ok: it takes one.
func (d *Decoder) read(body []byte, at int, events *[]schema.Event) (end int, ok bool) {
	if d.onlyTrees {
		return 0, false
	}
	r := eventReaders.Get().(*schema.Reader)
	defer func() {
		r.Release()
		eventReaders.Put(r)
	}()
	var places [16]place
	x := draft{read: r, places: places[:0]}
	if !r.Begin(body[:min(len(body), at+MaxEventBytes)], at) || !d.readMembers(&x) {
		return 0, false
	}
	end, values := r.End()
	if values > MaxEventValues || d.values+values > MaxRequestValues {
		return 0, false
	}
	odd, untimed := d.Odd, d.Untimed
	e := d.build(&x)
	if x.needsTree {
		d.Odd, d.Untimed = odd, untimed
		return 0, false
	}
	d.values += values
	*events = append(*events, e)
	return end, true
}

func (d *Decoder) readMembers(x *draft) bool {
	var tags, ddtags []string
	for {
		m, ok := x.read.Next()
		if !ok {
			x.tags = append(ddtags, tags...)
			return !x.read.Failed()
		}
		switch m.Use() {
		case useTags:
			ok = readTags(x.read, &x.hasDT, &tags)
		case useDDTags:
			ok = readTags(x.read, &x.hasDD, &ddtags)
		default:
			ok = d.readMember(x, m) && x.readInner()
		}
		if !ok {
			return false
		}
	}
}

func (d *Decoder) readMember(x *draft, m schema.Member) bool {
	switch use := m.Use(); use {
	case useAttributes:
		if x.read.Peek() != '{' {
			break
		}
		x.inlined = true
		if d.Locator != nil {
			return x.read.Inline(useNetwork - 1)
		}
		return x.read.Inline(useNetwork)
	case useEventLog:
		if x.read.Peek() == '{' {
			return false
		}
	case useOwn:
		if x.read.Peek() == '{' {
			return false
		}
	case useNetwork:
		if d.Locator != nil {
			return false
		}
	case useWindows:
		x.windows = true
	case useShape:
		x.shaped = true
		x.windows = x.windows || isOfWindows(m.Key())
	case 0:
	default:
		return x.readNamed(slot(use-useSlot), m)
	}
	return x.read.Attribute(m)
}

// readNamed reads a member that a reserved field may be read from.
func (x *draft) readNamed(s slot, m schema.Member) bool {
	c, from := x.read.Peek(), x.read.Here()
	switch {
	case c == '{' && (s == slotMessage || s >= fields.time.first && s <= fields.time.last):
		return false // may be unfolded, or a time
	case !own[s]:
		x.windows = x.windows || s == slotComputer
		return x.read.Attribute(m) && x.tellAt(s, from)
	case x.named[s].kind != 0:
		return false
	}
	x.places = append(x.places, place{slot: s, member: m, from: from})
	if c == '{' || c == '[' {
		x.named[s] = told{kind: c}
		return x.read.Skip(m)
	}
	t, ok := x.read.Token()
	x.tell(s, t)
	return ok
}

func (x *draft) tellAt(s slot, from int) bool {
	t, ok := x.read.TokenAt(from)
	x.tell(s, t)
	return ok
}

func (x *draft) tell(s slot, t schema.Token) { x.named[s] = told{kind: t.Kind, text: string(t.Text)} }

// readInner takes what stands within the member that was read last.
func (x *draft) readInner() bool {
	for _, in := range x.read.Inner() {
		if !x.tellAt(slot(in.Use-useSlot), in.From) {
			return false
		}
	}
	return true
}

// readTags reads a text of tags, or a list of them.
func readTags(r *schema.Reader, has *bool, tags *[]string) bool {
	if *has {
		return false
	}
	*has = true
	switch r.Peek() {
	case '[':
		return r.Texts(func(text []byte) { *tags = append(*tags, SplitTags(string(text))...) })
	case '"':
		t, ok := r.Token()
		*tags = SplitTags(string(t.Text))
		return ok
	}
	return false
}

// leftRead is usedSlots.left of what was read without a tree.
func (x *draft) leftRead(u *usedSlots) {
	for s := range slots {
		if !own[s] || u[s] || x.named[s].isNothing() {
			continue
		}
		for _, p := range x.places {
			if p.slot == s && !x.read.Again(p.member, p.from) {
				x.needsTree = true
				return
			}
		}
	}
}

// ofWindows reports whether the event has what those of Windows have.
func (x *draft) ofWindows() bool {
	if x.read == nil {
		return ofWindows(x.pairs)
	}
	x.needsTree = x.needsTree || x.inlined
	return x.windows
}

// finishRead gives the event the attributes that were read.
func (d *Decoder) finishRead(e *schema.Event, x *draft) {
	if x.needsTree {
		return
	}
	a, odd := x.read.Attributes()
	d.Odd.Add(odd)
	e.Attributes = a
}
