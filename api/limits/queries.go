package limits

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"nightjar/api"
	"nightjar/api/access"
)

// QueryConfig bounds what people ask of the database at once. A zero field has its
// default.
type QueryConfig struct {
	// Running is how many queries run at once, 4 unless set; PerKey, how many of
	// one key, three quarters of that unless set.
	Running, PerKey int
	// Waiting is how many may wait in the queue, 8 for each that may run unless set.
	Waiting int
	// Patience is how long one waits before it is refused, 5 s unless set.
	Patience time.Duration
}

func (c QueryConfig) withDefaults() QueryConfig {
	def := func(field *int, value int) {
		if *field <= 0 {
			*field = value
		}
	}
	def(&c.Running, 4)
	def(&c.PerKey, (3*c.Running+3)/4)
	def(&c.Waiting, 8*c.Running)
	if c.Patience <= 0 {
		c.Patience = 5 * time.Second
	}
	return c
}

// Gate lets so many queries through at once; the others queue, up to a
// bound and for a moment, and are refused then. A database that is asked more than it
// can do answers no query in time, and rules least of all.
type Gate struct {
	kind   string
	config QueryConfig

	mu      sync.Mutex
	running int
	byKey   map[string]int
	queue   []*waiter
	refused uint64
}

type waiter struct {
	key      string
	admitted chan struct{} // closed when it may run
}

func newGate(kind string, config QueryConfig) *Gate {
	return &Gate{kind: kind, config: config.withDefaults(), byKey: map[string]int{}}
}

// Enter returns when the caller may run, and how it says that it is done; or a
// *api.BusyError
// that says that there is too much.
func (g *Gate) Enter(ctx context.Context) (leave func(), err error) {
	key := access.Of(ctx).ID
	leave = sync.OnceFunc(func() { g.leave(key) })
	g.mu.Lock()
	if len(g.queue) == 0 && g.fits(key) {
		g.run(key)
		g.mu.Unlock()
		return leave, nil
	}
	if len(g.queue) >= g.config.Waiting || g.waitingOf(key) >= max(1, g.config.Waiting*3/4) {
		defer g.mu.Unlock()
		return nil, g.refuse()
	}
	w := &waiter{key, make(chan struct{})}
	g.queue = append(g.queue, w)
	g.advance()
	g.mu.Unlock()
	return g.wait(ctx, w, leave)
}

func (g *Gate) wait(ctx context.Context, w *waiter, leave func()) (func(), error) {
	timer := time.NewTimer(g.config.Patience)
	defer timer.Stop()
	select {
	case <-w.admitted:
		return leave, nil
	case <-timer.C:
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if at := slices.Index(g.queue, w); at >= 0 {
		g.queue = slices.Delete(g.queue, at, at+1)
		if ctx.Err() != nil {
			return nil, fmt.Errorf("wait for the turn: %w", ctx.Err())
		}
		return nil, g.refuse()
	}
	return leave, nil // its turn came at the same moment
}

func (g *Gate) leave(key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running--
	if g.byKey[key]--; g.byKey[key] == 0 {
		delete(g.byKey, key)
	}
	g.advance()
}

// advance lets run whoever of the queue fits now, in its order. The lock is held.
func (g *Gate) advance() {
	g.queue = slices.DeleteFunc(g.queue, func(w *waiter) bool {
		if !g.fits(w.key) {
			return false
		}
		g.run(w.key)
		close(w.admitted)
		return true
	})
}

func (g *Gate) fits(key string) bool {
	return g.running < g.config.Running && g.byKey[key] < g.config.PerKey
}

func (g *Gate) run(key string) {
	g.running++
	g.byKey[key]++
}

func (g *Gate) waitingOf(key string) (n int) {
	for _, w := range g.queue {
		if w.key == key {
			n++
		}
	}
	return n
}

// refuse counts and words a refusal. The lock is held.
func (g *Gate) refuse() error {
	g.refused++
	return &api.BusyError{After: g.config.Patience, Full: true, Err: fmt.Errorf("too many %s: %d are running and %d are waiting; try again in %s", g.kind, g.running, len(g.queue), g.config.Patience)}
}

// Load is how many queries of a kind run, wait and were refused.
type Load struct {
	Kind             string
	Running, Waiting int
	Limit            int // that run at once
	Refused          uint64
}

// Load says how the gate is used now.
func (g *Gate) Load() Load {
	g.mu.Lock()
	defer g.mu.Unlock()
	return Load{Kind: g.kind, Running: g.running, Waiting: len(g.queue), Limit: g.config.Running, Refused: g.refused}
}

// Through is a call within the gate.
func Through[T any](ctx context.Context, g *Gate, call func() (T, error)) (T, error) {
	leave, err := g.Enter(ctx)
	if err != nil {
		var none T
		return none, err
	}
	defer leave()
	return call()
}

// Queries are those of the server, by what is asked.
type Queries struct{ Searches, Signals, Backtests *Gate }

// NewQueries makes them: searches of events and ad hoc SQL are expensive; signals are few,
// and are found while searches wait; a backtest takes as long as it takes.
func NewQueries(c QueryConfig) Queries {
	c = c.withDefaults()
	light := QueryConfig{Running: 2 * c.Running, PerKey: 2 * c.Running, Waiting: 4 * c.Waiting, Patience: c.Patience}
	long := QueryConfig{Running: max(1, c.Running/2), PerKey: max(1, c.Running/2), Waiting: c.Waiting, Patience: c.Patience}
	return Queries{newGate("searches", c), newGate("searches of signals", light), newGate("backtests", long)}
}

// All are the gates, in the order in which they are shown.
func (g Queries) All() []*Gate { return []*Gate{g.Searches, g.Signals, g.Backtests} }

var queryMetrics = []*prometheus.Desc{
	prometheus.NewDesc("nightjar_queries_running", "Queries of people that run.", []string{"kind"}, nil),
	prometheus.NewDesc("nightjar_queries_waiting", "Queries of people that wait for their turn.", []string{"kind"}, nil),
	prometheus.NewDesc("nightjar_queries_refused_total", "Queries of people that were refused because there were too many.", []string{"kind"}, nil),
}

// Describe implements prometheus.Collector.
func (g Queries) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range queryMetrics {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (g Queries) Collect(ch chan<- prometheus.Metric) {
	for _, gate := range g.All() {
		l := gate.Load()
		ch <- prometheus.MustNewConstMetric(queryMetrics[0], prometheus.GaugeValue, float64(l.Running), l.Kind)
		ch <- prometheus.MustNewConstMetric(queryMetrics[1], prometheus.GaugeValue, float64(l.Waiting), l.Kind)
		ch <- prometheus.MustNewConstMetric(queryMetrics[2], prometheus.CounterValue, float64(l.Refused), l.Kind)
	}
}
