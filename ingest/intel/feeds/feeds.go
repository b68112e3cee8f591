package feeds

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"nightjar/configuration"
	"nightjar/configuration/outbound"
	"nightjar/ingest/intel"
	"nightjar/objects"
	"nightjar/scheduler/reference"
	"nightjar/schema"
)

// Tables keeps the lists. *reference.Tables implements it.
type Tables interface {
	List() []reference.Table
	Create(context.Context, reference.Table) (reference.Table, error)
	Delete(ctx context.Context, id string) error
	Import(ctx context.Context, id string, file *reference.CSV, uploadID string) (reference.Report, error)
	ListRows(ctx context.Context, id string, limit int, token string) (rows []reference.Row, next string, err error)
}

// Deps are what Feeds need.
type Deps struct {
	Lists   *objects.Store[configuration.ThreatList]
	Tables  Tables
	Client  *outbound.Client
	Secrets outbound.Secrets
	// Dir is where the files of lists are.
	Dir string
	Now func() time.Time
	Log *slog.Logger
}

// Feeds keeps the lists. Its methods may be called from several goroutines.
type Feeds struct {
	deps  Deps
	index atomic.Pointer[intel.Index] // of all lists; nil: none
	hits  atomic.Uint64
	wake  chan string // ids of lists to read at once

	mu    sync.Mutex
	lists map[string]*feed // by id
}

// feed is how a list is doing.
type feed struct {
	State
	version    int64 // of the list when it was read
	indicators []intel.Indicator
	etag       string
	failures   int
}

// State is how a list is doing, for people.
type State struct {
	ID, Name  string
	Report    intel.Report // of the last time that it was read
	Tried     time.Time    // zero: not yet
	Refreshed time.Time    // when what there is was read or found unchanged; zero: never
	Error     string       // why it was not read the last time
}

// New makes Feeds; nothing is marked before Run has read what is there.
func New(d Deps) *Feeds {
	return &Feeds{deps: d, lists: map[string]*feed{}, wake: make(chan string, 100)}
}

// lookEvery is how often it is asked which lists are due.
const lookEvery = 5 * time.Second

// Run keeps the lists until the context ends.
func (f *Feeds) Run(ctx context.Context) error {
	f.remember(ctx)
	for asked := ""; ; {
		f.pass(ctx, asked)
		asked = ""
		select {
		case asked = <-f.wake:
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return nil
		}
	}
}

// Refresh has a list read at once, and returns before it is.
func (f *Feeds) Refresh(id string) {
	select {
	case f.wake <- id:
	default: // so many are waiting that it is soon anyway
	}
}

// remember makes the index of what was read before this start.
func (f *Feeds) remember(ctx context.Context) {
	all, _ := f.deps.Lists.List(ctx) // from memory: never fails
	for _, v := range all {
		found, at, err := f.stored(ctx, &v.Body)
		if err != nil && ctx.Err() == nil {
			f.deps.Log.Error("cannot read a threat list as it was before; it is read anew", "list", v.Body.Name, "error", err)
		}
		if err != nil || found == nil {
			continue
		}
		s := State{ID: v.ID, Name: v.Body.Name, Refreshed: at, Report: intel.Report{Indicators: len(found)}}
		f.mu.Lock()
		l := &feed{State: s, indicators: found}
		if !at.Before(v.UpdatedAt.Time()) { // else it was changed, and not read since
			l.version = v.Version
		}
		f.lists[v.ID] = l
		f.mu.Unlock()
	}
	f.reindex()
}

// pass reads the lists that are due, and the one that is asked for.
func (f *Feeds) pass(ctx context.Context, asked string) {
	all, _ := f.deps.Lists.List(ctx)
	changed := f.forget(ctx, all)
	for _, v := range all {
		if ctx.Err() != nil {
			return
		}
		if v.Body.Enabled && (v.ID == asked || f.due(&v)) {
			changed = f.read(ctx, &v) || changed
		}
	}
	if changed {
		f.reindex()
	}
}

// forget lets go of lists that were deleted or disabled.
func (f *Feeds) forget(ctx context.Context, all []objects.Versioned[configuration.ThreatList]) (changed bool) {
	f.mu.Lock()
	gone := map[string]string{}
	for id, l := range f.lists {
		i := slices.IndexFunc(all, func(v objects.Versioned[configuration.ThreatList]) bool { return v.ID == id })
		if i < 0 {
			gone[id] = l.Name
		} else if !all[i].Body.Enabled && l.indicators != nil {
			l.indicators, l.etag, l.Refreshed, changed = nil, "", time.Time{}, true
		}
	}
	for id := range gone {
		delete(f.lists, id)
	}
	f.mu.Unlock()
	for _, name := range gone {
		f.drop(ctx, name)
	}
	return changed || len(gone) > 0
}

// due reports whether it is time to read a list: after its interval, sooner where it
// was changed, and where it failed ever later from a minute on.
func (f *Feeds) due(v *objects.Versioned[configuration.ThreatList]) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.lists[v.ID]
	if l == nil || l.version != v.Version {
		return true
	}
	now := f.deps.Now()
	if l.failures > 0 {
		return now.Sub(l.Tried) >= min(time.Minute<<min(l.failures-1, 10), v.Body.Interval())
	}
	return now.Sub(l.Refreshed) >= v.Body.Interval()
}

// read reads a list, and reports whether its indicators may have changed.
func (f *Feeds) read(ctx context.Context, v *objects.Versioned[configuration.ThreatList]) (changed bool) {
	f.mu.Lock()
	before := f.lists[v.ID]
	if before == nil {
		before = &feed{State: State{ID: v.ID}}
	}
	next := *before
	f.mu.Unlock()
	if next.version != v.Version {
		next.etag, next.failures = "", 0
	}
	next.Name, next.version, next.Tried = v.Body.Name, v.Version, f.deps.Now()
	found, report, etag, err := f.fetch(ctx, &v.Body, next.etag)
	if err == nil && found != nil {
		err = f.keep(ctx, &v.Body, found)
	}
	if err == nil && before.Name != "" && before.Name != v.Body.Name {
		f.drop(ctx, before.Name)
	}
	switch {
	case errors.Is(err, errUnchanged):
		next.Refreshed, next.failures, next.Error = next.Tried, 0, ""
	case err != nil:
		next.failures, next.Error = next.failures+1, err.Error()
		if ctx.Err() == nil {
			f.deps.Log.Warn("cannot read a threat list; what it had stays in force", "list", v.Body.Name, "error", err)
		}
	default:
		next.indicators, next.Report, next.etag, changed = found, report, etag, true
		next.Refreshed, next.failures, next.Error = next.Tried, 0, ""
		f.deps.Log.Info("read a threat list", "list", v.Body.Name, "indicators", report.Indicators, "skipped", report.Skipped)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lists[v.ID] = &next
	return changed
}

// reindex makes the index of all lists.
func (f *Feeds) reindex() {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []intel.Indicator
	for _, id := range slices.Sorted(maps.Keys(f.lists)) {
		all = append(all, f.lists[id].indicators...)
	}
	if len(all) == 0 {
		f.index.Store(nil)
		return
	}
	f.index.Store(intel.NewIndex(all))
}

// Mark implements ingest.Marker.
func (f *Feeds) Mark(e *schema.Event) bool {
	x := f.index.Load()
	if x == nil || !x.Mark(e) {
		return false
	}
	f.hits.Add(1)
	return true
}

// Find is what the lists have of a value.
func (f *Feeds) Find(value string) []intel.Indicator {
	x := f.index.Load()
	if x == nil {
		return nil
	}
	return x.Find(value)
}

// States are how the lists are doing, by id.
func (f *Feeds) States() map[string]State {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[string]State{}
	for id, l := range f.lists {
		out[id] = l.State
	}
	return out
}
