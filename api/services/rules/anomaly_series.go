package rules

import (
	"context"
	"time"

	"nightjar/api"
	pb "nightjar/api/v1"
	"nightjar/scheduler/explain"
)

// AnomalyService serves AnomalyService.
type AnomalyService struct {
	pb.UnimplementedAnomalyServiceServer
	Rules Explainer
	Now   func() time.Time
}

// GetSeries is the series of a group with what was expected of it.
func (s *AnomalyService) GetSeries(ctx context.Context, in *pb.GetSeriesRequest) (*pb.AnomalySeries, error) {
	q := explain.SeriesQuestion{RuleID: in.RuleId, Group: in.Group, Query: in.Query}
	var err error
	if q.From, err = api.OptionalMoment("from", in.From, s.Now()); err != nil {
		return nil, err
	}
	if q.To, err = api.OptionalMoment("to", in.To, s.Now()); err != nil {
		return nil, err
	}
	found, err := s.Rules.ExplainSeries(ctx, q)
	if err != nil {
		return nil, err
	}
	return SeriesToProto(found), nil
}

// SeriesToProto is a series as the API has it.
func SeriesToProto(found explain.SeriesAnswer) *pb.AnomalySeries {
	out := &pb.AnomalySeries{
		RuleId: found.RuleID, Query: found.Query, Group: found.Group, BucketDuration: found.Bucket / 1000,
		First: found.First.String(), Ready: found.Ready.String(), Season: found.Season, Truncated: found.Truncated,
	}
	if found.HeldSince != 0 {
		out.HeldSince, out.HeldUntil = found.HeldSince.String(), found.HeldUntil.String()
	}
	for _, p := range found.Points {
		out.Points = append(out.Points, &pb.AnomalyPoint{
			At: p.At.String(), Value: p.Value, Lower: p.Lower, Median: p.Median, Upper: p.Upper, Probability: p.Probability, AtMost: p.AtMost,
		})
	}
	return out
}
