package facets

import (
	"context"

	pb "nightjar/api/v1"
)

// GetSearchProgress says how far a search of the caller's is, by the name that its requests
// carry. Of one that does not run, or is somebody else's, it says only that.
func (s *FacetService) GetSearchProgress(ctx context.Context, in *pb.GetSearchProgressRequest) (*pb.SearchProgress, error) {
	p, running := s.Running.Of(s.Caller(ctx), in.GetSearch())
	return &pb.SearchProgress{Running: running, ReadRows: int64(p.Rows), TotalRows: int64(p.Total), Done: p.Done}, nil
}
