package reference

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"nightjar/schema"
)

// Row is a row as users give and see it. Its ID is the value of its key.
type Row struct {
	ID     string
	Values map[string]string // by field; empty ones are left out
}

// MaxRows is how many rows one change of Upsert or DeleteRows has at most.
const MaxRows = 50_000

// Rows reads rows by id, in the order of ids; those that there are not are left
// out.
func (s *Tables) Rows(ctx context.Context, id string, ids []string) ([]Row, error) {
	def, snapshot, err := s.view(id)
	if err != nil {
		return nil, err
	}
	stored, err := s.store.Rows(ctx, snapshot, ids)
	if err != nil {
		return nil, fmt.Errorf("read rows of reference table %s: %w", def.Name, err)
	}
	return def.rows(stored), nil
}

// ListRows reads at most limit rows, in the order of ids, from where the token
// says; an empty one begins. next is empty at the end. All pages are of the
// version that the first is of.
func (s *Tables) ListRows(ctx context.Context, id string, limit int, token string) (rows []Row, next string, err error) {
	return s.pageOf(ctx, id, limit, token, s.store.Page)
}

// FindRows is ListRows of those rows of which a value has a text in it, in any letter case.
func (s *Tables) FindRows(ctx context.Context, id, containing string, limit int, token string) (rows []Row, next string, err error) {
	return s.pageOf(ctx, id, limit, token, func(ctx context.Context, of Snapshot, after string, limit int) ([]StoredRow, error) {
		return s.store.Find(ctx, of, after, containing, limit)
	})
}

type readPage func(ctx context.Context, of Snapshot, after string, limit int) ([]StoredRow, error)

func (s *Tables) pageOf(ctx context.Context, id string, limit int, token string, read readPage) (rows []Row, next string, err error) {
	def, snapshot, err := s.view(id)
	if err != nil {
		return nil, "", err
	}
	after := ""
	if token != "" {
		if snapshot.Version, after, err = readToken(token, snapshot.Version); err != nil {
			return nil, "", err
		}
	}
	stored, err := read(ctx, snapshot, after, limit)
	if err != nil {
		return nil, "", fmt.Errorf("list rows of reference table %s: %w", def.Name, err)
	}
	if len(stored) == limit {
		next = makeToken(snapshot.Version, stored[limit-1].Key)
	}
	return def.rows(stored), next, nil
}

func makeToken(v Version, after string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatUint(uint64(v), 10) + " " + after))
}

func readToken(token string, newest Version) (v Version, after string, err error) {
	text, err := base64.RawURLEncoding.DecodeString(token)
	number, after, found := strings.Cut(string(text), " ")
	n, bad := strconv.ParseUint(number, 10, 32)
	if err != nil || !found || bad != nil || Version(n) > newest {
		var invalid schema.InvalidError
		invalid.Add("page[continuation_token]", "this is no token of a page of this table; begin without one")
		return 0, "", invalid.Err()
	}
	return Version(n), after, nil
}

func (s *Tables) view(id string) (Table, Snapshot, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	t, err := s.present(id)
	if err != nil {
		return Table{}, Snapshot{}, err
	}
	return t.visible(), t.snapshot(), nil
}

func (t *Table) rows(stored []StoredRow) []Row {
	out := make([]Row, len(stored))
	for i, r := range stored {
		out[i] = Row{r.Key, map[string]string{}}
		for n, value := range r.Values {
			if value != "" && n < len(t.Fields) {
				out[i].Values[t.Fields[n].Name] = value
			}
		}
	}
	return out
}

// Upsert adds rows, or changes those that have the ids. A changed row keeps the
// values that are not given. Of rows with one id the last counts.
func (s *Tables) Upsert(ctx context.Context, id string, rows []Row) error {
	keys := make([]string, len(rows))
	for i, r := range rows {
		keys[i] = r.ID
	}
	return s.edit(ctx, id, keys, func(def *Table, values map[string][]string) error {
		var bad schema.InvalidError
		for i, r := range rows {
			def.put(values, r, fmt.Sprintf("data[%d]", i), &bad)
		}
		return bad.Err()
	})
}

// put gives a row its values.
func (t *Table) put(values map[string][]string, r Row, target string, bad *schema.InvalidError) {
	key := t.field(t.Key)
	id, err := t.Fields[key].Normal(r.ID)
	if err != nil || id == "" {
		bad.Add(target+".id", fmt.Sprintf("a row's id is the value of its key %s, and %.40q is none", t.Key, r.ID))
		return
	}
	row := make([]string, len(t.Fields))
	copy(row, values[id])
	row[key] = id
	for name, value := range r.Values {
		i := t.field(name)
		if i < 0 {
			bad.Add(target+".attributes.values", fmt.Sprintf("the table has no field %q; it has %s", name, fieldNames(t.Fields)))
			continue
		}
		value, err := t.Fields[i].Normal(value)
		if err != nil {
			bad.Add(target+".attributes.values."+name, err.Error())
			continue
		}
		if i == key && value != id {
			bad.Add(target+".attributes.values."+name, fmt.Sprintf("the key is %.40q, and the row's id %.40q", value, id))
		}
		row[i] = value
	}
	values[id] = row
}

// DeleteRows removes rows by id; those that there are not stay so.
func (s *Tables) DeleteRows(ctx context.Context, id string, ids []string) error {
	return s.edit(ctx, id, ids, func(def *Table, values map[string][]string) error {
		for _, key := range ids {
			normal, err := def.Fields[def.field(def.Key)].Normal(key)
			if err == nil {
				delete(values, normal)
			}
		}
		return nil
	})
}

// edit changes rows: change gets the values of those with the ids, and leaves
// what they are to be.
func (s *Tables) edit(ctx context.Context, id string, ids []string, change func(*Table, map[string][]string) error) error {
	if len(ids) > MaxRows {
		var bad schema.InvalidError
		bad.Add("data", fmt.Sprintf("at most %d rows at once, got %d; a file takes any number", MaxRows, len(ids)))
		return bad.Err()
	}
	t, unlock, err := s.lock(ctx, id)
	if err != nil {
		return err
	}
	defer unlock()
	v, def := s.draft(t)
	key := &def.Fields[def.field(def.Key)]
	for i := range ids {
		if normal, err := key.Normal(ids[i]); err == nil {
			ids[i] = normal
		}
	}
	stored, err := s.store.Rows(ctx, s.snapshot(t), ids)
	if err != nil {
		return fmt.Errorf("read rows of reference table %s: %w", def.Name, err)
	}
	old, values := map[string][]string{}, map[string][]string{}
	for _, r := range stored {
		old[r.Key], values[r.Key] = r.Values, r.Values
	}
	if err := change(&def, values); err != nil {
		return err
	}
	changes, more := differences(old, values)
	if len(changes) == 0 {
		return nil
	}
	def.Rows += int64(more)
	return s.write(ctx, t, v, &def, func() (changed bool, err error) {
		if err := s.store.Append(ctx, id, v, changes); err != nil {
			return false, err
		}
		foresee := s.foresee(t, v)
		for _, c := range changes {
			if err := foresee(c); err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

func (s *Tables) snapshot(t *table) Snapshot {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return t.snapshot()
}

// differences are the changes from old rows to new ones, in the order of keys,
// and how many rows more there are.
func differences(old, new map[string][]string) (changes []Change, more int) {
	for key, values := range old {
		if new[key] == nil {
			changes = append(changes, Change{key, values, nil})
			more--
		}
	}
	for key, values := range new {
		before := old[key]
		if before == nil {
			more++
		} else if padded := make([]string, len(values)); copy(padded, before) >= 0 && slices.Equal(padded, values) {
			continue
		}
		changes = append(changes, Change{key, before, values})
	}
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Key, b.Key) })
	return changes, more
}

// write stores the rows of a version, puts them into the columns in memory, and
// commits. Until then nobody sees them, there or here.
func (s *Tables) write(ctx context.Context, t *table, v Version, def *Table, rows func() (changed bool, err error)) error {
	changed, err := rows()
	if err != nil {
		s.mu.Lock()
		t.hidden = append(t.hidden, v) // some of it may be stored
		for _, c := range t.columns {
			if c != nil {
				c.stale = true // or in memory
			}
		}
		s.mu.Unlock()
		return fmt.Errorf("store rows of reference table %s: %w", def.Name, err)
	}
	return s.commit(ctx, def.ID, v, storedTable{Table: *def, Changed: changed}, false)
}

// foresee puts changes of a version to come into the columns in memory.
func (s *Tables) foresee(t *table, v Version) func(Change) error {
	columns := s.inMemory(t)
	cell := func(values []string, i int) string {
		if i < len(values) {
			return values[i]
		}
		return ""
	}
	return func(c Change) error {
		for i, column := range columns {
			if err := column.replace(cell(c.Old, i), cell(c.New, i), v); err != nil {
				return err
			}
		}
		return nil
	}
}

// inMemory are the columns in memory, by field.
func (s *Tables) inMemory(t *table) map[int]*filled {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := map[int]*filled{}
	for i, c := range t.columns {
		if c != nil {
			out[i] = c
		}
	}
	return out
}
