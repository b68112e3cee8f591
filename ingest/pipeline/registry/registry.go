package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"nightjar/ingest"
	"nightjar/ingest/pipeline"
	"nightjar/ingest/record"
	"nightjar/objects"
	"nightjar/schema"
)

// Deps are what a Registry works with.
type Deps struct {
	// BuiltIn are the pipelines that ship, in their order.
	BuiltIn []*pipeline.Pipeline
	// Objects keeps every version of what users say.
	Objects objects.Table
	Now     func() time.Time
	Log     *slog.Logger
	// Set is what pipelines use from outside; its Counts are the registry's.
	Set pipeline.Deps
	// Locator is the intake's, for previews.
	Locator ingest.Locator
}

// Registry keeps pipelines, and is the ingest.Pipelines of an engine. Its methods may be
// called concurrently.
type Registry struct {
	deps    Deps
	builtIn map[string]*pipeline.Pipeline
	store   *objects.Store[Body]
	order   *objects.Store[Order]
	counts  pipeline.Counts

	changing sync.Mutex
	// compiled are the users' pipelines of stored versions, so that a change compiles
	// only what it changes.
	compiled map[string]compiled
	broken   map[string]string
	inForce  atomic.Pointer[pipeline.Set]
}

type compiled struct {
	version int64
	*pipeline.Pipeline
}

// Body is a version of a pipeline as it is stored.
type Body struct {
	// Document is the pipeline of a user, in the form of the API. Built-in ones have none:
	// what they say comes with the program.
	Document json.RawMessage `json:"document,omitempty"`
	// Enabled says whether a built-in one is; nil: as it ships.
	Enabled *bool `json:"enabled,omitempty"`
}

// Order is the order of all pipelines. Those that it does not name come behind, the
// built-in ones first.
type Order struct {
	IDs []string `json:"pipeline_ids"`
}

// orderID is the id of the one order that there is.
const orderID = "order"

// New makes a Registry, in which the built-in pipelines are in force. Load must return
// before anything is changed.
func New(deps Deps) *Registry {
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	r := &Registry{deps: deps, builtIn: map[string]*pipeline.Pipeline{}, compiled: map[string]compiled{}, broken: map[string]string{}}
	r.deps.Set.Counts = &r.counts
	kind := objects.Kind[Body]{Name: "pipeline", NewID: newID, Check: func(*Body) error { return nil }}
	for _, p := range deps.BuiltIn {
		p.ReadOnly = true
		r.builtIn[p.ID] = p
		kind.BuiltIn = append(kind.BuiltIn, objects.Versioned[Body]{ID: p.ID})
	}
	r.store = objects.New(kind, deps.Objects, deps.Now)
	r.order = objects.New(objects.Kind[Order]{
		Name: "pipeline order", NewID: func() string { return orderID }, Check: func(*Order) error { return nil },
		BuiltIn: []objects.Versioned[Order]{{ID: orderID}},
	}, deps.Objects, deps.Now)
	r.rebuild(context.Background())
	return r
}

// BuiltIn are the pipelines that ship, of the folder `pipelines`.
func BuiltIn(files fs.FS) ([]*pipeline.Pipeline, error) {
	all, err := pipeline.Load(files, "pipelines")
	if err != nil {
		return nil, fmt.Errorf("built-in pipelines: %w", err)
	}
	return all, nil
}

// Load reads what users stored, and puts it into force. What does not compile any more
// is out of force, and told.
func (r *Registry) Load(ctx context.Context) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	if err := r.store.Load(ctx); err != nil {
		return err
	}
	if err := r.order.Load(ctx); err != nil {
		return err
	}
	r.rebuild(ctx)
	return nil
}

// Wants implements ingest.Pipelines.
func (r *Registry) Wants(e *schema.Event) bool { return r.inForce.Load().Wants(e) }

// Run implements ingest.Pipelines.
func (r *Registry) Run(x *record.Record) record.Applied { return r.inForce.Load().Run(x) }

// Set is what is in force now.
func (r *Registry) Set() *pipeline.Set { return r.inForce.Load() }

// rebuild puts into force what is stored. The lock is held.
func (r *Registry) rebuild(ctx context.Context) {
	var all []*pipeline.Pipeline
	for _, v := range r.ordered(ctx) {
		if p := r.compile(v); p != nil {
			all = append(all, p)
		}
	}
	r.inForce.Store(pipeline.NewSet(all, r.deps.Set))
}

// compile is the pipeline of a stored version; nil: it is out of force.
func (r *Registry) compile(v objects.Versioned[Body]) *pipeline.Pipeline {
	if b := r.builtIn[v.ID]; b != nil {
		return enabledAs(b, v.Body.Enabled)
	}
	if c, ok := r.compiled[v.ID]; ok && c.version == v.Version {
		return c.Pipeline
	}
	delete(r.broken, v.ID)
	p, err := parse(v.Body.Document, v.ID, v.Version)
	if err != nil {
		r.broken[v.ID] = err.Error()
		r.deps.Log.Warn("a pipeline is out of force: this version of nightjar cannot read it", "id", v.ID, "version", v.Version, "error", err)
	}
	r.compiled[v.ID] = compiled{v.Version, p}
	return p
}

func enabledAs(p *pipeline.Pipeline, enabled *bool) *pipeline.Pipeline {
	if enabled == nil || *enabled == p.Enabled {
		return p
	}
	other := *p
	other.Enabled = *enabled
	return &other
}

// parse compiles a document under the id and version that it is stored with.
func parse(document []byte, id string, version int64) (*pipeline.Pipeline, error) {
	p, err := pipeline.Parse(string(document), pipeline.ParseOptions{})
	if err != nil {
		return nil, err
	}
	p.ID, p.Version, p.ReadOnly = id, int(version), false
	return p, nil
}

// ordered are the present versions in the order in which they run.
func (r *Registry) ordered(ctx context.Context) []objects.Versioned[Body] {
	all, _ := r.store.List(ctx) // built-in ones first, then by creation; it never fails
	all = slices.DeleteFunc(all, func(v objects.Versioned[Body]) bool {
		return r.builtIn[v.ID] == nil && len(v.Body.Document) == 0 // built in once, and no more
	})
	order, err := r.order.Get(ctx, orderID)
	if err != nil {
		return all
	}
	// What is named comes first; then what ships, as it ships; then the rest.
	rank := make(map[string]int, len(all))
	for i, p := range r.deps.BuiltIn {
		rank[p.ID] = i - len(r.deps.BuiltIn)
	}
	for i, id := range order.Body.IDs {
		rank[id] = i - len(order.Body.IDs) - len(r.deps.BuiltIn)
	}
	slices.SortStableFunc(all, func(a, b objects.Versioned[Body]) int { return rank[a.ID] - rank[b.ID] })
	return all
}
