package engine

import (
	"context"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/fx"

	"nightjar/ingest"
	intakestore "nightjar/ingest/clickhouse"
	"nightjar/ingest/geoip"
	"nightjar/ingest/profile"
	"nightjar/scheduler"
	"nightjar/schema"
)

// sink is where the intake stores events; what is stored is at hand for the
// scheduler, which need not read it back.
type sink struct {
	*intakestore.Sink
	recent  *scheduler.Recent
	profile *profile.Profile
}

// recentBytes is how much of what was stored last is kept in memory.
const recentBytes = 96 << 20

func newSink(lc fx.Lifecycle, e *engine, d *database, registry *prometheus.Registry) sink {
	s := sink{intakestore.New(d.intake), scheduler.NewRecent(recentBytes), &profile.Profile{}}
	registry.MustRegister(s.Sink)
	e.run(lc, "catalogue of attributes", func(ctx context.Context) error {
		s.loadCatalogue(ctx, e.log)
		return nil
	})
	return s
}

// loadCatalogue tries until it is loaded. Searches and rules do without it
// meanwhile, and are slower.
func (s sink) loadCatalogue(ctx context.Context, log *slog.Logger) {
	load := func() (struct{}, error) { return struct{}{}, s.Load(ctx) }
	told := func(err error, _ time.Duration) {
		log.Warn("cannot load the catalogue of attributes; searches are slower without", "error", err)
	}
	_, _ = retried(ctx, load, told)
}

// Insert implements ingest.Sink.
func (s sink) Insert(ctx context.Context, token string, events []schema.Event) error {
	if err := s.Sink.Insert(ctx, token, events); err != nil {
		return err
	}
	s.recent.Add(events)
	s.profile.Add(events)
	return nil
}

func newIntake(lc fx.Lifecycle, e *engine, store sink, geo *geoip.Databases, pipelines *pipelineRegistry, mark *marker, registry *prometheus.Registry) (*ingest.Intake, error) {
	intake, err := ingest.New(ingest.Deps{
		Dir: filepath.Join(e.config.DataDir, "intake"), Sink: store,
		Log: e.log, Metrics: registry, Lateness: e.config.Lateness, Locator: locator(geo), Pipelines: pipelines, Marker: mark, Now: now,
		Config: ingest.Config{MaxBacklog: e.config.IntakeQuota, MaxReading: e.config.IntakeMemory, MaxBody: e.config.MaxRequest},
	})
	if err != nil {
		return nil, err
	}
	e.run(lc, "intake", intake.Run) // and frees its folder in the end
	e.run(lc, "sources heard of before", func(ctx context.Context) error {
		store.remindOfSources(ctx, intake, e.log)
		return nil
	})
	return intake, nil
}

// remindOfSources tells the intake what it heard of before the start. It tries until it has.
func (s sink) remindOfSources(ctx context.Context, intake *ingest.Intake, log *slog.Logger) {
	heard, err := retried(ctx, func() ([]ingest.Heard, error) { return s.Heard(ctx, now()) }, func(err error, _ time.Duration) {
		log.Warn("cannot find the sources of the last day; the status names those that send from now on", "error", err)
	})
	if err == nil {
		intake.Remember(heard)
	}
}

// retried repeats what fails every ten seconds; it fails with ctx only.
func retried[T any](ctx context.Context, do func() (T, error), told backoff.Notify) (T, error) {
	return backoff.Retry(ctx, do, backoff.WithBackOff(backoff.NewConstantBackOff(10*time.Second)), backoff.WithMaxElapsedTime(0), backoff.WithNotify(told))
}

// gaps tells the scheduler what the intake could not store in its turn.
type gaps struct{ *ingest.Intake }

// Gaps implements scheduler.Gaps.
func (g gaps) Gaps() []scheduler.Gap {
	var out []scheduler.Gap
	for _, x := range g.Intake.Gaps() {
		if x.IsAccepted() && x.State == ingest.GapLost {
			continue
		}
		out = append(out, scheduler.Gap{
			In: scheduler.Interval{From: max(x.First, 1) - 1, To: x.Last}, Events: x.Events, Seen: x.Seen, Since: x.Since,
			Filled: x.State == ingest.GapStored, Lost: x.State == ingest.GapLost, Reason: x.Reason, Accepted: x.IsAccepted(),
		})
	}
	return out
}

// Evaluated implements scheduler.Gaps.
func (g gaps) Evaluated(x scheduler.Gap) error { return g.Intake.Evaluated(x.In.From + 1) }
