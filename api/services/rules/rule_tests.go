package rules

import (
	"context"
	"fmt"
	"slices"

	"nightjar/api"
	"nightjar/api/ruledoc"
	pb "nightjar/api/v1"
	"nightjar/compiler"
	"nightjar/schema"
)

// TestRule asks which events the queries of a rule let through.
func (s *RuleService) TestRule(_ context.Context, in *pb.TestRuleRequest) (*pb.TestRuleResponse, error) {
	rule, err := ruledoc.Requested(in.GetRule())
	if err != nil {
		return nil, err
	}
	return s.try(rule, in.GetRuleQueryPayloads())
}

// TestStoredRule asks the same of a stored rule.
func (s *RuleService) TestStoredRule(ctx context.Context, in *pb.TestStoredRuleRequest) (*pb.TestRuleResponse, error) {
	rule, err := s.Store.Rule(ctx, in.GetRuleId())
	if err != nil {
		return nil, err
	}
	return s.try(rule, in.GetRuleQueryPayloads())
}

func (s *RuleService) try(rule schema.Rule, payloads []*pb.RuleQueryPayload) (*pb.TestRuleResponse, error) {
	checked := s.Check(rule)
	if err := checked.Uncompiled; err != nil {
		return nil, ruledoc.Explain(err)
	}
	plan := checked.Plan.Bind()
	out := &pb.TestRuleResponse{Results: make([]bool, len(payloads))}
	for i, p := range payloads {
		at := fmt.Sprintf("ruleQueryPayloads[%d]", i)
		if p.GetIndex() < 0 || p.GetIndex() >= int64(len(rule.Queries)) {
			return nil, api.BadRequest(at+".index", "the rule has %d queries, which are counted from 0; got %d", len(rule.Queries), p.GetIndex())
		}
		event, err := s.Event([]byte(p.GetPayloadText()))
		if err != nil {
			return nil, api.BadRequest(at+".payload", "%s", err)
		}
		out.Results[i] = lets(plan, int(p.GetIndex()), &event) == p.GetExpectedResult()
	}
	return out, nil
}

// lets tells whether the query at the index and the rule's filters let the event
// through. The queries of a third-party rule grade what its root queries let
// through.
func lets(plan *compiler.BoundPlan, index int, e *schema.Event) bool {
	if plan.Method != schema.MethodThirdParty {
		return plan.Labels[index].Match(e)
	}
	if index >= len(plan.Grades) {
		return false // a query that no case is paired with
	}
	return plan.Grades[index].Match(e) && slices.ContainsFunc(plan.Labels, func(l compiler.Label) bool { return l.Match(e) })
}
