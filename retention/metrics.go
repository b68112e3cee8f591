package retention

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	all         []prometheus.Collector
	rows, bytes *prometheus.CounterVec
	errors      prometheus.Counter
}

func newMetrics(k *Keeper) metrics {
	opts := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "nightjar", Subsystem: "retention", Name: name, Help: help}
	}
	labels := []string{"table", "reason"}
	m := metrics{
		rows:   prometheus.NewCounterVec(opts("dropped_rows_total", "Rows let go, because of their age or of the disk quota."), labels),
		bytes:  prometheus.NewCounterVec(opts("dropped_bytes_total", "Bytes let go, as stored."), labels),
		errors: prometheus.NewCounter(opts("errors_total", "Rounds that failed.")),
	}
	gauge := func(name, help string, value func(Report) int64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "nightjar", Subsystem: "retention", Name: name, Help: help},
			func() float64 { return float64(value(k.Report())) })
	}
	m.all = []prometheus.Collector{
		m.rows, m.bytes, m.errors,
		gauge("disk_used_bytes", "What the disk quota covers.", func(r Report) int64 { return r.Used }),
		gauge("disk_quota_bytes", "The disk quota; 0: none.", func(r Report) int64 { return r.Quota }),
	}
	return m
}
