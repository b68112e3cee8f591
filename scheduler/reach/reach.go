package reach

import (
	"context"
	"slices"
	"sync"
	"time"

	"nightjar/compiler"
	"nightjar/compiler/search"
	"nightjar/schema"
)

// Seen is what was seen of the events that came lately. It knows not all that there is.
type Seen interface {
	HasSource(source string) bool
	HasAttribute(source, path string) bool
	// Attributes are those of the sources, of all where there are none.
	Attributes(sources []string) []string
	Sources() []string
}

// Store tells what is stored.
type Store interface {
	// StoredSources are the sources of all events.
	StoredSources(context.Context) ([]string, error)
	// HasEvent reports whether a query matches some event. An error: it is not known.
	HasEvent(context.Context, *search.Query) (bool, error)
}

// Tables says which reference tables and columns there are not.
type Tables interface {
	Missing([]compiler.TableColumn) []string
}

// Deps are what a Finder asks.
type Deps struct {
	Catalogue *schema.Catalogue
	Seen      Seen
	Store     Store
	Tables    Tables
	Now       func() time.Time
}

// Finder is safe for use by several goroutines.
type Finder struct {
	deps Deps

	mu      sync.Mutex
	sources known[map[string]bool]
	pairs   map[pair]known[bool]
}

// known is an answer of the store, and until when it counts.
type known[T any] struct {
	value T
	until time.Time
}

// pair is an attribute of a source.
type pair struct{ source, path string }

// How long answers count, and how many are kept. What there is stays, by and large;
// what comes new is soon Seen.
const (
	presentFor, absentFor = 24 * time.Hour, time.Hour
	sourcesFor            = 30 * time.Second
	maxPairs              = 50_000
)

// New makes a Finder.
func New(d Deps) *Finder { return &Finder{deps: d, pairs: map[pair]known[bool]{}} }

// Finding is what there is to say of a rule.
type Finding struct {
	// NeverFires says that the rule can't make a signal before other events come.
	NeverFires bool
	// Warnings are what it asks for in vain, with the nearest names.
	Warnings []string
}

// questions is how often the store is asked for one answer at most.
const questions = 50

// Look compares a rule with what is stored. What can't be found out is not told. Where
// nothing is stored there is nothing to tell.
func (f *Finder) Look(ctx context.Context, plan *compiler.Plan) Finding {
	left := questions
	found, _ := f.look(ctx, plan, &left)
	return found
}

// look may ask the store as often as is left; not complete: it had more to ask.
func (f *Finder) look(ctx context.Context, plan *compiler.Plan, left *int) (found Finding, complete bool) {
	v := &view{Finder: f, ctx: ctx, left: left}
	if !v.anything() {
		return Finding{}, true
	}
	r := plan.Reach(v)
	found.NeverFires = r.NeverFires
	for _, u := range r.Unmet {
		found.Warnings = append(found.Warnings, u.Warning(r.NeverFires, f.near(u)))
	}
	return found, !v.wanting
}

// near is the name that was probably meant.
func (f *Finder) near(u compiler.Unmet) string {
	if u.Source != "" {
		if c := schema.Closest(u.Source, f.deps.Seen.Sources(), 2); c != "" {
			return "source:" + c
		}
		return ""
	}
	if c := schema.Closest(u.Attribute, f.deps.Seen.Attributes(u.Sources), 3); c != "" {
		return "@" + c
	}
	return ""
}

// view is what is stored, as compiler.Stored asks it.
type view struct {
	*Finder
	ctx     context.Context
	left    *int
	wanting bool // there was more to ask
}

// anything reports whether events are stored.
func (v *view) anything() bool {
	if len(v.deps.Seen.Sources()) > 0 {
		return true
	}
	return len(v.storedSources()) > 0
}

// HasSource implements compiler.Stored.
func (v *view) HasSource(source string) bool {
	if v.deps.Seen.HasSource(source) {
		return true
	}
	all := v.storedSources()
	return all == nil || all[source]
}

// storedSources are the sources of all events; nil: not known.
func (v *view) storedSources() map[string]bool {
	v.mu.Lock()
	k := v.sources
	v.mu.Unlock()
	now := v.deps.Now()
	if now.Before(k.until) {
		return k.value
	}
	names, err := v.deps.Store.StoredSources(v.ctx)
	if err != nil {
		return nil
	}
	k = known[map[string]bool]{map[string]bool{}, now.Add(sourcesFor)}
	for _, n := range names {
		k.value[n] = true
	}
	v.mu.Lock()
	v.sources = k
	v.mu.Unlock()
	return k.value
}

// HasAttribute implements compiler.Stored.
func (v *view) HasAttribute(sources []string, path string) bool {
	if !v.deps.Catalogue.IsComplete() {
		return true
	}
	if v.deps.Catalogue.Shapes(path) == 0 {
		return false
	}
	return len(sources) == 0 || slices.ContainsFunc(sources, func(s string) bool { return v.hasPair(pair{s, path}) })
}

func (v *view) hasPair(p pair) bool {
	if v.deps.Seen.HasAttribute(p.source, p.path) {
		return true
	}
	now := v.deps.Now()
	v.mu.Lock()
	k, found := v.pairs[p]
	v.mu.Unlock()
	if found && now.Before(k.until) {
		return k.value
	}
	if *v.left--; *v.left < 0 {
		v.wanting = true
		return true
	}
	has, err := v.deps.Store.HasEvent(v.ctx, search.HavingAttribute(p.source, p.path))
	if err != nil {
		has = true // nothing is said that is not known
	}
	if v.ctx.Err() != nil {
		return has // nobody waited for the answer
	}
	k = known[bool]{has, now.Add(absentFor)}
	if has && err == nil {
		k.until = now.Add(presentFor)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.pairs) >= maxPairs {
		clear(v.pairs)
	}
	v.pairs[p] = k
	return has
}
