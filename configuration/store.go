package configuration

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"nightjar/scheduler"
	"nightjar/schema"
)

// Objects keeps every version of every object. scheduler/clickhouse implements
// it.
type Objects interface {
	All(ctx context.Context, kind string) ([]scheduler.Object, error)
	Append(ctx context.Context, o scheduler.Object) error
}

// Kind is a kind of object.
type Kind[T any] struct {
	// Name is that of the kind in the store, and in errors.
	Name string
	// NewID makes an id.
	NewID func() string
	// Check completes a body and says what is wrong with it, as *schema.Invalid.
	Check func(body *T) error
	// Label is how users know an object of the kind; nil: there is nothing to tell
	// of it.
	Label func(body *T) string
	// Idle says why an object does nothing yet; nil or empty: it has its effect.
	Idle func(body *T) string
	// BuiltIn are there from the beginning; they can be changed, not deleted.
	BuiltIn []Versioned[T]
}

// Versioned is one version of an object.
type Versioned[T any] struct {
	ID      string
	Version int64
	// CreatedAt is the moment of the first version, UpdatedAt of this one.
	CreatedAt, UpdatedAt schema.Millis
	BuiltIn, Deleted     bool
	Body                 T
}

// Store keeps the objects of one kind. Methods may be called from several
// goroutines.
type Store[T any] struct {
	kind    Kind[T]
	objects Objects
	now     func() time.Time

	teller *slog.Logger

	mu      sync.Mutex
	present map[string]Versioned[T]
	log     []Versioned[T] // every version, in the order written
}

// New makes a Store. Load must return before anything else is asked of it.
func New[T any](kind Kind[T], objects Objects, now func() time.Time) *Store[T] {
	s := &Store[T]{kind: kind, objects: objects, now: now, teller: slog.New(slog.DiscardHandler), present: map[string]Versioned[T]{}}
	for _, b := range kind.BuiltIn {
		b.Version, b.BuiltIn = 1, true
		s.apply(b)
	}
	return s
}

// Load reads what is stored.
func (s *Store[T]) Load(ctx context.Context) error {
	objects, err := s.objects.All(ctx, s.kind.Name)
	if err != nil {
		return fmt.Errorf("load every %s: %w", s.kind.Name, err)
	}
	slices.SortStableFunc(objects, func(a, b scheduler.Object) int {
		if a.Written != b.Written {
			return int(a.Written - b.Written)
		}
		return int(a.Version - b.Version)
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range objects {
		v := Versioned[T]{ID: o.ID, Version: o.Version, UpdatedAt: o.Written, Deleted: o.Deleted}
		if err := json.Unmarshal([]byte(o.Body), &v.Body); err != nil {
			return fmt.Errorf("load %s %s version %d: %w", s.kind.Name, o.ID, o.Version, err)
		}
		s.apply(v)
	}
	return nil
}

// apply makes a version the present one.
func (s *Store[T]) apply(v Versioned[T]) Versioned[T] {
	v.CreatedAt = v.UpdatedAt
	if before, ok := s.present[v.ID]; ok {
		v.CreatedAt, v.BuiltIn = before.CreatedAt, before.BuiltIn
	}
	s.log = append(s.log, v)
	if v.Deleted {
		delete(s.present, v.ID)
	} else {
		s.present[v.ID] = v
	}
	return v
}

// Create checks and stores a new object.
func (s *Store[T]) Create(ctx context.Context, body T) (Versioned[T], error) {
	if err := s.kind.Check(&body); err != nil {
		return Versioned[T]{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v := Versioned[T]{ID: s.kind.NewID(), Version: 1, Body: body}
	for s.known(v.ID) {
		v.ID = s.kind.NewID()
	}
	return s.write(ctx, v)
}

// known tells whether the id ever was an object's: ids are not used again.
func (s *Store[T]) known(id string) bool {
	return slices.ContainsFunc(s.log, func(v Versioned[T]) bool { return v.ID == id })
}

// Update changes an object. ifVersion, unless 0, must be its present version:
// another one is a *schema.Conflict.
func (s *Store[T]) Update(ctx context.Context, id string, ifVersion int64, edit func(*T) error) (Versioned[T], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.present[id]
	if !ok {
		return v, &schema.NotFound{Kind: s.kind.Name, ID: id}
	}
	if ifVersion != 0 && ifVersion != v.Version {
		return v, &schema.Conflict{Kind: s.kind.Name, ID: id, Have: v.Version, Want: ifVersion}
	}
	body, err := clone(v.Body) // so that an edit that fails leaves no trace
	if err == nil {
		err = edit(&body)
	}
	if err == nil {
		err = s.kind.Check(&body)
	}
	if err != nil {
		return v, err
	}
	v.Version++
	v.Body = body
	return s.write(ctx, v)
}

// clone is a deep copy.
func clone[T any](body T) (out T, err error) {
	text, err := json.Marshal(body)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	return out, err
}

// Delete ends an object; its versions stay.
func (s *Store[T]) Delete(ctx context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.present[id]
	if !ok {
		return &schema.NotFound{Kind: s.kind.Name, ID: id}
	}
	if v.BuiltIn {
		return &schema.Invalid{Details: []schema.Detail{{Target: "id", Message: "the built-in " + s.kind.Name + " cannot be deleted; disable it"}}}
	}
	v.Version++
	v.Deleted = true
	_, err := s.write(ctx, v)
	return err
}

// write stores a version and puts it into force. The lock is held.
func (s *Store[T]) write(ctx context.Context, v Versioned[T]) (Versioned[T], error) {
	body, err := json.Marshal(v.Body)
	if err != nil {
		return v, fmt.Errorf("encode %s %s: %w", s.kind.Name, v.ID, err)
	}
	v.UpdatedAt = schema.MillisOf(s.now())
	o := scheduler.Object{Kind: s.kind.Name, ID: v.ID, Version: v.Version, Written: v.UpdatedAt, Deleted: v.Deleted, Body: string(body)}
	if err := s.objects.Append(ctx, o); err != nil {
		return v, fmt.Errorf("store %s %s: %w", s.kind.Name, v.ID, err)
	}
	v = s.apply(v)
	if !v.Deleted {
		scheduler.LogIdle(s.teller, s.Idle(v))
	}
	return v, nil
}

// Get is the present version of an object, or a *schema.NotFound.
func (s *Store[T]) Get(_ context.Context, id string) (Versioned[T], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.present[id]
	if !ok {
		return v, &schema.NotFound{Kind: s.kind.Name, ID: id}
	}
	return v, nil
}

// List are the present versions, built-in ones first, then in the order of
// creation.
func (s *Store[T]) List(context.Context) ([]Versioned[T], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Versioned[T], 0, len(s.present))
	for _, v := range s.present {
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b Versioned[T]) int {
		switch {
		case a.BuiltIn != b.BuiltIn:
			return map[bool]int{true: -1, false: 1}[a.BuiltIn]
		case a.CreatedAt != b.CreatedAt:
			return int(a.CreatedAt - b.CreatedAt)
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out, nil
}

// Log are all versions of all objects, in the order written.
func (s *Store[T]) Log(context.Context) ([]Versioned[T], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log), nil
}

// Idle says that a version is kept and does nothing; nil where it has its effect.
func (s *Store[T]) Idle(v Versioned[T]) []schema.Idle {
	if s.kind.Idle == nil || v.BuiltIn && v.Version == 1 {
		return nil
	}
	reason := s.kind.Idle(&v.Body)
	if reason == "" {
		return nil
	}
	return []schema.Idle{{Kind: s.kind.Name, ID: v.ID, Name: s.kind.Label(&v.Body), Reason: reason}}
}

// Idles are those of all present objects.
func (s *Store[T]) Idles(ctx context.Context) (out []schema.Idle) {
	all, _ := s.List(ctx) // never fails
	for _, v := range all {
		out = append(out, s.Idle(v)...)
	}
	return out
}
