package control

import (
	"fmt"
	"slices"

	"nightjar/agent/orders"
	"nightjar/schema"
)

// What an agent may do more than before, under policies that are rolled out.
const (
	moreLosses = 1.0  // events a second
	moreCPU    = 0.20 // of a core
	moreKills  = 5.0  // and denials, in all
)

// burst is how many seconds losses and kills are spread over at least: what comes all at
// once is no rate.
const burst = 60.0

// Times of a meter.
const (
	meterSpan    schema.Millis = 15 * 60_000 // it remembers
	meterEvery   schema.Millis = 5_000       // between two samples of one version
	watchedLeast schema.Millis = 20_000      // before CPU is judged
)

// sample is how much an agent had done at a moment.
type sample struct {
	at       schema.Millis
	instance string
	inForce  uint64
	lost     float64
	acted    float64 // kills and denials
	cpu      float64 // seconds
}

func sampleOf(at schema.Millis, in *orders.Sync) sample {
	s := sample{at: at, instance: in.Instance, inForce: in.InForce, acted: float64(in.Counts.Kills + in.Counts.Denials), cpu: in.Counts.CPUSeconds}
	for _, n := range in.Counts.Lost {
		s.lost += float64(n)
	}
	return s
}

// meter remembers what one run of an agent has done in the last minutes.
type meter struct{ samples []sample }

func (m *meter) add(s sample) {
	n := len(m.samples)
	if n > 0 && m.samples[n-1].instance != s.instance { // counts begin anew
		m.samples, n = nil, 0
	}
	if n > 1 && s.at-m.samples[n-2].at < meterEvery && m.samples[n-1].inForce == s.inForce && m.samples[n-2].inForce == s.inForce {
		m.samples = m.samples[:n-1]
	}
	m.samples = append(m.samples, s)
	m.samples = slices.DeleteFunc(m.samples, func(old sample) bool { return s.at-old.at > meterSpan })
}

// rates are how much is done a second.
type rates struct{ lost, acted, cpu, seconds float64 }

func between(a, b sample) rates {
	d := float64(b.at-a.at) / 1000
	if d <= 0 {
		return rates{}
	}
	return rates{lost: (b.lost - a.lost) / d, acted: (b.acted - a.acted) / d, cpu: (b.cpu - a.cpu) / d, seconds: d}
}

// recent is how much was done a second over the last minutes.
func (m *meter) recent() rates {
	if len(m.samples) < 2 {
		return rates{}
	}
	return between(m.samples[0], m.samples[len(m.samples)-1])
}

// worse says what the agent does more since it follows a version than before; empty:
// nothing. Where nothing is known of before, CPU is not judged, and the rest counts from
// nothing.
func (m *meter) worse(version uint64) string {
	at := slices.IndexFunc(m.samples, func(s sample) bool { return s.inForce == version })
	if at < 0 || at == len(m.samples)-1 {
		return ""
	}
	var before rates
	if at > 1 {
		before = between(m.samples[0], m.samples[at-1])
	}
	first, last := m.samples[at], m.samples[len(m.samples)-1]
	now, lost, acted := between(first, last), last.lost-first.lost, last.acted-first.acted
	long := max(now.seconds, burst)
	switch {
	case lost > (before.lost+moreLosses)*long:
		return fmt.Sprintf("lost %.0f events in %.0f s, and %.1f a second before", lost, now.seconds, before.lost)
	case acted > before.acted*long+moreKills:
		return fmt.Sprintf("killed or denied %.0f times in %.0f s, and %.2f times a second before", acted, now.seconds, before.acted)
	case before.seconds > 0 && last.at-first.at >= watchedLeast && now.cpu > before.cpu+moreCPU:
		return fmt.Sprintf("takes %.0f %% of a core, and %.0f %% before", 100*now.cpu, 100*before.cpu)
	}
	return ""
}
