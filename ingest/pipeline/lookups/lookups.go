package lookups

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"nightjar/ingest/pipeline"
	"nightjar/scheduler/reference"
	"nightjar/schema"
)

// Source is where tables are; *reference.Tables is one.
type Source interface {
	List() []reference.Table
	ListRows(ctx context.Context, id string, limit int, token string) (rows []reference.Row, next string, err error)
}

// MaxRows is how many rows a table may have that pipelines look up: they are in memory.
const MaxRows = 1_000_000

// interval is how often it is looked whether tables have changed.
const interval = time.Second

// Tables implements pipeline.Tables.
type Tables struct {
	source Source
	wanted func() []string
	now    func() time.Time
	log    *slog.Logger
	loaded atomic.Pointer[map[string]*table]
}

// table is a table's rows in memory, or why they are not.
type table struct {
	id      string
	updated schema.Millis
	// settled says that it was read well after its last change, so that none of the same
	// moment is missing.
	settled bool
	rows    map[string][]pipeline.Cell
	err     error
}

var (
	errNotYet = errors.New("it is not read yet; it will be within seconds")
	errNone   = errors.New("there is no table of this name")
)

// New holds the tables that wanted names.
func New(source Source, wanted func() []string, now func() time.Time, log *slog.Logger) *Tables {
	t := &Tables{source: source, wanted: wanted, now: now, log: log}
	t.loaded.Store(&map[string]*table{})
	return t
}

// Row implements pipeline.Tables, for events that arrive now.
func (t *Tables) Row(name, key string, _ schema.Millis) (row []pipeline.Cell, ok bool, err error) {
	known := (*t.loaded.Load())[name]
	if known == nil {
		return nil, false, errNotYet
	}
	if known.err != nil && known.rows == nil {
		return nil, false, known.err
	}
	row, ok = known.rows[key]
	return row, ok, nil
}

// Run keeps the tables as they are until the context ends.
func (t *Tables) Run(ctx context.Context) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		t.Refresh(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Refresh reads what has changed. Of a table that cannot be read, what was known stays.
func (t *Tables) Refresh(ctx context.Context) {
	wanted := t.wanted()
	have := *t.loaded.Load()
	if len(wanted) == 0 && len(have) == 0 {
		return
	}
	there := map[string]reference.Table{}
	for _, one := range t.source.List() {
		there[one.Name] = one
	}
	next := make(map[string]*table, len(wanted))
	for _, name := range wanted {
		def, ok := there[name]
		if !ok {
			next[name] = &table{err: errNone}
			continue
		}
		next[name] = t.refreshed(ctx, &def, have[name])
	}
	t.loaded.Store(&next)
}

// refreshed is the table as it is now.
func (t *Tables) refreshed(ctx context.Context, def *reference.Table, had *table) *table {
	if had != nil && had.settled && had.id == def.ID && had.updated == def.UpdatedAt {
		return had
	}
	rows, err := t.read(ctx, def)
	if err != nil {
		if ctx.Err() == nil {
			t.log.Warn("a reference table that pipelines look up cannot be read", "table", def.Name, "error", err)
		}
		kept := &table{id: def.ID, err: err}
		if had != nil {
			kept.rows = had.rows
		}
		return kept
	}
	settled := schema.MillisOf(t.now()) > def.UpdatedAt.Add(interval)
	return &table{id: def.ID, updated: def.UpdatedAt, settled: settled, rows: rows}
}

// page is how many rows are asked for at once.
const page = 10_000

func (t *Tables) read(ctx context.Context, def *reference.Table) (map[string][]pipeline.Cell, error) {
	out := make(map[string][]pipeline.Cell, def.Rows)
	for token := ""; ; {
		rows, next, err := t.source.ListRows(ctx, def.ID, page, token)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			out[r.ID] = cells(def, r)
		}
		if len(out) > MaxRows {
			return nil, fmt.Errorf("it has more than %d rows, which are too many to look up", MaxRows)
		}
		if next == "" {
			return out, nil
		}
		token = next
	}
}

// cells are a row's columns but for its key, in the order of the table.
func cells(def *reference.Table, r reference.Row) (out []pipeline.Cell) {
	for _, f := range def.Fields {
		if v, ok := r.Values[f.Name]; ok && f.Name != def.Key {
			out = append(out, pipeline.Cell{Column: f.Name, Value: v, Number: f.Type == reference.Int32})
		}
	}
	return out
}
