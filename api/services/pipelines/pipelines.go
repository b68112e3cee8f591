package pipelines

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"nightjar/api"
	"nightjar/api/codec"
	"nightjar/api/limits"
	"nightjar/api/services/events"
	pb "nightjar/api/v1"
	"nightjar/configuration"
	"nightjar/ingest/pipeline"
	"nightjar/ingest/pipeline/registry"
	"nightjar/objects"
	"nightjar/schema"
	"nightjar/schema/vocabulary"
)

// eventReader reads a stored event.
type eventReader interface {
	Log(ctx context.Context, at schema.Millis, seq uint64) (schema.Event, error)
}

// PipelineService serves PipelineService.
type PipelineService struct {
	pb.UnimplementedPipelineServiceServer
	Registry *registry.Registry
	Logs     eventReader
	Samples  *objects.Store[configuration.PipelineSamples]
	Now      func() time.Time
	// Gate is what trying out passes: it is work, and whoever reads may ask for it.
	Gate *limits.Gate

	keeping sync.Mutex // samples are kept one after the other
}

// logsConfig is where the reference has its pipelines.
const logsConfig = "/api/v1/logs/config/"

// pipelineProblem words errors as the reference's clients know them: at its paths a
// pipeline that is not there is a bad request.
func pipelineProblem(ctx context.Context, err error) error {
	var missing *schema.NotFoundError
	var order *registry.OrderError
	switch x := api.ExchangeOf(ctx); {
	case errors.As(err, &missing) && missing.Kind == "pipeline" && x != nil && strings.HasPrefix(x.Path, logsConfig):
		return &api.Error{Code: api.CodeInvalidArgument, Message: "there is no pipeline with the id " + api.Shorten(missing.ID), Target: "pipeline_id"}
	case errors.As(err, &order):
		return &api.Error{Code: api.CodeInvalidArgument, Status: http.StatusUnprocessableEntity, Message: order.Error(), Target: "pipeline_ids"}
	}
	return err
}

// ListPipelines reads all.
func (s *PipelineService) ListPipelines(ctx context.Context, _ *pb.ListPipelinesRequest) (*pb.ListPipelinesResponse, error) {
	out := &pb.ListPipelinesResponse{Pipelines: []*pb.Pipeline{}}
	for _, e := range s.Registry.List(ctx) {
		if e.Pipeline == nil {
			continue // out of force, and no pipeline that clients could read
		}
		shown, err := referencePipeline(e.Pipeline)
		if err != nil {
			return nil, err
		}
		out.Pipelines = append(out.Pipelines, shown)
	}
	return out, nil
}

// GetPipeline reads one.
func (s *PipelineService) GetPipeline(ctx context.Context, in *pb.GetPipelineRequest) (*pb.Pipeline, error) {
	return s.answer(ctx)(s.Registry.Get(ctx, in.GetPipelineId()))
}

// CreatePipeline stores one.
func (s *PipelineService) CreatePipeline(ctx context.Context, in *pb.CreatePipelineRequest) (*pb.Pipeline, error) {
	document, err := documentOf(in.GetPipeline())
	if err != nil {
		return nil, err
	}
	return s.answer(ctx)(s.Registry.Create(ctx, document))
}

// UpdatePipeline changes one.
func (s *PipelineService) UpdatePipeline(ctx context.Context, in *pb.UpdatePipelineRequest) (*pb.Pipeline, error) {
	document, err := documentOf(in.GetPipeline())
	if err != nil {
		return nil, err
	}
	as := registry.OwnClient
	if x := api.ExchangeOf(ctx); x != nil && strings.HasPrefix(x.Path, logsConfig) {
		as = registry.ReferenceClient
	}
	return s.answer(ctx)(s.Registry.Update(ctx, in.GetPipelineId(), in.GetIfVersion(), document, as))
}

// DeletePipeline ends one.
func (s *PipelineService) DeletePipeline(ctx context.Context, in *pb.DeletePipelineRequest) (*pb.DeletePipelineResponse, error) {
	return &pb.DeletePipelineResponse{}, pipelineProblem(ctx, s.Registry.Delete(ctx, in.GetPipelineId()))
}

// GetPipelineOrder reads the order.
func (s *PipelineService) GetPipelineOrder(ctx context.Context, _ *pb.GetPipelineOrderRequest) (*pb.PipelineOrder, error) {
	return &pb.PipelineOrder{PipelineIds: s.Registry.Order(ctx)}, nil
}

// UpdatePipelineOrder changes it.
func (s *PipelineService) UpdatePipelineOrder(ctx context.Context, in *pb.PipelineOrder) (*pb.PipelineOrder, error) {
	ids, err := s.Registry.SetOrder(ctx, in.GetPipelineIds())
	if err != nil {
		return nil, pipelineProblem(ctx, err)
	}
	return &pb.PipelineOrder{PipelineIds: ids}, nil
}

// documentOf is the text of a pipeline that a caller sent.
func documentOf(p *pb.Pipeline) ([]byte, error) {
	if p == nil {
		return nil, api.BadRequest("", "the body is empty; send a pipeline, as in {\"name\": \"…\", \"filter\": {\"query\": \"…\"}, \"processors\": []}")
	}
	// What the engine says of pipelines may come back, and means nothing.
	p.Id, p.IsReadOnly = nil, nil
	return codec.Encode(p)
}

func (s *PipelineService) answer(ctx context.Context) func(registry.Entry, error) (*pb.Pipeline, error) {
	return func(e registry.Entry, err error) (*pb.Pipeline, error) {
		if err != nil {
			return nil, pipelineProblem(ctx, err)
		}
		if e.Pipeline == nil {
			return nil, api.BadRequest("pipeline_id", "%s", e.Broken)
		}
		return referencePipeline(e.Pipeline)
	}
}

// referencePipeline is a pipeline as the reference's clients can read it.
func referencePipeline(p *pipeline.Pipeline) (*pb.Pipeline, error) {
	document, _, err := registry.ForReference(p)
	if err != nil {
		return nil, err
	}
	out := &pb.Pipeline{}
	return out, codec.ToMessage(json.RawMessage(document), out)
}

func shownPipeline(p *pipeline.Pipeline) (*pb.Pipeline, error) {
	out := &pb.Pipeline{}
	return out, codec.ToMessage(p, out)
}

// ListPipelineStates reads all pipelines with their counts and problems.
func (s *PipelineService) ListPipelineStates(ctx context.Context, _ *pb.ListPipelinesRequest) (*pb.PipelineStates, error) {
	out := &pb.PipelineStates{}
	counts := s.Registry.Counts()
	for _, e := range s.Registry.List(ctx) {
		state, err := pipelineState(e, counts[e.ID])
		if err != nil {
			return nil, err
		}
		out.Data = append(out.Data, state)
	}
	return out, nil
}

// GetPipelineState reads one so.
func (s *PipelineService) GetPipelineState(ctx context.Context, in *pb.GetPipelineRequest) (*pb.PipelineState, error) {
	return s.state(s.Registry.Get(ctx, in.GetPipelineId()))
}

// SwitchPipeline enables or disables one.
func (s *PipelineService) SwitchPipeline(ctx context.Context, in *pb.SwitchPipelineRequest) (*pb.PipelineState, error) {
	return s.state(s.Registry.Enable(ctx, in.GetPipelineId(), in.GetIsEnabled()))
}

// ClonePipeline copies one.
func (s *PipelineService) ClonePipeline(ctx context.Context, in *pb.ClonePipelineRequest) (*pb.PipelineState, error) {
	return s.state(s.Registry.Clone(ctx, in.GetPipelineId(), in.GetName()))
}

func (s *PipelineService) state(e registry.Entry, err error) (*pb.PipelineState, error) {
	if err != nil {
		return nil, err
	}
	out, err := pipelineState(e, s.Registry.Counts()[e.ID])
	if err != nil {
		return nil, err
	}
	out.Text, err = textOf(e.Pipeline)
	return out, err
}

func pipelineState(e registry.Entry, c pipeline.Counted) (*pb.PipelineState, error) {
	out := &pb.PipelineState{
		Id: e.ID, Version: e.Version, IsBuiltIn: e.BuiltIn, Broken: events.UnlessEmpty(e.Broken),
		Statistics: &pb.PipelineStatistics{
			Events: c.Events, Failed: c.Failures, Redacted: c.Redacted, TimePerEvent: registry.MicrosPerEvent(c),
			Dear: events.UnlessEmpty(registry.IsDear(e.Pipeline, c)),
		},
	}
	if e.UpdatedAt != 0 {
		out.UpdatedAt = new(e.UpdatedAt.String())
	}
	if e.Pipeline == nil {
		return out, nil
	}
	out.Warnings = problemTexts(e.Pipeline.Warnings)
	if e.BuiltIn {
		out.Version = int64(e.Pipeline.Version)
	}
	var err error
	out.Pipeline, err = shownPipeline(e.Pipeline)
	return out, err
}

func problemTexts(problems []pipeline.Problem) (out []string) {
	for _, p := range problems {
		out = append(out, p.String())
	}
	return out
}

// CheckPipeline says what is wrong with a document.
func (s *PipelineService) CheckPipeline(_ context.Context, in *pb.CheckPipelineRequest) (*pb.CheckPipelineResponse, error) {
	document, err := documentOf(in.GetPipeline())
	if err != nil {
		return nil, err
	}
	p, err := pipeline.Parse(string(document), pipeline.ParseOptions{})
	if err != nil {
		return nil, err
	}
	out := &pb.CheckPipelineResponse{Warnings: problemTexts(p.Warnings)}
	out.Pipeline, err = shownPipeline(p)
	return out, err
}

// ListPipelineVersions reads the versions of one.
func (s *PipelineService) ListPipelineVersions(ctx context.Context, in *pb.GetPipelineRequest) (*pb.PipelineVersions, error) {
	versions, err := s.Registry.Versions(ctx, in.GetPipelineId())
	if err != nil {
		return nil, err
	}
	out := &pb.PipelineVersions{}
	for _, e := range versions {
		v := &pb.PipelineVersion{Version: e.Version, UpdatedAt: e.UpdatedAt.String(), IsDeleted: e.Deleted}
		if e.Pipeline != nil {
			if v.Pipeline, err = shownPipeline(e.Pipeline); err != nil {
				return nil, err
			}
			if v.Text, err = textOf(e.Pipeline); err != nil {
				return nil, err
			}
		}
		out.Data = append(out.Data, v)
	}
	return out, nil
}

// ListDeletedPipelines reads the last versions of those that were deleted.
func (s *PipelineService) ListDeletedPipelines(ctx context.Context, _ *pb.ListPipelinesRequest) (*pb.DeletedPipelines, error) {
	out := &pb.DeletedPipelines{}
	for _, e := range s.Registry.Deleted(ctx) {
		d := &pb.DeletedPipeline{Id: e.ID, Version: e.Version, DeletedAt: e.UpdatedAt.String(), Broken: events.UnlessEmpty(e.Broken)}
		if e.Pipeline != nil {
			var err error
			if d.Pipeline, err = shownPipeline(e.Pipeline); err != nil {
				return nil, err
			}
		}
		out.Data = append(out.Data, d)
	}
	return out, nil
}

// RestorePipeline makes an earlier version the next one.
func (s *PipelineService) RestorePipeline(ctx context.Context, in *pb.RestorePipelineRequest) (*pb.PipelineState, error) {
	return s.state(s.Registry.Restore(ctx, in.GetPipelineId(), in.GetVersion()))
}

// PreviewPipelines shows an event before and after.
func (s *PipelineService) PreviewPipelines(ctx context.Context, in *pb.PreviewPipelinesRequest) (*pb.PreviewPipelinesResponse, error) {
	input, err := s.previewed(ctx, in)
	if err != nil {
		return nil, err
	}
	var draft *registry.Draft
	if in.GetPipeline() != nil {
		document, err := documentOf(in.GetPipeline())
		if err != nil {
			return nil, err
		}
		draft = &registry.Draft{Document: document, InPlaceOf: in.GetInPlaceOf(), Alone: in.GetAlone()}
	}
	p, trace, err := s.preview(ctx, input, draft)
	if err != nil {
		return nil, err
	}
	return &pb.PreviewPipelinesResponse{
		Before: events.LogItem(&p.Before, vocabulary.Own), After: events.LogItem(&p.After, vocabulary.Own), TraceText: trace, Raw: events.UnlessEmpty(p.After.Original),
	}, nil
}

// preview reads an event as a draft, or what is in force, does. The trace is JSON.
func (s *PipelineService) preview(ctx context.Context, in registry.Input, draft *registry.Draft) (p registry.Preview, trace string, err error) {
	p, err = s.Registry.Preview(ctx, in, draft)
	if err != nil {
		return p, "", previewProblem(err)
	}
	text, err := json.Marshal(p.Trace)
	if err != nil {
		return p, "", fmt.Errorf("encode a trace: %w", err)
	}
	return p, string(text), nil
}

// previewProblem tells of an event that cannot be read; others stay what they are.
func previewProblem(err error) error {
	var document *pipeline.DocumentError
	var missing *schema.NotFoundError
	if errors.As(err, &document) || errors.As(err, &missing) {
		return err
	}
	return api.BadRequest("event", "%v", err)
}

// previewed is what a preview is asked of.
func (s *PipelineService) previewed(ctx context.Context, in *pb.PreviewPipelinesRequest) (registry.Input, error) {
	given := 0
	for _, is := range []bool{in.GetEventId() != "", in.GetEventText() != "", in.GetLine() != ""} {
		if is {
			given++
		}
	}
	if given != 1 {
		return registry.Input{}, api.BadRequest("event", "give one of event_id, event and line, got %d", given)
	}
	if in.GetEventId() == "" {
		input := registry.Input{Line: in.GetLine(), Source: in.GetSource()}
		if in.GetEventText() != "" {
			input.Object = []byte(in.GetEventText())
		}
		return input, nil
	}
	at, seq, err := schema.ParseEventID(in.GetEventId())
	if err != nil {
		return registry.Input{}, api.BadRequest("event_id", "%v", err)
	}
	e, err := s.Logs.Log(ctx, at, seq)
	if err != nil {
		return registry.Input{}, err
	}
	return registry.Input{Stored: &e}, nil
}

// maxNotable bounds how many notable pipelines the status names.
const maxNotable = 100

// Status is how they are doing; nil: there are none.
func (s *PipelineService) Status(ctx context.Context) *pb.PipelinesStatus {
	if s.Registry == nil {
		return nil
	}
	out := &pb.PipelinesStatus{}
	counts := s.Registry.Counts()
	for _, e := range s.Registry.List(ctx) {
		c := counts[e.ID]
		out.Applied += c.Events
		out.Failed += c.Failures
		if e.Enabled() {
			out.Enabled++
		}
		why := e.Broken
		switch expensive := registry.IsDear(nil, c); { // the list says which of its rules are
		case why != "":
			why = "it is out of force: " + why
		case c.Failures > 0:
			why = fmt.Sprintf("something failed, or took too long, in %d of its events: search @nightjar.pipeline_errors:*", c.Failures)
		case c.Events > 0:
			why = expensive
		}
		if why == "" || len(out.Notable) == maxNotable {
			continue
		}
		n := &pb.NotablePipeline{Id: e.ID, Events: c.Events, Failed: c.Failures, TimePerEvent: registry.MicrosPerEvent(c), Why: why}
		if e.Pipeline != nil {
			n.Name = e.Pipeline.Name
		}
		out.Notable = append(out.Notable, n)
	}
	return out
}
