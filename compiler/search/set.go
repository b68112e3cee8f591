package search

import (
	"nightjar/schema"
)

// Set asks one event, in memory, of many filters at once. It gives the answers that
// each filter gives by itself.
//
// Most filters demand that some field has one of a few values, or that one of some
// words or patterns is found. The former are found by looking the event's values up,
// the latter in one pass over the text for all filters (terms); only the filters found
// so, and those that demand nothing of the kind, are asked in full. An event's cost
// then goes with its size and with the filters that nearly match it, not with all
// there are.
//
// A Set is for one goroutine.
type Set struct {
	matchers []func(*schema.Event) bool
	always   []int32
	fields   []indexedField
	asked    []uint32 // per matcher: the event it was last asked for
	event    uint32
	current  *schema.Event
	visit    []func(*schema.Event) bool // per field: looks its values up
	shared   *sharedTerms
	spent    spent
	found    func(filter int32)
}

// indexedField holds the filters that demand a value of one field.
type indexedField struct {
	demanded
	values map[string][]int32
}

// demanded is a field whose values are looked up, as they are or folded.
type demanded struct {
	field  schema.Field
	folded bool
}

// NewSet prepares the filters. Match calls them by their positions in the list.
func NewSet(filters []Filter) *Set {
	s := &Set{asked: make([]uint32, len(filters)), shared: &sharedTerms{scopes: map[scope]*scopeTerms{}}}
	for _, f := range filters {
		s.matchers = append(s.matchers, f.matcher(s.shared))
	}
	s.index(filters)
	s.shared.prepare()
	s.spent.by = make([]int64, len(filters))
	for i := range s.fields {
		values, folded := s.fields[i].values, s.fields[i].folded
		s.visit = append(s.visit, matchTexts(s.fields[i].field, func(text string) bool {
			if folded {
				text = foldText(text)
			}
			s.ask(values[text])
			return false // there may be other values
		}))
	}
	return s
}

// Match calls found with the position of every filter that the event matches.
func (s *Set) Match(e *schema.Event, found func(filter int32)) {
	s.event++
	if s.event == 0 { // wrapped: the marks of four billion events ago would count
		clear(s.asked)
		s.shared.forget()
		s.event = 1
	}
	s.shared.event = s.event
	s.found = found
	s.current = e
	s.spent.begin()
	s.ask(s.always)
	for _, visit := range s.visit {
		visit(e)
	}
	for _, t := range s.shared.order {
		if !t.eager {
			continue
		}
		t.scan(e, s.event)
		for _, group := range t.hits {
			s.ask(t.asking[group])
		}
	}
	s.spent.end()
	s.found, s.current = nil, nil // an event holds on to those that were stored with it
}

func (s *Set) ask(filters []int32) {
	for _, l := range filters {
		if s.asked[l] == s.event {
			continue
		}
		s.asked[l] = s.event
		began := s.spent.now()
		ok := s.matchers[l](s.current)
		if began != 0 {
			s.spent.by[l] += s.spent.clock() - began
		}
		if ok {
			s.found(l)
		}
	}
}

// matcher prepares all parts of the filter.
func (f Filter) matcher(shared *sharedTerms) func(*schema.Event) bool {
	ms := make([]func(*schema.Event) bool, len(f))
	for i, part := range f {
		m := matcher(part.Query.Root, shared)
		if part.Negated {
			ms[i] = func(e *schema.Event) bool { return !m(e) }
		} else {
			ms[i] = m
		}
	}
	if len(ms) == 1 {
		return ms[0]
	}
	return matchEvery(ms)
}

// demand is a field that must have one of some values for a filter to match.
type demand struct {
	demanded
	texts []string
}

// index files every filter under the demand that the fewest others share.
func (s *Set) index(filters []Filter) {
	demands := make([][]demand, len(filters))
	sharing := map[demanded]map[string]int{}
	for i, f := range filters {
		demands[i] = f.demands()
		for _, d := range demands[i] {
			if sharing[d.demanded] == nil {
				sharing[d.demanded] = map[string]int{}
			}
			for _, t := range d.texts {
				sharing[d.demanded][t]++
			}
		}
	}
	at := map[demanded]int{}
	for i, f := range filters {
		best, fewest := -1, 0
		for n, d := range demands[i] {
			others := 0
			for _, t := range d.texts {
				others += sharing[d.demanded][t]
			}
			if best < 0 || others < fewest {
				best, fewest = n, others
			}
		}
		if best < 0 {
			if !s.indexTexts(int32(i), f) {
				s.always = append(s.always, int32(i))
			}
			continue
		}
		d := demands[i][best]
		if _, known := at[d.demanded]; !known {
			at[d.demanded] = len(s.fields)
			s.fields = append(s.fields, indexedField{d.demanded, map[string][]int32{}})
		}
		values := s.fields[at[d.demanded]].values
		for _, t := range d.texts {
			values[t] = append(values[t], int32(i))
		}
	}
}

// indexTexts files a filter under the texts that it demands, the fewest where there
// is a choice. It reports whether there are any.
func (s *Set) indexTexts(filter int32, f Filter) bool {
	var best []sought
	for _, n := range f.wanted() {
		texts, ok := textsOf(n)
		if ok && (best == nil || len(texts) < len(best)) {
			best = texts
		}
	}
	for _, part := range byScope(best) {
		t, group := s.shared.add(part)
		t.asking[group], t.eager = []int32{filter}, true
	}
	return best != nil
}

// textsOf are the texts of which one must be found for the node to match.
func textsOf(n Node) (texts []sought, ok bool) {
	d, ok := n.(Disjunction)
	if !ok {
		texts = soughtBy(n)
		return texts, texts != nil
	}
	for _, choice := range d.Nodes {
		more := soughtBy(choice)
		if more == nil {
			return nil, false
		}
		texts = append(texts, more...)
	}
	return texts, true
}

// wanted are the nodes all of which must match for the filter to match.
func (f Filter) wanted() (out []Node) {
	for _, part := range f {
		if part.Negated {
			continue
		}
		out = append(out, conjuncts(part.Query.Root)...)
	}
	return out
}

// demands are the equalities that an event must satisfy to match the filter.
func (f Filter) demands() []demand {
	var out []demand
	for _, n := range f.wanted() {
		if d, ok := demandOf(n); ok {
			out = append(out, d)
		}
	}
	return out
}

// conjuncts are the nodes that must all hold, those that elements of arrays need
// among them.
func conjuncts(n Node) []Node {
	switch n := n.(type) {
	case Conjunction:
		var out []Node
		for _, inner := range n.Nodes {
			out = append(out, conjuncts(inner)...)
		}
		return out
	case Any:
		return conjuncts(relaxed(n))
	}
	return []Node{n}
}

// demandOf reads an equality, or a choice of equalities of one field.
func demandOf(n Node) (demand, bool) {
	switch n := n.(type) {
	case Equals:
		if n.Field.Kind == schema.FieldReserved && n.Field.Name == "timestamp" {
			return demand{}, false
		}
		return demand{demanded{field: n.Field}, equalTexts(n.Field, n.Value)}, true
	case Folded:
		d := demand{demanded: demanded{n.Field, true}}
		for _, p := range n.Patterns {
			text, ok := p.Literal()
			if !ok {
				return demand{}, false
			}
			d.texts = append(d.texts, foldText(text))
		}
		return d, true
	case Disjunction:
		var all demand
		for i, choice := range n.Nodes {
			if _, ok := choice.(Disjunction); ok {
				return demand{}, false
			}
			d, ok := demandOf(choice)
			if !ok || (i > 0 && d.demanded != all.demanded) {
				return demand{}, false
			}
			all.demanded = d.demanded
			all.texts = append(all.texts, d.texts...)
		}
		return all, true
	}
	return demand{}, false
}
