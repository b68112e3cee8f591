package responses

import (
	"context"

	"nightjar/schema"
)

// Old are the responses that ended before a moment and that nothing depends on any more:
// the last one that says whether a host is isolated stays, and so does what is not yet in the
// history of its signal.
func (b *Book) Old(before schema.Millis) (out []Versioned) {
	ruling := map[string]bool{} // what rules the isolation of an agent
	for _, v := range b.rulings() {
		ruling[v.ID] = true
	}
	for _, v := range b.all() {
		r := &v.Body
		untold := r.Signal != "" && r.Told != r.State
		if r.State != Waiting && r.Ended < before && !untold && !ruling[v.ID] {
			out = append(out, v)
		}
	}
	return out
}

// LetGo forgets the responses that are Old, and returns how many there were. What was done
// stays in the audit log, and in the histories of signals.
func (b *Book) LetGo(ctx context.Context, before schema.Millis) (int, error) {
	old := b.Old(before)
	ids := make([]string, len(old))
	for i, v := range old {
		ids[i] = v.ID
	}
	if err := b.kept.Forget(ctx, ids...); err != nil {
		return 0, err
	}
	b.live.forget(old)
	return len(old), nil
}
