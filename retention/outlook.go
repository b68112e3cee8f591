package retention

import (
	"cmp"
	"context"
	"slices"
)

// Table is what a table takes on disk.
type Table struct {
	Name               string
	Rows, Bytes, Parts uint64
}

// Outlook is what is kept, and what is let go of next for its age, the next first. What the
// quota asks for comes on top, from the oldest day on.
type Outlook struct {
	Policy Policy
	Tables []Table // the largest first
	Next   []Drop  // At is when
}

// Outlook looks ahead. Signals go one by one and are in Tables only.
func (k *Keeper) Outlook(ctx context.Context) (Outlook, error) {
	parts, err := k.partitions(ctx)
	if err != nil {
		return Outlook{}, err
	}
	out := Outlook{Policy: k.policy()}
	for _, p := range parts {
		at := slices.IndexFunc(out.Tables, func(t Table) bool { return t.Name == p.table })
		if at < 0 {
			at = len(out.Tables)
			out.Tables = append(out.Tables, Table{Name: p.table})
		}
		t := &out.Tables[at]
		t.Rows, t.Bytes, t.Parts = t.Rows+uint64(p.rows), t.Bytes+uint64(p.bytes), t.Parts+uint64(p.parts)
		if keep := k.keep(out.Policy, p.table); keep > 0 && !p.end.IsZero() {
			out.Next = append(out.Next, Drop{Table: p.table, What: p.id, Rows: p.rows, Bytes: p.bytes, Reason: "age", At: p.end.Add(keep)})
		}
	}
	slices.SortStableFunc(out.Tables, func(a, b Table) int { return cmp.Compare(b.Bytes, a.Bytes) })
	slices.SortStableFunc(out.Next, func(a, b Drop) int { return a.At.Compare(b.At) })
	return out, nil
}

// Change is what would come of another policy.
type Change struct {
	Drops []Drop // at the next round, in their order
	// Used would be left of what the quota covers, in bytes, without what goes one by one;
	// OverQuota: more than the quota, and the rest may not be dropped.
	Used      int64
	OverQuota bool
}

// Would is what the next round would do under a policy; it drops nothing.
func (k *Keeper) Would(ctx context.Context, policy Policy) (Change, error) {
	parts, err := k.partitions(ctx)
	if err != nil {
		return Change{}, err
	}
	now := k.deps.Now()
	plan := k.plan(parts, policy, now)
	out := Change{Used: plan.left + plan.beside, OverQuota: plan.isOver()}
	for reason, gone := range map[string][]partition{"age": plan.old, "quota": plan.over} {
		for _, p := range gone {
			d, err := k.dropping(ctx, p, reason)
			if err != nil {
				return Change{}, err
			}
			out.Drops = append(out.Drops, d)
		}
	}
	slices.SortStableFunc(out.Drops, func(a, b Drop) int { return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.What, b.What)) })
	for _, old := range k.byRow() {
		more, err := old.count(ctx, policy, now)
		if err != nil {
			return Change{}, err
		}
		out.Drops = append(out.Drops, more...)
	}
	return out, nil
}

// Without are the drops that others do not have already: of what goes row by row, as many
// rows as there are more.
func Without(drops, others []Drop) (out []Drop) {
	for _, d := range drops {
		for _, o := range others {
			switch {
			case o.Table != d.Table:
			case d.Bytes == 0:
				d.Rows -= o.Rows
			case o.What == d.What:
				d.Rows = 0
			}
		}
		if d.Rows > 0 {
			out = append(out, d)
		}
	}
	return out
}
