package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.uber.org/fx"

	"nightjar/agent/control"
	"nightjar/configuration"
	"nightjar/objects"
	rulestore "nightjar/scheduler/clickhouse"
	"nightjar/secl"
	"nightjar/secl/event"
)

// newConfiguration loads what users configured beside rules.
func newConfiguration(lc fx.Lifecycle, e *engine, d *database, defaults *control.Defaults) *configuration.Stores {
	c := configuration.NewStores(rulestore.New(d.conn).Deps().Objects, now, configuration.ForAgents{
		Check: func(text string) error { return checkExpression(text, defaults.Macros) },
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

// checkExpression says what is wrong with an agent's expression, as the
// reference does. Variables are set by other rules, which are not known here: an
// expression that has some is checked for its syntax only. The macros of the built-in rules
// may be used.
func checkExpression(text string, macros map[string]*secl.Macro) error {
	var err error
	if strings.Contains(text, "${") {
		_, err = secl.Parse(text)
	} else {
		_, err = secl.Check(text, &secl.Env{Model: event.Model(), Macros: macros})
	}
	var all secl.Errors
	if !errors.As(err, &all) || len(all) == 0 {
		return err
	}
	e := all[0]
	message := e.Message
	if strings.HasSuffix(message, "want a condition") {
		message = "bool expected"
	}
	line := strings.Split(text, "\n")[e.Line-1]
	return fmt.Errorf("rule syntax error: %s: %d:%d: %s\n%s^", message, e.Line, e.Column, line, strings.Repeat(" ", e.Column-1))
}
