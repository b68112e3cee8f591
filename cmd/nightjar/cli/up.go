package cli

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/fx"
)

func newUp() *cobra.Command {
	var demo bool
	c := &cobra.Command{
		Use:   "up",
		Short: "Start the engine",
		Long: `Starts everything in one process tree: the embedded ClickHouse (or a connection
to yours), the intake, the evaluation of rules, and the REST and gRPC APIs.
It runs until it gets SIGINT or SIGTERM. After a kill -9 it goes on where it was.

With --agent it also watches this host, in a process of its own; where that can't
be, it says why and goes on.

The embedded ClickHouse is a library: the libchdb.so that LIBCHDB names, or the one
beside the nightjar binary, or the one that "npm ci" (make setup) fetched into
node_modules.`,
		Example: `  nightjar up
  nightjar up --data-dir /var/lib/nightjar --http 127.0.0.1:8420
  NIGHTJAR_CLICKHOUSE=clickhouse://user:password@host:9000/nightjar nightjar up`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			config, err := loadConfig(c.Flags())
			if err != nil {
				return &usageError{c.CommandPath(), err}
			}
			config.Demo = demo
			return up(c.Context(), config)
		},
	}
	addSettings(c.Flags())
	c.Flags().BoolVar(&demo, "demo", false, "on an empty data folder: replay a sample log with a bundled rule, and show the signal; with an agent, unless --agent=false")
	return c
}

// startTimeout covers a ClickHouse that has a lot to check after a crash, and a
// server of the user's that is only just coming up.
const (
	startTimeout = 5 * time.Minute
	stopTimeout  = 30 * time.Second
)

func up(ctx context.Context, config Config) error {
	fresh := isFresh(config.DataDir)
	if err := os.MkdirAll(config.DataDir, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	boundMemory(config)
	var e *engine
	app := fx.New(graph(ctx, config), fx.Populate(&e), fx.NopLogger,
		fx.StartTimeout(startTimeout), fx.StopTimeout(stopTimeout))
	if err := app.Err(); err != nil {
		return fmt.Errorf("start: %w", rootCause(err))
	}
	starting, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := app.Start(starting); err != nil {
		if ctx.Err() != nil {
			return &interruptedError{"the engine was not up yet"}
		}
		return fmt.Errorf("start: %w", rootCause(err))
	}
	e.announce()
	companion := startCompanion(e)
	if config.Demo && fresh {
		if err := runDemo(ctx, e, companion); err != nil {
			fmt.Fprintln(os.Stderr, "demo:", err)
		}
	}
	failed := error(nil)
	select {
	case <-ctx.Done():
	case failed = <-e.failed:
	}
	companion.close()
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := app.Stop(stopping); err != nil && failed == nil {
		return fmt.Errorf("stop: %w", err)
	}
	return failed
}

// boundMemory has the collector work harder rather than let garbage grow beside
// a full intake. GOMEMLIMIT counts before it.
func boundMemory(config Config) {
	const rest = 768 << 20 // rules, caches and what is on its way to ClickHouse
	if os.Getenv("GOMEMLIMIT") == "" {
		const program = 64 << 20 // its pages and mapped files, which the limit does not see
		debug.SetMemoryLimit(2*config.IntakeMemory + rest - program)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200) // below that limit, memory is cheaper than collecting
	}
}

// isFresh tells whether nothing was ever kept in the folder.
func isFresh(dir string) bool {
	entries, err := os.ReadDir(dir)
	return os.IsNotExist(err) || (err == nil && len(entries) == 0)
}
