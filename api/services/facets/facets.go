package facets

import (
	"context"
	"slices"
	"time"

	"nightjar/api"
	"nightjar/api/services/events"
	pb "nightjar/api/v1"
	"nightjar/compiler/search"
	"nightjar/scheduler/reference"
	"nightjar/schema"
)

// FacetService serves FacetService.
type FacetService struct {
	pb.UnimplementedFacetServiceServer
	Store  Store
	Events *events.SearchService // reads filters of events
	Now    func() time.Time
	// Running are the searches that run, and Caller is the id of who makes a call.
	Running *api.Running
	Caller  func(context.Context) string
	Tables  interface { // reads reference tables
		List() []reference.Table
		Rows(ctx context.Context, id string, ids []string) ([]reference.Row, error)
	}
	// Listed are the names of the threat lists that have a value; nil: there are none.
	Listed func(value string) []string
	// Places know where addresses are; nil: nobody does.
	Places Places
	Rules  interface { // knows the names of rules
		Rules(context.Context) ([]schema.Rule, error)
	}

	sources counted
	groups  knownFields
}

// Bounds of facets.
const (
	defaultValues = 10
	maxValues     = 100
	maxFacets     = 20
)

// CountSignalFacets counts signals by the values of fields.
func (s *FacetService) CountSignalFacets(ctx context.Context, in *pb.SignalFacetsRequest) (*pb.FacetsResponse, error) {
	selected, err := s.signals(in.GetFilter())
	if err != nil {
		return nil, err
	}
	return s.facets(ctx, Question{Selection: selected, Containing: in.GetContaining()}, in.GetFacets(), in.Limit, search.SignalField)
}

// CountEventFacets counts events by the values of fields.
func (s *FacetService) CountEventFacets(ctx context.Context, in *pb.EventFacetsRequest) (*pb.FacetsResponse, error) {
	r, err := s.Events.Selected(in.GetFilter())
	if err != nil {
		return nil, err
	}
	within, err := withinOf(in.WithinMs)
	if err != nil {
		return nil, err
	}
	place := func(name string) schema.Field { return r.Names.Rename(schema.ParseField(name)) }
	return s.facets(ctx, Question{Selection: ofEvents(r), Containing: in.GetContaining(), Within: within}, in.GetFacets(), in.Limit, place)
}

// maxWithin bounds within_ms.
const maxWithin = 30_000

// withinOf reads within_ms.
func withinOf(ms *int32) (time.Duration, error) {
	if ms == nil {
		return 0, nil
	}
	if *ms < 1 || *ms > maxWithin {
		return 0, api.BadRequest("within_ms", "want 1 to %d, got %d", maxWithin, *ms)
	}
	return time.Duration(*ms) * time.Millisecond, nil
}

// moment is a moment as the API has it.
func moment(at *schema.Millis) *int64 {
	if at == nil {
		return nil
	}
	return new(int64(*at))
}

// signals reads a filter of signals.
func (s *FacetService) signals(in *pb.SignalFilter) (Selection, error) {
	query, err := search.ParseForSignals(in.GetQuery())
	if err != nil {
		return Selection{}, &schema.InvalidError{Details: []schema.Detail{{Target: "filter.query", Message: err.Error()}}}
	}
	out := Selection{Of: Signals, Query: query, Withdrawn: search.AsksForState(query.Root)}
	now := s.Now()
	if out.From, err = api.OptionalMoment("filter.from", in.GetFrom(), now); err != nil {
		return out, err
	}
	if out.To, err = api.OptionalMoment("filter.to", in.GetTo(), now); err != nil {
		return out, err
	}
	if out.From != nil && out.To != nil && *out.From > *out.To {
		return out, api.BadRequest("filter.from", "%s is after filter.to, %s", *out.From, *out.To)
	}
	return out, nil
}

func ofEvents(r events.Selection) Selection {
	return Selection{Of: Events, Query: r.Query, From: &r.From, To: &r.To}
}

// facets answers. place says where the values of a field are.
func (s *FacetService) facets(ctx context.Context, q Question, names []string, limit *int32, place func(string) schema.Field) (*pb.FacetsResponse, error) {
	out, _, err := s.count(ctx, q, names, limit, place)
	return out, err
}

// count answers, and has what was counted beside.
func (s *FacetService) count(ctx context.Context, q Question, names []string, limit *int32, place func(string) schema.Field) (*pb.FacetsResponse, Counts, error) {
	began := time.Now()
	q, err := fieldsOf(q, names, limit, place)
	if err != nil {
		return nil, Counts{}, err
	}
	found, err := s.Store.Facets(ctx, q)
	if err != nil {
		return nil, Counts{}, err
	}
	labels, err := s.labels(ctx, q)
	if err != nil {
		return nil, Counts{}, err
	}
	group, err := s.learnFields(ctx, q, found)
	if err != nil {
		return nil, Counts{}, err
	}
	out := &pb.FacetsResponse{Total: int64(found.Total), Partial: found.Partial, CountedFrom: moment(found.From), ElapsedMs: time.Since(began).Milliseconds()}
	for i, f := range found.Fields {
		facet := &pb.Facet{Facet: q.Fields[i].Name, Distinct: int64(f.Distinct), Lacking: int64(f.Lacking)}
		for _, v := range f.Values {
			shown := &pb.FacetValue{Value: v.Value, Count: int64(v.Count), Label: labels[q.Fields[i].Field][v.Value]}
			if i == group {
				shown.Field = s.groups.get(v.Value)
			}
			facet.Values = append(facet.Values, shown)
		}
		out.Facets = append(out.Facets, facet)
	}
	return out, found, nil
}

// fieldsOf is the question with its limit and fields.
func fieldsOf(q Question, names []string, limit *int32, place func(string) schema.Field) (Question, error) {
	if q.Limit = defaultValues; limit != nil {
		q.Limit = int(*limit)
	}
	switch {
	case q.Limit < 1 || q.Limit > maxValues:
		return q, api.BadRequest("limit", "want 1 to %d, got %d", maxValues, q.Limit)
	case len(names) > maxFacets:
		return q, api.BadRequest("facets", "at most %d, got %d", maxFacets, len(names))
	}
	for _, name := range names {
		f := place(name)
		switch {
		case name == "" || name == "@":
			return q, api.BadRequest("facets", "an empty name; want fields, such as host or @http.method")
		case f.Kind == schema.FieldReserved && (f.Name == "message" || f.Name == "timestamp"):
			return q, api.BadRequest("facets", "%s is another one nearly each time, so it is not counted by", name)
		case slices.ContainsFunc(q.Fields, func(o Field) bool { return o.Field == f }):
			return q, api.BadRequest("facets", "%s is there twice", api.Shorten(name))
		}
		q.Fields = append(q.Fields, Field{Name: name, Field: f})
	}
	return q, nil
}

// labels are what people know values by, by field.
func (s *FacetService) labels(ctx context.Context, q Question) (map[schema.Field]map[string]string, error) {
	ofRule := search.SignalField("rule_id")
	if q.Of != Signals || !slices.ContainsFunc(q.Fields, func(f Field) bool { return f.Field == ofRule }) {
		return nil, nil
	}
	all, err := s.Rules.Rules(ctx)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for i := range all {
		names[all[i].ID] = all[i].Name
	}
	return map[schema.Field]map[string]string{ofRule: names}, nil
}
