package facets

import (
	"context"
	"testing"
	"time"

	pb "nightjar/api/v1"
	"nightjar/schema"
)

// countedStore answers with one event more each time that it is asked.
type countedStore struct {
	Store
	asked uint64
}

func (s *countedStore) Sources(_ context.Context, q SourcesQuestion) (Sources, error) {
	s.asked++
	return Sources{Total: s.asked, Distinct: 2, All: []SourceCounts{
		{Source: `a "b`, Events: s.asked, Lags: &[2]float64{-1, 7}, Counts: make([]uint64, q.Stretches), Arrived: schema.Millis(5)}, {Counts: make([]uint64, q.Stretches)},
	}}, nil
}

func TestSourcesHaveSearchesForTheirEvents(t *testing.T) {
	s := &FacetService{Store: &countedStore{}, Now: func() time.Time { return time.UnixMilli(100 * 86_400_000) }}
	got, err := s.ListSources(t.Context(), &pb.ListSourcesRequest{Stretches: new(int32(24))})
	if err != nil {
		t.Fatal(err)
	}
	named, nameless := got.Sources[0], got.Sources[1]
	if named.UnreadQuery != `source:"a \"b" -@nightjar.pipelines:*` || nameless.FailedQuery != "-source:* @nightjar.pipeline_errors:*" {
		t.Errorf("searches: %q, %q", named.UnreadQuery, nameless.FailedQuery)
	}
	if named.GetLagP50Ms() != -1 || named.GetLagP95Ms() != 7 || nameless.LagP50Ms != nil {
		t.Errorf("lags: %v, %v", named, nameless)
	}
	if len(got.Starts) != 24 || got.End-got.Starts[0] != 86_400_000 || got.Starts[1]-got.Starts[0] != 3_600_000 {
		t.Errorf("stretches from %v to %d", got.Starts, got.End)
	}
}

func TestWhatTookLongToCountIsGoodForLong(t *testing.T) {
	store := &countedStore{}
	s := &FacetService{Store: store, Now: time.Now}
	s.sources.put(48, &pb.SourcesResponse{Total: 100}, time.Hour)
	ask := func(stretches int32) int64 {
		t.Helper()
		got, err := s.ListSources(t.Context(), &pb.ListSourcesRequest{Stretches: &stretches})
		if err != nil {
			t.Fatal(err)
		}
		return got.Total
	}
	if a, b := ask(48), ask(24); a != 100 || b != 1 {
		t.Errorf("got %d and %d, want what is still good, and for other stretches a new count", a, b)
	}
	s.sources.put(48, &pb.SourcesResponse{Total: 100}, -time.Hour)
	if got := ask(48); got != 2 {
		t.Errorf("got %d of what is good no longer", got)
	}
}
