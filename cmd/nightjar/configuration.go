package main

import (
	"time"

	"go.uber.org/fx"

	"nightjar/configuration"
	rulestore "nightjar/scheduler/clickhouse"
)

// newConfiguration loads what users configured beside rules.
func newConfiguration(lc fx.Lifecycle, d *database) *configuration.Stores {
	c := configuration.NewStores(rulestore.New(d.conn).Deps().Objects, time.Now, nil)
	lc.Append(fx.StartHook(c.Load))
	return c
}
