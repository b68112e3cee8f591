package engine

import (
	"context"

	"golang.org/x/sys/unix"

	"nightjar/api/services/operations"
	"nightjar/objects"
	"nightjar/retention"
)

// mostNext is how much of what is let go of next is told.
const mostNext = 20

// Stored implements api.Reporter.
func (r reporter) Stored(ctx context.Context) (operations.Stored, error) {
	ahead, err := r.keeper.Outlook(ctx)
	if err != nil {
		return operations.Stored{}, err
	}
	out := operations.Stored{Storage: r.storage(), Events: ahead.Policy.Events, Signals: ahead.Policy.Signals, Matches: ahead.Policy.Matches, Responses: ahead.Policy.Responses}
	for _, t := range ahead.Tables {
		out.Tables = append(out.Tables, operations.StoredTable(t))
	}
	out.Next = lettings(ahead.Next[:min(len(ahead.Next), mostNext)])
	out.Dropped = lettings(r.keeper.Report().Recent)
	for _, b := range r.engine.diary.Runs() {
		out.Backups = append(out.Backups, operations.BackupRun(b))
	}
	var disk unix.Statfs_t
	if unix.Statfs(r.engine.config.DataDir, &disk) == nil { // else it is not known
		out.Disk, out.Free = disk.Blocks*uint64(disk.Bsize), disk.Bavail*uint64(disk.Bsize)
	}
	return out, nil
}

func lettings(drops []retention.Drop) (out []operations.Letting) {
	for _, d := range drops {
		out = append(out, operations.Letting{Table: d.Table, What: d.What, Rows: d.Rows, Bytes: d.Bytes, Reason: d.Reason, At: d.At, Unevaluated: d.Unevaluated})
	}
	return out
}

// Retention implements operations.Retainer.
func (k *keeping) Retention() operations.Retention { return k.retention(k.kept.Now()) }

func (k *keeping) retention(v objects.Versioned[retention.Settings]) operations.Retention {
	out := operations.Retention{
		Set: keepingOf(v.Body), Started: keepingOf(retention.SettingsOf(k.started)), InForce: keepingOf(retention.SettingsOf(k.inForce())),
		Version: v.Version, By: v.Body.By,
	}
	if v.Version > 1 { // the first is what nobody said
		out.At = v.UpdatedAt
	}
	return out
}

func keepingOf(s retention.Settings) operations.Keeping {
	return operations.Keeping{Events: s.Events, Signals: s.Signals, Matches: s.Matches, Responses: s.Responses, DiskQuota: s.DiskQuota}
}

func settingsOf(k operations.Keeping) retention.Settings {
	return retention.Settings{Events: k.Events, Signals: k.Signals, Matches: k.Matches, Responses: k.Responses, DiskQuota: k.DiskQuota}
}

// WouldRetain implements operations.Retainer: what goes in any case is no change.
func (k *keeping) WouldRetain(ctx context.Context, settings operations.Keeping) (operations.RetentionChange, error) {
	policy, err := settingsOf(settings).In(k.started)
	if err != nil {
		return operations.RetentionChange{}, err
	}
	then, err := k.Would(ctx, policy)
	if err != nil {
		return operations.RetentionChange{}, err
	}
	anyway, err := k.Would(ctx, k.inForce())
	if err != nil {
		return operations.RetentionChange{}, err
	}
	return operations.RetentionChange{
		InForce: keepingOf(retention.SettingsOf(policy)), Goes: lettings(retention.Without(then.Drops, anyway.Drops)), Used: then.Used, OverQuota: then.OverQuota,
	}, nil
}

// Retain implements operations.Retainer.
func (k *keeping) Retain(ctx context.Context, settings operations.Keeping, by string, ifVersion int64) (operations.Retention, error) {
	to := settingsOf(settings)
	to.By = by
	v, err := k.kept.Set(ctx, to, ifVersion)
	return k.retention(v), err
}
