package service

import (
	"context"

	pb "nightjar/api/v1"

	"nightjar/api/access"
)

// callers serves CallerService.
type callers struct {
	pb.UnimplementedCallerServiceServer
}

// GetCaller says who makes the call.
func (callers) GetCaller(ctx context.Context, _ *pb.GetCallerRequest) (*pb.Caller, error) {
	c := access.Of(ctx)
	out := &pb.Caller{Id: c.ID, Name: c.Name, Role: string(c.Role), Kind: string(c.Kind)}
	if c.Kind == access.WithSession {
		out.Kind = "user"
	}
	for _, p := range c.Permissions() {
		out.Permissions = append(out.Permissions, string(p))
	}
	return out, nil
}
