package operations

import (
	"cmp"
	"context"
	"slices"

	"nightjar/api"
	pb "nightjar/api/v1"
	"nightjar/scheduler"
	"nightjar/schema"
)

// EvaluationLog answers what was evaluated. scheduler.Status implements it.
type EvaluationLog interface {
	// TooLate says why no rule was asked about a stored event; "" where that is not so.
	TooLate(ctx context.Context, at schema.Millis, seq uint64) (string, error)
	// Coverage is about the arrivals of an interval; one that ends at 0 ends now.
	Coverage(ctx context.Context, ruleID string, version int64, in scheduler.Interval) (scheduler.Coverage, error)
	// FinishAside has events evaluated that wait for being asked for, one by its id
	// or all of a rule, and returns how many.
	FinishAside(ruleID, event string) (int, error)
}

// CoverageService serves CoverageService.
type CoverageService struct {
	pb.UnimplementedCoverageServiceServer
	EvaluationLog EvaluationLog
	Rules         ruleVersions
	Agents        Agents
}

// ruleVersions reads all versions of a rule, ascending.
type ruleVersions interface {
	RuleVersions(ctx context.Context, id string) ([]schema.Rule, error)
}

// late says of an event that arrived too late what explaining a rule says: it was
// not evaluated, whatever became of the arrivals around it.
func (s *CoverageService) late(ctx context.Context, event string, found *scheduler.Coverage) error {
	at, seq, err := schema.ParseEventID(event)
	if event == "" || err != nil {
		return nil //nolint:nilerr // it was refused before
	}
	reason, err := s.EvaluationLog.TooLate(ctx, at, seq)
	if err != nil || reason == "" {
		return err
	}
	for i := range found.Stretches {
		if st := &found.Stretches[i]; st.State == scheduler.CoverageEvaluated || st.State == scheduler.CoveragePending {
			st.State, st.Reason = scheduler.CoverageLate, reason
		}
	}
	return nil
}

// FinishAside has what waits evaluated.
func (s *CoverageService) FinishAside(_ context.Context, in *pb.FinishAsideRequest) (*pb.FinishAsideResponse, error) {
	n, err := s.EvaluationLog.FinishAside(in.RuleId, in.Event)
	return &pb.FinishAsideResponse{Events: int64(n)}, err
}

// GetCoverage answers for a rule, and for an event when one is named.
func (s *CoverageService) GetCoverage(ctx context.Context, in *pb.GetCoverageRequest) (*pb.Coverage, error) {
	interval := scheduler.Interval{From: in.After, To: in.Through}
	if in.Event != "" {
		_, seq, err := schema.ParseEventID(in.Event)
		if err != nil || seq == 0 {
			return nil, &api.Error{Message: "event: not the id of an event", Target: "event"}
		}
		interval = scheduler.Interval{From: seq - 1, To: seq}
	}
	found, err := s.EvaluationLog.Coverage(ctx, in.RuleId, in.Version, interval)
	if err == nil {
		err = s.late(ctx, in.Event, &found)
	}
	if err != nil {
		return nil, err
	}
	gaps, err := s.agentGaps(ctx, in.RuleId, found)
	if err != nil {
		return nil, err
	}
	found.Entries = append(found.Entries, gaps...)
	slices.SortStableFunc(found.Entries, func(a, b scheduler.Entry) int { return cmp.Compare(a.At, b.At) })
	out := &pb.Coverage{}
	if q := found.Silence; q != nil {
		out.Silence = &pb.SilenceCoverage{DelaySeconds: q.Delay.Seconds(), Waiting: int64(q.Waiting), Held: q.Held}
		if q.Judged > 0 {
			out.Silence.JudgedThrough = q.Judged.String()
		}
	}
	for _, st := range found.Stretches {
		out.Stretches = append(out.Stretches, &pb.CoverageStretch{
			Version: st.Version, After: st.In.From, Through: st.In.To, State: st.State, Reason: st.Reason,
		})
	}
	for _, e := range found.Entries {
		entry := &pb.CoverageEntry{
			Version: e.RuleVersion, After: e.In.From, Through: e.In.To, State: e.State, Reason: e.Reason,
			Events: e.Events, At: e.At.String(),
		}
		if e.Events > 0 || e.State == scheduler.CoveragePostponed {
			earliest, latest := e.Earliest.String(), e.Latest.String()
			entry.Earliest, entry.Latest = &earliest, &latest
		}
		out.Entries = append(out.Entries, entry)
	}
	return out, nil
}
