package migrations

import (
	"context"
	"fmt"
	"sort"
	"strings"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/clickhouse"
	"nightjar/schema"
)

// CreateDatabase makes the database that the options name, where the user may
// create one; it returns once the server has answered.
func CreateDatabase(ctx context.Context, options *ch.Options) error {
	name := options.Auth.Database
	if name == "" || name == "default" {
		return nil
	}
	outside := *options
	outside.Auth.Database = "default"
	conn, err := clickhouse.Open(ctx, &outside)
	if err != nil {
		return err
	}
	defer conn.Close()
	if exists, err := hasDatabase(ctx, conn, name); exists || err != nil {
		return err
	}
	if err := conn.Exec(ctx, "CREATE DATABASE IF NOT EXISTS "+quote(name)); err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	return nil
}

func hasDatabase(ctx context.Context, conn driver.Conn, name string) (bool, error) {
	ctx = clickhouse.Params{}.String("name", name).Context(ctx)
	var n uint64
	if err := conn.QueryRow(ctx, "SELECT count() FROM system.databases WHERE name = {name:String}").Scan(&n); err != nil {
		return false, fmt.Errorf("look for database %s: %w", name, err)
	}
	return n > 0, nil
}

// Apply makes or completes the tables. It returns the statements that it ran
// because something was missing.
func Apply(ctx context.Context, conn driver.Conn, tables []schema.Table) ([]string, error) {
	var ran []string
	for _, t := range tables {
		statements, err := missing(ctx, conn, t)
		if err != nil {
			return ran, fmt.Errorf("migrate table %s: %w", t.Name, err)
		}
		for _, sql := range statements {
			if err := conn.Exec(ctx, sql); err != nil {
				return ran, fmt.Errorf("migrate table %s: %s: %w", t.Name, firstLine(sql), err)
			}
			ran = append(ran, sql)
		}
	}
	return ran, nil
}

// missing are the statements that bring one table up to its declaration.
func missing(ctx context.Context, conn driver.Conn, t schema.Table) ([]string, error) {
	have, err := columns(ctx, conn, t.Name)
	if err != nil {
		return nil, err
	}
	if len(have) == 0 {
		return []string{t.CreateSQL()}, nil
	}
	var out []string
	for i, c := range t.Columns {
		stored, ok := have[c.Name]
		if !ok {
			for _, w := range t.Rewrites {
				if w.Before == c.Name {
					out = append(out, "ALTER TABLE "+t.Name+" "+w.SQL+" SETTINGS mutations_sync = 1")
				}
			}
			out = append(out, addColumn(t, i))
			continue
		}
		if err := sameType(ctx, conn, t, c, stored); err != nil {
			return nil, err
		}
	}
	indexes, err := indexNames(ctx, conn, t.Name)
	if err != nil {
		return nil, err
	}
	for _, i := range t.Indexes {
		if !indexes[i.Name] {
			out = append(out, "ALTER TABLE "+t.Name+" ADD INDEX IF NOT EXISTS "+i.SQL())
		}
	}
	return appendSettings(ctx, conn, t, out)
}

// appendSettings brings the table's settings up to the declared ones, and
// refuses a table that is laid out differently.
func appendSettings(ctx context.Context, conn driver.Conn, t schema.Table, out []string) ([]string, error) {
	var full, order, partition string
	row := conn.QueryRow(clickhouse.Params{}.String("table", t.Name).Context(ctx), `
		SELECT engine_full, sorting_key, partition_key FROM system.tables
		WHERE database = currentDatabase() AND name = {table:String}`)
	if err := row.Scan(&full, &order, &partition); err != nil {
		return nil, fmt.Errorf("read layout: %w", err)
	}
	if bare(order) != bare(t.OrderBy) || bare(partition) != bare(t.PartitionBy) {
		return nil, fmt.Errorf("it is ordered by %s and partitioned by %q, this version of nightjar needs %s and %q: use the version that wrote it, or another database", order, partition, t.OrderBy, t.PartitionBy)
	}
	_, have, _ := strings.Cut(full, " SETTINGS ")
	stored := schema.ParseSettings(have)
	var changes []string
	for name, value := range t.AllSettings() {
		if stored[name] != value {
			changes = append(changes, name+" = "+value)
		}
	}
	if len(changes) > 0 {
		sort.Strings(changes)
		out = append(out, "ALTER TABLE "+t.Name+" MODIFY SETTING "+strings.Join(changes, ", "))
	}
	return out, nil
}

// bare is an expression without what spellings differ in.
func bare(expr string) string {
	return strings.NewReplacer(" ", "", "(", "", ")", "", "`", "").Replace(expr)
}

func addColumn(t schema.Table, i int) string {
	place := " FIRST"
	if i > 0 {
		place = " AFTER `" + t.Columns[i-1].Name + "`"
	}
	return "ALTER TABLE " + t.Name + " ADD COLUMN IF NOT EXISTS " + t.Columns[i].SQL() + place
}

// sameType compares types as the server spells them, which is not how we do.
func sameType(ctx context.Context, conn driver.Conn, t schema.Table, c schema.Column, stored string) error {
	var declared string
	// The type's name comes from schema, never from a user.
	row := conn.QueryRow(ctx, "SELECT toTypeName(defaultValueOfTypeName('"+strings.ReplaceAll(c.Type, "'", `\'`)+"'))")
	if err := row.Scan(&declared); err != nil {
		return fmt.Errorf("spell type of %s: %w", c.Name, err)
	}
	if declared != stored {
		return fmt.Errorf("column %s is stored as %s, this version of nightjar needs %s: use the version that wrote it, or another database", c.Name, stored, declared)
	}
	return nil
}

func columns(ctx context.Context, conn driver.Conn, table string) (map[string]string, error) {
	ctx = clickhouse.Params{}.String("table", table).Context(ctx)
	rows, err := conn.Query(ctx, "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String}")
	if err != nil {
		return nil, fmt.Errorf("read columns: %w", err)
	}
	defer rows.Close()
	out := map[string]string{}
	for rows.Next() {
		var name, kind string
		if err := rows.Scan(&name, &kind); err != nil {
			return nil, fmt.Errorf("read columns: %w", err)
		}
		out[name] = kind
	}
	return out, rows.Err()
}

func indexNames(ctx context.Context, conn driver.Conn, table string) (map[string]bool, error) {
	ctx = clickhouse.Params{}.String("table", table).Context(ctx)
	rows, err := conn.Query(ctx, "SELECT name FROM system.data_skipping_indices WHERE database = currentDatabase() AND table = {table:String}")
	if err != nil {
		return nil, fmt.Errorf("read indexes: %w", err)
	}
	defer rows.Close()
	out := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("read indexes: %w", err)
		}
		out[name] = true
	}
	return out, rows.Err()
}

func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

func firstLine(sql string) string {
	line, _, _ := strings.Cut(sql, "\n")
	return line
}
