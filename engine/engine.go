package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.uber.org/dig"
	"go.uber.org/fx"

	"nightjar/api/access"
	"nightjar/api/server"
	"nightjar/backup"
	"nightjar/clickhouse"
	"nightjar/compiler"
	"nightjar/ingest/syslog"
)

// engine is what `nightjar up` itself needs to know of the running parts.
type engine struct {
	config  Config
	key     string
	keyPath string
	log     *slog.Logger
	server  *server.Server
	syslog  *syslog.Receiver
	backups *backup.Source
	diary   *backup.Diary // of the backups that were asked for
	keys    *access.Keys
	failed  chan error // a part ended by itself
}

func newLogger(config Config) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(config.LogLevel)); err != nil {
		return nil, fmt.Errorf("log-level: want debug, info, warn or error, got %q", config.LogLevel)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})), nil
}

func newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), prometheus.NewCounterFunc(
		prometheus.CounterOpts{Name: "nightjar_rule_compilations_total", Help: "Rule documents that were compiled."},
		func() float64 { return float64(compiler.Compilations()) },
	))
	return r
}

// newEngine takes the data folder: nothing else may be read or written in it
// before that.
func newEngine(lc fx.Lifecycle, config Config, log *slog.Logger) (*engine, error) {
	release, err := clickhouse.LockDataDir(config.DataDir)
	if err != nil {
		return nil, err
	}
	lc.Append(fx.StopHook(release))
	if err := claimFolder(config.DataDir, config.Version); err != nil {
		return nil, err
	}
	if err := checkClock(); err != nil {
		return nil, err
	}
	key, path, err := serverKey(config)
	if err != nil {
		return nil, err
	}
	return &engine{config: config, key: key, keyPath: path, log: log, failed: make(chan error, 8)}, nil
}

// run runs a part until the engine stops; a part that ends before that ends the
// engine.
func (e *engine) run(lc fx.Lifecycle, name string, part func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	lc.Append(fx.Hook{
		OnStart: func(context.Context) error {
			go func() {
				defer close(done)
				if err := part(ctx); err != nil {
					e.failed <- fmt.Errorf("%s: %w", name, err)
				}
			}()
			return nil
		},
		OnStop: func(stopping context.Context) error {
			cancel()
			select {
			case <-done:
				return nil
			case <-stopping.Done():
				return fmt.Errorf("%s did not stop in time", name)
			}
		},
	})
}

// announce tells where the engine listens, and where the key is.
func (e *engine) announce() {
	fmt.Fprintf(os.Stderr, "\nnightjar %[1]s is up\n  page  %[2]s/\n  REST  %[2]s\n  gRPC  %[3]s\n", e.config.Version, e.url(), e.server.GRPCAddr())
	for _, d := range e.syslog.Report() {
		fmt.Fprintf(os.Stderr, "  syslog over %s  %s\n", strings.ToUpper(d.Protocol), d.Address)
	}
	if e.keyPath != "" {
		fmt.Fprintf(os.Stderr, "  key   in %s\n", e.keyPath)
	}
	fmt.Fprintln(os.Stderr)
}

// rootCause leaves out what fx says of constructors and their places.
func rootCause(err error) error {
	cause := dig.RootCause(err)
	if cause == nil {
		return errors.New("unknown")
	}
	return cause
}
