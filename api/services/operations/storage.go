package operations

import (
	"context"
	"time"

	pb "nightjar/api/v1"
)

// Stored is what is kept, and what is let go of.
type Stored struct {
	Tables     []StoredTable // the largest first
	Disk, Free uint64        // bytes; 0: not known
	Storage    Storage
	// How long what is kept; 0: for ever.
	Events, Signals, Matches, Responses time.Duration
	// Next is the next first, Dropped the latest first.
	Next, Dropped []Letting
	Backups       []BackupRun // the latest first
}

// StoredTable is a table, as it is on disk.
type StoredTable struct {
	Name               string
	Rows, Bytes, Parts uint64
}

// Letting is something that is let go of, or was.
type Letting struct {
	Table, What, Reason      string
	Rows, Bytes, Unevaluated int64
	At                       time.Time
}

// BackupRun is a backup that was asked for.
type BackupRun struct {
	Name, By     string
	Begun, Ended time.Time // Ended is zero while it is written
	Error        string
	Bytes        int64
	Events       uint64
}

// GetStorage says what is kept.
func (s *StatusService) GetStorage(ctx context.Context, _ *pb.GetStorageRequest) (*pb.Storage, error) {
	now, err := s.Engine.Stored(ctx)
	if err != nil {
		return nil, err
	}
	out := &pb.Storage{
		DiskBytes: now.Disk, FreeBytes: now.Free, UsedBytes: now.Storage.Used, QuotaBytes: now.Storage.Quota,
		EventsSeconds: int64(now.Events.Seconds()), SignalsSeconds: int64(now.Signals.Seconds()), MatchesSeconds: int64(now.Matches.Seconds()),
		ResponsesSeconds: int64(now.Responses.Seconds()),
		Next:             lettingsOf(now.Next), Dropped: lettingsOf(now.Dropped),
	}
	for _, t := range now.Tables {
		out.Tables = append(out.Tables, &pb.StoredTable{Name: t.Name, Rows: t.Rows, Bytes: t.Bytes, Parts: t.Parts})
	}
	for _, b := range now.Backups {
		run := &pb.BackupRun{Name: b.Name, By: b.By, Begun: b.Begun.UTC().Format(time.RFC3339), State: "writing", Error: b.Error, Bytes: uint64(b.Bytes), Events: b.Events}
		if !b.Ended.IsZero() {
			run.Ended, run.State = b.Ended.UTC().Format(time.RFC3339), "written"
		}
		if b.Error != "" {
			run.State = "failed"
		}
		out.Backups = append(out.Backups, run)
	}
	return out, nil
}

func lettingsOf(all []Letting) (out []*pb.Letting) {
	for _, l := range all {
		out = append(out, &pb.Letting{
			Table: l.Table, What: l.What, Reason: l.Reason, Rows: uint64(l.Rows), Bytes: uint64(l.Bytes), Unevaluated: uint64(l.Unevaluated),
			At: l.At.UTC().Format(time.RFC3339),
		})
	}
	return out
}

func intakeOf(n Intake) *pb.IntakeStatus {
	return &pb.IntakeStatus{
		Received: n.Received, Acknowledged: n.Acknowledged, Stored: n.Stored, Refused: n.Refused, DuplicateBatches: n.DuplicateBatches, KnownEvents: n.Known,
		Late: n.Late, Future: n.Future, Untimed: n.Untimed, UnreadableTimes: n.UnreadableTime, Cut: n.Cut, DeadLettered: n.DeadLettered,
		Waiting: n.Waiting, LogBytes: n.LogBytes,
	}
}
