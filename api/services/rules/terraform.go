package rules

import (
	"cmp"
	"context"
	"encoding/json"

	"nightjar/api"
	"nightjar/api/codec"
	"nightjar/api/ruledoc"
	"nightjar/api/terraform"
	pb "nightjar/api/v1"
	"nightjar/compiler"
	"nightjar/configuration"
	"nightjar/schema"
)

// TerraformService serves TerraformService.
type TerraformService struct {
	pb.UnimplementedTerraformServiceServer
	Rules         *RuleService
	Suppressions  Suppressions
	Configuration *configuration.Stores
}

// ExportTerraform writes one stored object.
func (s *TerraformService) ExportTerraform(ctx context.Context, in *pb.ExportTerraformRequest) (*pb.TerraformResponse, error) {
	return terraformAnswer(s.stored(ctx, in.GetResourceType(), in.GetResourceId()))
}

// ExportTerraformFiles packs stored objects.
func (s *TerraformService) ExportTerraformFiles(ctx context.Context, in *pb.ExportTerraformFilesRequest) (*pb.File, error) {
	ids := in.GetData().GetAttributes().GetResourceIds()
	if len(ids) == 0 {
		return nil, api.BadRequest(api.AttributesPath+".resource_ids", "name at least one")
	}
	a := newArchive()
	for _, id := range ids {
		e, err := s.stored(ctx, in.GetResourceType(), id)
		if err != nil {
			return nil, err
		}
		if err := a.add(cmp.Or(e.Name, id), id, ".tf", []byte(e.Text)); err != nil {
			return nil, err
		}
	}
	return a.file(in.GetResourceType() + ".zip")
}

func (s *TerraformService) stored(ctx context.Context, kind, id string) (terraform.Resource, error) {
	switch kind {
	case "rules":
		r, err := s.Rules.Store.Rule(ctx, id)
		return terraform.Rule(&r, id), err
	case "suppressions":
		p, err := s.Suppressions.Suppression(ctx, id)
		return terraform.Suppression(&p, id), err
	case "critical_assets":
		v, err := s.Configuration.CriticalAssets.Get(ctx, id)
		return terraform.CriticalAsset(&v.Body, id), err
	case "security_filters":
		v, err := s.Configuration.SecurityFilters.Get(ctx, id)
		return terraform.SecurityFilter(&v.Body, id), err
	}
	return terraform.Resource{}, unknownResource(kind)
}

func unknownResource(kind string) error {
	return api.BadRequest("resource_type", "want rules, suppressions, critical_assets or security_filters, got %q", kind)
}

// ConvertTerraform checks an object and writes it.
func (s *TerraformService) ConvertTerraform(_ context.Context, in *pb.ConvertTerraformRequest) (*pb.TerraformResponse, error) {
	return terraformAnswer(s.converted(in.GetResourceType(), in.GetData().GetId(), in.GetData().GetAttributes().GetResourceText()))
}

func (s *TerraformService) converted(kind, id, text string) (e terraform.Resource, err error) {
	if text == "" {
		return e, api.BadRequest(api.AttributesPath+".resource_json", "missing")
	}
	switch kind {
	case "rules":
		in := &pb.Rule{}
		if err := codec.Decode([]byte(text), in); err != nil {
			return e, err
		}
		r, err := ruledoc.Requested(in)
		if err == nil {
			checked := s.Rules.Check(r)
			err = checked.Err()
		}
		return terraform.Rule(&r, id), ruledoc.Explain(err)
	case "suppressions":
		var p schema.Suppression
		if err = readResource(text, &p); err == nil {
			_, err = compiler.CompileSuppression(p)
		}
		e = terraform.Suppression(&p, id)
	case "critical_assets":
		a := configuration.CriticalAsset{Enabled: true}
		if err = readResource(text, &a); err == nil {
			err = configuration.CriticalAssets.Check(&a)
		}
		e = terraform.CriticalAsset(&a, id)
	case "security_filters":
		var f configuration.SecurityFilter
		if err = readResource(text, &f); err == nil {
			err = configuration.SecurityFilters.Check(&f)
		}
		e = terraform.SecurityFilter(&f, id)
	default:
		err = unknownResource(kind)
	}
	return e, codec.Within(api.AttributesPath+".resource_json", err)
}

func readResource(text string, into any) error {
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return &schema.InvalidError{Details: []schema.Detail{{Message: err.Error()}}}
	}
	return nil
}

func terraformAnswer(e terraform.Resource, err error) (*pb.TerraformResponse, error) {
	if err != nil {
		return nil, err
	}
	return &pb.TerraformResponse{Data: &pb.TerraformResource{
		Id: e.Kind + "|" + e.ID, Type: "format_resource",
		Attributes: &pb.TerraformResourceAttributes{TypeName: e.Kind, ResourceId: e.ID, Output: e.Text},
	}}, nil
}
