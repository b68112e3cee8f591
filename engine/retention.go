package engine

import (
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/fx"

	"nightjar/ingest"
	"nightjar/retention"
	"nightjar/scheduler"
)

// lookBack is how far behind the lateness allowance a rule may ask for its
// matches: the longest window, signal and learning time of a rule, with room.
const lookBack = 35 * 24 * time.Hour

func (e *engine) lookBack() time.Duration { return e.config.Lateness + lookBack }

// signalsKept is for how long signals are kept after they were last seen; 0: for ever.
func (e *engine) signalsKept() time.Duration { return e.config.Retention.SignalsFor(e.lookBack()) }

func newKeeper(lc fx.Lifecycle, e *engine, d *database, intake *ingest.Intake, s *scheduler.Scheduler, registry *prometheus.Registry) (*retention.Keeper, error) {
	k, err := retention.New(retention.Deps{
		Conn: d.conn, Policy: e.config.Retention, LookBack: e.lookBack(),
		Record: filepath.Join(e.config.DataDir, "retention.json"),
		Beside: intake.LogBytes, Evaluated: func() uint64 { return s.Progress().Through },
		Log: e.log, Metrics: registry, Now: now,
	})
	if err != nil {
		return nil, err
	}
	e.run(lc, "retention", k.Run)
	return k, nil
}
