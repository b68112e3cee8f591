package api

import (
	"cmp"
	"context"
	"encoding/json"

	pb "nightjar/api/v1"
	"nightjar/compiler"
	"nightjar/configuration"
	"nightjar/schema"
)

// terraforms serves TerraformService.
type terraforms struct {
	pb.UnimplementedTerraformServiceServer
	rules         *rules
	suppressions  Suppressions
	configuration *configuration.Stores
}

// ExportTerraform writes one stored object.
func (s *terraforms) ExportTerraform(ctx context.Context, in *pb.ExportTerraformRequest) (*pb.TerraformResponse, error) {
	return terraformAnswer(s.stored(ctx, in.GetResourceType(), in.GetResourceId()))
}

// ExportTerraformFiles packs stored objects.
func (s *terraforms) ExportTerraformFiles(ctx context.Context, in *pb.ExportTerraformFilesRequest) (*pb.File, error) {
	ids := in.GetData().GetAttributes().GetResourceIds()
	if len(ids) == 0 {
		return nil, badRequest(attributesPath+".resource_ids", "name at least one")
	}
	a := newArchive()
	for _, id := range ids {
		e, err := s.stored(ctx, in.GetResourceType(), id)
		if err != nil {
			return nil, err
		}
		if err := a.add(cmp.Or(e.name, id), id, ".tf", []byte(e.text)); err != nil {
			return nil, err
		}
	}
	return a.file(in.GetResourceType() + ".zip")
}

func (s *terraforms) stored(ctx context.Context, kind, id string) (exported, error) {
	switch kind {
	case "rules":
		r, err := s.rules.store.Rule(ctx, id)
		return exportRule(&r, id), err
	case "suppressions":
		p, err := s.suppressions.Suppression(ctx, id)
		return exportSuppression(&p, id), err
	case "critical_assets":
		v, err := s.configuration.CriticalAssets.Get(ctx, id)
		return exportAsset(&v.Body, id), err
	case "security_filters":
		v, err := s.configuration.SecurityFilters.Get(ctx, id)
		return exportFilter(&v.Body, id), err
	}
	return exported{}, unknownResource(kind)
}

func unknownResource(kind string) error {
	return badRequest("resource_type", "want rules, suppressions, critical_assets or security_filters, got %q", kind)
}

// ConvertTerraform checks an object and writes it.
func (s *terraforms) ConvertTerraform(_ context.Context, in *pb.ConvertTerraformRequest) (*pb.TerraformResponse, error) {
	return terraformAnswer(s.converted(in.GetResourceType(), in.GetData().GetId(), in.GetData().GetAttributes().GetResourceText()))
}

func (s *terraforms) converted(kind, id, text string) (e exported, err error) {
	if text == "" {
		return e, badRequest(attributesPath+".resource_json", "missing")
	}
	switch kind {
	case "rules":
		in := &pb.Rule{}
		if err := decode([]byte(text), in); err != nil {
			return e, err
		}
		r, err := requestedRule(in)
		if err == nil {
			_, err = s.rules.examine(r)
		}
		return exportRule(&r, id), ruleProblem(err)
	case "suppressions":
		var p schema.Suppression
		if err = readResource(text, &p); err == nil {
			_, err = compiler.CompileSuppression(p)
		}
		e = exportSuppression(&p, id)
	case "critical_assets":
		a := configuration.CriticalAsset{Enabled: true}
		if err = readResource(text, &a); err == nil {
			err = configuration.CriticalAssets.Check(&a)
		}
		e = exportAsset(&a, id)
	case "security_filters":
		var f configuration.SecurityFilter
		if err = readResource(text, &f); err == nil {
			err = configuration.SecurityFilters.Check(&f)
		}
		e = exportFilter(&f, id)
	default:
		err = unknownResource(kind)
	}
	return e, within(attributesPath+".resource_json", err)
}

func readResource(text string, into any) error {
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return &schema.Invalid{Details: []schema.Detail{{Message: err.Error()}}}
	}
	return nil
}

func terraformAnswer(e exported, err error) (*pb.TerraformResponse, error) {
	if err != nil {
		return nil, err
	}
	return &pb.TerraformResponse{Data: &pb.TerraformResource{
		Id: e.kind + "|" + e.id, Type: "format_resource",
		Attributes: &pb.TerraformResourceAttributes{TypeName: e.kind, ResourceId: e.id, Output: e.text},
	}}, nil
}
