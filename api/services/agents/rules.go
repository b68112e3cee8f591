package agents

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/types/known/emptypb"

	"nightjar/api"
	"nightjar/api/access"
	"nightjar/api/codec"
	pb "nightjar/api/v1"
	"nightjar/configuration"
	"nightjar/objects"
	"nightjar/schema"
	"nightjar/secl"
)

// AgentRuleService serves AgentRuleService: one store in two forms.
type AgentRuleService struct {
	pb.UnimplementedAgentRuleServiceServer
	Store    *objects.Store[configuration.AgentRule]
	Policies *objects.Store[configuration.AgentPolicy]
	// Mistakes are all that is wrong with an expression, in the order of their places.
	Mistakes func(expression string) []*secl.Error
}

// CheckAgentExpression says what is wrong with an expression.
func (s *AgentRuleService) CheckAgentExpression(_ context.Context, in *pb.CheckAgentExpressionRequest) (*pb.CheckAgentExpressionResponse, error) {
	out := &pb.CheckAgentExpressionResponse{}
	for _, m := range s.Mistakes(in.GetExpression()) {
		out.Mistakes = append(out.Mistakes, &pb.ExpressionMistake{Line: int64(m.Line), Column: int64(m.Column), Message: m.Message, Hint: m.Hint})
	}
	out.Valid = len(out.Mistakes) == 0
	return out, nil
}

type versionedAgentRule = objects.Versioned[configuration.AgentRule]

// CreateAgentRule stores a rule.
func (s *AgentRuleService) CreateAgentRule(ctx context.Context, in *pb.CreateAgentRuleRequest) (*pb.AgentRuleResponse, error) {
	return agentRuleAnswer(s.create(ctx, in))
}

// CreateLegacyAgentRule stores a rule.
func (s *AgentRuleService) CreateLegacyAgentRule(ctx context.Context, in *pb.CreateAgentRuleRequest) (*pb.LegacyAgentRuleResponse, error) {
	return legacyAgentRuleAnswer(s.create(ctx, in))
}

func (s *AgentRuleService) create(ctx context.Context, in *pb.CreateAgentRuleRequest) (v versionedAgentRule, err error) {
	attributes := in.GetData().GetAttributes()
	if attributes == nil {
		return v, api.BadRequest(api.AttributesPath, "missing")
	}
	body := configuration.AgentRule{Enabled: true}
	if err := s.read(ctx, attributes, &body); err != nil {
		return v, err
	}
	if err := mayAct(ctx, body.Actions); err != nil {
		return v, err
	}
	return s.Store.Create(ctx, body)
}

// mayAct refuses a caller who may not have an agent do to a host what a rule says: a rule
// that kills, or that holds up packets, is made, changed and deleted by responders.
func mayAct(ctx context.Context, actions ...[]configuration.AgentAction) error {
	needs := func(used bool, p access.Permission) error {
		if !used {
			return nil
		}
		return access.Of(ctx).Check(p)
	}
	for _, a := range slices.Concat(actions...) {
		if err := cmp.Or(needs(a.Kill != nil, access.KillProcesses), needs(a.NetworkFilter != nil, access.IsolateHosts)); err != nil {
			return err
		}
	}
	return nil
}

// read makes body what the attributes say. A policy that is named alone watches
// with the rule.
func (s *AgentRuleService) read(ctx context.Context, attributes *pb.AgentRuleAttributes, body *configuration.AgentRule) error {
	if _, err := configuration.ParseActions(attributes.GetActionsText()); err != nil {
		return err
	}
	if err := codec.FromMessage(attributes, body); err != nil {
		return err
	}
	inPolicies := slices.Concat(body.Blocking, body.Monitoring, body.Disabled)
	if id := attributes.GetPolicyId(); id != "" && !slices.Contains(inPolicies, id) {
		body.Monitoring = append(body.Monitoring, id)
		inPolicies = append(inPolicies, id)
	}
	for _, id := range inPolicies {
		if _, err := s.Policies.Get(ctx, id); err != nil {
			return &schema.InvalidError{Details: []schema.Detail{{Target: "policy_id", Message: err.Error()}}}
		}
	}
	return nil
}

// ListAgentRules reads the rules, of one policy if it is named.
func (s *AgentRuleService) ListAgentRules(ctx context.Context, in *pb.ListAgentRulesRequest) (*pb.AgentRulesResponse, error) {
	all, err := s.list(ctx, in)
	if err != nil {
		return nil, err
	}
	out := &pb.AgentRulesResponse{}
	for _, v := range all {
		shown, err := agentRuleAnswer(v, nil)
		if err != nil {
			return nil, err
		}
		out.Data = append(out.Data, shown.Data)
	}
	return out, nil
}

// ListLegacyAgentRules reads the rules.
func (s *AgentRuleService) ListLegacyAgentRules(ctx context.Context, in *pb.ListAgentRulesRequest) (*pb.LegacyAgentRulesResponse, error) {
	all, err := s.list(ctx, in)
	if err != nil {
		return nil, err
	}
	out := &pb.LegacyAgentRulesResponse{}
	for _, v := range all {
		shown, err := legacyAgentRuleAnswer(v, nil)
		if err != nil {
			return nil, err
		}
		out.Data = append(out.Data, shown.Data)
	}
	return out, nil
}

func (s *AgentRuleService) list(ctx context.Context, in *pb.ListAgentRulesRequest) ([]versionedAgentRule, error) {
	all, err := s.Store.List(ctx)
	if id := in.GetPolicyId(); id != "" {
		all = slices.DeleteFunc(all, func(v versionedAgentRule) bool { return !v.Body.In(id) })
	}
	return all, err
}

// GetAgentRule reads a rule.
func (s *AgentRuleService) GetAgentRule(ctx context.Context, in *pb.GetAgentRuleRequest) (*pb.AgentRuleResponse, error) {
	v, err := s.Store.Get(ctx, in.GetAgentRuleId())
	return agentRuleAnswer(v, failedTo("get rule", err))
}

// GetLegacyAgentRule reads a rule.
func (s *AgentRuleService) GetLegacyAgentRule(ctx context.Context, in *pb.GetAgentRuleRequest) (*pb.LegacyAgentRuleResponse, error) {
	return legacyAgentRuleAnswer(s.Store.Get(ctx, in.GetAgentRuleId()))
}

// UpdateAgentRule changes a rule.
func (s *AgentRuleService) UpdateAgentRule(ctx context.Context, in *pb.UpdateAgentRuleRequest) (*pb.AgentRuleResponse, error) {
	v, err := s.update(ctx, in)
	return agentRuleAnswer(v, failedTo("update rule", err))
}

// UpdateLegacyAgentRule changes a rule.
func (s *AgentRuleService) UpdateLegacyAgentRule(ctx context.Context, in *pb.UpdateAgentRuleRequest) (*pb.LegacyAgentRuleResponse, error) {
	if _, err := s.Store.Get(ctx, in.GetAgentRuleId()); err != nil {
		return nil, err // before the id in the body is compared
	}
	return legacyAgentRuleAnswer(s.update(ctx, in))
}

func (s *AgentRuleService) update(ctx context.Context, in *pb.UpdateAgentRuleRequest) (v versionedAgentRule, err error) {
	attributes := in.GetData().GetAttributes()
	switch {
	case attributes == nil:
		return v, api.BadRequest(api.AttributesPath, "missing")
	case in.GetData().GetId() != "" && in.GetData().GetId() != in.GetAgentRuleId():
		return v, &api.Error{Message: "failed to update rule: mismatch between path and request body ID", Target: "data.id"}
	}
	now, err := s.Store.Get(ctx, in.GetAgentRuleId())
	if err != nil {
		return v, err
	}
	return s.Store.Update(ctx, in.GetAgentRuleId(), 0, func(body *configuration.AgentRule) error {
		before, was := slices.Clone(body.Actions), *body
		if err := s.read(ctx, attributes, &configuration.AgentRule{}); err != nil { // for its mistakes
			return err
		}
		if err := codec.Patch(ctx, body, attributes, api.AttributesPath, in.GetUpdateMask().GetPaths()); err != nil {
			return err
		}
		if id := attributes.GetPolicyId(); id != "" && !body.In(id) {
			body.Monitoring = append(body.Monitoring, id)
		}
		if now.BuiltIn {
			if err := onlyAssigned(was, *body); err != nil {
				return err
			}
		}
		return mayAct(ctx, before, body.Actions)
	})
}

// onlyAssigned refuses to change what a built-in rule says: a later version of the product
// may say it better. Whether it is enabled, and in which policies, is changed.
func onlyAssigned(before, after configuration.AgentRule) error {
	after.Enabled, after.Blocking, after.Monitoring, after.Disabled = before.Enabled, before.Blocking, before.Monitoring, before.Disabled
	if len(before.ProductTags)+len(after.ProductTags) == 0 { // no tags, however that is said
		after.ProductTags = before.ProductTags
	}
	one, err := json.Marshal(before)
	other, otherErr := json.Marshal(after)
	if err = errors.Join(err, otherErr); err != nil {
		return err
	}
	if !bytes.Equal(one, other) {
		return &schema.InvalidError{Details: []schema.Detail{{Target: "id", Message: "of a built-in agent rule only enabled, blocking, monitoring and disabled can be changed: disable it, and create one of your own"}}}
	}
	return nil
}

// DeleteAgentRule deletes a rule.
func (s *AgentRuleService) DeleteAgentRule(ctx context.Context, in *pb.DeleteAgentRuleRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, failedTo("delete rule", s.remove(ctx, in.GetAgentRuleId()))
}

// DeleteLegacyAgentRule deletes a rule.
func (s *AgentRuleService) DeleteLegacyAgentRule(ctx context.Context, in *pb.DeleteAgentRuleRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, s.remove(ctx, in.GetAgentRuleId())
}

func (s *AgentRuleService) remove(ctx context.Context, id string) error {
	v, err := s.Store.Get(ctx, id)
	if err == nil {
		err = mayAct(ctx, v.Body.Actions)
	}
	if err != nil {
		return err
	}
	return s.Store.Delete(ctx, id)
}

// failedTo says of what is not there only what could not be done with it, as the
// reference's newer endpoints for agents do.
func failedTo(what string, err error) error { return api.NotFoundAs(err, "failed to "+what) }

func agentRuleAnswer(v versionedAgentRule, err error) (*pb.AgentRuleResponse, error) {
	if err != nil {
		return nil, err
	}
	a := &pb.AgentRuleAttributes{}
	if err := codec.ToMessage(v.Body, a); err != nil {
		return nil, err
	}
	a.Filters, a.Category, a.DefaultRule = v.Body.Filters(), v.Body.Category(), v.BuiltIn
	a.CreationDate, a.Creator = int64(v.CreatedAt), api.TheAuthor()
	a.UpdateDate, a.Updater = int64(v.UpdatedAt), api.TheAuthor()
	return &pb.AgentRuleResponse{Data: &pb.AgentRule{Id: v.ID, Type: "agent_rule", Attributes: a}}, nil
}

func legacyAgentRuleAnswer(v versionedAgentRule, err error) (*pb.LegacyAgentRuleResponse, error) {
	if err != nil {
		return nil, err
	}
	actions := []byte("[]")
	if len(v.Body.Actions) > 0 {
		if actions, err = json.Marshal(v.Body.Actions); err != nil {
			return nil, fmt.Errorf("show agent rule %s: %w", v.ID, err)
		}
	}
	a := &pb.LegacyAgentRuleAttributes{
		Name: v.Body.Name, Description: v.Body.Description, Expression: v.Body.Expression, Enabled: v.Body.Enabled,
		AgentConstraint: v.Body.AgentVersion, ActionsText: string(actions), Version: v.Version,
		Filters: v.Body.Filters(), Category: v.Body.Category(), DefaultRule: v.BuiltIn,
		CreationDate: int64(v.CreatedAt), Creator: api.TheAuthor(), CreationAuthorUuid: api.Author.UUID,
		UpdateDate: int64(v.UpdatedAt), Updater: api.TheAuthor(), UpdateAuthorUuid: api.Author.UUID,
	}
	return &pb.LegacyAgentRuleResponse{Data: &pb.LegacyAgentRule{Id: v.ID, Type: "agent_rule", Attributes: a}}, nil
}
