package clickhouse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
)

// EmbeddedConfig says how to run an embedded server. Only DataDir must be set.
type EmbeddedConfig struct {
	// DataDir is nightjar's data folder; the server stays in DataDir/clickhouse.
	// Whoever starts a server holds LockDataDir on it.
	DataDir string
	// Library is the libchdb.so to load; see the function Library.
	Library string
	Logger  *slog.Logger
	// MemoryRatio is the part of the machine's memory that the server may take,
	// one half unless set.
	MemoryRatio float64
	// AnalystTables is what Analyst may read, each as GRANT SELECT ON takes it:
	// "nightjar.events", "nightjar.*". A table need not exist yet.
	AnalystTables []string
	// PersonTables is the same for Person.
	PersonTables []string
	// AnalystLimits bound a query of Analyst; a zero field has its default.
	AnalystLimits Limits
	// Loopback makes the server listen on 127.0.0.1 of this machine, even where
	// it could have a network of its own. Several servers that are to reach each
	// other need it.
	Loopback bool
	// StartTimeout bounds the time from start to the first answered query. It is
	// a minute unless set: a server that was killed may have parts to check.
	StartTimeout time.Duration
	// HangTime is after how long a server that neither answers nor works is killed
	// and replaced, DefaultHangTime unless set. One that works and does not answer
	// has four times as long.
	HangTime time.Duration
}

// DefaultHangTime is the HangTime where none is set.
const DefaultHangTime = 30 * time.Second

// Embedded is a running embedded server. It is one child process at a time: one
// that crashes or hangs is replaced by another, as often as it takes.
type Embedded struct {
	cfg       EmbeddedConfig
	log       *slog.Logger
	at        layout
	library   string
	port      int
	private   bool
	passwords map[Role]string

	stop context.CancelFunc // ends the supervisor, and a restart in progress
	gone chan struct{}      // closed when the supervisor has ended

	mu       sync.Mutex
	child    *child
	ready    chan struct{} // closed while the child answers
	restarts int
	err      error // why it does not answer; nil while it does
}

// StartEmbedded starts a server and returns when it answers. It is up until
// Close, whatever becomes of ctx.
//
// A server that the previous process of this data folder left behind, because
// that process was killed, is waited for.
func StartEmbedded(ctx context.Context, cfg EmbeddedConfig) (*Embedded, error) {
	e, err := newEmbedded(cfg)
	if err != nil {
		return nil, fmt.Errorf("prepare the embedded ClickHouse: %w", err)
	}
	first, err := e.launch(ctx)
	if err != nil {
		return nil, fmt.Errorf("start the embedded ClickHouse: %w", err)
	}
	if !first.status.Confined {
		e.log.Warn("the embedded ClickHouse can read every file that nightjar can: it could not be confined",
			"reason", first.status.Reason)
	}
	background, stop := context.WithCancel(context.Background())
	e.stop = stop
	e.setReady(first)
	go e.supervise(background, first)
	return e, nil
}

func newEmbedded(cfg EmbeddedConfig) (*Embedded, error) {
	if !childAware {
		return nil, errors.New("this program does not call clickhouse.RunChild first, so it cannot become the server")
	}
	library, err := Library(cfg.Library)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	if cfg.DataDir == "" {
		return nil, errors.New("no data folder was named")
	}
	cfg.MemoryRatio = cmp.Or(cfg.MemoryRatio, 0.5)
	cfg.StartTimeout = cmp.Or(cfg.StartTimeout, time.Minute)
	cfg.HangTime = cmp.Or(cfg.HangTime, DefaultHangTime)
	e := &Embedded{
		cfg:       cfg,
		log:       cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler)),
		at:        layout{filepath.Join(dir, "clickhouse")},
		library:   library,
		private:   canIsolate && !cfg.Loopback,
		passwords: newPasswords(),
		gone:      make(chan struct{}),
		ready:     make(chan struct{}),
	}
	if err := e.at.create(); err != nil {
		return nil, err
	}
	return e, nil
}

// Options are clickhouse-go's for a user of this server. They stay good when
// the server is restarted.
func (e *Embedded) Options(role Role) *ch.Options {
	return &ch.Options{
		Addr:        []string{e.Addr()},
		Auth:        ch.Auth{Database: "default", Username: string(role), Password: e.passwords[role]},
		DialContext: func(ctx context.Context, _ string) (net.Conn, error) { return e.Dial(ctx) },
	}
}

// Addr is the server's address. Where the server has a network of its own
// nothing but Dial reaches it, and the address only serves to name it.
func (e *Embedded) Addr() string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(e.port))
}

// Dial connects to the server, and waits for it while it is being restarted.
func (e *Embedded) Dial(ctx context.Context) (net.Conn, error) {
	for {
		e.mu.Lock()
		child, ready := e.child, e.ready
		e.mu.Unlock()
		select {
		case <-ready:
			conn, err := child.dial(ctx)
			if err == nil {
				return &lingerConn{Conn: conn}, nil
			}
			if !child.ended() {
				return nil, err
			}
			// It crashed just now, and the supervisor is about to notice.
			time.Sleep(time.Millisecond)
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the embedded ClickHouse: %w", ctx.Err())
		case <-e.gone:
			return nil, errClosed
		}
	}
}

var errClosed = errors.New("the embedded ClickHouse is closed")

// Confined reports whether the kernel holds the server to its own files.
func (e *Embedded) Confined() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.child.status.Confined
}

// Private reports whether the server has a network of its own.
func (e *Embedded) Private() bool { return e.private }

// Pid is the process id of the server, which changes when it is restarted.
func (e *Embedded) Pid() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.child.cmd.Process.Pid
}

// Restarts is how often the server crashed and was started again.
func (e *Embedded) Restarts() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.restarts
}

// Err is why the server is down, and nil while it is up.
func (e *Embedded) Err() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err
}

// Close ends the server and waits for it. When ctx ends first the server is
// killed; what it acknowledged is on disk either way.
func (e *Embedded) Close(ctx context.Context) error {
	e.stop()
	select {
	case <-e.gone:
		return nil
	case <-ctx.Done():
	}
	e.mu.Lock()
	child := e.child
	e.mu.Unlock()
	child.kill()
	<-e.gone
	return fmt.Errorf("close the embedded ClickHouse: killed it: %w", ctx.Err())
}

func (e *Embedded) setReady(c *child) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.child, e.err = c, nil
	close(e.ready)
}

func (e *Embedded) setDown(why error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err == nil {
		e.ready = make(chan struct{})
	}
	e.err = why
}
