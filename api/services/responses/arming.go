package responses

import (
	"context"
	"slices"
	"strings"
	"time"

	"nightjar/agent/responses"
	"nightjar/api"
	pb "nightjar/api/v1"
	"nightjar/schema"
)

// GetArming reads how the switch stands.
func (s *ResponseService) GetArming(context.Context, *pb.GetArmingRequest) (*pb.Arming, error) {
	return s.arming(s.Book.Arming()), nil
}

// DisarmAgents stops all killing and blocking.
func (s *ResponseService) DisarmAgents(ctx context.Context, in *pb.SwitchAgentsRequest) (*pb.Arming, error) {
	a, takenBack, err := s.Book.Disarm(ctx, api.AuthorOf(ctx), strings.TrimSpace(in.GetReason()))
	if err != nil {
		return nil, err
	}
	out := s.arming(a)
	out.TakenBack = int64(takenBack)
	return out, nil
}

// ArmAgents lets agents kill and block again.
func (s *ResponseService) ArmAgents(ctx context.Context, in *pb.SwitchAgentsRequest) (*pb.Arming, error) {
	a, err := s.Book.Arm(ctx, api.AuthorOf(ctx), strings.TrimSpace(in.GetReason()))
	if err != nil {
		return nil, err
	}
	return s.arming(a), nil
}

// DisarmAgent stops all killing and blocking of one agent.
func (s *ResponseService) DisarmAgent(ctx context.Context, in *pb.SwitchAgentRequest) (*pb.AgentArming, error) {
	agent, err := s.named(in.GetAgentId())
	if err != nil {
		return nil, err
	}
	n, err := s.Book.DisarmOne(ctx, agent.ID, responses.Arming{By: api.AuthorOf(ctx), Reason: strings.TrimSpace(in.GetReason()), Host: agent.Host})
	if err != nil {
		return nil, err
	}
	out := s.alone(agent)
	out.TakenBack = int64(n)
	return out, nil
}

// ArmAgent lets one agent kill and block again.
func (s *ResponseService) ArmAgent(ctx context.Context, in *pb.SwitchAgentRequest) (*pb.AgentArming, error) {
	agent, err := s.named(in.GetAgentId())
	if err != nil {
		return nil, err
	}
	if err := s.Book.ArmOne(ctx, agent.ID, responses.Arming{By: api.AuthorOf(ctx), Reason: strings.TrimSpace(in.GetReason()), Host: agent.Host}); err != nil {
		return nil, err
	}
	return s.alone(agent), nil
}

// named is the agent of this id, or of the host of this name.
func (s *ResponseService) named(name string) (Agent, error) {
	for _, a := range s.Agents.Agents() {
		if a.ID == name {
			return a, nil
		}
	}
	return s.agent("", name)
}

// alone is how the switch of one agent stands.
func (s *ResponseService) alone(a Agent) *pb.AgentArming {
	out := AloneOf(s.Book, a.ID)
	if out == nil {
		out = &pb.AgentArming{Id: a.ID}
	}
	out.Host, out.AllDisarmed = a.Host, s.Book.Arming().Disarmed
	return out
}

// AloneOf is how an agent was disarmed by itself; nil: it was not.
func AloneOf(b *responses.Book, agent string) *pb.AgentArming {
	a := b.DisarmedAlone(agent)
	if a == nil {
		return nil
	}
	return &pb.AgentArming{Id: agent, Disarmed: true, By: a.By, Reason: a.Reason, Since: moment(a.Since)}
}

// away is how long an agent was not heard of that is shown as away: it speaks at least
// twice in that time.
const away = time.Minute

func (s *ResponseService) arming(a responses.Arming) *pb.Arming {
	out := &pb.Arming{Disarmed: a.Disarmed, By: a.By, Reason: a.Reason, Since: moment(a.Since)}
	for _, agent := range s.Agents.Agents() {
		out.Agents++
		if s.Book.DisarmedAlone(agent.ID) != nil {
			out.Alone = append(out.Alone, s.alone(agent))
		}
		if agent.Disarmed != "" {
			out.AgentsDisarmed++
		}
		if agent.LastContact < schema.MillisOf(s.Now().Add(-away)) {
			out.Away = append(out.Away, agent.Host)
		}
	}
	for _, host := range s.Book.Isolated() {
		out.Isolated = append(out.Isolated, host)
	}
	slices.SortStableFunc(out.Alone, func(a, b *pb.AgentArming) int { return strings.Compare(a.GetHost(), b.GetHost()) })
	slices.Sort(out.Away)
	slices.Sort(out.Isolated)
	out.Isolated = slices.Compact(out.Isolated) // several agents of one host
	return out
}
