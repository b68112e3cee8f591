package audit

import (
	"sync"
	"time"

	"nightjar/schema"
)

const (
	// refusalSpan is the time in which refusals alike are counted together.
	refusalSpan = time.Minute
	// eachRefusal is how many alike are written one by one in that time.
	eachRefusal = 20
	// maxRefusals is how many kinds are told apart in that time; the others are one kind.
	maxRefusals = 1024
)

// refusals counts refusals that are alike.
type refusals struct {
	mu    *sync.Mutex
	alike map[Entry]*alike
}

type alike struct{ seen, written uint64 }

func newRefusals() refusals { return refusals{mu: &sync.Mutex{}, alike: map[Entry]*alike{}} }

// add counts one, and returns what is to be written at once, if anything.
func (r refusals) add(e Entry) (Entry, bool) {
	kind := e
	kind.At, kind.Request, kind.Count = 0, "", 0
	r.mu.Lock()
	defer r.mu.Unlock()
	a, ok := r.alike[kind]
	if !ok && len(r.alike) >= maxRefusals {
		kind = Entry{Kind: Refusal, Outcome: Refused, Action: "many", Detail: "refusals of more kinds than are told apart"}
		e = Entry{}
		a, ok = r.alike[kind]
	}
	if !ok {
		a = &alike{}
		r.alike[kind] = a
	}
	if a.seen++; a.seen > eachRefusal || e.Action == "" {
		return Entry{}, false
	}
	a.written++
	return e, true
}

// sums are entries for what was not written one by one, and begin anew.
func (r refusals) sums(now schema.Millis) (out []Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for kind, a := range r.alike {
		if n := a.seen - a.written; n > 0 {
			kind.At, kind.Count = now, n
			out = append(out, kind)
		}
	}
	clear(r.alike)
	return out
}
