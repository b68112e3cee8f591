package engine

import (
	"context"
	"slices"
	"sync"

	"nightjar/compiler"
	"nightjar/configuration"
	"nightjar/schema"
)

// ruleWarnings keeps what has no effect of the rule versions in force. It is found anew
// for another version, and when targets of notifications changed; what rules ask for in
// vain, which changes with tables and events, is kept by reach.Watcher.
type ruleWarnings struct {
	settings *configuration.Stores

	mu   sync.Mutex
	kept map[string]idleRule // by rule id
}

// idleRule is what has no effect of a version of a rule.
type idleRule struct {
	version int64
	targets uint64        // the revision of the targets that handles were looked up in
	own     []schema.Idle // of the document by itself
	handles []schema.Idle // whom it names and who is no target
}

// of is what has no effect of a stored rule.
func (w *ruleWarnings) of(ctx context.Context, rule *schema.Rule) idleRule {
	targets := w.settings.NotificationTargets.Revision()
	w.mu.Lock()
	found, known := w.kept[rule.ID]
	w.mu.Unlock()
	if known && found.version == rule.Version && found.targets == targets {
		return found
	}
	found = idleRule{version: rule.Version, targets: targets, own: compiler.IdleOfRule(rule), handles: unknownHandles(ctx, w.settings, rule)}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept[rule.ID] = found
	return found
}

// ofAll is what has no effect of all stored rules; what is kept of others goes.
func (w *ruleWarnings) ofAll(ctx context.Context, rules []schema.Rule) (out []schema.Idle) {
	there := map[string]bool{}
	for i := range rules {
		there[rules[i].ID] = true
		found := w.of(ctx, &rules[i])
		out = slices.Concat(out, found.own, found.handles)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for id := range w.kept {
		if !there[id] {
			delete(w.kept, id)
		}
	}
	return out
}
