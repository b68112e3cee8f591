package rules

import (
	"context"

	"nightjar/api"
	pb "nightjar/api/v1"
	"nightjar/scheduler"
	"nightjar/schema"
)

// maxPreviewed is how many signals a preview lists; it counts all.
const maxPreviewed = 1000

// PreviewSuppression says what a suppression would have hidden.
func (s *SuppressionService) PreviewSuppression(ctx context.Context, in *pb.PreviewSuppressionRequest) (*pb.PreviewSuppressionResponse, error) {
	p, err := s.previewed(ctx, in)
	if err != nil {
		return nil, err
	}
	from, to := in.GetFrom(), in.GetTo()
	if from == "" {
		from = "now-90d"
	}
	if to == "" {
		to = "now"
	}
	start, end, err := api.Span(from, to, s.Now())
	if err != nil {
		return nil, err
	}
	preview, err := s.Previews.Preview(ctx, p, scheduler.TimeSpan{From: start, To: end})
	if err != nil {
		return nil, suppressionProblem(err)
	}
	out := &pb.PreviewSuppressionResponse{
		Total: int64(len(preview.Signals)), BySeverity: map[string]int64{}, Truncated: len(preview.Signals) > maxPreviewed, Warnings: preview.Warnings,
	}
	for _, r := range preview.Rules {
		out.Rules = append(out.Rules, &pb.SuppressionPreviewRule{
			Id: r.ID, Name: r.Name, Deleted: r.Deleted, Withheld: int64(r.Withheld), Gone: int64(r.Gone), FewerEvents: int64(r.Fewer),
		})
	}
	for i := range preview.Signals {
		h := &preview.Signals[i]
		out.BySeverity[h.Severity]++
		if i >= maxPreviewed {
			continue
		}
		out.Signals = append(out.Signals, &pb.SuppressionPreviewSignal{
			Id: h.ID, RuleId: h.RuleID, RuleName: h.RuleName, Group: h.Group, FirstSeen: int64(h.FirstSeen), Severity: h.Severity,
			State: h.State, ArchiveReason: h.Reason, Assignee: h.Assignee, Effect: string(h.Effect), Events: int64(h.Events), EventsLeft: int64(h.Left),
		})
	}
	return out, nil
}

// previewed is the suppression that the request names or has.
func (s *SuppressionService) previewed(ctx context.Context, in *pb.PreviewSuppressionRequest) (schema.Suppression, error) {
	id := in.GetSuppressionId()
	switch {
	case id != "" && in.GetData() != nil:
		return schema.Suppression{}, api.BadRequest("data", "want one of data and suppression_id, got both")
	case id != "":
		return s.Store.Suppression(ctx, id)
	}
	return requestedSuppression(&pb.CreateSuppressionRequest{Data: in.GetData()})
}
