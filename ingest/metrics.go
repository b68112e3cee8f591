package ingest

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"nightjar/schema"
)

type metrics struct {
	all                        []prometheus.Collector
	received, bytes            prometheus.Counter
	acknowledged, duplicates   prometheus.Counter
	known                      prometheus.Counter
	stored, deadLettered, lost prometheus.Counter
	damaged, future, untimed   prometheus.Counter
	cut                        prometheus.Counter
	late, setAside             prometheus.Counter
	brokenParts                prometheus.Counter
	blocksAside                prometheus.Counter
	inserts, insertErrors      prometheus.Counter
	refused, oddities, syncs   *prometheus.CounterVec
	located, badTime           *prometheus.CounterVec
	syncSeconds, insertSeconds prometheus.Histogram
	away                       atomic.Uint64 // batches to be sent again later
}

func newMetrics(in *Intake) *metrics {
	m := &metrics{}
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: "nightjar", Subsystem: "ingest", Name: name, Help: help})
		m.all = append(m.all, c)
		return c
	}
	vector := func(name, help, label string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "nightjar", Subsystem: "ingest", Name: name, Help: help}, []string{label})
		m.all = append(m.all, c)
		return c
	}
	histogram := func(name, help string) prometheus.Histogram {
		h := prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "nightjar", Subsystem: "ingest", Name: name, Help: help, Buckets: prometheus.ExponentialBuckets(0.0005, 2, 16)})
		m.all = append(m.all, h)
		return h
	}
	gauge := func(name, help string, value func() float64) {
		m.all = append(m.all, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "nightjar", Subsystem: "ingest", Name: name, Help: help}, value))
	}
	m.received = counter("events_received_total", "Events decoded from requests.")
	m.bytes = counter("received_bytes_total", "Bytes of request bodies after decompression.")
	m.acknowledged = counter("events_acknowledged_total", "Events made durable.")
	m.duplicates = counter("duplicate_batches_total", "Batches whose id had been acknowledged before.")
	m.known = counter("events_known_total", "Events left out because their sender's name for them had been acknowledged before.")
	m.stored = counter("events_stored_total", "Events inserted into ClickHouse.")
	m.deadLettered = counter("events_dead_lettered_total", "Events that ClickHouse refused for good.")
	m.lost = counter("events_lost_total", "Acknowledged events that are lost, each counted once, since the data folder was made.")
	m.damaged = counter("log_damaged_regions_total", "Unreadable regions of the log.")
	m.future = counter("events_future_dated_total", "Events moved to their arrival time because theirs was ahead of the clock or before the year 2000.")
	m.untimed = counter("events_without_time_total", "Events that say no time, which happened when they arrived.")
	m.cut = counter("events_cut_total", "Events larger or deeper than events may be, stored without what was too much.")
	m.late = counter("late_events_total", "Events that arrived later than the lateness allowance: stored, and not seen by rules.")
	m.brokenParts = counter("broken_parts_total", "Parts of the stored events that could not be read and were put aside.")
	m.setAside = counter("parts_set_aside_total", "Parts of the intake's folder that could not be used.")
	m.blocksAside = counter("blocks_set_aside_total", "Blocks of events that were too much for ClickHouse and are tried again in the background.")
	m.inserts = counter("inserts_total", "Blocks inserted.")
	m.insertErrors = counter("insert_errors_total", "Inserts that failed and were tried again.")
	m.refused = vector("batches_refused_total", "Batches that were not taken in.", "reason")
	m.oddities = vector("oddities_total", "Strange input that was resolved by a rule.", "kind")
	m.located = vector("geoip_events_total", "Events with a client's address, by what GeoIP databases said of it; counted where there are any.", "result")
	m.badTime = vector("events_unreadable_time_total", "Events moved to their arrival time because theirs could not be read, by source.", "source")
	m.syncs = vector("fsyncs_total", "Group commits of the log.", "result")
	m.syncSeconds = histogram("fsync_seconds", "How long an fsync of the log took.")
	m.insertSeconds = histogram("insert_seconds", "How long an insert took.")
	gauge("log_bytes", "Size of the log on disk.", func() float64 { return float64(in.log.Size()) })
	gauge("backlog_bytes", "Bytes acknowledged and not yet stored.", func() float64 { return float64(in.Backlog()) })
	gauge("backlog_events", "Events acknowledged and not yet stored.", func() float64 { return float64(in.Acknowledged() - min(in.Stored(), in.Acknowledged())) })
	gauge("aside_events", "Events that are set aside, and not stored.", func() float64 { return float64(in.eventsIn(GapAside, GapStored)) })
	gauge("gap_events", "Events that are lost or set aside, and of which nobody said that they know.", func() float64 { return float64(in.eventsIn(GapAside, GapStored, GapLost)) })
	gauge("reading_bytes", "Memory that requests being read have taken of their quota.", func() float64 { return float64(in.reading.used()) })
	gauge("clocks_off", "Sources and hosts whose events are all more than ten minutes ahead of the clock or behind it; the status says which.", func() float64 { return float64(len(in.ClockSkews())) })
	gauge("clock_skew_max_seconds", "How far the furthest of them is off.", func() float64 { return in.furthestSkew() })
	gauge("batch_ids", "Batch ids remembered.", func() float64 { return float64(in.batches.len()) })
	return m
}

func (m *metrics) register(r prometheus.Registerer) error {
	for _, c := range m.all {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}

func (m *metrics) synced(took time.Duration, err error) {
	result := "ok"
	if err != nil {
		result = "error"
	}
	m.syncs.WithLabelValues(result).Inc()
	m.syncSeconds.Observe(took.Seconds())
}

func (m *metrics) refuse(err error) {
	var full *BackpressureError
	var away *UnavailableError
	reason := "other"
	switch {
	case errors.As(err, &full):
		reason = "backpressure"
		m.away.Add(1)
	case errors.As(err, &away):
		reason = "disk"
		m.away.Add(1)
	case errors.Is(err, ErrTooLarge):
		reason = "too_large"
	}
	m.refused.WithLabelValues(reason).Inc()
}

// decoded counts what came of reading a body.
func (m *metrics) decoded(d *Decoder, times *clocks) {
	m.odd(d.Odd)
	m.locate(d.Located)
	m.untimed.Add(float64(d.Untimed))
	m.cut.Add(float64(d.Cut))
	for source, n := range d.BadTimes {
		m.badTime.WithLabelValues(times.label(source)).Add(float64(n))
	}
}

func (m *metrics) odd(o schema.Oddities) {
	for kind, n := range map[string]int{"duplicate_key": o.DuplicateKeys, "invalid_utf8": o.InvalidUTF8, "huge_number": o.HugeNumbers, "flattened": o.Flattened} {
		if n > 0 {
			m.oddities.WithLabelValues(kind).Add(float64(n))
		}
	}
}

func (m *metrics) locate(l Located) {
	for result, n := range map[string]int{"found": l.Found, "unknown": l.Unknown, "unreadable": l.Unreadable, "failed": l.Failed, "present": l.Present, "limited": l.Limited} {
		if n > 0 {
			m.located.WithLabelValues(result).Add(float64(n))
		}
	}
}
