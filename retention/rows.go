package retention

import (
	"context"
	"fmt"
	"time"

	"nightjar/clickhouse"
	"nightjar/schema"
)

// rowwise is something that goes one by one instead of by partition.
type rowwise struct {
	// count says what drop would drop now.
	count, drop func(ctx context.Context, policy Policy, now time.Time) ([]Drop, error)
}

// byRow are all of them, in the order in which they go.
func (k *Keeper) byRow() []rowwise {
	return []rowwise{
		{k.oldSignals, k.dropSignals}, {k.oldNotifications, k.dropNotifications}, {k.oldResponses, k.dropResponses},
	}
}

// before is what was last needed before then is old; false: nothing is.
func (k *Keeper) before(policy Policy, now time.Time) (schema.Millis, bool) {
	keep := policy.SignalsFor(k.deps.LookBack)
	return schema.MillisOf(now.Add(-keep)), keep > 0
}

// oldSignalIDs selects signals whose present version ended long ago.
const oldSignalIDs = `SELECT id FROM signals GROUP BY id HAVING argMax(last_seen, version) < fromUnixTimestamp64Milli({cutoff:Int64})`

// selection is rows of a table that a condition on {cutoff:Int64} selects, and what they are,
// before the moment.
type selection struct{ table, what, where string }

var (
	signalsOf       = selection{schema.Signals.Name, "last seen before ", "id IN (" + oldSignalIDs + ")"}
	notificationsOf = selection{schema.Notifications.Name, "of before ", toldOfGone}
)

func (k *Keeper) oldSignals(ctx context.Context, policy Policy, now time.Time) ([]Drop, error) {
	_, old, err := k.selected(ctx, policy, now, signalsOf)
	return old, err
}

// selected is a drop of what a selection has; the context is for more statements about it.
func (k *Keeper) selected(ctx context.Context, policy Policy, now time.Time, of selection) (context.Context, []Drop, error) {
	cutoff, some := k.before(policy, now)
	if !some {
		return ctx, nil, nil
	}
	ctx = clickhouse.Params{}.Int("cutoff", int64(cutoff)).Context(ctx)
	var rows uint64
	if err := k.deps.Conn.QueryRow(ctx, "SELECT count() FROM "+of.table+" WHERE "+of.where).Scan(&rows); err != nil {
		return ctx, nil, fmt.Errorf("look for old %s: %w", of.table, err)
	}
	return ctx, dropOf(of.table, of.what+cutoff.String(), rows, now), nil
}

// dropOf is a drop of so many rows for their age; none of none.
func dropOf(table, what string, rows uint64, now time.Time) []Drop {
	if rows == 0 {
		return nil
	}
	return []Drop{{Table: table, What: what, Rows: int64(rows), Reason: "age", At: now.UTC()}}
}

// dropSignals deletes old signals with all versions: an earlier one would come to light again
// where a later one is gone.
func (k *Keeper) dropSignals(ctx context.Context, policy Policy, now time.Time) ([]Drop, error) {
	ctx, old, err := k.selected(ctx, policy, now, signalsOf)
	if err != nil || len(old) == 0 {
		return nil, err
	}
	if k.deps.HoldStates != nil {
		waiting, cancel := context.WithTimeout(ctx, k.deps.Every) // the next round is due then
		release, err := k.deps.HoldStates(waiting)
		cancel()
		if err != nil {
			return nil, fmt.Errorf("wait for the states of signals: %w", err)
		}
		defer release()
	}
	if err := k.deleteStates(ctx, oldSignalIDs); err != nil {
		return nil, fmt.Errorf("delete the states of old signals: %w", err)
	}
	if err := k.deps.Conn.Exec(ctx, "DELETE FROM signals WHERE "+signalsOf.where); err != nil {
		return nil, fmt.Errorf("delete old signals: %w", err)
	}
	k.say(old[0])
	return old, nil
}

// deleteStates deletes, of signals with these ids, what lists are counted by, where it has
// been made.
func (k *Keeper) deleteStates(ctx context.Context, ids string) error {
	params := clickhouse.Params{}.String("table", schema.SignalStates.Name)
	var made uint64
	row := k.deps.Conn.QueryRow(params.Context(ctx), "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = {table:String}")
	if err := row.Scan(&made); err != nil || made == 0 {
		return err
	}
	return k.deps.Conn.Exec(ctx, "DELETE FROM "+schema.SignalStates.Name+" WHERE id IN ("+ids+")")
}

// toldOfGone selects what was told of signals that are gone, or go now, once it is as old as
// those. While a signal is there, its news are: they say what of it was told already.
const toldOfGone = `target != '' AND created < fromUnixTimestamp64Milli({cutoff:Int64}) AND signal NOT IN (SELECT id FROM signals WHERE id NOT IN (` + oldSignalIDs + `))`

func (k *Keeper) oldNotifications(ctx context.Context, policy Policy, now time.Time) ([]Drop, error) {
	_, old, err := k.selected(ctx, policy, now, notificationsOf)
	return old, err
}

func (k *Keeper) dropNotifications(ctx context.Context, policy Policy, now time.Time) ([]Drop, error) {
	ctx, old, err := k.selected(ctx, policy, now, notificationsOf)
	if err != nil || len(old) == 0 {
		return nil, err
	}
	if err := k.deps.Conn.Exec(ctx, "DELETE FROM notifications WHERE "+notificationsOf.where); err != nil {
		return nil, fmt.Errorf("delete old notifications: %w", err)
	}
	k.say(old[0])
	return old, nil
}

func (k *Keeper) oldResponses(_ context.Context, policy Policy, now time.Time) ([]Drop, error) {
	if k.deps.Responses == nil || policy.Responses == 0 {
		return nil, nil
	}
	before := schema.MillisOf(now.Add(-policy.Responses))
	return dropOf(Responses, "ended before "+before.String(), uint64(k.deps.Responses.Old(before)), now), nil
}

func (k *Keeper) dropResponses(ctx context.Context, policy Policy, now time.Time) ([]Drop, error) {
	old, err := k.oldResponses(ctx, policy, now)
	if err != nil || len(old) == 0 {
		return nil, err
	}
	n, err := k.deps.Responses.LetGo(ctx, schema.MillisOf(now.Add(-policy.Responses)))
	if err != nil {
		return nil, fmt.Errorf("let go of old responses: %w", err)
	}
	old[0].Rows = int64(n)
	k.say(old[0])
	return old, nil
}
