package scheduler

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"nightjar/compiler"
	"nightjar/compiler/rulecheck"
	"nightjar/objects"
	"nightjar/schema"
)

// RuleStore keeps the rules, every version of each, and says from where on the next
// version is in force. What follows from that is inForce's.
type RuleStore struct {
	stored    *objects.Store[storedRule]
	inForce   *inForce
	tables    *referenceTables
	catalogue *schema.Catalogue // nil: it is not known which shapes attributes have
}

func newRuleStore(deps *Deps, f *inForce, tables *referenceTables) *RuleStore {
	kind := objects.Kind[storedRule]{Name: kindRule, NewID: schema.NewID, NoLog: true, Enforce: f.enforceRule}
	return &RuleStore{stored: objects.New(kind, deps.Objects, deps.Now), inForce: f, tables: tables, catalogue: deps.Catalogue}
}

// Check says what is wrong with a rule, of what the scheduler knows of its
// surroundings. CreateRule and UpdateRule ask the same.
func (r *RuleStore) Check(rule schema.Rule) rulecheck.Checked {
	in := rulecheck.Surroundings{Tables: r.tables.tables}
	if r.catalogue != nil {
		in.Shapes = r.catalogue.Shapes
	}
	return rulecheck.Check(rule, in)
}

// CreateRule checks and stores a rule, and begins to evaluate it over what
// arrives from now on. The rule has no id yet. Of what it returns the plan is of
// the rule as stored.
func (r *RuleStore) CreateRule(ctx context.Context, rule schema.Rule) (rulecheck.Checked, error) {
	rule.Version, rule.IsDeleted = 1, false
	rule.CreatedAt = schema.MillisOf(time.Now())
	rule.UpdatedAt = 0
	checked := r.Check(rule)
	if err := checked.Err(); err != nil {
		return rulecheck.Checked{}, err
	}
	r.tables.prepare(ctx, checked.Plan.Bind())
	_, err := r.stored.Write(ctx, objects.Ref{}, func(next *objects.Versioned[storedRule]) error {
		rule.ID = next.ID
		checked.Plan = checked.Plan.ForVersion(rule)
		at := r.inForce.present()
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
func (r *RuleStore) UpdateRule(ctx context.Context, id string, ifVersion int64, edit func(*schema.Rule) error) (rulecheck.Checked, error) {
	var checked rulecheck.Checked
	var held *hold
	defer func() { r.inForce.letGo(held) }()
	_, err := r.stored.Write(ctx, objects.Ref{ID: id, IfVersion: ifVersion}, func(next *objects.Versioned[storedRule]) error {
		rule := &next.Body.Rule
		key, enabled, created := rule.DetectionKey(), rule.IsEnabled, rule.CreatedAt
		if err := edit(rule); err != nil {
			return err
		}
		rule.ID, rule.Version, rule.CreatedAt = id, next.Version, created
		rule.UpdatedAt = schema.MillisOf(time.Now())
		checked = r.Check(*rule)
		if err := checked.Unstorable(); err != nil {
			return err
		}
		next.Body.plan = checked.Plan
		at := r.inForce.present()
		if rule.DetectionKey() != key || rule.IsEnabled != enabled {
			held = r.inForce.holdBack(ofRule(id))
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
func (r *RuleStore) DeleteRule(ctx context.Context, id string) error {
	var held *hold
	defer func() { r.inForce.letGo(held) }()
	_, err := r.stored.Write(ctx, objects.Ref{ID: id}, func(next *objects.Versioned[storedRule]) error {
		held = r.inForce.holdBack(ofRule(id))
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
func (r *RuleStore) Rule(ctx context.Context, id string) (schema.Rule, error) {
	v, err := r.stored.Get(ctx, id)
	return v.Body.Rule, err
}

// Plans are those of the enabled rules, by id.
func (r *RuleStore) Plans() []*compiler.Plan {
	r.inForce.mu.Lock()
	defer r.inForce.mu.Unlock()
	var out []*compiler.Plan
	for _, w := range r.inForce.runs {
		if w.until == 0 {
			out = append(out, w.plan.Plan)
		}
	}
	slices.SortFunc(out, func(a, b *compiler.Plan) int { return strings.Compare(a.Rule.ID, b.Rule.ID) })
	return out
}

// Rules are all rules that are not deleted, by id.
func (r *RuleStore) Rules(context.Context) ([]schema.Rule, error) {
	out := []schema.Rule{}
	for _, v := range r.stored.Newest() {
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
func (r *RuleStore) EveryRule() []KnownRule {
	var out []KnownRule
	for _, v := range r.stored.Newest() {
		out = append(out, KnownRule{Rule: v.Body.Rule, Deleted: v.Deleted})
	}
	slices.SortFunc(out, func(a, b KnownRule) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	return out
}

// RuleVersions are all versions of a rule that is not deleted, ascending.
func (r *RuleStore) RuleVersions(ctx context.Context, id string) ([]schema.Rule, error) {
	versions, err := r.stored.Versions(ctx, id)
	if err != nil {
		return nil, err
	}
	out := make([]schema.Rule, len(versions))
	for i := range versions {
		out[i] = versions[i].Body.Rule
	}
	return out, nil
}
