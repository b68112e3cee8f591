package facets

import (
	"context"
	"slices"
	"sync"

	"nightjar/compiler/search"
)

// maxRemembered bounds the values whose fields are remembered.
const maxRemembered = 10_000

// knownFields remembers of which field a value is that signals are about. A value that
// several fields have keeps the one that was found first: it is what people are shown
// beside the value, and nothing is searched by it.
type knownFields struct {
	mu sync.Mutex
	of map[string]string
}

// missing are the values that nothing is remembered of.
func (g *knownFields) missing(values []ValueCount) (out []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, v := range values {
		if g.of[v.Value] == "" {
			out = append(out, v.Value)
		}
	}
	return out
}

func (g *knownFields) put(found map[string]string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.of == nil || len(g.of)+len(found) > maxRemembered {
		g.of = map[string]string{}
	}
	for value, field := range found {
		g.of[value] = field
	}
}

func (g *knownFields) get(value string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.of[value]
}

// learnFields finds the fields of the values that signals are about, where these were
// counted, and returns which facet that is; -1: none.
func (s *FacetService) learnFields(ctx context.Context, q Question, found Counts) (facet int, err error) {
	if q.Of != Signals {
		return -1, nil
	}
	group := search.SignalField("@nightjar.group")
	facet = slices.IndexFunc(q.Fields, func(f Field) bool { return f.Field == group })
	if facet < 0 {
		return facet, nil
	}
	if missing := s.groups.missing(found.Fields[facet].Values); len(missing) > 0 {
		fields, err := s.Store.GroupFields(ctx, q.Selection, missing)
		if err != nil {
			return facet, err
		}
		s.groups.put(fields)
	}
	return facet, nil
}
