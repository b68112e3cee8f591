package reach

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"nightjar/compiler"
	"nightjar/schema"
)

// Watcher looks at all rules again and again.
type Watcher struct {
	finder *Finder
	rules  func(context.Context) ([]schema.Rule, error)
	log    *slog.Logger

	plans map[string]planned // of Pass

	mu       sync.Mutex
	findings map[string]finding
}

// planned is a version of a rule, compiled; nil: it does not compile.
type planned struct {
	version int64
	plan    *compiler.Plan
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

// Watch makes a Watcher of these rules; what is found is told by Idles.
func (f *Finder) Watch(rules func(context.Context) ([]schema.Rule, error), log *slog.Logger) *Watcher {
	return &Watcher{finder: f, rules: rules, log: log, plans: map[string]planned{}, findings: map[string]finding{}}
}

// Run looks until the context ends.
func (w *Watcher) Run(ctx context.Context) error {
	for {
		if err := w.Pass(ctx); err != nil && ctx.Err() == nil {
			w.log.Warn("cannot look for rules that can't fire", "error", err)
		}
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return nil
		}
	}
}

// Pass looks at all rules once, as far as the questions go; the next one goes on. One
// is made at a time.
func (w *Watcher) Pass(ctx context.Context) error {
	rules, err := w.rules(ctx)
	if err != nil {
		return err
	}
	enabled := map[string]bool{}
	for i := range rules {
		enabled[rules[i].ID] = rules[i].IsEnabled
	}
	maps.DeleteFunc(w.plans, func(id string, _ planned) bool { return !enabled[id] })
	left := questions
	found := map[string]finding{}
	for _, r := range rules {
		before, known := w.of(r.ID)
		if !r.IsEnabled || ctx.Err() != nil {
			continue
		}
		plan := w.plan(r)
		if plan == nil {
			continue // it is not evaluated, and said so elsewhere
		}
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
		return ctx.Err()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.findings = found
	return nil
}

// plan compiles a version of a rule once.
func (w *Watcher) plan(r schema.Rule) *compiler.Plan {
	p, known := w.plans[r.ID]
	if !known || p.version != r.Version {
		p.version = r.Version
		p.plan, _ = compiler.CompileStored(r)
		w.plans[r.ID] = p
	}
	return p.plan
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
