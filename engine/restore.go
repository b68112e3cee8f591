package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"nightjar/backup"
	"nightjar/clickhouse"
	"nightjar/migrations"
)

// Restore makes the data folder of what a backup holds. It works in a folder beside the data folder, which it becomes in the end:
// a restore that is cut off leaves no data folder.
func Restore(ctx context.Context, in io.Reader, config Config) (backup.Manifest, error) {
	if !IsFresh(config.DataDir) {
		return backup.Manifest{}, fmt.Errorf("the data folder %s is not empty: move it away, or name another with --data-dir", config.DataDir)
	}
	work := strings.TrimRight(config.DataDir, string(filepath.Separator)) + ".restoring"
	release, err := clickhouse.LockDataDir(work)
	if err != nil {
		return backup.Manifest{}, err
	}
	defer release()
	if err := emptyBut(work, "lock"); err != nil { // of a restore that was cut off
		return backup.Manifest{}, err
	}
	m, err := restoreInto(ctx, in, config, work)
	if err != nil {
		return m, errors.Join(err, os.RemoveAll(work))
	}
	return m, os.Rename(work, config.DataDir)
}

func restoreInto(ctx context.Context, in io.Reader, config Config, work string) (backup.Manifest, error) {
	to := backup.Target{Intake: filepath.Join(work, "intake"), Destination: config.BackupTo}
	options, err := (*ch.Options)(nil), error(nil)
	if config.ClickHouse != "" {
		options, err = clickhouse.ParseDSN(config.ClickHouse)
	} else {
		var embedded *clickhouse.Embedded
		embedded, err = clickhouse.StartEmbedded(ctx, clickhouse.EmbeddedConfig{DataDir: work})
		if err == nil {
			defer func() { _ = embedded.Close(context.WithoutCancel(ctx)) }() // all is on disk
			options = embedded.Options(clickhouse.Admin)
			options.Auth.Database = DatabaseName
			to.Folder, to.Destination = clickhouse.BackupsFolder(work), ""
		}
	}
	if err != nil {
		return backup.Manifest{}, err
	}
	if err := migrations.CreateDatabase(ctx, options); err != nil {
		return backup.Manifest{}, err
	}
	if to.Conn, err = clickhouse.Open(ctx, options); err != nil {
		return backup.Manifest{}, err
	}
	defer to.Conn.Close()
	to.Database = options.Auth.Database
	return backup.Restore(ctx, in, to)
}

// emptyBut removes what is in a folder, except one name.
func emptyBut(dir, keep string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == keep {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// IsFresh reports whether nothing was ever kept in the folder.
func IsFresh(dir string) bool {
	entries, err := os.ReadDir(dir)
	return os.IsNotExist(err) || (err == nil && len(entries) == 0)
}
