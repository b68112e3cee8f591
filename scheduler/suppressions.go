package scheduler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"nightjar/compiler"
	"nightjar/objects"
	"nightjar/schema"
)

const kindSuppression = "suppression"

// suppressionState is every version of a suppression.
type suppressionState struct {
	versions []storedSuppression
	deleted  bool
}

// storedSuppression is a version of a suppression in the store: it is for the
// arrivals after After, up to those of the next version; of rules over signals,
// for the signals that were first published after Place.
type storedSuppression struct {
	Suppression schema.Suppression `json:"suppression"`
	After       uint64             `json:"after"`
	Place       uint64             `json:"place"`
	Deleted     bool               `json:"deleted,omitempty"`
}

func (s *suppressionState) present() schema.Suppression {
	return s.versions[len(s.versions)-1].Suppression
}

// loadSuppressions reads them all. It comes before the rules.
func (s *Scheduler) loadSuppressions(ctx context.Context) error {
	objects, err := s.deps.Objects.All(ctx, kindSuppression)
	if err != nil {
		return fmt.Errorf("load suppressions: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range objects {
		var stored storedSuppression
		if err := json.Unmarshal([]byte(o.Body), &stored); err != nil {
			return fmt.Errorf("load suppression %s version %d: %w", o.ID, o.Version, err)
		}
		s.suppressions.apply(stored)
	}
	return nil
}

// suppressions are all of them by id.
type suppressions map[string]*suppressionState

func (all suppressions) apply(stored storedSuppression) {
	state := all[stored.Suppression.ID]
	if state == nil {
		state = &suppressionState{}
		all[stored.Suppression.ID] = state
	}
	state.versions = append(state.versions, stored)
	state.deleted = stored.Deleted
}

// begins is where the version begins, in what the plan counts by.
func (v *storedSuppression) begins(plan *compiler.BoundPlan) uint64 {
	if plan.OfSignals {
		return v.Place
	}
	return v.After
}

// inForce are all versions, each with what it is for of what the plan sees, in a
// fixed order.
func (all suppressions) inForce(plan *compiler.BoundPlan) ([]compiler.InForce, error) {
	var out []compiler.InForce
	var bad error
	for _, state := range all {
		for i, v := range state.versions {
			after, through := v.begins(plan), ^uint64(0)
			if i+1 < len(state.versions) {
				through = state.versions[i+1].begins(plan)
			}
			if v.Deleted || !v.Suppression.Enabled || through <= after {
				continue
			}
			c, err := compiler.CompileSuppression(v.Suppression)
			if err != nil {
				bad = errors.Join(bad, fmt.Errorf("suppression %s: %w", v.Suppression.ID, err))
				continue
			}
			out = append(out, compiler.InForce{Suppression: c, After: after, Through: through})
		}
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].ID != out[j].ID {
			return out[i].ID < out[j].ID
		}
		return out[i].Version < out[j].Version
	})
	return out, bad
}

// suppress gives a plan the suppressions of its rule. The lock is held.
func (s *Scheduler) suppress(plan *compiler.BoundPlan) {
	list, err := s.suppressions.inForce(plan)
	if err != nil {
		s.deps.Log.Error("a stored suppression no longer compiles; it is not applied", "error", err)
	}
	plan.Suppress(list)
}

// resuppress gives every watch a plan with the present suppressions.
func (s *Scheduler) resuppress() {
	for _, w := range s.watches {
		plan := *w.plan
		s.suppress(&plan)
		w.plan = &plan
	}
	clear(s.compiled)
}

// CreateSuppression checks and stores a suppression. It applies to what arrives
// from now on, in its time.
func (s *Scheduler) CreateSuppression(ctx context.Context, p schema.Suppression) (schema.Suppression, error) {
	p.Version = 1
	p.CreatedAt = schema.MillisOf(time.Now())
	p.UpdatedAt = p.CreatedAt
	s.mu.Lock()
	defer s.mu.Unlock()
	p.ID = schema.NewID()
	for s.suppressions[p.ID] != nil {
		p.ID = schema.NewID()
	}
	return s.storeSuppression(ctx, p, false)
}

// UpdateSuppression changes a suppression. ifVersion, unless 0, must be its
// present version.
func (s *Scheduler) UpdateSuppression(ctx context.Context, id string, ifVersion int64, edit func(*schema.Suppression) error) (schema.Suppression, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, err := s.suppression(id)
	if err != nil {
		return schema.Suppression{}, err
	}
	if ifVersion != 0 && ifVersion != before.Version {
		return schema.Suppression{}, &schema.Conflict{Kind: kindSuppression, ID: id, Have: before.Version, Want: ifVersion}
	}
	p := before
	if err := edit(&p); err != nil {
		return schema.Suppression{}, err
	}
	p.ID, p.Version, p.CreatedAt = id, before.Version+1, before.CreatedAt
	p.UpdatedAt = schema.MillisOf(time.Now())
	return s.storeSuppression(ctx, p, false)
}

// DeleteSuppression ends a suppression. What it withheld stays withheld.
func (s *Scheduler) DeleteSuppression(ctx context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.suppression(id)
	if err != nil {
		return err
	}
	p.Version++
	p.UpdatedAt = schema.MillisOf(time.Now())
	_, err = s.storeSuppression(ctx, p, true)
	return err
}

// Suppression is the present version of a suppression.
func (s *Scheduler) Suppression(_ context.Context, id string) (schema.Suppression, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.suppression(id)
}

// Suppressions are all that are not deleted, by id.
func (s *Scheduler) Suppressions(context.Context) ([]schema.Suppression, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []schema.Suppression
	for _, state := range s.suppressions {
		if !state.deleted {
			out = append(out, state.present())
		}
	}
	slices.SortFunc(out, func(a, b schema.Suppression) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

// SuppressionVersions are all versions of a suppression, the first one first.
func (s *Scheduler) SuppressionVersions(_ context.Context, id string) ([]schema.Suppression, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.suppression(id); err != nil {
		return nil, err
	}
	var out []schema.Suppression
	for _, v := range s.suppressions[id].versions {
		out = append(out, v.Suppression)
	}
	return out, nil
}

// SuppressionsAffecting are those whose rule query selects the rule.
func (s *Scheduler) SuppressionsAffecting(ctx context.Context, rule schema.Rule) ([]schema.Suppression, error) {
	all, err := s.Suppressions(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(p schema.Suppression) bool {
		c, err := compiler.CompileSuppression(p)
		return err != nil || !c.Selects(&rule)
	}), nil
}

func (s *Scheduler) suppression(id string) (schema.Suppression, error) {
	state := s.suppressions[id]
	if state == nil || state.deleted {
		return schema.Suppression{}, &schema.NotFound{Kind: kindSuppression, ID: id}
	}
	return state.present(), nil
}

// storeSuppression appends a version and puts it into force. The lock is held:
// versions have one writer, and no evaluation begins meanwhile that would not
// know of it.
func (s *Scheduler) storeSuppression(ctx context.Context, p schema.Suppression, deleted bool) (schema.Suppression, error) {
	if _, err := compiler.CompileSuppression(p); err != nil {
		return schema.Suppression{}, err
	}
	stored := storedSuppression{p, s.deps.Arrivals.Acknowledged(), s.published, deleted}
	body, err := json.Marshal(stored)
	if err != nil {
		return schema.Suppression{}, fmt.Errorf("encode suppression %s: %w", p.ID, err)
	}
	o := objects.Object{
		Kind: kindSuppression, ID: p.ID, Version: p.Version,
		Written: p.UpdatedAt, Deleted: deleted, Body: string(body),
	}
	if err := s.deps.Objects.Append(ctx, o); err != nil {
		return schema.Suppression{}, fmt.Errorf("store suppression %s: %w", p.ID, err)
	}
	s.suppressions.apply(stored)
	s.resuppress()
	return p, nil
}
