package api

import (
	"context"
	"errors"

	pb "nightjar/api/v1"
	"nightjar/schema"
)

// DeleteRules deletes what it can.
func (s *rules) DeleteRules(ctx context.Context, in *pb.RulesRequest) (*pb.DeleteRulesResponse, error) {
	ids, err := selectedRules(in)
	if err != nil {
		return nil, err
	}
	done := &pb.DeleteRulesResultAttributes{}
	for _, id := range ids {
		var missing *schema.NotFound
		switch err := s.store.DeleteRule(ctx, id); {
		case err == nil:
			done.DeletedRules = append(done.DeletedRules, id)
		case errors.As(err, &missing):
			done.FailedRules = append(done.FailedRules, id)
		default:
			return nil, err
		}
	}
	return &pb.DeleteRulesResponse{Data: &pb.DeleteRulesResult{
		Id: in.GetData().GetId(), Type: "bulk_delete_response", Attributes: done,
	}}, nil
}

// ExportRules packs rules as JSON.
func (s *rules) ExportRules(ctx context.Context, in *pb.RulesRequest) (*pb.File, error) {
	return s.pack(ctx, in, ".json", exportedRule)
}

// ConvertRules packs rules as Terraform.
func (s *rules) ConvertRules(ctx context.Context, in *pb.RulesRequest) (*pb.File, error) {
	return s.pack(ctx, in, ".tf", func(r schema.Rule) ([]byte, error) { return []byte(terraformRule(&r)), nil })
}

func (s *rules) pack(ctx context.Context, in *pb.RulesRequest, suffix string, text func(schema.Rule) ([]byte, error)) (*pb.File, error) {
	ids, err := selectedRules(in)
	if err != nil {
		return nil, err
	}
	a := newArchive()
	for _, id := range ids {
		rule, err := s.store.Rule(ctx, id)
		if err != nil {
			return nil, err
		}
		content, err := text(rule)
		if err != nil {
			return nil, err
		}
		if err := a.add(rule.Name, id, suffix, content); err != nil {
			return nil, err
		}
	}
	return a.file("rules.zip")
}

func selectedRules(in *pb.RulesRequest) ([]string, error) {
	ids := in.GetData().GetAttributes().GetRuleIds()
	if len(ids) == 0 {
		return nil, badRequest("data.attributes.ruleIds", "name at least one rule")
	}
	return ids, nil
}

// ConvertRule writes a rule as Terraform.
func (s *rules) ConvertRule(_ context.Context, in *pb.ConvertRuleRequest) (*pb.ConvertedRule, error) {
	rule, err := requestedRule(in.GetRule())
	if err != nil {
		return nil, err
	}
	if _, err := s.examine(rule); err != nil {
		return nil, ruleProblem(err)
	}
	return &pb.ConvertedRule{TerraformContent: terraformRule(&rule)}, nil
}

// ConvertStoredRule writes a stored rule as Terraform.
func (s *rules) ConvertStoredRule(ctx context.Context, in *pb.ConvertStoredRuleRequest) (*pb.ConvertedRule, error) {
	rule, err := s.store.Rule(ctx, in.GetRuleId())
	if err != nil {
		return nil, err
	}
	return &pb.ConvertedRule{RuleId: &rule.ID, TerraformContent: terraformRule(&rule)}, nil
}
