package clickhouse

import (
	"context"
	"fmt"
	"strings"

	"nightjar/schema"
)

// The kinds of row in schema.AttributeShapes.
const (
	kindPath     = "path"
	kindThrough  = "through"
	kindOverflow = "overflow"
	kindBeyond   = "beyond"
)

// markEvery is after how many events what they hold is marked as catalogued. A
// start looks through at most that many again.
const markEvery = 500_000

// Catalogue is what is known of the forms in which attributes are stored. Insert
// keeps it; until Load has completed it, it answers that it knows nothing.
func (s *Sink) Catalogue() *schema.Catalogue { return &s.catalogue }

// Load completes the catalogue: it reads what was kept, and looks through the
// events beyond the last mark, whoever stored them. Events may be inserted
// meanwhile.
func (s *Sink) Load(ctx context.Context) error {
	through, err := s.kept(ctx)
	if err != nil {
		return err
	}
	last, err := s.LastSeq(ctx)
	if err != nil {
		return err
	}
	if last > through {
		found, err := s.find(ctx, through)
		if err != nil {
			return fmt.Errorf("look through the events after %d for attributes: %w", through, err)
		}
		s.keeping.Lock()
		missing, overflow, beyond := s.catalogue.MissingShapes(found)
		err = s.keep(ctx, missing, overflow, beyond)
		s.keeping.Unlock()
		if err != nil {
			return err
		}
		if err := s.mark(ctx, last); err != nil {
			return err
		}
	}
	s.catalogue.Complete()
	return nil
}

// kept adds what is in the table, once, and says up to which arrival it is all.
// Before that no path is known, and nothing may be inserted.
func (s *Sink) kept(ctx context.Context) (through uint64, err error) {
	s.loading.Lock()
	defer s.loading.Unlock()
	if !s.loaded {
		if s.through, err = s.loadKept(ctx); err != nil {
			return 0, fmt.Errorf("load the catalogue of attributes: %w", err)
		}
		s.loaded = true
	}
	return s.through, nil
}

func (s *Sink) loadKept(ctx context.Context) (through uint64, err error) {
	rows, err := s.conn.Query(ctx, "SELECT kind, path, groupBitOr(shapes), max(through) FROM "+schema.AttributeShapes.Name+" GROUP BY kind, path")
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var shapes []schema.PathShapes
	overflow, beyond := false, false
	for rows.Next() {
		var kind, path string
		var set uint16
		var mark uint64
		if err := rows.Scan(&kind, &path, &set, &mark); err != nil {
			return 0, err
		}
		switch kind {
		case kindPath:
			shapes = append(shapes, schema.PathShapes{Path: path, Shapes: schema.Shapes(set)})
		case kindThrough:
			through = mark
		case kindOverflow:
			overflow = true
		case kindBeyond:
			beyond = true
		default:
			return 0, fmt.Errorf("a row of kind %q: this database was used by a newer version", kind)
		}
	}
	if err := rows.Err(); err != nil {
		return 0, err
	}
	s.catalogue.Add(shapes, overflow, beyond)
	return through, nil
}

// find asks the server for the forms in the events after an arrival.
func (s *Sink) find(ctx context.Context, after uint64) (map[string]schema.Shapes, error) {
	columns := []string{"distinctJSONPathsAndTypes(attributes)"}
	for _, p := range schema.TypedPaths {
		columns = append(columns,
			"countIf(attributes.`"+p.Path+"` IS NOT NULL) > 0",
			"countIf(notEmpty(attributes.`"+schema.ManyPath(p.Path)+"`)) > 0")
	}
	types := map[string][]string{}
	typed := make([]bool, len(columns)-1)
	into := []any{&types}
	for i := range typed {
		into = append(into, &typed[i])
	}
	sql := fmt.Sprintf("SELECT %s FROM %s WHERE seq > %d", strings.Join(columns, ", "), schema.Events.Name, after)
	if err := s.conn.QueryRow(ctx, sql).Scan(into...); err != nil {
		return nil, err
	}
	found := map[string]schema.Shapes{}
	for stored, names := range types {
		path, shapes, err := schema.StoredShapes(stored, names)
		if err != nil {
			return nil, err
		}
		found[path] |= shapes
	}
	for i, p := range schema.TypedPaths {
		delete(found, p.Path)
		if typed[2*i] {
			found[p.Path] |= schema.OneString
		}
		if typed[2*i+1] {
			found[p.Path] |= schema.ManyStrings
		}
	}
	return found, s.findRest(ctx, after, found)
}

// findRest adds the paths in column rest: a few more than the catalogue holds, when
// they are more.
func (s *Sink) findRest(ctx context.Context, after uint64, found map[string]schema.Shapes) error {
	var stored []string
	sql := fmt.Sprintf("SELECT groupUniqArrayArray(%d)(arrayMap(x -> concat(substringIndex(x, '=', 1), '='), rest)) FROM %s WHERE seq > %d AND notEmpty(rest)",
		schema.MaxCataloguedPaths+1, schema.Events.Name, after)
	if err := s.conn.QueryRow(ctx, sql).Scan(&stored); err != nil {
		return err
	}
	for _, text := range stored {
		path, err := schema.RestPath(text)
		if err != nil {
			return err
		}
		found[path] |= schema.InRest
	}
	return nil
}

// catalogueEvents keeps the forms in the events that are new, and says which paths
// go to column rest. It returns once the forms are stored, so that no event is ever
// stored without.
func (s *Sink) catalogueEvents(ctx context.Context, events []schema.Event) (rest map[string]bool, err error) {
	if _, err := s.kept(ctx); err != nil {
		return nil, err
	}
	s.keeping.Lock()
	defer s.keeping.Unlock()
	d := s.catalogue.Divide(events, s.fresh.block())
	s.fresh.tell(&d)
	if len(d.Missing) == 0 && d.Beyond == s.catalogue.Beyond() {
		return d.Rest, nil
	}
	return d.Rest, s.keep(ctx, d.Missing, noOverflow, d.Beyond)
}

// noOverflow: the paths that there may be are not used up.
const noOverflow = false

// keep stores forms, and then makes them known.
func (s *Sink) keep(ctx context.Context, shapes []schema.PathShapes, overflow, beyond bool) error {
	var rows []shapeRow
	for _, p := range shapes {
		rows = append(rows, shapeRow{kind: kindPath, path: p.Path, shapes: p.Shapes})
	}
	if overflow && !s.catalogue.Overflowed() {
		rows = append(rows, shapeRow{kind: kindOverflow})
	}
	if beyond && !s.catalogue.Beyond() {
		rows = append(rows, shapeRow{kind: kindBeyond})
	}
	if err := s.write(ctx, rows); err != nil {
		return fmt.Errorf("store %d new forms of attributes: %w", len(rows), err)
	}
	s.catalogue.Add(shapes, overflow, beyond)
	return nil
}

// mark says that the forms of every event up to an arrival are kept.
func (s *Sink) mark(ctx context.Context, through uint64) error {
	if err := s.write(ctx, []shapeRow{{kind: kindThrough, through: through}}); err != nil {
		return fmt.Errorf("mark the catalogue of attributes: %w", err)
	}
	return nil
}

type shapeRow struct {
	kind, path string
	shapes     schema.Shapes
	through    uint64
}

func (s *Sink) write(ctx context.Context, rows []shapeRow) error {
	if len(rows) == 0 {
		return nil
	}
	batch, err := s.conn.PrepareBatch(ctx, "INSERT INTO "+schema.AttributeShapes.Name+" (kind, path, shapes, through)")
	if err != nil {
		return err
	}
	defer batch.Close()
	for _, r := range rows {
		if err := batch.Append(r.kind, r.path, uint16(r.shapes), r.through); err != nil {
			return err
		}
	}
	return batch.Send()
}
