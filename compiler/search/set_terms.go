package search

import (
	"sync"

	"nightjar/schema"
)

// sought is a text that is sought somewhere in events.
type sought struct {
	in      scope
	pattern *text
}

// scope says which texts of an event are looked into: the message, all leaves, or
// else the values of a field; and whether letter case is folded.
type scope struct {
	message, leaves bool
	field           schema.Field
	fold            folding
}

// folding says which letters are one.
type folding uint8

const (
	foldNone   folding = iota
	foldWords          // as foldRune does
	foldSimply         // as foldSimple does
)

func (f folding) letter() func(rune) rune {
	switch f {
	case foldWords:
		return foldRune
	case foldSimply:
		return foldSimple
	}
	return nil
}

// soughtBy are the texts of Words, Like or Folded: one of them must be found.
func soughtBy(n Node) []sought {
	switch n := n.(type) {
	case Words:
		message := newMessageText(n.Pattern)
		if n.In != "" {
			return []sought{{scope{field: schema.Field{Name: n.In}, fold: foldWords}, message}}
		}
		out := []sought{{scope{message: true, fold: foldWords}, message}}
		if n.Everywhere {
			out = append(out, sought{scope{leaves: true, fold: foldWords}, newWholeTextAnyCase(n.Pattern)})
		}
		return out
	case Like:
		return []sought{{scope{field: n.Field}, newWholeText(n.Pattern)}}
	case Folded:
		var out []sought
		for _, p := range n.Patterns {
			out = append(out, sought{scope{field: n.Field, fold: foldSimply}, newFoldedText(p)})
		}
		return out
	}
	return nil
}

// each makes a function that holds when one of an event's texts passes the test.
func (in scope) each(test func(string) bool) func(*schema.Event) bool {
	switch {
	case in.message:
		return func(e *schema.Event) bool { return test(e.Message) }
	case in.leaves:
		return func(e *schema.Event) bool {
			for i := range e.Leaves {
				if matchLeaf(&e.Leaves[i], test) {
					return true
				}
			}
			return false
		}
	}
	return matchTexts(in.field, test)
}

// sharedTerms are the texts that several queries look for, by where. It is for one
// goroutine.
type sharedTerms struct {
	scopes map[scope]*scopeTerms
	order  []*scopeTerms
	event  uint32 // the number of the present one
}

// scopeTerms are those that are looked for in the same texts. They are in groups,
// each of which is found when one of its terms is.
type scopeTerms struct {
	in       scope
	patterns []*text
	number   map[string]int32 // of patterns that are the same
	groups   [][]int32        // by pattern
	terms    *terms           // of all patterns, from prepare on

	scanned uint32   // the event that was looked through last
	found   []uint32 // by group: the event in which it was found last
	hits    []int32  // the groups that are found in the present event
	tried   []bool
	look    func(*schema.Event) bool
	asking  [][]int32 // by group: labels that can't match without it
	eager   bool      // there are such
}

// matchers are functions, one of which holds when one of the texts is found: one
// for each scope.
func (s *sharedTerms) matchers(texts []sought) (out []func(*schema.Event) bool) {
	for _, part := range byScope(texts) {
		if s == nil {
			out = append(out, part.alone())
			continue
		}
		t, group := s.add(part)
		out = append(out, func(e *schema.Event) bool {
			t.scan(e, s.event)
			return t.found[group] == s.event
		})
	}
	return out
}

// soughtIn are texts of one scope.
type soughtIn struct {
	in       scope
	patterns []*text
}

func byScope(texts []sought) (out []soughtIn) {
	at := map[scope]int{}
	for _, t := range texts {
		i, known := at[t.in]
		if !known {
			i = len(out)
			at[t.in] = i
			out = append(out, soughtIn{in: t.in})
		}
		out[i].patterns = append(out[i].patterns, t.pattern)
	}
	return out
}

// alone looks for the texts and no others.
func (p soughtIn) alone() func(*schema.Event) bool {
	if len(p.patterns) <= few {
		tests := p.patterns
		return p.in.each(func(s string) bool {
			for _, t := range tests {
				if t.match(s) {
					return true
				}
			}
			return false
		})
	}
	t := newTerms(p.patterns, p.in.fold.letter())
	pool := sync.Pool{New: func() any { tried := make([]bool, len(p.patterns)); return &tried }}
	return p.in.each(func(s string) (ok bool) {
		tried := pool.Get().(*[]bool)
		defer pool.Put(tried)
		t.find(s, *tried, func(int32) bool {
			ok = true
			return false
		})
		return ok
	})
}

// add makes a group of texts.
func (s *sharedTerms) add(part soughtIn) (t *scopeTerms, group int32) {
	if t = s.scopes[part.in]; t == nil {
		t = &scopeTerms{in: part.in, number: map[string]int32{}}
		s.scopes[part.in] = t
		s.order = append(s.order, t)
	}
	group = int32(len(t.found))
	t.found, t.asking = append(t.found, 0), append(t.asking, nil)
	for _, p := range part.patterns {
		key := p.key()
		n, known := t.number[key]
		if !known {
			n = int32(len(t.patterns))
			t.number[key] = n
			t.patterns, t.groups = append(t.patterns, p), append(t.groups, nil)
		}
		t.groups[n] = append(t.groups[n], group)
	}
	return t, group
}

// prepare is called when all texts are there.
func (s *sharedTerms) prepare() {
	for _, t := range s.order {
		t.terms, t.tried = newTerms(t.patterns, t.in.fold.letter()), make([]bool, len(t.patterns))
		t.look = t.in.each(func(text string) bool {
			t.terms.find(text, t.tried, t.foundTerm)
			return false // there may be other texts
		})
		t.number = nil
	}
}

// scan looks the event through, unless that was done.
func (t *scopeTerms) scan(e *schema.Event, event uint32) {
	if t.scanned == event {
		return
	}
	t.scanned, t.hits = event, t.hits[:0]
	t.look(e)
}

func (t *scopeTerms) foundTerm(term int32) bool {
	for _, g := range t.groups[term] {
		if t.found[g] != t.scanned {
			t.found[g] = t.scanned
			t.hits = append(t.hits, g)
		}
	}
	return true
}

// forget is for when the numbers of events begin again.
func (s *sharedTerms) forget() {
	for _, t := range s.order {
		clear(t.found)
		t.scanned = 0
	}
}
