package scheduler

import (
	"sync"
	"time"
)

// inForce is what is in force: the versions of rules and suppressions, the rule runs
// that follow from them and how far each is evaluated, and what keeps some of them
// from going on. One lock guards it, which is held while nothing is waited for; under
// it the locks of asides, costs, plans, requests, publishing and the evaluation log may
// be taken, and it under none of them.
type inForce struct {
	deps          *Deps
	metrics       metrics
	plans         *planSets
	requests      *requests
	asides        *asides
	fillings      *fillings
	costs         *costs
	publishing    *publishing
	evaluationLog *evaluationLog

	mu           sync.Mutex
	suppressions suppressions
	history      map[string]*ruleHistory // by rule id
	runs         []*ruleRun
	holds        []*hold
	loaded       bool
	behind       time.Time // since when evaluation is known not to have caught up
	// resting are the rule keys of which nothing is evaluated, nor published, while
	// somebody else changes their signals.
	resting map[string]bool
}

// halt has rules rest until goOn.
func (f *inForce) halt(keys []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range keys {
		f.resting[key] = true
	}
}

// goOn ends what halt began.
func (f *inForce) goOn(keys []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range keys {
		delete(f.resting, key)
	}
}
