package engine

import (
	"context"
	"slices"
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
	idle *ruleWarnings
}

func newReach(lc fx.Lifecycle, e *engine, d *database, store sink, tables *reference.Tables, rules *scheduler.RuleStore, c *configuration.Stores) reached {
	logs := apistore.NewLogs(d.people, apistore.LogsConfig{Catalogue: store.Catalogue()})
	f := reach.New(reach.Deps{Catalogue: store.Catalogue(), Seen: store.profile, Store: logs, Tables: tables, Now: now})
	r := reached{f, f.Watch(rules.Plans), &ruleWarnings{settings: c, kept: map[string]idleRule{}}}
	e.run(lc, "rules that can't fire", r.Run)
	return r
}

// lookTime is how long the making of a rule waits for what is known of it.
const lookTime = 2 * time.Second

// Look implements api.Reach.
func (r reached) Look(ctx context.Context, plan *compiler.Plan) []string {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	out := r.Finder.Look(ctx, plan).Warnings
	return append(out, schema.IdleWarnings(unknownHandles(ctx, r.idle.settings, &plan.Rule))...)
}

// Warnings implements api.Reach.
func (r reached) Warnings(rule *schema.Rule) []string {
	found := r.idle.of(context.Background(), rule)
	return slices.Concat(schema.IdleWarnings(found.own), r.Watcher.Warnings(rule), schema.IdleWarnings(found.handles))
}

// InVain implements api.Reach.
func (r reached) InVain(rule *schema.Rule) []string { return r.Watcher.Warnings(rule) }
