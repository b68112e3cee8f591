package scheduler

import (
	"time"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
)

// evaluator brings the signals of plans up to date with what arrived, and publishes
// them. It is the evaluating goroutine's: nobody else may ask anything of it but between
// two steps (requests.between), and so it needs no lock.
type evaluator struct {
	deps          *Deps
	metrics       metrics
	runs          positions
	plans         *planSets
	tables        *referenceTables
	asides        *asides
	silenceRuns   *silenceRuns
	attention     *attention
	publishing    *publishing
	costs         *costs
	evaluationLog *evaluationLog

	cache     *cache
	seen      map[string]*detect.SeenValues // by rule key
	baselines map[string]*detect.Baseline   // by rule key
	learned   map[string]bool               // rule keys that learned from the past, where they ask for that
	unstored  unstored
	updated   int           // signal groups, in the last evaluation
	matched   time.Duration // what matching took, in the last evaluation
	// postponed are, in a step that rules share, those that need too much of it.
	postponed map[*compiler.BoundPlan]int
}

// positions say how far rules were evaluated, by rule key.
type positions interface {
	// throughOf is the last arrival that the rule was evaluated over.
	throughOf(key string) uint64
	// isFresh reports, once, whether the store holds nothing of the rule from before.
	isFresh(key string) bool
	// resumes reports whether something that arrived before is yet to be evaluated.
	resumes(key string) bool
}

// forget lets go of a rule that is evaluated no more.
func (ev *evaluator) forget(key string) {
	ev.cache.drop(key)
	if k := ev.seen[key]; k != nil { // kept until it is stored: forgetEnded
		k.Evaluated() // what a dropped event taught halfway is looked at by nobody any more
	}
	delete(ev.baselines, key)
	delete(ev.learned, key)
}
