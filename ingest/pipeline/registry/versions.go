package registry

import (
	"context"
	"fmt"
	"slices"

	"nightjar/objects"
	"nightjar/schema"
)

// Delete ends a pipeline; its versions stay. Built-in ones are disabled instead.
func (r *Registry) Delete(ctx context.Context, id string) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	if _, err := r.get(ctx, id); err != nil {
		return err
	}
	if err := r.store.Delete(ctx, id); err != nil {
		return err
	}
	r.rebuild(ctx)
	return nil
}

// Versions are all versions of a pipeline, the newest first; those of a pipeline that
// was deleted, too.
func (r *Registry) Versions(ctx context.Context, id string) ([]Entry, error) {
	r.changing.Lock()
	defer r.changing.Unlock()
	log, err := r.logOf(ctx, id)
	if err != nil {
		return nil, err
	}
	out := make([]Entry, 0, len(log))
	for _, v := range slices.Backward(log) {
		out = append(out, r.version(v))
	}
	return out, nil
}

// logOf are all versions of a pipeline, ascending; one at least.
func (r *Registry) logOf(ctx context.Context, id string) ([]objects.Versioned[Body], error) {
	log, err := r.store.Log(ctx)
	if err != nil {
		return nil, err
	}
	log = slices.DeleteFunc(log, func(v objects.Versioned[Body]) bool { return v.ID != id })
	if len(log) == 0 {
		return nil, &schema.NotFoundError{Kind: "pipeline", ID: id}
	}
	return log, nil
}

// version is a version as it was, whether it is in force or not.
func (r *Registry) version(v objects.Versioned[Body]) Entry {
	e := Entry{ID: v.ID, Version: v.Version, CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt, Deleted: v.Deleted, BuiltIn: r.builtIn[v.ID] != nil}
	if b := r.builtIn[v.ID]; b != nil {
		e.Pipeline = enabledAs(b, v.Body.Enabled)
		return e
	}
	var err error
	if e.Pipeline, err = parse(v.Body.Document, v.ID, v.Version); err != nil {
		e.Broken = err.Error()
	}
	return e
}

// Deleted are the last versions of the pipelines that were deleted, the latest deleted
// first; UpdatedAt is when.
func (r *Registry) Deleted(context.Context) []Entry {
	r.changing.Lock()
	defer r.changing.Unlock()
	var out []Entry
	for _, v := range r.store.Newest() {
		if v.Deleted {
			out = append(out, r.version(v))
		}
	}
	slices.SortStableFunc(out, func(a, b Entry) int { return int(b.UpdatedAt - a.UpdatedAt) })
	return out
}

// Restore makes what a pipeline said in a version its next one, and puts it into force;
// version 0 is the newest one. One that was deleted is there again, under its id, and in its
// place, or behind all others where the order was changed since.
func (r *Registry) Restore(ctx context.Context, id string, version int64) (Entry, error) {
	if r.builtIn[id] != nil {
		return Entry{}, &schema.InvalidError{Details: []schema.Detail{{Target: "id", Message: fmt.Sprintf("pipeline %s is built in: what it says comes with the program", id)}}}
	}
	r.changing.Lock()
	defer r.changing.Unlock()
	log, err := r.logOf(ctx, id)
	if err != nil {
		return Entry{}, err
	}
	newest := log[len(log)-1]
	if version == 0 {
		version = newest.Version
	}
	at := slices.IndexFunc(log, func(v objects.Versioned[Body]) bool { return v.Version == version })
	if at < 0 {
		return Entry{}, &schema.InvalidError{Details: []schema.Detail{{Target: "version", Message: fmt.Sprintf("pipeline %s has no version %d; it has 1 to %d", id, version, newest.Version)}}}
	}
	if _, err := parse(log[at].Body.Document, id, version); err != nil {
		return Entry{}, err // this version of nightjar cannot read it any more
	}
	put := func(b *Body) error { *b = log[at].Body; return nil }
	write := func() (objects.Versioned[Body], error) { return r.store.Update(ctx, id, newest.Version, put) }
	if newest.Deleted {
		write = func() (objects.Versioned[Body], error) { return r.store.Restore(ctx, id, put) }
	}
	v, err := write()
	if err != nil {
		return Entry{}, err
	}
	r.rebuild(ctx)
	return r.entry(v), nil
}
