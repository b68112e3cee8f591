package feeds

import "github.com/prometheus/client_golang/prometheus"

var (
	hitsMetric       = prometheus.NewDesc("nightjar_threat_intel_events_total", "Events that were marked with an indicator of a threat list.", nil, nil)
	indicatorsMetric = prometheus.NewDesc("nightjar_threat_list_indicators", "Indicators of a threat list.", []string{"list"}, nil)
	refreshedMetric  = prometheus.NewDesc("nightjar_threat_list_refreshed_timestamp_seconds", "When a threat list was read last; 0: never.", []string{"list"}, nil)
	failedMetric     = prometheus.NewDesc("nightjar_threat_list_failed", "1 when a threat list could not be read the last time.", []string{"list"}, nil)
)

// Describe implements prometheus.Collector.
func (f *Feeds) Describe(out chan<- *prometheus.Desc) {
	out <- hitsMetric
	out <- indicatorsMetric
	out <- refreshedMetric
	out <- failedMetric
}

// Collect implements prometheus.Collector.
func (f *Feeds) Collect(out chan<- prometheus.Metric) {
	out <- prometheus.MustNewConstMetric(hitsMetric, prometheus.CounterValue, float64(f.hits.Load()))
	for _, s := range f.States() {
		at, failed := 0.0, 0.0
		if !s.Refreshed.IsZero() {
			at = float64(s.Refreshed.Unix())
		}
		if s.Error != "" {
			failed = 1
		}
		out <- prometheus.MustNewConstMetric(indicatorsMetric, prometheus.GaugeValue, float64(s.Report.Indicators), s.Name)
		out <- prometheus.MustNewConstMetric(refreshedMetric, prometheus.GaugeValue, at, s.Name)
		out <- prometheus.MustNewConstMetric(failedMetric, prometheus.GaugeValue, failed, s.Name)
	}
}
