package pipelines

import (
	"context"
	"errors"
	"strings"

	"nightjar/api"
	"nightjar/api/limits"
	"nightjar/api/services/events"
	pb "nightjar/api/v1"
	"nightjar/content"
	"nightjar/ingest/pipeline"
	"nightjar/ingest/pipeline/registry"
	"nightjar/ingest/pipeline/sampletest"
	"nightjar/schema"
)

// CheckPipelineText reads a document as somebody writes it.
func (s *PipelineService) CheckPipelineText(_ context.Context, in *pb.CheckPipelineTextRequest) (*pb.CheckPipelineTextResponse, error) {
	p, err := pipeline.Parse(in.GetText(), pipeline.ParseOptions{Enabled: true})
	var bad *pipeline.DocumentError
	switch {
	case errors.As(err, &bad):
		return &pb.CheckPipelineTextResponse{Problems: problemsToProto(bad.Problems)}, nil
	case err != nil:
		return nil, err
	}
	out := &pb.CheckPipelineTextResponse{Valid: true, Warnings: problemsToProto(p.Warnings)}
	if out.Text, err = p.Text(); err != nil {
		return nil, err
	}
	out.Pipeline, err = shownPipeline(p)
	return out, err
}

func problemsToProto(problems []pipeline.Problem) (out []*pb.PipelineProblem) {
	for _, p := range problems {
		out = append(out, &pb.PipelineProblem{Path: p.Path, Line: int64(p.Line), Column: int64(p.Column), Message: p.Message, Hint: p.Hint})
	}
	return out
}

// textOf is a pipeline as people write it; nil: there is none.
func textOf(p *pipeline.Pipeline) (*string, error) {
	if p == nil {
		return nil, nil
	}
	text, err := p.Text()
	return &text, err
}

// maxTestedSamples bounds the samples of one test.
const maxTestedSamples = 500

// TestPipeline runs samples of a pipeline.
func (s *PipelineService) TestPipeline(ctx context.Context, in *pb.TestPipelineRequest) (*pb.TestPipelineResponse, error) {
	id := in.GetInPlaceOf()
	var draft *registry.Draft
	switch {
	case in.GetPipeline() != nil:
		document, err := documentOf(in.GetPipeline())
		if err != nil {
			return nil, err
		}
		draft = &registry.Draft{Document: document, InPlaceOf: id}
		if id == "" {
			id = registry.DraftID
		}
	case id == "":
		return nil, api.BadRequest("pipeline", "say what is tested: a pipeline, or in_place_of, the id of one")
	default:
		if _, err := s.Registry.Get(ctx, id); err != nil {
			return nil, err
		}
	}
	set, err := s.Registry.Drafted(ctx, draft)
	if err != nil {
		return nil, previewProblem(err)
	}
	out := &pb.TestPipelineResponse{Samples: in.GetSamples()}
	if strings.TrimSpace(out.Samples) == "" {
		if out.Samples, err = content.SamplesOf(in.GetInPlaceOf()); err != nil || out.Samples == "" {
			return out, err
		}
	}
	samples, err := pipeline.ParseSamples(out.Samples)
	var bad *pipeline.DocumentError
	switch {
	case errors.As(err, &bad):
		out.Problems = problemsToProto(bad.Problems)
		return out, nil
	case err != nil:
		return nil, err
	case len(samples.Samples) > maxTestedSamples:
		return nil, api.BadRequest("samples", "at most %d at once, got %d", maxTestedSamples, len(samples.Samples))
	}
	return limits.Through(ctx, s.Gate, func() (*pb.TestPipelineResponse, error) {
		for i := range samples.Samples {
			if err := ctx.Err(); err != nil {
				return nil, err // nobody waits any more
			}
			out.Tests = append(out.Tests, tested(set, id, &samples.Samples[i]))
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

// Bounds of what grok rules are tried with.
const (
	maxTriedTexts = 100
	maxTriedBytes = 100_000
)

// TryGrok reads texts with grok rules.
func (s *PipelineService) TryGrok(ctx context.Context, in *pb.TryGrokRequest) (*pb.TryGrokResponse, error) {
	if n := len(in.GetSamples()); n > maxTriedTexts {
		return nil, api.BadRequest("samples", "at most %d, got %d", maxTriedTexts, n)
	}
	for _, text := range in.GetSamples() {
		if len(text) > maxTriedBytes {
			return nil, api.BadRequest("samples", "each has at most %d bytes, got %d", maxTriedBytes, len(text))
		}
	}
	rules := pipeline.GrokRules{MatchRules: in.GetMatchRules(), SupportRules: in.GetSupportRules()}
	if strings.TrimSpace(rules.MatchRules) == "" {
		return nil, &schema.InvalidError{Details: []schema.Detail{{Target: "match_rules", Message: "there is no rule; write one a line, such as: login user %{word:usr.name} from %{ip:network.client.ip}"}}}
	}
	return limits.Through(ctx, s.Gate, func() (*pb.TryGrokResponse, error) {
		tries, problems, warnings := pipeline.TryGrok(ctx, rules, in.GetSamples(), s.Now())
		out := &pb.TryGrokResponse{Problems: problemsToProto(problems), Warnings: warnings}
		for _, t := range tries {
			out.Results = append(out.Results, &pb.GrokResult{Rule: t.Rule, FoundText: events.UnlessEmpty(string(t.Found)), Why: t.Why})
		}
		return out, ctx.Err()
	})
}
