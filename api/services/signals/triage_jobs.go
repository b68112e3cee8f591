package signals

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"nightjar/api"
	pb "nightjar/api/v1"
	"nightjar/configuration"
	"nightjar/objects"
	"nightjar/scheduler"
	"nightjar/schema"
)

// Bounds of triage jobs.
const (
	maxJobSignals = 10_000
	maxJobs       = 200 // that are kept
	defaultJobs   = 20
)

// States of a triage job.
const (
	jobRunning = "running"
	jobDone    = "done"
	jobUndoing = "undoing"
	jobUndone  = "undone"
	jobFailed  = "failed"
)

type storedJob = objects.Versioned[configuration.TriageJob]

// TriageJobService serves TriageJobService, and carries the jobs out (Run).
//
// A job is stored with the ids of its signals before any of them is changed. Each signal's
// history says which job changed it: a job that goes on after a restart passes over those
// that it has changed, and one that is undone finds how each stood before.
type TriageJobService struct {
	pb.UnimplementedTriageJobServiceServer
	Jobs    *objects.Store[configuration.TriageJob]
	Signals *SignalService

	once     sync.Once
	wake     chan struct{}
	mu       sync.Mutex // guards what follows
	creating sync.Mutex // one job is begun at a time: names are looked up before
	progress map[string]jobProgress
}

// jobProgress is how far a job is that runs.
type jobProgress struct{ touched, left, overtaken int }

// CreateTriageJob begins a job.
func (s *TriageJobService) CreateTriageJob(ctx context.Context, in *pb.CreateTriageJobRequest) (*pb.TriageJob, error) {
	change := in.GetChange()
	switch {
	case change == nil || change.State == nil && change.ArchiveReason == nil && change.ArchiveComment == nil && change.Assignee == nil:
		return nil, api.BadRequest("change", "missing; want what to make of the signals, such as {\"state\":\"archived\"}")
	case (in.GetFilter().GetQuery() == "") == (len(in.GetIds()) == 0):
		return nil, api.BadRequest("filter.query", "want a query (* is all), or ids, and not both")
	case len(in.GetRequestId()) > 100:
		return nil, api.BadRequest("request_id", "at most 100 characters")
	case change.Version != nil:
		return nil, api.BadRequest("change.version", "many signals have no version in common; give versions, one for each of ids")
	case len(in.GetVersions()) > 0 && len(in.GetVersions()) != len(in.GetIds()):
		return nil, api.BadRequest("versions", "want one for each of the %d ids, got %d", len(in.GetIds()), len(in.GetVersions()))
	case len(change.GetArchiveComment()) > maxComment:
		return nil, api.BadRequest("change.archive_comment", "longer than %d bytes", maxComment)
	}
	body := configuration.TriageJob{Request: in.GetRequestId(), By: api.AuthorOf(ctx), Query: in.GetFilter().GetQuery(), State: jobRunning, Began: s.Signals.now()}
	if a := change.GetAssignee(); a != nil {
		body.Assign = &schema.User{UUID: a.GetUuid(), Handle: a.GetHandle(), Name: a.GetName(), ID: a.GetId()}
	}
	if change.State != nil || change.ArchiveReason != nil || change.ArchiveComment != nil {
		body.Triage = &configuration.TriageChange{State: change.State, Reason: change.GetArchiveReason(), Comment: change.GetArchiveComment()}
	}
	if err := s.edit(storedJob{Body: body}).check(ctx); err != nil {
		return nil, err
	}
	s.creating.Lock()
	defer s.creating.Unlock()
	if made, ok := s.named(ctx, body.Request); ok {
		return s.show(made), nil
	}
	var err error
	if body.IDs, err = s.selected(ctx, in); err != nil {
		return nil, err
	}
	body.Versions = versionsOf(body.IDs, in)
	v, err := s.Jobs.Create(ctx, body)
	if err != nil {
		return nil, err
	}
	s.forget(ctx)
	s.goOn()
	api.AnswerWith(ctx, http.StatusAccepted)
	return s.show(v), nil
}

// check carries the change out on a signal that is nobody's.
func (c signalChange) check(ctx context.Context) error {
	return c.edit(ctx, "", "change").Edit(&schema.Signal{State: schema.StateOpen})
}

// named is the job that a caller gave this name.
func (s *TriageJobService) named(ctx context.Context, request string) (storedJob, bool) {
	if request == "" {
		return storedJob{}, false
	}
	all, _ := s.Jobs.List(ctx) // never fails
	i := slices.IndexFunc(all, func(v storedJob) bool { return v.Body.Request == request })
	if i < 0 {
		return storedJob{}, false
	}
	return all[i], true
}

// selected are the ids of a job's signals, each once.
func (s *TriageJobService) selected(ctx context.Context, in *pb.CreateTriageJobRequest) ([]string, error) {
	ids := slices.Clone(in.GetIds())
	if len(ids) == 0 {
		var err error
		if ids, err = s.Signals.atMost(ctx, in.GetFilter(), maxJobSignals+1); err != nil {
			return nil, err
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if len(ids) > maxJobSignals {
		return nil, api.BadRequest("filter.query", "more than %d signals; narrow it, by time first, or POST /api/nightjar/v1/signals/triage, which cannot be undone", maxJobSignals)
	}
	return ids, nil
}

// versionsOf are the versions that a request gives, in the order of these ids.
func versionsOf(ids []string, in *pb.CreateTriageJobRequest) []uint64 {
	if len(in.GetVersions()) == 0 {
		return nil
	}
	out := make([]uint64, len(ids))
	for i, id := range in.GetIds() {
		at, _ := slices.BinarySearch(ids, id)
		out[at] = in.GetVersions()[i]
	}
	return out
}

// forget lets go of the oldest jobs that have ended, where there are more than are kept.
func (s *TriageJobService) forget(ctx context.Context) {
	all, _ := s.Jobs.List(ctx) // by creation; never fails
	for i := 0; i < len(all)-maxJobs; i++ {
		if b := &all[i].Body; b.State == jobRunning || b.State == jobUndoing {
			continue
		}
		_, _ = s.Jobs.Write(ctx, objects.Ref{ID: all[i].ID}, func(next *storedJob) error { // it is tried again with the next job
			next.Deleted, next.Body.IDs = true, nil
			return nil
		})
	}
}

// ListTriageJobs reads the jobs.
func (s *TriageJobService) ListTriageJobs(ctx context.Context, in *pb.ListTriageJobsRequest) (*pb.ListTriageJobsResponse, error) {
	limit := defaultJobs
	if in.Limit != nil {
		limit = int(in.GetLimit())
	}
	if limit < 1 || limit > maxJobs {
		return nil, api.BadRequest("limit", "want 1 to %d, got %d", maxJobs, limit)
	}
	all, err := s.Jobs.List(ctx)
	if err != nil {
		return nil, err
	}
	slices.Reverse(all)
	out := &pb.ListTriageJobsResponse{}
	for _, v := range all[:min(limit, len(all))] {
		out.Jobs = append(out.Jobs, s.show(v))
	}
	return out, nil
}

// GetTriageJob reads a job.
func (s *TriageJobService) GetTriageJob(ctx context.Context, in *pb.GetTriageJobRequest) (*pb.TriageJob, error) {
	v, err := s.Jobs.Get(ctx, in.GetJobId())
	if err != nil {
		return nil, err
	}
	return s.show(v), nil
}

// UndoTriageJob puts signals back. Asked for twice, it is done once.
func (s *TriageJobService) UndoTriageJob(ctx context.Context, in *pb.GetTriageJobRequest) (*pb.TriageJob, error) {
	v, err := s.Jobs.Update(ctx, in.GetJobId(), 0, func(b *configuration.TriageJob) error {
		switch b.State {
		case jobUndoing, jobUndone:
			return nil
		case jobDone, jobFailed:
			b.State, b.UndoneBy, b.UndoBegan, b.Problem = jobUndoing, api.AuthorOf(ctx), s.Signals.now(), ""
			return nil
		}
		return &api.Error{Code: api.CodeFailedPrecondition, Message: "the job still runs; undo it when it is done"}
	})
	if err != nil {
		return nil, err
	}
	s.goOn()
	api.AnswerWith(ctx, http.StatusAccepted)
	return s.show(v), nil
}

func (s *TriageJobService) show(v storedJob) *pb.TriageJob {
	b := &v.Body
	out := &pb.TriageJob{
		Id: v.ID, State: b.State, Query: b.Query, By: b.By, Began: int64(b.Began), Ended: int64(b.Ended), Found: int64(len(b.IDs)),
		Changed: int64(b.Changed), Left: int64(b.Left), Undoable: b.State == jobDone || b.State == jobFailed,
		UndoneBy: b.UndoneBy, Undone: int64(b.Undone), LeftAtUndo: int64(b.LeftUndo), Problem: b.Problem, ChangedSince: int64(b.Overtaken), Change: &pb.SignalChange{},
	}
	if t := b.Triage; t != nil {
		out.Change.State, out.Change.ArchiveReason, out.Change.ArchiveComment = t.State, &t.Reason, &t.Comment
	}
	if b.Assign != nil {
		out.Change.Assignee = assigneeToProto(*b.Assign)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, runs := s.progress[v.ID]; runs && b.State == jobRunning {
		out.Changed, out.Left, out.ChangedSince = int64(p.touched), int64(p.left), int64(p.overtaken)
	} else if runs {
		out.Undone, out.LeftAtUndo = int64(p.touched), int64(p.left)
	}
	return out
}

func (s *TriageJobService) init() {
	s.once.Do(func() { s.wake, s.progress = make(chan struct{}, 1), map[string]jobProgress{} })
}

// goOn has Run look for jobs.
func (s *TriageJobService) goOn() {
	s.init()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// retryAfter is how long after a failure of the database a job is tried again.
const retryAfter = 2 * time.Second

// Run carries jobs out, one after the other, in the order in which they were begun, until the
// context ends: those that were cut short before it, too.
func (s *TriageJobService) Run(ctx context.Context) error {
	s.init()
	for {
		again := false
		all, _ := s.Jobs.List(ctx) // never fails
		for _, v := range all {
			if v.Body.State == jobRunning || v.Body.State == jobUndoing {
				again = !s.carryOut(ctx, v) || again
			}
		}
		var retry <-chan time.Time
		if again {
			retry = time.After(retryAfter)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		case <-retry:
		}
	}
}

// carryOut does what is left of a job, and reports whether it has ended.
func (s *TriageJobService) carryOut(ctx context.Context, v storedJob) bool {
	var p jobProgress
	var err error
	for batch := range slices.Chunk(v.Body.IDs, maxTriaged) {
		var done jobProgress
		if done, err = s.batch(ctx, v, batch); err != nil {
			break
		}
		p.touched, p.left, p.overtaken = p.touched+done.touched, p.left+done.left, p.overtaken+done.overtaken
		s.mu.Lock()
		s.progress[v.ID] = p
		s.mu.Unlock()
	}
	refused := new(api.Error)
	if ctx.Err() != nil || err != nil && !errors.As(err, &refused) {
		return false // it goes on later
	}
	_, stored := s.Jobs.Update(ctx, v.ID, 0, func(b *configuration.TriageJob) error {
		b.Ended = s.Signals.now()
		if v.Body.State == jobUndoing {
			b.State, b.Undone, b.LeftUndo = jobUndone, p.touched, p.left
		} else {
			b.State, b.Changed, b.Left, b.Overtaken = jobDone, p.touched, p.left, p.overtaken
		}
		if err != nil {
			b.State, b.Problem = jobFailed, err.Error()
		}
		return nil
	})
	if stored == nil {
		s.mu.Lock()
		delete(s.progress, v.ID)
		s.mu.Unlock()
	}
	return stored == nil
}

// batch changes some signals, or puts them back.
func (s *TriageJobService) batch(ctx context.Context, v storedJob, ids []string) (done jobProgress, err error) {
	for len(ids) > 0 {
		already := 0
		done.overtaken = 0
		edits := make([]scheduler.TriageEdit, len(ids))
		for i, id := range ids {
			edits[i] = s.edit(v).edit(ctx, id, "change")
			carryOut := edits[i].Edit
			edits[i].Edit = func(sig *schema.Signal) error {
				if v.Body.State == jobUndoing {
					return putBack(v, sig, s.Signals.now(), &already)
				}
				if madeBy(sig, v.ID) {
					already++
					return scheduler.ErrLeave
				}
				if sig.State == schema.StateArchived && v.Body.Triage != nil {
					return scheduler.ErrLeave
				}
				if isOvertaken(v, sig) {
					done.overtaken++
					return scheduler.ErrLeave
				}
				return carryOut(sig)
			}
		}
		var gone *schema.NotFoundError
		changed, err := s.Signals.Triage.Triage(ctx, edits)
		if errors.As(err, &gone) {
			before := len(ids)
			ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == gone.ID })
			if done.left++; len(ids) < before {
				continue
			}
		}
		if err != nil {
			return jobProgress{}, err
		}
		done.touched = already
		for i := range changed {
			if changed[i].ID != "" {
				done.touched++
			}
		}
		done.left += len(ids) - done.touched
		return done, nil
	}
	return done, nil
}

// isOvertaken reports whether somebody changed a signal since its version was read.
func isOvertaken(v storedJob, sig *schema.Signal) bool {
	if v.Body.Versions == nil {
		return false
	}
	at, found := slices.BinarySearch(v.Body.IDs, sig.ID)
	return found && v.Body.Versions[at] != sig.Triage.Version
}

// edit is a job's change.
func (s *TriageJobService) edit(v storedJob) signalChange {
	b := &v.Body
	out := signalChange{at: b.Began, job: v.ID, by: b.By}
	if b.Assign != nil {
		out.assignee = &pb.SignalUser{Uuid: b.Assign.UUID, Handle: &b.Assign.Handle, Name: &b.Assign.Name, Id: &b.Assign.ID}
	}
	if t := b.Triage; t != nil {
		out.state = &stateChange{t.State, t.Reason, t.Comment, b.Began}
	}
	return out
}

// undoOf is how a history names what undid a job.
func undoOf(job string) string { return job + " undone" }

// madeBy reports whether a signal's history has a job.
func madeBy(sig *schema.Signal, job string) bool {
	return slices.ContainsFunc(sig.Triage.Changes, func(c schema.TriageChange) bool { return c.Job == job })
}

// putBack has a signal stand as it did before the job, where the job was what changed it
// last. One that was put back already counts in already.
func putBack(v storedJob, sig *schema.Signal, now schema.Millis, already *int) error {
	t := &sig.Triage
	if madeBy(sig, undoOf(v.ID)) {
		*already++
		return scheduler.ErrLeave
	}
	if len(t.Changes) == 0 || sig.State == schema.StateArchived {
		return scheduler.ErrLeave
	}
	last := t.Changes[len(t.Changes)-1]
	if last.Job != v.ID || !last.After.Equal(t.Stands()) {
		return scheduler.ErrLeave
	}
	by, before := v.Body.UndoneBy, t.Stands()
	if err := t.SetState(cmp.Or(last.Before.State, schema.StateOpen), last.Before.Reason, last.Before.Comment, by, now); err != nil {
		return err
	}
	t.Assignee, t.Incidents = last.Before.Assignee, last.Before.Incidents
	t.Note(schema.TriageChange{At: now, By: by, Job: undoOf(v.ID), Before: before})
	return nil
}
