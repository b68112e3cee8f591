package rules

import (
	"context"
	"time"

	"nightjar/api"
	pb "nightjar/api/v1"
	"nightjar/compiler"
	"nightjar/compiler/search"
	"nightjar/scheduler/explain"
)

// Explainer tells why a rule made a signal, or none. scheduler.Explainer
// implements it.
type Explainer interface {
	Explain(context.Context, explain.Question) (explain.Explanation, error)
	ExplainSeries(context.Context, explain.SeriesQuestion) (explain.SeriesAnswer, error)
}

// ExplainService serves ExplainService.
type ExplainService struct {
	pb.UnimplementedExplainServiceServer
	Rules Explainer
	Now   func() time.Time
}

// ExplainRule answers about an event, or about a group at a moment.
func (s *ExplainService) ExplainRule(ctx context.Context, in *pb.ExplainRuleRequest) (*pb.RuleExplanation, error) {
	q := explain.Question{RuleID: in.RuleId, Event: in.Event, Group: in.Group}
	var err error
	if q.At, err = api.OptionalMoment("at", in.At, s.Now()); err != nil {
		return nil, err
	}
	found, err := s.Rules.Explain(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &pb.RuleExplanation{RuleId: found.RuleID, Version: found.Version, State: found.State, Why: found.Why}
	out.Queries = QueriesToProto(found.Queries)
	for i := range found.Groups {
		out.Groups = append(out.Groups, GroupToProto(&found.Groups[i]))
	}
	return out, nil
}

func clausesToProto(list []search.Clause) []*pb.Clause {
	var out []*pb.Clause
	for _, c := range list {
		out = append(out, &pb.Clause{Text: c.Text, Matches: c.Matches, Clauses: clausesToProto(c.Clauses)})
	}
	return out
}

// QueriesToProto is what the queries of a rule make of an event, as the API has it.
func QueriesToProto(list []compiler.LabelExplanation) (out []*pb.QueryExplanation) {
	for _, l := range list {
		out = append(out, &pb.QueryExplanation{Name: l.Name, Matches: l.Matches, Why: l.Why, Clauses: clausesToProto(l.Clauses)})
	}
	return out
}

// GroupToProto is how a group stands at a moment, as the API has it.
func GroupToProto(g *explain.Group) *pb.GroupExplanation {
	out := &pb.GroupExplanation{Group: g.Group, At: g.At.String(), Notes: g.Notes}
	for _, v := range g.Values {
		out.Values = append(out.Values, &pb.LabelValue{Name: v.Name, Value: v.Value})
	}
	for _, c := range g.Cases {
		standing := &pb.CaseExplanation{Index: int32(c.Index), Name: c.Name, Status: c.Status, Condition: c.Condition, Written: c.Written, Holds: c.Holds}
		for _, n := range c.Compared {
			standing.Comparisons = append(standing.Comparisons, &pb.Comparison{Query: n.Name, Value: n.Value, Operator: n.Op, Number: n.Number, Holds: n.Holds})
		}
		out.Cases = append(out.Cases, standing)
	}
	for _, st := range g.Steps {
		step := &pb.StepExplanation{Name: st.Name, Condition: st.Condition, Holds: st.Holds, WindowMs: int64(st.Window), WithinMs: int64(st.Within)}
		for _, n := range st.Compared {
			step.Comparisons = append(step.Comparisons, &pb.StepComparison{Query: n.Name, Value: n.Value, Operator: n.Op, Number: n.Number, Holds: n.Holds, Most: n.Most})
		}
		if st.Reached != nil {
			reached := st.Reached.String()
			step.Reached = &reached
		}
		out.Steps = append(out.Steps, step)
	}
	for i := range g.Signals {
		sig := &g.Signals[i]
		state, reason := sig.Standing()
		out.Signals = append(out.Signals, &pb.ExplainedSignal{
			Id: sig.ID, Case: int32(sig.Case), FirstSeen: sig.FirstSeen.String(), LastSeen: sig.LastSeen.String(),
			State: state, Reason: reason, Suppression: sig.Suppression,
		})
	}
	return out
}
