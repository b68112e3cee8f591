package views

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"nightjar/api"
	"nightjar/api/codec"
	"nightjar/api/services/events"
	"nightjar/api/services/rules"
	"nightjar/api/services/signals"
	pb "nightjar/api/v1"
	"nightjar/configuration"
	"nightjar/content"
	"nightjar/content/demo"
	"nightjar/objects"
	"nightjar/schema"
)

// DemoService serves DemoService.
type DemoService struct {
	pb.UnimplementedDemoServiceServer
	Store  *objects.Store[configuration.Demo]
	Rules  *rules.RuleService
	Jobs   *signals.TriageJobService
	Intake events.Intake
	Now    func() time.Time

	changing sync.Mutex // one demo is made or removed at a time
}

// present is the demo that was made last.
func (s *DemoService) present(ctx context.Context) (v objects.Versioned[configuration.Demo], ok bool) {
	all, _ := s.Store.List(ctx) // never fails
	if len(all) == 0 {
		return v, false
	}
	return all[len(all)-1], true
}

func demoToProto(v objects.Versioned[configuration.Demo], ok bool) *pb.Demo {
	if !ok {
		return &pb.Demo{State: "none", Query: demo.Tag}
	}
	b := &v.Body
	return &pb.Demo{State: b.State, By: b.By, Began: int64(b.Began), Events: int64(b.Events), RuleIds: b.RuleIDs, Query: demo.Tag}
}

// GetDemo says whether there is a demo.
func (s *DemoService) GetDemo(ctx context.Context, _ *pb.GetDemoRequest) (*pb.Demo, error) {
	return demoToProto(s.present(ctx)), nil
}

// CreateDemo makes the rules and takes the day in: rules first, which see what comes after
// them. What it made is kept before the events are taken in, so that it can be removed
// whatever fails; asked again, it goes on.
func (s *DemoService) CreateDemo(ctx context.Context, _ *pb.CreateDemoRequest) (*pb.Demo, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	v, ok := s.present(ctx)
	if ok && v.Body.State == "shown" && v.Body.Events > 0 {
		return demoToProto(v, true), nil
	}
	if !ok || v.Body.State != "shown" {
		var err error
		body := configuration.Demo{State: "shown", By: api.AuthorOf(ctx), Began: schema.MillisOf(s.Now())}
		if v, err = s.Store.Create(ctx, body); err != nil {
			return nil, err
		}
	}
	made, err := s.makeRules(ctx)
	if len(made) > 0 {
		var stored error
		v, stored = s.Store.Update(ctx, v.ID, 0, func(b *configuration.Demo) error { b.RuleIDs = append(b.RuleIDs, made...); return nil })
		err = errors.Join(err, stored)
	}
	if err != nil {
		return nil, err
	}
	n, err := s.send(ctx, v)
	if err != nil {
		return nil, err
	}
	v, err = s.Store.Update(ctx, v.ID, 0, func(b *configuration.Demo) error { b.Events = n; return nil })
	return demoToProto(v, true), err
}

// makeRules makes the rules that there are none of that name of.
func (s *DemoService) makeRules(ctx context.Context) (made []string, err error) {
	all, err := s.Rules.Store.Rules(ctx)
	if err != nil {
		return nil, err
	}
	for _, file := range demo.Rules {
		text, err := content.Files.ReadFile(file)
		if err != nil {
			return made, fmt.Errorf("read a bundled rule: %w", err)
		}
		var rule pb.Rule
		if err := codec.Decode(text, &rule); err != nil {
			return made, fmt.Errorf("bundled rule %s: %w", file, err)
		}
		if slices.ContainsFunc(all, func(r schema.Rule) bool { return r.Name == rule.GetName() }) {
			continue
		}
		created, err := s.Rules.CreateRule(ctx, &pb.CreateRuleRequest{Rule: &rule})
		if err != nil {
			return made, fmt.Errorf("bundled rule %s: %w", file, err)
		}
		made = append(made, created.GetId())
	}
	return made, nil
}

// demoBatch is how many events are taken in at once.
const demoBatch = 500

// send takes the day in. A batch that was taken in before is not taken in again.
func (s *DemoService) send(ctx context.Context, v objects.Versioned[configuration.Demo]) (n int, err error) {
	day, err := demo.Day(v.Body.Began.Time())
	if err != nil {
		return 0, err
	}
	for i, batch := range slices.Collect(slices.Chunk(day, demoBatch)) {
		body := append([]byte{'['}, bytes.Join(texts(batch), []byte{','})...)
		if _, _, _, err := s.Intake.SubmitJSON(ctx, fmt.Sprintf("demo-%s-%d", v.ID, i), append(body, ']')); err != nil {
			return n, fmt.Errorf("take in the demo's day: %w", err)
		}
		n += len(batch)
	}
	return n, nil
}

func texts(batch []json.RawMessage) [][]byte {
	out := make([][]byte, len(batch))
	for i, text := range batch {
		out[i] = text
	}
	return out
}

// DeleteDemo deletes the rules that the demo made, and archives its signals.
func (s *DemoService) DeleteDemo(ctx context.Context, _ *pb.GetDemoRequest) (*pb.Demo, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	v, ok := s.present(ctx)
	if !ok || v.Body.State != "shown" {
		return demoToProto(v, ok), nil
	}
	for _, id := range v.Body.RuleIDs {
		var gone *schema.NotFoundError
		if err := s.Rules.Store.DeleteRule(ctx, id); err != nil && !errors.As(err, &gone) {
			return nil, err
		}
	}
	job, err := s.Jobs.CreateTriageJob(ctx, &pb.CreateTriageJobRequest{
		Filter: &pb.SignalFilter{Query: demo.Tag + " -state:archived"}, RequestId: "demo " + v.ID + " removed",
		Change: &pb.SignalChange{State: new(schema.StateArchived), ArchiveReason: new("testing_or_maintenance"), ArchiveComment: new("the demo was removed")},
	})
	if err != nil {
		return nil, err
	}
	v, err = s.Store.Update(ctx, v.ID, 0, func(b *configuration.Demo) error { b.State = "removed"; return nil })
	if err != nil {
		return nil, err
	}
	out := demoToProto(v, true)
	out.TriageJobId = job.GetId()
	return out, nil
}
