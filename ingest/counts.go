package ingest

import (
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// Counts are what came of all that was sent, since the start.
type Counts struct {
	// Events that were read from requests, made durable, and inserted.
	Received, Acknowledged, Stored uint64
	// Refused are requests that were not taken in, by reason.
	Refused map[string]uint64
	// DuplicateBatches were acknowledged before, and Known events.
	DuplicateBatches, Known uint64
	// Late events are stored, and seen by no rule.
	Late uint64
	// Events that happened when they arrived: their time was ahead of the clock, they said
	// none, it could not be read.
	Future, Untimed, UnreadableTime uint64
	// Cut events are stored without what was too much; DeadLettered ones ClickHouse refused.
	Cut, DeadLettered uint64
	// Waiting events are acknowledged and not stored; LogBytes is the size of what holds them.
	Waiting, LogBytes uint64
}

// Counts reads the counters.
func (in *Intake) Counts() Counts {
	m, acknowledged := in.metrics, in.Acknowledged()
	return Counts{
		Received: total(m.received), Acknowledged: total(m.acknowledged), Stored: total(m.stored), Refused: byLabel(m.refused),
		DuplicateBatches: total(m.duplicates), Known: total(m.known), Late: total(m.late),
		Future: total(m.future), Untimed: total(m.untimed), UnreadableTime: total(m.badTime),
		Cut: total(m.cut), DeadLettered: total(m.deadLettered),
		Waiting: acknowledged - min(in.Stored(), acknowledged), LogBytes: uint64(in.log.Size()),
	}
}

// each calls with every counter of a collector.
func each(c prometheus.Collector, call func(*dto.Metric)) {
	found := make(chan prometheus.Metric)
	go func() {
		defer close(found)
		c.Collect(found)
	}()
	for m := range found {
		var text dto.Metric
		if m.Write(&text) == nil { // counters always can be
			call(&text)
		}
	}
}

func total(c prometheus.Collector) (sum uint64) {
	each(c, func(m *dto.Metric) { sum += uint64(m.GetCounter().GetValue()) })
	return sum
}

// byLabel are the counters of a vector with one label, by its value.
func byLabel(c prometheus.Collector) map[string]uint64 {
	out := map[string]uint64{}
	each(c, func(m *dto.Metric) {
		for _, l := range m.GetLabel() {
			out[l.GetValue()] += uint64(m.GetCounter().GetValue())
		}
	})
	return out
}
