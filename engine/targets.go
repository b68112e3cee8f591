package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	"nightjar/configuration"
)

// targetsName is the part of the configuration file that has notification targets.
const targetsName = "notification_targets"

// parseTargets reads notification targets, as the configuration file has them: a list of
// what the API takes. They are enabled unless they say otherwise.
func parseTargets(list any) ([]configuration.NotificationTarget, error) {
	items, ok := list.([]any)
	if !ok {
		return nil, fmt.Errorf("%s: want a list of targets, each with a name and a type", targetsName)
	}
	var out []configuration.NotificationTarget
	for i, item := range items {
		text, err := json.Marshal(item)
		if err != nil {
			return nil, fmt.Errorf("%s[%d]: %w", targetsName, i, err)
		}
		t := configuration.NotificationTarget{Enabled: true}
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err = d.Decode(&t); err == nil {
			err = t.Check()
		}
		if err != nil {
			return nil, fmt.Errorf("%s[%d] %s: %w", targetsName, i, t.Name, err)
		}
		out = append(out, t)
	}
	return out, nil
}

// applyTargets makes and changes notification targets to what the configuration file has.
// Those that it does not have stay.
func applyTargets(ctx context.Context, c *configuration.Stores, targets []configuration.NotificationTarget) error {
	stored, err := c.NotificationTargets.List(ctx)
	if err != nil {
		return err
	}
	ids := map[string]string{}
	have := map[string]configuration.NotificationTarget{}
	for _, v := range stored {
		ids[v.Body.Handle()], have[v.Body.Handle()] = v.ID, v.Body
	}
	for _, t := range targets {
		id, there := ids[t.Handle()]
		switch {
		case !there:
			_, err = c.NotificationTargets.Create(ctx, t)
		case !reflect.DeepEqual(have[t.Handle()], t):
			_, err = c.NotificationTargets.Update(ctx, id, 0, func(b *configuration.NotificationTarget) error { *b = t; return nil })
		}
		if err != nil {
			return fmt.Errorf("apply notification target %s: %w", t.Handle(), err)
		}
	}
	return nil
}
