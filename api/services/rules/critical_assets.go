package rules

import (
	"context"
	"errors"

	"google.golang.org/protobuf/types/known/emptypb"

	"nightjar/api"
	"nightjar/api/codec"
	pb "nightjar/api/v1"
	"nightjar/configuration"
	"nightjar/objects"
	"nightjar/schema"
)

// CriticalAssetService serves CriticalAssetService.
type CriticalAssetService struct {
	pb.UnimplementedCriticalAssetServiceServer
	Store *objects.Store[configuration.CriticalAsset]
	Rules Store
}

// CreateCriticalAsset stores an asset.
func (s *CriticalAssetService) CreateCriticalAsset(ctx context.Context, in *pb.CreateCriticalAssetRequest) (*pb.CriticalAssetResponse, error) {
	attributes := in.GetData().GetAttributes()
	if attributes == nil {
		return nil, api.BadRequest(api.AttributesPath, "missing")
	}
	body := configuration.CriticalAsset{Enabled: true}
	if err := codec.FromMessage(attributes, &body); err != nil {
		return nil, err
	}
	return s.answer(s.Store.Create(ctx, body))
}

// ListCriticalAssets reads all assets.
func (s *CriticalAssetService) ListCriticalAssets(ctx context.Context, _ *pb.ListCriticalAssetsRequest) (*pb.CriticalAssetsResponse, error) {
	return s.list(ctx, func(*configuration.CriticalAsset) bool { return true })
}

// ListCriticalAssetsOfRule reads the assets of a rule; one that does not exist
// has none.
func (s *CriticalAssetService) ListCriticalAssetsOfRule(ctx context.Context, in *pb.ListCriticalAssetsOfRuleRequest) (*pb.CriticalAssetsResponse, error) {
	rule, err := s.Rules.Rule(ctx, in.GetRuleId())
	var missing *schema.NotFoundError
	if errors.As(err, &missing) {
		return &pb.CriticalAssetsResponse{}, nil
	}
	if err != nil {
		return nil, err
	}
	return s.list(ctx, func(a *configuration.CriticalAsset) bool { return a.Affects(&rule) })
}

func (s *CriticalAssetService) list(ctx context.Context, wanted func(*configuration.CriticalAsset) bool) (*pb.CriticalAssetsResponse, error) {
	all, err := s.Store.List(ctx)
	if err != nil {
		return nil, err
	}
	out := &pb.CriticalAssetsResponse{}
	for _, v := range all {
		if !wanted(&v.Body) {
			continue
		}
		shown, err := s.answer(v, nil)
		if err != nil {
			return nil, err
		}
		out.Data = append(out.Data, shown.Data)
	}
	return out, nil
}

// GetCriticalAsset reads an asset.
func (s *CriticalAssetService) GetCriticalAsset(ctx context.Context, in *pb.GetCriticalAssetRequest) (*pb.CriticalAssetResponse, error) {
	return s.answer(s.Store.Get(ctx, in.GetCriticalAssetId()))
}

// UpdateCriticalAsset changes an asset.
func (s *CriticalAssetService) UpdateCriticalAsset(ctx context.Context, in *pb.UpdateCriticalAssetRequest) (*pb.CriticalAssetResponse, error) {
	attributes := in.GetData().GetAttributes()
	if attributes == nil {
		return nil, api.BadRequest(api.AttributesPath, "missing")
	}
	return s.answer(s.Store.Update(ctx, in.GetCriticalAssetId(), attributes.GetVersion(), func(body *configuration.CriticalAsset) error {
		return codec.Patch(ctx, body, attributes, api.AttributesPath, in.GetUpdateMask().GetPaths())
	}))
}

// DeleteCriticalAsset deletes an asset.
func (s *CriticalAssetService) DeleteCriticalAsset(ctx context.Context, in *pb.DeleteCriticalAssetRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, s.Store.Delete(ctx, in.GetCriticalAssetId())
}

func (s *CriticalAssetService) answer(v objects.Versioned[configuration.CriticalAsset], err error) (*pb.CriticalAssetResponse, error) {
	if err != nil {
		return nil, codec.Within(api.AttributesPath, err)
	}
	a := &pb.CriticalAssetAttributes{}
	if err := codec.ToMessage(v.Body, a); err != nil {
		return nil, err
	}
	a.Version, a.Editable = v.Version, true
	a.CreationDate, a.CreationAuthorId, a.Creator = int64(v.CreatedAt), api.Author.ID, api.TheAuthor()
	a.UpdateDate, a.UpdateAuthorId, a.Updater = int64(v.UpdatedAt), api.Author.ID, api.TheAuthor()
	return &pb.CriticalAssetResponse{Warnings: schema.IdleWarnings(s.Store.Idle(v)), Data: &pb.CriticalAsset{Id: v.ID, Type: "critical_assets", Attributes: a}}, nil
}
