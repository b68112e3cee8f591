package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"nightjar/configuration"
	"nightjar/configuration/outbound"
	"nightjar/objects"
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
		if err == nil && slices.ContainsFunc(out, func(o configuration.NotificationTarget) bool { return o.Handle() == t.Handle() }) {
			err = fmt.Errorf("there is a target %s above it already", t.Handle())
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
func applyTargets(ctx context.Context, store *objects.Store[configuration.NotificationTarget], secrets outbound.Secrets, targets []configuration.NotificationTarget) error {
	stored, err := store.List(ctx)
	if err != nil {
		return err
	}
	have := map[string]objects.Versioned[configuration.NotificationTarget]{}
	for _, v := range stored {
		have[v.Body.Handle()] = v
	}
	for _, t := range targets {
		_, err := configuration.CheckSecrets(secrets, &t, nil) // it is the operator who names them
		if err == nil {
			err = t.HideSecrets(secrets.Keep)
		}
		old, there := have[t.Handle()]
		switch {
		case err != nil:
		case !there:
			_, err = store.Create(ctx, t)
		case !sameTarget(old.Body, t):
			_, err = store.Update(ctx, old.ID, 0, func(b *configuration.NotificationTarget) error { *b = t; return nil })
		}
		if err != nil {
			return fmt.Errorf("apply notification target %s: %w", t.Handle(), err)
		}
	}
	return nil
}

// sameTarget compares targets as they are stored: a list without members is none.
func sameTarget(a, b configuration.NotificationTarget) bool {
	one, oneErr := json.Marshal(a)
	other, otherErr := json.Marshal(b)
	return oneErr == nil && otherErr == nil && bytes.Equal(one, other)
}
