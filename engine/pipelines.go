package engine

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/fx"

	"nightjar/content"
	"nightjar/ingest/geoip"
	"nightjar/ingest/pipeline"
	"nightjar/ingest/pipeline/lookups"
	"nightjar/ingest/pipeline/registry"
	rulestore "nightjar/scheduler/clickhouse"
	"nightjar/scheduler/reference"
)

// pipelineRegistry is what the engine knows of pipelines.
type pipelineRegistry = registry.Registry

// newPipelines are the pipelines of the engine. They are loaded before the intake runs,
// so that no event of a restart meets others.
func newPipelines(lc fx.Lifecycle, e *engine, d *database, geo *geoip.Databases, tables *reference.Tables, metrics *prometheus.Registry) (*pipelineRegistry, error) {
	shipped, err := registry.BuiltIn(content.Files)
	if err != nil {
		return nil, err
	}
	key, err := redactionKey(e.config.DataDir)
	if err != nil {
		return nil, err
	}
	var r *registry.Registry
	rows := lookups.New(tables, func() []string { return r.Set().TableNames() }, now, e.log)
	r = registry.New(registry.Deps{
		BuiltIn: shipped, Objects: rulestore.New(d.conn).Deps().Objects, Now: now, Log: e.log,
		Set: pipeline.Deps{Locator: locator(geo), Tables: rows, HashKey: key}, Locator: locator(geo),
	})
	metrics.MustRegister(r)
	lc.Append(fx.StartHook(func(ctx context.Context) error {
		if err := r.Load(ctx); err != nil {
			return err
		}
		rows.Refresh(ctx)
		return nil
	}))
	e.run(lc, "lookups", rows.Run)
	return r, nil
}
