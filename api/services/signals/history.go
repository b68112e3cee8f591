package signals

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"nightjar/api/services/notifications"
	pb "nightjar/api/v1"
	"nightjar/schema"
)

// Told shows what was told of signals. notifications.Store is one.
type Told interface {
	List(context.Context, notifications.NotificationQuery) ([]notifications.Notification, error)
}

// maxTold is how many notifications of one signal are shown: the newest.
const maxTold = 1000

// GetSignalHistory is what became of a signal.
func (s *SignalService) GetSignalHistory(ctx context.Context, in *pb.GetSignalRequest) (*pb.SignalHistory, error) {
	versions, err := s.Store.Versions(ctx, in.GetSignalId())
	if err != nil {
		return nil, err
	}
	newest := &versions[0]
	out := &pb.SignalHistory{
		VersionsPublished: int64(newest.Number), ChangesCut: int64(newest.Triage.ChangesCut), SuppressionId: newest.Suppression,
		Entries: []*pb.SignalHistoryEntry{{Kind: "seen", At: int64(newest.FirstSeen), Text: "first seen"}},
	}
	for _, v := range versions {
		out.Versions = append(out.Versions, &pb.SignalVersion{
			Version: int64(v.Number), FirstSeen: int64(v.FirstSeen), LastSeen: int64(v.LastSeen), Events: int64(v.Events),
			Severity: v.Severity, State: v.State, Reason: v.Reason,
		})
	}
	out.Entries = append(out.Entries, triageEntries(&newest.Triage)...)
	for _, r := range newest.Triage.Responses {
		out.Entries = append(out.Entries, responseEntry(&r))
	}
	if s.Told != nil {
		told, err := s.Told.List(ctx, notifications.NotificationQuery{Signal: in.GetSignalId(), Limit: maxTold})
		if err != nil {
			return nil, err
		}
		for i := range told {
			out.Entries = append(out.Entries, notificationEntry(&told[i]))
		}
	}
	slices.SortStableFunc(out.Entries, func(a, b *pb.SignalHistoryEntry) int { return cmp.Compare(a.At, b.At) })
	return out, nil
}

// triageEntries are the changes of the triage. Of one that was made before changes were kept
// there is the last.
func triageEntries(t *schema.Triage) (out []*pb.SignalHistoryEntry) {
	if len(t.Changes) == 0 && t.StateAt != 0 {
		return []*pb.SignalHistoryEntry{triageEntry(schema.TriageChange{At: t.StateAt, By: t.StateBy, After: t.Stands()})}
	}
	for _, c := range t.Changes {
		out = append(out, triageEntry(c))
	}
	return out
}

func triageEntry(c schema.TriageChange) *pb.SignalHistoryEntry {
	text := ""
	add := func(format string, args ...any) {
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf(format, args...)
	}
	if cmp.Or(c.Before.State, schema.StateOpen) != cmp.Or(c.After.State, schema.StateOpen) || c.Before.Reason != c.After.Reason {
		add("state %s", cmp.Or(c.After.State, schema.StateOpen))
		if c.After.Reason != "" {
			add("reason %s", c.After.Reason)
		}
	}
	if c.Before.Comment != c.After.Comment {
		add("comment")
	}
	if c.Before.Assignee != c.After.Assignee {
		add("assigned to %s", cmp.Or(c.After.Assignee.Label(), "nobody"))
	}
	if !slices.Equal(c.Before.Incidents, c.After.Incidents) {
		add("incidents %v", c.After.Incidents)
	}
	return &pb.SignalHistoryEntry{Kind: "triage", At: int64(c.At), By: c.By, Text: cmp.Or(text, "nothing changed"), Triage: &pb.TriageHistory{
		Before: standingToProto(c.Before), After: standingToProto(c.After), JobId: c.Job,
	}}
}

func standingToProto(s schema.TriageStands) *pb.TriageStanding {
	return &pb.TriageStanding{
		State: cmp.Or(s.State, schema.StateOpen), ArchiveReason: s.Reason, Comment: s.Comment, Assignee: s.Assignee.Label(), IncidentIds: s.Incidents,
	}
}

func responseEntry(r *schema.SignalResponse) *pb.SignalHistoryEntry {
	return &pb.SignalHistoryEntry{Kind: "response", At: int64(r.At), By: r.By, Text: r.Action + " on " + r.Host + ": " + r.State, Response: &pb.ResponseHistory{
		Id: r.ID, Action: r.Action, Host: r.Host, Target: r.Target, Reason: r.Reason, State: r.State, Error: r.Error, Ended: int64(r.Ended),
	}}
}

func notificationEntry(n *notifications.Notification) *pb.SignalHistoryEntry {
	return &pb.SignalHistoryEntry{
		Kind: "notification", At: int64(n.Created), Text: n.Target + " is told that it is " + n.Kind + ": " + n.State,
		Notification: &pb.NotificationHistory{
			Target: n.Target, News: n.Kind, State: n.State, Attempts: int64(n.Attempts), Tried: int64(n.Tried), Answer: n.Answer,
		},
	}
}
