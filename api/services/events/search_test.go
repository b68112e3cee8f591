package events

import (
	"math"
	"testing"
	"time"

	pb "nightjar/api/v1"
)

// TestATimeLimitHasNoMost: where it is more than a search may take, the search takes that.
func TestATimeLimitHasNoMost(t *testing.T) {
	s := &SearchService{Now: time.Now}
	for _, ms := range []int64{1, math.MaxInt64 / 1_000_000, math.MaxInt64/1_000_000 + 1, math.MaxInt64} {
		asked, err := s.search(&pb.SearchLogsRequest{Page: &pb.LogPage{TimeLimitMs: &ms}})
		if err != nil || asked.Within < time.Millisecond || ms > 1 && asked.Within < 100*365*24*time.Hour {
			t.Errorf("%d ms: %s, %v", ms, asked.Within, err)
		}
	}
	if _, err := s.search(&pb.SearchLogsRequest{Page: &pb.LogPage{TimeLimitMs: new(int64(-1))}}); err == nil {
		t.Error("less than no time is taken")
	}
}
