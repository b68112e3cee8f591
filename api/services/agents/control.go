package agents

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/types/known/emptypb"

	"nightjar/agent/control"
	"nightjar/agent/orders"
	"nightjar/api"
	"nightjar/api/access"
	pb "nightjar/api/v1"
	"nightjar/schema"
)

// ControlService serves AgentControlService.
type ControlService struct {
	pb.UnimplementedAgentControlServiceServer
	Fleet *control.Registry
	Keys  *access.Keys
}

// errNoFleet is of an engine that has no agents.
var errNoFleet = &api.Error{Code: api.CodeUnavailable, Message: "this engine controls no agents"}

// EnrollAgent makes a host an agent.
func (s *ControlService) EnrollAgent(ctx context.Context, in *pb.EnrollAgentRequest) (*pb.EnrolledAgent, error) {
	if s.Fleet == nil {
		return nil, errNoFleet
	}
	about := orders.Enrolment{Host: in.GetHost(), AgentVersion: in.GetAgentVersion(), Kernel: in.GetKernel(), Tags: in.GetTags()}
	if err := control.CheckEnrolment(about); err != nil {
		return nil, err // before it costs one of the token's uses
	}
	token := access.Of(ctx)
	if token.Role == access.Enroll {
		if err := s.Keys.Spend(ctx, token.ID); err != nil {
			return nil, err
		}
	}
	made, err := s.Fleet.Enrol(ctx, token.ID, about)
	if err != nil {
		return nil, err
	}
	return &pb.EnrolledAgent{Agent: made.Agent, Key: made.Key, ServerKey: base64.StdEncoding.EncodeToString(made.ServerKey)}, nil
}

// SyncAgent answers an agent's orders.
func (s *ControlService) SyncAgent(ctx context.Context, in *pb.AgentSync) (*pb.AgentOrders, error) {
	if s.Fleet == nil {
		return nil, errNoFleet
	}
	if caller := access.Of(ctx); caller.Agent == "" || caller.Agent != in.GetAgent() {
		return nil, &api.Error{Code: api.CodePermissionDenied, Message: "Forbidden: an agent asks for its own orders, with the key that it was given when it enrolled", Target: "agent"}
	}
	signed, ok, err := s.Fleet.Sync(ctx, syncOf(in))
	if errors.As(err, new(*control.RevokedError)) {
		return nil, &api.Error{Code: api.CodePermissionDenied, Message: "Forbidden: " + err.Error(), Target: "agent"}
	}
	if err != nil || !ok {
		return &pb.AgentOrders{}, err
	}
	return &pb.AgentOrders{
		Payload: base64.StdEncoding.EncodeToString(signed.Payload), Signature: base64.StdEncoding.EncodeToString(signed.Signature), Key: signed.Key,
	}, nil
}

func syncOf(in *pb.AgentSync) *orders.Sync {
	out := &orders.Sync{
		Agent: in.GetAgent(), Instance: in.GetInstance(), Host: in.GetHost(), AgentVersion: in.GetAgentVersion(), Kernel: in.GetKernel(), Tags: in.GetTags(),
		Sequence: in.GetSequence(), InForce: in.GetInForce(), OrdersRefused: in.GetOrdersRefused(), Abilities: in.GetAbilities(),
		Disarmed: in.GetDisarmed(), Isolated: in.GetIsolated(), Leaving: in.GetLeaving(), WaitSeconds: in.GetWaitSeconds(),
	}
	if f := in.GetRefused(); f != nil {
		out.Refused = &orders.Refusal{Version: f.GetVersion(), Errors: f.GetErrors()}
	}
	c := in.GetCounts()
	out.Counts = orders.Counts{
		Generated: c.GetGenerated(), Delivered: c.GetDelivered(), Lost: c.GetLost(), Kills: c.GetKills(), Denials: c.GetDenials(),
		CPUSeconds: c.GetCpuSeconds(), RSS: c.GetRssBytes(),
	}
	for _, r := range in.GetResults() {
		result := orders.Result{ID: r.GetId(), Status: r.GetStatus(), Error: r.GetError(), At: r.GetAt()}
		if r.ReportText != nil {
			result.Report = json.RawMessage(r.GetReportText())
		}
		out.Results = append(out.Results, result)
	}
	return out
}

// RevokeAgent ends an agent's key, and forgets it.
func (s *ControlService) RevokeAgent(ctx context.Context, in *pb.RevokeAgentRequest) (*emptypb.Empty, error) {
	if s.Fleet == nil {
		return nil, errNoFleet
	}
	return &emptypb.Empty{}, s.Fleet.Revoke(ctx, in.GetAgentId())
}

// GetAgentRollout reads how far the policies are.
func (s *ControlService) GetAgentRollout(context.Context, *pb.GetAgentRolloutRequest) (*pb.AgentRollout, error) {
	return s.answer(nil)
}

// UpdateAgentRollout says in which stages later changes reach agents.
func (s *ControlService) UpdateAgentRollout(ctx context.Context, in *pb.UpdateAgentRolloutRequest) (*pb.AgentRollout, error) {
	var stages []control.Stage
	for i, st := range in.GetStages() {
		stage := control.Stage{Percent: int(st.GetPercent()), Tags: st.GetTags()}
		if text := st.GetSoak(); text != "" {
			var err error
			if stage.Soak, err = schema.ParseDuration(text); err != nil {
				return nil, &schema.InvalidError{Details: []schema.Detail{{Target: fmt.Sprintf("stages[%d].soak", i), Message: "want a time such as 30m: " + err.Error()}}}
			}
		}
		stages = append(stages, stage)
	}
	return s.do(func() error { return s.Fleet.Plan(ctx, stages) })
}

// StopAgentRollout stops a rollout, in the caller's name.
func (s *ControlService) StopAgentRollout(ctx context.Context, in *pb.StopAgentRolloutRequest) (*pb.AgentRollout, error) {
	why := strings.TrimSpace(in.GetReason())
	if why == "" || len(why) > maxWhy {
		return nil, api.BadRequest("reason", "say why, in at most %d bytes: it is kept", maxWhy)
	}
	return s.do(func() error { return s.Fleet.Stop(ctx, "stopped by "+access.Of(ctx).Name+": "+why) })
}

// maxWhy bounds why a rollout is stopped.
const maxWhy = 1000

// ResumeAgentRollout goes on with a rollout that stopped.
func (s *ControlService) ResumeAgentRollout(ctx context.Context, _ *pb.ResumeAgentRolloutRequest) (*pb.AgentRollout, error) {
	return s.do(func() error { return s.Fleet.Resume(ctx) })
}

// RollBackAgentRollout gives all agents the policies from before.
func (s *ControlService) RollBackAgentRollout(ctx context.Context, _ *pb.RollBackAgentRolloutRequest) (*pb.AgentRollout, error) {
	return s.do(func() error { return s.Fleet.RollBack(ctx) })
}

func (s *ControlService) do(change func() error) (*pb.AgentRollout, error) {
	if s.Fleet == nil {
		return nil, errNoFleet
	}
	return s.answer(change())
}

func (s *ControlService) answer(err error) (*pb.AgentRollout, error) {
	if s.Fleet == nil {
		return nil, errNoFleet
	}
	if err != nil {
		return nil, err
	}
	b := s.Fleet.Rollout()
	out := &pb.AgentRollout{State: "done", Errors: b.Errors, Reason: b.Stopped}
	if b.Base != nil {
		out.Version, out.Changed = b.Base.Version, b.Base.At.String()
	}
	if b.Target != nil {
		out.State, out.Before, out.Version, out.Changed, out.Stage = "running", out.Version, b.Target.Version, b.Target.At.String(), int32(b.Stage)+1
		switch {
		case b.Stopped != "":
			out.State = "stopped"
		case len(b.Waiting) > 0:
			out.Reason = "these do not follow it yet: " + strings.Join(b.Waiting[:min(len(b.Waiting), 10)], ", ")
		}
		if b.Settled != 0 {
			out.Settled = b.Settled.String()
		}
	}
	for _, st := range b.Stages {
		shown := &pb.AgentStage{Percent: int32(st.Percent), Tags: st.Tags, Agents: int32(st.Agents), InForce: int32(st.InForce)}
		if shown.Soak = st.Soak.String(); st.Soak == 0 {
			shown.Soak = control.DefaultSoak.String()
		}
		out.Stages = append(out.Stages, shown)
	}
	return out, nil
}
