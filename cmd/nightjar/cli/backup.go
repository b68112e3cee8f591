package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"nightjar/engine"
)

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
				return cl.download(c.Context(), engine.BackupPath, os.Stdout)
			}
			if info, err := os.Stat(path); err == nil && info.IsDir() {
				path = filepath.Join(path, "nightjar-"+engine.Now().UTC().Format("20060102T150405")+".tar")
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
	err = cl.download(ctx, engine.BackupPath, f)
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
			config, err := engine.ReadConfig(c.Flags())
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
			m, err := engine.Restore(c.Context(), in, config)
			if err != nil {
				return fmt.Errorf("restore %s: %w", args[0], err)
			}
			fmt.Fprintf(os.Stderr, "restored the state of %s: %d events, %d versions of signals, in %s\n",
				m.At.Format(time.RFC3339), m.Tables["events"], m.Tables["signals"], config.DataDir)
			return nil
		},
	}
	engine.AddFlags(c.Flags())
	return c
}
