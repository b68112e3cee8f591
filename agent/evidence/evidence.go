package evidence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/time/rate"
)

// Config says where things go, and how much is taken.
type Config struct {
	Dir    string       // where memory is written to; empty: nowhere, and asking for it fails
	Log    *slog.Logger // of the lines of rules; nil: the default one
	Limits Limits
	// MayStop reports whether a process may be stopped while its memory is written: a
	// protected one may not, and none while everything is disarmed. nil: all may.
	MayStop func(pid int) bool
}

// Limits bound what rules can make an agent do.
type Limits struct {
	Wait        time.Duration // for one result; 0: 5 s
	FileSize    int64         // of a file that is hashed, in bytes, unless a rule says otherwise; 0: 64 MiB
	HashRate    int           // files in a second, after a first burst of as many; 0: 500
	HashBytes   int           // of files in a second; 0: 128 MiB
	Memory      int64         // of one process that is written, in bytes before compression; 0: 256 MiB
	DumpTotal   int64         // of all that was written, in bytes on disk; 0: 1 GiB
	DumpsHourly int           // processes in an hour, after a first burst of as many; 0: 20
	LogRate     int           // lines in a second, after a first burst of as many; 0: 50
}

func (l Limits) orDefaults() Limits {
	const mebi = 1 << 20
	return Limits{
		Wait: cmp.Or(l.Wait, 5*time.Second), FileSize: cmp.Or(l.FileSize, 64*mebi), HashRate: cmp.Or(l.HashRate, 500),
		HashBytes: cmp.Or(l.HashBytes, 128*mebi), Memory: cmp.Or(l.Memory, 256*mebi), DumpTotal: cmp.Or(l.DumpTotal, 1024*mebi),
		DumpsHourly: cmp.Or(l.DumpsHourly, 20), LogRate: cmp.Or(l.LogRate, 50),
	}
}

// Collector takes evidence. Its methods may be called from any goroutine.
type Collector struct {
	config   Config
	hashes   hasher
	dumps    dumper
	lines    chan line
	lineRate *rate.Limiter
	places   chan struct{} // one for each piece of work that may go on at once
	waiting  chan struct{} // and for each that may wait for a place
	ended    chan struct{}
}

// Work that goes on at once: more would not be faster, and some may hang where a file
// system does not answer.
const (
	mostAtOnce  = 4
	mostWaiting = 1024
)

// New makes a collector. What an earlier one left half written is removed.
func New(c Config) (*Collector, error) {
	c.Limits = c.Limits.orDefaults()
	if c.Log == nil {
		c.Log = slog.Default()
	}
	out := &Collector{
		config: c, hashes: newHasher(c.Limits), lines: make(chan line, mostWaiting),
		lineRate: rate.NewLimiter(rate.Limit(c.Limits.LogRate), c.Limits.LogRate),
		places:   make(chan struct{}, mostAtOnce), waiting: make(chan struct{}, mostWaiting), ended: make(chan struct{}),
	}
	out.dumps.mayStop = c.MayStop
	if err := out.dumps.open(c.Dir, c.Limits); err != nil {
		return nil, fmt.Errorf("the folder for the memory of processes: %w", err)
	}
	go out.writeLines()
	return out, nil
}

// Close ends the writing of lines, after those that wait. Nothing may be begun after it.
func (c *Collector) Close() error {
	close(c.lines)
	<-c.ended
	return nil
}

// Why something was not taken.
var (
	ErrTooOften = errors.New("more of this was asked for than the agent's limit allows")
	ErrTooMany  = errors.New("too much of this waits already")
	ErrTooSlow  = errors.New("it took too long")
	ErrTooLarge = errors.New("it is larger than the limit")
	ErrGone     = errors.New("it is gone")
	ErrOther    = errors.New("another file has its path now")
	ErrNotAFile = errors.New("it is not a regular file of a file system that keeps files")
	ErrEnded    = errors.New("the process has ended")
)

// soon does work in a goroutine of its own, as soon as there is a place for it, and calls
// done once: with what it gives, or with ErrTooMany or ErrTooSlow. Work that goes on
// beyond its time keeps its place until it ends.
func soon[T any](c *Collector, work func(context.Context) (T, error), done func(T, error)) {
	var none T
	select {
	case c.waiting <- struct{}{}:
	default:
		done(none, ErrTooMany)
		return
	}
	type result struct {
		value T
		err   error
	}
	ctx, stop := context.WithTimeoutCause(context.Background(), c.config.Limits.Wait, ErrTooSlow)
	results := make(chan result, 1)
	go func() {
		defer func() { <-c.waiting }()
		select {
		case c.places <- struct{}{}:
		case <-ctx.Done():
			return
		}
		defer func() { <-c.places }()
		value, err := work(ctx)
		results <- result{value, err}
	}()
	go func() {
		defer stop()
		select {
		case r := <-results:
			done(r.value, r.err)
		case <-ctx.Done():
			done(none, context.Cause(ctx))
		}
	}()
}

// dumpFolder is where the memory of processes is written to, in an agent's state folder.
const dumpFolder = "coredumps"

// In is a Config for an agent with a state folder.
func In(stateDir string) Config {
	if stateDir == "" {
		return Config{}
	}
	return Config{Dir: filepath.Join(stateDir, dumpFolder)}
}

func makePrivate(dir string) error {
	const private = 0o700
	return os.MkdirAll(dir, private)
}
