package syslog

import (
	"cmp"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// kind is what may go wrong.
type kind int

const (
	refused kind = iota // connections and datagrams of those who may not send
	closed              // connections that were ended
	lost                // messages
	damaged             // messages that are kept, with what was wrong
	kinds
)

// Causes beside those of frames.
const (
	notAllowed         = "not_allowed"
	tooManyConnections = "too_many_connections"
	tlsFailed          = "tls_handshake"
	idle               = "idle"
	stalled            = "stalled"
	noMemory           = "memory"
	queueFull          = "queue_full"
	inKernel           = "kernel_buffer_full"
	refusedByIntake    = "refused"
	stopping           = "stopping"
)

// Door is how one address is doing, since the start.
type Door struct {
	Protocol, Address string // udp, tcp or tls
	Connections       int    // now
	Messages, Bytes   uint64 // taken in
	// By cause: connections and datagrams of those who may not send, connections
	// that were ended, messages that were lost, and those that were kept damaged.
	Refused, Closed, Lost, Damaged map[string]uint64
}

// door counts for one address.
type door struct {
	protocol string
	log      *slog.Logger
	now      func() time.Time

	mu       sync.Mutex
	address  string
	open     int
	messages uint64
	bytes    uint64
	counts   [kinds]map[string]uint64
	told     map[string]telling
}

// telling is when a cause was last told of, and how often it came since.
type telling struct {
	at    time.Time
	since uint64
}

// tellEvery is how often the log says of the same.
const tellEvery = time.Minute

func newDoor(protocol, address string, log *slog.Logger, now func() time.Time) *door {
	d := &door{protocol: protocol, address: address, log: log, now: now, told: map[string]telling{}}
	for k := range d.counts {
		d.counts[k] = map[string]uint64{}
	}
	return d
}

func (d *door) taken(bytes int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.messages++
	d.bytes += uint64(bytes)
}

// enter counts a connection, if there is room for one more.
func (d *door) enter(limit int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open >= limit {
		return false
	}
	d.open++
	return true
}

func (d *door) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open--
}

// note counts one of a kind.
func (d *door) note(k kind, cause, peer string, err error) { d.add(k, cause, 1, peer, err) }

// add counts several, and says so in the log, once a minute.
func (d *door) add(k kind, cause string, n uint64, peer string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.counts[k][cause] += n
	t, now := d.told[k.String()+cause], d.now()
	t.since += n
	if now.Sub(t.at) >= tellEvery || now.Before(t.at) {
		d.tell(k, cause, t.since, peer, err)
		t = telling{at: now}
	}
	d.told[k.String()+cause] = t
}

func (d *door) tell(k kind, cause string, n uint64, peer string, err error) {
	args := []any{"protocol", d.protocol, "address", d.address, "cause", cause, "count", n}
	if peer != "" {
		args = append(args, "peer", peer)
	}
	if err != nil {
		args = append(args, "error", err)
	}
	d.log.Warn("syslog: "+[kinds]string{"a sender was refused", "a connection was ended", "messages are lost", "messages came damaged, and are kept"}[k], args...)
}

func (k kind) String() string { return [kinds]string{"refused", "closed", "lost", "damaged"}[k] }

func (d *door) report() Door {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Door{
		Protocol: d.protocol, Address: d.address, Connections: d.open, Messages: d.messages, Bytes: d.bytes,
		Refused: maps.Clone(d.counts[refused]), Closed: maps.Clone(d.counts[closed]), Lost: maps.Clone(d.counts[lost]), Damaged: maps.Clone(d.counts[damaged]),
	}
}

func (d *door) losses() (n uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, count := range d.counts[lost] {
		n += count
	}
	return n
}

// Report says how each address is doing.
func (r *Receiver) Report() []Door {
	var out []Door
	for _, d := range r.doors {
		out = append(out, d.report())
	}
	slices.SortFunc(out, func(a, b Door) int { return cmp.Compare(b.Protocol, a.Protocol) })
	return out
}

// Lost is how many messages were lost since the start, by us or before us.
func (r *Receiver) Lost() (n uint64) {
	for _, d := range r.doors {
		n += d.losses()
	}
	return n
}

var (
	messagesMetric    = prometheus.NewDesc("nightjar_syslog_messages_total", "Messages of syslog taken in.", []string{"protocol"}, nil)
	bytesMetric       = prometheus.NewDesc("nightjar_syslog_bytes_total", "Bytes of these messages.", []string{"protocol"}, nil)
	connectionsMetric = prometheus.NewDesc("nightjar_syslog_connections", "Open connections of syslog.", []string{"protocol"}, nil)
	kindMetrics       = [kinds]*prometheus.Desc{
		prometheus.NewDesc("nightjar_syslog_refused_total", "Connections and datagrams of those who may not send.", []string{"protocol", "cause"}, nil),
		prometheus.NewDesc("nightjar_syslog_connections_closed_total", "Connections that were ended.", []string{"protocol", "cause"}, nil),
		prometheus.NewDesc("nightjar_syslog_messages_lost_total", "Messages that were lost.", []string{"protocol", "cause"}, nil),
		prometheus.NewDesc("nightjar_syslog_messages_damaged_total", "Messages that were cut, cut off or unreadable; they are kept, with @syslog.problem.", []string{"protocol", "cause"}, nil),
	}
)

// Describe implements prometheus.Collector.
func (r *Receiver) Describe(to chan<- *prometheus.Desc) {
	for _, d := range append([]*prometheus.Desc{messagesMetric, bytesMetric, connectionsMetric}, kindMetrics[:]...) {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (r *Receiver) Collect(to chan<- prometheus.Metric) {
	for _, d := range r.Report() {
		to <- prometheus.MustNewConstMetric(messagesMetric, prometheus.CounterValue, float64(d.Messages), d.Protocol)
		to <- prometheus.MustNewConstMetric(bytesMetric, prometheus.CounterValue, float64(d.Bytes), d.Protocol)
		to <- prometheus.MustNewConstMetric(connectionsMetric, prometheus.GaugeValue, float64(d.Connections), d.Protocol)
		for k, counts := range [kinds]map[string]uint64{d.Refused, d.Closed, d.Lost, d.Damaged} {
			for cause, n := range counts {
				to <- prometheus.MustNewConstMetric(kindMetrics[k], prometheus.CounterValue, float64(n), d.Protocol, cause)
			}
		}
	}
}
