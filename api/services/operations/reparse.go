package operations

import (
	"context"
	"time"

	"nightjar/api"
	pb "nightjar/api/v1"
	"nightjar/compiler/search"
	"nightjar/schema"
)

// Reparses reads stored events again. engine joins it to ingest/reparse.
type Reparses interface {
	CreateReparse(ctx context.Context, query string, from, to schema.Millis) (ReparseJob, error)
	Reparses(context.Context) ([]ReparseJob, error)
	// Reparse is a *schema.NotFoundError where there is no such job.
	Reparse(ctx context.Context, id string) (ReparseJob, error)
	// CancelReparse is a *schema.InvalidError for a job that has ended.
	CancelReparse(ctx context.Context, id string) (ReparseJob, error)
}

// ReparseJob is how far such a job is.
type ReparseJob struct {
	ID, Query, State, Error string
	From, To                schema.Millis
	Days, Done              int
	Read, Changed, Failed   uint64
	Created, Ended          schema.Millis // 0: not yet
}

// ReparseService serves ReparseService.
type ReparseService struct {
	pb.UnimplementedReparseServiceServer
	Jobs Reparses
	Now  func() time.Time
}

// CreateReparse begins a job.
func (s *ReparseService) CreateReparse(ctx context.Context, in *pb.CreateReparseRequest) (*pb.ReparseJob, error) {
	if _, err := search.Parse(in.GetQuery()); err != nil || in.GetQuery() == "" {
		return nil, api.BadRequest("query", "want a search for the events, such as source:sshd, or * for all: %v", err)
	}
	from, err := api.OptionalMoment("from", in.GetFrom(), s.Now())
	if err != nil {
		return nil, err
	}
	to, err := api.OptionalMoment("to", in.GetTo(), s.Now())
	if err != nil {
		return nil, err
	}
	first, last := schema.MinMillis, schema.MaxMillis
	if from != nil {
		first = *from
	}
	if to != nil {
		last = *to
	}
	return reparseAnswer(s.Jobs.CreateReparse(ctx, in.GetQuery(), first, last))
}

// ListReparses reads all jobs.
func (s *ReparseService) ListReparses(ctx context.Context, _ *pb.ListReparsesRequest) (*pb.ListReparsesResponse, error) {
	all, err := s.Jobs.Reparses(ctx)
	out := &pb.ListReparsesResponse{}
	for _, j := range all {
		shown, _ := reparseAnswer(j, nil)
		out.Jobs = append(out.Jobs, shown)
	}
	return out, err
}

// GetReparse reads a job.
func (s *ReparseService) GetReparse(ctx context.Context, in *pb.GetReparseRequest) (*pb.ReparseJob, error) {
	return reparseAnswer(s.Jobs.Reparse(ctx, in.GetJobId()))
}

// CancelReparse ends a job.
func (s *ReparseService) CancelReparse(ctx context.Context, in *pb.CancelReparseRequest) (*pb.ReparseJob, error) {
	return reparseAnswer(s.Jobs.CancelReparse(ctx, in.GetJobId()))
}

func reparseAnswer(j ReparseJob, err error) (*pb.ReparseJob, error) {
	if err != nil {
		return nil, err
	}
	out := &pb.ReparseJob{
		Id: j.ID, Query: j.Query, State: j.State, Error: j.Error, Days: int64(j.Days), DaysDone: int64(j.Done),
		Events: j.Read, Changed: j.Changed, Failed: j.Failed, Created: j.Created.String(),
	}
	if j.From > schema.MinMillis {
		out.From = j.From.String()
	}
	if j.To < schema.MaxMillis {
		out.To = j.To.String()
	}
	if j.Ended != 0 {
		out.Ended = j.Ended.String()
	}
	return out, nil
}
