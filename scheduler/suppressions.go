package scheduler

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"nightjar/compiler"
	"nightjar/objects"
	"nightjar/schema"
)

const kindSuppression = "suppression"

// storedSuppression is a version of a suppression in the store: it is for the
// arrivals after After, up to those of the next version; of rules over signals,
// for the signals that were first published after Place.
type storedSuppression struct {
	Suppression schema.Suppression `json:"suppression"`
	After       uint64             `json:"after"`
	Place       uint64             `json:"place"`
	Deleted     bool               `json:"deleted,omitempty"`
	// CreatedBy and UpdatedBy are those of the suppression.
	CreatedBy string `json:"created_by,omitempty"`
	UpdatedBy string `json:"updated_by,omitempty"`
}

// whole is the suppression, with who made it.
func (stored *storedSuppression) whole() schema.Suppression {
	p := stored.Suppression
	p.CreatedBy, p.UpdatedBy = stored.CreatedBy, stored.UpdatedBy
	return p
}

// suppressionVersion is where a version of a suppression begins, and what it does from
// there on; nil: nothing.
type suppressionVersion struct {
	arrival, revision uint64
	compiled          *compiler.Suppression
}

// compiled is the version, compiled once for all plans. With an error it does nothing.
func (stored *storedSuppression) compiled() (suppressionVersion, error) {
	v := suppressionVersion{arrival: stored.After, revision: stored.Place}
	if stored.Deleted || !stored.Suppression.Enabled {
		return v, nil
	}
	c, err := compiler.CompileSuppression(stored.Suppression)
	if err == nil {
		v.compiled = c
	}
	return v, err
}

// begins is where the version begins, in what the plan counts by.
func (v *suppressionVersion) begins(plan *compiler.BoundPlan) uint64 {
	return boundary{arrival: v.arrival, revision: v.revision}.of(plan)
}

// suppressions are all versions of all of them, by id.
type suppressions map[string][]suppressionVersion

// inForce are all versions, each with what it is for of what the plan sees, in a
// fixed order.
func (all suppressions) inForce(plan *compiler.BoundPlan) []compiler.InForce {
	var out []compiler.InForce
	for _, versions := range all {
		for i := range versions {
			after, through := versions[i].begins(plan), ^uint64(0)
			if i+1 < len(versions) {
				through = versions[i+1].begins(plan)
			}
			if versions[i].compiled != nil && through > after {
				out = append(out, compiler.InForce{Suppression: versions[i].compiled, After: after, Through: through})
			}
		}
	}
	slices.SortFunc(out, func(a, b compiler.InForce) int {
		return cmp.Or(strings.Compare(a.ID, b.ID), cmp.Compare(a.Version, b.Version))
	})
	return out
}

// suppress gives a plan the suppressions of its rule. The lock is held.
func (f *inForce) suppress(plan *compiler.BoundPlan) { plan.Suppress(f.suppressions.inForce(plan)) }

// enforceSuppression puts a stored version into force.
func (f *inForce) enforceSuppression(stored objects.Versioned[storedSuppression]) {
	v, err := stored.Body.compiled()
	if err != nil {
		f.deps.Log.Error("a stored suppression no longer compiles; it is not applied", "suppression", stored.ID, "version", stored.Version, "error", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.suppressions[stored.ID] = append(f.suppressions[stored.ID], v)
	f.resuppress()
}

// resuppress gives every rule run a plan with the present suppressions. The lock is
// held.
func (f *inForce) resuppress() {
	for _, w := range f.runs {
		plan := *w.plan
		f.suppress(&plan)
		w.plan = &plan
	}
	f.plans.forget()
}

// CreateSuppression checks and stores a suppression, which says who makes it
// (UpdatedBy). It applies to what arrives from now on, in its time.
func (s *Scheduler) CreateSuppression(ctx context.Context, p schema.Suppression) (schema.Suppression, error) {
	return s.writeSuppression(ctx, objects.Ref{}, func(next *objects.Versioned[storedSuppression]) error {
		next.Body.Suppression = p
		return nil
	})
}

// UpdateSuppression changes a suppression. ifVersion, unless 0, must be its
// present version.
func (s *Scheduler) UpdateSuppression(ctx context.Context, id string, ifVersion int64, edit func(*schema.Suppression) error) (schema.Suppression, error) {
	return s.writeSuppression(ctx, objects.Ref{ID: id, IfVersion: ifVersion}, func(next *objects.Versioned[storedSuppression]) error {
		return edit(&next.Body.Suppression)
	})
}

// DeleteSuppression ends a suppression. What it withheld stays withheld.
func (s *Scheduler) DeleteSuppression(ctx context.Context, id string) error {
	_, err := s.writeSuppression(ctx, objects.Ref{ID: id}, func(next *objects.Versioned[storedSuppression]) error {
		next.Deleted = true
		return nil
	})
	return err
}

// writeSuppression stores the next version of a suppression. The rules that it
// selects, before or after, are held back at the point from which it is in force:
// nothing beyond is evaluated that would not know of it.
func (s *Scheduler) writeSuppression(ctx context.Context, ref objects.Ref, change func(*objects.Versioned[storedSuppression]) error) (schema.Suppression, error) {
	var held *hold
	defer func() { s.inForce.letGo(held) }()
	v, err := s.suppressionStore.Write(ctx, ref, func(next *objects.Versioned[storedSuppression]) error {
		before := next.Body.Suppression
		if err := change(next); err != nil {
			return err
		}
		p := &next.Body.Suppression
		p.ID, p.Version, p.CreatedAt = next.ID, next.Version, before.CreatedAt
		p.UpdatedAt = schema.MillisOf(time.Now())
		if next.Version == 1 {
			p.CreatedAt = p.UpdatedAt
		}
		next.Body.UpdatedBy = p.UpdatedBy
		if next.Version == 1 {
			next.Body.CreatedBy = p.UpdatedBy
		}
		if _, err := compiler.CompileSuppression(*p); err != nil {
			return err
		}
		held = s.inForce.holdBack(selectedBy(before, *p))
		next.Body.After, next.Body.Place, next.Body.Deleted = held.at.arrival, held.at.revision, next.Deleted
		return nil
	})
	if err != nil {
		return schema.Suppression{}, err
	}
	return v.Body.whole(), nil
}

// selectedBy are the rules that one of the enabled suppressions selects.
func selectedBy(suppressions ...schema.Suppression) func(*compiler.BoundPlan) bool {
	var selects []*compiler.Suppression
	for _, p := range suppressions {
		if c, err := compiler.CompileSuppression(p); err == nil && p.Enabled {
			selects = append(selects, c)
		}
	}
	return func(plan *compiler.BoundPlan) bool {
		return slices.ContainsFunc(selects, func(c *compiler.Suppression) bool { return c.Selects(&plan.Rule) })
	}
}

// Suppression is the present version of a suppression.
func (s *Scheduler) Suppression(ctx context.Context, id string) (schema.Suppression, error) {
	v, err := s.suppressionStore.Get(ctx, id)
	return v.Body.whole(), err
}

// Suppressions are all that are not deleted, by id.
func (s *Scheduler) Suppressions(context.Context) ([]schema.Suppression, error) {
	var out []schema.Suppression
	for _, v := range s.suppressionStore.Newest() {
		if !v.Deleted {
			out = append(out, v.Body.whole())
		}
	}
	return out, nil
}

// SuppressionVersions are all versions of a suppression that is not deleted, ascending.
func (s *Scheduler) SuppressionVersions(ctx context.Context, id string) ([]schema.Suppression, error) {
	versions, err := s.suppressionStore.Versions(ctx, id)
	if err != nil {
		return nil, err
	}
	out := make([]schema.Suppression, len(versions))
	for i := range versions {
		out[i] = versions[i].Body.whole()
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
