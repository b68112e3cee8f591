package reference

import "github.com/prometheus/client_golang/prometheus"

var (
	memoryBytes  = prometheus.NewDesc("nightjar_reference_memory_bytes", "Memory of the columns of reference tables that rules ask.", nil, nil)
	memoryValues = prometheus.NewDesc("nightjar_reference_memory_values", "Values in the columns of reference tables that rules ask.", nil, nil)
	tableRows    = prometheus.NewDesc("nightjar_reference_rows", "Rows of a reference table.", []string{"table"}, nil)
)

// Describe implements prometheus.Collector.
func (s *Tables) Describe(ch chan<- *prometheus.Desc) {
	ch <- memoryBytes
	ch <- memoryValues
	ch <- tableRows
}

// Collect implements prometheus.Collector.
func (s *Tables) Collect(ch chan<- prometheus.Metric) {
	bytes, values := s.size()
	ch <- prometheus.MustNewConstMetric(memoryBytes, prometheus.GaugeValue, float64(bytes))
	ch <- prometheus.MustNewConstMetric(memoryValues, prometheus.GaugeValue, float64(values))
	for _, t := range s.List() {
		ch <- prometheus.MustNewConstMetric(tableRows, prometheus.GaugeValue, float64(t.Rows), t.Name)
	}
}

func (s *Tables) size() (bytes, values int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, t := range s.byID {
		for _, c := range t.columns {
			if c != nil {
				b, v := c.size()
				bytes, values = bytes+b, values+v
			}
		}
	}
	return bytes, values
}
