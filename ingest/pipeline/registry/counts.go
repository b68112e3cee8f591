package registry

import (
	"github.com/prometheus/client_golang/prometheus"

	"nightjar/ingest/pipeline"
)

// Counts is what every pipeline did since the engine started, by id.
func (r *Registry) Counts() map[string]pipeline.Counted { return r.counts.All() }

// dearMicros is the time an event, in microseconds, from which a pipeline is called
// dear: about what reading a large event takes.
const dearMicros = 100

// dearEvents is how many events it takes to say so: the first are slow everywhere.
const dearEvents = 100

// IsDear reports whether a pipeline is worth its author's attention, and why: it takes
// long, or has rules that need an engine that may. Of a nil pipeline only what it took is
// known.
func IsDear(p *pipeline.Pipeline, c pipeline.Counted) (why string) {
	if c.Events >= dearEvents && MicrosPerEvent(c) > dearMicros {
		return "it takes more than 100 µs an event"
	}
	if p != nil && len(p.Dear) > 0 {
		return "rule " + p.Dear[0].Rule + " of " + p.Dear[0].Path + " runs on the backtracking engine: " + p.Dear[0].Why
	}
	return ""
}

// MicrosPerEvent is the time that an event takes, in microseconds.
func MicrosPerEvent(c pipeline.Counted) float64 {
	if c.Events == 0 {
		return 0
	}
	return float64(c.Took.Nanoseconds()) / 1e3 / float64(c.Events)
}

var (
	eventsDesc   = prometheus.NewDesc("nightjar_pipeline_events_total", "Events that a pipeline was applied to.", []string{"pipeline"}, nil)
	failuresDesc = prometheus.NewDesc("nightjar_pipeline_failed_events_total", "Events of which a processor of the pipeline failed or took too long; they were kept.", []string{"pipeline"}, nil)
	redactedDesc = prometheus.NewDesc("nightjar_pipeline_redactions_total", "Places that a pipeline scrubbed before storage.", []string{"pipeline"}, nil)
	secondsDesc  = prometheus.NewDesc("nightjar_pipeline_seconds_total", "Time spent in a pipeline.", []string{"pipeline"}, nil)
)

// Describe implements prometheus.Collector.
func (r *Registry) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{eventsDesc, failuresDesc, redactedDesc, secondsDesc} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (r *Registry) Collect(out chan<- prometheus.Metric) {
	for id, c := range r.Counts() {
		for _, m := range []struct {
			desc  *prometheus.Desc
			value float64
		}{{eventsDesc, float64(c.Events)}, {failuresDesc, float64(c.Failures)}, {redactedDesc, float64(c.Redacted)}, {secondsDesc, c.Took.Seconds()}} {
			out <- prometheus.MustNewConstMetric(m.desc, prometheus.CounterValue, m.value, id)
		}
	}
}
