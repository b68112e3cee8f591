package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

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

// exportedRule is the document that a rule is created from: without what the
// server says, so that it is the same text after it was applied.
func exportedRule(r schema.Rule) ([]byte, error) {
	m, err := ruleToProto(r)
	if err != nil {
		return nil, err
	}
	clearServerFields(m)
	text, err := encode(m)
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&fields); err != nil {
		return nil, fmt.Errorf("export rule %s: %w", r.ID, err)
	}
	DropServerFields(fields)
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(fields); err != nil {
		return nil, fmt.Errorf("export rule %s: %w", r.ID, err)
	}
	return out.Bytes(), nil
}

// DropServerFields leaves of a rule, as REST shows it, what its author said.
func DropServerFields(rule map[string]any) {
	for _, name := range serverFields {
		delete(rule, name)
	}
}

// serverFields are the names of a rule's fields that only the server says.
var serverFields = func() (names []string) {
	fields := (&pb.Rule{}).ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		if fields.Get(i).Number() >= firstServerField {
			names = append(names, fields.Get(i).JSONName())
		}
	}
	return names
}()

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
