package signals

import (
	"context"
	"errors"
	"math"
	"slices"

	"nightjar/api"
	pb "nightjar/api/v1"
	"nightjar/scheduler"
	"nightjar/schema"
)

// TriageSignals changes every signal that a search selects. What is found is
// settled first, so that a change does not take signals out of the search while
// it is read; then the signals are changed in batches, each all or none.
func (s *SignalService) TriageSignals(ctx context.Context, in *pb.TriageSignalsRequest) (*pb.TriageSignalsResponse, error) {
	switch {
	case in.GetChange() == nil:
		return nil, api.BadRequest("change", "missing; want what to make of the signals, such as {\"state\":\"archived\"}")
	case in.GetFilter().GetQuery() == "":
		return nil, api.BadRequest("filter.query", "missing; which signals? * is all")
	}
	ids, err := s.found(ctx, in.GetFilter())
	if err != nil {
		return nil, err
	}
	change := s.anyChange(in.GetChange())
	out := &pb.TriageSignalsResponse{Found: int64(len(ids))}
	for batch := range slices.Chunk(ids, maxTriaged) {
		changed, err := s.triageBatch(ctx, batch, change)
		out.Changed += int64(changed)
		if err != nil {
			return nil, err
		}
	}
	if out.Left = out.Found - out.Changed; out.Left > 0 {
		out.Warnings = append(out.Warnings, "filter.query: signals that the engine itself archived were left as they are")
	}
	return out, nil
}

// found are the ids of the signals that a search selects.
func (s *SignalService) found(ctx context.Context, filter *pb.SignalFilter) (ids []string, err error) {
	return s.atMost(ctx, filter, math.MaxInt)
}

// atMost are the first of them.
func (s *SignalService) atMost(ctx context.Context, filter *pb.SignalFilter, most int) (ids []string, err error) {
	search, err := s.search(&pb.SearchSignalsRequest{Filter: filter, Page: &pb.SignalPage{Limit: new(int32(maxSignalPage))}})
	for err == nil {
		var page Page
		if page, err = s.Store.SearchSignals(ctx, search); err != nil {
			break
		}
		for i := range page.Signals {
			ids = append(ids, page.Signals[i].ID)
		}
		if search.After = page.Next; search.After == (Cursor{}) || len(ids) >= most {
			break
		}
	}
	return ids, err
}

// triageBatch changes signals, without those whose state is not for triage.
func (s *SignalService) triageBatch(ctx context.Context, ids []string, change signalChange) (changed int, err error) {
	edits := make([]scheduler.TriageEdit, len(ids))
	for i, id := range ids {
		edits[i] = change.edit(ctx, id, "change")
		carryOut := edits[i].Edit
		edits[i].Edit = func(sig *schema.Signal) error {
			err := carryOut(sig)
			if known := new(api.Error); errors.As(err, &known) && known.Code == api.CodeFailedPrecondition {
				return scheduler.ErrLeave
			}
			return err
		}
	}
	done, err := s.Triage.Triage(ctx, edits)
	for i := range done {
		if done[i].ID != "" {
			changed++
		}
	}
	return changed, err
}

// EditSignalState is UpdateSignalState in its first form.
func (s *SignalService) EditSignalState(ctx context.Context, in *pb.EditSignalStateRequest) (*pb.EditSignalResponse, error) {
	return s.editOne(ctx, in.GetSignalId(), s.stateChange(&pb.SignalStateChange{
		State: in.GetState(), ArchiveReason: in.ArchiveReason, ArchiveComment: in.ArchiveComment, Version: in.Version,
	}))
}

// EditSignalAssignee is UpdateSignalAssignee in its first form.
func (s *SignalService) EditSignalAssignee(ctx context.Context, in *pb.EditSignalAssigneeRequest) (*pb.EditSignalResponse, error) {
	if in.Assignee == nil {
		return nil, api.BadRequest("assignee", "missing; want a user's UUID, empty for nobody")
	}
	return s.editOne(ctx, in.GetSignalId(), signalChange{at: s.now(), assignee: &pb.SignalUser{Uuid: in.GetAssignee()}, version: in.Version})
}

// AddSignalToIncident relates a signal to one more incident.
func (s *SignalService) AddSignalToIncident(ctx context.Context, in *pb.AddSignalToIncidentRequest) (*pb.EditSignalResponse, error) {
	if in.GetIncidentId() <= 0 {
		return nil, api.BadRequest("incident_id", "missing; want the number of an incident")
	}
	id := in.GetIncidentId()
	out, err := s.editOne(ctx, in.GetSignalId(), signalChange{at: s.now(), addIncident: &id, version: in.Version})
	if err == nil && in.GetAddToSignalTimeline() {
		out.Warnings = append(out.Warnings, "add_to_signal_timeline: nightjar keeps no timelines; the incident is among the signal's")
	}
	return out, err
}

func (s *SignalService) editOne(ctx context.Context, id string, change signalChange) (*pb.EditSignalResponse, error) {
	if _, err := s.Triage.Triage(ctx, []scheduler.TriageEdit{change.edit(ctx, id, "")}); err != nil {
		return nil, err
	}
	return &pb.EditSignalResponse{Status: "done"}, nil
}
