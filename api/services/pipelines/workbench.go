package pipelines

import (
	"context"
	"errors"
	"strings"

	"nightjar/api"
	"nightjar/api/limits"
	"nightjar/api/services/events"
	pb "nightjar/api/v1"
	"nightjar/ingest/pipeline"
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
