package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"nightjar/engine"
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
			config, err := engine.ReadConfig(c.Flags())
			if err != nil {
				return &usageError{c.CommandPath(), err}
			}
			config.Demo = demo
			config.Version = c.Root().Version
			err = engine.Up(c.Context(), config, func(ctx context.Context, e engine.Running) {
				if !demo {
					return
				}
				if err := runDemo(ctx, e); err != nil {
					fmt.Fprintln(os.Stderr, "demo:", err)
				}
			})
			if errors.Is(err, engine.ErrNotUp) {
				return &interruptedError{err.Error()}
			}
			return err
		},
	}
	engine.AddFlags(c.Flags())
	c.Flags().BoolVar(&demo, "demo", false, "on an empty data folder: show a made-up day with three attacks in it, as `nightjar demo` does, and its signals; with an agent, unless --agent=false")
	return c
}
