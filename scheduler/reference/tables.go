package reference

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"nightjar/compiler"
	"nightjar/schema"
)

// Table is a reference table as users see it.
type Table struct {
	ID          string   `json:"-"`
	Name        string   `json:"name"`
	Source      string   `json:"source"`
	Description string   `json:"description"`
	Tags        []string `json:"tags"`
	Fields      []Field  `json:"fields"`
	// Key is the field that tells rows apart.
	Key string `json:"key"`
	// Rows is how many there are.
	Rows int64 `json:"rows"`
	// UploadID is the upload that was read last, if any.
	UploadID string `json:"upload_id,omitempty"`

	// What follows is not the user's to say.
	CreatedAt schema.Millis `json:"-"`
	UpdatedAt schema.Millis `json:"-"`
	Status    string        `json:"-"`
	// Problem is why the last file was not read.
	Problem string `json:"-"`
}

// The states of a table. One with an error still has the rows that it had.
const (
	StatusInitialized = "INITIALIZED" // no file was read yet
	StatusProcessing  = "PROCESSING"  // a file is being read
	StatusDone        = "DONE"
	StatusError       = "ERROR"
)

// MaxName is how many bytes the name of a table or field has at most.
const MaxName = 200

// field is the place of a field, or -1.
func (t *Table) field(name string) int {
	return slices.IndexFunc(t.Fields, func(f Field) bool { return f.Name == name })
}

// check says all that is wrong with a table's definition.
func (t *Table) check() error {
	var bad schema.InvalidError
	if strings.TrimSpace(t.Name) == "" || len(t.Name) > MaxName {
		bad.Add("table_name", fmt.Sprintf("a table needs a name of at most %d bytes", MaxName))
	}
	if len(t.Fields) == 0 || len(t.Fields) > MaxFields {
		bad.Add("schema.fields", fmt.Sprintf("a table has 1 to %d fields, this one has %d", MaxFields, len(t.Fields)))
	}
	for i, f := range t.Fields {
		target := fmt.Sprintf("schema.fields[%d]", i)
		if f.Name == "" || len(f.Name) > MaxName {
			bad.Add(target+".name", fmt.Sprintf("a field needs a name of at most %d bytes", MaxName))
		}
		if t.field(f.Name) != i {
			bad.Add(target+".name", fmt.Sprintf("two fields are named %q", f.Name))
		}
		if f.Type != String && f.Type != Int32 {
			bad.Add(target+".type", fmt.Sprintf("unknown type %q; want STRING or INT32", f.Type))
		}
		if f.Match != Auto && !slices.Contains(Kinds, f.Match) {
			bad.Add(target+".match", fmt.Sprintf("unknown kind %q; want one of %v, or none", f.Match, Kinds))
		}
	}
	if t.field(t.Key) < 0 {
		bad.Add("schema.primary_keys", fmt.Sprintf("the primary key must be one of the fields %s, got %q", fieldNames(t.Fields), t.Key))
	}
	return bad.Err()
}

// Tables are the reference tables of an engine. It is the only writer of its
// store.
type Tables struct {
	store Store
	now   func() schema.Millis

	// moment is held while a change gets its moment and becomes visible, so that
	// whoever holds it for reading has every change up to now before him.
	moment sync.RWMutex
	// unsettled is a version that may or may not be stored: the store failed
	// while it was being committed.
	unsettled *commit
	newest    schema.Millis // moment of the last change

	creating sync.Mutex // one at a time, so that names stay different

	mu     sync.RWMutex
	byID   map[string]*table
	byName map[string][]*table // those of a name, in the order in which they were made
}

// table is what is known of one. Tables.mu guards it, but for change.
type table struct {
	// change is held by whoever changes the table or fills its columns.
	change sync.Mutex

	Table
	version Version   // the newest
	next    Version   // the number of the next change
	hidden  []Version // of rows that never came to count
	changes []moment  // of its rows
	deleted schema.Millis
	reading int // files that are being read
	columns []*filled
}

// moment is when a version of a table's rows began.
type moment struct {
	version Version
	at      schema.Millis
}

// filled is a column in memory. It answers for all versions from one on; a stale
// one for none that is still to come.
type filled struct {
	*column
	from  Version
	stale bool
}

// commit is a version of a table that is to be stored.
type commit struct {
	object Object
	stored storedTable
}

// storedTable is the body of a table's object.
type storedTable struct {
	Table
	// Changed says that this version changes rows.
	Changed bool `json:"changed,omitempty"`
}

// New makes the tables of a store; Open reads what is there.
func New(store Store, now func() schema.Millis) *Tables {
	return &Tables{store: store, now: now, byID: map[string]*table{}, byName: map[string][]*table{}}
}

// Open reads the definitions of all tables. It must return before anything else
// is asked of them.
func (s *Tables) Open(ctx context.Context) error {
	objects, err := s.store.Objects(ctx)
	if err != nil {
		return fmt.Errorf("load reference tables: %w", err)
	}
	versions, err := s.store.Versions(ctx)
	if err != nil {
		return fmt.Errorf("load versions of reference tables: %w", err)
	}
	if err := s.store.Unstage(ctx, 0); err != nil {
		return fmt.Errorf("forget unfinished uploads of reference tables: %w", err)
	}
	sort.SliceStable(objects, func(i, j int) bool { return objects[i].Written < objects[j].Written })
	for _, o := range objects {
		c := commit{object: o}
		if err := json.Unmarshal([]byte(o.Body), &c.stored); err != nil {
			return fmt.Errorf("load reference table %s version %d: %w", o.ID, o.Version, err)
		}
		s.apply(&c)
	}
	for id, list := range versions {
		if t := s.byID[id]; t != nil {
			t.hide(list)
		}
	}
	return nil
}

// hide notes which versions of rows do not count, and goes on after them.
func (t *table) hide(versions []Version) {
	for _, v := range versions {
		if !slices.ContainsFunc(t.changes, func(m moment) bool { return m.version == v }) && !slices.Contains(t.hidden, v) {
			t.hidden = append(t.hidden, v)
		}
		t.next = max(t.next, v+1)
	}
}

// apply makes a stored version the present one.
func (s *Tables) apply(c *commit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := &c.object
	t := s.byID[o.ID]
	if t == nil {
		t = &table{}
		c.stored.CreatedAt = o.Written
		s.byID[o.ID] = t
		s.byName[c.stored.Name] = append(s.byName[c.stored.Name], t)
	} else {
		c.stored.CreatedAt = t.CreatedAt
	}
	t.Table = c.stored.Table
	t.ID, t.UpdatedAt, t.Problem = o.ID, o.Written, ""
	t.version, t.next = o.Version, max(t.next, o.Version+1)
	if c.stored.Changed {
		t.changes = append(t.changes, moment{o.Version, o.Written})
	}
	if o.Deleted {
		t.deleted = o.Written
	}
	for len(t.columns) < len(t.Fields) {
		t.columns = append(t.columns, nil)
	}
	s.newest = max(s.newest, o.Written)
}

// commitTimeout is how long a commit may hold up those who read.
const commitTimeout = 5 * time.Second

// commit stores a version and makes it visible, both at one moment. When the
// store fails on the way, the version is stored later: nobody reads before that.
func (s *Tables) commit(ctx context.Context, id string, v Version, stored storedTable, deleted bool) error {
	body, err := json.Marshal(stored)
	if err != nil {
		return fmt.Errorf("encode reference table %s: %w", stored.Name, err)
	}
	s.moment.Lock()
	defer s.moment.Unlock()
	if err := s.settle(ctx); err != nil {
		return err
	}
	// An event that arrives now must not see it: somebody may have looked for it
	// already. One that arrives later will find it.
	at := max(s.now()+1, s.newest)
	s.unsettled = &commit{Object{ID: id, Version: v, Written: at, Deleted: deleted, Body: string(body)}, stored}
	return s.settle(ctx)
}

// settle stores the version that is to be stored, if there is one. moment is
// held.
func (s *Tables) settle(ctx context.Context) error {
	c := s.unsettled
	if c == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	if err := s.store.Commit(ctx, c.object); err != nil {
		return fmt.Errorf("commit version %d of reference table %s, which is tried again: %w", c.object.Version, c.stored.Name, err)
	}
	s.apply(c)
	s.unsettled = nil
	return nil
}

// List is all tables that are not deleted, by name.
func (s *Tables) List() []Table {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []Table
	for _, t := range s.byID {
		if t.deleted == 0 {
			out = append(out, t.visible())
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

// Get is a table by its id.
func (s *Tables) Get(id string) (Table, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	t, err := s.present(id)
	if err != nil {
		return Table{}, err
	}
	return t.visible(), nil
}

func (s *Tables) present(id string) (*table, error) {
	t := s.byID[id]
	if t == nil || t.deleted != 0 {
		return nil, &schema.NotFoundError{Kind: kind, ID: id}
	}
	return t, nil
}

const kind = "reference_table"

func (t *table) visible() Table {
	out := t.Table
	out.Tags, out.Fields = slices.Clone(t.Tags), slices.Clone(t.Fields)
	switch {
	case t.reading > 0:
		out.Status = StatusProcessing
	case t.Problem != "":
		out.Status = StatusError
	case t.version == 1:
		out.Status = StatusInitialized
	default:
		out.Status = StatusDone
	}
	return out
}

// Create makes a table without rows.
func (s *Tables) Create(ctx context.Context, def Table) (Table, error) {
	def.Rows = 0
	if err := def.check(); err != nil {
		return Table{}, err
	}
	s.creating.Lock()
	defer s.creating.Unlock()
	if s.named(def.Name) {
		var bad schema.InvalidError
		bad.Add("table_name", fmt.Sprintf("there is a reference table %q already", def.Name))
		return Table{}, bad.Err()
	}
	id := uuid.NewString()
	if err := s.commit(ctx, id, 1, storedTable{Table: def}, false); err != nil {
		return Table{}, err
	}
	return s.Get(id)
}

func (s *Tables) named(name string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.ContainsFunc(s.byName[name], func(t *table) bool { return t.deleted == 0 })
}

// Update changes a table's description, tags and the like. Fields can be added,
// and neither be removed nor be changed: rules count on them.
func (s *Tables) Update(ctx context.Context, id string, edit func(*Table) error) (Table, error) {
	t, unlock, err := s.lock(ctx, id)
	if err != nil {
		return Table{}, err
	}
	defer unlock()
	v, before := s.draft(t)
	def := before
	def.Tags, def.Fields = slices.Clone(before.Tags), slices.Clone(before.Fields)
	if err := edit(&def); err != nil {
		return Table{}, err
	}
	def.Rows = before.Rows
	for i := range min(len(def.Fields), len(before.Fields)) {
		if f := &def.Fields[i]; f.Match == Auto {
			f.Match = before.Fields[i].Match // the API's clients don't know of it
		}
	}
	if err := def.follows(&before); err != nil {
		return Table{}, err
	}
	if err := def.check(); err != nil {
		return Table{}, err
	}
	if err := s.commit(ctx, id, v, storedTable{Table: def}, false); err != nil {
		return Table{}, err
	}
	return s.Get(id)
}

// follows says what of a table's definition cannot change.
func (t *Table) follows(before *Table) error {
	var bad schema.InvalidError
	if t.Name != before.Name {
		bad.Add("table_name", "a table keeps its name: rules know it by that")
	}
	if t.Key != before.Key {
		bad.Add("schema.primary_keys", "the primary key stays as it is; make another table")
	}
	if n := len(before.Fields); len(t.Fields) < n || !slices.Equal(t.Fields[:n], before.Fields) {
		bad.Add("schema.fields", fmt.Sprintf("fields can be added after %s, which stay as they are", fieldNames(before.Fields)))
	}
	return bad.Err()
}

// Delete ends a table. What was in it stays known for the time before.
func (s *Tables) Delete(ctx context.Context, id string) error {
	t, unlock, err := s.lock(ctx, id)
	if err != nil {
		return err
	}
	defer unlock()
	v, def := s.draft(t)
	return s.commit(ctx, id, v, storedTable{Table: def}, true)
}

// lock gives a table to one who changes it. Every change before is settled then.
func (s *Tables) lock(ctx context.Context, id string) (t *table, unlock func(), err error) {
	s.mu.RLock()
	t, err = s.present(id)
	s.mu.RUnlock()
	if err != nil {
		return nil, nil, err
	}
	t.change.Lock()
	if err = s.settled(ctx); err == nil {
		s.mu.RLock()
		_, err = s.present(id)
		s.mu.RUnlock()
	}
	if err != nil {
		t.change.Unlock()
		return nil, nil, err
	}
	return t, t.change.Unlock, nil
}

// settled waits for a commit that is going on, and brings one to its end that
// failed. Every change whose moment has passed is visible then.
func (s *Tables) settled(ctx context.Context) error {
	s.moment.RLock()
	open := s.unsettled != nil
	s.moment.RUnlock()
	if !open {
		return nil
	}
	s.moment.Lock()
	defer s.moment.Unlock()
	return s.settle(ctx)
}

// draft is the number of the next version, which is never given again, and what
// it begins with.
func (s *Tables) draft(t *table) (Version, Table) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := t.next
	t.next++
	return v, t.Table
}

// Missing says which of the columns there are not now.
func (s *Tables) Missing(columns []compiler.TableColumn) []string {
	var out []string
	for _, c := range columns {
		if there, err := s.askable(c); !there {
			out = append(out, noTable(c, s.names()))
		} else if err != nil {
			out = append(out, err.Error())
		}
	}
	return out
}

// names are those of all tables.
func (s *Tables) names() (out []string) {
	for _, t := range s.List() {
		out = append(out, t.Name)
	}
	return out
}

// Check is a ColumnError when there is the table and it has no such column.
func (s *Tables) Check(c compiler.TableColumn) error {
	_, err := s.askable(c)
	return err
}

func (s *Tables) askable(c compiler.TableColumn) (table bool, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, t := range s.byName[c.Table] {
		if t.deleted != 0 {
			continue
		}
		if t.field(c.Column) < 0 {
			err = &ColumnError{c, slices.Clone(t.Fields)}
		}
		return true, err
	}
	return false, nil
}
