package engine

import (
	"context"
	"time"

	"go.uber.org/fx"

	apistore "nightjar/api/clickhouse"
	"nightjar/compiler"
	"nightjar/configuration"
	"nightjar/scheduler"
	"nightjar/scheduler/reach"
	"nightjar/scheduler/reference"
	"nightjar/schema"
)

// reached says which rules ask for what there is not.
type reached struct {
	*reach.Finder
	*reach.Watcher
	settings *configuration.Stores
}

func newReach(lc fx.Lifecycle, e *engine, d *database, store sink, tables *reference.Tables, s *scheduler.Scheduler, c *configuration.Stores) reached {
	logs := apistore.NewLogs(d.people, apistore.LogsConfig{Catalogue: store.Catalogue()})
	f := reach.New(reach.Deps{Catalogue: store.Catalogue(), Seen: store.profile, Store: logs, Tables: tables, Now: now})
	r := reached{f, f.Watch(s.Rules, e.log), c}
	e.run(lc, "rules that can't fire", r.Run)
	return r
}

// lookTime is how long the making of a rule waits for what is known of it.
const lookTime = 2 * time.Second

// Look implements api.Reach.
func (r reached) Look(ctx context.Context, rule schema.Rule) []string {
	plan, err := compiler.CompileStored(rule)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	out := r.Finder.Look(ctx, plan).Warnings
	for _, i := range unknownHandles(ctx, r.settings, &rule) {
		out = append(out, i.Warning())
	}
	return out
}

// Warnings implements api.Reach.
func (r reached) Warnings(rule *schema.Rule) []string {
	out := r.Watcher.Warnings(rule)
	for _, i := range unknownHandles(context.Background(), r.settings, rule) {
		out = append(out, i.Warning())
	}
	return out
}
