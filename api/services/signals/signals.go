package signals

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"nightjar/api"
	pb "nightjar/api/v1"
	"nightjar/scheduler"
	"nightjar/schema"
)

// SignalService serves SignalService.
type SignalService struct {
	pb.UnimplementedSignalServiceServer
	Store  Store
	Triage Triage
	// Explainer says why signals are there.
	Explainer Explainer
	// Told shows what was told of signals; nil: nothing is.
	Told Told
	// InForce are the rules that are evaluated; nil: none are known.
	InForce interface{ RuleCosts() []scheduler.RuleCost }
	Now     func() time.Time
	// AgentRules are what agents watch for; nil: none are known.
	AgentRules *AgentRules
}

// Sizes of a page of signals.
const (
	defaultSignalPage = 10
	maxSignalPage     = 1000
)

// SearchSignals reads a page.
func (s *SignalService) SearchSignals(ctx context.Context, in *pb.SearchSignalsRequest) (*pb.SearchSignalsResponse, error) {
	return s.SearchOf(ctx, in, "", "/api/v2/security_monitoring/signals")
}

// SearchOf reads a page of signals, of all or of one rule key. path is where the
// following page is.
func (s *SignalService) SearchOf(ctx context.Context, in *pb.SearchSignalsRequest, ruleKey, path string) (*pb.SearchSignalsResponse, error) {
	search, err := s.search(in)
	if err != nil {
		return nil, err
	}
	search.RuleKey = ruleKey
	page, err := s.Store.SearchSignals(ctx, search)
	if err != nil {
		return nil, err
	}
	out := &pb.SearchSignalsResponse{}
	for i := range page.Signals {
		out.Data = append(out.Data, signalItem(&page.Signals[i]))
	}
	if page.Next != (Cursor{}) {
		after := page.Next.String()
		out.Meta = &pb.SignalsMeta{Page: &pb.SignalsPageMeta{After: after}}
		out.Links = &pb.SignalsLinks{Next: api.ExchangeOf(ctx).URL(path + "?" + nextSignals(in, after, search.Limit))}
	}
	return out, nil
}

// ListSignals is SearchSignals, asked by URL.
func (s *SignalService) ListSignals(ctx context.Context, in *pb.SearchSignalsRequest) (*pb.SearchSignalsResponse, error) {
	return s.SearchSignals(ctx, in)
}

// GetSignal reads one signal.
func (s *SignalService) GetSignal(ctx context.Context, in *pb.GetSignalRequest) (*pb.GetSignalResponse, error) {
	found, err := s.Store.Signal(ctx, in.GetSignalId())
	if err != nil {
		return nil, err
	}
	doc, err := readDocument(&found)
	if err != nil {
		return nil, err
	}
	item := signalItem(&found)
	a := item.Attributes
	return &pb.GetSignalResponse{Data: &pb.SignalDetail{
		Id: item.Id, Type: item.Type,
		Attributes: &pb.SignalDetailAttributes{
			Timestamp: a.Timestamp, Message: a.Message, Tags: a.Tags, Status: a.Status,
			Service: a.Service, Host: a.Host, CustomText: a.AttributesText, Version: doc.Workflow.Triage.Version,
		},
	}}, nil
}

func (s *SignalService) search(in *pb.SearchSignalsRequest) (Search, error) {
	out := Search{Query: in.GetFilter().GetQuery(), Limit: defaultSignalPage, Brief: in.GetBrief()}
	var err error
	if out.From, err = s.moment("filter.from", in.GetFilter().GetFrom()); err != nil {
		return out, err
	}
	if out.To, err = s.moment("filter.to", in.GetFilter().GetTo()); err != nil {
		return out, err
	}
	if p := in.GetPage(); p != nil && p.Limit != nil {
		out.Limit = int(p.GetLimit())
	}
	if out.Limit < 1 || out.Limit > maxSignalPage {
		return out, api.BadRequest("page.limit", "want 1 to %d, got %d", maxSignalPage, out.Limit)
	}
	if out.By, out.Ascending, err = sortOf(in.GetSort()); err != nil {
		return out, err
	}
	if text := in.GetPage().GetCursor(); text != "" {
		if out.After, err = parseSignalCursor(text); err != nil {
			return out, err
		}
		if out.After.By != out.By {
			return out, api.BadRequest("page.cursor", "it is of another order than %q: keep sort while you page", in.GetSort())
		}
	}
	return out, nil
}

// orders are the names that a request sorts by.
var orders = map[string]Order{
	"timestamp": ByTime, "first_seen": ByTime, "last_seen": ByLastSeen, "severity": BySeverity, "events": ByEvents,
}

// sortOf reads the name of an order; a dash before it has the most, and the newest, first.
func sortOf(text string) (by Order, ascending bool, err error) {
	if text == "" {
		return ByTime, false, nil
	}
	name, descending := strings.CutPrefix(text, "-")
	by, ok := orders[name]
	if !ok {
		return by, false, api.BadRequest("sort", "want %s, or one of them with a dash before it for the opposite, got %q",
			strings.Join(slices.Sorted(maps.Keys(orders)), ", "), text)
	}
	return by, !descending, nil
}

func (s *SignalService) moment(target, text string) (*schema.Millis, error) {
	if text == "" {
		return nil, nil
	}
	m, err := api.Moment(target, text, s.Now())
	return &m, err
}

// nextSignals are the parameters of the following page.
func nextSignals(in *pb.SearchSignalsRequest, after string, limit int) string {
	q := url.Values{}
	set := func(key, value string) {
		if value != "" {
			q.Set(key, value)
		}
	}
	set("filter[query]", in.GetFilter().GetQuery())
	set("filter[from]", in.GetFilter().GetFrom())
	set("filter[to]", in.GetFilter().GetTo())
	set("sort", in.GetSort())
	if in.GetBrief() {
		set("brief", "true")
	}
	set("page[cursor]", after)
	set("page[limit]", strconv.Itoa(limit))
	return q.Encode()
}

func signalItem(s *Signal) *pb.SignalItem {
	attributes := s.Attributes
	if attributes == "" {
		attributes = "{}"
	}
	return &pb.SignalItem{
		Id: s.ID, Type: "signal",
		Attributes: &pb.SignalAttributes{
			Timestamp: s.At.String(), Message: s.Message, Tags: s.Tags, Status: s.Status,
			Service: servicesOf(s), Host: s.Host, AttributesText: attributes,
		},
	}
}

// servicesOf are the services of a signal's events; there may be none.
func servicesOf(s *Signal) []string {
	out := (&schema.Event{Tags: s.Tags}).Values(schema.Field{Kind: schema.FieldTag, Name: "service"})
	if len(out) == 0 && s.Service != "" {
		out = []string{s.Service}
	}
	return out
}

// String is the cursor as clients carry it.
func (c Cursor) String() string {
	place := []any{c.At, c.ID}
	if c.By != ByTime {
		place = append(place, c.By, c.Value)
	}
	text, _ := json.Marshal(place) // numbers and strings
	return base64.RawURLEncoding.EncodeToString(text)
}

func parseSignalCursor(text string) (Cursor, error) {
	var c Cursor
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(raw, &[]any{&c.At, &c.ID, &c.By, &c.Value})
	}
	if err != nil || c.ID == "" {
		return Cursor{}, api.BadRequest("page.cursor", "not a cursor: want the meta.page.after of the page before")
	}
	return c, nil
}
