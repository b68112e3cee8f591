package scheduler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"nightjar/objects"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// TriageEdit changes what analysts made of one signal.
type TriageEdit struct {
	ID string
	// IfVersion, unless nil, is the version of the triage that the caller saw: a
	// newer one is a *schema.ConflictError.
	IfVersion *uint64
	// Edit changes the signal's Triage, and nothing else of it. ErrLeave leaves it as it
	// is, and nothing is refused.
	Edit func(*schema.Signal) error
}

// ErrLeave is what an edit returns of a signal that it leaves alone. In the place of that
// signal Triage returns none.
var ErrLeave = errors.New("the signal is left as it is")

// Triage publishes versions of signals beside evaluation: what analysts make of those
// that it found, and those that it did not find.
type Triage struct {
	deps       *Deps
	inForce    *inForce
	requests   *requests
	publishing *publishing
	cache      *cache        // the evaluating goroutine's
	turns      objects.Turns // by rule key: at most one change of a rule's signals at a time
}

// Triage carries out all of the edits or, when one of them is refused, none. It
// returns the signals as they are stored now, in the order of the edits.
//
// Evaluation publishes versions of the same signals, and its memory has to know
// what was published: the rules whose signals they are rest meanwhile, from
// between two steps of evaluation until the versions are stored. Other rules are
// evaluated, and nothing waits for the store or for what the edits do.
func (t *Triage) Triage(ctx context.Context, edits []TriageEdit) ([]schema.Signal, error) {
	keys, err := t.ruleKeysOf(ctx, edits)
	if err != nil {
		return nil, err
	}
	release, err := t.turns.Take(ctx, keys...)
	if err != nil {
		return nil, fmt.Errorf("wait for another change of signals of the rule: %w", err)
	}
	defer release()
	if err := t.requests.between(ctx, func() error { t.inForce.halt(keys); return nil }); err != nil {
		return nil, err
	}
	var changed map[string]Published
	var unknown error // why nobody knows whether they are stored
	defer func() { t.requests.post(func() { t.goOnAfterTriage(keys, changed, unknown) }) }()
	if changed, err = t.editSignals(ctx, edits); err != nil {
		return nil, err
	}
	if unknown = t.publishTriage(ctx, changed); unknown != nil {
		return nil, unknown
	}
	out := make([]schema.Signal, len(edits))
	for i, e := range edits {
		out[i] = changed[e.ID].Signal
	}
	return out, nil
}

// ruleKeysOf are the rule keys of the signals, each once. A signal keeps its own
// for good.
func (t *Triage) ruleKeysOf(ctx context.Context, edits []TriageEdit) ([]string, error) {
	ids := make([]string, len(edits))
	for i, e := range edits {
		ids[i] = e.ID
	}
	stored, err := t.deps.Signals.ByID(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("look up signals for triage: %w", err)
	}
	var keys []string
	for _, e := range edits {
		sig, ok := stored[e.ID]
		if !ok {
			return nil, &schema.NotFoundError{Kind: "signal", ID: e.ID}
		}
		keys = append(keys, sig.RuleKey)
	}
	slices.Sort(keys)
	return slices.Compact(keys), nil
}

// goOnAfterTriage lets rules go on, with what was published of them meanwhile. It
// is the evaluating goroutine's. Where
// nobody knows whether it was, what is in memory of these rules is read again.
func (t *Triage) goOnAfterTriage(keys []string, changed map[string]Published, unknown error) {
	t.inForce.goOn(keys)
	for _, key := range keys {
		if unknown != nil {
			t.cache.drop(key)
		}
	}
	for _, p := range changed {
		if cached := t.cache.plans[p.RuleKey]; cached != nil {
			cached.published(detect.StateKeyOfRule(p.RuleKey, p.Group), p.Signal)
		}
	}
}

// Adopt publishes signals that the engine did not find live, unless there are
// signals with their ids. No rule's evaluation touches them.
func (t *Triage) Adopt(ctx context.Context, signals []Published) error {
	ids, keys := make([]string, len(signals)), make([]string, len(signals))
	for i := range signals {
		ids[i], keys[i] = signals[i].ID, signals[i].RuleKey
	}
	slices.Sort(keys)
	release, err := t.turns.Take(ctx, slices.Compact(keys)...)
	if err != nil {
		return fmt.Errorf("wait for another change of these signals: %w", err)
	}
	defer release()
	known, err := t.deps.Signals.ByID(ctx, ids)
	if err != nil {
		return fmt.Errorf("look up signal ids: %w", err)
	}
	signals = slices.DeleteFunc(slices.Clone(signals), func(p Published) bool { return known[p.ID].ID != "" })
	return t.publishNow(ctx, signals)
}

// publishNow gives versions of signals their revisions and stores them.
func (t *Triage) publishNow(ctx context.Context, signals []Published) error {
	if len(signals) == 0 {
		return nil
	}
	defer t.publishing.done(signals)
	for i := range signals {
		signals[i].Place = t.publishing.next(signals[i].RuleID)
	}
	if err := t.deps.Signals.Publish(ctx, signals); err != nil {
		return fmt.Errorf("publish signals: %w", err)
	}
	return nil
}

// editSignals are the next versions of the signals, by id.
func (t *Triage) editSignals(ctx context.Context, edits []TriageEdit) (map[string]Published, error) {
	ids := make([]string, len(edits))
	for i, e := range edits {
		ids[i] = e.ID
	}
	stored, err := t.deps.Signals.Whole(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("read signals for triage: %w", err)
	}
	for _, e := range edits {
		p, ok := stored[e.ID]
		if !ok {
			return nil, &schema.NotFoundError{Kind: "signal", ID: e.ID}
		}
		if e.IfVersion != nil && *e.IfVersion < p.Triage.Version {
			return nil, &schema.ConflictError{Kind: "signal", ID: e.ID, Have: int64(p.Triage.Version), Want: int64(*e.IfVersion)}
		}
		if err := e.Edit(&p.Signal); errors.Is(err, ErrLeave) {
			delete(stored, e.ID)
			continue
		} else if err != nil {
			return nil, err
		}
		p.Triage.Version++
		stored[e.ID] = p
	}
	for id, p := range stored {
		p.Version++
		if err := p.restate(); err != nil {
			return nil, fmt.Errorf("render signal %s: %w", id, err)
		}
		stored[id] = p
	}
	return stored, nil
}

// publishTriage stores the versions.
func (t *Triage) publishTriage(ctx context.Context, changed map[string]Published) error {
	list := slices.Collect(maps.Values(changed))
	if err := t.publishNow(ctx, list); err != nil {
		return fmt.Errorf("store triage: %w", err)
	}
	for _, p := range list {
		changed[p.ID] = p
	}
	return nil
}

// restate renders anew what the signal's document says of its standing. The rest
// stays as it was published: the rule may be gone or have changed.
func (p *Published) restate() error {
	return p.redocument(func(doc map[string]any) { putStanding(doc, &p.Signal) })
}

// Reword gives the signal another message and another severity, in its document, too.
func (p *Published) Reword(message, severity string) error {
	p.Message, p.Status = message, severity
	return p.redocument(func(doc map[string]any) {
		doc["status"] = severity
		within(doc, "nightjar")["severity"] = severity
	})
}

// redocument changes the signal's document.
func (p *Published) redocument(edit func(doc map[string]any)) error {
	doc := map[string]any{}
	d := json.NewDecoder(strings.NewReader(p.Attributes.JSON))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil {
		return fmt.Errorf("decode attributes: %w", err)
	}
	edit(doc)
	text, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("encode attributes: %w", err)
	}
	p.Attributes, err = schema.ParseAttributes(string(text))
	return err
}

// putStanding writes into a signal's document how it stands: workflow.triage,
// nightjar.state and nightjar.reason.
func putStanding(doc map[string]any, sig *schema.Signal) {
	within(doc, "workflow")["triage"] = triageOf(sig)
	own := within(doc, "nightjar")
	own["state"], own["reason"] = sig.Standing()
	if len(sig.Triage.Responses) > 0 {
		own["responses"] = sig.Triage.Responses
	}
}

// triageOf is how the signal stands, as its document says it.
func triageOf(sig *schema.Signal) schema.SignalTriage {
	state, reason := sig.Standing()
	t := &sig.Triage
	user := func(handle string) schema.SignalUser { return schema.SignalUser{Handle: handle, Name: handle} }
	out := schema.SignalTriage{
		State: state, Version: t.Version, Creator: user(""), Updater: user(t.StateBy), ArchiveComment: t.Comment,
		Assignee: schema.SignalAssignee{ID: -1, Name: "Unassigned"}, IncidentIDs: t.Incidents,
	}
	if a := t.Assignee; a.UUID != "" {
		out.Assignee = schema.SignalAssignee{UUID: &a.UUID, Handle: &a.Handle, Name: a.Name, ID: a.ID}
	}
	if out.IncidentIDs == nil {
		out.IncidentIDs = []int64{}
	}
	if t.StateAt != 0 {
		out.StateUpdateTimestamp = t.StateAt.String()
	}
	if state == schema.StateArchived {
		out.ArchiveReason = &reason
	}
	return out
}

// within is the object under a key, made when there is none.
func within(doc map[string]any, key string) map[string]any {
	inner, ok := doc[key].(map[string]any)
	if !ok {
		inner = map[string]any{}
		doc[key] = inner
	}
	return inner
}
