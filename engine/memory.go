package engine

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"go.uber.org/fx"

	"nightjar/ingest"
	"nightjar/scheduler"
)

const (
	// easeEvery is how often the memory is looked at.
	easeEvery = 5 * time.Second
	// easeAfter is how long little has to have gone on.
	easeAfter = 20 * time.Second
	// littleEvents is how many events in that time are little.
	littleEvents = 1000
	// worthFreeing is how much more memory than after the last time is worth another
	// round of collections, in bytes.
	worthFreeing = 8 << 20
	// easeRounds is how many collections a round has: connections, and what else
	// comes to its end by time, hold on to buffers until they do.
	easeRounds = 9
)

// easing gives memory back to the system when a burst is over: what evaluation held
// of the near past, and the pages that the collector keeps for the next burst. The
// collector alone would keep them, as nothing makes it run.
type easing struct {
	intake    *ingest.Intake
	recent    *scheduler.Recent
	scheduler *scheduler.Scheduler
	status    *scheduler.Status

	seen []uint64 // what was acknowledged, at each look of easeAfter
	held uint64   // bytes that were held after the last time
	left int      // collections of the round that are to come
}

func runEasing(lc fx.Lifecycle, e *engine, intake *ingest.Intake, store sink, s *scheduler.Scheduler, status *scheduler.Status) {
	m := &easing{intake: intake, recent: store.recent, scheduler: s, status: status}
	e.run(lc, "memory", func(ctx context.Context) error {
		m.held = held()
		tick := time.NewTicker(easeEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
				if err := m.look(ctx); err != nil && ctx.Err() == nil {
					e.log.Warn("cannot let go of memory", "error", err)
				}
			}
		}
	})
}

func (m *easing) look(ctx context.Context) error {
	acknowledged := m.intake.Acknowledged()
	m.seen = append(m.seen, acknowledged)
	if len(m.seen) <= int(easeAfter/easeEvery) {
		return nil
	}
	before := m.seen[0]
	m.seen = m.seen[1:]
	progress := m.status.Progress()
	if acknowledged-before > littleEvents || progress.Through < before {
		m.left = easeRounds
		return nil
	}
	m.recent.Forget(progress.Through)
	if err := m.scheduler.Rest(ctx); err != nil {
		return err
	}
	if held() > m.held+worthFreeing {
		m.left = easeRounds
	}
	if m.left > 0 {
		m.left--
		debug.FreeOSMemory()
		m.held = held()
	}
	return nil
}

// held is the memory of the heap that the system does not have back, in bytes.
func held() uint64 {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(samples)
	var sum uint64
	for _, s := range samples {
		if s.Value.Kind() == metrics.KindUint64 {
			sum += s.Value.Uint64()
		}
	}
	return sum
}
