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

// away is how long an agent was not heard of that is shown as away: it speaks at least
// twice in that time.
const away = time.Minute

func (s *ResponseService) arming(a responses.Arming) *pb.Arming {
	out := &pb.Arming{Disarmed: a.Disarmed, By: a.By, Reason: a.Reason, Since: moment(a.Since)}
	for _, agent := range s.Agents.Agents() {
		out.Agents++
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
	slices.Sort(out.Away)
	slices.Sort(out.Isolated)
	return out
}
