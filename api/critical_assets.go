package api

import (
	"context"
	"errors"

	"google.golang.org/protobuf/types/known/emptypb"

	pb "nightjar/api/v1"
	"nightjar/configuration"
	"nightjar/objects"
	"nightjar/schema"
)

// criticalAssets serves CriticalAssetService.
type criticalAssets struct {
	pb.UnimplementedCriticalAssetServiceServer
	store *objects.Store[configuration.CriticalAsset]
	rules Rules
}

// CreateCriticalAsset stores an asset.
func (s *criticalAssets) CreateCriticalAsset(ctx context.Context, in *pb.CreateCriticalAssetRequest) (*pb.CriticalAssetResponse, error) {
	attributes := in.GetData().GetAttributes()
	if attributes == nil {
		return nil, badRequest(attributesPath, "missing")
	}
	body := configuration.CriticalAsset{Enabled: true}
	if err := fromMessage(attributes, &body); err != nil {
		return nil, err
	}
	return s.answer(s.store.Create(ctx, body))
}

// ListCriticalAssets reads all assets.
func (s *criticalAssets) ListCriticalAssets(ctx context.Context, _ *pb.ListCriticalAssetsRequest) (*pb.CriticalAssetsResponse, error) {
	return s.list(ctx, func(*configuration.CriticalAsset) bool { return true })
}

// ListCriticalAssetsOfRule reads the assets of a rule; one that does not exist
// has none.
func (s *criticalAssets) ListCriticalAssetsOfRule(ctx context.Context, in *pb.ListCriticalAssetsOfRuleRequest) (*pb.CriticalAssetsResponse, error) {
	rule, err := s.rules.Rule(ctx, in.GetRuleId())
	var missing *schema.NotFound
	if errors.As(err, &missing) {
		return &pb.CriticalAssetsResponse{}, nil
	}
	if err != nil {
		return nil, err
	}
	return s.list(ctx, func(a *configuration.CriticalAsset) bool { return a.Affects(&rule) })
}

func (s *criticalAssets) list(ctx context.Context, wanted func(*configuration.CriticalAsset) bool) (*pb.CriticalAssetsResponse, error) {
	all, err := s.store.List(ctx)
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
func (s *criticalAssets) GetCriticalAsset(ctx context.Context, in *pb.GetCriticalAssetRequest) (*pb.CriticalAssetResponse, error) {
	return s.answer(s.store.Get(ctx, in.GetCriticalAssetId()))
}

// UpdateCriticalAsset changes an asset.
func (s *criticalAssets) UpdateCriticalAsset(ctx context.Context, in *pb.UpdateCriticalAssetRequest) (*pb.CriticalAssetResponse, error) {
	attributes := in.GetData().GetAttributes()
	if attributes == nil {
		return nil, badRequest(attributesPath, "missing")
	}
	return s.answer(s.store.Update(ctx, in.GetCriticalAssetId(), attributes.GetVersion(), func(body *configuration.CriticalAsset) error {
		return patch(ctx, body, attributes, attributesPath, in.GetUpdateMask().GetPaths())
	}))
}

// DeleteCriticalAsset deletes an asset.
func (s *criticalAssets) DeleteCriticalAsset(ctx context.Context, in *pb.DeleteCriticalAssetRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, s.store.Delete(ctx, in.GetCriticalAssetId())
}

func (s *criticalAssets) answer(v objects.Versioned[configuration.CriticalAsset], err error) (*pb.CriticalAssetResponse, error) {
	if err != nil {
		return nil, within(attributesPath, err)
	}
	a := &pb.CriticalAssetAttributes{}
	if err := toMessage(v.Body, a); err != nil {
		return nil, err
	}
	a.Version, a.Editable = v.Version, true
	a.CreationDate, a.CreationAuthorId, a.Creator = int64(v.CreatedAt), author.id, theAuthor()
	a.UpdateDate, a.UpdateAuthorId, a.Updater = int64(v.UpdatedAt), author.id, theAuthor()
	return &pb.CriticalAssetResponse{Warnings: schema.IdleWarnings(s.store.Idle(v)), Data: &pb.CriticalAsset{Id: v.ID, Type: "critical_assets", Attributes: a}}, nil
}
