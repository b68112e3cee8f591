package engine

import (
	"context"

	"golang.org/x/sys/unix"

	"nightjar/api/services/operations"
)

// mostNext is how much of what is let go of next is told.
const mostNext = 20

// Stored implements api.Reporter.
func (r reporter) Stored(ctx context.Context) (operations.Stored, error) {
	ahead, err := r.keeper.Outlook(ctx)
	if err != nil {
		return operations.Stored{}, err
	}
	out := operations.Stored{Storage: r.storage(), Events: ahead.Policy.Events, Signals: ahead.Policy.Signals, Matches: ahead.Policy.Matches}
	for _, t := range ahead.Tables {
		out.Tables = append(out.Tables, operations.StoredTable(t))
	}
	for _, d := range ahead.Next[:min(len(ahead.Next), mostNext)] {
		out.Next = append(out.Next, operations.Letting{Table: d.Table, What: d.What, Rows: d.Rows, Bytes: d.Bytes, Reason: d.Reason, At: d.At})
	}
	for _, d := range r.keeper.Report().Recent {
		out.Dropped = append(out.Dropped, operations.Letting{Table: d.Table, What: d.What, Rows: d.Rows, Bytes: d.Bytes, Reason: d.Reason, At: d.At, Unevaluated: d.Unevaluated})
	}
	for _, b := range r.engine.diary.Runs() {
		out.Backups = append(out.Backups, operations.BackupRun(b))
	}
	var disk unix.Statfs_t
	if unix.Statfs(r.engine.config.DataDir, &disk) == nil { // else it is not known
		out.Disk, out.Free = disk.Blocks*uint64(disk.Bsize), disk.Bavail*uint64(disk.Bsize)
	}
	return out, nil
}
