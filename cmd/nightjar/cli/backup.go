package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/spf13/cobra"

	"nightjar/backup"
	"nightjar/clickhouse"
	"nightjar/ingest"
	"nightjar/migrations"
)

// backupPath is where an engine hands out a backup of itself.
const backupPath = "/api/nightjar/v1/backup"

// backupHandler answers with a backup. It is made before the first byte is sent,
// so that what goes wrong has a status; what breaks later breaks the stream.
func (e *engine) backupHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log := e.log
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // it may be large
		p, err := e.backups.Prepare(r.Context(), now())
		if err != nil {
			status := http.StatusInternalServerError
			var waiting *ingest.NotStoredError
			switch {
			case errors.As(err, &waiting):
				status = http.StatusServiceUnavailable
			case errors.Is(err, backup.ErrBusy):
				status = http.StatusConflict
			case errors.Is(err, backup.ErrNowhere):
				status = http.StatusBadRequest
			}
			log.Error("backup failed", "error", err)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(map[string]any{"errors": []string{err.Error()}}) // the caller has gone
			return
		}
		defer func() {
			if err := p.Close(); err != nil {
				log.Error("after a backup", "error", err)
			}
		}()
		w.Header().Set("Content-Type", "application/x-tar")
		if err := p.Write(w); err != nil {
			log.Error("backup was cut off", "error", err)
			panic(http.ErrAbortHandler)
		}
		m := p.Manifest()
		log.Info("backup written", "name", m.Name, "events", m.Tables["events"], "through", m.Through)
	})
}

func newBackup() *cobra.Command {
	c := &cobra.Command{
		Use:   "backup FILE|DIR",
		Short: "Write everything the engine knows into a file",
		Long: `Asks the running engine for a backup: every event acknowledged before the command
was given, the signals and rules, how far each rule has been evaluated, and the
ids of acknowledged batches. The engine goes on working meanwhile. In a folder
the file is named after the time; "-" writes to standard output.

The key of the API is not in it. Of a ClickHouse server of your own, its tables go
where the setting backup-to says, and the file holds the rest.`,
		Example: `  nightjar backup /backups/
  nightjar backup - | ssh backup-host 'cat > nightjar.tar'`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := newClient(c)
			if err != nil {
				return err
			}
			path := args[0]
			if path == "-" {
				return cl.download(c.Context(), backupPath, os.Stdout)
			}
			if info, err := os.Stat(path); err == nil && info.IsDir() {
				path = filepath.Join(path, "nightjar-"+now().UTC().Format("20060102T150405")+".tar")
			}
			size, err := downloadTo(c.Context(), cl, path)
			if err != nil {
				return err
			}
			return result{
				data: map[string]any{"file": path, "bytes": size}, header: []string{"FILE", "BYTES"}, rows: [][]string{{path, fmt.Sprint(size)}},
			}.print(c)
		},
	}
	addClientFlags(c)
	addOutput(c, tableFormats...)
	return c
}

// downloadTo writes the backup beside its place, and moves it there when it is
// whole and on disk. A file that is there already stays.
func downloadTo(ctx context.Context, cl *client, path string) (size int64, err error) {
	if _, err := os.Lstat(path); err == nil {
		return 0, fmt.Errorf("%s exists already", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name()) // no more there when all went well
	err = cl.download(ctx, backupPath, f)
	if err == nil {
		err = f.Sync()
	}
	if info, e := f.Stat(); e == nil {
		size = info.Size()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return 0, err
	}
	return size, os.Rename(f.Name(), path)
}

// download writes the answer of the engine to w, whole or with an error.
func (c *client) download(ctx context.Context, path string, w io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("DD-API-KEY", c.key)
	resp, err := c.http.Do(req)
	if err != nil {
		return c.unreachable(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20)) // the status says enough
		return answerError(resp, text)
	}
	if _, err := io.Copy(w, resp.Body); err != nil {
		return fmt.Errorf("the backup was cut off: %w", err)
	}
	return nil
}

func newRestore() *cobra.Command {
	c := &cobra.Command{
		Use:   "restore FILE",
		Short: "Make a data folder of a backup",
		Long: `Makes a data folder as it was when the backup was written. The folder must not
exist or be empty, and no engine runs on it; start one afterwards. It makes a new
key unless it is given one. "-" reads standard input.

With --clickhouse the tables go into that server, whose database must not have
them, from where the setting backup-to says.`,
		Example: `  nightjar restore /backups/nightjar-20261124T060000.tar --data-dir /var/lib/nightjar
  nightjar up --data-dir /var/lib/nightjar`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			config, err := loadConfig(c.Flags())
			if err != nil {
				return &usageError{c.CommandPath(), err}
			}
			in := os.Stdin
			if args[0] != "-" {
				if in, err = os.Open(args[0]); err != nil {
					return err
				}
				defer in.Close()
			}
			m, err := restore(c.Context(), in, config)
			if err != nil {
				return fmt.Errorf("restore %s: %w", args[0], err)
			}
			fmt.Fprintf(os.Stderr, "restored the state of %s: %d events, %d versions of signals, in %s\n",
				m.At.Format(time.RFC3339), m.Tables["events"], m.Tables["signals"], config.DataDir)
			return nil
		},
	}
	addSettings(c.Flags())
	return c
}

// restore works in a folder beside the data folder, which it becomes in the end:
// a restore that is cut off leaves no data folder.
func restore(ctx context.Context, in io.Reader, config Config) (backup.Manifest, error) {
	if !isFresh(config.DataDir) {
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
			options.Auth.Database = databaseName
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
