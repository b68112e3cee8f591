package service

import (
	"context"
	"slices"

	"google.golang.org/protobuf/types/known/emptypb"

	pb "nightjar/api/v1"

	"nightjar/api/access"
	"nightjar/api/access/signin"
	"nightjar/schema"
)

// sessions serves SessionService.
type sessions struct {
	pb.UnimplementedSessionServiceServer
	sessions *signin.Sessions // nil: nobody signs in
}

// list are the sessions that there are.
func list(s *signin.Sessions) []signin.Session {
	if s == nil {
		return nil
	}
	return s.List()
}

// seen are the sessions that the caller may see and end: their own, or, where they manage
// keys, everybody's.
func (s *sessions) seen(ctx context.Context) []signin.Session {
	all, caller := list(s.sessions), access.Of(ctx)
	if caller.Check(access.ManageKeys) == nil {
		return all
	}
	own := slices.IndexFunc(all, func(v signin.Session) bool { return caller.Kind == access.WithSession && v.ID == caller.ID })
	if own < 0 {
		return nil
	}
	name, provider := all[own].Name, all[own].Provider
	return slices.DeleteFunc(all, func(v signin.Session) bool { return v.Name != name || v.Provider != provider })
}

// ListSessions shows the sessions that the caller may see.
func (s *sessions) ListSessions(ctx context.Context, _ *pb.ListSessionsRequest) (*pb.ListSessionsResponse, error) {
	out, caller := &pb.ListSessionsResponse{}, access.Of(ctx)
	for _, v := range s.seen(ctx) {
		out.Sessions = append(out.Sessions, &pb.Session{
			Id: v.ID, Name: v.Name, Role: v.Role, Provider: v.Provider, Begun: shown(v.Begun), Expires: shown(v.Expires),
			Current: caller.Kind == access.WithSession && v.ID == caller.ID,
		})
	}
	return out, nil
}

// EndSession signs one out that the caller may see; any other one is not there for them.
func (s *sessions) EndSession(ctx context.Context, in *pb.EndSessionRequest) (*emptypb.Empty, error) {
	id := in.GetSessionId()
	if !slices.ContainsFunc(s.seen(ctx), func(v signin.Session) bool { return v.ID == id }) {
		return nil, &schema.NotFoundError{Kind: "session", ID: id}
	}
	_, err := s.sessions.EndAll(id)
	return &emptypb.Empty{}, err
}
