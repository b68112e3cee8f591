package rules

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the zones of machines that have none

	"nightjar/api"
	"nightjar/api/limits"
	pb "nightjar/api/v1"
	"nightjar/compiler"
	"nightjar/schema"
)

// Bounds of what is said of suppressions.
const (
	defaultDays = 30
	maxDays     = 366
	maxSelected = 100 // rules that a standing lists; it counts all
)

// ListSuppressionStandings says which rules suppressions are for, and how much they hide.
func (s *SuppressionService) ListSuppressionStandings(ctx context.Context, in *pb.ListSuppressionStandingsRequest) (*pb.SuppressionStandings, error) {
	bounds, loc, err := lastDays(in, s.Now())
	if err != nil {
		return nil, err
	}
	asked, err := s.asked(ctx, in.GetSuppressionId())
	if err != nil {
		return nil, err
	}
	rules, err := s.Rules.Rules(ctx)
	if err != nil {
		return nil, err
	}
	counts, err := s.Hidden.CountHidden(ctx, in.GetSuppressionId(), bounds)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rules, func(a, b schema.Rule) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	days := bounds[:len(bounds)-1]
	out := &pb.SuppressionStandings{End: int64(bounds[len(days)]), Timezone: loc.String()}
	for _, at := range days {
		out.Starts = append(out.Starts, int64(at))
	}
	for i := range asked {
		p := &asked[i]
		standing := standingOf(p, counts[p.ID], len(days))
		standing.CountedSince = int64(s.countedSince(p))
		addSelected(standing, p, rules)
		out.Suppressions = append(out.Suppressions, standing)
	}
	return out, nil
}

// asked are all suppressions, or the one with the id.
func (s *SuppressionService) asked(ctx context.Context, id string) ([]schema.Suppression, error) {
	if id == "" {
		return s.Store.Suppressions(ctx)
	}
	p, err := s.Store.Suppression(ctx, id)
	return []schema.Suppression{p}, err
}

// countedSince is since when all that the suppression hid is still there to be counted.
func (s *SuppressionService) countedSince(p *schema.Suppression) schema.Millis {
	kept := time.Duration(0)
	if s.Kept != nil {
		kept = s.Kept()
	}
	if kept == 0 {
		return p.CreatedAt
	}
	return max(p.CreatedAt, schema.MillisOf(s.Now().Add(-kept)))
}

// lastDays are the midnights at which the last days begin, and the one at which today ends.
func lastDays(in *pb.ListSuppressionStandingsRequest, now time.Time) ([]schema.Millis, *time.Location, error) {
	days := defaultDays
	if in.Days != nil {
		days = int(in.GetDays())
	}
	if days < 1 || days > maxDays {
		return nil, nil, api.BadRequest("days", "want 1 to %d, got %d", maxDays, days)
	}
	loc, err := time.LoadLocation(cmp.Or(in.GetTimezone(), "UTC"))
	if err != nil || in.GetTimezone() == "Local" {
		return nil, nil, api.BadRequest("timezone", "want a name such as Europe/Berlin or UTC, got %q", api.Shorten(in.GetTimezone()))
	}
	today := now.In(loc)
	bounds := make([]schema.Millis, days+1)
	for i := range bounds {
		bounds[i] = schema.MillisOf(time.Date(today.Year(), today.Month(), today.Day()+i-days+1, 0, 0, 0, 0, loc))
	}
	return bounds, loc, nil
}

func standingOf(p *schema.Suppression, c HiddenCount, days int) *pb.SuppressionStanding {
	out := &pb.SuppressionStanding{
		Id: p.ID, CreatedBy: p.CreatedBy, UpdatedBy: p.UpdatedBy, Hidden: int64(c.Total),
		FirstHidden: int64(c.First), LastHidden: int64(c.Last), PerDay: make([]int64, days),
	}
	for i, n := range c.PerStretch {
		out.PerDay[i] = int64(n)
	}
	return out
}

// addSelected adds the rules that the suppression selects, of those that there are. One
// that does not compile selects none.
func addSelected(out *pb.SuppressionStanding, p *schema.Suppression, rules []schema.Rule) {
	compiled, err := compiler.CompileSuppression(*p)
	if err != nil {
		return
	}
	for i := range rules {
		r := &rules[i]
		if !compiled.Selects(r) {
			continue
		}
		if out.RulesTotal++; out.RulesTotal <= maxSelected {
			out.Rules = append(out.Rules, &pb.SelectedRule{Id: r.ID, Name: r.Name, Enabled: r.IsEnabled})
		}
	}
}

// Hidden reads what suppressions withhold. api/clickhouse implements it.
type Hidden interface {
	// CountHidden counts the signals that suppressions withhold, by the suppression's id: in
	// all, and in each stretch between two bounds, which ascend. With an id, of that alone.
	CountHidden(ctx context.Context, id string, bounds []schema.Millis) (map[string]HiddenCount, error)
}

// HiddenCount is how many signals a suppression withholds.
type HiddenCount struct {
	Total      uint64
	PerStretch []uint64
	// First is when the first of them was first seen, Last when any was last seen.
	First, Last schema.Millis
}

// LimitHidden has the queries of store pass the gate.
func LimitHidden(store Hidden, gate *limits.Gate) Hidden { return gatedHidden{store, gate} }

type gatedHidden struct {
	Hidden
	gate *limits.Gate
}

func (h gatedHidden) CountHidden(ctx context.Context, id string, bounds []schema.Millis) (map[string]HiddenCount, error) {
	return limits.Through(ctx, h.gate, func() (map[string]HiddenCount, error) { return h.Hidden.CountHidden(ctx, id, bounds) })
}
