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
)

// Causes of events lost here.
const (
	LostQueueFull = "queue_full" // the server was away or slow for too long
	LostRefused   = "refused"    // the server does not take this event
	LostStopped   = "stopped"    // still waiting when the agent ended
)

// Config says where to send, and how much may wait. Zero values are defaults.
type Config struct {
	Server string // the server's address: https://host:port
	Key    string // secret
	// Memory bounds the bytes of events that wait; 16 MiB by default.
	Memory int64
	// Linger is how long an event may wait for others to share its request; 200 ms by
	// default.
	Linger time.Duration
	// Pause is the first wait after a failure, which doubles up to MaxPause; 500 ms
	// and 30 s by default.
	Pause, MaxPause time.Duration
	// Farewell is how long the end may take to send what still waits; 5 s by default.
	Farewell time.Duration
	// Report makes the event that says how the agent is, once for each ReportSoon,
	// when it can be sent; acknowledged is called when the server has it. No two of
	// them are on their way at once, so that what a report says since the last one
	// that was acknowledged is said once.
	Report func() (event []byte, acknowledged func())
	Client *http.Client
	Log    *slog.Logger
}

// Counts are of events since the start; reports are not among them.
type Counts struct {
	Delivered uint64            `json:"delivered"` // acknowledged by the server
	Waiting   uint64            `json:"waiting"`   // queued or on their way
	Lost      map[string]uint64 `json:"lost"`      // by cause
}

// A Sender is safe for concurrent use.
type Sender struct {
	config Config
	url    string
	id     string // of this sender, unlike that of any other
	wake   chan struct{}

	mu      sync.Mutex
	queue   [][]byte
	due     bool     // a report
	made    []*batch // their events are in the queue no more
	bytes   int64    // of all that waits, on its way included
	waiting uint64
	batches uint64
	counts  Counts
}

// New makes a sender. It sends nothing before Run.
func New(c Config) (*Sender, error) {
	u, err := url.Parse(c.Server)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("server: want an address such as https://nightjar.example:8420, got %q", c.Server)
	}
	if c.Key == "" {
		return nil, errors.New("server: no key to send with")
	}
	c.defaults()
	var id [8]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, err
	}
	return &Sender{
		config: c, url: strings.TrimRight(c.Server, "/") + "/api/v2/logs", id: "agent-" + hex.EncodeToString(id[:]),
		wake: make(chan struct{}, 1), counts: Counts{Lost: map[string]uint64{}},
	}, nil
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
	if c.Client == nil {
		c.Client = &http.Client{Timeout: time.Minute}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

// Send queues an event, a JSON object as the intake takes it, which must not change
// afterwards. It never waits, and reports whether there was room.
func (s *Sender) Send(event []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bytes+int64(len(event)) > s.config.Memory {
		s.counts.Lost[LostQueueFull]++
		return false
	}
	s.queue = append(s.queue, event)
	s.bytes += int64(len(event))
	s.waiting++
	s.awaken()
	return true
}

// ReportSoon has a report sent with the next batch. There is always room for it.
func (s *Sender) ReportSoon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.due = s.config.Report != nil
	s.awaken()
}

func (s *Sender) awaken() {
	select {
	case s.wake <- struct{}{}:
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
// Config.Farewell. It returns an error only where something was left.
func (s *Sender) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
			continue
		case <-s.wake:
		}
		pause(ctx, s.config.Linger)
		s.drain(ctx)
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.config.Farewell)
	defer cancel()
	s.drain(ending)
	return s.giveUp()
}

// drain sends batches until nothing waits or the context ends.
func (s *Sender) drain(ctx context.Context) {
	for ctx.Err() == nil {
		b := s.next()
		if b == nil {
			return
		}
		s.deliver(ctx, b)
	}
}

// giveUp counts what was not sent.
func (s *Sender) giveUp() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting == 0 {
		return nil
	}
	left := s.waiting
	s.counts.Lost[LostStopped] += left
	s.queue, s.made, s.bytes, s.waiting = nil, nil, 0, 0
	return fmt.Errorf("%d events were not delivered: the server at %s was not reached before the end", left, s.config.Server)
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
