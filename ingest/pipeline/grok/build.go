package grok

import "slices"

// part is a compiled piece of a pattern together with all that follows it.
type part struct {
	step
	first byteSet // what it can begin with
	end   bool    // whether it can match at the end of the text
	lit   string  // what it must begin with, when that is known
}

// builder makes steps of a tree, from the end to the start.
type builder struct {
	captures []*capture
	slots    map[*node]int // of captures, and of groups that references repeat
	places   int           // slots in use, two a node
	loops    int
}

// assign gives slots to n and what is below it, left to right.
func (b *builder) assign(n *node) {
	if n.op == opCapture || n.op == opGroup && n.used {
		b.slots[n] = b.places
		b.places += 2
	}
	if n.op == opCapture {
		n.capture.slot = b.slots[n]
		b.captures = append(b.captures, n.capture)
	}
	for _, s := range n.subs {
		b.assign(s)
	}
}

// within are the slots of n and of what is below it: they are neighbours.
func (b *builder) within(n *node) (from, to int) {
	from = b.places
	n.any(func(s *node) bool {
		if slot, ok := b.slots[s]; ok {
			from, to = min(from, slot), max(to, slot+2)
		}
		return false
	})
	return min(from, to), to
}

// follow is n, followed by next.
func (b *builder) follow(n *node, next part) part {
	switch n.op {
	case opText:
		p := part{step: &textStep{text: n.text, next: next.step}, lit: n.text}
		p.first.add(n.text[0])
		return p
	case opClass:
		return part{step: &classStep{set: n.set, next: next.step}, first: n.set.bytes()}
	case opCat:
		for _, s := range slices.Backward(n.subs) {
			next = b.follow(s, next)
		}
		return next
	case opAlt:
		return b.alternatives(n, next)
	case opLoop:
		return b.loop(n, next)
	case opCapture:
		return b.between(b.slots[n], n.subs[0], next)
	case opGroup:
		if !n.used {
			return b.follow(n.subs[0], next)
		}
		return b.between(b.slots[n], n.subs[0], next)
	case opAtomic:
		return b.atomic(n, next)
	case opLook:
		return b.look(n, next)
	case opBack:
		return part{step: &backStep{slot: b.slots[n.target], next: next.step}, first: allBytes, end: true}
	case opAssert:
		return b.assert(n, next)
	}
	return next
}

// between notes where n begins and ends.
func (b *builder) between(slot int, n *node, next part) part {
	after := next
	after.step = &markStep{slot: slot + 1, next: next.step}
	inner := b.follow(n, after)
	inner.step = &markStep{slot: slot, next: inner.step}
	return inner
}

func (b *builder) alternatives(n *node, next part) part {
	a := &altStep{}
	out := part{step: a}
	for _, s := range n.subs {
		branch := b.follow(s, next)
		a.branches = append(a.branches, branch)
		out.first.union(branch.first)
		out.end = out.end || branch.end
	}
	return out
}

// last is what stands at the end of a body that is run for itself.
func last() part { return part{step: endStep{}, first: allBytes, end: true} }

func (b *builder) atomic(n *node, next part) part {
	sub := n.subs[0]
	if sub.op == opLoop && sub.subs[0].op == opClass && !sub.lazy {
		return b.classLoop(sub, next, possessive)
	}
	loops := b.loops
	inner := b.follow(sub, last())
	step := &atomicStep{body: inner.step, next: next.step, sets: b.sets(sub, loops)}
	out := part{step: step}
	var empty bool
	if out.first, empty = sub.first(); empty {
		out.first.union(next.first)
		out.end = next.end
	}
	return out
}

// sets are what the body n changes, whose loops were counted from that number on.
func (b *builder) sets(n *node, loops int) sets {
	from, to := b.within(n)
	return sets{slots: [2]int{from, to}, loops: [2]int{loops, b.loops}}
}

func (b *builder) look(n *node, next part) part {
	loops := b.loops
	l := &lookStep{behind: n.behind, negative: n.negative, next: next.step}
	if n.behind {
		l.least, l.most = n.subs[0].width()
		l.body = b.follow(n.subs[0], part{step: hereStep{}, first: allBytes, end: true}).step
	} else {
		l.body = b.follow(n.subs[0], last()).step
	}
	l.sets = b.sets(n.subs[0], loops)
	return part{step: l, first: next.first, end: next.end}
}

func (b *builder) assert(n *node, next part) part {
	next.step = &assertStep{place: n.place, set: n.set, next: next.step}
	switch n.place {
	case textEnd:
		return part{step: next.step, end: next.end}
	case before:
		next.end = false
	}
	return next
}

func (b *builder) loop(n *node, next part) part {
	sub := n.subs[0]
	switch {
	case n.max == 0:
		return next
	case sub.op == opClass:
		return b.classLoop(n, next, backtracking)
	case n.min == 1 && n.max == 1:
		return b.follow(sub, next)
	case n.max < 0 && n.min <= 1 && runs(sub) != nil:
		return b.runs(n, next)
	case n.min == 0 && n.max == 1:
		branches := []*node{sub, {op: opEmpty}}
		if n.lazy {
			slices.Reverse(branches)
		}
		return b.alternatives(alt(branches...), next)
	}
	l := &loopStep{id: b.loops, min: n.min, max: n.max, lazy: n.lazy, next: next}
	b.loops++
	first, empty := sub.first()
	again := part{step: &againStep{loop: l}, first: first, end: next.end || empty}
	again.first.union(next.first)
	if empty {
		again.first, again.end = allBytes, true
	}
	l.body = b.follow(sub, again)
	out := part{step: l, first: l.body.first, end: l.body.end}
	if n.min == 0 {
		out.first.union(next.first)
		out.end = out.end || next.end
	}
	return out
}

// runs is the one class among the alternatives of n, if no other can begin with its
// characters, and nothing in them is captured: (?:[^"\\]|\\.)* is such a loop's body.
func runs(n *node) (class *node) {
	for n.op == opGroup && !n.used {
		n = n.subs[0]
	}
	if n.op != opAlt {
		return nil
	}
	var others byteSet
	for _, s := range n.subs {
		if s.op == opClass && class == nil {
			class = s
			continue
		}
		first, empty := s.first()
		if empty || s.any(func(s *node) bool { return s.op == opCapture || s.op == opGroup && s.used }) {
			return nil
		}
		others.union(first)
	}
	if class == nil || class.set.bytes().meets(others) {
		return nil
	}
	return class
}

// runs is the loop (C|X)*, of a class and others, as C*(XC*)*: what is repeated at each
// place is told by its character, so the matches are the same, in the same order, and
// most of them are one step.
func (b *builder) runs(n *node, next part) part {
	body := n.subs[0]
	for body.op == opGroup {
		body = body.subs[0]
	}
	class := runs(body)
	others := &node{op: opAlt}
	for _, s := range body.subs {
		if s != class {
			others.subs = append(others.subs, s)
		}
	}
	run := &node{op: opLoop, subs: []*node{class}, max: -1, lazy: n.lazy}
	all := cat(run, &node{op: opLoop, subs: []*node{cat(others, run)}, max: -1, lazy: n.lazy})
	if n.min == 1 {
		all = cat(body, all)
	}
	return b.follow(all, next)
}

// What a loop does with what it matched when that leads nowhere.
const (
	backtracking = false // it gives some of it up
	possessive   = true  // it keeps it
)

// classLoop is a loop over single characters. Where what follows can't begin with
// such a character, only its longest match can lead anywhere: behind a shorter one, and
// behind one that was counted out, such a character follows.
func (b *builder) classLoop(n *node, next part, keep bool) part {
	set := n.subs[0].set
	bytes := set.bytes()
	r := run{set: set, all: set.all(), min: n.min, max: n.max, next: next}
	r.ascii = len(set.ranges) == 0
	r.wide = len(set.ranges) == 2 && set.ranges[0] == 0x80 && set.ranges[1] == 0x10FFFF
	out := part{first: bytes}
	if n.min == 0 {
		out.first.union(next.first)
		out.end = next.end
	}
	switch {
	case keep || !bytes.meets(next.first):
		out.step = &longestStep{run: r, text: loneByte(set)}
	case n.lazy:
		out.step = &lazyStep{run: r}
	default:
		out.step = &greedyStep{run: r}
	}
	return out
}
