package backup

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/ingest"
	"nightjar/migrations"
	"nightjar/schema"
)

// Target is what is restored into: an empty database, and an intake folder that
// does not exist.
type Target struct {
	Conn     driver.Conn
	Database string
	Intake   string
	// Folder and Destination are as in Source.
	Folder, Destination string
}

// Restore makes the database and the intake's folder as they were.
func Restore(ctx context.Context, r io.Reader, to Target) (Manifest, error) {
	const name = "restoring"
	folder := filepath.Join(to.Folder, name)
	if to.Folder != "" {
		if err := os.RemoveAll(folder); err != nil { // of a restore that was cut off
			return Manifest{}, err
		}
		defer os.RemoveAll(folder)
	}
	m, state, err := unpack(r, folder)
	if err != nil {
		return m, err
	}
	from := destination("", name)
	if m.External {
		if to.Destination == "" {
			return m, ErrNowhere
		}
		from = destination(to.Destination, m.Name)
	}
	if err := restoreTables(ctx, to, m, from); err != nil {
		return m, err
	}
	if err := ingest.Seed(to.Intake, state); err != nil {
		return m, err
	}
	return m, nil
}

func restoreTables(ctx context.Context, to Target, m Manifest, from string) error {
	var names []string
	for t := range m.Tables {
		names = append(names, t)
	}
	sort.Strings(names)
	for _, t := range names {
		sql := "RESTORE TABLE " + quote(m.Database) + "." + quote(t) + " AS " + quote(to.Database) + "." + quote(t) + " FROM " + from
		if err := to.Conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("RESTORE of table %s: %w", t, err)
		}
		var n uint64
		if err := to.Conn.QueryRow(ctx, "SELECT count() FROM "+quote(t)).Scan(&n); err != nil {
			return fmt.Errorf("count %s: %w", t, err)
		}
		// Rows of a table that collapses versions may have become fewer meanwhile.
		if n > m.Tables[t] || (t == schema.Events.Name && n != m.Tables[t]) {
			return fmt.Errorf("table %s has %d rows after the restore, and had %d", t, n, m.Tables[t])
		}
	}
	// A backup of an earlier version has that version's tables.
	if _, err := migrations.Apply(ctx, to.Conn, schema.Tables); err != nil {
		return err
	}
	return nil
}
