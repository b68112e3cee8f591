package scheduler

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	evaluations, failures, matches, opened, withdrawn, suppressed, uncached prometheus.Counter
	cached, known, series                                                   prometheus.Gauge
	seconds                                                                 prometheus.Histogram
	// By rule: what it costs beside the reading that all share. By state of the
	// evaluation log: what was not a matter of course.
	ruleMatches, ruleSeconds, ruleMatching, noted *prometheus.CounterVec
	asides                                        *prometheus.GaugeVec // by rule
}

func newMetrics(r prometheus.Registerer) metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "nightjar_scheduler_" + name, Help: help})
	}
	vector := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "nightjar_" + name, Help: help}, []string{label})
	}
	m := metrics{
		ruleMatches:  vector("rule_matches_total", "Events that matched a query of the rule, per group.", "rule"),
		ruleSeconds:  vector("rule_seconds_total", "CPU time that the windows of the rule took, beside the matching that all rules share.", "rule"),
		ruleMatching: vector("rule_matching_seconds_total", "CPU time that matching took for the rule, its share of what rules do together with it; by estimate, of one event in 64.", "rule"),
		noted:        vector("coverage_entries_total", "Entries in the evaluation log: failed, recovered, reopened by late events, capped by a limit, set aside, or finished after that.", "state"),
		asides: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "nightjar_rule_events_aside", Help: "Events that were too much work for the rule in their turn, and are not evaluated yet.",
		}, []string{"rule"}),
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
		r.MustRegister(m.evaluations, m.failures, m.matches, m.opened, m.withdrawn, m.suppressed, m.uncached, m.cached, m.known, m.series, m.seconds, m.ruleMatches, m.ruleSeconds, m.ruleMatching, m.noted, m.asides)
	}
	return m
}

// watchProgress shows how far evaluation is behind, and the rules that it does
// not cover.
func (s *Status) watchProgress(r prometheus.Registerer) {
	if r == nil {
		return
	}
	gauge := func(name, help string, labels prometheus.Labels, value func(Progress) int) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "nightjar_scheduler_" + name, Help: help, ConstLabels: labels,
		}, func() float64 { return float64(value(s.Progress())) }))
	}
	gauge("lag_events", "Acknowledged events that not every running rule was evaluated over.", nil, func(p Progress) int {
		return int(max(p.Through, s.deps.Arrivals.Acknowledged()) - p.Through)
	})
	const rules = "Enabled rules: running, failing (and retried), or unsupported (kept, not evaluated)."
	gauge("rules", rules, prometheus.Labels{"state": "running"}, func(p Progress) int { return p.Rules - p.Failing })
	gauge("rules", rules, prometheus.Labels{"state": "failing"}, func(p Progress) int { return p.Failing })
	gauge("rules", rules, prometheus.Labels{"state": "unsupported"}, func(p Progress) int { return p.Unsupported })
}
