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
	out := Outlook{Policy: k.deps.Policy}
	for _, p := range parts {
		at := slices.IndexFunc(out.Tables, func(t Table) bool { return t.Name == p.table })
		if at < 0 {
			at = len(out.Tables)
			out.Tables = append(out.Tables, Table{Name: p.table})
		}
		t := &out.Tables[at]
		t.Rows, t.Bytes, t.Parts = t.Rows+uint64(p.rows), t.Bytes+uint64(p.bytes), t.Parts+uint64(p.parts)
		if keep := k.keep(p.table); keep > 0 && !p.end.IsZero() {
			out.Next = append(out.Next, Drop{Table: p.table, What: p.id, Rows: p.rows, Bytes: p.bytes, Reason: "age", At: p.end.Add(keep)})
		}
	}
	slices.SortStableFunc(out.Tables, func(a, b Table) int { return cmp.Compare(b.Bytes, a.Bytes) })
	slices.SortStableFunc(out.Next, func(a, b Drop) int { return a.At.Compare(b.At) })
	return out, nil
}
