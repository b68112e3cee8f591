package scheduler

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	evaluations, failures, matches, opened, withdrawn, suppressed, uncached prometheus.Counter
	cached, known, series                                                   prometheus.Gauge
	seconds                                                                 prometheus.Histogram
}

func newMetrics(r prometheus.Registerer) metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "nightjar_scheduler_" + name, Help: help})
	}
	m := metrics{
		evaluations: counter("evaluations_total", "Evaluations of a set of rules over a stretch of arrivals."),
		failures:    counter("rule_failures_total", "Evaluations of a rule that failed and will be retried."),
		matches:     counter("matches_total", "Events that matched a query of a rule, per group."),
		opened:      counter("signals_opened_total", "Signals published for the first time."),
		withdrawn:   counter("signals_withdrawn_total", "Signals merged or retracted because of late events."),
		suppressed:  counter("signals_suppressed_total", "Signals that a suppression withholds."),
		uncached:    counter("uncached_rules_total", "Times that a rule's live matches did not fit into memory."),
		cached: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "nightjar_scheduler_cached_matches", Help: "Matches held in memory.",
		}),
		known: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "nightjar_scheduler_known_values", Help: "Values and groups that rules know, held in memory.",
		}),
		series: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "nightjar_scheduler_series", Help: "Series of buckets that rules look for anomalies in, held in memory.",
		}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "nightjar_scheduler_evaluation_seconds", Help: "Time of one evaluation.",
			Buckets: prometheus.ExponentialBuckets(0.002, 2, 14),
		}),
	}
	if r != nil {
		r.MustRegister(m.evaluations, m.failures, m.matches, m.opened, m.withdrawn, m.suppressed, m.uncached, m.cached, m.known, m.series, m.seconds)
	}
	return m
}
