package reference

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sort"
	"time"

	"nightjar/compiler"
	"nightjar/schema"
)

// Has implements compiler.Tables: an event sees a table as it was at its
// arrival. What was first put into a table counts for all time before, so that a
// list made today says something about yesterday. Load comes before.
func (s *Tables) Has(name, field, value string, at schema.Millis) bool {
	s.mu.RLock()
	t := s.inForce(name, at)
	if t == nil {
		s.mu.RUnlock()
		return false
	}
	var c *filled
	if i := t.field(field); i >= 0 {
		c = t.columns[i]
	}
	v := t.versionAt(at)
	s.mu.RUnlock()
	return c != nil && c.has(value, v)
}

// inForce is the table that has a name at a moment.
func (s *Tables) inForce(name string, at schema.Millis) *table {
	var found *table
	for _, t := range s.byName[name] {
		if len(t.changes) > 0 && (found == nil || t.changes[0].at <= at) {
			found = t
		}
	}
	if found == nil || found.deleted != 0 && found.deleted <= at {
		return nil
	}
	return found
}

// versionAt is the version of a table's rows at a moment, 0 when it never had
// any.
func (t *table) versionAt(at schema.Millis) Version {
	if len(t.changes) == 0 {
		return 0
	}
	n := sort.Search(len(t.changes), func(i int) bool { return t.changes[i].at > at })
	return t.changes[max(n, 1)-1].version
}

// Load makes Has answer for the columns and for every moment from since on. When
// it has returned, every change whose moment had passed when it was called is
// seen: who reads events first and calls Load then sees the tables of their
// arrivals.
func (s *Tables) Load(ctx context.Context, columns []compiler.TableColumn, since schema.Millis) error {
	if err := s.settled(ctx); err != nil {
		return err
	}
	for _, c := range columns {
		for _, t := range s.since(c.Table, since) {
			if err := s.load(ctx, t, c.Column, since); err != nil {
				return fmt.Errorf("load column %s: %w", c, err)
			}
		}
	}
	return nil
}

// since are the tables that had a name at the moment or have it since.
func (s *Tables) since(name string, at schema.Millis) []*table {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []*table
	for _, t := range s.byName[name] {
		if t.deleted == 0 || t.deleted > at {
			out = append(out, t)
		}
	}
	return out
}

// recent is how far back a column in memory reaches at least, so that events that
// are caught up with find it ready.
const recent = 48 * time.Hour

func (s *Tables) load(ctx context.Context, t *table, field string, since schema.Millis) error {
	if s.loaded(t, field, since) {
		return nil
	}
	t.change.Lock()
	defer t.change.Unlock()
	if err := s.settled(ctx); err != nil {
		return err
	}
	if s.loaded(t, field, since) {
		return nil
	}
	s.mu.RLock()
	i, snapshot := t.field(field), t.snapshot()
	from := t.versionAt(min(since, s.now().Add(-recent)))
	if known := t.columns[i]; known != nil {
		from = min(from, known.from) // somebody may be asking of the time before
	}
	declared := t.Fields[i]
	isKey := declared.Name == t.Key
	s.mu.RUnlock()
	c, err := newColumn(declared.Match)
	if err != nil {
		return err
	}
	f := filling{column: c, from: from}
	if err := s.store.Cells(ctx, snapshot, i, isKey, f.cell); err != nil {
		return err
	}
	f.finish()
	s.mu.Lock()
	t.columns[i] = &filled{column: c, from: from}
	s.mu.Unlock()
	return nil
}

// loaded reports whether a column answers for every moment from since on, or there
// is none.
func (s *Tables) loaded(t *table, field string, since schema.Millis) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	i := t.field(field)
	if i < 0 {
		return true
	}
	c := t.columns[i]
	return c != nil && !c.stale && c.from <= t.versionAt(since)
}

func (t *table) snapshot() Snapshot {
	return Snapshot{Table: t.ID, Version: t.version, Hidden: slices.Clone(t.hidden)}
}

// filling makes a column of the cells of a store, which come by key and version.
type filling struct {
	*column
	from  Version
	key   string
	value ref  // of the key
	begun bool // the value of version from is in the column
	later []step
}

// step is that a row's value becomes another one.
type step struct {
	version  Version
	old, new ref
}

func (f *filling) cell(c Cell) error {
	if c.Key != f.key {
		f.begin()
		f.key, f.value, f.begun = c.Key, 0, false
	}
	var value ref
	if !c.Removed {
		var err error
		if value, err = f.intern(c.Value); err != nil {
			return err
		}
	}
	if c.Version > f.from {
		f.begin()
		if value != f.value {
			f.later = append(f.later, step{c.Version, f.value, value})
		}
	}
	f.value = value
	return nil
}

// begin puts the value that the key has at first into the column.
func (f *filling) begin() {
	if !f.begun {
		f.add(f.value, 0)
		f.begun = true
	}
}

// finish makes the steps, in the order of versions.
func (f *filling) finish() {
	f.begin()
	slices.SortStableFunc(f.later, func(a, b step) int { return cmp.Compare(a.version, b.version) })
	for _, s := range f.later {
		f.drop(s.old, s.version)
		f.add(s.new, s.version)
	}
	f.later = nil
}
