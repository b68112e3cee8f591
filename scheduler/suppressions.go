package scheduler

import (
	"cmp"
	"slices"
	"strings"

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
