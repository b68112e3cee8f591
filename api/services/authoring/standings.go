package authoring

import (
	"context"
	"sync"
	"time"

	pb "nightjar/api/v1"
	"nightjar/scheduler"
	"nightjar/schema"
)

// The days that signals are counted in, and how long a count is good for.
const (
	countedDays = 30
	day         = 24 * time.Hour
	goodFor     = 10 * time.Second
)

// counted is the last count of signals, for all who ask.
type counted struct {
	mu   sync.Mutex // held while signals are counted: who asks meanwhile waits for the count
	at   time.Time
	days []schema.Millis
	of   map[string]RuleSignals
}

// ListRuleStandings says how all rules do.
func (s *RuleAuthoringService) ListRuleStandings(ctx context.Context, _ *pb.ListRuleStandingsRequest) (*pb.ListRuleStandingsResponse, error) {
	all, err := s.Rules.Rules(ctx)
	if err != nil {
		return nil, err
	}
	days, signals, at, err := s.signals(ctx)
	if err != nil {
		return nil, err
	}
	costs := map[string]scheduler.RuleCost{}
	for _, c := range s.Costs() {
		costs[c.RuleID] = c
	}
	out := &pb.ListRuleStandingsResponse{Counted: int64(schema.MillisOf(at))}
	for _, d := range days {
		out.Days = append(out.Days, int64(d))
	}
	for i := range all {
		cost, enabled := costs[all[i].ID]
		one := standingOf(&all[i], cost, enabled)
		one.ByDay = make([]uint64, len(days))
		if n, ok := signals[all[i].ID]; ok {
			one.Signals, one.ByDay = n.All, n.ByDay
		}
		if s.Reach != nil && all[i].IsEnabled {
			one.InVain = s.Reach.InVain(&all[i])
		}
		out.Rules = append(out.Rules, one)
	}
	return out, nil
}

func standingOf(r *schema.Rule, c scheduler.RuleCost, known bool) *pb.RuleStanding {
	out := &pb.RuleStanding{RuleId: r.ID, State: "running"}
	switch {
	case !r.IsEnabled:
		out.State = "disabled"
		return out
	case !known:
		return out // it was made a moment ago
	case c.Unsupported != "":
		out.State, out.Reason = "unsupported", c.Unsupported
	case c.Failing != "":
		out.State, out.Reason = "failing", c.Failing
	}
	out.Behind, out.Alone = c.Behind, c.WhyAlone()
	if c.CPUKnown {
		out.MicrosecondsPerEvent = new(float64(c.CPU.Nanoseconds()) / 1000)
	}
	return out
}

// signals are how many there are of each rule. They are counted at most once in 10 s,
// however many ask.
func (s *RuleAuthoringService) signals(ctx context.Context) ([]schema.Millis, map[string]RuleSignals, time.Time, error) {
	c := &s.counted
	c.mu.Lock()
	defer c.mu.Unlock()
	now := s.Now()
	if c.of != nil && now.Sub(c.at) < goodFor && !now.Before(c.at) {
		return c.days, c.of, c.at, nil
	}
	days := daysUntil(now)
	of, err := s.Counts.SignalsOfRules(ctx, days)
	if err != nil {
		return nil, nil, now, err
	}
	c.at, c.days, c.of = now, days, of
	return days, of, now, nil
}

// daysUntil are the beginnings of the last days, UTC, the present one too.
func daysUntil(now time.Time) []schema.Millis {
	today := now.UTC().Truncate(day)
	out := make([]schema.Millis, countedDays)
	for i := range out {
		out[i] = schema.MillisOf(today.Add(-time.Duration(countedDays-1-i) * day))
	}
	return out
}
