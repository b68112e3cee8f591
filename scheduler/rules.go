package scheduler

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"nightjar/compiler"
	"nightjar/compiler/rulecheck"
	"nightjar/objects"
	"nightjar/schema"
)

const kindRule = "rule"

// ruleHistory is when which version of a rule was in force. A nil one is of a rule
// that never was.
type ruleHistory struct {
	from     uint64 // arrivals after this are seen by the present stretch
	versions []ruleVersion
}

// runs reports whether the rule is enabled, and not deleted.
func (h *ruleHistory) runs() bool {
	return h != nil && len(h.versions) > 0 && h.versions[len(h.versions)-1].runs
}

// ruleVersion is a version of a rule, and the arrivals that it is in force for:
// those after `after`, up to the next version's.
type ruleVersion struct {
	version     int64
	after       uint64
	runs        bool
	key         string // of the rule run
	unsupported string
}

// storedRule is a rule in the store: the document, and the arrival after which
// this stretch of it sees events.
type storedRule struct {
	Rule schema.Rule `json:"rule"`
	From uint64      `json:"from"`
	// After is the last arrival before this version.
	After uint64 `json:"after"`

	// plan is of a version that is being written, which was compiled when it was
	// checked; nil of one that was read.
	plan *compiler.Plan
}

// compiled is the plan of the version.
func (s *storedRule) compiled() (*compiler.Plan, error) {
	if s.plan != nil {
		return s.plan, nil
	}
	return compiler.CompileStored(s.Rule)
}

// Load reads the rules and how far each was evaluated. It must return before
// anything else is asked of the Scheduler.
func (s *Scheduler) Load(ctx context.Context) error {
	checkpoints, err := s.deps.Journal.Load(ctx)
	if err != nil {
		return fmt.Errorf("load progress: %w", err)
	}
	s.silenceRuns.checkpoints = checkpoints
	published, err := s.deps.Signals.Newest(ctx)
	if err != nil {
		return fmt.Errorf("find the newest signal: %w", err)
	}
	s.publishing.begin(published)
	if err := s.suppressionStore.Load(ctx); err != nil {
		return err
	}
	if err := s.rules.Load(ctx); err != nil {
		return err
	}
	asides, err := s.deps.EvaluationLog.Aside(ctx)
	if err != nil {
		return fmt.Errorf("load what was set aside: %w", err)
	}
	plans := s.inForce.goOnFrom(checkpoints, asides)
	behind := s.inForce.behindSince(ctx)
	for _, plan := range plans {
		s.tables.prepare(ctx, plan)
	}
	s.inForce.mu.Lock()
	defer s.inForce.mu.Unlock()
	s.inForce.behind, s.inForce.loaded = behind, true
	return nil
}

// goOnFrom puts every rule run where the process before this one left it, and
// returns their plans.
func (f *inForce) goOnFrom(checkpoints map[string]Checkpoint, asides []Entry) []*compiler.BoundPlan {
	f.mu.Lock()
	defer f.mu.Unlock()
	var plans []*compiler.BoundPlan
	for _, w := range f.runs {
		c := checkpoints[w.plan.Key]
		w.through, w.judged = max(w.through, c.Through), c.Judged
		plans = append(plans, w.plan)
	}
	f.goOnAside(asides)
	return plans
}

// enforceRule puts a stored version into force.
func (f *inForce) enforceRule(v objects.Versioned[storedRule]) {
	f.mu.Lock()
	f.apply(v.Body, v.UpdatedAt, v.Deleted)
	live := f.loaded
	f.mu.Unlock()
	if !live {
		return
	}
	if !v.Deleted {
		objects.LogIdle(f.deps.Log, compiler.IdleOfRule(&v.Body.Rule))
	}
	f.requests.notify()
}

// apply makes a version of a rule the present one: it closes the rule run of the
// version before, where that detected something else, and opens a new one. The
// store's versions, applied in order, give the same rule runs at every start. The
// lock is held.
func (f *inForce) apply(stored storedRule, written schema.Millis, deleted bool) {
	rule := stored.Rule
	h := f.history[rule.ID]
	if h == nil {
		h = &ruleHistory{}
		f.history[rule.ID] = h
	}
	runs := rule.IsEnabled && !deleted
	if deleted {
		f.costs.forget(rule.ID)
	}
	goesOn := runs && h.runs() && h.from == stored.From
	h.from = stored.From
	v := ruleVersion{version: rule.Version, after: stored.After, runs: runs}
	for _, w := range f.runs {
		if w.plan.Rule.ID != rule.ID || w.until > 0 {
			continue
		}
		if goesOn {
			w.plan = f.replan(&stored, w)
			v.key, v.unsupported = w.plan.Key, w.plan.Unsupported
		} else {
			w.close(stored.From)
			if !runs {
				f.asides.drop(w.plan.Key)
			}
		}
	}
	if runs && !goesOn {
		w := f.open(&stored)
		w.plan.Began = written
		v.key, v.unsupported = w.plan.Key, w.plan.Unsupported
	}
	h.versions = append(h.versions, v)
}

// replan gives an open rule run the rule's new name, message and the like.
func (f *inForce) replan(stored *storedRule, w *ruleRun) *compiler.BoundPlan {
	compiled, err := stored.compiled()
	if err != nil {
		f.deps.Log.Error("stored rule no longer compiles; its former plan goes on", "rule", stored.Rule.ID, "error", err)
		return w.plan
	}
	plan := compiled.Bind()
	plan.Key, plan.After, plan.Began, plan.Tables = w.plan.Key, w.plan.After, w.plan.Began, f.deps.Tables
	f.suppress(plan)
	f.plans.forget()
	return plan
}

func (f *inForce) open(stored *storedRule) *ruleRun {
	compiled, err := stored.compiled()
	if err != nil {
		f.deps.Log.Error("stored rule does not compile; it is not evaluated", "rule", stored.Rule.ID, "error", err)
		compiled = &compiler.Plan{Rule: stored.Rule, Unsupported: err.Error()}
	}
	plan := compiled.Bind()
	f.suppress(plan)
	plan.Tables = f.deps.Tables
	w := newRuleRun(plan, stored.From)
	w.fresh = f.loaded
	f.runs = append(f.runs, w)
	f.plans.forget()
	return w
}

// Check says what is wrong with a rule, of what the scheduler knows of its
// surroundings. CreateRule and UpdateRule ask the same.
func (s *Scheduler) Check(rule schema.Rule) rulecheck.Checked {
	in := rulecheck.Surroundings{Tables: s.deps.Tables}
	if s.deps.Catalogue != nil {
		in.Shapes = s.deps.Catalogue.Shapes
	}
	return rulecheck.Check(rule, in)
}

// CreateRule checks and stores a rule, and begins to evaluate it over what
// arrives from now on. The rule has no id yet. Of what it returns the plan is of
// the rule as stored.
func (s *Scheduler) CreateRule(ctx context.Context, rule schema.Rule) (rulecheck.Checked, error) {
	rule.Version, rule.IsDeleted = 1, false
	rule.CreatedAt = schema.MillisOf(time.Now())
	rule.UpdatedAt = 0
	checked := s.Check(rule)
	if err := checked.Err(); err != nil {
		return rulecheck.Checked{}, err
	}
	s.tables.prepare(ctx, checked.Plan.Bind())
	_, err := s.rules.Write(ctx, objects.Ref{}, func(next *objects.Versioned[storedRule]) error {
		rule.ID = next.ID
		checked.Plan = checked.Plan.ForVersion(rule)
		at := s.inForce.present()
		next.Body = storedRule{Rule: rule, From: at.ofRule(&rule), After: at.arrival, plan: checked.Plan}
		return nil
	})
	if err != nil {
		return rulecheck.Checked{}, err
	}
	return checked, nil
}

// UpdateRule changes a rule. ifVersion, unless 0, must be its present version. Of
// what it returns the plan is of the rule as stored.
func (s *Scheduler) UpdateRule(ctx context.Context, id string, ifVersion int64, edit func(*schema.Rule) error) (rulecheck.Checked, error) {
	var checked rulecheck.Checked
	var held *hold
	defer func() { s.inForce.letGo(held) }()
	_, err := s.rules.Write(ctx, objects.Ref{ID: id, IfVersion: ifVersion}, func(next *objects.Versioned[storedRule]) error {
		rule := &next.Body.Rule
		key, enabled, created := rule.DetectionKey(), rule.IsEnabled, rule.CreatedAt
		if err := edit(rule); err != nil {
			return err
		}
		rule.ID, rule.Version, rule.CreatedAt = id, next.Version, created
		rule.UpdatedAt = schema.MillisOf(time.Now())
		checked = s.Check(*rule)
		if err := checked.Unstorable(); err != nil {
			return err
		}
		next.Body.plan = checked.Plan
		at := s.inForce.present()
		if rule.DetectionKey() != key || rule.IsEnabled != enabled {
			held = s.inForce.holdBack(ofRule(id))
			at = held.at
			next.Body.From = at.ofRule(rule)
		}
		next.Body.After = at.arrival
		return nil
	})
	if err != nil {
		return rulecheck.Checked{}, err
	}
	return checked, nil
}

// DeleteRule ends a rule. Its versions and its signals stay.
func (s *Scheduler) DeleteRule(ctx context.Context, id string) error {
	var held *hold
	defer func() { s.inForce.letGo(held) }()
	_, err := s.rules.Write(ctx, objects.Ref{ID: id}, func(next *objects.Versioned[storedRule]) error {
		held = s.inForce.holdBack(ofRule(id))
		rule := &next.Body.Rule
		rule.Version, rule.IsDeleted, rule.UpdatedAt = next.Version, true, schema.MillisOf(time.Now())
		next.Body.From, next.Body.After, next.Deleted = held.at.ofRule(rule), held.at.arrival, true
		return nil
	})
	return err
}

func ofRule(id string) func(*compiler.BoundPlan) bool {
	return func(plan *compiler.BoundPlan) bool { return plan.Rule.ID == id }
}

// Rule is the present version of a rule.
func (s *Scheduler) Rule(ctx context.Context, id string) (schema.Rule, error) {
	v, err := s.rules.Get(ctx, id)
	return v.Body.Rule, err
}

// Plans are those of the enabled rules, by id.
func (s *Scheduler) Plans() []*compiler.Plan {
	s.inForce.mu.Lock()
	defer s.inForce.mu.Unlock()
	var out []*compiler.Plan
	for _, w := range s.inForce.runs {
		if w.until == 0 {
			out = append(out, w.plan.Plan)
		}
	}
	slices.SortFunc(out, func(a, b *compiler.Plan) int { return strings.Compare(a.Rule.ID, b.Rule.ID) })
	return out
}

// Rules are all rules that are not deleted, by id.
func (s *Scheduler) Rules(context.Context) ([]schema.Rule, error) {
	out := []schema.Rule{}
	for _, v := range s.rules.Newest() {
		if !v.Deleted {
			out = append(out, v.Body.Rule)
		}
	}
	return out, nil
}

// KnownRule is a rule that there is, or was.
type KnownRule struct {
	schema.Rule
	Deleted bool
}

// EveryRule is all rules, deleted ones too, by name.
func (s *Scheduler) EveryRule() []KnownRule {
	var out []KnownRule
	for _, v := range s.rules.Newest() {
		out = append(out, KnownRule{Rule: v.Body.Rule, Deleted: v.Deleted})
	}
	slices.SortFunc(out, func(a, b KnownRule) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	return out
}

// RuleVersions are all versions of a rule that is not deleted, ascending.
func (s *Scheduler) RuleVersions(ctx context.Context, id string) ([]schema.Rule, error) {
	versions, err := s.rules.Versions(ctx, id)
	if err != nil {
		return nil, err
	}
	out := make([]schema.Rule, len(versions))
	for i := range versions {
		out[i] = versions[i].Body.Rule
	}
	return out, nil
}
