package rules

import (
	"context"
	"slices"
	"strconv"

	"google.golang.org/protobuf/types/known/emptypb"

	"nightjar/api"
	"nightjar/api/codec"
	pb "nightjar/api/v1"
	"nightjar/configuration"
	"nightjar/objects"
	"nightjar/schema"
)

// SecurityFilterService serves SecurityFilterService.
type SecurityFilterService struct {
	pb.UnimplementedSecurityFilterServiceServer
	Store *objects.Store[configuration.SecurityFilter]
}

// CreateSecurityFilter stores a filter.
func (s *SecurityFilterService) CreateSecurityFilter(ctx context.Context, in *pb.CreateSecurityFilterRequest) (*pb.SecurityFilterResponse, error) {
	attributes := in.GetData().GetAttributes()
	if attributes == nil {
		return nil, api.BadRequest(api.AttributesPath, "missing")
	}
	var body configuration.SecurityFilter
	if err := codec.FromMessage(attributes, &body); err != nil {
		return nil, err
	}
	return s.answer(s.Store.Create(ctx, body))
}

// ListSecurityFilters reads all filters.
func (s *SecurityFilterService) ListSecurityFilters(ctx context.Context, _ *pb.ListSecurityFiltersRequest) (*pb.SecurityFiltersResponse, error) {
	all, err := s.Store.List(ctx)
	if err != nil {
		return nil, err
	}
	out := &pb.SecurityFiltersResponse{}
	for _, v := range all {
		shown, err := s.answer(v, nil)
		if err != nil {
			return nil, err
		}
		out.Data = append(out.Data, shown.Data)
	}
	if !slices.ContainsFunc(out.Data, func(f *pb.SecurityFilter) bool { return f.GetAttributes().GetIsEnabled() }) {
		out.Meta = &pb.SecurityFilterMeta{Warning: "All the security filters are disabled. As a result, no logs are being analyzed."}
	}
	return out, nil
}

// GetSecurityFilter reads a filter.
func (s *SecurityFilterService) GetSecurityFilter(ctx context.Context, in *pb.GetSecurityFilterRequest) (*pb.SecurityFilterResponse, error) {
	return s.answer(s.Store.Get(ctx, in.GetSecurityFilterId()))
}

// UpdateSecurityFilter changes a filter.
func (s *SecurityFilterService) UpdateSecurityFilter(ctx context.Context, in *pb.UpdateSecurityFilterRequest) (*pb.SecurityFilterResponse, error) {
	attributes := in.GetData().GetAttributes()
	if attributes == nil {
		return nil, api.BadRequest(api.AttributesPath, "missing")
	}
	return s.answer(s.Store.Update(ctx, in.GetSecurityFilterId(), attributes.GetVersion(), func(body *configuration.SecurityFilter) error {
		return codec.Patch(ctx, body, attributes, api.AttributesPath, in.GetUpdateMask().GetPaths())
	}))
}

// DeleteSecurityFilter deletes a filter.
func (s *SecurityFilterService) DeleteSecurityFilter(ctx context.Context, in *pb.DeleteSecurityFilterRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, s.Store.Delete(ctx, in.GetSecurityFilterId())
}

// ListSecurityFilterVersions plays the log of changes.
func (s *SecurityFilterService) ListSecurityFilterVersions(ctx context.Context, _ *pb.ListSecurityFilterVersionsRequest) (*pb.SecurityFilterVersionsResponse, error) {
	log, err := s.Store.Log(ctx)
	if err != nil {
		return nil, err
	}
	out := &pb.SecurityFilterVersionsResponse{}
	var present []*pb.SecurityFilterVersionEntry
	for i, v := range log {
		entry := &pb.SecurityFilterVersionEntry{}
		if err := codec.ToMessage(v.Body, entry); err != nil {
			return nil, err
		}
		entry.Id, entry.Version, entry.IsBuiltin = v.ID, v.Version, v.BuiltIn
		at := slices.IndexFunc(present, func(e *pb.SecurityFilterVersionEntry) bool { return e.Id == v.ID })
		present = slices.Clone(present) // earlier versions keep theirs
		switch {
		case v.Deleted && at >= 0:
			present = slices.Delete(present, at, at+1)
		case at >= 0:
			present[at] = entry
		default:
			present = append(present, entry)
		}
		number := int64(i + 1)
		out.Data = append(out.Data, &pb.SecurityFilterVersion{
			Id: strconv.FormatInt(number, 10), Type: "security_filters_configuration",
			Attributes: &pb.SecurityFilterVersionAttributes{Date: int64(v.UpdatedAt), Version: number, Filters: present},
		})
	}
	slices.Reverse(out.Data)
	return out, nil
}

func (s *SecurityFilterService) answer(v objects.Versioned[configuration.SecurityFilter], err error) (*pb.SecurityFilterResponse, error) {
	if err != nil {
		return nil, codec.Within(api.AttributesPath, err)
	}
	attributes := &pb.SecurityFilterAttributes{}
	if err := codec.ToMessage(v.Body, attributes); err != nil {
		return nil, err
	}
	attributes.Version, attributes.IsBuiltin = v.Version, v.BuiltIn
	return &pb.SecurityFilterResponse{Warnings: schema.IdleWarnings(s.Store.Idle(v)), Data: &pb.SecurityFilter{Id: v.ID, Type: "security_filters", Attributes: attributes}}, nil
}
