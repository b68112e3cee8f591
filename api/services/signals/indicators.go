package signals

import (
	"cmp"
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"nightjar/api"
	"nightjar/api/codec"
	pb "nightjar/api/v1"
	"nightjar/configuration"
	"nightjar/objects"
	"nightjar/scheduler/reference"
	"nightjar/schema"
)

// IndicatorService serves IndicatorService.
type IndicatorService struct {
	pb.UnimplementedIndicatorServiceServer
	Rules   ruleLister
	Signals Store
	Tables  tableReader
	Triage  *objects.Store[configuration.IndicatorTriage]
	Now     func() time.Time
}

// tableReader reads reference tables.
type tableReader interface {
	List() []reference.Table
	Rows(ctx context.Context, id string, ids []string) ([]reference.Row, error)
}

// ruleLister reads all rules.
type ruleLister interface {
	Rules(context.Context) ([]schema.Rule, error)
}

// indicatorSpan is how far back an indicator may have been seen, and
// maxIndicatorSignals how many of the newest signals of that time are looked at.
const (
	indicatorSpan       = 30 * 24 * time.Hour
	maxIndicatorSignals = 20_000
)

// seen is an indicator and where it was seen.
type seen struct {
	value                            string
	first, last                      schema.Millis
	events, signals                  int64
	tables, hosts, services, sources []string
	tags                             []string
	severities                       map[string]int64
	triage                           *objects.Versioned[configuration.IndicatorTriage]
}

// asks is a field that a rule looks up in a table of what is bad.
type asks struct{ table, tableID, field string }

// look finds the indicators in the signals of rules that look their events up in
// reference tables: the values of the field that are in the table.
func (s *IndicatorService) look(ctx context.Context) (found map[string]*seen, warnings []string, err error) {
	all, err := s.Rules.Rules(ctx)
	if err != nil {
		return nil, nil, err
	}
	ids := map[string]string{}
	for _, t := range s.Tables.List() {
		ids[t.Name] = t.ID
	}
	byRule := map[string][]asks{}
	for _, r := range all {
		for _, t := range r.ReferenceTables {
			if id := ids[t.TableName]; t.CheckPresence && id != "" {
				byRule[r.ID] = append(byRule[r.ID], asks{t.TableName, id, t.LogFieldPath})
			}
		}
	}
	found = map[string]*seen{}
	from := schema.MillisOf(s.Now().Add(-indicatorSpan))
	for id, tables := range byRule {
		search := Search{Query: "@nightjar.rule_id:" + id, From: &from, Limit: maxSignalPage}
		for looked := 0; ; {
			page, err := s.Signals.SearchSignals(ctx, search)
			if err != nil {
				return nil, nil, err
			}
			if err := s.collect(ctx, found, page.Signals, tables); err != nil {
				return nil, nil, err
			}
			looked += len(page.Signals)
			if search.After = page.Next; search.After == (Cursor{}) {
				break
			}
			if looked >= maxIndicatorSignals {
				warnings = append(warnings, "rule "+id+": only its newest 20000 signals of the last 30 days were looked at")
				break
			}
		}
	}
	triaged, err := s.Triage.List(ctx)
	for i := range triaged {
		if x := found[triaged[i].Body.Indicator]; x != nil {
			x.triage = &triaged[i]
		}
	}
	return found, warnings, err
}

// collect adds what signals have.
func (s *IndicatorService) collect(ctx context.Context, found map[string]*seen, signals []Signal, tables []asks) error {
	for i := range signals {
		sig := &signals[i]
		attributes, err := schema.ParseAttributes(sig.Attributes)
		if err != nil {
			return err
		}
		event := schema.Event{Tags: sig.Tags, Host: sig.Host, Service: sig.Service, Attributes: attributes}
		doc, err := readDocument(sig)
		if err != nil {
			return err
		}
		for _, t := range tables {
			values := event.Values(schema.ParseField(t.field))
			rows, err := s.Tables.Rows(ctx, t.tableID, values)
			if err != nil {
				return err
			}
			for _, row := range rows {
				x := found[row.ID]
				if x == nil {
					x = &seen{value: row.ID, first: schema.MaxMillis, severities: map[string]int64{}}
					found[row.ID] = x
				}
				x.add(sig, &doc, t.table)
			}
		}
	}
	return nil
}

func (x *seen) add(sig *Signal, doc *signalDocument, table string) {
	x.first, x.last = min(x.first, doc.Nightjar.FirstSeen), max(x.last, doc.Nightjar.LastSeen)
	x.signals++
	x.events += int64(doc.Nightjar.Events)
	x.severities[sig.Status]++
	add := func(list *[]string, values ...string) {
		for _, v := range values {
			if v != "" && !slices.Contains(*list, v) && len(*list) < 100 {
				*list = append(*list, v)
			}
		}
	}
	add(&x.tables, table)
	add(&x.tags, sig.Tags...)
	tagged := func(key string) []string {
		return (&schema.Event{Tags: sig.Tags}).Values(schema.Field{Kind: schema.FieldTag, Name: key})
	}
	add(&x.hosts, append(tagged("host"), sig.Host)...)
	add(&x.services, append(tagged("service"), sig.Service)...)
	add(&x.sources, tagged("source")...)
}

// severityScores are what an indicator scores by its worst signal.
var severityScores = map[string]float64{"info": 20, "low": 40, "medium": 60, "high": 80, "critical": 100}

func (x *seen) score() (score float64) {
	for severity := range x.severities {
		score = max(score, severityScores[severity])
	}
	return score
}

func (x *seen) state() string {
	if x.triage == nil {
		return "not_reviewed"
	}
	return x.triage.Body.State
}

// indicatorType tells what kind of thing an indicator is by how it looks.
func indicatorType(value string) string {
	hex := strings.Trim(strings.ToLower(value), "0123456789abcdef") == ""
	switch {
	case hex && len(value) == 64:
		return "sha256"
	case hex && len(value) == 40:
		return "sha1"
	case hex && len(value) == 32:
		return "md5"
	case strings.Contains(value, "://"):
		return "url"
	}
	if _, err := netip.ParseAddr(value); err == nil {
		return "ip"
	}
	if _, err := netip.ParsePrefix(value); err == nil {
		return "ip"
	}
	if strings.Contains(value, ".") && !strings.ContainsAny(value, " /@") {
		return "domain"
	}
	return "other"
}

func (x *seen) proto() *pb.Indicator {
	out := &pb.Indicator{
		Id: x.value, Indicator: x.value, IndicatorType: indicatorType(x.value), Score: x.score(), Tags: x.tags,
		FirstSeen: x.first.String(), LastSeen: x.last.String(), LogMatches: x.events, SignalMatches: x.signals, TriageState: x.state(),
	}
	for _, name := range x.tables {
		out.MaliciousSources = append(out.MaliciousSources, &pb.IndicatorSource{Name: name})
	}
	if x.triage != nil {
		out.TriagedAt, out.TriagedBy = new(x.triage.UpdatedAt.String()), &x.triage.Body.By
	}
	return out
}

// ListIndicators reads a page.
func (s *IndicatorService) ListIndicators(ctx context.Context, in *pb.ListIndicatorsRequest) (*pb.ListIndicatorsResponse, error) {
	limit, warnings := api.PageSize(in.Limit, 50, 1000)
	if in.GetOffset() < 0 {
		return nil, api.BadRequest("offset", "want 0 or more, got %d", in.GetOffset())
	}
	if state := in.GetTriageState(); state != "" && state != "reviewed" && state != "not_reviewed" {
		return nil, api.BadRequest("triage_state", "want reviewed or not_reviewed, got %q", api.Shorten(state))
	}
	found, more, err := s.look(ctx)
	if err != nil {
		return nil, err
	}
	var list []*seen
	for _, x := range found {
		if x.fits(in) {
			list = append(list, x)
		}
	}
	if err := sortIndicators(list, in.GetSort()); err != nil {
		return nil, err
	}
	n := int64(len(list))
	attributes := &pb.IndicatorPageAttributes{Metadata: &pb.IndicatorCount{Count: n}, Paging: &pb.IndicatorPaging{Offset: in.GetOffset()}}
	for _, x := range list[min(in.GetOffset(), n):min(in.GetOffset()+limit, n)] {
		attributes.Data = append(attributes.Data, x.proto())
	}
	return &pb.ListIndicatorsResponse{Warnings: append(warnings, more...), Data: &pb.IndicatorPage{
		Id: "indicators", Type: "ioc_explorer_list_response", Attributes: attributes,
	}}, nil
}

// fits tells whether the indicator is asked for.
func (x *seen) fits(in *pb.ListIndicatorsRequest) bool {
	if in.GetTriageState() != "" && x.state() != in.GetTriageState() {
		return false
	}
	if by := in.GetWorkedBy(); by != "" && (x.triage == nil || by != x.triage.Body.By && by != api.Author.Handle) {
		return false
	}
	for _, word := range strings.Fields(in.GetQuery()) {
		key, value, keyed := strings.Cut(word, ":")
		has := map[string][]string{
			"indicator": {x.value}, "indicator_type": {indicatorType(x.value)}, "type": {indicatorType(x.value)}, "source": x.sources,
			"host": x.hosts, "service": x.services, "table": x.tables, "triage_state": {x.state()},
		}[key]
		if keyed && has != nil {
			if !slices.Contains(has, strings.Trim(value, `"`)) {
				return false
			}
		} else if word != "*" && !strings.Contains(strings.ToLower(x.value), strings.ToLower(word)) {
			return false
		}
	}
	return true
}

func sortIndicators(list []*seen, by *pb.IndicatorSort) error {
	compare := map[string]func(a, b *seen) int{
		"score":               func(a, b *seen) int { return cmp.Compare(a.score(), b.score()) },
		"first_seen_ts_epoch": func(a, b *seen) int { return cmp.Compare(a.first, b.first) },
		"last_seen_ts_epoch":  func(a, b *seen) int { return cmp.Compare(a.last, b.last) },
		"indicator":           func(a, b *seen) int { return cmp.Compare(a.value, b.value) },
		"indicator_type":      func(a, b *seen) int { return cmp.Compare(indicatorType(a.value), indicatorType(b.value)) },
		"signal_count":        func(a, b *seen) int { return cmp.Compare(a.signals, b.signals) },
		"log_count":           func(a, b *seen) int { return cmp.Compare(a.events, b.events) },
		"category":            func(a, b *seen) int { return cmp.Compare(strings.Join(a.tables, ","), strings.Join(b.tables, ",")) },
		"as_type":             func(*seen, *seen) int { return 0 },
	}[cmp.Or(by.GetColumn(), "score")]
	if compare == nil {
		return api.BadRequest("sort[column]", "want score, first_seen_ts_epoch, last_seen_ts_epoch, indicator, indicator_type, signal_count, log_count, category or as_type, got %q", api.Shorten(by.GetColumn()))
	}
	order := cmp.Or(by.GetOrder(), "desc")
	if order != "asc" && order != "desc" {
		return api.BadRequest("sort[order]", "want asc or desc, got %q", api.Shorten(order))
	}
	slices.SortFunc(list, func(a, b *seen) int {
		if order == "desc" {
			return cmp.Or(compare(b, a), cmp.Compare(a.value, b.value))
		}
		return cmp.Or(compare(a, b), cmp.Compare(a.value, b.value))
	})
	return nil
}

// GetIndicator reads one.
func (s *IndicatorService) GetIndicator(ctx context.Context, in *pb.GetIndicatorRequest) (*pb.GetIndicatorResponse, error) {
	if in.GetIndicator() == "" {
		return nil, api.BadRequest("indicator", "missing; want an address, a domain or the like")
	}
	found, _, err := s.look(ctx)
	if err != nil {
		return nil, err
	}
	x := found[in.GetIndicator()]
	if x == nil {
		return nil, &api.Error{Code: api.CodeNotFound, Message: "no indicator " + api.Shorten(in.GetIndicator()) + " was seen in the last 30 days"}
	}
	out := x.proto()
	out.Hosts, out.Services, out.LogSources = x.hosts, x.services, x.sources
	for _, severity := range []string{"critical", "high", "medium", "low", "info"} {
		if n := x.severities[severity]; n > 0 {
			out.SignalSeverity = append(out.SignalSeverity, &pb.IndicatorSeverity{Severity: severity, Count: n})
		}
	}
	if in.GetIncludeTriageHistory() {
		if out.TriageHistory, err = s.history(ctx, in); err != nil {
			return nil, err
		}
	}
	return &pb.GetIndicatorResponse{Data: &pb.IndicatorDetail{Id: x.value, Type: "ioc_indicator_response", Attributes: &pb.IndicatorDetailAttributes{Data: out}}}, nil
}

// history is what was said of an indicator, the newest first.
func (s *IndicatorService) history(ctx context.Context, in *pb.GetIndicatorRequest) (out []*pb.IndicatorTriage, err error) {
	limit := int32(50)
	if in.TriageHistoryLimit != nil {
		limit = in.GetTriageHistoryLimit()
	}
	if limit < 1 || limit > 1000 || in.GetTriageHistoryOffset() < 0 {
		return nil, api.BadRequest("triage_history_limit", "want 1 to 1000, from an offset of 0 or more")
	}
	log, err := s.Triage.Log(ctx)
	for i := len(log) - 1; i >= 0; i-- {
		if v := &log[i]; v.Body.Indicator == in.GetIndicator() {
			out = append(out, &pb.IndicatorTriage{TriageState: v.Body.State, TriagedAt: v.UpdatedAt.String(), TriagedBy: v.Body.By})
		}
	}
	n := int32(len(out))
	return out[min(in.GetTriageHistoryOffset(), n):min(in.GetTriageHistoryOffset()+limit, n)], err
}

// TriageIndicator keeps what was said of an indicator.
func (s *IndicatorService) TriageIndicator(ctx context.Context, in *pb.TriageIndicatorRequest) (*pb.TriageIndicatorResponse, error) {
	a := in.GetData().GetAttributes()
	if a == nil {
		return nil, api.BadRequest(api.AttributesPath, "missing")
	}
	body := configuration.IndicatorTriage{Indicator: a.GetIndicator(), State: a.GetTriageState(), By: api.Author.UUID}
	all, err := s.Triage.List(ctx)
	if err != nil {
		return nil, err
	}
	var v objects.Versioned[configuration.IndicatorTriage]
	at := slices.IndexFunc(all, func(v objects.Versioned[configuration.IndicatorTriage]) bool {
		return v.Body.Indicator == body.Indicator
	})
	if at >= 0 {
		v, err = s.Triage.Update(ctx, all[at].ID, 0, func(b *configuration.IndicatorTriage) error { *b = body; return nil })
	} else {
		v, err = s.Triage.Create(ctx, body)
	}
	if err != nil {
		return nil, codec.Within(api.AttributesPath, err)
	}
	api.AnswerWith(ctx, http.StatusCreated)
	return &pb.TriageIndicatorResponse{Data: &pb.TriagedIndicator{Id: v.ID, Type: "ioc_triage_state", Attributes: &pb.TriagedIndicatorAttributes{
		Indicator: body.Indicator, TriageState: body.State, TriagedAt: v.UpdatedAt.String(), TriagedBy: body.By, CreatedAt: v.CreatedAt.String(),
	}}}, nil
}
