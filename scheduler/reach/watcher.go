package reach

import (
	"context"
	"slices"
	"sync"
	"time"

	"nightjar/compiler"
	"nightjar/schema"
)

// Watcher looks at all rules again and again.
type Watcher struct {
	finder *Finder
	plans  func() []*compiler.Plan

	mu       sync.Mutex
	findings map[string]finding
}

// finding is what was found of a version of a rule.
type finding struct {
	Finding
	tables  []string // that there are not
	version int64
	name    string
}

// lookEvery is how often all rules are looked at.
const lookEvery = 10 * time.Second

// Watch makes a Watcher of the rules with these plans, of enabled ones; what is found is
// told by Idles.
func (f *Finder) Watch(plans func() []*compiler.Plan) *Watcher {
	return &Watcher{finder: f, plans: plans, findings: map[string]finding{}}
}

// Run looks until the context ends.
func (w *Watcher) Run(ctx context.Context) error {
	for {
		w.Pass(ctx)
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return nil
		}
	}
}

// Pass looks at all rules once, as far as the questions go; the next one goes on. One
// is made at a time. What it found is kept unless the context ended meanwhile.
func (w *Watcher) Pass(ctx context.Context) {
	left := questions
	found := map[string]finding{}
	for _, plan := range w.plans() {
		if ctx.Err() != nil {
			return
		}
		r := &plan.Rule
		before, known := w.of(r.ID)
		now, complete := w.finder.look(ctx, plan, &left)
		if !complete && known && before.version == r.Version {
			now = before.Finding
		}
		tables := w.finder.deps.Tables.Missing(plan.TableColumns())
		if len(now.Warnings)+len(tables) > 0 {
			found[r.ID] = finding{now, tables, r.Version, r.Name}
		}
	}
	if ctx.Err() != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.findings = found
}

func (w *Watcher) of(id string) (finding, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f, ok := w.findings[id]
	return f, ok
}

// Warnings are what the rule asks for in vain, as it was found last.
func (w *Watcher) Warnings(r *schema.Rule) []string {
	f, ok := w.of(r.ID)
	if !ok || f.version != r.Version {
		return nil
	}
	return f.all()
}

func (f finding) all() []string { return slices.Concat(f.Warnings, f.tables) }

// Idles are the rules that ask for something in vain.
func (w *Watcher) Idles() (out []schema.Idle) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, f := range w.findings {
		for _, reason := range f.all() {
			i := schema.Idle{Kind: "rule", ID: id, Name: f.name, Reason: reason}
			if !f.NeverFires {
				i.Field = "queries"
			}
			out = append(out, i)
		}
	}
	return out
}
