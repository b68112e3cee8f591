package rules

import (
	"context"
	"errors"

	"nightjar/api"
	"nightjar/api/ruledoc"
	"nightjar/api/terraform"
	pb "nightjar/api/v1"
	"nightjar/schema"
)

// DeleteRules deletes what it can.
func (s *RuleService) DeleteRules(ctx context.Context, in *pb.RulesRequest) (*pb.DeleteRulesResponse, error) {
	ids, err := selectedRules(in)
	if err != nil {
		return nil, err
	}
	done := &pb.DeleteRulesResultAttributes{}
	for _, id := range ids {
		var missing *schema.NotFoundError
		switch err := s.Store.DeleteRule(ctx, id); {
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
func (s *RuleService) ExportRules(ctx context.Context, in *pb.RulesRequest) (*pb.File, error) {
	return s.pack(ctx, in, ".json", ruledoc.Export)
}

// ConvertRules packs rules as Terraform.
func (s *RuleService) ConvertRules(ctx context.Context, in *pb.RulesRequest) (*pb.File, error) {
	return s.pack(ctx, in, ".tf", func(r schema.Rule) ([]byte, error) { return []byte(terraform.RuleText(&r)), nil })
}

func (s *RuleService) pack(ctx context.Context, in *pb.RulesRequest, suffix string, text func(schema.Rule) ([]byte, error)) (*pb.File, error) {
	ids, err := selectedRules(in)
	if err != nil {
		return nil, err
	}
	a := newArchive()
	for _, id := range ids {
		rule, err := s.Store.Rule(ctx, id)
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
		return nil, api.BadRequest("data.attributes.ruleIds", "name at least one rule")
	}
	return ids, nil
}

// ConvertRule writes a rule as Terraform.
func (s *RuleService) ConvertRule(_ context.Context, in *pb.ConvertRuleRequest) (*pb.ConvertedRule, error) {
	rule, err := ruledoc.Requested(in.GetRule())
	if err != nil {
		return nil, err
	}
	checked := s.Check(rule)
	if err := checked.Err(); err != nil {
		return nil, ruledoc.Explain(err)
	}
	return &pb.ConvertedRule{TerraformContent: terraform.RuleText(&rule)}, nil
}

// ConvertStoredRule writes a stored rule as Terraform.
func (s *RuleService) ConvertStoredRule(ctx context.Context, in *pb.ConvertStoredRuleRequest) (*pb.ConvertedRule, error) {
	rule, err := s.Store.Rule(ctx, in.GetRuleId())
	if err != nil {
		return nil, err
	}
	return &pb.ConvertedRule{RuleId: &rule.ID, TerraformContent: terraform.RuleText(&rule)}, nil
}
