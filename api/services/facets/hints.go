package facets

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"nightjar/api"
	"nightjar/api/services/events"
	pb "nightjar/api/v1"
	"nightjar/compiler/search"
	"nightjar/schema"
)

// maxShares is of how many fields it is looked for how many events have them.
const maxShares = 8

// SharesQuestion asks how many events of each source have fields, in [From, To).
type SharesQuestion struct {
	From, To *schema.Millis // nil: open
	Fields   []schema.Field
}

// SourceShares are how many events a source has, and of these how many have each field, in
// the order of the question.
type SourceShares struct {
	Source string
	Events uint64
	Having []uint64
}

// HintSearch says what the query names and no event has, each at its place, with the query that
// was probably meant; with a look also what no event of its sources has, and how many events
// have what was meant instead.
func (s *FacetService) HintSearch(ctx context.Context, in *pb.HintSearchRequest) (*pb.HintSearchResponse, error) {
	q, err := search.Parse(in.GetQuery())
	if err != nil {
		return nil, &schema.InvalidError{Details: []schema.Detail{{Target: "query", Message: err.Error()}}}
	}
	found := s.Events.Store.FieldHints(q)
	var known *shares
	if in.GetLook() {
		asked := SharesQuestion{}
		if asked.From, err = api.OptionalMoment("from", in.GetFrom(), s.Now()); err != nil {
			return nil, err
		}
		if asked.To, err = api.OptionalMoment("to", in.GetTo(), s.Now()); err != nil {
			return nil, err
		}
		found = s.Events.Store.Hints(ctx, events.LogSearch{Query: q})
		known = s.sharesOf(ctx, q, found, asked)
		found = append(found, known.missing(q, found)...)
	}
	out := &pb.HintSearchResponse{}
	for _, h := range found {
		place := schema.SyntaxErrorAt(in.GetQuery(), q.Place(in.GetQuery(), h.Asked), known.title(h), h.Detail)
		if !h.Asked.Exact && q.LeavesOut(h.Asked.Field) {
			place.Message += ", so this leaves nothing out"
		}
		m := &pb.SearchMistake{Line: int64(place.Line), Column: int64(place.Column), Message: place.Message, Hint: place.Hint}
		if h.Meant != nil {
			m.Message += known.meant(h.Meant)
			m.Fix = &pb.SearchFix{Label: "Use " + meantText(h.Meant), Query: q.Instead(in.GetQuery(), h.Asked, *h.Meant)}
		}
		out.Hints = append(out.Hints, m)
	}
	return out, nil
}

func meantText(a *search.Asked) string {
	if a.Exact {
		return search.FieldText(a.Field) + ":" + search.ValueText(a.Value)
	}
	return search.FieldText(a.Field)
}

// shares are how many events have the fields that a query names, or may have meant. nil knows
// nothing, which is said as nothing.
type shares struct {
	fields  []schema.Field
	named   []string // the sources that the query confines itself to; none: all
	sources []SourceShares
}

// sharesOf looks for them; nil where that takes too long: a hint that can't be had is no
// reason to fail.
func (s *FacetService) sharesOf(ctx context.Context, q *search.Query, hints []events.LogHint, asked SharesQuestion) *shares {
	add := func(f schema.Field) {
		if f.Kind == schema.FieldAttribute && len(asked.Fields) < maxShares && !slices.Contains(asked.Fields, f) {
			asked.Fields = append(asked.Fields, f)
		}
	}
	for _, h := range hints {
		if h.Meant != nil {
			add(h.Meant.Field)
		}
	}
	for _, a := range q.Asked() {
		add(a.Field)
	}
	if len(asked.Fields) == 0 {
		return nil
	}
	found, err := s.Store.Shares(ctx, asked)
	if err != nil {
		return nil
	}
	return &shares{fields: asked.Fields, named: q.Sources(), sources: found}
}

// of counts the events of the query's sources, and those of them that have a field.
func (s *shares) of(f schema.Field) (having, all uint64, ok bool) {
	if s == nil {
		return 0, 0, false
	}
	at := slices.Index(s.fields, f)
	if at < 0 {
		return 0, 0, false
	}
	for _, source := range s.sources {
		if len(s.named) == 0 || slices.Contains(s.named, source.Source) {
			having, all = having+source.Having[at], all+source.Events
		}
	}
	return having, all, all > 0
}

// missing are hints about fields that events have, but none of the sources that the query asks.
func (s *shares) missing(q *search.Query, told []events.LogHint) (out []events.LogHint) {
	if s == nil || len(s.named) == 0 {
		return nil
	}
	for _, a := range q.Asked() {
		isTold := slices.ContainsFunc(slices.Concat(told, out), func(h events.LogHint) bool { return h.Asked.Field == a.Field })
		if having, _, ok := s.of(a.Field); isTold || !ok || having > 0 {
			continue
		}
		if others := s.others(a.Field); others != "" {
			name := search.FieldText(a.Field)
			out = append(out, events.LogHint{Code: "not_of_source", Title: "No event has " + name, Detail: others, Asked: search.Asked{Field: a.Field}})
		}
	}
	return out
}

// others says which sources have a field, the one with most first; empty: none.
func (s *shares) others(f schema.Field) string {
	at := slices.Index(s.fields, f)
	having := slices.DeleteFunc(slices.Clone(s.sources), func(o SourceShares) bool { return o.Having[at] == 0 })
	slices.SortStableFunc(having, func(a, b SourceShares) int { return int(b.Having[at]) - int(a.Having[at]) })
	var names []string
	for _, o := range having[:min(3, len(having))] {
		names = append(names, fmt.Sprintf("%s of %s", percent(o.Having[at], o.Events), sourceText(o.Source)))
	}
	if len(names) == 0 {
		return ""
	}
	return listed(names, "and") + " have it"
}

// title says of whose events it is that none has something.
func (s *shares) title(h events.LogHint) string {
	if s == nil || len(s.named) == 0 || len(s.named) > 3 || !strings.HasPrefix(h.Title, "No event has ") || h.Asked.Field.Name == "source" {
		return h.Title
	}
	return "No event of " + listed(s.named, "or") + " has " + strings.TrimPrefix(h.Title, "No event has ")
}

// meant says how many events have what was probably meant.
func (s *shares) meant(a *search.Asked) string {
	having, all, ok := s.of(a.Field)
	if !ok || a.Exact {
		return ""
	}
	return fmt.Sprintf(". %s have %s", percent(having, all), search.FieldText(a.Field))
}

func sourceText(name string) string {
	if name == "" {
		return "events without a source"
	}
	return api.Shorten(name)
}

// percent is a share as people say it: 100 % only where it is all, 0 % where it is none.
func percent(n, of uint64) string {
	p := 100 * float64(n) / float64(max(of, 1))
	switch {
	case n == of:
		return "100 %"
	case n == 0:
		return "0 %"
	case p < 0.1:
		return "less than 0.1 %"
	case p > 99.9:
		return "more than 99.9 %"
	case p < 10 || p > 99:
		return fmt.Sprintf("%.1f %%", p)
	}
	return fmt.Sprintf("%d %%", int(math.Round(p)))
}
