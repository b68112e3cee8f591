package views

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/types/known/emptypb"

	"nightjar/api"
	"nightjar/api/access"
	pb "nightjar/api/v1"
	"nightjar/configuration"
	"nightjar/objects"
	"nightjar/schema"
)

// ViewService serves ViewService.
type ViewService struct {
	pb.UnimplementedViewServiceServer
	Store *objects.Store[configuration.SavedView]

	naming sync.Mutex // names are looked up before a view is written
}

type stored = objects.Versioned[configuration.SavedView]

// maxViews is how many views somebody may keep.
const maxViews = 200

// mayChange reports whether the caller may change a view.
func mayChange(ctx context.Context, v stored) bool {
	return v.Body.Owner == api.AuthorOf(ctx) || v.Body.Shared && access.Of(ctx).Role == access.Admin
}

// ListViews reads what the caller may see.
func (s *ViewService) ListViews(ctx context.Context, in *pb.ListViewsRequest) (*pb.ListViewsResponse, error) {
	all, err := s.Store.List(ctx)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(v stored) bool {
		return in.GetKind() != "" && v.Body.Kind != in.GetKind() || !v.Body.Shared && v.Body.Owner != api.AuthorOf(ctx)
	})
	slices.SortStableFunc(all, func(a, b stored) int { return cmp.Compare(strings.ToLower(a.Body.Name), strings.ToLower(b.Body.Name)) })
	out := &pb.ListViewsResponse{}
	for _, v := range all {
		out.Views = append(out.Views, viewToProto(ctx, v))
	}
	return out, nil
}

func viewToProto(ctx context.Context, v stored) *pb.View {
	b := &v.Body
	return &pb.View{
		Id: v.ID, Owner: b.Owner, Mine: mayChange(ctx, v), Name: b.Name, Kind: b.Kind, Shared: b.Shared, Address: b.Address, Statement: b.Statement,
	}
}

func viewOf(in *pb.View, owner string) configuration.SavedView {
	return configuration.SavedView{
		Name: strings.TrimSpace(in.GetName()), Kind: in.GetKind(), Owner: owner, Shared: in.GetShared(), Address: in.GetAddress(), Statement: in.GetStatement(),
	}
}

// CreateView keeps a view.
func (s *ViewService) CreateView(ctx context.Context, in *pb.CreateViewRequest) (*pb.View, error) {
	body := viewOf(in.GetView(), api.AuthorOf(ctx))
	s.naming.Lock()
	defer s.naming.Unlock()
	if err := s.free(ctx, "", body); err != nil {
		return nil, err
	}
	v, err := s.Store.Create(ctx, body)
	if err != nil {
		return nil, err
	}
	api.AnswerWith(ctx, http.StatusCreated)
	return viewToProto(ctx, v), nil
}

// free says that an owner has a view of that name already, or too many.
func (s *ViewService) free(ctx context.Context, id string, body configuration.SavedView) error {
	all, err := s.Store.List(ctx)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(v stored) bool { return v.Body.Owner != body.Owner || v.ID == id })
	if slices.ContainsFunc(all, func(v stored) bool { return v.Body.Kind == body.Kind && v.Body.Name == body.Name }) {
		return api.BadRequest("name", "there is a view of this name already")
	}
	if len(all) >= maxViews {
		return api.BadRequest("", "one may keep %d views; delete some", maxViews)
	}
	return nil
}

// UpdateView replaces a view.
func (s *ViewService) UpdateView(ctx context.Context, in *pb.UpdateViewRequest) (*pb.View, error) {
	s.naming.Lock()
	defer s.naming.Unlock()
	v, err := s.changed(ctx, in.GetId())
	if err != nil {
		return nil, err
	}
	body := viewOf(in.GetView(), v.Body.Owner)
	if err := s.free(ctx, v.ID, body); err != nil {
		return nil, err
	}
	v, err = s.Store.Update(ctx, v.ID, 0, func(b *configuration.SavedView) error { *b = body; return nil })
	if err != nil {
		return nil, err
	}
	return viewToProto(ctx, v), nil
}

// DeleteView forgets a view.
func (s *ViewService) DeleteView(ctx context.Context, in *pb.DeleteViewRequest) (*emptypb.Empty, error) {
	v, err := s.changed(ctx, in.GetId())
	if err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, s.Store.Delete(ctx, v.ID)
}

// changed is a view that the caller may change. One that they can't see is not there.
func (s *ViewService) changed(ctx context.Context, id string) (stored, error) {
	v, err := s.Store.Get(ctx, id)
	switch {
	case err != nil:
		return v, err
	case mayChange(ctx, v):
		return v, nil
	case v.Body.Shared:
		return v, &api.Error{Code: api.CodePermissionDenied, Message: "the view is " + v.Body.Owner + "'s; save one of your own"}
	}
	return v, &schema.NotFoundError{Kind: "saved view", ID: id}
}
