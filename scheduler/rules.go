package scheduler

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"nightjar/compiler"
	"nightjar/objects"
	"nightjar/schema"
)

const kindRule = "rule"

// ruleState is what is known of one rule.
type ruleState struct {
	rule    schema.Rule
	from    uint64 // arrivals after this are seen by the present stretch
	deleted bool
	history []ruleVersion
}

// ruleVersion is a version of a rule, and the arrivals that it is in force for:
// those after `after`, up to the next version's.
type ruleVersion struct {
	version     int64
	after       uint64
	runs        bool
	key         string // of the watch
	unsupported string
}

// storedRule is a rule in the store: the document, and the arrival after which
// this stretch of it sees events.
type storedRule struct {
	Rule schema.Rule `json:"rule"`
	From uint64      `json:"from"`
	// After is the last arrival before this version.
	After uint64 `json:"after"`
}

// Load reads the rules and how far each was evaluated. It must return before
// anything else is asked of the Scheduler.
func (s *Scheduler) Load(ctx context.Context) error {
	checkpoints, err := s.deps.Journal.Load(ctx)
	if err != nil {
		return fmt.Errorf("load progress: %w", err)
	}
	s.checkpoints = checkpoints
	published, err := s.deps.Signals.Newest(ctx)
	if err != nil {
		return fmt.Errorf("find the newest signal: %w", err)
	}
	s.published, s.began = published, published
	s.shown.Store(published)
	if err := s.loadSuppressions(ctx); err != nil {
		return err
	}
	objects, err := s.deps.Objects.All(ctx, kindRule)
	if err != nil {
		return fmt.Errorf("load rules: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range objects {
		var stored storedRule
		if err := json.Unmarshal([]byte(o.Body), &stored); err != nil {
			return fmt.Errorf("load rule %s version %d: %w", o.ID, o.Version, err)
		}
		s.apply(stored, o.Written, o.Deleted)
	}
	for _, w := range s.watches {
		c := checkpoints[w.plan.Key]
		w.through, w.judged = max(w.through, c.Through), c.Judged
	}
	if err := s.loadAsides(ctx); err != nil {
		return err
	}
	s.loadBehind(ctx)
	for _, w := range s.watches {
		s.prepareTables(ctx, w.plan)
	}
	s.loaded = true
	return nil
}

// apply makes a version of a rule the present one: it closes the watch of the
// version before, where that detected something else, and opens a new one. The
// store's versions, applied in order, give the same watches at every start.
func (s *Scheduler) apply(stored storedRule, written schema.Millis, deleted bool) {
	rule := stored.Rule
	state := s.rules[rule.ID]
	if state == nil {
		state = &ruleState{}
		s.rules[rule.ID] = state
	}
	runs := rule.IsEnabled && !deleted
	if deleted {
		delete(s.costs, rule.ID)
	}
	goesOn := runs && len(state.history) > 0 && state.history[len(state.history)-1].runs && state.from == stored.From
	state.rule, state.from, state.deleted = rule, stored.From, deleted
	v := ruleVersion{version: rule.Version, after: stored.After, runs: runs}
	for _, w := range s.watches {
		if w.plan.Rule.ID != rule.ID || w.until > 0 {
			continue
		}
		if goesOn {
			w.plan = s.replan(rule, w)
			v.key, v.unsupported = w.plan.Key, w.plan.Unsupported
		} else {
			w.close(stored.From)
			if !runs {
				s.dropAsides(w.plan.Key)
			}
		}
	}
	if runs && !goesOn {
		w := s.open(rule, stored.From)
		w.plan.Began = written
		v.key, v.unsupported = w.plan.Key, w.plan.Unsupported
	}
	state.history = append(state.history, v)
}

// replan gives an open watch the rule's new name, message and the like.
func (s *Scheduler) replan(rule schema.Rule, w *watch) *compiler.BoundPlan {
	compiled, err := compiler.CompileStored(rule)
	if err != nil {
		s.deps.Log.Error("stored rule no longer compiles; its former plan goes on", "rule", rule.ID, "error", err)
		return w.plan
	}
	plan := compiled.Bind()
	plan.Key, plan.After, plan.Began, plan.Tables = w.plan.Key, w.plan.After, w.plan.Began, s.deps.Tables
	s.suppress(plan)
	clear(s.compiled)
	return plan
}

func (s *Scheduler) open(rule schema.Rule, from uint64) *watch {
	compiled, err := compiler.CompileStored(rule)
	if err != nil {
		s.deps.Log.Error("stored rule does not compile; it is not evaluated", "rule", rule.ID, "error", err)
		compiled = &compiler.Plan{Rule: rule, Unsupported: err.Error()}
	}
	plan := compiled.Bind()
	s.suppress(plan)
	plan.Tables = s.deps.Tables
	w := newWatch(plan, from)
	w.fresh = s.loaded
	s.watches = append(s.watches, w)
	clear(s.compiled)
	return w
}

// CreateRule checks and stores a rule, and begins to evaluate it over what
// arrives from now on. The rule has no id yet.
func (s *Scheduler) CreateRule(ctx context.Context, rule schema.Rule) (schema.Rule, []string, error) {
	rule.Version, rule.IsDeleted = 1, false
	rule.CreatedAt = schema.MillisOf(time.Now())
	rule.UpdatedAt = 0
	compiled, warnings, err := compiler.Compile(rule)
	if err != nil {
		return schema.Rule{}, nil, err
	}
	plan := compiled.Bind()
	if err := s.checkTables(&rule); err != nil {
		return schema.Rule{}, nil, err
	}
	warnings = append(append(warnings, s.prepareTables(ctx, plan)...), s.joined(plan)...)
	s.mu.Lock()
	rule.ID = schema.NewID()
	for s.rules[rule.ID] != nil {
		rule.ID = schema.NewID()
	}
	stored := storedRule{rule, s.place(&rule), s.deps.Arrivals.Acknowledged()}
	s.mu.Unlock()
	// Nobody else knows the rule yet, so nobody has to wait while it is written.
	o, err := s.write(ctx, stored, false)
	if err != nil {
		return schema.Rule{}, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.enforce(stored, o)
	return rule, warnings, nil
}

// UpdateRule changes a rule. ifVersion, unless 0, must be its present version.
func (s *Scheduler) UpdateRule(ctx context.Context, id string, ifVersion int64, edit func(*schema.Rule) error) (schema.Rule, []string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state, err := s.present(id)
	if err != nil {
		return schema.Rule{}, nil, err
	}
	if ifVersion != 0 && ifVersion != state.rule.Version {
		return schema.Rule{}, nil, &schema.Conflict{Kind: kindRule, ID: id, Have: state.rule.Version, Want: ifVersion}
	}
	rule := state.rule
	if err := edit(&rule); err != nil {
		return schema.Rule{}, nil, err
	}
	rule.ID, rule.Version, rule.CreatedAt = id, state.rule.Version+1, state.rule.CreatedAt
	rule.UpdatedAt = schema.MillisOf(time.Now())
	compiled, warnings, err := compiler.Compile(rule)
	if err != nil {
		return schema.Rule{}, nil, err
	}
	plan := compiled.Bind()
	if rule.IsEnabled { // one can be switched off whatever became of its tables
		if err := s.checkTables(&rule); err != nil {
			return schema.Rule{}, nil, err
		}
	}
	warnings = append(append(warnings, s.missingTables(plan)...), s.joined(plan)...)
	from := state.from
	if rule.DetectionKey() != state.rule.DetectionKey() || rule.IsEnabled != state.rule.IsEnabled {
		from = s.place(&rule)
	}
	return rule, warnings, s.store(ctx, rule, from, false)
}

// joined warns of queries that join paths of one array, as far as it is known what
// is stored.
func (s *Scheduler) joined(plan *compiler.BoundPlan) []string {
	if s.deps.Catalogue == nil {
		return nil
	}
	return plan.Joined(s.deps.Catalogue.Shapes)
}

// DeleteRule ends a rule. Its versions and its signals stay.
func (s *Scheduler) DeleteRule(ctx context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	state, err := s.present(id)
	if err != nil {
		return err
	}
	rule := state.rule
	rule.Version++
	rule.IsDeleted = true
	rule.UpdatedAt = schema.MillisOf(time.Now())
	return s.store(ctx, rule, s.place(&rule), true)
}

// Rule is the present version of a rule.
func (s *Scheduler) Rule(_ context.Context, id string) (schema.Rule, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state, err := s.present(id)
	if err != nil {
		return schema.Rule{}, err
	}
	return state.rule, nil
}

// Rules are all rules that are not deleted, by id.
func (s *Scheduler) Rules(context.Context) ([]schema.Rule, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]schema.Rule, 0, len(s.rules))
	for _, id := range slices.Sorted(maps.Keys(s.rules)) {
		if state := s.rules[id]; !state.deleted {
			out = append(out, state.rule)
		}
	}
	return out, nil
}

// RuleVersions are all versions of a rule that is not deleted, ascending.
func (s *Scheduler) RuleVersions(ctx context.Context, id string) ([]schema.Rule, error) {
	if _, err := s.Rule(ctx, id); err != nil {
		return nil, err
	}
	objects, err := s.deps.Objects.Versions(ctx, kindRule, id)
	if err != nil {
		return nil, fmt.Errorf("read versions of rule %s: %w", id, err)
	}
	out := make([]schema.Rule, len(objects))
	for i, o := range objects {
		var stored storedRule
		if err := json.Unmarshal([]byte(o.Body), &stored); err != nil {
			return nil, fmt.Errorf("read rule %s version %d: %w", id, o.Version, err)
		}
		out[i] = stored.Rule
	}
	return out, nil
}

// place is where what a rule sees begins or ends now: an arrival or, of a rule
// over signals, a place in the order in which those were published.
func (s *Scheduler) place(rule *schema.Rule) uint64 {
	if rule.Type == schema.RuleSignalCorrelation {
		return s.published
	}
	return s.deps.Arrivals.Acknowledged()
}

func (s *Scheduler) present(id string) (*ruleState, error) {
	state := s.rules[id]
	if state == nil || state.deleted {
		return nil, &schema.NotFound{Kind: kindRule, ID: id}
	}
	return state, nil
}

// store appends a version and puts it into force. The lock is held: versions
// have one writer.
func (s *Scheduler) store(ctx context.Context, rule schema.Rule, from uint64, deleted bool) error {
	stored := storedRule{rule, from, s.deps.Arrivals.Acknowledged()}
	o, err := s.write(ctx, stored, deleted)
	if err != nil {
		return err
	}
	s.enforce(stored, o)
	return nil
}

// write appends a version to the store.
func (s *Scheduler) write(ctx context.Context, stored storedRule, deleted bool) (objects.Object, error) {
	rule := &stored.Rule
	body, err := json.Marshal(stored)
	if err != nil {
		return objects.Object{}, fmt.Errorf("encode rule %s: %w", rule.ID, err)
	}
	o := objects.Object{
		Kind: kindRule, ID: rule.ID, Version: rule.Version,
		Written: schema.MillisOf(s.deps.Now()), Deleted: deleted, Body: string(body),
	}
	if err := s.deps.Objects.Append(ctx, o); err != nil {
		return objects.Object{}, fmt.Errorf("store rule %s: %w", rule.ID, err)
	}
	return o, nil
}

// enforce puts a version that was written into force. The lock is held.
func (s *Scheduler) enforce(stored storedRule, o objects.Object) {
	s.apply(stored, o.Written, o.Deleted)
	if !o.Deleted {
		objects.LogIdle(s.deps.Log, compiler.IdleOfRule(&stored.Rule))
	}
	s.notify()
}
