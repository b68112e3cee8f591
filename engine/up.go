package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"go.uber.org/fx"
)

// startTimeout covers a ClickHouse that has a lot to check after a crash, and a
// server of the user's that is only just coming up.
const (
	startTimeout = 5 * time.Minute
	stopTimeout  = 30 * time.Second
)

// ErrNotUp is of an engine that was told to stop while it started.
var ErrNotUp = errors.New("the engine was not up yet")

// Running is an engine that is up, as its clients need it.
type Running struct {
	URL string // of the REST API, without a slash at the end
	// Trust is how the API is trusted where it is served over TLS: a file of authorities,
	// and the name that the certificate is of.
	Trust   func() (ca, name string, err error)
	Key     string // secret
	KeyFile string // where that is kept; "": it was configured
	DataDir string
	agent   *agentProcess
}

// AwaitAgent waits until the agent beside the engine sees events, and reports whether
// it does within the time.
func (r Running) AwaitAgent(ctx context.Context, within time.Duration) bool {
	return r.agent.watches(ctx, within)
}

// Up runs an engine until ctx ends or one of its parts fails, and then stops it. On a
// data folder that was empty it calls first when the engine is up; whatever becomes of
// that, the engine goes on.
func Up(ctx context.Context, config Config, first func(context.Context, Running)) error {
	fresh := IsFresh(config.DataDir)
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
			return ErrNotUp
		}
		return fmt.Errorf("start: %w", rootCause(err))
	}
	e.announce()
	agent := startAgent(e)
	if fresh {
		first(ctx, Running{
			URL: e.url(), Trust: e.trust, Key: e.key, KeyFile: e.keyPath, DataDir: config.DataDir, agent: agent,
		})
	}
	failed := error(nil)
	select {
	case <-ctx.Done():
	case failed = <-e.failed:
	}
	agent.close()
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
