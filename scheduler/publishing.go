package scheduler

import "sync"

// publishing gives versions of signals their revisions: the numbers by which they
// are ordered. It has a lock of its own, since evaluation and triage publish at
// the same time.
type publishing struct {
	mu sync.Mutex
	// began is the last revision that was given when this process began, last the
	// last one now, and of that of each rule's signals since this process began.
	began, last uint64
	of          map[string]uint64
	// storing are the revisions that are being stored now.
	storing map[uint64]bool
}

// begin goes on after a revision.
func (p *publishing) begin(last uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.began, p.last = last, last
	p.of, p.storing = map[string]uint64{}, map[uint64]bool{}
}

// next is the next revision, which is being stored until done says that it is not
// any more.
func (p *publishing) next(ruleID string) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	p.of[ruleID] = p.last
	p.storing[p.last] = true
	return p.last
}

// done says that the versions are stored, or that nobody tries any more.
func (p *publishing) done(signals []Published) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range signals {
		delete(p.storing, signals[i].Place)
	}
}

// given is the last revision that was given, stored or not.
func (p *publishing) given() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// visible is the revision up to which all can be seen in the store.
func (p *publishing) visible() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	visible := p.last
	for revision := range p.storing {
		visible = min(visible, revision-1)
	}
	return visible
}

// quietSince reports whether no signal of these rules was given a revision after
// one.
func (p *publishing) quietSince(rules []string, after uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if after < p.began {
		return false // another process may have
	}
	for _, id := range rules {
		if p.of[id] > after {
			return false
		}
	}
	return true
}
