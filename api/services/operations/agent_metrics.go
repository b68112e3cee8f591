package operations

import (
	"context"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"nightjar/schema"
)

// agentMetrics tells of the agents that reported within a day.
type agentMetrics struct {
	store Agents
	now   func() time.Time
}

var (
	agentUndelivered                      = prometheus.NewDesc("nightjar_agent_undelivered_matches", "Matches that the agent lost on the way to the engine since it started, by cause.", []string{"host", "instance", "cause"}, nil)
	agentsByState                         = prometheus.NewDesc("nightjar_agents", "Agents that reported within a day.", []string{"state"}, nil)
	agentEvents                           = prometheus.NewDesc("nightjar_agent_events", "Kernel events since the agent started, as its newest report says.", []string{"host", "instance", "became"}, nil)
	agentLost                             = prometheus.NewDesc("nightjar_agent_lost_events", "Kernel events that the agent lost since it started, by cause.", []string{"host", "instance", "cause"}, nil)
	_                prometheus.Collector = agentMetrics{}
)

// NewAgentMetrics are the metrics of the agents that report.
func NewAgentMetrics(store Agents, now func() time.Time) agentMetrics {
	return agentMetrics{store, now}
}

// Describe implements prometheus.Collector.
func (m agentMetrics) Describe(to chan<- *prometheus.Desc) {
	to <- agentsByState
	to <- agentEvents
	to <- agentLost
	to <- agentUndelivered
}

// Collect implements prometheus.Collector. Without an answer of the store it tells
// nothing: an old number would look like a new one.
func (m agentMetrics) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	now := schema.MillisOf(m.now())
	reports, err := m.store.Agents(ctx, now.Add(-24*time.Hour))
	if err != nil {
		return
	}
	gauge := func(d *prometheus.Desc, value uint64, labels ...string) {
		for i := range labels { // they are what a sender said
			labels[i] = strings.ToValidUTF8(labels[i], "\uFFFD")
		}
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(value), labels...)
	}
	states := map[string]uint64{AgentReporting: 0, AgentStopped: 0, AgentSilent: 0}
	for _, r := range reports {
		state := r.State(now)
		states[state]++
		if state != AgentReporting {
			continue
		}
		for became, n := range map[string]uint64{"delivered": r.Delivered, "filtered": r.Filtered, "waiting": r.Waiting} {
			gauge(agentEvents, n, r.Host, r.Instance, became)
		}
		for cause, n := range r.Lost {
			gauge(agentLost, n, r.Host, r.Instance, cause)
		}
		for cause, n := range r.Undelivered {
			gauge(agentUndelivered, n, r.Host, r.Instance, cause)
		}
	}
	for state, n := range states {
		gauge(agentsByState, n, state)
	}
}
