package delivery

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"nightjar/wal"
)

// Causes of events lost here.
const (
	LostQueueFull = "queue_full" // the disk was slower than the events for too long
	LostSpoolFull = "spool_full" // the server was away or slow for too long
	LostRefused   = "refused"    // the server does not take this event
	LostDamaged   = "damaged"    // the disk did not give them back
	LostStopped   = "stopped"    // in memory when the agent ended, and the disk did not take them
)

// Config says where to send, and how much may wait. Zero values are defaults.
type Config struct {
	Server string // the server's address: https://host:port
	Key    string // secret
	// Spool is the folder of what waits, which is this sender's alone; SpoolBytes bounds
	// it, 512 MiB by default.
	Spool      string
	SpoolBytes int64
	// Memory bounds the bytes of events that are not in the spool yet; 16 MiB by default.
	Memory int64
	// Linger is how long an event may wait for others to share its request; 200 ms by
	// default.
	Linger time.Duration
	// Pause is the first wait after a failure, which doubles up to MaxPause; 500 ms
	// and 30 s by default.
	Pause, MaxPause time.Duration
	// Farewell is how long the end may take to send what still waits; 5 s by default.
	Farewell time.Duration
	// Report makes the event that says how the agent is, once for each ReportSoon;
	// acknowledged is called when it is safe in the spool, or with the server. No two of
	// them are on their way there at once, so that what a report says since the last one
	// that was acknowledged is said once.
	Report func() (event []byte, acknowledged func())
	// Through is the time up to which all that was seen was handed to Send, and all that
	// was lost was said by a report, and whether the agent ends then. Zero: not known.
	Through func() (at time.Time, ended bool)
	Client  *http.Client
	Log     *slog.Logger
	FS      wal.FS // of the spool; nil: the operating system's
}

// Counts are of events since the start; reports are not among them.
type Counts struct {
	Delivered uint64            `json:"delivered"` // acknowledged by the server
	Waiting   uint64            `json:"waiting"`   // in memory, in the spool, or on their way
	Lost      map[string]uint64 `json:"lost"`      // by cause; also of earlier runs' events
}

// A Sender is safe for concurrent use.
type Sender struct {
	config  Config
	url     string
	id      string // of this sender, unlike that of any other
	before  mark   // of the run before
	spool   *spool
	wake    chan struct{} // there is something for the writer
	roomy   chan struct{} // the deliverer has settled something
	direct  handover
	batches uint64 // made; the writer's

	mu      sync.Mutex
	queue   [][]byte
	due     bool  // a report
	bytes   int64 // of the queue, and of the batch that is being written
	full    bool  // the spool
	waiting uint64
	counts  Counts
	losses  int64 // when the oldest of what was lost later was made, in ms; 0: nothing was
	away    away
	disk    string // what is wrong with the spool
}

// away is since when, and why, the server takes nothing.
type away struct {
	since  time.Time // zero: it takes
	reason string
}

// New makes a sender and opens its spool. It sends nothing before Run.
func New(c Config) (*Sender, error) {
	u, err := url.Parse(c.Server)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("server: want an address such as https://nightjar.example:8420, got %q", c.Server)
	}
	if c.Key == "" {
		return nil, errors.New("server: no key to send with")
	}
	c.defaults()
	if c.Spool == "" {
		return nil, errors.New("spool: no folder is named for what waits")
	}
	var id [8]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, err
	}
	spool, err := openSpool(c.Spool, c.SpoolBytes, c.FS, c.Log)
	if err != nil {
		return nil, err
	}
	s := &Sender{
		config: c, url: strings.TrimRight(c.Server, "/") + "/api/v2/logs", id: "agent-" + hex.EncodeToString(id[:]),
		spool: spool, before: spool.marks.last, wake: make(chan struct{}, 1), roomy: make(chan struct{}, 1),
		direct: handover{offered: make(chan struct{}, 1)}, counts: Counts{Lost: map[string]uint64{}},
	}
	if n, _ := spool.earlier(); n > 0 {
		c.Log.Info("events of an earlier run wait; they go first", "events", n, "folder", c.Spool)
	}
	return s, nil
}

func (c *Config) defaults() {
	set := func(d *time.Duration, to time.Duration) {
		if *d == 0 {
			*d = to
		}
	}
	set(&c.Linger, 200*time.Millisecond)
	set(&c.Pause, 500*time.Millisecond)
	set(&c.MaxPause, 30*time.Second)
	set(&c.Farewell, 5*time.Second)
	if c.Memory == 0 {
		c.Memory = 16 << 20
	}
	if c.SpoolBytes == 0 {
		c.SpoolBytes = DefaultSpool
	}
	if c.Client == nil {
		c.Client = &http.Client{Timeout: time.Minute}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Through == nil {
		c.Through = func() (time.Time, bool) { return time.Time{}, false }
	}
}

// DefaultSpool bounds the spool, in bytes, unless something else is said.
const DefaultSpool = 512 << 20

// Send queues an event, a JSON object as the intake takes it, which must not change
// afterwards. It never waits, and reports whether there was room.
func (s *Sender) Send(event []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bytes+int64(len(event)) > s.config.Memory {
		if s.full {
			s.counts.Lost[LostSpoolFull]++
		} else {
			s.counts.Lost[LostQueueFull]++
		}
		return false
	}
	s.queue = append(s.queue, event)
	s.bytes += int64(len(event))
	s.waiting++
	signal(s.wake)
	return true
}

// ReportSoon has a report sent with the next batch. There is always room for it.
func (s *Sender) ReportSoon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.due = s.config.Report != nil
	signal(s.wake)
}

// signal lets one who waits for it go on, now or when he comes.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Counts are those of now.
func (s *Sender) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts
	c.Waiting, c.Lost = s.waiting, maps.Clone(s.counts.Lost)
	return c
}

// Run sends until the context ends, and then what still waits, for as long as
// Config.Farewell. What is in the spool then is sent by the next run. It returns an error
// only where something was lost, or left the spool in a bad state.
func (s *Sender) Run(ctx context.Context) error {
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() { pause(working, s.config.Farewell); stop() })()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.deliverAll(working)
	}()
	s.writeAll(ctx, working)
	s.drained(working)
	stop()
	<-ended
	return errors.Join(s.giveUp(), s.spool.close())
}

// drained waits until nothing waits for the server, or the context ends.
func (s *Sender) drained(ctx context.Context) {
	const look = 5 * time.Millisecond
	for ctx.Err() == nil && !s.idle() {
		pause(ctx, look)
	}
}

// giveUp counts what neither the server nor the disk has.
func (s *Sender) giveUp() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := uint64(len(s.queue))
	if b := s.direct.left(); b != nil {
		left += uint64(b.events)
	}
	if left > 0 {
		s.counts.Lost[LostStopped] += left
		s.waiting -= left
		s.queue, s.bytes = nil, 0
		return fmt.Errorf("%d events are lost: neither the server at %s nor the disk took them before the end (%s)", left, s.config.Server, s.away.reason)
	}
	if old, _ := s.spool.earlier(); s.waiting > 0 || old > 0 {
		s.config.Log.Warn("events wait for the server; they are sent when the agent runs again", "events", s.waiting+uint64(old), "folder", s.config.Spool)
	}
	return nil
}

// pause waits, or less when the context ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
