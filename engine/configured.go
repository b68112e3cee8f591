package engine

import (
	"context"
	"fmt"
	"strings"

	"go.uber.org/fx"

	"nightjar/agent/control"
	"nightjar/configuration"
	"nightjar/objects"
	rulestore "nightjar/scheduler/clickhouse"
)

// newConfiguration loads what users configured beside rules.
func newConfiguration(lc fx.Lifecycle, e *engine, d *database, defaults *control.Defaults) *configuration.Stores {
	c := configuration.NewStores(rulestore.New(d.conn).Deps().Objects, now, configuration.ForAgents{
		Check: func(text string) error { return checkExpression(text, defaults) },
		Rules: defaults.Rules, Policies: []objects.Versioned[configuration.AgentPolicy]{defaults.Policy},
	})
	c.LogTo(e.log)
	lc.Append(fx.StartHook(func(ctx context.Context) error {
		if err := c.Load(ctx); err != nil {
			return err
		}
		return applyTargets(ctx, c.NotificationTargets, e.secrets(), e.config.Targets)
	}))
	return c
}

// checkExpression says what is wrong with an agent's expression, as the reference does:
// the first mistake.
func checkExpression(text string, defaults *control.Defaults) error {
	all := defaults.Mistakes(text)
	if len(all) == 0 {
		return nil
	}
	e := all[0]
	message := e.Message
	if strings.HasSuffix(message, "want a condition") {
		message = "bool expected"
	}
	line := strings.Split(text, "\n")[e.Line-1]
	return fmt.Errorf("rule syntax error: %s: %d:%d: %s\n%s^", message, e.Line, e.Column, line, strings.Repeat(" ", e.Column-1))
}
