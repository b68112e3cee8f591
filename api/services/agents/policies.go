package agents

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"google.golang.org/protobuf/types/known/emptypb"

	"nightjar/agent/control"
	"nightjar/api"
	"nightjar/api/access"
	"nightjar/api/codec"
	pb "nightjar/api/v1"
	"nightjar/configuration"
	"nightjar/objects"
	"nightjar/schema"
)

// AgentPolicyService serves AgentPolicyService.
type AgentPolicyService struct {
	pb.UnimplementedAgentPolicyServiceServer
	Store *objects.Store[configuration.AgentPolicy]
	Rules *objects.Store[configuration.AgentRule]
	// Defaults are the built-in rules as agents read them.
	Defaults *control.Defaults
}

// CreateAgentPolicy stores a policy.
func (s *AgentPolicyService) CreateAgentPolicy(ctx context.Context, in *pb.CreateAgentPolicyRequest) (*pb.AgentPolicyResponse, error) {
	attributes, err := requestedPolicy(ctx, in.GetData().GetAttributes())
	if err != nil {
		return nil, err
	}
	body := configuration.AgentPolicy{Enabled: true}
	if err := codec.FromMessage(attributes, &body); err != nil {
		return nil, err
	}
	if err := mayBlock(ctx, body); err != nil {
		return nil, err
	}
	v, err := s.Store.Create(ctx, body)
	return s.answer(ctx, v, err)
}

// mayBlock refuses a caller who may not have agents kill and deny, as a blocking policy does.
func mayBlock(ctx context.Context, policies ...configuration.AgentPolicy) error {
	if !slices.ContainsFunc(policies, func(p configuration.AgentPolicy) bool { return p.Mode == configuration.BlockingMode }) {
		return nil
	}
	return cmp.Or(access.Of(ctx).Check(access.KillProcesses), access.Of(ctx).Check(access.IsolateHosts))
}

// requestedPolicy reads the older form of the host tags as the newer one.
func requestedPolicy(ctx context.Context, in *pb.AgentPolicyAttributes) (*pb.AgentPolicyAttributes, error) {
	if in == nil {
		return nil, api.BadRequest(api.AttributesPath, "missing")
	}
	lists := [][]string{}
	if in.HostTagsListsText != nil {
		if err := json.Unmarshal([]byte(in.GetHostTagsListsText()), &lists); err != nil {
			return nil, &schema.InvalidError{Details: []schema.Detail{{Target: "hostTagsLists", Message: "want a list of lists of tags: " + err.Error()}}}
		}
	}
	if x := api.ExchangeOf(ctx); x != nil && x.Keys[api.AttributesPath+".hostTags"] && x.Keys[api.AttributesPath+".hostTagsLists"] && len(in.GetHostTags()) == 0 && len(lists) == 0 {
		return nil, bothHostTags()
	}
	if len(in.GetHostTags()) > 0 {
		if len(lists) > 0 {
			return nil, bothHostTags()
		}
		text, err := json.Marshal([][]string{in.GetHostTags()})
		if err != nil {
			return nil, fmt.Errorf("read host tags: %w", err)
		}
		in.HostTags, in.HostTagsListsText = nil, new(string(text))
	}
	return in, nil
}

// bothHostTags refuses a policy that says its hosts in both forms, in the
// recorded words.
func bothHostTags() error {
	return &schema.InvalidError{Details: []schema.Detail{{Target: "tags", Message: "cannot have both the new and the legacy field populated"}}}
}

// ListAgentPolicies reads all policies.
func (s *AgentPolicyService) ListAgentPolicies(ctx context.Context, _ *pb.ListAgentPoliciesRequest) (*pb.AgentPoliciesResponse, error) {
	all, err := s.Store.List(ctx)
	if err != nil {
		return nil, err
	}
	out := &pb.AgentPoliciesResponse{}
	for _, v := range all {
		shown, err := s.answer(ctx, v, nil)
		if err != nil {
			return nil, err
		}
		out.Data = append(out.Data, shown.Data)
	}
	return out, nil
}

// GetAgentPolicy reads a policy.
func (s *AgentPolicyService) GetAgentPolicy(ctx context.Context, in *pb.GetAgentPolicyRequest) (*pb.AgentPolicyResponse, error) {
	v, err := s.Store.Get(ctx, in.GetPolicyId())
	return s.answer(ctx, v, failedTo("get policy", err))
}

// UpdateAgentPolicy changes a policy.
func (s *AgentPolicyService) UpdateAgentPolicy(ctx context.Context, in *pb.UpdateAgentPolicyRequest) (*pb.AgentPolicyResponse, error) {
	attributes, err := requestedPolicy(ctx, in.GetData().GetAttributes())
	if err != nil {
		return nil, err
	}
	if id := in.GetData().GetId(); id != "" && id != in.GetPolicyId() {
		return nil, &api.Error{Message: "failed to update policy: mismatch between path and request body ID", Target: "data.id"}
	}
	if x := api.ExchangeOf(ctx); x != nil && x.Keys[api.AttributesPath+".hostTags"] {
		x.Keys[api.AttributesPath+".hostTagsLists"] = true // as requestedPolicy has it
	}
	v, err := s.Store.Update(ctx, in.GetPolicyId(), 0, func(body *configuration.AgentPolicy) error {
		before := *body
		if err := codec.Patch(ctx, body, attributes, api.AttributesPath, in.GetUpdateMask().GetPaths()); err != nil {
			return err
		}
		return mayBlock(ctx, before, *body)
	})
	return s.answer(ctx, v, failedTo("update policy", err))
}

// DeleteAgentPolicy deletes a policy.
func (s *AgentPolicyService) DeleteAgentPolicy(ctx context.Context, in *pb.DeleteAgentPolicyRequest) (*emptypb.Empty, error) {
	v, err := s.Store.Get(ctx, in.GetPolicyId())
	if err == nil {
		err = mayBlock(ctx, v.Body)
	}
	if err == nil {
		err = s.Store.Delete(ctx, in.GetPolicyId())
	}
	return &emptypb.Empty{}, failedTo("delete policy", err)
}

// DownloadAgentPolicies packs what is built in and what was added.
func (s *AgentPolicyService) DownloadAgentPolicies(ctx context.Context, _ *pb.DownloadAgentPoliciesRequest) (*pb.File, error) {
	all, err := s.Rules.List(ctx)
	if err != nil {
		return nil, err
	}
	added := slices.IndexFunc(all, func(v versionedAgentRule) bool { return !v.BuiltIn })
	if added < 0 {
		added = len(all)
	}
	var buffer bytes.Buffer
	files := zip.NewWriter(&buffer)
	for _, f := range []struct {
		name  string
		rules []versionedAgentRule
	}{{"default.policy", all[:added]}, {"custom.policy", all[added:]}} {
		text, err := s.Defaults.PolicyText(f.rules)
		if err != nil {
			return nil, err
		}
		w, err := files.Create(f.name)
		if err == nil {
			_, err = w.Write(text)
		}
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", f.name, err)
		}
	}
	if err := files.Close(); err != nil {
		return nil, fmt.Errorf("pack policies: %w", err)
	}
	return &pb.File{Name: "policies.zip", ContentType: "application/zip", Content: buffer.Bytes()}, nil
}

// DownloadAgentPolicy is everything in one file.
func (s *AgentPolicyService) DownloadAgentPolicy(ctx context.Context, _ *pb.DownloadAgentPoliciesRequest) (*pb.File, error) {
	all, err := s.Rules.List(ctx)
	if err != nil {
		return nil, err
	}
	text, err := s.Defaults.PolicyText(all)
	return &pb.File{Name: "nightjar.policy", ContentType: "application/yaml", Content: text}, err
}

func (s *AgentPolicyService) answer(ctx context.Context, v objects.Versioned[configuration.AgentPolicy], err error) (*pb.AgentPolicyResponse, error) {
	if err != nil {
		return nil, err
	}
	a := &pb.AgentPolicyAttributes{}
	if err := codec.ToMessage(v.Body, a); err != nil {
		return nil, err
	}
	rules, err := s.Rules.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range rules {
		switch {
		case !r.Body.In(v.ID):
			continue
		case !r.Body.Enabled:
			a.DisabledRulesCount++
		case slices.Contains(r.Body.Blocking, v.ID), v.Body.Mode == configuration.BlockingMode && slices.Contains(r.Body.Monitoring, v.ID):
			a.BlockingRulesCount++
		case slices.Contains(r.Body.Monitoring, v.ID):
			a.MonitoringRulesCount++
		default:
			a.DisabledRulesCount++
		}
		a.RuleCount++
	}
	a.PolicyVersion, a.DatadogManaged = strconv.FormatInt(v.Version, 10), v.BuiltIn
	a.UpdateDate, a.Updater = int64(v.UpdatedAt), api.TheAuthor()
	return &pb.AgentPolicyResponse{Data: &pb.AgentPolicy{Id: v.ID, Type: "policy", Attributes: a}}, nil
}
