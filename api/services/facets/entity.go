package facets

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/valyala/fastjson"
	"golang.org/x/sync/errgroup"

	"nightjar/api"
	"nightjar/api/services/events"
	pb "nightjar/api/v1"
	"nightjar/compiler/search"
	"nightjar/schema"
)

// entityFacets are what an entity's events and signals are counted by, and entityPlaces what
// events say of where a client is.
var (
	eventFacets  = []string{"source", "service", "host", "status", "@usr.id", "@network.client.ip"}
	signalFacets = []string{"severity", "state", "rule_id"}
	entityPlaces = []string{"@network.client.geoip.country.name", "@network.client.geoip.country.iso_code", "@network.client.geoip.city.name", "@network.client.geoip.as.name"}
)

// defaultPast is where events of an entity are counted, where nobody says.
const defaultPast = "now-7d"

// GetEntity is what is known of a value of a field. What is stored of it is asked all at once.
func (s *FacetService) GetEntity(ctx context.Context, in *pb.GetEntityRequest) (*pb.Entity, error) {
	field := schema.ParseField(in.GetField())
	switch {
	case in.GetField() == "" || in.GetField() == "@" || in.GetValue() == "":
		return nil, api.BadRequest("field", "want a field and a value, such as field=@usr.id&value=alice")
	case field.Kind == schema.FieldReserved && (field.Name == "message" || field.Name == "timestamp"):
		return nil, api.BadRequest("field", "%s names nobody", in.GetField())
	}
	out := &pb.Entity{Field: in.GetField(), Value: in.GetValue(), Query: search.FieldText(field) + ":" + search.ValueText(in.GetValue())}
	from, to := cmp.Or(in.GetFrom(), defaultPast), cmp.Or(in.GetTo(), "now")
	r, err := s.Events.Selected(&pb.LogFilter{Query: out.Query, From: &from, To: &to})
	if err != nil {
		return nil, err
	}
	selected, err := s.signals(&pb.SignalFilter{Query: out.Query})
	if err != nil {
		return nil, err
	}
	within, err := withinOf(in.WithinMs)
	if err != nil {
		return nil, err
	}
	if out.Place, err = s.placeOf(in.GetValue()); err != nil {
		return nil, err
	}
	if s.Listed != nil {
		out.ThreatLists = s.Listed(in.GetValue())
	}
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() (err error) {
		out.Events, out.Location, err = s.eventsOf(ctx, in.GetField(), r, within)
		return err
	})
	all.Go(func() (err error) {
		out.Signals, err = s.counts(ctx, Question{Selection: selected}, signalFacets, search.SignalField)
		return err
	})
	all.Go(func() (err error) {
		out.ReferenceTables, out.ReferenceTableIds, err = s.tablesOf(ctx, in.GetValue())
		return err
	})
	if err := all.Wait(); err != nil {
		return nil, err
	}
	return out, nil
}

// eventsOf counts an entity's events by the other fields, and those of an address by where it is.
func (s *FacetService) eventsOf(ctx context.Context, field string, r events.Selection, within time.Duration) (found *pb.EntityCounts, location []*pb.Facet, err error) {
	others := slices.DeleteFunc(slices.Clone(eventFacets), func(name string) bool { return name == field })
	asked := others
	if field == "@network.client.ip" {
		asked = slices.Concat(others, entityPlaces)
	}
	if found, err = s.counts(ctx, Question{Selection: ofEvents(r), Within: within}, asked, schema.ParseField); err != nil {
		return nil, nil, err
	}
	found.Facets, location = found.Facets[:len(others)], found.Facets[len(others):]
	return found, location, nil
}

func (s *FacetService) counts(ctx context.Context, q Question, names []string, place func(string) schema.Field) (*pb.EntityCounts, error) {
	q.Span = true
	found, counted, err := s.count(ctx, q, names, nil, place)
	if err != nil {
		return nil, err
	}
	out := &pb.EntityCounts{Total: found.Total, Facets: found.Facets, Partial: found.Partial, CountedFrom: found.CountedFrom}
	if found.Total > 0 {
		out.First, out.Last = int64(counted.First), int64(counted.Last)
	}
	return out, nil
}

// tablesOf are the names and ids of the reference tables that have a row of this value.
func (s *FacetService) tablesOf(ctx context.Context, value string) (names, ids []string, err error) {
	for _, t := range s.Tables.List() {
		rows, err := s.Tables.Rows(ctx, t.ID, []string{value})
		if err != nil {
			return nil, nil, err
		}
		if len(rows) > 0 {
			names, ids = append(names, t.Name), append(ids, t.ID)
		}
	}
	return names, ids, nil
}

// Places know where addresses are. ingest/geoip.Databases are some.
type Places interface {
	// Locate has the attributes that events get; nil: nothing is known.
	Locate(netip.Addr) (*fastjson.Value, error)
	// Attributions are what the makers of the databases ask to be shown.
	Attributions() []string
}

// placeOf is where an address is; nil where the value is none, or nothing is known of it.
func (s *FacetService) placeOf(value string) (*pb.AddressPlace, error) {
	ip, err := netip.ParseAddr(value)
	if err != nil || s.Places == nil {
		return nil, nil
	}
	found, err := s.Places.Locate(ip)
	if err != nil || found == nil {
		return nil, err
	}
	text := func(path ...string) string { return string(found.GetStringBytes(path...)) }
	out := &pb.AddressPlace{
		City: text("city.name"), Country: cmp.Or(text("country.name"), text("country.iso_code")), CountryCode: text("country.iso_code"),
		AsNumber: text("as", "number"), AsName: text("as", "name"), Attributions: s.Places.Attributions(),
	}
	if found.Exists("latitude") && found.Exists("longitude") {
		latitude, longitude := found.GetFloat64("latitude"), found.GetFloat64("longitude")
		out.Latitude, out.Longitude = &latitude, &longitude
	}
	return out, nil
}
