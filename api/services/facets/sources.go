package facets

import (
	"context"
	"strings"
	"sync"
	"time"

	"nightjar/api"
	pb "nightjar/api/v1"
	"nightjar/compiler/search"
	"nightjar/schema"
)

// Bounds of the list of sources.
const (
	defaultStretches = 48
	maxStretches     = 288
	maxSources       = 1000
)

// How far back sources are counted, and how far back one is still known.
const (
	countedPast = 24 * time.Hour
	knownPast   = 7 * 24 * time.Hour
)

// What no pipeline was applied to, and where a processor failed.
const (
	unreadSearch = "-@nightjar.pipelines:*"
	failedSearch = "@nightjar.pipeline_errors:*"
)

// SourcesQuestion asks what sent events. All times are those of arrival.
type SourcesQuestion struct {
	// Known is since when a source is known that sent something, and Hour when the last hour
	// began. Events are counted from Start on, in Stretches of Width milliseconds.
	Known, Hour, Start schema.Millis
	Width              int64
	Stretches          int
	Unread, Failed     *search.Query
	Limit              int
}

// SourceCounts are what a source sent; see pb.Source. Lags are nil where Events is 0.
type SourceCounts struct {
	Source                       string
	Events, Hour, Unread, Failed uint64
	Counts                       []uint64
	Lags                         *[2]float64 // milliseconds: the median, and that of 95 in 100
	Arrived, Happened            schema.Millis
	Seq                          uint64 // of the last one
}

// Sources are those that sent the most, how many there are, and all that they sent.
type Sources struct {
	All             []SourceCounts
	Distinct, Total uint64
	Partial         bool
}

// counted is the last answer of ListSources, which is good for thrice as long as it took: of
// a hundred million events that is what keeps pages that ask again and again from taking
// more than a quarter of the time.
type counted struct {
	mu        sync.Mutex
	stretches int
	until     time.Time
	answer    *pb.SourcesResponse
}

const goodFor = 3

func (c *counted) get(stretches int) *pb.SourcesResponse {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answer == nil || c.stretches != stretches || time.Now().After(c.until) {
		return nil
	}
	return c.answer
}

func (c *counted) put(stretches int, answer *pb.SourcesResponse, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stretches, c.answer, c.until = stretches, answer, time.Now().Add(goodFor*took)
}

// ListSources is what sends events.
func (s *FacetService) ListSources(ctx context.Context, in *pb.ListSourcesRequest) (*pb.SourcesResponse, error) {
	began, now := time.Now(), schema.MillisOf(s.Now())
	stretches := defaultStretches
	if in.Stretches != nil {
		stretches = int(in.GetStretches())
	}
	if stretches < 1 || stretches > maxStretches {
		return nil, api.BadRequest("stretches", "want 1 to %d, got %d", maxStretches, stretches)
	}
	if answer := s.sources.get(stretches); answer != nil {
		return answer, nil
	}
	q := SourcesQuestion{
		Known: now - schema.Millis(knownPast.Milliseconds()), Hour: now - schema.Millis(time.Hour.Milliseconds()),
		Width: countedPast.Milliseconds() / int64(stretches), Stretches: stretches, Limit: maxSources,
	}
	q.Start = now - schema.Millis(q.Width*int64(stretches)) + 1 // what arrived just now is in the last stretch
	var err error
	if q.Unread, err = search.Parse(unreadSearch); err != nil {
		return nil, err
	}
	if q.Failed, err = search.Parse(failedSearch); err != nil {
		return nil, err
	}
	found, err := s.Store.Sources(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &pb.SourcesResponse{Distinct: int64(found.Distinct), Total: int64(found.Total), Partial: found.Partial, End: int64(now) + 1, ElapsedMs: time.Since(began).Milliseconds()}
	for i := range stretches {
		out.Starts = append(out.Starts, int64(q.Start)+q.Width*int64(i))
	}
	for i := range found.All {
		out.Sources = append(out.Sources, sourceToProto(&found.All[i]))
	}
	s.sources.put(stretches, out, time.Since(began))
	return out, nil
}

func sourceToProto(c *SourceCounts) *pb.Source {
	query := "-source:*"
	if c.Source != "" {
		query = "source:" + search.ValueText(c.Source)
	}
	out := &pb.Source{
		Source: c.Source, Events: int64(c.Events), Hour: int64(c.Hour), Unread: int64(c.Unread), Failed: int64(c.Failed),
		Arrived: int64(c.Arrived), Happened: int64(c.Happened), EventId: schema.EventID(c.Happened, c.Seq),
		Query: query, UnreadQuery: strings.Join([]string{query, unreadSearch}, " "), FailedQuery: strings.Join([]string{query, failedSearch}, " "),
	}
	for _, n := range c.Counts {
		out.Counts = append(out.Counts, int64(n))
	}
	if c.Lags != nil {
		out.LagP50Ms, out.LagP95Ms = new(int64(c.Lags[0])), new(int64(c.Lags[1]))
	}
	return out
}
