package events

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"nightjar/api"
	pb "nightjar/api/v1"
	"nightjar/compiler/search"
	"nightjar/schema"
	"nightjar/schema/vocabulary"
)

// SearchService serves SearchService.
type SearchService struct {
	pb.UnimplementedSearchServiceServer
	Store Store
	Now   func() time.Time
}

// Sizes of a page of events, and the range where a search names none.
const (
	defaultLogPage = 10
	maxLogPage     = 1000
	defaultFrom    = "now-15m"
	defaultTo      = "now"
)

// SearchLogs reads a page.
//
// As with the reference, every page that has something on it has a cursor: the
// last one's goes on with what arrives later. An empty answer is `{"data":[]}`.
func (s *SearchService) SearchLogs(ctx context.Context, in *pb.SearchLogsRequest) (*pb.SearchLogsResponse, error) {
	start := s.Now()
	search, err := s.search(in)
	if err != nil {
		return nil, err
	}
	page, err := s.Store.SearchLogs(ctx, search)
	if err != nil {
		return nil, err
	}
	out := &pb.SearchLogsResponse{}
	names, _ := vocabulary.Parse(in.GetFilter().GetSchema()) // it was read with the search
	for i := range page.Events {
		item := LogItem(&page.Events[i], names)
		item.Attributes.Raw = UnlessEmpty(page.Events[i].Original)
		out.Data = append(out.Data, item)
	}
	meta := s.meta(ctx, start, in.GetFilter())
	if page.Cut {
		meta.Status = "timeout"
		meta.Warnings = slices.Insert(meta.Warnings, 0, &pb.LogsWarning{
			Code: "timeout", Title: "The time ran out before all was searched",
			Detail: "these are the first of the answer; meta.page.after goes on from there",
		})
		meta.Searched = &pb.LogsSearched{From: int64(page.From), To: int64(page.To)}
	}
	if in.GetHints() && len(page.Events) == 0 && search.After == nil && !page.Cut {
		meta.Warnings = append(meta.Warnings, s.hints(ctx, search)...)
	}
	if page.Next != nil {
		after := logCursor{*page.Next, search.From}.String()
		meta.Page = &pb.LogsPageMeta{After: after}
		out.Links = &pb.LogsLinks{Next: api.ExchangeOf(ctx).URL(nextLogs(in, after, search.Limit))}
	}
	if page.Next != nil || page.Cut || len(meta.Warnings) > 0 {
		out.Meta = meta
	}
	return out, nil
}

// GetEvent reads one event by its id.
func (s *SearchService) GetEvent(ctx context.Context, in *pb.GetEventRequest) (*pb.StoredEvent, error) {
	at, seq, err := schema.ParseEventID(in.GetEventId())
	if err != nil {
		return nil, api.BadRequest("event_id", "%v", err)
	}
	names, err := vocabulary.Parse(in.GetSchema())
	if err != nil {
		return nil, api.BadRequest("schema", "%v", err)
	}
	found, err := s.Store.Log(ctx, at, seq)
	if err != nil {
		return nil, err
	}
	out := &pb.StoredEvent{Event: LogItem(&found, vocabulary.Own)}
	out.Event.Attributes.Raw = UnlessEmpty(found.Original)
	for _, n := range names.NamesIn(&found) {
		out.Names = append(out.Names, &pb.FieldName{Field: n.Field.String(), Name: n.Name})
	}
	return out, nil
}

// hints say, where nothing was found, what no event has, and what was looked for.
func (s *SearchService) hints(ctx context.Context, search LogSearch) []*pb.LogsWarning {
	var out []*pb.LogsWarning
	for _, h := range s.Store.Hints(ctx, search) {
		out = append(out, &pb.LogsWarning{Code: h.Code, Title: h.Title, Detail: h.Detail})
	}
	if len(out) > 0 {
		out = append(out, &pb.LogsWarning{
			Code: "looked_for", Title: "Nothing was found",
			Detail: fmt.Sprintf("looked for %s from %s to %s", api.Shorten(search.Query.String()), search.From, search.To),
		})
	}
	return out
}

// ListLogs is SearchLogs, asked by URL.
func (s *SearchService) ListLogs(ctx context.Context, in *pb.SearchLogsRequest) (*pb.SearchLogsResponse, error) {
	return s.SearchLogs(ctx, in)
}

// QueryLogs is SearchLogs in its first form.
func (s *SearchService) QueryLogs(ctx context.Context, in *pb.QueryLogsRequest) (*pb.QueryLogsResponse, error) {
	sort := map[string]string{"": "", "desc": "-timestamp", "asc": "timestamp"}
	order, ok := sort[in.GetSort()]
	if !ok {
		return nil, api.BadRequest("sort", "want asc or desc, got %q", api.Shorten(in.GetSort()))
	}
	filter := &pb.LogFilter{Query: in.GetQuery()}
	if t := in.GetTime(); t != nil {
		filter.From, filter.To = t.From, t.To
	}
	search, err := s.search(&pb.SearchLogsRequest{
		Filter: filter,
		Page:   &pb.LogPage{Cursor: in.GetStartAt(), Limit: in.Limit}, Sort: order,
	})
	if err != nil {
		return nil, err
	}
	page, err := s.Store.SearchLogs(ctx, search)
	if err != nil {
		return nil, err
	}
	out := &pb.QueryLogsResponse{Status: map[bool]string{true: "timeout", false: "done"}[page.Cut]}
	for i := range page.Events {
		item := LogItem(&page.Events[i], vocabulary.Own)
		out.Logs = append(out.Logs, &pb.QueriedLog{Id: item.Id, Content: item.Attributes})
	}
	if page.Next != nil && (len(page.Events) >= search.Limit || page.Cut) {
		out.NextLogId = new(logCursor{*page.Next, search.From}.String())
	}
	if unknown := unknownIndexes([]string{in.GetIndex()}); len(unknown) > 0 {
		out.Warnings = append(out.Warnings, "index: there is one index, main; it was searched")
	}
	return out, nil
}

func (s *SearchService) search(in *pb.SearchLogsRequest) (LogSearch, error) {
	r, err := s.Selected(in.GetFilter())
	if err != nil {
		return LogSearch{}, err
	}
	out := LogSearch{Query: r.Query, From: r.From, To: r.To, Limit: defaultLogPage, Raw: in.GetRaw()}
	if p := in.GetPage(); p != nil && p.Limit != nil {
		out.Limit = int(p.GetLimit())
	}
	ms := in.GetPage().GetTimeLimitMs()
	if ms < 0 {
		return out, api.BadRequest("page.time_limit_ms", "want 0 or more, got %d", ms)
	}
	out.Within = time.Duration(min(ms, int64(math.MaxInt64/time.Millisecond))) * time.Millisecond
	if out.Limit < 1 || out.Limit > maxLogPage {
		return out, api.BadRequest("page.limit", "want 1 to %d, got %d", maxLogPage, out.Limit)
	}
	switch in.GetSort() {
	case "", "-timestamp":
	case "timestamp":
		out.Ascending = true
	default:
		return out, api.BadRequest("sort", "want timestamp or -timestamp, got %q", in.GetSort())
	}
	if text := in.GetPage().GetCursor(); text != "" {
		c, err := parseLogCursor(text)
		if err != nil {
			return out, err
		}
		out.After, out.From = &c.LogCursor, c.from
	}
	return out, nil
}

// Selection is a filter, read: what happened in [From, To).
type Selection struct {
	Query    *search.Query
	From, To schema.Millis
	Names    vocabulary.Vocabulary // that its fields are of
}

// Selected reads a filter.
func (s *SearchService) Selected(in *pb.LogFilter) (Selection, error) {
	var out Selection
	var err error
	if out.Query, err = search.Parse(in.GetQuery()); err != nil {
		return out, &schema.InvalidError{Details: []schema.Detail{{Target: "filter.query", Message: err.Error()}}}
	}
	if out.Names, err = vocabulary.Parse(in.GetSchema()); err != nil {
		return out, api.BadRequest("filter.schema", "%v", err)
	}
	if out.Names != vocabulary.Own {
		out.Query = out.Query.Renamed(out.Names.Rename)
	}
	now := s.Now()
	if out.From, err = api.Moment("filter.from", cmp.Or(in.GetFrom(), defaultFrom), now); err != nil {
		return out, err
	}
	if out.To, err = api.Moment("filter.to", cmp.Or(in.GetTo(), defaultTo), now); err != nil {
		return out, err
	}
	if out.From > out.To {
		return out, api.BadRequest("filter.from", "%s is after filter.to, %s", out.From, out.To)
	}
	return out, nil
}

// meta is what is said of an answer beside its data.
func (s *SearchService) meta(ctx context.Context, start time.Time, filter *pb.LogFilter) *pb.LogsMeta {
	out := &pb.LogsMeta{Elapsed: s.Now().Sub(start).Milliseconds(), RequestId: api.RequestID(ctx), Status: "done"}
	if unknown := unknownIndexes(filter.GetIndexes()); len(unknown) > 0 {
		out.Warnings = append(out.Warnings, &pb.LogsWarning{
			Code: "unknown_index", Title: "There is one index, main; it was searched",
			Detail: "indexes: " + strings.Join(unknown, ", "),
		})
	}
	return out
}

// unknownIndexes are the names that no index has. By URL several come as one
// text.
func unknownIndexes(indexes []string) []string {
	var out []string
	for _, list := range indexes {
		for name := range strings.SplitSeq(list, ",") {
			if name = strings.TrimSpace(name); name != "" && name != "*" && name != "main" && !slices.Contains(out, name) {
				out = append(out, api.Shorten(name))
			}
		}
	}
	return out
}

// nextLogs is the path of the following page.
func nextLogs(in *pb.SearchLogsRequest, after string, limit int) string {
	q := url.Values{}
	set := func(key, value string) {
		if value != "" {
			q.Set(key, value)
		}
	}
	set("filter[query]", in.GetFilter().GetQuery())
	set("filter[from]", in.GetFilter().GetFrom())
	set("filter[to]", in.GetFilter().GetTo())
	set("filter[indexes]", strings.Join(in.GetFilter().GetIndexes(), ","))
	set("filter[schema]", in.GetFilter().GetSchema())
	set("sort", in.GetSort())
	set("page[cursor]", after)
	set("page[limit]", strconv.Itoa(limit))
	if in.GetRaw() {
		set("raw", "true")
	}
	return "/api/v2/logs/events?" + q.Encode()
}

// LogItem is an event as the API has it; its attributes are the event's document of
// the vocabulary, where one was asked for.
func LogItem(e *schema.Event, names vocabulary.Vocabulary) *pb.LogItem {
	a := &pb.LogAttributes{
		Timestamp: e.At.String(), Status: UnlessEmpty(e.Status), Host: UnlessEmpty(e.Host), Service: UnlessEmpty(e.Service),
		Source: UnlessEmpty(e.Source), Message: UnlessEmpty(e.Message), Tags: e.Tags,
	}
	switch {
	case names != vocabulary.Own:
		a.AttributesText = UnlessEmpty(string(names.Document(e)))
	case e.JSON != "{}":
		a.AttributesText = UnlessEmpty(e.JSON)
	}
	return &pb.LogItem{Id: e.ID(), Type: "log", Attributes: a}
}

// UnlessEmpty is the text; nil where it is empty.
func UnlessEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// logCursor is a cursor as clients carry it. It holds where the range of the
// first page began: `now-15m` moves on between pages, and what was in the range
// then would be missing from the last of them.
type logCursor struct {
	LogCursor
	from schema.Millis
}

func (c logCursor) String() string {
	text, _ := json.Marshal([]any{c.At, c.Seq, c.from}) // numbers
	return base64.RawURLEncoding.EncodeToString(text)
}

func parseLogCursor(text string) (logCursor, error) {
	var c logCursor
	var numbers []json.Number
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(raw, &numbers)
	}
	if err == nil && len(numbers) == 3 {
		err = json.Unmarshal(raw, &[]any{&c.At, &c.Seq, &c.from})
	}
	if err != nil || len(numbers) != 3 || !c.At.Storable() || !c.from.Storable() {
		return c, api.BadRequest("page.cursor", "not a cursor: want the meta.page.after of the page before")
	}
	return c, nil
}
