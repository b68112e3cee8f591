package signals

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"google.golang.org/protobuf/types/known/structpb"

	"nightjar/api"
	"nightjar/api/codec"
	pb "nightjar/api/v1"
	"nightjar/scheduler"
	"nightjar/schema"
)

// maxTriaged is how many signals one request may change.
const maxTriaged = 199

// UpdateSignalState moves one signal to a state.
func (s *SignalService) UpdateSignalState(ctx context.Context, in *pb.UpdateSignalStateRequest) (*pb.SignalTriageResponse, error) {
	if in.GetData().GetAttributes() == nil {
		return nil, api.BadRequest("data.attributes", "missing")
	}
	return s.triageOne(ctx, in.GetSignalId(), s.stateChange(in.GetData().GetAttributes()))
}

// UpdateSignalAssignee assigns one signal to a user.
func (s *SignalService) UpdateSignalAssignee(ctx context.Context, in *pb.UpdateSignalAssigneeRequest) (*pb.SignalTriageResponse, error) {
	change := in.GetData().GetAttributes()
	if change.GetAssignee() == nil {
		return nil, api.BadRequest("data.attributes.assignee", "missing; want {\"uuid\": …}, empty for nobody")
	}
	return s.triageOne(ctx, in.GetSignalId(), signalChange{at: s.now(), assignee: change.Assignee, version: change.Version})
}

// UpdateSignalIncidents replaces the incidents of one signal.
func (s *SignalService) UpdateSignalIncidents(ctx context.Context, in *pb.UpdateSignalIncidentsRequest) (*pb.SignalTriageResponse, error) {
	change := in.GetData().GetAttributes()
	if change == nil {
		return nil, api.BadRequest("data.attributes", "missing")
	}
	if x := api.ExchangeOf(ctx); x != nil && !x.Keys["data.attributes.incident_ids"] {
		return nil, api.BadRequest("data.attributes.incident_ids", "missing; want a list of numbers, empty for none")
	}
	incidents := change.GetIncidentIds()
	return s.triageOne(ctx, in.GetSignalId(), signalChange{at: s.now(), incidents: &incidents, version: change.Version})
}

// UpdateSignal changes state and assignee of one signal.
func (s *SignalService) UpdateSignal(ctx context.Context, in *pb.UpdateSignalRequest) (*pb.SignalTriageResponse, error) {
	if in.GetData().GetAttributes() == nil {
		return nil, api.BadRequest("data.attributes", "missing")
	}
	return s.triageOne(ctx, in.GetSignalId(), s.anyChange(in.GetData().GetAttributes()))
}

// BulkUpdateSignalState moves several signals to states.
func (s *SignalService) BulkUpdateSignalState(ctx context.Context, in *pb.BulkUpdateSignalStateRequest) (*pb.BulkTriageResponse, error) {
	return triageMany(ctx, s, in.GetData(), func(d *pb.SignalStateData) (string, *signalChange) {
		if d.GetAttributes() == nil {
			return "", nil
		}
		return bulkID(d.GetId()), new(s.stateChange(d.GetAttributes()))
	})
}

// BulkUpdateSignalAssignee gives several signals to people.
func (s *SignalService) BulkUpdateSignalAssignee(ctx context.Context, in *pb.BulkUpdateSignalAssigneeRequest) (*pb.BulkTriageResponse, error) {
	return triageMany(ctx, s, in.GetData(), func(d *pb.BulkAssigneeData) (string, *signalChange) {
		a := d.GetAttributes()
		if a == nil || a.Assignee == nil {
			return "", nil
		}
		return d.GetId(), &signalChange{at: s.now(), assignee: &pb.SignalUser{Uuid: a.GetAssignee()}, version: a.Version}
	})
}

// BulkUpdateSignals changes states and assignees of several signals.
func (s *SignalService) BulkUpdateSignals(ctx context.Context, in *pb.BulkUpdateSignalsRequest) (*pb.BulkTriageResponse, error) {
	return triageMany(ctx, s, in.GetData(), func(d *pb.SignalUpdateData) (string, *signalChange) {
		if d.GetAttributes() == nil {
			return "", nil
		}
		return bulkID(d.GetId()), new(s.anyChange(d.GetAttributes()))
	})
}

// bulkID is the id of one of several; in a request for one it may be anything.
func bulkID(id *structpb.Value) string { return id.GetStringValue() }

// signalChange is what a request changes; what is nil stays.
type signalChange struct {
	state     *stateChange
	assignee  *pb.SignalUser
	incidents *[]int64
	// addIncident is one more.
	addIncident *int64
	version     *uint64
	at          schema.Millis
	job         string // the id of the job that makes the change
	by          string // who makes it; empty: who makes the call
}

type stateChange struct {
	state           *string // nil: the present one, with another reason or comment
	reason, comment string
	at              schema.Millis
}

func (s *SignalService) stateChange(in *pb.SignalStateChange) signalChange {
	return signalChange{at: s.now(), version: in.Version, state: &stateChange{&in.State, in.GetArchiveReason(), in.GetArchiveComment(), s.now()}}
}

func (s *SignalService) anyChange(in *pb.SignalChange) signalChange {
	change := signalChange{at: s.now(), assignee: in.GetAssignee(), version: in.Version}
	if in.State != nil || in.ArchiveReason != nil || in.ArchiveComment != nil {
		change.state = &stateChange{in.State, in.GetArchiveReason(), in.GetArchiveComment(), s.now()}
	}
	return change
}

func (s *SignalService) now() schema.Millis { return schema.MillisOf(s.Now()) }

// maxComment bounds a comment, in bytes.
const maxComment = 10_000

// edit is the change as it is carried out for who makes the call; place says where in the
// request it stands.
func (c signalChange) edit(ctx context.Context, id, place string) scheduler.TriageEdit {
	return scheduler.TriageEdit{ID: id, IfVersion: c.version, Edit: func(sig *schema.Signal) error {
		before, by := sig.Triage.Stands(), cmp.Or(c.by, api.AuthorOf(ctx))
		if c.state != nil {
			if sig.State == schema.StateArchived {
				return &api.Error{Code: api.CodeFailedPrecondition, Target: codec.Join(place, "state"),
					Message: fmt.Sprintf("the engine archived signal %s (%s): its state is not for triage", id, sig.Reason)}
			}
			if len(c.state.comment) > maxComment {
				return api.BadRequest(codec.Join(place, "archive_comment"), "longer than %d bytes", maxComment)
			}
			state, _ := sig.Standing()
			if c.state.state != nil {
				state = *c.state.state
			}
			if err := sig.Triage.SetState(state, c.state.reason, c.state.comment, by, c.state.at); err != nil {
				return api.BadRequest(place, "%s", err)
			}
		}
		if c.assignee != nil {
			if len(c.assignee.GetUuid()) > 100 || len(c.assignee.GetHandle()) > 300 || len(c.assignee.GetName()) > 300 {
				return api.BadRequest(codec.Join(place, "assignee"), "too long: want a user's UUID, handle and name")
			}
			sig.Triage.Assignee = schema.User{
				UUID: c.assignee.GetUuid(), Handle: c.assignee.GetHandle(), Name: c.assignee.GetName(), ID: c.assignee.GetId(),
			}
		}
		if c.incidents != nil {
			sig.Triage.Incidents = *c.incidents
		}
		if c.addIncident != nil && !slices.Contains(sig.Triage.Incidents, *c.addIncident) {
			sig.Triage.Incidents = append(slices.Clone(sig.Triage.Incidents), *c.addIncident)
		}
		sig.Triage.Note(schema.TriageChange{At: c.at, By: by, Job: c.job, Before: before})
		return nil
	}}
}

func (s *SignalService) triageOne(ctx context.Context, id string, change signalChange) (*pb.SignalTriageResponse, error) {
	done, err := s.Triage.Triage(ctx, []scheduler.TriageEdit{change.edit(ctx, id, "data.attributes")})
	if err != nil {
		return nil, err
	}
	return &pb.SignalTriageResponse{Data: &pb.SignalTriageItem{Id: id, Type: "signal_metadata", Attributes: triageToProto(&done[0])}}, nil
}

// triageMany changes several signals. read is the id and the change of one item,
// nil where that has none.
func triageMany[T any](ctx context.Context, s *SignalService, items []T, read func(T) (string, *signalChange)) (*pb.BulkTriageResponse, error) {
	if len(items) == 0 || len(items) > maxTriaged {
		return nil, api.BadRequest("data", "want 1 to %d signals, got %d", maxTriaged, len(items))
	}
	edits := make([]scheduler.TriageEdit, len(items))
	for i, item := range items {
		place := fmt.Sprintf("data[%d]", i)
		id, change := read(item)
		switch {
		case change == nil:
			return nil, api.BadRequest(place+".attributes", "missing, or nothing to change in it")
		case id == "":
			return nil, api.BadRequest(place+".id", "missing; want the id of a signal")
		}
		edits[i] = change.edit(ctx, id, place+".attributes")
	}
	done, err := s.Triage.Triage(ctx, edits)
	if err != nil {
		return nil, err
	}
	result := &pb.BulkTriageResult{Count: int64(len(done))}
	for i := range done {
		event := triageToProto(&done[i])
		event.Id = &done[i].ID
		result.Events = append(result.Events, &pb.BulkTriageEvent{Id: done[i].ID, Event: event})
	}
	return &pb.BulkTriageResponse{Type: "status", Status: "done", Result: result}, nil
}

// triageToProto shows the triage state of a signal. One that was never triaged has been open
// since it was first seen.
func triageToProto(sig *schema.Signal) *pb.SignalTriage {
	t := &sig.Triage
	state, reason := sig.Standing()
	out := &pb.SignalTriage{
		State: state, ArchiveReason: "none", IncidentIds: t.Incidents, Assignee: assigneeToProto(t.Assignee),
		StateUpdateTimestamp: int64(sig.FirstSeen), StateUpdateUser: signalAuthor(t),
	}
	if reason != "" {
		out.ArchiveReason = reason
	}
	if sig.State == schema.StateArchived {
		// Its clients know no other states and reasons than the reference's.
		out.State, out.ArchiveReason = schema.StateArchived, "other"
	}
	if t.StateAt != 0 {
		out.StateUpdateTimestamp = int64(t.StateAt)
	}
	if t.Comment != "" {
		out.ArchiveComment, out.ArchiveCommentTimestamp = &t.Comment, new(int64(t.CommentAt))
		out.ArchiveCommentUser = signalAuthor(t)
	}
	return out
}

func assigneeToProto(u schema.User) *pb.SignalUser {
	if u.UUID == "" {
		return &pb.SignalUser{Id: new(int64(-1)), Name: new("Unassigned")}
	}
	out := &pb.SignalUser{Uuid: u.UUID}
	if u.Handle != "" {
		out.Handle = &u.Handle
	}
	if u.Name != "" {
		out.Name = &u.Name
	}
	if u.ID != 0 {
		out.Id = &u.ID
	}
	return out
}

// signalAuthor is who changed the state last, and commented it; the engine, where nobody did.
func signalAuthor(t *schema.Triage) *pb.SignalAuthor {
	handle := cmp.Or(t.StateBy, api.Author.Handle)
	return &pb.SignalAuthor{Handle: handle, Uuid: api.Author.UUID, Name: &handle, Id: api.Author.ID}
}

// Triage changes what analysts made of signals. scheduler.Triage implements it.
type Triage interface {
	// Triage carries out all of the edits, or on an error none, and returns the
	// signals as they are now, in the order of the edits.
	Triage(context.Context, []scheduler.TriageEdit) ([]schema.Signal, error)
}
