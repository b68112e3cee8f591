package objectstest

import (
	"context"
	"slices"
	"sync"

	"nightjar/objects"
)

// Table is an objects.Table. The zero value is ready. Its fields are set before
// it is used, or between uses.
type Table struct {
	// Rows are the versions, in the order written.
	Rows []objects.Object
	// Fail, unless nil, is what every call returns.
	Fail error
	// Stalls, unless nil, receives every version that is to be stored: that is
	// stored once its Go is closed, and is not when the caller goes away before.
	Stalls chan Stall

	mu sync.Mutex
}

// Stall is a version that waits to be stored.
type Stall struct {
	Object objects.Object
	Go     chan struct{}
}

// All are the versions of a kind, in the order written.
func (t *Table) All(_ context.Context, kind string) ([]objects.Object, error) {
	return t.where(func(o objects.Object) bool { return o.Kind == kind }), t.Fail
}

// Versions are those of one object.
func (t *Table) Versions(_ context.Context, kind, id string) ([]objects.Object, error) {
	return t.where(func(o objects.Object) bool { return o.Kind == kind && o.ID == id }), t.Fail
}

func (t *Table) where(holds func(objects.Object) bool) []objects.Object {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(t.Rows), func(o objects.Object) bool { return !holds(o) })
}

// Erase removes all versions of objects.
func (t *Table) Erase(_ context.Context, kind string, ids []string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.Fail == nil {
		t.Rows = slices.DeleteFunc(t.Rows, func(o objects.Object) bool { return o.Kind == kind && slices.Contains(ids, o.ID) })
	}
	return t.Fail
}

// Append stores a version.
func (t *Table) Append(ctx context.Context, o objects.Object) error {
	if t.Stalls != nil {
		stall := Stall{Object: o, Go: make(chan struct{})}
		for _, wait := range []func() error{
			func() error { return send(ctx, t.Stalls, stall) },
			func() error { return receive(ctx, stall.Go) },
		} {
			if err := wait(); err != nil {
				return err
			}
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.Fail == nil {
		t.Rows = append(t.Rows, o)
	}
	return t.Fail
}

func send(ctx context.Context, to chan<- Stall, s Stall) error {
	select {
	case to <- s:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func receive(ctx context.Context, from <-chan struct{}) error {
	select {
	case <-from:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
