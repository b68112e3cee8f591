package signals

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/structpb"

	"nightjar/api"
	pb "nightjar/api/v1"
	"nightjar/compiler"
	"nightjar/schema"
)

// signalDocument is what a signal says of itself.
type signalDocument struct {
	schema.SignalDocument
	text string // as it is stored
}

func (s *SignalService) document(ctx context.Context, id string) (signalDocument, error) {
	found, err := s.Store.Signal(ctx, id)
	if err != nil {
		return signalDocument{}, err
	}
	return readDocument(&found)
}

// Documents reads what signals say of themselves.
type Documents struct{ Store Store }

// Document is what a signal says of itself.
func (d Documents) Document(ctx context.Context, id string) (schema.SignalDocument, error) {
	found, err := d.Store.Signal(ctx, id)
	if err != nil {
		return schema.SignalDocument{}, err
	}
	doc, err := readDocument(&found)
	return doc.SignalDocument, err
}

// Searches are those that find the events of a signal, as GetInvestigationQueries shows
// them, in [from, to).
func (Documents) Searches(doc *schema.SignalDocument) (queries []string, from, to schema.Millis, err error) {
	d := signalDocument{SignalDocument: *doc}
	for _, q := range doc.Queries {
		filter, _, err := d.investigate(q.Query, q.GroupByPaths)
		if err != nil {
			return nil, 0, 0, err
		}
		queries = append(queries, filter)
	}
	return queries, doc.Nightjar.FirstSeen - schema.Millis(doc.Nightjar.Window), doc.Nightjar.LastSeen + 1, nil
}

func readDocument(sig *Signal) (signalDocument, error) {
	var doc signalDocument
	if doc.text = sig.Attributes; doc.text == "" {
		return doc, nil
	}
	if err := json.Unmarshal([]byte(sig.Attributes), &doc.SignalDocument); err != nil {
		return doc, fmt.Errorf("read attributes of signal %s: %w", sig.ID, err)
	}
	return doc, nil
}

// GetInvestigationQueries are the searches that show the events of a signal: the
// rule's queries, for the signal's group.
func (s *SignalService) GetInvestigationQueries(ctx context.Context, in *pb.GetSignalRequest) (*pb.SuggestedActionsResponse, error) {
	doc, err := s.document(ctx, in.GetSignalId())
	if err != nil {
		return nil, err
	}
	out := &pb.SuggestedActionsResponse{}
	for i, q := range doc.Queries {
		filter, variables, err := doc.investigate(q.Query, q.GroupByPaths)
		if err != nil {
			return nil, err
		}
		from := doc.Nightjar.FirstSeen - schema.Millis(doc.Nightjar.Window)
		link := url.Values{
			"filter[query]": {filter}, "filter[from]": {from.String()}, "filter[to]": {(doc.Nightjar.LastSeen + 1).String()},
		}
		out.Data = append(out.Data, &pb.SuggestedAction{
			Id: fmt.Sprintf("%s-%d", in.GetSignalId(), i), Type: "investigation_log_queries",
			Attributes: &pb.SuggestedActionAttributes{
				Name: "Events of query " + q.Name, QueryFilter: filter, TemplateVariables: variables,
				Url: api.ExchangeOf(ctx).URL("/api/v2/logs/events?" + link.Encode()),
			},
		})
	}
	return out, nil
}

// GetSuggestedActions is what to look at next.
func (s *SignalService) GetSuggestedActions(ctx context.Context, in *pb.GetSignalRequest) (*pb.SuggestedActionsResponse, error) {
	return s.GetInvestigationQueries(ctx, in)
}

// investigate narrows a query down to the signal's group. Queries of a rule are
// joined by position, whatever their fields are called.
func (d *signalDocument) investigate(query string, fields []string) (filter string, variables map[string]*structpb.Value, err error) {
	var terms []string
	if q := strings.TrimSpace(query); q != "" && q != "*" {
		terms = append(terms, q)
		if len(d.Nightjar.Group) > 0 {
			terms[0] = "(" + q + ")"
		}
	}
	variables = map[string]*structpb.Value{}
	all := d.groupFields()
	for i, value := range d.Nightjar.Group {
		if i >= len(d.Nightjar.GroupBy) {
			break
		}
		field := d.Nightjar.GroupBy[i]
		if position := slices.IndexFunc(all, sameField(field)); position >= 0 && position < len(fields) {
			field = fields[position]
		} else if all != nil {
			continue // the query counts for every group
		}
		if value == compiler.MissingGroup {
			continue // an event without the field
		}
		terms = append(terms, field+`:"`+quoteTerm.Replace(value)+`"`)
		if variables[field], err = structpb.NewValue([]any{strings.ToValidUTF8(value, "�")}); err != nil {
			return "", nil, fmt.Errorf("variable %s: %w", field, err)
		}
	}
	if len(terms) == 0 {
		return "*", variables, nil
	}
	return strings.Join(terms, " "), variables, nil
}

var quoteTerm = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// groupFields are the fields that the rule groups by, in order: those of its
// first query that has the signal's.
func (d *signalDocument) groupFields() []string {
	for _, q := range d.Queries {
		lacks := func(field string) bool { return !slices.ContainsFunc(q.GroupByPaths, sameField(field)) }
		if len(q.GroupByPaths) > 0 && !slices.ContainsFunc(d.Nightjar.GroupBy, lacks) {
			return q.GroupByPaths
		}
	}
	return nil
}

// sameField tells whether another text names the same field.
func sameField(text string) func(string) bool {
	return func(other string) bool { return schema.ParseField(text) == schema.ParseField(other) }
}

// GetSignalEntities are the users in a signal's sample events and group.
func (s *SignalService) GetSignalEntities(ctx context.Context, in *pb.GetSignalEntitiesRequest) (*pb.SignalEntitiesResponse, error) {
	if in.GetLimit() < 0 {
		return nil, api.BadRequest("limit", "want 0 or more, got %d", in.GetLimit())
	}
	doc, err := s.document(ctx, in.GetSignalId())
	if err != nil {
		return nil, err
	}
	users := doc.users()
	if n := in.GetLimit(); n > 0 && int64(len(users)) > n {
		users = users[:n]
	}
	return &pb.SignalEntitiesResponse{Data: &pb.SignalEntitiesItem{
		Id: in.GetSignalId(), Type: "entities", Attributes: &pb.SignalEntities{Identities: users},
	}}, nil
}

func (d *signalDocument) users() []*pb.SignalIdentity {
	var out []*pb.SignalIdentity
	known := map[string]bool{}
	add := func(id, name string) {
		if id == "" || known[id] {
			return
		}
		known[id] = true
		if name == "" {
			name = id
		}
		out = append(out, &pb.SignalIdentity{PrincipalId: id, DisplayName: name})
	}
	for _, sample := range schema.ReadSamples(string(d.Samples)) {
		event, err := schema.ParseAttributes(string(sample.Content.Custom))
		if err != nil {
			continue // it was shown as it came
		}
		first := func(path string) string {
			for _, l := range event.Lookup(path) {
				return l.Text()
			}
			return ""
		}
		add(first("usr.id"), first("usr.name"))
	}
	for i, field := range d.Nightjar.GroupBy {
		if i < len(d.Nightjar.Group) && field == "@usr.id" {
			add(d.Nightjar.Group[i], "")
		}
	}
	return out
}

// GetMatchingSignals are the signals that an event is part of.
func (s *SignalService) GetMatchingSignals(ctx context.Context, in *pb.GetMatchingSignalsRequest) (*pb.MatchingSignalsResponse, error) {
	if track := in.GetTrack(); track != "" && track != "logs" {
		return nil, api.BadRequest("track", "want logs, got %q", api.Shorten(track))
	}
	at, seq, err := schema.ParseEventID(in.GetEventId())
	if err != nil {
		return nil, api.BadRequest("event_id", "%s", err)
	}
	found, err := s.Store.MatchingSignals(ctx, at, seq)
	if err != nil {
		return nil, err
	}
	out := &pb.MatchingSignalsResponse{}
	for i := range found {
		doc, err := readDocument(&found[i])
		if err != nil {
			return nil, err
		}
		out.Data = append(out.Data, &pb.MatchingSignal{Id: found[i].ID, Type: "matching_signal", Attributes: &pb.MatchingSignalAttributes{
			EventTrackerId: in.GetEventId(), Severity: doc.Nightjar.Severity, Title: doc.Title, TriggerTimeMs: int64(found[i].At),
		}})
	}
	out.Rules, err = s.counting(ctx, at, seq)
	return out, err
}

// counting are the rules in force that counted an event.
func (s *SignalService) counting(ctx context.Context, at schema.Millis, seq uint64) (out []*pb.CountingRule, err error) {
	if s.InForce == nil {
		return nil, nil
	}
	keys, err := s.Store.MatchingRules(ctx, at, seq)
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	for _, r := range s.InForce.RuleCosts() {
		if slices.Contains(keys, r.Key) {
			out = append(out, &pb.CountingRule{Id: r.RuleID, Name: r.Name})
		}
	}
	slices.SortFunc(out, func(a, b *pb.CountingRule) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Id, b.Id)) })
	return out, nil
}
