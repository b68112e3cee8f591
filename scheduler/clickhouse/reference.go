package clickhouse

import (
	"context"
	"fmt"
	"strconv"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	server "nightjar/clickhouse"
	"nightjar/objects"
	"nightjar/scheduler/reference"
	"nightjar/schema"
)

// References keeps reference tables. It implements reference.Store.
type References struct{ conn driver.Conn }

// References is the store's view of reference tables.
func (s *Store) References() *References { return &References{s.conn} }

const kindTable = "reference_table"

// Objects implements reference.Store.
func (r *References) Objects(ctx context.Context) ([]reference.Object, error) {
	all, err := objectTable{r.conn}.All(ctx, kindTable)
	if err != nil {
		return nil, err
	}
	out := make([]reference.Object, len(all))
	for i, o := range all {
		out[i] = reference.Object{ID: o.ID, Version: reference.Version(o.Version), Written: o.Written, Deleted: o.Deleted, Body: o.Body}
	}
	return out, nil
}

// Commit implements reference.Store.
func (r *References) Commit(ctx context.Context, o reference.Object) error {
	return objectTable{r.conn}.Append(ctx, objects.Object{
		Kind: kindTable, ID: o.ID, Version: int64(o.Version), Written: o.Written, Deleted: o.Deleted, Body: o.Body,
	})
}

// Versions implements reference.Store.
func (r *References) Versions(ctx context.Context) (map[string][]reference.Version, error) {
	rows, err := r.conn.Query(ctx, "SELECT table_id, version FROM reference_rows GROUP BY table_id, version ORDER BY table_id, version")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string][]reference.Version{}
	for rows.Next() {
		var id string
		var v uint32
		if err := rows.Scan(&id, &v); err != nil {
			return nil, err
		}
		out[id] = append(out[id], reference.Version(v))
	}
	return out, rows.Err()
}

// Append implements reference.Store.
func (r *References) Append(ctx context.Context, table string, v reference.Version, changes []reference.Change) error {
	return insert(ctx, r.conn, schema.ReferenceRows, len(changes), func(i int) []any {
		c := &changes[i]
		values := c.New
		if values == nil {
			values = []string{}
		}
		return []any{table, c.Key, uint32(v), c.New == nil, values}
	})
}

// Stage implements reference.Store.
func (r *References) Stage(ctx context.Context, upload uint64, lines []reference.Line) error {
	return insert(ctx, r.conn, schema.ReferenceUploads, len(lines), func(i int) []any {
		l := &lines[i]
		return []any{upload, l.Key, l.Number, l.Values}
	})
}

// Unstage implements reference.Store.
func (r *References) Unstage(ctx context.Context, upload uint64) error {
	if upload == 0 {
		return r.conn.Exec(ctx, "TRUNCATE TABLE reference_uploads")
	}
	return r.conn.Exec(ctx, "ALTER TABLE reference_uploads DROP PARTITION "+strconv.FormatUint(upload, 10))
}

// heavy are the settings of statements that go through all of a large table: in
// the order in which it is stored, so that groups need not be kept.
var heavy = ch.WithSettings(ch.Settings{"optimize_aggregation_in_order": 1, "max_threads": 2})

// inSnapshot are the changes that a table in a snapshot is made of.
const inSnapshot = `table_id = {table:String} AND version <= {version:UInt32} AND NOT has({hidden:Array(UInt32)}, version)`

func snapshotParams(s reference.Snapshot) server.Params {
	hidden := make([]uint64, len(s.Hidden))
	for i, v := range s.Hidden {
		hidden[i] = uint64(v)
	}
	return server.Params{}.String("table", s.Table).Uint("version", uint64(s.Version)).Uints("hidden", hidden)
}

// latest are the last changes of each key in a snapshot, and lines the last lines
// of each key in a file.
const (
	latest = `SELECT key, argMax(values, version) AS row, argMax(removed, version) AS gone FROM reference_rows
		WHERE ` + inSnapshot + ` GROUP BY table_id, key HAVING NOT gone`
	lines = `SELECT key, argMax(values, line) AS row FROM reference_uploads
		WHERE upload = {upload:UInt64} GROUP BY key`
)

// Merge implements reference.Store: lines that are not in the table as they are,
// and rows of the table that are not in the file. What is compared are hashes of
// 128 bits, of which the server keeps those of one side in memory.
func (r *References) Merge(ctx context.Context, s reference.Snapshot, upload uint64, fields int, v reference.Version) (reference.Merged, error) {
	params := snapshotParams(s).Uint("upload", upload).Uint("fields", uint64(fields)).Uint("new", uint64(v))
	into := insertSQL(schema.ReferenceRows)
	for _, from := range []string{
		`SELECT {table:String}, key, {new:UInt32}, false, row FROM (` + lines + `)
			WHERE sipHash128(key, row) NOT IN (SELECT sipHash128(key, arrayResize(row, {fields:UInt32})) FROM (` + latest + `))`,
		`SELECT {table:String}, key, {new:UInt32}, true, [] FROM (` + latest + `)
			WHERE sipHash128(key) NOT IN (SELECT sipHash128(key) FROM reference_uploads WHERE upload = {upload:UInt64})`,
	} {
		if err := r.conn.Exec(params.Context(ctx, heavy), into+" "+from); err != nil {
			return reference.Merged{}, fmt.Errorf("compare the file with the table: %w", err)
		}
	}
	return r.merged(ctx, params)
}

func (r *References) merged(ctx context.Context, params server.Params) (m reference.Merged, err error) {
	counts := r.conn.QueryRow(params.Context(ctx, heavy), `
		SELECT count(), (SELECT count() FROM reference_uploads WHERE upload = {upload:UInt64}) - count() FROM (`+lines+`)`)
	var replaced int64
	if err := counts.Scan(&m.Rows, &replaced); err != nil {
		return m, fmt.Errorf("count the lines of the file: %w", err)
	}
	m.Replaced = uint64(replaced)
	changes := r.conn.QueryRow(params.Context(ctx), `
		SELECT countIf(NOT removed), countIf(removed) FROM reference_rows WHERE table_id = {table:String} AND version = {new:UInt32}`)
	if err := changes.Scan(&m.Put, &m.Removed); err != nil {
		return m, fmt.Errorf("count the changes: %w", err)
	}
	return m, nil
}

// Rows implements reference.Store.
func (r *References) Rows(ctx context.Context, s reference.Snapshot, keys []string) ([]reference.StoredRow, error) {
	var out []reference.StoredRow
	for len(keys) > 0 {
		n := min(len(keys), maxSpans)
		params := snapshotParams(s).Strings("keys", keys[:n]).Uint("limit", uint64(n))
		some, _, _, err := r.rows(ctx, params, "key IN {keys:Array(String)}")
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
		keys = keys[n:]
	}
	return out, nil
}

// Page implements reference.Store. Keys whose rows are gone are read as well, so
// it reads on until the page is full.
func (r *References) Page(ctx context.Context, s reference.Snapshot, after string, limit int) ([]reference.StoredRow, error) {
	var out []reference.StoredRow
	for len(out) < limit {
		params := snapshotParams(s).String("after", after).Uint("limit", uint64(limit))
		some, last, n, err := r.rows(ctx, params, "key > {after:String}")
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
		if n < limit {
			break
		}
		after = last
	}
	return out[:min(len(out), limit)], nil
}

// Find implements reference.Store.
func (r *References) Find(ctx context.Context, s reference.Snapshot, after, containing string, limit int) (out []reference.StoredRow, err error) {
	params := snapshotParams(s).String("after", after).String("containing", containing).Uint("limit", uint64(limit))
	rows, err := r.conn.Query(params.Context(ctx, heavy), `
		SELECT key, values FROM (
			SELECT key, values, removed FROM reference_rows WHERE `+inSnapshot+` AND key > {after:String} ORDER BY key, version DESC LIMIT 1 BY key)
		WHERE NOT removed AND arrayExists(v -> positionCaseInsensitiveUTF8(v, {containing:String}) > 0, values) ORDER BY key LIMIT {limit:UInt64}`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var row reference.StoredRow
		if err := rows.Scan(&row.Key, &row.Values); err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

// rows reads the last changes of at most limit keys, in the order of keys: those
// that leave a row, and of how many keys, and which is the last.
func (r *References) rows(ctx context.Context, params server.Params, which string) (out []reference.StoredRow, last string, n int, err error) {
	rows, err := r.conn.Query(params.Context(ctx), `
		SELECT key, values, removed FROM reference_rows WHERE `+inSnapshot+` AND `+which+`
		ORDER BY key, version DESC LIMIT 1 BY key LIMIT {limit:UInt64}`)
	if err != nil {
		return nil, "", 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var row reference.StoredRow
		var removed bool
		if err := rows.Scan(&row.Key, &row.Values, &removed); err != nil {
			return nil, "", 0, err
		}
		if n, last = n+1, row.Key; !removed {
			out = append(out, row)
		}
	}
	return out, last, n, rows.Err()
}

// Changes implements reference.Store.
func (r *References) Changes(ctx context.Context, s reference.Snapshot, v reference.Version, use func(reference.Change) error) error {
	params := snapshotParams(s).Uint("new", uint64(v))
	rows, err := r.conn.Query(params.Context(ctx, heavy), `
		SELECT key,
			argMaxIf(NOT removed, version, version < {new:UInt32}), argMaxIf(values, version, version < {new:UInt32}),
			anyIf(NOT removed, version = {new:UInt32}), anyIf(values, version = {new:UInt32})
		FROM reference_rows
		WHERE (`+inSnapshot+`) OR (table_id = {table:String} AND version = {new:UInt32})
		GROUP BY key HAVING countIf(version = {new:UInt32}) > 0`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var c reference.Change
		var had, has bool
		if err := rows.Scan(&c.Key, &had, &c.Old, &has, &c.New); err != nil {
			return err
		}
		if !had {
			c.Old = nil
		}
		if !has {
			c.New = nil
		}
		if err := use(c); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Cells implements reference.Store.
func (r *References) Cells(ctx context.Context, s reference.Snapshot, field int, isKey bool, use func(reference.Cell) error) error {
	value := ", values[{field:UInt32}]"
	if isKey {
		value = ""
	}
	rows, err := r.conn.Query(snapshotParams(s).Uint("field", uint64(field+1)).Context(ctx), `
		SELECT key, version, removed`+value+` FROM reference_rows WHERE `+inSnapshot+` ORDER BY key, version`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var c reference.Cell
	var version uint32
	into := []any{&c.Key, &version, &c.Removed, &c.Value}
	if isKey {
		into = into[:3]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		c.Version = reference.Version(version)
		if isKey {
			c.Value = c.Key
		}
		if err := use(c); err != nil {
			return err
		}
	}
	return rows.Err()
}
