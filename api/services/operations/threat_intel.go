package operations

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/emptypb"

	"nightjar/api"
	"nightjar/api/codec"
	pb "nightjar/api/v1"
	"nightjar/configuration"
	"nightjar/configuration/outbound"
	"nightjar/objects"
)

// ThreatIntelService serves ThreatIntelService.
type ThreatIntelService struct {
	pb.UnimplementedThreatIntelServiceServer
	Store *objects.Store[configuration.ThreatList]
	Lists ThreatLists
	// Secrets are those that lists name.
	Secrets outbound.Secrets
}

// CreateThreatList adds a list.
func (s *ThreatIntelService) CreateThreatList(ctx context.Context, in *pb.CreateThreatListRequest) (*pb.ThreatList, error) {
	body, err := s.body(ctx, in.GetList(), "")
	if err != nil {
		return nil, err
	}
	return s.written(s.Store.Create(ctx, *body))
}

// body is a list as a user wrote it. Two lists have no name in common.
func (s *ThreatIntelService) body(ctx context.Context, in *pb.ThreatList, id string) (*configuration.ThreatList, error) {
	if in == nil {
		return nil, api.BadRequest("", "the body is empty; want a list, a JSON object")
	}
	body := &configuration.ThreatList{Enabled: true}
	if err := codec.FromMessage(in, body); err != nil {
		return nil, err
	}
	all, err := s.Store.List(ctx)
	if err != nil {
		return nil, err
	}
	var before configuration.SecretUser
	for _, v := range all {
		if v.Body.Name == body.Name && v.ID != id {
			return nil, api.BadRequest("name", "there is a list %q already (%s)", body.Name, v.ID)
		}
		if v.ID == id {
			before = &v.Body
		}
	}
	unsaid, err := configuration.CheckSecrets(s.Secrets, body, before)
	if err != nil {
		return nil, err
	}
	return body, api.MayNameSecrets(ctx, unsaid)
}

func (s *ThreatIntelService) written(v objects.Versioned[configuration.ThreatList], err error) (*pb.ThreatList, error) {
	if err == nil {
		s.Lists.Refresh(v.ID)
	}
	return s.answer(v, err)
}

// ListThreatLists reads all lists.
func (s *ThreatIntelService) ListThreatLists(ctx context.Context, _ *pb.ListThreatListsRequest) (*pb.ListThreatListsResponse, error) {
	all, err := s.Store.List(ctx)
	if err != nil {
		return nil, err
	}
	out := &pb.ListThreatListsResponse{}
	for _, v := range all {
		shown, err := s.answer(v, nil)
		if err != nil {
			return nil, err
		}
		out.Lists = append(out.Lists, shown)
	}
	return out, nil
}

// GetThreatList reads a list.
func (s *ThreatIntelService) GetThreatList(ctx context.Context, in *pb.GetThreatListRequest) (*pb.ThreatList, error) {
	return s.answer(s.Store.Get(ctx, in.GetListId()))
}

// UpdateThreatList replaces a list.
func (s *ThreatIntelService) UpdateThreatList(ctx context.Context, in *pb.UpdateThreatListRequest) (*pb.ThreatList, error) {
	body, err := s.body(ctx, in.GetList(), in.GetListId())
	if err != nil {
		return nil, err
	}
	return s.written(s.Store.Update(ctx, in.GetListId(), in.GetList().GetVersion(), func(old *configuration.ThreatList) error {
		if body.Name != old.Name {
			return api.BadRequest("name", "a list keeps its name (%s), which its table has; make another list", old.Name)
		}
		*old = *body
		return nil
	}))
}

// DeleteThreatList deletes a list.
func (s *ThreatIntelService) DeleteThreatList(ctx context.Context, in *pb.DeleteThreatListRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, s.Store.Delete(ctx, in.GetListId())
}

// RefreshThreatList has a list read.
func (s *ThreatIntelService) RefreshThreatList(ctx context.Context, in *pb.RefreshThreatListRequest) (*pb.ThreatList, error) {
	v, err := s.Store.Get(ctx, in.GetListId())
	if err == nil && !v.Body.Enabled {
		err = api.BadRequest("list_id", "list %s is disabled; enable it first", v.Body.Name)
	}
	return s.written(v, err)
}

// LookUpIndicator says what the lists have of a value.
func (s *ThreatIntelService) LookUpIndicator(_ context.Context, in *pb.LookUpIndicatorRequest) (*pb.LookUpIndicatorResponse, error) {
	if in.GetValue() == "" {
		return nil, api.BadRequest("value", "want an address, a domain, a hash or a URL")
	}
	out := &pb.LookUpIndicatorResponse{}
	for _, i := range s.Lists.Find(in.GetValue()) {
		out.Indicators = append(out.Indicators, &pb.ThreatIndicator{
			Indicator: i.Value, Type: i.Type, Category: i.Category, Intention: i.Intention, List: i.List, SourceUrl: i.SourceURL, About: i.About,
		})
	}
	return out, nil
}

// answer is a list and how it is doing.
func (s *ThreatIntelService) answer(v objects.Versioned[configuration.ThreatList], err error) (*pb.ThreatList, error) {
	if err != nil {
		return nil, err
	}
	out := &pb.ThreatList{}
	if err := codec.ToMessage(v.Body, out); err != nil {
		return nil, err
	}
	out.Id, out.Version, out.Table = v.ID, v.Version, v.Body.Table()
	state := s.Lists.States()[v.ID]
	out.Indicators, out.Problems, out.Error = int64(state.Indicators), state.Problems, state.Error
	out.Refreshed, out.Tried = momentText(state.Refreshed), momentText(state.Tried)
	if len(state.Skipped) > 0 {
		out.Skipped = map[string]int64{}
	}
	for why, n := range state.Skipped {
		out.Skipped[why] = int64(n)
	}
	return out, nil
}

func momentText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// ThreatLists reads lists of indicators. ingest/intel/feeds implements it.
type ThreatLists interface {
	// States are how the lists are doing, by id.
	States() map[string]ThreatListState
	// Refresh has a list read soon.
	Refresh(id string)
	// Find is what the lists have of a value.
	Find(value string) []ThreatIndicator
}

// ThreatListState is how a list is doing.
type ThreatListState struct {
	Indicators       int
	Skipped          map[string]int
	Problems         []string
	Refreshed, Tried time.Time // zero: not yet
	Error            string
}

// ThreatIndicator is what a list has of a value.
type ThreatIndicator struct {
	Type, Value, Category, Intention, List, SourceURL, About string
}
