package clickhouse

import "github.com/prometheus/client_golang/prometheus"

var (
	pathsDescription    = prometheus.NewDesc("nightjar_ingest_attribute_paths", "Attribute paths whose stored forms are known.", nil, nil)
	overflowDescription = prometheus.NewDesc("nightjar_ingest_attribute_paths_overflowed", "1 when there are more attribute paths than are kept, which makes searches for the others slower.", nil, nil)
	beyondDescription   = prometheus.NewDesc("nightjar_ingest_attribute_paths_beyond", "1 when column rest has more paths than are kept.", nil, nil)
	restDescription     = prometheus.NewDesc("nightjar_ingest_attributes_in_rest_total", "Values of attributes that went to column rest, because their keys were too many new ones.", nil, nil)
	completeDescription = prometheus.NewDesc("nightjar_ingest_attribute_catalogue_complete", "1 when the forms of all stored attributes are known.", nil, nil)
)

// Describe implements prometheus.Collector.
func (s *Sink) Describe(to chan<- *prometheus.Desc) {
	to <- pathsDescription
	to <- overflowDescription
	to <- completeDescription
	to <- beyondDescription
	to <- restDescription
}

// Collect implements prometheus.Collector.
func (s *Sink) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value)
	}
	gauge(pathsDescription, float64(s.catalogue.Len()))
	gauge(overflowDescription, oneIf(s.catalogue.Overflowed()))
	gauge(completeDescription, oneIf(s.catalogue.IsComplete()))
	gauge(beyondDescription, oneIf(s.catalogue.Beyond()))
	to <- prometheus.MustNewConstMetric(restDescription, prometheus.CounterValue, float64(s.fresh.count()))
}

func oneIf(condition bool) float64 {
	if condition {
		return 1
	}
	return 0
}
