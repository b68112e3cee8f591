package scheduler

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"nightjar/compiler"
	"nightjar/schema"
)

// maxLabels bounds how many labels one statement asks for: beyond that its
// planning costs more than reading the events once more.
const maxLabels = 200

// planSets are the present sets of plans.
type planSets struct {
	deps *Deps

	mu       sync.Mutex
	compiled map[string]*compiled
}

func newPlanSets(deps *Deps) *planSets {
	return &planSets{deps: deps, compiled: map[string]*compiled{}}
}

// forget lets go of all, since the plans are others now.
func (ps *planSets) forget() {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	clear(ps.compiled)
}

// of prepares a set of plans, or finds it again.
func (ps *planSets) of(plans []*compiler.BoundPlan) *compiled {
	var id strings.Builder
	for _, p := range plans {
		fmt.Fprintf(&id, "%s %d\n", p.Key, p.Rule.Version)
	}
	ps.mu.Lock()
	known := ps.compiled[id.String()]
	ps.mu.Unlock()
	// The same plans: of others with these keys and versions, another suppression may be in
	// force.
	if known != nil && slices.Equal(known.plans, plans) {
		return known
	}
	c := &compiled{plans: plans, set: compiler.NewMatchSet(plans)}
	c.set.Measure(ps.deps.CPU)
	ps.mu.Lock()
	ps.compiled[id.String()] = c
	ps.mu.Unlock()
	return c
}

// compiled is what a set of plans is evaluated with: in memory over the events
// that have just arrived, in SQL over all others.
type compiled struct {
	plans      []*compiler.BoundPlan
	set        *compiler.MatchSet
	statements []*compiler.MatchStatement
	shapes     uint64 // version of the catalogue that the statements know
}

// inSQL makes the statements, or finds them again. The interval that they are
// for was chosen before, so that they know every shape of attribute in it.
func (c *compiled) inSQL(catalogue *schema.Catalogue) ([]*compiler.MatchStatement, error) {
	var shapes func(string) schema.Shapes
	var version uint64
	if catalogue != nil {
		shapes, version = catalogue.Snapshot()
	}
	if c.statements != nil && c.shapes == version {
		return c.statements, nil
	}
	var out []*compiler.MatchStatement
	for plans := c.plans; len(plans) > 0; {
		n, labels := 0, 0
		for n < len(plans) && (n == 0 || labels+len(plans[n].Labels) <= maxLabels) {
			labels += len(plans[n].Labels)
			n++
		}
		st, err := compiler.MatchSQL(plans[:n], shapes)
		if err != nil {
			return nil, err
		}
		out = append(out, st)
		plans = plans[n:]
	}
	c.statements, c.shapes = out, version
	return out, nil
}
