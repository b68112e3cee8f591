package scheduler

import (
	"testing"
	"time"

	"nightjar/compiler"
)

// TestASetOfPlansIsFoundByThePlans and not by what they are called: of two with one key
// and version, one may have a suppression that has come into force since.
func TestASetOfPlansIsFoundByThePlans(t *testing.T) {
	t.Parallel()
	plan, _, err := compiler.Compile(counting("a"))
	if err != nil {
		t.Fatal(err)
	}
	bound := func() *compiler.BoundPlan { return plan.Bind() }
	ps := newPlanSets(&Deps{CPU: func() int64 { return time.Now().UnixNano() }})
	before, after := bound(), bound()
	if first := ps.of([]*compiler.BoundPlan{before}); ps.of([]*compiler.BoundPlan{before}) != first {
		t.Error("a set is made again")
	}
	if got := ps.of([]*compiler.BoundPlan{after}); got.plans[0] != after {
		t.Error("a set of other plans was found")
	}
}
