package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"slices"

	"go.uber.org/fx"

	"nightjar/agent/control"
	"nightjar/api/access"
	"nightjar/api/access/audit"
	"nightjar/api/codec"
	"nightjar/api/ruledoc"
	pb "nightjar/api/v1"
	"nightjar/configuration"
	"nightjar/content"
	"nightjar/ingest"
	"nightjar/scheduler"
	rulestore "nightjar/scheduler/clickhouse"
	"nightjar/schema"
)

// OrdersKeyFile is where the key is kept that signs what agents are told, in the data
// folder.
const OrdersKeyFile = "orders-key"

// newDefaults reads the policy that ships.
func newDefaults() (*control.Defaults, error) {
	text, err := content.Files.ReadFile("agent/default.policy")
	if err != nil {
		return nil, err
	}
	return control.ReadDefaults(string(text))
}

// newFleet knows the agents, and tells them what to do.
func newFleet(lc fx.Lifecycle, e *engine, d *database, stores *configuration.Stores, defaults *control.Defaults, in *entrance, intake *ingest.Intake, rules *scheduler.RuleStore) (*control.Registry, error) {
	key, err := control.OpenKey(filepath.Join(e.config.DataDir, OrdersKeyFile))
	if err != nil {
		return nil, err
	}
	happenings := make(chan control.Happening, 1000)
	fleet := control.New(control.Deps{
		Objects: rulestore.New(d.conn).Deps().Objects, Stores: stores, Defaults: defaults, Keys: agentKeys{in.keys}, Key: key, Now: now, Log: e.log,
		Watch: func(ctx context.Context) error { return makeFleetRules(ctx, rules, in) },
		Tell: func(h control.Happening) {
			select {
			case happenings <- h:
			default: // it is in the log, and in the list of agents
				e.log.Error("too much happens to agents for all of it to become events", "lost", h.Message)
			}
		},
	})
	lc.Append(fx.StartHook(fleet.Load))
	e.run(lc, "agents", fleet.Run)
	e.run(lc, "what happens to agents", func(ctx context.Context) error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case h := <-happenings:
				tellHappening(ctx, h, intake, e.log)
			}
		}
	})
	return fleet, nil
}

// fleetRules are the bundled rules over what happens to agents.
var fleetRules = []string{"rules/fleet-agent-silent.json", "rules/fleet-policies-stopped.json"}

// makeFleetRules makes the rules over what happens to agents that are not there by name.
// From then on they are like any others.
func makeFleetRules(ctx context.Context, rules *scheduler.RuleStore, in *entrance) error {
	there, err := rules.Rules(ctx)
	if err != nil {
		return err
	}
	for _, file := range fleetRules {
		text, err := content.Files.ReadFile(file)
		if err != nil {
			return err
		}
		document := &pb.Rule{}
		if err := codec.Decode(text, document); err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
		rule, err := ruledoc.Requested(document)
		if err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
		if slices.ContainsFunc(there, func(r schema.Rule) bool { return r.Name == rule.Name }) {
			continue
		}
		made, err := rules.CreateRule(ctx, rule)
		if err != nil {
			return fmt.Errorf("make the rule %q: %w", rule.Name, err)
		}
		in.audit.Note(audit.Entry{
			Kind: string(access.Change), Action: "the first agent enrolled", Outcome: audit.Done, Object: made.Plan.Rule.ID + " " + rule.Name,
		})
	}
	return nil
}

// tellHappening writes an event of source:nightjar.
func tellHappening(ctx context.Context, h control.Happening, intake *ingest.Intake, log *slog.Logger) {
	about := map[string]any{}
	for name, v := range h.Details {
		about[name] = v
	}
	if h.Agent != "" {
		about["id"], about["host"] = h.Agent, h.Host
	}
	e := schema.Event{At: schema.MillisOf(now()), Source: "nightjar", Service: "agents", Status: h.Status, Host: h.Host, Message: h.Message}
	text, err := json.Marshal(map[string]any{"evt": map[string]any{"name": h.Name}, "agent": about})
	if err == nil {
		e.Attributes, err = schema.ParseAttributes(string(text))
	}
	if err != nil {
		panic(err) // cannot be: plain values
	}
	if _, err := intake.Submit(ctx, ingest.Batch{Events: []schema.Event{e}}); err != nil && ctx.Err() == nil {
		log.Error("cannot write what happened to an agent", "what", h.Message, "error", err)
	}
}

// agentKeys are the keys of agents as the fleet needs them.
type agentKeys struct{ keys *access.Keys }

// notInName are characters that names of keys do not have.
var notInName = regexp.MustCompile(`[^\p{L}\p{N} ._@:/-]`)

// Bind implements control.Keys.
func (k agentKeys) Bind(ctx context.Context, agent, host string) (keyID, secret string, err error) {
	name := []rune("agent " + agent + " on " + notInName.ReplaceAllString(host, "_"))
	v, secret, err := k.keys.Create(ctx, access.Key{Name: string(name[:min(len(name), 100)]), Role: access.Agent, Agent: agent})
	return v.ID, secret, err
}

// Revoke implements control.Keys.
func (k agentKeys) Revoke(ctx context.Context, keyID string) error {
	_, err := k.keys.Revoke(ctx, keyID)
	var gone *schema.NotFoundError
	if err != nil && !errors.As(err, &gone) {
		return fmt.Errorf("revoke the key of an agent: %w", err)
	}
	return nil
}
