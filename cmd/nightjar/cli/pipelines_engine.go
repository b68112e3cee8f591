package cli

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/pflag"
	"go.uber.org/fx"

	"nightjar/content"
	"nightjar/ingest"
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

// offlinePipelines are those that change events of files: the built-in ones, or those of
// a folder.
func offlinePipelines(folder string, l ingest.Locator) (*pipeline.Set, error) {
	var all []*pipeline.Pipeline
	var err error
	if folder == "" {
		all, err = registry.BuiltIn(content.Files)
	} else {
		all, err = pipelinesBelow(folder)
	}
	if err != nil {
		return nil, err
	}
	return pipeline.NewSet(all, pipeline.Deps{Locator: l}), nil
}

// addPipelines adds --pipelines to a command that reads events from files.
func addPipelines(flags *pflag.FlagSet, into *string) {
	flags.StringVar(into, "pipelines", "", "a folder of pipelines (*.yaml, *.json) instead of the built-in ones; they run in the order of their names")
}
