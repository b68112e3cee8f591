package pipelines

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"nightjar/api"
	"nightjar/api/limits"
	pb "nightjar/api/v1"
	"nightjar/configuration"
	"nightjar/content"
	"nightjar/ingest/pipeline"
	"nightjar/ingest/pipeline/registry"
	"nightjar/ingest/pipeline/sampletest"
	"nightjar/objects"
	"nightjar/schema"
)

// maxTestedSamples bounds the samples of one test.
const maxTestedSamples = 500

type keptSamples = objects.Versioned[configuration.PipelineSamples]

// kept are the samples that are kept of a pipeline; an ID of "": there were never any.
func (s *PipelineService) kept(ctx context.Context, id string) (keptSamples, error) {
	all, err := s.Samples.List(ctx)
	if err != nil {
		return keptSamples{}, err
	}
	at := slices.IndexFunc(all, func(v keptSamples) bool { return v.Body.PipelineID == id })
	if at < 0 {
		return keptSamples{}, nil
	}
	return all[at], nil
}

// samplesOf are the samples that are kept of a pipeline, else those that ship with it.
func (s *PipelineService) samplesOf(ctx context.Context, id string) (*pb.PipelineSamples, error) {
	v, err := s.kept(ctx, id)
	if err != nil {
		return nil, err
	}
	out := samplesToProto(v)
	if out.Text != "" {
		return out, nil
	}
	out.Text, err = content.SamplesOf(id)
	out.IsBuiltIn = out.Text != ""
	return out, err
}

func samplesToProto(v keptSamples) *pb.PipelineSamples {
	out := &pb.PipelineSamples{Text: v.Body.Text, Version: v.Version}
	if v.ID != "" {
		out.UpdatedAt = new(v.UpdatedAt.String())
	}
	return out
}

// GetPipelineSamples reads the samples of a pipeline.
func (s *PipelineService) GetPipelineSamples(ctx context.Context, in *pb.GetPipelineRequest) (*pb.PipelineSamples, error) {
	if _, err := s.Registry.Get(ctx, in.GetPipelineId()); err != nil {
		return nil, err
	}
	return s.samplesOf(ctx, in.GetPipelineId())
}

// ListPipelineSamplesVersions reads every version of them.
func (s *PipelineService) ListPipelineSamplesVersions(ctx context.Context, in *pb.GetPipelineRequest) (*pb.PipelineSamplesVersions, error) {
	if _, err := s.Registry.Get(ctx, in.GetPipelineId()); err != nil {
		return nil, err
	}
	out := &pb.PipelineSamplesVersions{}
	v, err := s.kept(ctx, in.GetPipelineId())
	if err != nil || v.ID == "" {
		return out, err
	}
	versions, err := s.Samples.Versions(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	for _, v := range slices.Backward(versions) {
		out.Data = append(out.Data, samplesToProto(v))
	}
	return out, nil
}

// UpdatePipelineSamples keeps samples of a pipeline, and says what comes of each.
func (s *PipelineService) UpdatePipelineSamples(ctx context.Context, in *pb.UpdatePipelineSamplesRequest) (*pb.KeptPipelineSamples, error) {
	id, text := in.GetPipelineId(), in.GetSamples().GetText()
	if _, err := s.Registry.Get(ctx, id); err != nil {
		return nil, err
	}
	var samples *pipeline.Samples
	if strings.TrimSpace(text) == "" {
		text = ""
	} else {
		var err error
		if samples, err = readSamples(text); err != nil {
			return nil, unreadableSamples(err)
		}
	}
	v, err := s.keep(ctx, configuration.PipelineSamples{PipelineID: id, Text: text}, in.GetSamples().GetVersion())
	if err != nil {
		return nil, err
	}
	out := &pb.KeptPipelineSamples{Samples: samplesToProto(v)}
	out.Tests, err = s.run(ctx, s.Registry.Set(), id, samples)
	return out, err
}

// unreadableSamples says every mistake of a text, each with its place.
func unreadableSamples(err error) error {
	var bad *pipeline.DocumentError
	if !errors.As(err, &bad) {
		return err
	}
	out := &schema.InvalidError{}
	for _, p := range bad.Problems {
		out.Details = append(out.Details, schema.Detail{Target: "text", Message: p.String()})
	}
	return out
}

// keep stores samples. ifVersion, unless 0, must be the stored one.
func (s *PipelineService) keep(ctx context.Context, body configuration.PipelineSamples, ifVersion int64) (keptSamples, error) {
	s.keeping.Lock()
	defer s.keeping.Unlock()
	was, err := s.kept(ctx, body.PipelineID)
	switch {
	case err != nil:
		return keptSamples{}, err
	case was.ID == "" && ifVersion != 0:
		return keptSamples{}, api.BadRequest("version", "there are no samples of pipeline %s yet, so there is no version %d", body.PipelineID, ifVersion)
	case was.ID == "":
		return s.Samples.Create(ctx, body)
	}
	v, err := s.Samples.Update(ctx, was.ID, ifVersion, func(b *configuration.PipelineSamples) error { *b = body; return nil })
	if err != nil {
		return v, fmt.Errorf("keep the samples of pipeline %s: %w", body.PipelineID, err)
	}
	return v, nil
}

// readSamples reads a text of samples. The error of one that can't be read is a
// *pipeline.DocumentError.
func readSamples(text string) (*pipeline.Samples, error) {
	samples, err := pipeline.ParseSamples(text)
	if err == nil && len(samples.Samples) > maxTestedSamples {
		err = api.BadRequest("samples", "at most %d at once, got %d", maxTestedSamples, len(samples.Samples))
	}
	return samples, err
}

// run says what comes of samples, once there is room; nil ones come to nothing.
func (s *PipelineService) run(ctx context.Context, set *pipeline.Set, id string, samples *pipeline.Samples) ([]*pb.PipelineTest, error) {
	if samples == nil {
		return nil, nil
	}
	return limits.Through(ctx, s.Gate, func() (out []*pb.PipelineTest, err error) {
		for i := range samples.Samples {
			if err := ctx.Err(); err != nil {
				return nil, err // nobody waits any more
			}
			out = append(out, tested(set, id, &samples.Samples[i]))
		}
		return out, nil
	})
}

func tested(set *pipeline.Set, id string, s *pipeline.Sample) *pb.PipelineTest {
	out := &pb.PipelineTest{Name: s.Name, Line: int64(s.Line)}
	differs, err := sampletest.Run(set, id, s)
	switch {
	case err != nil:
		out.Differs = []string{err.Error()}
	case differs == "":
		out.Passed = true
	default:
		out.Differs = strings.Split(differs, "\n")
	}
	return out
}

// TestPipeline runs samples of a pipeline.
func (s *PipelineService) TestPipeline(ctx context.Context, in *pb.TestPipelineRequest) (*pb.TestPipelineResponse, error) {
	draft, id, err := s.testedDraft(ctx, in)
	if err != nil {
		return nil, err
	}
	set, err := s.Registry.Drafted(ctx, draft)
	if err != nil {
		return nil, previewProblem(err)
	}
	out := &pb.TestPipelineResponse{Samples: in.GetSamples()}
	if strings.TrimSpace(out.Samples) == "" && in.GetInPlaceOf() != "" {
		kept, err := s.samplesOf(ctx, in.GetInPlaceOf())
		if err != nil {
			return nil, err
		}
		out.Samples = kept.GetText()
	}
	if strings.TrimSpace(out.Samples) == "" {
		return out, nil
	}
	samples, err := readSamples(out.Samples)
	var bad *pipeline.DocumentError
	switch {
	case errors.As(err, &bad):
		out.Problems = problemsToProto(bad.Problems)
		return out, nil
	case err != nil:
		return nil, err
	}
	out.Tests, err = s.run(ctx, set, id, samples)
	return out, err
}

// testedDraft is what is tested, and the id under which it runs; nil: what is stored.
func (s *PipelineService) testedDraft(ctx context.Context, in *pb.TestPipelineRequest) (*registry.Draft, string, error) {
	id := in.GetInPlaceOf()
	if in.GetPipeline() == nil {
		if id == "" {
			return nil, "", api.BadRequest("pipeline", "say what is tested: a pipeline, or in_place_of, the id of one")
		}
		_, err := s.Registry.Get(ctx, id)
		return nil, id, err
	}
	document, err := documentOf(in.GetPipeline())
	if err != nil {
		return nil, "", err
	}
	draft := &registry.Draft{Document: document, InPlaceOf: id}
	if id == "" {
		id = registry.DraftID
	}
	return draft, id, nil
}
