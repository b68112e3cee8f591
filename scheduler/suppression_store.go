package scheduler

import (
	"context"
	"slices"
	"time"

	"nightjar/compiler"
	"nightjar/objects"
	"nightjar/schema"
)

// SuppressionStore keeps the suppressions, every version of each, and says from where
// on the next version is in force. What follows from that is inForce's.
type SuppressionStore struct {
	stored  *objects.Store[storedSuppression]
	inForce *inForce
}

func newSuppressionStore(deps *Deps, f *inForce) *SuppressionStore {
	kind := objects.Kind[storedSuppression]{Name: kindSuppression, NewID: schema.NewID, NoLog: true, Enforce: f.enforceSuppression}
	return &SuppressionStore{stored: objects.New(kind, deps.Objects, time.Now), inForce: f}
}

// CreateSuppression checks and stores a suppression, which says who makes it
// (UpdatedBy). It applies to what arrives from now on, in its time.
func (s *SuppressionStore) CreateSuppression(ctx context.Context, p schema.Suppression) (schema.Suppression, error) {
	return s.write(ctx, objects.Ref{}, func(next *objects.Versioned[storedSuppression]) error {
		next.Body.Suppression = p
		return nil
	})
}

// UpdateSuppression changes a suppression. ifVersion, unless 0, must be its
// present version.
func (s *SuppressionStore) UpdateSuppression(ctx context.Context, id string, ifVersion int64, edit func(*schema.Suppression) error) (schema.Suppression, error) {
	return s.write(ctx, objects.Ref{ID: id, IfVersion: ifVersion}, func(next *objects.Versioned[storedSuppression]) error {
		return edit(&next.Body.Suppression)
	})
}

// DeleteSuppression ends a suppression. What it withheld stays withheld.
func (s *SuppressionStore) DeleteSuppression(ctx context.Context, id string) error {
	_, err := s.write(ctx, objects.Ref{ID: id}, func(next *objects.Versioned[storedSuppression]) error {
		next.Deleted = true
		return nil
	})
	return err
}

// write stores the next version of a suppression. The rules that it
// selects, before or after, are held back at the point from which it is in force:
// nothing beyond is evaluated that would not know of it.
func (s *SuppressionStore) write(ctx context.Context, ref objects.Ref, change func(*objects.Versioned[storedSuppression]) error) (schema.Suppression, error) {
	var held *hold
	defer func() { s.inForce.letGo(held) }()
	v, err := s.stored.Write(ctx, ref, func(next *objects.Versioned[storedSuppression]) error {
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
func (s *SuppressionStore) Suppression(ctx context.Context, id string) (schema.Suppression, error) {
	v, err := s.stored.Get(ctx, id)
	return v.Body.whole(), err
}

// Suppressions are all that are not deleted, by id.
func (s *SuppressionStore) Suppressions(context.Context) ([]schema.Suppression, error) {
	var out []schema.Suppression
	for _, v := range s.stored.Newest() {
		if !v.Deleted {
			out = append(out, v.Body.whole())
		}
	}
	return out, nil
}

// SuppressionVersions are all versions of a suppression that is not deleted, ascending.
func (s *SuppressionStore) SuppressionVersions(ctx context.Context, id string) ([]schema.Suppression, error) {
	versions, err := s.stored.Versions(ctx, id)
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
func (s *SuppressionStore) SuppressionsAffecting(ctx context.Context, rule schema.Rule) ([]schema.Suppression, error) {
	all, err := s.Suppressions(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(p schema.Suppression) bool {
		c, err := compiler.CompileSuppression(p)
		return err != nil || !c.Selects(&rule)
	}), nil
}
