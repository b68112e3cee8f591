package facets

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"nightjar/api"
	pb "nightjar/api/v1"
	"nightjar/compiler/search"
	"nightjar/schema"
)

// parsers read a search by what it is of.
var parsers = map[string]func(string) (*search.Query, error){
	"": search.Parse, "events": search.Parse, "signals": search.ParseForSignals, "rules": search.ParseForRules,
}

// CheckSearch says how a search is read.
func (s *FacetService) CheckSearch(_ context.Context, in *pb.CheckSearchRequest) (*pb.CheckSearchResponse, error) {
	parse := parsers[in.GetOver()]
	if parse == nil {
		return nil, api.BadRequest("over", "want events, signals or rules, got %q", api.Shorten(in.GetOver()))
	}
	_, err := parse(in.GetQuery())
	var wrong *schema.SyntaxError
	switch {
	case errors.As(err, &wrong):
		return &pb.CheckSearchResponse{Error: mistake(in.GetQuery(), wrong)}, nil
	case err != nil:
		return nil, err
	}
	q, err := search.Parse(in.GetQuery()) // as it was written, whatever its fields mean
	if err != nil {
		return nil, err
	}
	out := &pb.CheckSearchResponse{Valid: true, Canonical: q.String()}
	if out.Reading, out.Mixed = q.Reading(); out.Mixed {
		grouped, _ := q.Grouped()
		out.Grouped = grouped.String()
	}
	return out, nil
}

// mistake is a syntax error, and the query without it where that is clear.
func mistake(query string, wrong *schema.SyntaxError) *pb.SearchMistake {
	out := &pb.SearchMistake{Line: int64(wrong.Line), Column: int64(wrong.Column), Message: wrong.Message, Hint: wrong.Hint}
	if mended, does, ok := search.Mend(query); ok {
		out.Fix = &pb.SearchFix{Label: does, Query: mended}
	}
	return out
}

// Bounds of a completion.
const (
	defaultCompletions = 20
	maxCompletions     = 100
)

// CompleteSearch says which fields there are, or which values of a field.
func (s *FacetService) CompleteSearch(ctx context.Context, in *pb.CompleteSearchRequest) (*pb.CompleteSearchResponse, error) {
	limit := defaultCompletions
	if in.Limit != nil {
		limit = int(in.GetLimit())
	}
	if limit < 1 || limit > maxCompletions {
		return nil, api.BadRequest("limit", "want 1 to %d, got %d", maxCompletions, limit)
	}
	within, err := withinOf(in.WithinMs)
	if err != nil {
		return nil, err
	}
	c := completer{FacetService: s, text: in.GetText(), limit: limit, within: within}
	if err := c.over(in); err != nil {
		return nil, err
	}
	if in.GetField() != "" {
		return c.values(ctx, in.GetField())
	}
	return c.names(ctx)
}

// completer completes in one selection.
type completer struct {
	*FacetService
	of    Selection
	place func(string) schema.Field
	text  string
	limit int
	// within is Question.Within.
	within time.Duration
}

func (c *completer) over(in *pb.CompleteSearchRequest) (err error) {
	switch in.GetOver() {
	case "", "events":
		r, err := c.Events.Selected(in.GetFilter())
		c.of, c.place = ofEvents(r), func(name string) schema.Field { return r.Names.Rename(schema.ParseField(name)) }
		return err
	case "signals":
		f := cmp.Or(in.GetFilter(), &pb.LogFilter{}) // none selects all
		c.place = search.SignalField
		c.of, err = c.signals(&pb.SignalFilter{Query: f.GetQuery(), From: f.From, To: f.To})
		return err
	}
	return api.BadRequest("over", "want events or signals, got %q", api.Shorten(in.GetOver()))
}

// values are the most frequent values of a field that have the text in them.
func (c *completer) values(ctx context.Context, field string) (*pb.CompleteSearchResponse, error) {
	f := c.place(field)
	if f.Kind == schema.FieldReserved && (f.Name == "message" || f.Name == "timestamp") {
		return &pb.CompleteSearchResponse{}, nil // they are another each time
	}
	found, err := c.Store.Facets(ctx, Question{
		Selection: c.of, Fields: []Field{{Name: field, Field: f}}, Limit: c.limit, Containing: c.text, Within: c.within,
	})
	if err != nil {
		return nil, err
	}
	out := &pb.CompleteSearchResponse{More: found.From != nil || found.Fields[0].Distinct > uint64(len(found.Fields[0].Values)), CountedFrom: moment(found.From)}
	for _, v := range found.Fields[0].Values {
		out.Completions = append(out.Completions, &pb.Completion{Text: v.Value, Insert: search.ValueText(v.Value), Kind: "value", Count: new(int64(v.Count))})
	}
	return out, nil
}

// names are reserved fields, the paths of attributes and the keys of tags that have the text
// in them: those that begin with it first, and short ones before long ones.
func (c *completer) names(ctx context.Context) (*pb.CompleteSearchResponse, error) {
	text := strings.ToLower(strings.TrimPrefix(c.text, "@"))
	var found []*pb.Completion
	add := func(kind, name string, count *int64) {
		if strings.Contains(strings.ToLower(strings.TrimPrefix(name, "@")), text) {
			found = append(found, &pb.Completion{Text: name, Insert: search.FieldText(schema.ParseField(name)), Kind: kind, Count: count})
		}
	}
	if !strings.HasPrefix(c.text, "@") {
		for _, name := range []string{"source", "service", "host", "status", "message", "tags"} {
			add("reserved", name, nil)
		}
		if c.of.Of == Signals {
			for _, name := range search.SignalFieldNames() {
				add("reserved", name, nil)
			}
		}
		tags, err := c.Store.TagKeys(ctx, Question{Selection: c.of, Containing: text, Limit: maxCompletions, Within: c.within})
		if err != nil {
			return nil, err
		}
		for _, v := range tags {
			if schema.ParseField(v.Value).Kind == schema.FieldTag {
				add("tag", v.Value, new(int64(v.Count)))
			}
		}
	}
	for _, path := range c.Store.Paths() {
		add("attribute", "@"+path, nil)
	}
	rank := func(m *pb.Completion) int {
		if strings.HasPrefix(strings.ToLower(strings.TrimPrefix(m.Text, "@")), text) {
			return len(m.Text)
		}
		return 1_000_000 + len(m.Text)
	}
	slices.SortFunc(found, func(a, b *pb.Completion) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Text, b.Text), cmp.Compare(a.Kind, b.Kind))
	})
	return &pb.CompleteSearchResponse{Completions: found[:min(len(found), c.limit)], More: len(found) > c.limit}, nil
}
