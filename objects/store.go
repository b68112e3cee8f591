package objects

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"nightjar/schema"
)

// Object is one version of an object as a Table has it.
type Object struct {
	Kind, ID string
	Version  int64
	Written  schema.Millis
	// Deleted is that of the last version of an object which there is no more.
	Deleted bool
	Body    string // JSON
}

// Table keeps every version of every object. scheduler/clickhouse implements it.
type Table interface {
	// All reads all versions of all objects of a kind, by id and version.
	All(ctx context.Context, kind string) ([]Object, error)
	// Append stores a version; the same one twice changes nothing.
	Append(ctx context.Context, o Object) error
}

// OneByOne is a Table that can read the versions of one object without those of
// all others.
type OneByOne interface {
	// Versions reads all versions of one object, ascending.
	Versions(ctx context.Context, kind, id string) ([]Object, error)
}

// Eraser is a Table that can let go of objects.
type Eraser interface {
	// Erase removes every version of objects of a kind.
	Erase(ctx context.Context, kind string, ids []string) error
}

// Kind is a kind of object.
type Kind[T any] struct {
	// Name is that of the kind in the table.
	Name string
	// Noun is what errors call an object of the kind; empty: Name.
	Noun string
	// NewID makes an id.
	NewID func() string
	// Check completes a body and says what is wrong with it, as *schema.InvalidError;
	// nil: whatever is written has been checked.
	Check func(body *T) error
	// Label is how users know an object of the kind; nil: there is nothing to tell
	// of it.
	Label func(body *T) string
	// Idle says why an object does nothing yet; nil or empty: it has its effect.
	Idle func(body *T) string
	// BuiltIn are there from the beginning; they can be changed, not deleted.
	BuiltIn []Versioned[T]
	// Enforce puts a stored version into force: at Load every version, in the
	// order of All, and later each as it is written. Of one object it is called
	// for one version at a time. nil: whoever wants to know reads the store.
	Enforce func(v Versioned[T])
	// NoLog says that older versions are not held in memory: Log is empty.
	NoLog bool
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
	kind  Kind[T]
	table Table
	now   func() time.Time
	turns Turns // of whoever changes an object, by its id

	// mu guards what follows. It is held to look at it and to put a stored version
	// into it: never while a table is read or written, nor while callers decide.
	mu     sync.RWMutex
	newest map[string]Versioned[T] // of every object, of deleted ones too
	log    []Versioned[T]          // every version, in the order written
	teller *slog.Logger

	revision atomic.Uint64
}

// New makes a Store. Load must return before anything else is asked of it.
func New[T any](kind Kind[T], table Table, now func() time.Time) *Store[T] {
	if kind.Noun == "" {
		kind.Noun = kind.Name
	}
	s := &Store[T]{kind: kind, table: table, now: now, newest: map[string]Versioned[T]{}, teller: slog.New(slog.DiscardHandler)}
	for _, b := range kind.BuiltIn {
		b.Version, b.BuiltIn = 1, true
		s.apply(b)
	}
	return s
}

// LogTo lets the store tell of objects that do nothing as they are written.
func (s *Store[T]) LogTo(log *slog.Logger) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.teller = log
}

// Load reads what is stored.
func (s *Store[T]) Load(ctx context.Context) error {
	stored, err := s.table.All(ctx, s.kind.Name)
	if err != nil {
		return fmt.Errorf("load every %s: %w", s.kind.Noun, err)
	}
	for _, o := range stored {
		v, err := s.decode(o)
		if err != nil {
			return fmt.Errorf("load %s %s version %d: %w", s.kind.Noun, o.ID, o.Version, err)
		}
		s.apply(v)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.SortStableFunc(s.log, func(a, b Versioned[T]) int { return cmp.Compare(a.UpdatedAt, b.UpdatedAt) })
	return nil
}

func (s *Store[T]) decode(o Object) (Versioned[T], error) {
	v := Versioned[T]{ID: o.ID, Version: o.Version, UpdatedAt: o.Written, Deleted: o.Deleted}
	err := json.Unmarshal([]byte(o.Body), &v.Body)
	return v, err
}

// apply makes a version the present one, and puts it into force.
func (s *Store[T]) apply(v Versioned[T]) Versioned[T] {
	v = s.remember(v)
	if s.kind.Enforce != nil {
		s.kind.Enforce(v)
	}
	return v
}

func (s *Store[T]) remember(v Versioned[T]) Versioned[T] {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.CreatedAt = v.UpdatedAt
	if before, ok := s.newest[v.ID]; ok {
		v.CreatedAt, v.BuiltIn = before.CreatedAt, before.BuiltIn
	}
	s.newest[v.ID] = v
	s.revision.Add(1)
	if !s.kind.NoLog {
		s.log = append(s.log, v)
	}
	return v
}

// Ref names an object that is to be changed. IfVersion, unless 0, must be its
// present version: another one is a *schema.ConflictError. A Ref without an ID is of a
// new object. Ended says that the object was deleted, and is brought back.
type Ref struct {
	ID        string
	IfVersion int64
	Ended     bool
}

// Create checks and stores a new object.
func (s *Store[T]) Create(ctx context.Context, body T) (Versioned[T], error) {
	return s.Write(ctx, Ref{}, func(next *Versioned[T]) error {
		next.Body = body
		return nil
	})
}

// Update changes an object.
func (s *Store[T]) Update(ctx context.Context, id string, ifVersion int64, edit func(*T) error) (Versioned[T], error) {
	return s.Write(ctx, Ref{ID: id, IfVersion: ifVersion}, func(next *Versioned[T]) error { return edit(&next.Body) })
}

// Delete ends an object; its versions stay.
func (s *Store[T]) Delete(ctx context.Context, id string) error {
	_, err := s.Write(ctx, Ref{ID: id}, func(next *Versioned[T]) error {
		next.Deleted = true
		return nil
	})
	return err
}

// Restore brings a deleted object back, as edit makes it of what it was.
func (s *Store[T]) Restore(ctx context.Context, id string, edit func(*T) error) (Versioned[T], error) {
	return s.Write(ctx, Ref{ID: id, Ended: true}, func(next *Versioned[T]) error {
		next.Deleted = false
		return edit(&next.Body)
	})
}

// Write stores the next version of an object, or the first one of a new object,
// as prepare makes it of the present one: it may change the body, and say that
// the object is deleted. Nobody else changes the object meanwhile, and everybody
// sees the version before until this one is stored. When anything fails, the
// object stays as it is.
func (s *Store[T]) Write(ctx context.Context, ref Ref, prepare func(next *Versioned[T]) error) (Versioned[T], error) {
	next, release, err := s.begin(ctx, ref)
	if err != nil {
		return next, err
	}
	defer release()
	if err := prepare(&next); err != nil {
		return next, err
	}
	if next.Deleted && next.BuiltIn {
		return next, &schema.InvalidError{Details: []schema.Detail{{Target: "id", Message: "the built-in " + s.kind.Noun + " cannot be deleted; disable it"}}}
	}
	if s.kind.Check != nil && !next.Deleted {
		if err := s.kind.Check(&next.Body); err != nil {
			return next, err
		}
	}
	return s.store(ctx, next)
}

// begin waits until nobody else changes the object, and has nobody change it until
// release is called.
func (s *Store[T]) begin(ctx context.Context, ref Ref) (next Versioned[T], release func(), err error) {
	isNew := ref.ID == ""
	for {
		if isNew {
			ref.ID = s.kind.NewID()
		}
		if release, err = s.turns.Take(ctx, ref.ID); err != nil {
			return next, nil, fmt.Errorf("wait for another change of %s %s: %w", s.kind.Noun, ref.ID, err)
		}
		next = Versioned[T]{ID: ref.ID, Version: 1}
		if !isNew {
			next, err = s.following(ref)
		}
		if err == nil && !(isNew && s.used(ref.ID)) {
			return next, release, nil
		}
		release()
		if err != nil {
			return next, nil, err
		}
	}
}

// used reports whether an id is or was an object's: ids are not used again.
func (s *Store[T]) used(id string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, used := s.newest[id]
	return used
}

// following is the version after the present one, with a body of its own.
func (s *Store[T]) following(ref Ref) (Versioned[T], error) {
	v, err := s.before(ref)
	if err != nil {
		return v, err
	}
	if ref.IfVersion != 0 && ref.IfVersion != v.Version {
		return v, &schema.ConflictError{Kind: s.kind.Noun, ID: ref.ID, Have: v.Version, Want: ref.IfVersion}
	}
	if v.Body, err = clone(v.Body); err != nil { // so that an edit that fails leaves no trace
		return v, fmt.Errorf("copy %s %s: %w", s.kind.Noun, ref.ID, err)
	}
	v.Version++
	return v, nil
}

// before is the version that is to be changed: the present one, or the last of an object
// that was deleted.
func (s *Store[T]) before(ref Ref) (Versioned[T], error) {
	if !ref.Ended {
		return s.present(ref.ID)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, ok := s.newest[ref.ID]
	switch {
	case !ok:
		return Versioned[T]{}, &schema.NotFoundError{Kind: s.kind.Noun, ID: ref.ID}
	case !v.Deleted:
		return v, &schema.InvalidError{Details: []schema.Detail{{Target: "id", Message: "the " + s.kind.Noun + " was not deleted"}}}
	}
	return v, nil
}

// clone is a deep copy.
func clone[T any](body T) (out T, err error) {
	text, err := json.Marshal(body)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	return out, err
}

// store appends a version to the table, and puts it into force.
func (s *Store[T]) store(ctx context.Context, v Versioned[T]) (Versioned[T], error) {
	body, err := json.Marshal(v.Body)
	if err != nil {
		return v, fmt.Errorf("encode %s %s: %w", s.kind.Noun, v.ID, err)
	}
	v.UpdatedAt = schema.MillisOf(s.now())
	o := Object{Kind: s.kind.Name, ID: v.ID, Version: v.Version, Written: v.UpdatedAt, Deleted: v.Deleted, Body: string(body)}
	if err := s.table.Append(ctx, o); err != nil {
		return v, fmt.Errorf("store %s %s: %w", s.kind.Noun, v.ID, err)
	}
	v = s.apply(v)
	if !v.Deleted {
		LogIdle(s.tellerNow(), s.Idle(v))
	}
	return v, nil
}

func (s *Store[T]) tellerNow() *slog.Logger {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.teller
}

// Forget removes objects with all their versions, for which nobody asks any more: it is for
// what there is an end to keep, not for what people delete. Objects that there are not are
// passed over. Nothing is enforced.
func (s *Store[T]) Forget(ctx context.Context, ids ...string) error {
	if len(ids) == 0 {
		return nil
	}
	table, can := s.table.(Eraser)
	if !can {
		return fmt.Errorf("erase %s: its table keeps everything", s.kind.Noun)
	}
	release, err := s.turns.Take(ctx, ids...)
	if err != nil {
		return fmt.Errorf("wait for a change of a %s that is let go of: %w", s.kind.Noun, err)
	}
	defer release()
	if err := table.Erase(ctx, s.kind.Name, ids); err != nil {
		return fmt.Errorf("erase %s: %w", s.kind.Noun, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		delete(s.newest, id)
	}
	s.log = slices.DeleteFunc(s.log, func(v Versioned[T]) bool { return slices.Contains(ids, v.ID) })
	s.revision.Add(1)
	return nil
}

// Revision is another number after every version that is put into the store: what was
// made of its objects holds as long as it stays.
func (s *Store[T]) Revision() uint64 { return s.revision.Load() }

// Get is the present version of an object, or a *schema.NotFoundError.
func (s *Store[T]) Get(_ context.Context, id string) (Versioned[T], error) { return s.present(id) }

func (s *Store[T]) present(id string) (Versioned[T], error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, ok := s.newest[id]
	if !ok || v.Deleted {
		return Versioned[T]{}, &schema.NotFoundError{Kind: s.kind.Noun, ID: id}
	}
	return v, nil
}

// List are the present versions, built-in ones first, then in the order of
// creation.
func (s *Store[T]) List(context.Context) ([]Versioned[T], error) {
	out := slices.DeleteFunc(s.Newest(), func(v Versioned[T]) bool { return v.Deleted })
	slices.SortFunc(out, func(a, b Versioned[T]) int {
		return cmp.Or(cmp.Compare(rank(a.BuiltIn), rank(b.BuiltIn)), cmp.Compare(a.CreatedAt, b.CreatedAt), strings.Compare(a.ID, b.ID))
	})
	return out, nil
}

func rank(builtIn bool) int {
	if builtIn {
		return 0
	}
	return 1
}

// Newest are the newest versions of all objects, of deleted ones too, by id.
func (s *Store[T]) Newest() []Versioned[T] {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]Versioned[T], 0, len(s.newest))
	for _, v := range s.newest {
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b Versioned[T]) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// Log are all versions of all objects, in the order written.
func (s *Store[T]) Log(context.Context) ([]Versioned[T], error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.log), nil
}

// Versions reads all stored versions of an object that is not deleted,
// ascending.
func (s *Store[T]) Versions(ctx context.Context, id string) ([]Versioned[T], error) {
	now, err := s.present(id)
	if err != nil {
		return nil, err
	}
	stored, err := s.stored(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read versions of %s %s: %w", s.kind.Noun, id, err)
	}
	out := make([]Versioned[T], len(stored))
	for i, o := range stored {
		if out[i], err = s.decode(o); err != nil {
			return nil, fmt.Errorf("read %s %s version %d: %w", s.kind.Noun, id, o.Version, err)
		}
		out[i].CreatedAt, out[i].BuiltIn = now.CreatedAt, now.BuiltIn
	}
	return out, nil
}

// stored are the versions of an object in the table.
func (s *Store[T]) stored(ctx context.Context, id string) ([]Object, error) {
	if table, ok := s.table.(OneByOne); ok {
		return table.Versions(ctx, s.kind.Name, id)
	}
	all, err := s.table.All(ctx, s.kind.Name)
	return slices.DeleteFunc(all, func(o Object) bool { return o.ID != id }), err
}
