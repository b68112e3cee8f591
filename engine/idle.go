package engine

import (
	"context"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"nightjar/schema"
)

// idles are the stored objects, and the parts of them, that do nothing yet.
func (r reporter) idles(ctx context.Context) []schema.Idle {
	rules, _ := r.rules.Rules(ctx) // from memory: never fails
	return slices.Concat(r.found.idle.ofAll(ctx, rules), r.found.Idles(), r.settings.Idles(ctx))
}

// idleCollector shows them among the metrics, each with its reason.
type idleCollector struct{ reporter }

var idleMetric = prometheus.NewDesc("nightjar_without_effect", "Stored objects, and parts of them, that do nothing yet, each with its reason.",
	[]string{"kind", "id", "name", "field", "reason"}, nil)

// Describe implements prometheus.Collector.
func (idleCollector) Describe(out chan<- *prometheus.Desc) { out <- idleMetric }

// Collect implements prometheus.Collector.
func (c idleCollector) Collect(out chan<- prometheus.Metric) {
	for _, i := range c.idles(context.Background()) {
		out <- prometheus.MustNewConstMetric(idleMetric, prometheus.GaugeValue, 1, i.Kind, i.ID, clean(i.Name), i.Field, clean(i.Reason))
	}
}

// clean is a text as a label's value has to be.
func clean(s string) string { return string([]rune(s)) }
